"""Web push: members who are away are notified of what calls them.

An observer of everything that happens works out who is to hear of a new message, by the rights of that moment. What is
to be sent waits in a bounded queue for two threads, because the services of browsers are slow and far away.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from db.channels import Channel
from db.directs import Direct
from db.journal import Operation
from db.mentions import rename_mentions
from db.push_subscriptions import Subscription
from db.users import LOCAL_PREFIX, User
from db.vapid import VapidKeys
from handlers.context import World
from handlers.outcome import Happening
from outbound import Outbound, OutboundError, RefusedAddress
from protocol.audience import Viewers
from protocol.messages import MessageNewEvent
from protocol.plain_text import author_of, plain_text

WORKERS = 2
MAX_WAITING = 1000
"""When more wait, the oldest is left out."""
BODY = 120
"""Most characters of a message that are sent."""
MAX_NAME = 64
TTL_S = 86_400
TIMEOUT_S = 10.0
MAX_ANSWER = 65_536
RETRY_S = (5.0, 30.0, 120.0)
"""Pauses before further tries, when a service has none to offer or wants to be asked later."""
LONGEST_PAUSE_S = 600.0
MAX_FAILURES = 5
"""After so many in a row, each with all its tries, a subscription is given up."""
DAY_S = 86_400
UNUSED_S = 180 * DAY_S
PRUNE_TICKS = 3600

log = logging.getLogger("originchats.push")


class Result(msgspec.Struct, frozen=True):
    """What a service said. kind: `sent`; `gone`, the subscription is; `later`, it may be tried again; `failed`. wait_s:
    the least pause that the service asks for."""

    kind: str
    wait_s: float = 0.0


class Send(Protocol):
    """Blocks until the service has answered; raises nothing."""

    def __call__(self, subscription: Subscription, payload: str, /) -> Result: ...


class Notification(msgspec.Struct, frozen=True):
    """channel: id of the one that the message is in. author: user id, "" for what no member wrote."""

    subscription: Subscription
    channel: str
    author: str
    payload: str
    tries: int = 0


class Push:
    """All of it belongs to the event loop but `work`, which the threads run."""

    def __init__(
        self,
        world: World,
        send: Send,
        soon: Callable[..., object],
        later: Callable[..., object],
    ) -> None:
        """soon, later: `call_soon_threadsafe` and `call_later` of the event loop."""
        self._world = world
        self._send = send
        self._soon = soon
        self._later = later
        self._waiting: deque[Notification] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._pausing = 0
        self._failures: Counter[str] = Counter()
        self._ticks = 0

    def start(self) -> None:
        for number in range(WORKERS):
            thread = threading.Thread(target=self._run, name=f"push-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """What waits is left out: members see it when they come back."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()

    # --- who is to hear of it ----------------------------------------------------------------------------------

    def observe(self, happening: Happening) -> None:
        world = self._world
        if not world.config.push.enabled or not len(world.push_subscriptions):
            return
        for event in happening.events:
            if isinstance(event.packet, MessageNewEvent) and isinstance(event.audience, Viewers):
                self._notify(event.packet, event.audience.channel)

    def _notify(self, packet: MessageNewEvent, channel_id: str) -> None:
        world = self._world
        author = world.users.by_username(packet.message.user)
        author_id = "" if author is None else author.id
        channel = self._channel(channel_id)
        if channel is None:
            return
        payload: str | None = None
        for user_id in self._called(packet, channel):
            if self._may_get(user_id, channel, author_id):
                payload = payload or _payload(world, packet, channel, author)
                for subscription in world.push_subscriptions.of_user(user_id):
                    self._enqueue(Notification(subscription, channel_id, author_id, payload))

    def _channel(self, id: str) -> Channel | Direct | None:
        return self._world.channels.get(id) or self._world.directs.get(id)

    def _called(self, packet: MessageNewEvent, channel: Channel | Direct) -> Iterator[str]:
        """User ids, each once: who is mentioned, by name or by role, or replied to; in a direct channel its members."""
        users, pings = self._world.users, packet.message.pings
        called = set(channel.members) if isinstance(channel, Direct) else set()
        roles: set[str] = set()
        if not isinstance(pings, msgspec.UnsetType):
            named = (users.by_username(name) for name in (*pings.users, *pings.replies))
            called |= {user.id for user in named if user is not None}
            roles = set(pings.roles)
        yield from called
        if roles:
            for user_id in list(self._world.push_subscriptions.users()):
                user = users.get(user_id)
                if user_id not in called and user is not None and roles.intersection(user.roles):
                    yield user_id

    def _may_get(self, user_id: str, channel: Channel | Direct, author_id: str) -> bool:
        """Away, undisturbed by it, and allowed to see it; all of it now."""
        world = self._world
        user = world.users.get(user_id)
        if user is None or user_id == author_id or author_id in user.blocked or world.fanout.is_online(user_id):
            return False
        if user.status.status == "dnd" or (user.muted_until is not None and user.muted_until > world.clock()):
            return False
        return world.access.may(user, channel, "view")

    # --- sending -----------------------------------------------------------------------------------------------

    def _enqueue(self, notification: Notification) -> None:
        with self._wake:
            if len(self._waiting) + self._pausing >= MAX_WAITING:
                self._world.pushes["dropped"] += 1
                if not self._waiting:
                    return
                self._waiting.popleft()
            self._waiting.append(notification)
            self._wake.notify()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not self._waiting and not self._stopping:
                    self._wake.wait()
                if self._stopping:
                    return
            self.work()

    def work(self) -> bool:
        """Send one that waits. False when none does."""
        with self._wake:
            if not self._waiting:
                return False
            notification = self._waiting.popleft()
        result = self._send(notification.subscription, notification.payload)
        try:
            self._soon(self._settle, notification, result)
        except RuntimeError:  # the loop is closed: nobody wants to know any more
            return False
        return True

    def _settle(self, notification: Notification, result: Result) -> None:
        subscription, kind = notification.subscription, result.kind
        if kind == "later" and notification.tries < len(RETRY_S):
            pause_s = min(max(RETRY_S[notification.tries], result.wait_s), LONGEST_PAUSE_S)
            self._pausing += 1
            self._later(pause_s, self._again, msgspec.structs.replace(notification, tries=notification.tries + 1))
            return
        self._world.pushes["failed" if kind == "later" else kind] += 1
        if kind == "sent":
            self._failures.pop(subscription.endpoint, None)
            self._touch(subscription)
            return
        self._failures[subscription.endpoint] += 1
        if kind == "gone" or self._failures[subscription.endpoint] >= MAX_FAILURES:
            self._remove(subscription)

    def _again(self, notification: Notification) -> None:
        """After a pause, in which much may have changed."""
        self._pausing -= 1
        current = self._world.push_subscriptions.get(notification.subscription.endpoint)
        channel = self._channel(notification.channel)
        if current is None or current.user_id != notification.subscription.user_id or channel is None:
            return
        if self._may_get(current.user_id, channel, notification.author):
            self._enqueue(msgspec.structs.replace(notification, subscription=current))

    def _remove(self, subscription: Subscription) -> None:
        self._failures.pop(subscription.endpoint, None)

        def removed(operation: Operation) -> None:
            if operation.error is not None:
                log.error("a subscription could not be removed: %s", operation.error)
            elif operation.result:
                self._world.push_subscriptions.remove(subscription.endpoint)

        self._world.journal.submit(lambda tx: tx.push.remove(subscription.endpoint, subscription.user_id), (), removed)

    def _touch(self, subscription: Subscription) -> None:
        """Remember that it is in use; once a day is enough."""
        now, current = self._world.clock(), self._world.push_subscriptions.get(subscription.endpoint)
        if current is None or now - current.last_used < DAY_S:
            return
        self._world.push_subscriptions.put(msgspec.structs.replace(current, last_used=now))
        self._world.journal.submit(lambda tx: tx.push.touch(current.endpoint, now), (), _report)

    # --- by the clock ------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Once a second. Now and then it forgets subscriptions that nobody has used for half a year."""
        self._ticks += 1
        if self._ticks % PRUNE_TICKS == 1:
            before = self._world.clock() - UNUSED_S
            self._world.journal.submit(lambda tx: tx.push.prune(before), (), self._pruned)

    def _pruned(self, operation: Operation) -> None:
        _report(operation)
        if operation.error is None:
            known = self._world.push_subscriptions
            known.remove(*operation.result)
            self._failures = Counter({url: times for url, times in self._failures.items() if known.get(url)})


