"""Uploads over HTTP: who may, what becomes of the file, how long it stays. The bytes arrive in `routes/`."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from db import pictures
from db.attachments import StoredAttachment
from db.directs import Direct
from db.file_store import CHUNK_BYTES, FileStore, Incoming
from db.sessions import ACCESS_TOKEN
from handlers import rotur, wire
from handlers.blocks import require_unblocked
from handlers.file_types import INLINE, PICTURES, is_allowed, kind_of
from handlers.login import RESERVED, token_hash
from handlers.sessions import expired, session_lifetimes_s
from handlers.throttle import Throttle
from handlers.upload_rules import clean_name, lifetime_days
from protocol.attachments import UploadForm, UploadReply
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from config.features import AttachmentCompression, Attachments
    from db.channels import Channel
    from db.journal import Operation
    from db.transaction import Transaction
    from db.users import User
    from handlers.context import World

DAY_S = 86_400
MAX_AT_ONCE, MAX_AT_ONCE_PER_NETWORK, MAX_AT_ONCE_PER_USER = 32, 8, 3
"""Uploads that are under way."""
MAX_SUBSCRIPTIONS = 10_000
FILE_THREADS = 4
FORGET_TICKS, SWEEP_TICKS = 10, 60
_ID = re.compile(r"[0-9A-Za-z-]{1,128}")

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger("originchats.uploads")


class Uploads:
    """Belongs to the event loop."""

    def __init__(
        self,
        world: World,
        files: FileStore,
        *,
        monotonic: Callable[[], float],
        has_connection: Callable[[str], bool],
    ) -> None:
        """has_connection: whether this `validator_key` is that of an open connection."""
        self._world = world
        self.files = files
        self._monotonic = monotonic
        self._has_connection = has_connection
        self._throttle = Throttle(lambda: world.config.attachments.uploads_per_minute, monotonic)
        self._under_way: Counter[str] = Counter()
        self._subscriptions: dict[str, tuple[float, str | None]] = {}
        self._disk = ThreadPoolExecutor(FILE_THREADS, "files")
        self._drawing = ThreadPoolExecutor(1, "pictures")
        self._ticks = 0

    async def in_thread(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """For what touches the disk."""
        return await asyncio.get_running_loop().run_in_executor(self._disk, lambda: work(*args, **kwargs))

    def stop(self) -> None:
        self._disk.shutdown(wait=False, cancel_futures=True)
        self._drawing.shutdown(wait=False, cancel_futures=True)

    # --- who may -----------------------------------------------------------------------------------------------

    @property
    def max_bytes(self) -> int:
        return self._world.config.attachments.max_size

    @contextmanager
    def under_way(self, kind: str, name: str) -> Iterator[None]:
        """One more upload of a `network` or `user` is under way. Raises Refused when there are too many."""
        key = f"{kind} {name}"
        most = MAX_AT_ONCE_PER_NETWORK if kind == "network" else MAX_AT_ONCE_PER_USER
        if self._under_way[key] >= most or (kind == "network" and self._under_way[""] >= MAX_AT_ONCE):
            raise Refused(Code.TOO_MANY_UPLOADS, wait_s=5)
        counted = ["", key] if kind == "network" else [key]
        self._under_way.update(counted)
        try:
            yield
        finally:
            self._under_way.subtract(counted)
            self._under_way += Counter()  # keys with nothing under way go

    def require_enabled(self) -> None:
        if not self._world.config.attachments.enabled:
            raise Refused(Code.ATTACHMENTS_DISABLED)

    async def user_of(self, token: str) -> str | None:
        """The id of the user whose session has this secret."""
        wanted, now = token_hash(token), self._world.clock()
        stored = await self._in_journal(lambda tx: tx.sessions.by_token_hash(wanted))
        if stored is None or stored.gateway == ACCESS_TOKEN:
            return None
        return None if expired(stored, session_lifetimes_s(self._world.config), now) else stored.user_id

    async def authenticate(self, form: UploadForm, network: str) -> str:
        """The id of the user that the credentials of the form stand for. Raises Refused. Failures count as tries to log
        in do."""
        world, config = self._world, self._world.config
        wait_s = world.logins.wait_s(network)
        if wait_s:
            raise Refused(Code.TOO_MANY_TRIES, wait_s=round(wait_s) + 1)
        if not form.validator:
            raise Refused(Code.AUTH_REQUIRED)
        user_id = await self.user_of(form.validator)
        if user_id is None and config.auth_mode != "cracked-only" and self._has_connection(form.validator_key):
            try:
                found = await rotur.validate(
                    config.rotur.validate_url, form.validator_key, form.validator, config.rotur.timeout_s
                )
            except rotur.RoturUnavailable as error:
                raise Refused(Code.ROTUR_UNAVAILABLE, reason=str(error)) from None
            if found is not None and not found.id.lower().startswith(RESERVED):
                user_id = found.id
        if user_id is None or user_id not in world.users:
            world.logins.count(network)
            raise Refused(Code.INVALID_AUTHENTICATION)
        return user_id

    def admit(self, user_id: str, form: UploadForm) -> None:
        """Count an upload. Raises Refused when the user may not upload this, or has uploaded too much lately."""
        self._may(user_id, form)
        wait_s = self._throttle.wait_s(user_id)
        if wait_s:
            raise Refused(Code.TOO_MANY_UPLOADS, wait_s=round(wait_s) + 1)
        self._throttle.count(user_id)

    def _may(self, user_id: str, form: UploadForm) -> tuple[User, Channel | Direct]:
        """Who uploads, and for which channel. Raises Refused."""
        world = self._world
        self.require_enabled()
        user = world.users.get(user_id)
        if user is None:
            raise Refused(Code.INVALID_AUTHENTICATION)
        if user.banned:
            raise Refused(Code.BANNED)
        if user.guest:
            raise Refused(Code.ACCOUNT_REQUIRED)
        now = world.clock()
        if user.muted_until is not None and user.muted_until > now:
            raise Refused(
                Code.RATE_LIMIT, reason=f"You are timed out for {max(1, round(user.muted_until - now))} seconds"
            )
        channel = world.channels.by_name(form.channel) or world.directs.by_name(form.channel)
        if channel is None or not world.access.may(user, channel, "view"):
            raise Refused(Code.CHANNEL_NOT_FOUND)
        if not world.access.may(user, channel, "send"):
            raise Refused(Code.NOT_PERMITTED, action="send messages in this channel")
        if isinstance(channel, Direct):
            require_unblocked(world, user, channel.other(user.id))
        return user, channel

    # --- what becomes of the file ------------------------------------------------------------------------------

    async def store(self, user_id: str, form: UploadForm, incoming: Incoming) -> UploadReply:
        """Keep a complete file. Raises Refused. The file is gone afterwards from where it arrived, or the caller's to
        discard."""
        world = self._world
        if incoming.size == 0:
            raise Refused(Code.FILE_REFUSED, reason="it is empty")
        mime_type = await self.in_thread(kind_of, incoming.path, form.mime_type)
        if not is_allowed(mime_type, world.config.attachments.allowed_types):
            raise Refused(Code.FILE_REFUSED, reason=f"its type is {mime_type}")
        picture: pictures.Picture | None = None
        if mime_type in PICTURES:
            drawn = await asyncio.get_running_loop().run_in_executor(
                self._drawing, self._draw, incoming.path, PICTURES[mime_type], world.config.attachments.compression
            )
            picture, incoming = drawn
            mime_type = drawn[0].mime_type
        try:
            size = incoming.size
            permanent = await self._is_permanent(user_id)
            hash = await self.in_thread(self.files.place, incoming)
        finally:
            if picture is not None:
                self._disk.submit(incoming.discard)
        try:
            user, channel = self._may(user_id, form)
            now, settings = world.clock(), world.config.attachments
            days = lifetime_days(size, permanent, settings)
            record = StoredAttachment(
                id=world.new_uuid(),
                hash=hash,
                name=clean_name(form.name),
                mime_type=mime_type,
                size=size,
                uploader_id=user.id,
                channel=channel.id,
                created_at=now,
                expires_at=now + DAY_S * min(days, form.expires_in_days or days),
                permanent=permanent,
                width=picture.width if picture is not None else None,
                height=picture.height if picture is not None else None,
            )
            await self._in_journal(lambda tx: _add(tx, record, settings, now))
        except BaseException:
            self.files.release(hash)
            self.discard([hash])
            raise
        self.files.release(hash)
        return UploadReply(attachment=wire.attachment(world.config, record), permanent=permanent)

    def _draw(self, source: Path, format: str, compression: AttachmentCompression) -> tuple[pictures.Picture, Incoming]:
        """The picture drawn anew, in a new file. Raises Refused."""
        path = self.files.new_path()
        try:
            picture = pictures.reencode(
                source,
                path,
                formats=(format,),
                max_width=compression.max_width if compression.enabled else None,
                max_height=compression.max_height if compression.enabled else None,
                jpeg_quality=compression.jpeg_quality,
                webp_quality=compression.webp_quality,
                png_compression=compression.png_compression,
                max_bytes=self.max_bytes,
            )
            incoming = self.files.incoming()
            try:
                with path.open("rb") as drawn:
                    while data := drawn.read(CHUNK_BYTES):
                        incoming.write(data)
            except BaseException:
                incoming.discard()
                raise
        except pictures.BadPicture as error:
            raise Refused(Code.FILE_REFUSED, reason=str(error)) from None
        finally:
            path.unlink(missing_ok=True)
        return picture, incoming

    async def _is_permanent(self, user_id: str) -> bool:
        """Whether the user's subscription makes files stay longer; when the service cannot be asked it does not."""
        world = self._world
        config, user = world.config, world.users.get(user_id)
        if user is None or user.is_local or user.guest or config.auth_mode == "cracked-only":
            return False
        if not config.attachments.permanent_tiers:
            return False
        now = self._monotonic()
        at, tier = self._subscriptions.get(user_id, (-float("inf"), None))
        if now - at > config.attachments.subscription_cache_ttl:
            try:
                tier = await rotur.subscription(config.rotur.profile_url, user.username, config.rotur.timeout_s)
            except rotur.RoturUnavailable as error:
                log.warning("the subscription of an uploader is not known: %s", error)
                tier = None
            if len(self._subscriptions) >= MAX_SUBSCRIPTIONS:
                self._subscriptions.clear()
            self._subscriptions[user_id] = (now, tier)
        return tier is not None and tier.lower() in map(str.lower, config.attachments.permanent_tiers)

    # --- fetching ----------------------------------------------------------------------------------------------

    async def find(self, id: str) -> tuple[StoredAttachment, Path]:
        """An upload and its file. Raises Refused when it is unknown or past its time."""
        self.require_enabled()
        now = self._world.clock()
        found = await self._in_journal(lambda tx: tx.attachments.get(id, now)) if _ID.fullmatch(id) else None
        if found is None:
            raise Refused(Code.ATTACHMENT_NOT_FOUND)
        path = self.files.path(found.hash)
        if not await self.in_thread(path.is_file):
            log.error("the file of the upload %s is missing", found.id)
            raise Refused(Code.ATTACHMENT_NOT_FOUND)
        return found, path

    def is_inline(self, mime_type: str) -> bool:
        """Whether browsers may show it in a page."""
        return mime_type in INLINE

    def seconds_left(self, attachment: StoredAttachment) -> float:
        return float("inf") if attachment.expires_at is None else attachment.expires_at - self._world.clock()

    # --- upkeep ------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Once a second."""
        self._ticks += 1
        if self._ticks % FORGET_TICKS == 0:
            now = self._world.clock()
            self._world.journal.submit(lambda tx: tx.attachments.forget_past(now), (), self._forgotten)
        if self._ticks % SWEEP_TICKS == 0:
            self._throttle.sweep()
            self._disk.submit(self._sweep, asyncio.get_running_loop(), f"{self._ticks // SWEEP_TICKS % 256:02x}")

    def _forgotten(self, operation: Operation) -> None:
        if operation.error is not None:
            log.error("forgetting old uploads failed: %s", operation.error)
        else:
            self.discard(operation.result)

    def _sweep(self, loop: asyncio.AbstractEventLoop, prefix: str) -> None:
        """Files that no record needs, as after a crash. In a worker thread; one folder of 256 at a time."""
        hashes = self.files.hashes(prefix)
        if hashes and not loop.is_closed():
            loop.call_soon_threadsafe(self.discard, hashes)

    def discard(self, hashes: list[str]) -> None:
        """Remove those files that no record and no upload under way needs."""
        condemned = self.files.condemn(hashes)
        if not condemned:
            return

        def looked(operation: Operation) -> None:
            needed = set(condemned) if operation.error is not None else operation.result
            self.files.spare({hash: call for hash, call in condemned.items() if hash in needed})
            self._disk.submit(self.files.remove, {hash: call for hash, call in condemned.items() if hash not in needed})

        self._world.journal.submit(lambda tx: tx.attachments.recorded(list(condemned)), (), looked)

    async def _in_journal(self, work: Callable[[Transaction], T]) -> T:
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def settled(operation: Operation) -> None:
            if done.done():
                return
            if operation.error is not None:
                done.set_exception(operation.error)
            else:
                done.set_result(operation.result)

        self._world.journal.submit(work, (), settled)
        return await done


def _add(tx: Transaction, record: StoredAttachment, attachments: Attachments, now: float) -> None:
    """Raises Refused when the uploader has too much already; what no message shows makes room first, oldest first."""
    number, used = tx.attachments.usage(record.uploader_id, now)
    most, room = attachments.max_attachments_per_user, attachments.max_total_bytes_per_user
    ending: list[StoredAttachment] = []
    if most >= 0 and number >= most:
        ending = tx.attachments.oldest_unused(record.uploader_id, number - most + 1, now)
        if len(ending) <= number - most:
            raise Refused(Code.TOO_MANY_FILES, max=most)
    if room >= 0 and used + record.size - sum(each.size for each in ending) > room:
        raise Refused(Code.NO_ROOM_FOR_FILE, max=room)
    tx.attachments.end([each.id for each in ending])
    tx.attachments.add(record)
