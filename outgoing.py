"""From what a handler answers to what leaves: encode once, number, frame once, release in order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from typing import Protocol

from connection import Frame
from db.transaction import Transaction
from fanout import Delivery, Session
from handlers.context import World
from handlers.frames import encode, frame_of, numbered_frame, view_frame, wire_kind, with_listener, without_number
from handlers.modlog import news
from handlers.outcome import Event, Happening, Outcome, ViewChanged
from handlers.registry import VIEWER_KEYS, VIEWS
from protocol.audience import to_text

_NOTHING = Frame(b"")

log = logging.getLogger("originchats.server")


def is_durable(event: Event) -> bool:
    return isinstance(event.packet, ViewChanged) or event.packet.durable


def needs_storing(outcome: Outcome) -> bool:
    """Whether preparing it takes a transaction."""
    return bool(outcome.audit) or any(is_durable(event) for event in outcome.events)


class Recipient(Protocol):
    """Who a command is answered to."""

    @property
    def session(self) -> Session | None: ...

    @property
    def hears_itself(self) -> bool:
        """Whether its session gets the event that answers a command like everybody else, besides the answer."""

    def send(self, frame: Frame) -> None: ...


class Prepared:
    """An outcome, encoded and framed. Made in the journal's thread where there is something to store."""

    __slots__ = (
        "after",
        "answer",
        "answer_view",
        "answering",
        "deliveries",
        "first",
        "listener",
        "outcome",
        "then",
        "views",
    )

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.first: list[Frame] = []
        self.deliveries: list[Delivery] = []
        self.views: dict[int, str] = {}
        """Index in `deliveries` -> name of the view there, whose frames are made for each viewer at release."""
        self.answer: Frame | None = None
        """The caller's own frame: the reply, or its copy of the answering event where that carries a listener."""
        self.answer_view: tuple[str, str | None] | None = None
        """Instead of `answer`: a view that is made for the caller at release, and the listener."""
        self.answering: int | None = None
        """Index in `deliveries` of the event that is the answer; None when another packet is, or none."""
        self.listener: str | None = None
        self.then: Callable[[], None] | None = outcome.then
        self.after: Callable[[], None] | None = outcome.after


def prepare(outcome: Outcome, tx: Transaction | None, *, called: bool, listener: str | None) -> Prepared:
    """Encode and frame; durable events enter the log here and get their number.

    tx: may be None when nothing needs storing. called: whether a client waits for an answer.
    """
    prepared = Prepared(outcome)
    if outcome.audit:
        assert tx is not None
        for entry in outcome.audit:
            tx.audit.add(entry)
    prepared.first = [frame_of(packet, listener=listener) for packet in outcome.first]
    for event in outcome.events:
        prepared.deliveries.append(_delivery(event, tx))
        if isinstance(event.packet, ViewChanged):
            prepared.views[len(prepared.deliveries) - 1] = event.packet.view
    told = range(len(prepared.deliveries))
    prepared.deliveries += [_delivery(event, tx) for event in news(outcome.audit)]
    if not called:
        return prepared
    if isinstance(outcome.reply, ViewChanged):
        prepared.answer_view = (outcome.reply.view, listener)
    elif outcome.reply is not None:
        prepared.answer = frame_of(outcome.reply, listener=listener)
    elif not prepared.first:
        prepared.listener = listener
        prepared.answering = next((i for i in told if i not in prepared.views), None)
        if prepared.answering is not None and listener is not None:
            prepared.answer = Frame(with_listener(prepared.deliveries[prepared.answering].frame.payload, listener))
    return prepared


def _delivery(event: Event, tx: Transaction | None) -> Delivery:
    packet = event.packet
    if isinstance(packet, ViewChanged):
        assert tx is not None
        return Delivery(event.audience, _NOTHING, tx.log.append(to_text(event.audience), packet.view, b""))
    payload = encode(packet)
    if not packet.durable:
        return Delivery(event.audience, Frame(payload), None)
    assert tx is not None
    seq = tx.log.append(to_text(event.audience), wire_kind(packet), payload, packet.ref)
    return Delivery(event.audience, numbered_frame(payload, seq), seq)


class Outgoing:
    """Releases prepared outcomes in the order of their commits. Lives on the event loop."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._fanout = world.fanout

    def release(self, prepared: Prepared, client: Recipient | None) -> None:
        """Tell everybody. `client` is the caller, if a command led to this."""
        failure: Exception | None = None
        if prepared.then is not None or prepared.first:
            self._fanout.flush()
            if prepared.then is not None:
                try:
                    prepared.then()
                except Exception as error:  # what is committed has to leave anyway
                    failure = error
            for frame in prepared.first:
                if client is not None:
                    client.send(frame)
        for index, delivery in enumerate(prepared.deliveries):
            if index in prepared.views:
                self._fanout.flush()
                self._deliver_view(delivery, prepared.views[index])
            elif client is None or index != prepared.answering or not self._answer_by(delivery, prepared, client):
                self._fanout.gather(delivery)
        if client is not None and prepared.answer is not None and prepared.answering is None:
            self.tell(client, prepared.answer)
        if client is not None and prepared.answer_view is not None:
            view, listener = prepared.answer_view
            user = self._world.users.get(client.session.user_id) if client.session is not None else None
            if user is not None:
                self.tell(client, frame_of(VIEWS[view](self._world, user), listener=listener))
        if prepared.after is not None:
            self._fanout.flush()
            prepared.after()
        if self._world.observers:
            self._observe(prepared.outcome, client.session if client is not None else None)
        if failure is not None:
            raise failure

    def _observe(self, outcome: Outcome, session: Session | None) -> None:
        if not outcome.events and not outcome.audit:
            return
        happening = Happening(outcome.events, outcome.audit, None if session is None else session.user_id)
        for observe in self._world.observers:
            try:
                observe(happening)
            except Exception:
                log.exception("an observer failed")

    def tell(self, client: Recipient, frame: Frame) -> None:
        """A frame for one client, behind everything released before."""
        self._fanout.flush()
        client.send(frame)

    def _answer_by(self, event: Delivery, prepared: Prepared, client: Recipient) -> bool:
        """Deliver the answering event so that the caller gets its own copy. False when it needs none of its own."""
        session = None if client.hears_itself else client.session
        if prepared.answer is None and session is not None and self._fanout.reaches(event.audience, session):
            return False
        self._fanout.flush()
        others = [other for other in self._fanout.targets(event.audience) if other is not session]
        self._fanout.offer(others, (event,))
        answer = prepared.answer or event.frame
        if session is not None and event.seq is not None and (session.held or session.gap_from is not None):
            # It overtakes what the session has yet to be sent, so it must not move the client's position.
            session.told.add(event.seq)
            answer = Frame(with_listener(without_number(event.frame.payload, event.seq), prepared.listener))
        client.send(answer)
        return True

    def _deliver_view(self, delivery: Delivery, view: str) -> None:
        """Make the packet for each user of the audience; users who see the same share one frame."""
        assert delivery.seq is not None
        self._fanout.offer((), (delivery,))  # the position moves on even if nobody is there
        frames: dict[Hashable, Frame | None] = {}
        for session in list(self._fanout.targets(delivery.audience)):
            user = self._world.users.get(session.user_id)
            if user is None:
                continue
            key = VIEWER_KEYS[view](self._world, user)
            if key not in frames:
                frames[key] = view_frame(self._world, view, user.id, delivery.seq)
            frame = frames[key]
            if frame is not None:
                self._fanout.offer((session,), (Delivery(delivery.audience, frame, delivery.seq),))
