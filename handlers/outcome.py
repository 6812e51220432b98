"""What a handler answers with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from db.audit import AuditEntry
from db.transaction import Transaction
from protocol.audience import Audience
from protocol.base import Packet


class ViewChanged(msgspec.Struct, frozen=True):
    """A durable event whose content differs from viewer to viewer, such as the channel list.

    `view` names a function registered with `handlers.registry.view`, which makes the packet for one user.
    """

    view: str


class Event(msgspec.Struct, frozen=True):
    audience: Audience
    packet: Packet | ViewChanged


class Outcome(msgspec.Struct, kw_only=True):
    """A reply for the caller and events for others; both leave after everything in the transaction is on disk.

    reply: answers the caller (with its `listener`). None when the first event that is no view is the answer: then the
        caller gets that packet, whether or not it is part of the audience, exactly once and after everybody else. A
        `ViewChanged` is made for the caller at the moment it leaves, so it agrees with every event that left before.
    first: packets for the caller alone that leave before the events (`auth_success`, `ready`).
    events: in order. Those with a durable packet are logged and numbered.
    audit: what the moderation log says of it; made by `Context.audit`.
    then: runs on the event loop right before anything leaves; for state in memory that follows the database.
    after: runs on the event loop once everything is on its way; for closing connections.
    """

    reply: Packet | ViewChanged | None = None
    first: list[Packet] = []
    events: list[Event] = []
    audit: list[AuditEntry] = []
    then: Callable[[], None] | None = None
    after: Callable[[], None] | None = None


class Happening(msgspec.Struct, frozen=True):
    """What observers inside the server (plugins, web push) are told, after it is on disk and on its way to clients.

    events: as sent, views included. audit: what was done, by whom, to whom. actor: user id of the session that caused
    it, None for hand edits and the clock.
    """

    events: Sequence[Event]
    audit: Sequence[AuditEntry]
    actor: str | None


Observer = Callable[[Happening], None]
"""Runs on the event loop and must not block; what it raises is logged."""

Change = Callable[[Transaction], Outcome]
"""Runs in the journal's thread inside the next transaction. It may read state in memory, and never changes it."""

Answer = Outcome | Change | Awaitable[Outcome | Change]
