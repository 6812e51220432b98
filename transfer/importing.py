"""An import from beginning to end: read, build a data folder beside the old one, put it in its place."""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from config.files import json_bytes, write_file
from db import counters, schema
from db.database import FolderLock
from db.emojis import COUNTER, FIRST_ID
from transfer.model import Community, ImportStopped
from transfer.places import Places
from transfer.reading.community import read_community
from transfer.reading.source import Source
from transfer.report import Report
from transfer.writing import documents, sinks
from transfer.writing.messages import MessageWriter
from transfer.writing.settings import taken_over
from transfer.writing.tables import TableWriter, copy_files
from transfer.writing.target import MARK, Target

AskOwner = Callable[[], str]
"""Gives the name of a member who becomes owner; empty: nobody."""


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """source: the old folder. stranded: keep what belongs to no channel. into_existing: add to a community that has
    messages of its own. owner: a member who becomes one. with_config: replace settings that config.json has."""

    source: Path
    dry_run: bool = False
    stranded: bool = False
    into_existing: bool = False
    owner: str | None = None
    with_config: bool = False


class Told:
    """What is told while it runs. step: what is done now. size, progress: of the messages, in bytes or rows."""

    def step(self, text: str) -> None: ...

    def size(self, total: int) -> None: ...

    def progress(self, count: int) -> None: ...


def run_import(
    wish: Wish, places: Places, config_file: Path, ask_owner: AskOwner, told: Told, now: float | None = None
) -> Report:
    """Raises ImportStopped, ConfigError, DatabaseError, OSError; then everything is as it was. now: unix seconds."""
    report = Report()
    began = time.time() if now is None else now
    source = Source(wish.source, report)
    folder = places.paths.folder
    if folder.resolve() == source.data or folder.resolve().is_relative_to(source.data):
        raise ImportStopped(f"{folder} is the old folder itself: name another one by --data-dir")
    told.step("reading")
    existed = folder.exists()
    with tempfile.TemporaryDirectory(prefix="originchats-import-") as scratch:
        community = read_community(source, report, Path(scratch), began, wish.stranded)
        try:
            with FolderLock(folder):
                former = _import(community, source, wish, places, report, ask_owner, told, began)
        finally:
            if not existed and (wish.dry_run or not _has_data(folder)):
                _remove_if_empty(folder)
    if former is not None:
        report.facts["former data folder"] = str(former)
    _settings(community, wish, places, config_file, report)
    return report


def _import(
    community: Community,
    source: Source,
    wish: Wish,
    places: Places,
    report: Report,
    ask_owner: AskOwner,
    told: Told,
    began: float,
) -> Path | None:
    target = Target(places.paths)
    mark = f"{MARK}{hashlib.sha256(str(source.data).encode()).hexdigest()[:32]}"
    if target.has_messages and mark not in target.marks and not wish.into_existing:
        raise ImportStopped(
            f"{target.folder} has messages that did not come from this folder: move it away, or add to it "
            "by --into-existing"
        )
    report.facts |= {"source": str(source.data), "eras": ", ".join(community.eras), "target": str(target.folder)}
    if wish.dry_run:
        report.facts["dry run"] = "nothing was changed"
    try:
        changed = _build(community, target, wish, report, ask_owner, told, mark)
        if wish.dry_run or not changed:
            target.forget()
            return None
        told.step("putting the new data folder in place")
        return target.put_in_place(time.strftime("%Y%m%d-%H%M%S", time.gmtime(began)))
    except BaseException:
        target.forget()
        raise


def _build(
    community: Community, target: Target, wish: Wish, report: Report, ask_owner: AskOwner, told: Told, mark: str
) -> bool:
    """False when the data folder has all of it."""
    there = {name: target.document(name) for name in ("users.json", "roles.json", "channels.json", "serverEmojis.json")}
    users = documents.add("members", there["users.json"], community.users, report)
    roles = documents.add("roles", there["roles.json"], community.roles, report)
    users = _with_owner(users, wish, ask_owner, report)
    connection = target.prepare()
    messages = MessageWriter(connection, community.people, users, roles, report)
    channels, ids = documents.add_channels(there["channels.json"], community.channels, messages.has, report)
    tables = TableWriter(connection, ids, report)
    ids |= tables.directs(community)
    told.size(sum(place.size for place in community.places))
    large = sum(place.size for place in community.places) >= sinks.WORTH_A_PROCESS
    messages.write(
        [(place, ids.get(place.id, place.id)) for place in community.places],
        lambda: sinks.Process(target.database) if large else sinks.Direct(connection),
        told,
    )
    report.counts["messages"] = messages.stored
    community.uploads.tell_strays()
    told.step("attachments and everything else")
    tables.write(community, messages.shown, target.prepared)
    copy_files(community.copies, target.prepared, report)
    emojis = documents.add_emojis(there["serverEmojis.json"], community.emojis, report)
    counters.raise_to(connection, COUNTER, max(community.emoji_ids.highest + 1, FIRST_ID))
    counters.raise_to(connection, mark, 1)
    connection.execute(schema.sessions.delete())  # who resumes would not hear of what came in
    connection.commit()
    target.write("users.json", users)
    if roles:
        target.write("roles.json", roles)
    if community.channels:
        target.write("channels.json", channels)
    target.write("serverEmojis.json", emojis)
    told.step("waiting for the disk")
    target.close(connection)
    changed = target.is_new or users != there["users.json"] or any(report.counts.values())
    if not changed:
        report.facts["nothing new"] = "everything was there already"
    return changed


def _with_owner(users: dict[str, Any], wish: Wish, ask_owner: AskOwner, report: Report) -> dict[str, Any]:
    name = wish.owner
    if name is None and not documents.owners(users):
        name = ask_owner()
    if name:
        users = documents.with_owner(users, name)
    report.facts["owners"] = ", ".join(documents.owners(users)) or "nobody: the first start shows a claim code"
    return users


def _settings(community: Community, wish: Wish, places: Places, config_file: Path, report: Report) -> None:
    if community.settings is None:
        return
    if not places.config_is_default and not wish.with_config:
        report.note("settings_kept")
        return
    document = taken_over(community.settings, report, community.own_settings)
    if not wish.dry_run:
        write_file(config_file, json_bytes(document))


def _has_data(folder: Path) -> bool:
    return any(path.name != "originchats.lock" for path in folder.iterdir()) if folder.exists() else False


def _remove_if_empty(folder: Path) -> None:
    if folder.exists() and not _has_data(folder):
        (folder / "originchats.lock").unlink(missing_ok=True)
        folder.rmdir()
