"""The small files of an old folder as they are, from JSON or from the database that upstream had for two days."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from transfer import own_format
from transfer.model import ImportStopped
from transfer.own_format import OwnPart
from transfer.reading import message_files
from transfer.reading.message_files import Progress
from transfer.reading.source import Source, read_json
from transfer.report import Report

LINES, LIST = "lines", "array"
EARLY_SUFFIX = "_messages.jsonl"
"""Of the messages of threads in the first hours that there were threads, beside the thread's own file."""


class Records(msgspec.Struct):
    """The messages of one place, oldest first. size: bytes or rows. read: gives (place in the file, object)."""

    name: str
    size: int
    read: Callable[[Progress], Iterator[tuple[int, dict[str, Any]]]]


class Indexes(msgspec.Struct, kw_only=True):
    """In the shapes of upstream's current files. threads: by id. channel_messages: by the name of the channel."""

    users: dict[str, Any] = {}
    roles: dict[str, Any] = {}
    channels: list[Any] = []
    threads: dict[str, dict[str, Any]] = {}
    polls: dict[str, Any] = {}
    votes: dict[str, Any] = {}
    unreads: dict[str, Any] = {}
    webhooks: dict[str, Any] = {}
    modlog: list[Any] = []
    attachments: dict[str, Any] = {}
    emojis: dict[str, Any] = {}
    push: dict[str, Any] = {}
    directs: list[Any] = []
    channel_messages: dict[str, Records] = {}
    thread_messages: dict[str, Records] = {}
    direct_messages: dict[str, Records] = {}
    stranded: dict[str, Records] = {}
    """Messages of no channel, by the name of their file."""
    eras: list[str] = []
    own: OwnPart | None = None
    """What only an export of this server has; then everything else is meant exactly as it stands there."""


def from_files(source: Source, report: Report) -> Indexes:
    """Raises ImportStopped."""
    found = Indexes(
        users=source.index("users.json", dict),
        roles=source.index("roles.json", dict),
        channels=source.index("channels.json", list),
        polls=source.index("polls.json", dict),
        votes=source.index("poll_votes.json", dict),
        webhooks=source.index("webhooks.json", dict),
        directs=source.index("directs.json", list),
        own=_own_part(source),
    )
    add_small_files(found, source)
    _threads(found, source, report)
    _channel_files(found, source, report)
    for record in found.directs:
        id_ = record.get("id") if isinstance(record, dict) else None
        if isinstance(id_, str):
            messages = _records(source, report, "directMessages", f"{own_format.stem_of(id_)}.jsonl")
            if messages is not None:
                found.direct_messages[id_] = messages
    if found.own is not None:
        found.eras = ["export of this server"]
    return found


def _own_part(source: Source) -> OwnPart | None:
    document = source.index(own_format.FILE, dict)
    if not document:
        return None
    if document.get("format") != own_format.FORMAT:
        raise ImportStopped(f"{source.data / own_format.FILE}: written by a newer version of this server")
    try:
        return msgspec.convert(document, OwnPart)
    except msgspec.ValidationError as error:
        raise ImportStopped(f"{source.data / own_format.FILE}: {error}") from None


def add_small_files(found: Indexes, source: Source) -> None:
    """What has always been in JSON files."""
    found.unreads = source.index("unreads.json", dict)
    found.modlog = source.index("modlog.json", list)
    found.attachments = source.index("attachments.json", dict)
    found.emojis = source.index("serverEmojis.json", dict)
    found.push = source.index("push_subscriptions.json", dict)


def _threads(found: Indexes, source: Source, report: Report) -> None:
    for path in source.files("threads"):
        if path.suffix != ".json":
            continue
        record = read_json(path, dict)
        id_ = record.get("id")
        if not isinstance(id_, str) or not 0 < len(id_) <= 64 or not id_.isprintable():
            id_ = path.stem
        found.threads[id_] = record | {"id": id_}
        later = _records(source, report, "threadMessages", f"{path.stem}.jsonl")
        early = _records(source, report, "threads", f"{path.stem}{EARLY_SUFFIX}")
        messages = _one_after_the_other(early, later) if early is not None and later is not None else later or early
        if messages is not None:
            found.thread_messages[id_] = messages


def _one_after_the_other(early: Records, later: Records) -> Records:
    """Of a message that both files have the one in the later file counts."""

    def read(told: Progress) -> Iterator[tuple[int, dict[str, Any]]]:
        entries = list(later.read(told))
        ids = {fields["id"] for _, fields in entries if isinstance(fields.get("id"), str)}
        yield from ((number, fields) for number, fields in early.read(told) if fields.get("id") not in ids)
        yield from entries

    return Records(later.name, early.size + later.size, read)


def _channel_files(found: Indexes, source: Source, report: Report) -> None:
    used: set[Path] = set()
    shapes: set[str] = set()
    records = [record for record in found.channels if isinstance(record, dict)]
    named = dict.fromkeys(name for one in records if isinstance(name := one.get("name"), str) and name)
    elsewhere = {one.get("name"): found.own.files.get(str(one.get("id"))) for one in records} if found.own else {}
    for name in sorted(named, key=lambda name: "/" in name):  # who is called like a path has no other channel's file
        path = source.file("channels", elsewhere.get(name) or f"{name}.json")
        if path is None or path in used:
            continue
        used.add(path)
        found.channel_messages[name] = _records_in(path, f"channels/{path.name}", report)
        if path.stat().st_size:
            shapes.add(LIST if message_files.is_array(path) else LINES)
    for path in source.files("channels"):
        real = source.inside(path)
        if real is not None and path.suffix == ".json" and path.stat().st_size and real not in used:
            found.stranded[path.stem] = _records_in(real, f"channels/{path.name}", report)
    found.eras += sorted(shapes)


def _records(source: Source, report: Report, *parts: str) -> Records | None:
    path = source.file(*parts)
    return None if path is None else _records_in(path, "/".join(parts), report)


def _records_in(path: Path, name: str, report: Report) -> Records:
    return Records(name, path.stat().st_size, lambda told: message_files.records(path, report, told))


def check(found: Indexes) -> None:
    """Raises ImportStopped when there is nothing of a community."""
    if not found.users and not found.channels:
        raise ImportStopped("neither members nor channels were found")
