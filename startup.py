"""Putting the server together: open what is remembered, build the core, attach what speaks to the outside."""

from __future__ import annotations

import asyncio
import gc
import logging
import secrets
import socket
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from backups import Backups
from client import Client
from config.live import LiveConfig
from config.paths import DataPaths
from config.version import VERSION
from connection import Frame
from db import counters, document_log
from db.database import DatabaseError, FolderLock, migrate, open_database, unusable
from db.document_file import DocumentFiles
from db.emojis import COUNTER, extension_of
from db.file_store import FileStore
from db.folder_swap import interrupted
from db.ids import uuid7
from db.journal import Journal, Operation
from db.permissions import Access
from db.secret_key import SecretKey
from db.store import Store
from db.users import User
from db.vapid import VapidKeys
from fanout import Fanout
from figures import Figures
from gateways.chat_api.app import MOUNT as CHAT_API
from gateways.chat_api.gateway import ChatApi
from gateways.rooms.guest import door as rooms_door
from handlers.asset_pictures import AssetPictures, asset_url, is_picture_of_many
from handlers.audit import entry
from handlers.claim import Claim
from handlers.context import World
from handlers.emoji_pictures import EmojiPictures
from handlers.export_archive import open_archive
from handlers.frames import frame_of
from handlers.invites import card, registration
from handlers.passwords import PasswordPool
from handlers.rate_limiter import RateLimiter
from handlers.server_info import card_changes, follow, server_updated
from handlers.throttle import Throttle
from handlers.uploads import Uploads
from http_server import HttpServer
from incoming import Incoming
from metrics import Metrics
from outbound import Outbound
from plugin_host.host import PluginHost
from protocol.login import GapEvent, ShutdownEvent
from push import Push, Sender
from routes.app import build as build_routes
from routes.attachments import AttachmentRoutes
from routes.info import RecentFacts
from routes.view import Download, Facts, InviteCard, TooMany
from server import OriginChatsServer
from upkeep import Upkeep
from watchers import FileWatcher

CLAIM_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
RETRY_AFTER_MS = 4_000

log = logging.getLogger("originchats")


class Opened:
    """What is remembered, opened and checked, before anybody is served. Closing it is the last thing done."""

    def __init__(self, live: LiveConfig, paths: DataPaths, clock: Callable[[], float] = time.time) -> None:
        """Raises DataError (a document), DatabaseError, OSError; then nothing was changed."""
        self.live = live
        self.paths = paths
        self.clock = clock
        cut_off = interrupted(paths.folder)
        if cut_off is not None:
            raise DatabaseError(cut_off)
        self.lock = FolderLock(paths.folder)
        try:
            self.files = DocumentFiles(paths, uuid7)
            self.files.check()
            self.engine = open_database(paths.database_url)
            try:
                migrate(self.engine)
                self.store = Store(self.engine, clock)
                tx = self.store.begin()
                rows = document_log.load(tx.connection)
                self.newest_seq = tx.log.newest()
                next_emoji = counters.read(tx.connection, COUNTER)
                tx.rollback()
                self.documents, self.edited_while_down = self.files.open(rows)
                self.documents.emojis.next_id = max(self.documents.emojis.next_id, next_emoji)
                self.attached = FileStore(paths.files)
                self.attached.open()
            except SQLAlchemyError as error:  # damaged, not to be written, a full disk, somebody else's tables
                self.engine.dispose()
                raise DatabaseError(unusable(self.engine, error)) from error
            except BaseException:
                self.engine.dispose()
                raise
        except BaseException:
            self.lock.release()
            raise

    def close(self) -> None:
        self.store.close()
        self.engine.dispose()
        self.files.close()
        self.lock.release()


