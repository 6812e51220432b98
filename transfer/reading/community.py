"""The whole old folder as a `Community`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config import strict_json
from config.problems import ConfigError
from db.channels import Channel
from db.directs import Direct, ordered
from db.threads import Thread
from transfer.model import Community, Copy, ImportStopped, Place
from transfer.own_format import FILE, TABLES, OwnPart, usable_rows
from transfer.reading import indexes, leftovers, small, sqlite_era
from transfer.reading.channels import for_owners, read_channels
from transfer.reading.indexes import Indexes, Records
from transfer.reading.messages import MessageReader
from transfer.reading.people import NOBODY, People, is_name_keyed, read_roles, read_users
from transfer.reading.small import Names
from transfer.reading.source import Source
from transfer.reading.uploads import Uploads
from transfer.report import Report

FORUM = "forum"
WITHOUT_MESSAGES = ("separator", "category")


def read_community(source: Source, report: Report, scratch: Path, now: float, stranded: bool) -> Community:
    """scratch: an empty folder, which must stay until the messages were read. now: unix seconds. stranded: keep what
    belongs to no channel, in channels that only owners see. Raises ImportStopped."""
    raw = _indexes(source, report, scratch)
    by_name_era = bool(raw.users) and all(is_name_keyed(id_, dict(record)) for id_, record in raw.users.items())
    leftovers.tell(source, raw, report)
    users = read_users(raw.users, report)
    exact = raw.own is not None
    people = People(users, exact)
    channels = read_channels(raw.channels, by_name_era, report, exact)
    _stranded_files(raw, channels, report, stranded)
    threads = _threads(raw, channels, people, report, stranded)
    directs = _directs(raw, people, report)
    ids = {name: channel.id for name, channel in channels.items()}
    names = Names(ids, {thread.id: thread.parent for thread in threads}, frozenset(d.id for d in directs), people)
    uploads = Uploads(
        source, raw.attachments, ids | {direct.id: direct.id for direct in directs}, people, report, exact
    )
    emojis, copies, emoji_ids = small.read_emojis(
        raw.emojis, source, report, raw.own.next_emoji_id if raw.own is not None else 0
    )
    reader = MessageReader(people, report, now, uploads.snapshot, emoji_ids.seen)
    polls = list(small.read_polls(raw.polls, names, report))

    def place(id_: str, name: str, records: Records) -> Place:
        return Place(
            id=id_,
            name=name,
            size=records.size,
            messages=lambda told: reader.messages(id_, records.name, records.read(told)),
        )

    places = [place(ids[name], channels[name].name, raw.channel_messages[name]) for name in ids
              if name in raw.channel_messages]  # fmt: skip
    places += [place(thread.id, thread.name, raw.thread_messages[thread.id]) for thread in threads
               if thread.id in raw.thread_messages]  # fmt: skip
    places += [place(direct.id, "direct messages", raw.direct_messages[direct.id]) for direct in directs
               if direct.id in raw.direct_messages]  # fmt: skip
    return Community(
        users=users,
        roles=read_roles(raw.roles, report),
        channels=list(channels.values()),
        threads=threads,
        directs=directs,
        places=places,
        polls=polls,
        votes=list(small.read_votes(raw.votes, polls, people, report)),
        reads=list(small.read_markers(raw.unreads, names, report)),
        webhooks=list(small.read_webhooks(raw.webhooks, names, report)),
        modlog=list(small.read_modlog(raw.modlog, names, report)),
        uploads=uploads,
        people=people,
        emojis=emojis,
        emoji_ids=emoji_ids,
        push=list(small.read_push(raw.push, people, report)),
        copies=copies + _copies(source),
        settings=_settings(source),
        own_settings=exact,
        own_tables=_own_tables(raw.own, report),
        eras=(["names"] if by_name_era else ["names and ids"] if any(
            is_name_keyed(id_, dict(record)) for id_, record in raw.users.items()) else []) + raw.eras,
    )  # fmt: skip


def _indexes(source: Source, report: Report, scratch: Path) -> Indexes:
    if source.file(sqlite_era.NAME) is None:
        raw = indexes.from_files(source, report)
    else:
        old = sqlite_era.OldDatabase(source, scratch)
        if sqlite_era.is_newest(source):
            raw = sqlite_era.from_database(source, old)
        else:
            # what came after it did not take over these two
            raw = indexes.from_files(source, report)
            polls, votes = sqlite_era.polls(old)
            raw.users = sqlite_era.users(old) | raw.users
            raw.polls, raw.votes = polls | raw.polls, votes | raw.votes
            raw.eras.append("sqlite before")
    indexes.check(raw)
    for id_, record in list(raw.users.items()):
        if not isinstance(record, dict):
            report.note("bad_record", f"users.json: {id_}")
            del raw.users[id_]
    return raw


def _stranded_files(raw: Indexes, channels: dict[str, Channel], report: Report, keep: bool) -> None:
    for name, messages in raw.stranded.items():
        report.note("stranded", messages.name)
        if keep:
            channels[name] = for_owners(name, "text", channels)
            raw.channel_messages[name] = messages


def _threads(raw: Indexes, channels: dict[str, Channel], people: People, report: Report, keep: bool) -> list[Thread]:
    found = []
    for id_, record in raw.threads.items():
        parent = record.get("parent_channel")
        if not isinstance(parent, str) or parent not in channels:
            report.note("stranded_thread", f"{record.get('name')} of {parent}")
            if not keep:
                continue
            parent = parent if isinstance(parent, str) else ""
            channels.setdefault(parent, for_owners(parent or FORUM, FORUM, channels))
        given = record.get("participants")
        joined = [person for person in given if isinstance(person, str)] if isinstance(given, list) else []
        created_at = record.get("created_at")
        name = record.get("name")
        found.append(
            Thread(
                id=id_,
                name=name if isinstance(name, str) and name else id_,
                parent=channels[parent].id,
                created_by=people.id_of(record.get("created_by") or NOBODY),
                created_at=float(created_at) if isinstance(created_at, int | float) else 0.0,
                locked=record.get("locked") is True,
                archived=record.get("archived") is True,
                participants=tuple(dict.fromkeys(people.id_of(person) for person in joined)),
            )
        )
    return found


def _directs(raw: Indexes, people: People, report: Report) -> list[Direct]:
    """Only our own exports have these."""
    found: dict[tuple[str, str], Direct] = {}
    for record in raw.directs:
        members = record.get("members") if isinstance(record, dict) else None
        created_at = record.get("created_at") if isinstance(record, dict) else None
        if not isinstance(members, list) or len(members) != 2 or not isinstance(record.get("id"), str):
            report.note("bad_record", "directs.json")
            continue
        pair = ordered(str(members[0]), str(members[1]))
        if pair not in found:
            found[pair] = Direct(id=record["id"], members=pair, created_at=float(created_at or 0.0))
    return list(found.values())


def _own_tables(own: OwnPart | None, report: Report) -> dict[str, list[dict[str, Any]]]:
    if own is None:
        return {}
    found = {}
    for table in TABLES:
        rows = own.tables.get(table.name, [])
        found[table.name] = usable_rows(table, rows)
        if len(found[table.name]) < len(rows):
            report.note("bad_record", f"{FILE}: {table.name}", len(rows) - len(found[table.name]))
    return found


def _copies(source: Source) -> list[Copy]:
    copies = [Copy(path, f"serverAssets/{path.name}") for path in source.files("serverAssets")]
    copies += [Copy(path, f"plugins/{path.name}") for path in source.files("plugins") if path.suffix == ".json"]
    if source.install is not None:
        root = source.install
        known = {copy.target for copy in copies}
        copies += [
            Copy(path, f"plugins/{path.name}")
            for path in source.files("plugins", root)
            if path.suffix == ".json" and f"plugins/{path.name}" not in known
        ]
        copies += [
            Copy(path, f"vapid/{path.name}")
            for path in source.files("vapid", root)
            if path.name in ("private_key.pem", "vapid_config.json")
        ]
    return copies


def _settings(source: Source) -> dict[str, Any] | None:
    """Raises ImportStopped when config.json cannot be read."""
    root = source.install
    path = source.inside(root / "config.json", root) if root is not None else None
    if path is None:
        return None
    try:
        settings, _ = strict_json.read(path)
    except ConfigError as error:
        raise ImportStopped(str(error)) from None
    if not isinstance(settings, dict):
        raise ImportStopped(f"{path}:1: expected an object at the top")
    return settings
