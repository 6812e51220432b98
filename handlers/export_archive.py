"""The archive of one user: a ZIP file that is made while it is sent, a page of records at a time.

Of somebody else's data an asker who is no owner gets only what belongs to places it may view. In one's own archive
places that one may not view (any more) have no name.
"""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from db import personal
from db.audit import OTHER
from handlers.exports import check_may_export
from handlers.modlog import oldest_kept, readable_channels
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from db.journal import Operation
    from db.transaction import Transaction
    from db.users import User
    from handlers.context import World
    from handlers.export_links import ExportLink

SECTIONS: dict[str, tuple[personal.Read, str]] = {
    "messages": (personal.own_messages, "Messages you wrote, in channels, threads and direct channels."),
    "reactions": (personal.own_reactions, "Your reactions to messages."),
    "calls": (personal.calls, "Messages of others that mention you or answer you: where and when."),
    "read_markers": (personal.read_markers, "Up to which message you have read each place."),
    "votes": (personal.votes, "Your votes in polls."),
    "uploads": (personal.uploads, "Files you uploaded: names, sizes, kinds. The files themselves are not in here."),
    "sessions": (personal.devices, "Your logins: when, from which address, with which program."),
    "push_subscriptions": (personal.subscriptions, "Where notifications are sent to."),
    "moderation": (personal.moderation, "What the moderation log tells of you."),
}
OF_DEVICES = ("sessions", "push_subscriptions")
"""Only in one's own archive, and for owners."""
README = """{server}: everything that this server holds of {user}, made at {now}.

account.json
    The account, channels joined, and direct channels. The password is stored as a hash, which is not in here.
{files}
One JSON object a line in each .jsonl file. Times are unix seconds. `channel` is the name of a channel, null where it is
gone or may not be viewed; `thread` the name of a thread in it. Backups that the host keeps may hold more.
"""