def _report(operation: Operation) -> None:
    if operation.error is not None:
        log.error("subscriptions could not be stored: %s", operation.error)


def _shown(user: User) -> str:
    """The name that clients show."""
    return user.nickname or user.username.removeprefix(LOCAL_PREFIX)


def _payload(world: World, packet: MessageNewEvent, channel: Channel | Direct, author: User | None) -> str:
    def shown_of(name: str) -> str | None:
        user = world.users.by_mention(name)
        return None if user is None else _shown(user)

    def role_of(name: str) -> str | None:
        return name if name in world.roles else None

    message = packet.message
    name = (author_of(message) if author is None else _shown(author))[:MAX_NAME]
    text = plain_text(msgspec.structs.replace(message, content=rename_mentions(message.content, shown_of, role_of)))
    fields = {
        "title": name if isinstance(channel, Direct) else f"{name} in #{channel.name[:MAX_NAME]}",
        "body": text if len(text) <= BODY else text[: BODY - 1] + "…",
        "channelName": channel.name,
        "channel": channel.name,
        "message_id": message.id,
        "thread_id": packet.thread_id,
    }
    return msgspec.json.encode(fields).decode()


# --- the services of browsers --------------------------------------------------------------------------------------


class _Response(msgspec.Struct, frozen=True):
    """As much of a response of `requests` as pywebpush reads."""

    status_code: int
    headers: Mapping[str, str]
    text: str
    reason: str = ""


