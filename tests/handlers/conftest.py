"""A small community in memory with a real database, and people who give commands to the handlers directly.

    stage.do("ann", "message_new", channel="general", content="hello")

decodes the command as the server would, runs the handler and its change in a transaction, commits, runs `then`, and
checks that everything that would be sent fits its own type. Who would receive it is asked with `stage.seen_by`.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from client import Client
from config.live import LiveConfig
from config.schema import Config
from connection import Frame
from db.channels import Channel, Channels
from db.database import open_database
from db.documents import Documents
from db.emojis import Emojis
from db.permissions import Access
from db.roles import Role, Roles
from db.secret_key import SecretKey
from db.store import Store
from db.users import LOCAL_PREFIX, User, Users
from db.vapid import VapidKeys
from fanout import Fanout, Session, Sink
from handlers import rotur
from handlers.asset_pictures import AssetPictures
from handlers.claim import Claim
from handlers.context import Context, World
from handlers.emoji_pictures import EmojiPictures
from handlers.filters import carry_out
from handlers.outcome import Event, Outcome, ViewChanged
from handlers.passwords import PasswordPool
from handlers.rate_limiter import RateLimiter
from handlers.registry import HANDLERS, VIEWS
from handlers.throttle import Throttle
from protocol.base import COMMANDS, Packet, Spec
from protocol.decode import decode
from protocol.errors import Code, Refused
from tests.support.databases import SqliteFiles
from tests.support.entering import Service

EVERYBODY: dict[str, tuple[str, ...]] = {
    "view": ("user",), "send": ("user",), "delete": ("moderator",), "delete_own": ("user",), "edit_own": ("user",),
    "react": ("user",), "pin": ("moderator",), "create_thread": ("user",),
}  # fmt: skip
MODERATORS: dict[str, tuple[str, ...]] = dict.fromkeys(EVERYBODY, ("moderator",))
READ_ONLY: dict[str, tuple[str, ...]] = {**MODERATORS, "view": ("user",)}

ROLES = (
    Role(name="owner", id="r0", position=0, permissions=("administrator",)),
    Role(name="admin", id="r1", position=1, permissions=("administrator",)),
    Role(name="moderator", id="r2", position=2, permissions=("manage_messages", "manage_threads")),
    Role(name="user", id="r3", position=3, permissions=("send_messages",)),
)
CHANNELS = (
    Channel(id="c-general", name="general", permissions=EVERYBODY),
    Channel(id="c-news", name="news", permissions=READ_ONLY),
    Channel(id="c-staff", name="staff", permissions=MODERATORS),
    Channel(id="c-ideas", name="ideas", type="forum", permissions=EVERYBODY),
    Channel(id="c-cabal", name="cabal", type="forum", permissions=MODERATORS),
    Channel(id="c-call", name="call", type="voice", permissions=EVERYBODY),
)
PEOPLE = {"host": ("owner", "user"), "mod": ("moderator", "user"), "ann": ("user",), "ben": ("user",), "guest": ()}


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class RecordingSink:
    """A connection that keeps what it is given."""

    fast = False

    def __init__(self) -> None:
        self.outbox: list[bytes] = []
        self.frames: list[Frame] = []
        self.closed: tuple[int, str] | None = None

    def send(self, frame: Frame, *, ephemeral: bool = False) -> bool:
        self.frames.append(frame)
        return True

    def when_drained(self, callback: Callable[[], None]) -> None:
        callback()

    def close(self, code: int, reason: str = "") -> None:
        self.closed = (code, reason)


class Visitor:
    """Somebody at the other end of a connection."""

    validator_key = "originChats-test"
    address = network = "192.0.2.1"
    agent = "test"
    gateway = ""
    present = True

    def __init__(self) -> None:
        self.sink: Sink = RecordingSink()
        self.session: Session | None = None

    def log_in(self, session: Session) -> None:
        self.session = session


class Stage:
    """The community with everybody in it. People are named by the bare name of their local account."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sessions: dict[str, Session] = {}

    def id(self, name: str) -> str:
        """Id, and username, of a person."""
        return LOCAL_PREFIX + name

    def user(self, name: str) -> User:
        user = self.world.users.get(self.id(name))
        assert user is not None
        return user

    def change_user(self, name: str, **fields: Any) -> None:
        self.world.users.put(msgspec.structs.replace(self.user(name), **fields))

    def connect(self, name: str) -> Session:
        """Bring a person online."""
        session = Session(
            id=f"s-{name}", user_id=self.id(name), sink=RecordingSink(), address="192.0.2.1", gap_aware=False
        )  # fmt: skip
        self.sessions[name] = session
        self.world.fanout.add(session)
        return session

    def do(self, name: str, cmd: str, /, **fields: Any) -> Outcome:
        """Carry out a command completely. Raises Refused as the dispatcher would answer it."""
        command = decode(msgspec.json.encode({"cmd": cmd, **fields}))
        session = self.sessions.get(name) or Session(
            id=f"s-{name}", user_id=self.id(name), sink=RecordingSink(), address="192.0.2.1", gap_aware=False
        )
        ctx = Context(self.world, Visitor(), session, self.world.clock())
        needs = COMMANDS[cmd].needs
        if needs is not None and not self.world.access.can(self.user(name), needs):
            raise Refused(Code.PERMISSION_REQUIRED, permission=needs)
        outcome = self.settle(carry_out(ctx, command))
        for packet in self.packets(outcome):
            check_shape(packet)
        return outcome

    def settle(self, answer: Any) -> Outcome:
        """Do what the dispatcher and the journal do with a handler's answer."""
        if inspect.isawaitable(answer):
            answer = asyncio.run(cast("Any", answer))
        outcome = answer
        if callable(answer) or answer.audit:
            tx = self.world.store.begin()
            try:
                outcome = answer(tx) if callable(answer) else answer
                for entry in outcome.audit:
                    tx.audit.add(entry)
                tx.commit()
            finally:
                tx.rollback()
        self.world.documents.take_changes()
        for step in (outcome.then, outcome.after):
            if step is not None:
                step()
        assert isinstance(outcome, Outcome)
        return outcome

    def packets(self, outcome: Outcome) -> Iterator[Packet]:
        yield from outcome.first
        for event in outcome.events:
            if isinstance(event.packet, ViewChanged):
                yield from (VIEWS[event.packet.view](self.world, user) for user in list(self.world.users))
            else:
                yield event.packet
        if isinstance(outcome.reply, ViewChanged):
            yield from (VIEWS[outcome.reply.view](self.world, user) for user in list(self.world.users))
        elif outcome.reply is not None:
            yield outcome.reply

    def answer(self, name: str, cmd: str, /, **fields: Any) -> dict[str, Any]:
        """Carry out a command and give what the caller is answered, as JSON."""
        outcome = self.do(name, cmd, **fields)
        told = (event.packet for event in outcome.events if not isinstance(event.packet, ViewChanged))
        packet = outcome.reply or next(told)
        if isinstance(packet, ViewChanged):
            packet = VIEWS[packet.view](self.world, self.user(name))
        return as_json(packet)

    def refused(self, name: str, cmd: str, /, **fields: Any) -> Refused:
        """The refusal of a command that must be refused."""
        with pytest.raises(Refused) as caught:
            self.do(name, cmd, **fields)
        return caught.value

    def seen_by(self, event: Event, among: Iterable[str] = tuple(PEOPLE)) -> set[str]:
        """Who of these people belongs to the audience of an event now."""
        return {name for name in among if self.world.fanout.may_see(self.user(name), event.audience)}