class _Pipe(io.RawIOBase):
    """What was written and not yet taken."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise OSError  # so that zipfile counts by itself

    def write(self, data: Any) -> int:
        self._chunks.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        chunks, self._chunks = self._chunks, []
        return b"".join(chunks)


class Archive:
    def __init__(self, world: World, link: ExportLink) -> None:
        """Raises Refused when the data may not be had (any more)."""
        self._world = world
        self._link = link
        asker, user = self._people()
        self.file_name = "".join(c if c.isalnum() and c.isascii() else "-" for c in user.username)[:64] + ".zip"
        self.asker = asker.id
        self._own = asker.id == user.id
        self._everything = not self._own and world.access.is_owner(asker)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Raises Refused in the middle when a right is lost meanwhile, or something cannot be read."""
        pipe = _Pipe()
        now = datetime.fromtimestamp(self._world.clock(), UTC)
        date = now.timetuple()[:6] if now.year >= 1980 else (1980, 1, 1, 0, 0, 0)

        def entry(name: str) -> zipfile.ZipInfo:
            info = zipfile.ZipInfo(name, date)
            info.compress_type = zipfile.ZIP_DEFLATED
            return info

        with zipfile.ZipFile(pipe, "w") as archive:
            archive.writestr(entry("README.txt"), self._readme(now))
            archive.writestr(entry("account.json"), self._account())
            yield pipe.take()
            for name, (read, _) in SECTIONS.items():
                if name in OF_DEVICES and not self._own and not self._everything:
                    continue
                with archive.open(entry(f"{name}.jsonl"), "w", force_zip64=True) as file:
                    cursor = None
                    while True:
                        records, cursor = await self._page(read, cursor)
                        shown = [record for each in records if (record := self._shown(each)) is not None]
                        await asyncio.to_thread(
                            file.write, b"".join(msgspec.json.encode(each) + b"\n" for each in shown)
                        )
                        data = pipe.take()
                        if data:
                            yield data
                        if cursor is None:
                            break
        yield pipe.take()

    # --- what is in it

    def _readme(self, now: datetime) -> str:
        files = "".join(f"{name}.jsonl\n    {text}\n" for name, (_, text) in SECTIONS.items())
        _, user = self._people()
        name = self._world.config.server.name
        return README.format(server=name, user=user.username, now=f"{now:%Y-%m-%d %H:%M} UTC", files=files)

    def _account(self) -> bytes:
        world = self._world
        _, user = self._people()
        record: dict[str, Any] = msgspec.to_builtins(user)
        del record["password_hash"]
        if self._own or self._everything:
            record["blocked"] = [world.users.username_of(id_) for id_ in user.blocked]
        else:
            del record["blocked"]
        joined = [{"place": id_, "joined_at": at} for id_, at in world.memberships.of_user(user.id).items()]
        directs = [{"place": direct.id, "created_at": direct.created_at} for direct in world.directs.of_user(user.id)]
        for name, records in (("joined_channels", joined), ("direct_channels", directs)):
            record[name] = [shown for each in records if (shown := self._shown(each)) is not None]
        return msgspec.json.format(msgspec.json.encode(record), indent=2)

    def _shown(self, record: personal.Record) -> personal.Record | None:
        """A record with names for the ids of places; None when it is not for the asker."""
        asker, user = self._people()
        if "action" in record:
            return self._shown_entry(record, asker, user)
        place = record.pop("place", None)
        if place is None and "endpoint" not in record and "address" not in record:
            return {"channel": None, **record} if self._own or self._everything else None
        if place is None:
            return record
        named = self._named(place, asker, user)
        if named is None:
            return {"channel": None, **record} if self._own or self._everything else None
        return named | record

    def _named(self, place: str, asker: User, user: User) -> personal.Record | None:
        """None when the place is gone, or the asker may not view it."""
        world = self._world
        direct = world.directs.get(place)
        if direct is not None:
            if asker.id not in direct.members and not self._everything:
                return None
            return {"channel": direct.name, "with": world.users.username_of(direct.other(user.id))}
        thread = world.threads.get(place)
        channel = world.channels.get(place if thread is None else thread.parent)
        if channel is None or not world.access.may(asker, channel, "view"):
            return None
        return {"channel": channel.name} if thread is None else {"channel": channel.name, "thread": thread.name}

    def _shown_entry(self, record: personal.Record, asker: User, user: User) -> personal.Record | None:
        """An entry of the moderation log. Whom it was done to is not told by whom."""
        channels = readable_channels(self._world, asker)
        place, oldest = record.pop("place"), oldest_kept(self._world.config, self._world.clock())
        if record["timestamp"] < oldest.get(record["category"], oldest[OTHER]):
            return None
        if place is not None and channels is not None and place not in channels:
            return None
        if self._own and record["actor_id"] != user.id:
            del record["actor_id"], record["actor_name"]
        return record

    # --- reading

    def _people(self) -> tuple[User, User]:
        """(who asked, whose data it is) as they are now. Raises Refused."""
        asker, user = self._world.users.get(self._link.by), self._world.users.get(self._link.of)
        if asker is None:
            raise Refused(Code.AUTH_REQUIRED)
        check_may_export(self._world, asker, user)
        assert user is not None
        return asker, user

    async def _page(self, read: personal.Read, cursor: personal.Cursor) -> personal.Page:
        self._people()
        user_id = self._link.of
        return await _ask(self._world, lambda tx: read(tx, user_id, cursor))


def open_archive(world: World, token: str, *, use: bool) -> Archive | None:
    """The archive behind a link; None where there is none (any more), or the right to it was lost meanwhile. use: the
    link is used up."""
    link = world.exports.get(token)
    if link is None:
        return None
    if use:
        world.exports.use(token)
    try:
        return Archive(world, link)
    except Refused:
        return None


async def _ask(world: World, read: Callable[[Transaction], personal.Page]) -> personal.Page:
    answer: asyncio.Future[personal.Page] = asyncio.get_running_loop().create_future()

    def settled(operation: Operation) -> None:
        if answer.done():
            return
        if operation.error is not None:
            answer.set_exception(operation.error)
        else:
            answer.set_result(operation.result)

    world.journal.submit(read, (), settled)
    return await answer
