"""Web push in the whole server: who is notified of what, and what becomes of it at the services of browsers."""

from __future__ import annotations

import base64
import json
import logging
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import http_ece
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid

import push
from db.push_subscriptions import Subscription
from db.vapid import VapidKeys
from outbound import Outbound
from push import Push, Result, Sender
from tests.support.house import House, open_house
from tests.test_outbound import served

pytestmark = pytest.mark.anyio

CHANNELS = [
    {"name": "general", "type": "text", "permissions": {"view": ["user"], "send": ["user"]}},
    {"name": "staff", "type": "text", "permissions": {"view": ["moderator"], "send": ["moderator"]}},
]


class Service:
    """In place of the services of browsers."""

    def __init__(self) -> None:
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.results: list[Result] = []
        """What it says next; otherwise everything is fine."""

    def __call__(self, subscription: Subscription, payload: str, /) -> Result:
        self.got.append((subscription.endpoint.rpartition("/")[2], json.loads(payload)))
        return self.results.pop(0) if self.results else Result("sent")


class Away:
    """A house in which pushes are sent when the test says so."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.service = Service()
        self.pauses: list[tuple[float, Callable[[], None]]] = []
        self.push = Push(
            house.world, self.service, house.community.loop.call_soon_threadsafe,
            lambda pause_s, what, *given: self.pauses.append((pause_s, lambda: what(*given))),
        )  # fmt: skip
        house.world.observers[:] = [self.push.observe]

    def subscribe(self, name: str, browser: str = "", **fields: Any) -> Subscription:
        """Also in the database."""
        now = self.house.clock.now
        subscription = Subscription(
            endpoint=f"https://push.example/{browser or name}", user_id=self.house.user_id(name), p256dh="p", auth="a",
            created_at=now, last_used=now,
        )  # fmt: skip
        subscription = msgspec.structs.replace(subscription, **fields)
        self.house.world.journal.submit(lambda tx: tx.push.put(subscription), (), lambda operation: None)
        self.house.world.push_subscriptions.put(subscription)
        return subscription

    async def work(self) -> list[str]:
        """Send what waits; which browsers were asked."""
        before = len(self.service.got)
        while self.push.work():
            pass
        await self.house.quiet()
        return sorted(name for name, _ in self.service.got[before:])

    async def say(self, name: str, content: str, channel: str = "general", **fields: Any) -> list[str]:
        """Somebody writes; which browsers hear of it."""
        guest = await self.house.enter(name)
        await guest.ask("message_new", channel=channel, content=content, **fields)
        guest.lose()
        await self.house.quiet()
        return await self.work()

    def stored(self) -> set[str]:
        return {each.endpoint.rpartition("/")[2] for each in self.house.world.push_subscriptions._by_endpoint.values()}


@pytest.fixture
async def away(tmp_path: Path) -> AsyncIterator[Away]:
    async with open_house(tmp_path, channels=CHANNELS) as house:
        yield Away(house)


async def test_a_mention_reaches_who_is_away_with_what_the_worker_shows(away: Away) -> None:
    away.subscribe("ben")
    away.subscribe("cleo")
    text = "Tea is ready, @ben! " + "x" * 200
    assert await away.say("ann", text) == ["ben"]
    ((_, payload),) = away.service.got
    assert payload["title"] == "ann in #general"
    assert payload["body"] == text[:119] + "…"
    assert payload["channelName"] == payload["channel"] == "general"
    assert len(payload["message_id"]) == 36
    assert payload["thread_id"] is None
    assert away.house.world.pushes == {"sent": 1}


async def test_who_is_mentioned_is_called_as_in_the_client(away: Away) -> None:
    away.subscribe("ben")
    ben = await away.house.enter("ben")
    await ben.ask("nickname_update", nickname="Benedict B.")
    ben.lose()
    await away.house.quiet()
    await away.say("ann", "@BEN and @ann, not &@ben or @benno: @&user?")
    assert away.service.got[-1][1]["body"] == "@Benedict B. and @ann, not &@ben or @benno: @user?"


async def test_replies_roles_and_direct_messages_call_too(away: Away) -> None:
    for name in ("ben", "mod", "host", "cleo"):
        away.subscribe(name)
    away.subscribe("ben", "phone")
    ben = await away.house.enter("ben")
    (said,) = await ben.ask("message_new", channel="general", content="Who is there?")
    ben.lose()
    await away.house.quiet()
    assert await away.say("ann", "Me", reply_to=said["message"]["id"]) == ["ben", "phone"]
    assert await away.say("ann", "Quietly", reply_to=said["message"]["id"], ping=False) == []
    assert await away.say("ann", "Help, @&moderator") == ["mod"]
    assert await away.say("ann", "Nobody in particular") == []
    ann = await away.house.enter("ann")
    await ann.ask("direct_message", user=away.house.user_id("ben"), content="A secret")
    assert await away.work() == ["ben", "phone"]
    assert away.service.got[-1][1]["title"] == "ann"


async def test_who_is_here_is_not_notified(away: Away) -> None:
    away.subscribe("ben")
    ben = await away.house.enter("ben")
    assert await away.say("ann", "@ben") == []
    ben.lose()
    await away.house.quiet()
    assert await away.say("ann", "@ben") == ["ben"]


async def test_who_may_not_see_it_hears_nothing(away: Away) -> None:
    for name in ("ben", "mod"):
        away.subscribe(name)
    assert await away.say("host", "@ben and @mod, look", channel="staff") == ["mod"]


async def test_the_author_the_banned_the_muted_the_undisturbed_and_who_has_blocked(away: Away) -> None:
    world = away.house.world

    def change(name: str, **fields: Any) -> None:
        user = world.users.get(away.house.user_id(name))
        assert user is not None
        world.users.put(msgspec.structs.replace(user, **fields))
        world.documents.take_changes()

    for name in ("ann", "ben", "cleo"):
        away.subscribe(name)
    assert await away.say("ann", "@ann @ben @cleo") == ["ben", "cleo"]
    ben = world.users.get(away.house.user_id("ben"))
    assert ben is not None
    for fields in (
        {"banned": True}, {"muted_until": away.house.clock.now + 60}, {"blocked": (away.house.user_id("ann"),)},
        {"status": msgspec.structs.replace(ben.status, status="dnd")},
    ):  # fmt: skip
        before = {name: getattr(ben, name) for name in fields}
        change("ben", **fields)
        assert await away.say("ann", "@ben @cleo") == ["cleo"], fields
        change("ben", **before)
    assert await away.say("ann", "@ben @cleo") == ["ben", "cleo"]


async def test_nothing_is_sent_where_it_is_switched_off(away: Away) -> None:
    away.subscribe("ben")
    config = away.house.world.config
    off = msgspec.structs.replace(config.push, enabled=False)
    away.house.world.live.current = msgspec.structs.replace(config, push=off)
    assert await away.say("ann", "@ben") == []


async def test_a_subscription_that_is_gone_is_removed(away: Away) -> None:
    away.subscribe("ben")
    away.subscribe("ben", "phone")
    away.service.results = [Result("gone")]
    assert await away.say("ann", "@ben") == ["ben", "phone"]
    assert len(away.stored()) == 1
    assert away.house.world.pushes == {"gone": 1, "sent": 1}
    assert len(await away.say("ann", "@ben")) == 1


async def test_a_busy_service_is_asked_again_with_growing_pauses(away: Away) -> None:
    away.subscribe("ben")
    away.service.results = [Result("later"), Result("later", 90.0), Result("later", 1e9), Result("later")]
    await away.say("ann", "@ben")
    pauses: list[float] = []
    while away.pauses:
        pause_s, again = away.pauses.pop()
        pauses.append(pause_s)
        again()
        await away.work()
    assert pauses == [5.0, 90.0, 600.0]
    assert away.house.world.pushes == {"failed": 1}
    assert away.stored() == {"ben"}


async def test_a_pause_after_which_it_is_wanted_no_more(away: Away) -> None:
    away.subscribe("ben")
    away.service.results = [Result("later")]
    await away.say("ann", "@ben")
    await away.house.enter("ben")
    away.pauses.pop()[1]()
    assert await away.work() == []
    away.service.results = [Result("later")]
    for guest in away.house.guests:
        guest.lose()
    await away.house.quiet()
    await away.say("ann", "@ben")
    away.house.world.push_subscriptions.remove("https://push.example/ben")
    away.pauses.pop()[1]()
    assert await away.work() == []


async def test_a_subscription_that_fails_again_and_again_is_given_up(away: Away) -> None:
    away.subscribe("ben")
    for number in range(push.MAX_FAILURES):
        assert away.stored() == {"ben"}, number
        away.service.results = [Result("failed")]
        await away.say("ann", "@ben")
    assert away.stored() == set()


async def test_the_oldest_is_left_out_when_too_many_wait(away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(push, "MAX_WAITING", 3)
    away.subscribe("ben")
    ann = await away.house.enter("ann")
    for number in range(5):
        await ann.ask("message_new", channel="general", content=f"@ben {number}")
    await away.work()
    assert [payload["body"] for _, payload in away.service.got] == ["@ben 2", "@ben 3", "@ben 4"]
    assert away.house.world.pushes == {"dropped": 2, "sent": 3}


async def test_use_is_remembered_once_a_day_and_what_is_unused_is_forgotten(away: Away) -> None:
    now = away.house.clock.now
    away.subscribe("ben", last_used=now - 2 * push.DAY_S)
    away.subscribe("cleo", last_used=now - push.UNUSED_S - 1)
    await away.say("ann", "@ben")
    found = away.house.world.push_subscriptions.get("https://push.example/ben")
    assert found is not None
    assert found.last_used == now
    away.push.tick()
    await away.house.quiet()
    assert away.stored() == {"ben"}
    tx_stored: list[Subscription] = []
    away.house.world.journal.submit(lambda tx: tx_stored.extend(tx.push.all()), (), lambda operation: None)
    await away.house.quiet()
    assert tx_stored == [found]


async def test_the_threads_do_the_work_and_end(away: Away) -> None:
    away.subscribe("ben")
    away.push.start()
    ann = await away.house.enter("ann")
    await ann.ask("message_new", channel="general", content="@ben")
    away.push.stop()
    for thread in away.push._threads:
        thread.join(30)
        assert not thread.is_alive()


# --- the services of browsers ----------------------------------------------------------------------------------


class Browser:
    """Has keys, and reads what it is sent."""

    def __init__(self) -> None:
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.auth = b"0123456789abcdef"

    def subscription(self, endpoint: str) -> Subscription:
        point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return Subscription(
            endpoint=endpoint, user_id="ben", created_at=0, last_used=0,
            p256dh=base64.urlsafe_b64encode(point).rstrip(b"=").decode(),
            auth=base64.urlsafe_b64encode(self.auth).rstrip(b"=").decode(),
        )  # fmt: skip

    def read(self, body: bytes) -> Any:
        return json.loads(http_ece.decrypt(body, private_key=self.private, auth_secret=self.auth, version="aes128gcm"))


def sender(folder: Path, contact: str | None = None) -> Sender:
    """Its push service may be on this machine, and unencrypted."""
    outbound = Outbound(http=True, resolve=lambda host, port: ["127.0.0.1"], may_ask=lambda address: True)
    return Sender(VapidKeys(folder), lambda: contact, outbound)


def answering(head: str, seen: list[bytes]) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += connection.recv(65_536)
        top, _, body = request.partition(b"\r\n\r\n")
        length = int(next(line for line in top.split(b"\r\n") if line.lower().startswith(b"content-length:"))[15:])
        while len(body) < length:
            body += connection.recv(65_536)
        seen.extend([top, body])
        connection.sendall(f"HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n".encode())

    return serve


def test_a_browser_can_read_what_it_is_sent_and_nobody_else(tmp_path: Path) -> None:
    browser, seen = Browser(), list[bytes]()
    with served(answering("201 Created", seen)) as port:
        subscription = browser.subscription(f"http://push.example:{port}/send/1")
        result = sender(tmp_path, "mailto:host@example.org")(subscription, '{"title":"ann in #general"}')
    assert result == Result("sent")
    top, body = seen
    headers = dict(line.lower().split(": ", 1) for line in top.decode().split("\r\n")[1:])
    raw = dict(line.split(": ", 1) for line in top.decode().split("\r\n")[1:])
    assert (headers["ttl"], headers["content-encoding"]) == ("86400", "aes128gcm")
    assert b"ann" not in body
    assert browser.read(body) == {"title": "ann in #general"}
    proof = next(value for name, value in raw.items() if name.lower() == "authorization")
    token = proof.split("t=")[1].split(",")[0]
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert (claims["aud"], claims["sub"]) == (f"http://push.example:{port}", "mailto:host@example.org")
    assert proof.endswith(f"k={VapidKeys(tmp_path).get().public}")
    assert Vapid.verify(proof)


@pytest.mark.parametrize(
    ("head", "result"),
    [
        ("200 OK", Result("sent")),
        ("404 Not Found", Result("gone")),
        ("410 Gone", Result("gone")),
        ("429 Too Many\r\nRetry-After: 17", Result("later", 17.0)),
        ("503 Unavailable\r\nRetry-After: Wed, 21 Oct 2026 07:28:00 GMT", Result("later")),
        ("400 Bad Request", Result("failed")),
        ("302 Found\r\nLocation: http://127.0.0.1/", Result("failed")),
    ],
)
def test_what_a_service_says(tmp_path: Path, head: str, result: Result) -> None:
    with served(answering(head, [])) as port:
        subscription = Browser().subscription(f"http://push.example:{port}/send/1")
        assert sender(tmp_path)(subscription, "{}") == result


def test_a_service_at_a_private_address_is_never_asked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Also where the name was public when the browser subscribed."""
    seen: list[bytes] = []
    with served(answering("201 Created", seen)) as port, caplog.at_level(logging.INFO):
        inside = Outbound(resolve=lambda host, port: ["127.0.0.1"])
        subscription = Browser().subscription(f"https://push.example:{port}/secret-endpoint")
        assert Sender(VapidKeys(tmp_path), lambda: None, inside)(subscription, "{}") == Result("failed")
    assert seen == []
    assert "secret-endpoint" not in caplog.text


def test_a_service_that_hangs_up_is_asked_later_and_useless_keys_never(tmp_path: Path) -> None:
    with served(lambda connection: None) as port:
        subscription = Browser().subscription(f"http://push.example:{port}/1")
        assert sender(tmp_path)(subscription, "{}").kind == "later"
    useless = msgspec.structs.replace(subscription, p256dh=base64.urlsafe_b64encode(b"\x04" + b"x" * 64).decode())
    assert sender(tmp_path)(useless, "{}") == Result("gone")
    (tmp_path / "private_key.pem").write_bytes(b"junk")
    assert sender(tmp_path)(subscription, "{}") == Result("failed")