def as_json(packet: object) -> dict[str, Any]:
    """A packet as the receiver decodes it."""
    assert isinstance(packet, Packet)
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(packet))
    return decoded


def check_shape(packet: Packet) -> None:
    """What goes out fits the published type of the packet: no stray key, no missing one. (Numbers as text are fine
    inside embeds, which travel as they were given.)"""
    msgspec.json.decode(msgspec.json.encode(packet), type=type(packet), strict=False)


@pytest.fixture(autouse=True)
def everything_is_listed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a handler answers or tells is listed by the spec of its command, so that the pages are true."""
    import_module("handlers.all")
    stray: list[str] = []
    specs = {spec.command: spec for spec in COMMANDS.values()}
    for type_, handler in HANDLERS.items():
        monkeypatch.setitem(HANDLERS, type_, _listening(handler, specs[type_], stray))
    yield
    assert not stray, "list these in `reply` or `events` of their specs"


def _listening(handler: Callable[[Any, Any], Any], spec: Spec, stray: list[str]) -> Callable[[Any, Any], Any]:
    def look(ctx: Context, outcome: Outcome) -> Outcome:
        packets = [*outcome.first, *(event.packet for event in outcome.events), outcome.reply]
        for packet in packets:
            if isinstance(packet, ViewChanged):
                packet = VIEWS[packet.view](ctx.world, next(iter(ctx.world.users)))
            if packet is not None and type(packet) not in (spec.reply, *spec.events):
                stray.append(f"{spec.name}: {type(packet).__name__}")
        return outcome

    def settled(ctx: Context, answer: Any) -> Any:
        return (lambda tx: look(ctx, answer(tx))) if callable(answer) else look(ctx, answer)

    async def awaited(ctx: Context, answer: Any) -> Any:
        return settled(ctx, await answer)

    def listening(ctx: Context, command: Any) -> Any:
        answer = handler(ctx, command)
        return awaited(ctx, answer) if inspect.isawaitable(answer) else settled(ctx, answer)

    return listening


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(tmp_path: Path, sqlite: SqliteFiles, clock: Clock) -> Iterator[World]:
    """General, news (moderators write), staff (hidden), the forums ideas and cabal (hidden), the voice channel call."""
    engine = open_database(sqlite.new(tmp_path))
    store = Store(engine, clock)
    users = Users(
        User(id=LOCAL_PREFIX + name, username=LOCAL_PREFIX + name, roles=roles) for name, roles in PEOPLE.items()
    )
    documents = Documents(users, Roles(ROLES), Channels(CHANNELS), Emojis())
    live = LiveConfig(tmp_path / "config.json", Config(), {})
    passwords = PasswordPool()
    emoji_pictures = EmojiPictures(tmp_path / "serverEmojis")
    asset_pictures = AssetPictures(tmp_path / "serverAssets")
    numbers = itertools.count(1)
    world = World(
        live=live,
        documents=documents,
        store=store,
        fanout=Fanout(
            users,
            documents.channels,
            store.directs,
            Access(documents.roles, store.memberships),
            lambda *_: Frame(b"{}"),
        ),
        journal=cast("Any", None),
        limiter=RateLimiter(lambda: live.current.rate_limiting, clock),
        logins=Throttle(lambda: 5, clock),
        registrations=Throttle(lambda: 5, clock),
        joins=Throttle(lambda: 30, clock),
        invite_lookups=Throttle(lambda: 30, clock),
        voice_signals=Throttle(lambda: 30, clock),
        profile_changes=Throttle(lambda: 30, clock),
        paces={
            "broadcasts_per_minute": Throttle(lambda: 120, clock),
            "searches_per_minute": Throttle(lambda: 120, clock),
            "lists_per_minute": Throttle(lambda: 60, clock),
        },
        passwords=passwords,
        emoji_pictures=emoji_pictures,
        asset_pictures=asset_pictures,
        claim=Claim(None, lambda: False),
        clock=clock,
        new_id=lambda: f"id-{next(numbers):06}",
        new_secret=lambda: f"secret-{next(numbers)}",
        new_uuid=lambda: f"{next(numbers):08x}-0000-4000-8000-000000000000",
        secret_key=SecretKey(tmp_path / "secret.key"),
        vapid=VapidKeys(tmp_path / "vapid"),
    )
    documents.on_change = world.fanout.document_changed
    store.memberships.on_change = world.fanout.membership_changed
    yield world
    passwords.stop()
    emoji_pictures.stop()
    asset_pictures.stop()
    store.close()
    engine.dispose()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    """What answers whenever the identity service is asked."""
    service = Service()
    monkeypatch.setattr(rotur, "validate", service.validate)
    return service


@pytest.fixture
def stage(world: World) -> Stage:
    return Stage(world)


@pytest.fixture
def rooms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections count as those of the rooms gateway."""
    monkeypatch.setattr(Client, "gateway", "rooms")