class _Session:
    """As much of a session of `requests` as pywebpush uses, over the client that keeps away from private addresses."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound

    def post(self, url: str, *, data: bytes, headers: Mapping[str, Any], timeout: float) -> _Response:
        answer = self._outbound.request(
            "POST",
            url,
            body=data,
            headers={name: str(value) for name, value in headers.items()},
            timeout_s=timeout,
            max_bytes=MAX_ANSWER,
            redirects=0,
        )
        return _Response(answer.status, answer.headers, answer.body.decode(errors="replace"))


class Sender:
    """Encrypts a payload for a browser and hands it to its service. Safe to use from several threads."""

    def __init__(self, vapid: VapidKeys, contact: Callable[[], str | None], outbound: Outbound) -> None:
        """contact: of the host, where it is set."""
        self._vapid = vapid
        self._contact = contact
        self._session = _Session(outbound)

    def __call__(self, subscription: Subscription, payload: str, /) -> Result:
        from pywebpush import WebPushException, webpush

        try:
            keys = self._vapid.get()
        except OSError as error:
            log.error("no web push: %s", error)
            return Result("failed")
        try:
            webpush(
                {
                    "endpoint": subscription.endpoint,
                    "keys": {"p256dh": subscription.p256dh, "auth": subscription.auth},
                },
                payload,
                vapid_private_key=keys.private,
                vapid_claims={"sub": self._contact() or keys.contact},
                ttl=TTL_S,
                timeout=TIMEOUT_S,
                requests_session=self._session,
            )
        except WebPushException as error:
            return _result(error.response)
        except RefusedAddress as error:
            log.warning("a push service is not asked: %s", error)
            return Result("failed")
        except OutboundError as error:
            log.info("a push service does not answer: %s", error)
            return Result("later")
        except Exception as error:  # keys that are no keys: nothing will ever be encrypted for them
            log.warning("a subscription is of no use: %s", type(error).__name__)
            return Result("gone")
        return Result("sent")


def _result(response: _Response | None) -> Result:
    """Of an answer that is no success. None: nothing was asked, because the keys are of no use."""
    if response is None or response.status_code in (404, 410):
        return Result("gone")
    if response.status_code == 429 or response.status_code >= 500:
        wait = response.headers.get("retry-after", "")
        return Result("later", float(wait) if wait.isdecimal() and len(wait) < 7 else 0.0)
    log.warning("a push service refused: %d", response.status_code)
    return Result("failed")