class Community:
    """Everything that runs. Built inside the event loop."""

    def __init__(
        self, opened: Opened, ready: Callable[[Community], None], monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """ready: called when clients can connect."""
        documents, live, paths = opened.documents, opened.live, opened.paths
        self.opened = opened
        self.started_at = opened.clock()
        self.loop = asyncio.get_running_loop()
        self.journal = Journal(opened.store, opened.files, self.loop)
        access = Access(documents.roles, opened.store.memberships)
        fanout = Fanout(documents.users, documents.channels, opened.store.directs, access, self._gap_frame)

        def has_owner() -> bool:
            return any(access.is_owner(user) for user in documents.users)

        self.world = World(
            live=live,
            documents=documents,
            store=opened.store,
            fanout=fanout,
            journal=self.journal,
            limiter=RateLimiter(lambda: live.current.rate_limiting, monotonic),
            logins=Throttle(lambda: live.current.limits.login_tries_per_minute, monotonic),
            registrations=Throttle(lambda: live.current.limits.registrations_per_minute, monotonic),
            joins=Throttle(lambda: live.current.limits.joins_per_minute, monotonic),
            invite_lookups=Throttle(lambda: live.current.limits.invite_lookups_per_minute, monotonic),
            voice_signals=Throttle(lambda: live.current.limits.voice_signals_per_minute, monotonic),
            profile_changes=Throttle(lambda: live.current.limits.profile_changes_per_minute, monotonic),
            paces={
                "broadcasts_per_minute": Throttle(lambda: live.current.limits.broadcasts_per_minute, monotonic),
                "searches_per_minute": Throttle(lambda: live.current.limits.searches_per_minute, monotonic),
                "lists_per_minute": Throttle(lambda: live.current.limits.lists_per_minute, monotonic),
            },
            passwords=PasswordPool(),
            emoji_pictures=EmojiPictures(paths.emoji_folder),
            asset_pictures=AssetPictures(paths.assets_folder),
            claim=Claim(None if has_owner() else new_claim_code(), has_owner),
            clock=opened.clock,
            new_id=uuid7,
            new_secret=lambda: secrets.token_urlsafe(32),
            new_uuid=lambda: str(uuid.uuid4()),
            secret_key=SecretKey(opened.paths.folder / "secret.key"),
            vapid=VapidKeys(opened.paths.folder / "vapid"),
        )
        self.world.emoji_pictures.tidy(documents.emojis)
        shown = {live.current.server.icon, live.current.server.banner, *(user.pfp_url for user in documents.users)}
        self.world.asset_pictures.tidy(shown | {channel.icon for channel in documents.channels})
        self.world.not_before(max((head.timestamp for head in opened.store.heads.values()), default=0.0))
        fanout.position = opened.newest_seq
        self._problems: set[str] = set()
        self.server = OriginChatsServer(self.world, monotonic=monotonic)
        self.backups = Backups(
            live, opened.paths, version=VERSION, clock=opened.clock, tell_owners=self.server.tell_owners
        )
        self.world.backups = self.backups
        self.measured = Metrics(self.world, self.server.gate, self.backups)
        self.world.figures = self.figures = Figures(
            self.world,
            self.server.gate,
            self.measured,
            opened.paths,
            started_at=self.started_at,
            monotonic=monotonic,
        )
        self.incoming = Incoming(self.server, monotonic)
        sender = Sender(self.world.vapid, lambda: self.world.config.push.contact, Outbound())
        self.push = Push(self.world, sender, self.loop.call_soon_threadsafe, self.loop.call_later)
        self.world.observers.append(self.push.observe)
        self.uploads = Uploads(self.world, opened.attached, monotonic=monotonic, has_connection=self._has_connection)
        self.attachment_routes = AttachmentRoutes(self.uploads, self._network_of)
        self.chat_api: ChatApi | None = None
        self.plugins: PluginHost | None = None
        self._open_ways_in()
        mounts: dict[str, ASGIApp] = {} if self.chat_api is None else {CHAT_API: self.chat_api.app}
        self.http = HttpServer(
            build_routes(self, mounts, self.attachment_routes, network_of=self._network_of),
            self.server.connection,
            ready=lambda: ready(self),
            drain=self.drain,
            http=HttpToolsProtocol if self.chat_api is None else self.chat_api.stream.protocol(),
        )
        self.watcher = FileWatcher(
            [live.path, live.env_path, paths.users, paths.roles, paths.channels, paths.emojis],
            self.file_changed,
            polling=live.current.DB.poll_files,
            loop=self.loop,
        )

    def _open_ways_in(self) -> None:
        """Attach the gateways that are switched on."""
        if self.world.config.rooms.enabled:
            self.server.gate.doors["/rooms"] = rooms_door(self.server)
        if self.world.config.chat_api.enabled:
            self.chat_api = ChatApi(self.server, RecentFacts(self, self.opened.clock).get)
        if self.world.config.plugins.enabled:
            self.plugins = PluginHost(
                self.server.dispatcher,
                self.world.live.path.absolute().parent / self.world.config.plugins.folder,
                self.opened.paths.folder / "plugins",
                self.server.monotonic,
                self.server.tell_owners,
            )

    def _look_after_parts(self) -> None:
        self.backups.tick()
        self.incoming.tick()
        self.figures.tick()
        self.push.tick()
        self.uploads.tick()
        if self.chat_api is not None:
            self.chat_api.tick()
        if self.plugins is not None:
            self.plugins.tick()

    async def run(self, bound: socket.socket, rooms: socket.socket | None = None) -> None:
        """Serve until told to stop; then everything acknowledged is on disk. rooms: the socket of `rooms.port`."""
        sockets = [bound]
        if rooms is not None:
            sockets.append(rooms)
            door = self.server.gate.doors["/rooms"]
            self.server.gate.doors_at[rooms.getsockname()[1]] = {"/": door, "/rooms": door}
        log.info("OriginChats server %s starts", VERSION)
        _leave_what_is_loaded_to_itself()
        self.journal.start()
        if self.opened.edited_while_down:
            log.info(
                "taken over from files edited while the server was down: %d changes", len(self.opened.edited_while_down)
            )
        self.server.announce(self.opened.edited_while_down)
        self.watcher.start()
        self.push.start()
        if self.plugins is not None:
            await self.plugins.start()
        upkeep = asyncio.ensure_future(Upkeep(self.server, self.looked, self._look_after_parts).run())
        try:
            await self.http.serve(sockets=sockets)
        finally:
            upkeep.cancel()
            self.watcher.stop()
            self.push.stop()
            if self.plugins is not None:
                await self.plugins.stop()
            self.world.passwords.stop()
            await asyncio.to_thread(self.world.emoji_pictures.stop)
            await asyncio.to_thread(self.world.asset_pictures.stop)
            await asyncio.to_thread(self.journal.stop)
            await asyncio.to_thread(self.uploads.stop)

    async def drain(self) -> None:
        """Let nobody new in, tell everybody, and wait until what was accepted is committed and on its way."""
        self.server.gate.closed = True
        frame = frame_of(ShutdownEvent(reason="The server is shutting down", retry_after_ms=RETRY_AFTER_MS))
        self.world.fanout.flush()
        for client in self.server.gate.open_clients:
            client.announce(frame)
        if self.chat_api is not None:
            self.chat_api.close()
        lazy = self.world.documents.take_lazy()
        if lazy:
            self.journal.submit(None, lazy, lambda operation: None)
        settled = self.loop.create_future()
        self.journal.when_idle(lambda: settled.set_result(None))
        try:
            await asyncio.wait_for(settled, 5.0)
        except TimeoutError:
            log.error("the journal did not come to rest in time; what is unfinished was not acknowledged")

    # --- files edited by hand ----------------------------------------------------------------------------------

    def file_changed(self, path: Path) -> None:
        if path in (self.world.live.path, self.world.live.env_path):
            self.reload_config()
        else:
            self.journal.look(self.looked)

    def reload_config(self) -> None:
        before = self.world.config
        reloaded = self.world.live.reload()
        for problem in reloaded.problems:
            log.error("%s; the settings stay as they are", problem)
            self.server.tell_owners(str(problem))
        follow(self.world.live, reloaded)
        if {"server.name", "server.icon", "server.banner", "server.description"} & set(reloaded.changed):
            changes = card_changes(before, self.world.config)
            self.server.emit(
                [server_updated(self.world.config)], audit=[entry(self.world, "server_update", details=changes)]
            )

    def looked(self, operation: Operation) -> None:
        """The documents were looked at: tell of what became unreadable since the last time."""
        if operation.error is not None:
            log.error("a document could not be read: %s", operation.error)
        problems = {str(problem) for problem in self.opened.files.problems}
        for problem in sorted(problems - self._problems):
            self.server.tell_owners(problem)
        self._problems = problems

    # --- what the HTTP routes know -----------------------------------------------------------------------------

    def facts(self) -> Facts:
        world, config = self.world, self.world.config
        newcomer = User(id="", username="", roles=tuple(config.DB.users.default.roles))
        return Facts(
            name=config.server.name,
            icon=asset_url(config, config.server.icon) or "",
            banner=asset_url(config, config.server.banner) or "",
            owner_name=config.server.owner.name,
            service_name=config.service.name,
            service_version=config.service.version,
            users=sum(1 for user in world.users if not user.banned),
            channels=sum(1 for channel in world.channels if world.access.may(newcomer, channel, "view")),
            roles=len(world.roles),
            connected=len(self.server.gate.open_clients),
            online=sum(
                1
                for user_id in world.fanout.online_users()
                if (user := world.users.get(user_id)) is not None and user.status.status != "invisible"
            ),
            started_at=self.started_at,
            registration=registration(world),
            rotur=config.auth_mode != "cracked-only",
            claimable=world.claim.open,
            description=config.server.description or "",
        )

    def metrics(self) -> bytes:
        return self.measured.text()

    def metrics_for(self) -> str:
        return self.world.config.service.metrics

    def emoji_file(self, name: str) -> Path | None:
        emoji = self.world.emojis.by_file_name(name) or self.world.emojis.get(name)
        return None if emoji is None else self.opened.paths.emoji_folder / emoji.file_name

    def asset_file(self, name: str) -> Path | None:
        server = self.world.config.server
        file_name = {"icon": server.icon, "banner": server.banner}.get(name, name)
        shown = file_name is not None and (file_name in (server.icon, server.banner) or is_picture_of_many(file_name))
        if file_name is None or not shown or extension_of(file_name) is None:
            return None
        return self.opened.paths.assets_folder / file_name

    def export(self, token: str, *, use: bool) -> Download | None:
        archive = open_archive(self.world, token, use=use)
        return None if archive is None else Download(archive.file_name, archive.asker, archive.chunks())

    def invite_card(self, code: str, network: str) -> InviteCard | None:
        wait_s = self.world.invite_lookups.wait_s(network)
        if wait_s:
            raise TooMany(wait_s)
        self.world.invite_lookups.count(network)
        found = card(self.world, code)
        if found is None:
            return None
        return InviteCard(valid=found.valid, inviter=found.inviter, expires_at=found.expires_at)

    def journal_works(self) -> bool:
        return self.journal.works

    def webhook_wait_s(self, token: str) -> float | None:
        return self.incoming.wait_s(token)

    async def deliver(
        self, token: str, content: str, embeds: list[dict[str, Any]], author: dict[str, Any] | None = None
    ) -> None:
        await self.incoming.deliver(token, content, embeds, author)

    # --- what uploads know -------------------------------------------------------------------------------------

    def _has_connection(self, validator_key: str) -> bool:
        """Whether this is the `validator_key` of an open connection."""
        keys = [guest.validator_key for guest in self.server.gate.open_clients if isinstance(guest, Client)]
        return any(secrets.compare_digest(key.encode(), validator_key.encode()) for key in keys)

    def _network_of(self, request: Request) -> str:
        """Whom a request is counted for."""
        address = request.client.host if request.client is not None else ""
        return self.server.gate.peer(address, request.headers.getlist("X-Forwarded-For"), "").network

    @staticmethod
    def _gap_frame(after: int, newest: int) -> Frame:
        return frame_of(GapEvent(after=after, seq=newest))


def _leave_what_is_loaded_to_itself() -> None:
    """The collector need not look at ten thousand members again and again: each look would be felt as latency."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def new_claim_code() -> str:
    """Three groups of four signs that are not mistaken for each other (60 bits)."""
    groups = ("".join(secrets.choice(CLAIM_ALPHABET) for _ in range(4)) for _ in range(3))
    return "-".join(groups)
