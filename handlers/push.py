"""Subscriptions to web push: push_get_vapid, push_subscribe, push_unsubscribe."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from db.push_subscriptions import Subscription
from handlers.outcome import Change, Outcome
from handlers.registry import handles
from outbound import RefusedAddress, check_url
from protocol.errors import Code, Refused
from protocol.push import (
    PushGetVapid,
    PushSubscribe,
    PushSubscribedReply,
    PushUnsubscribe,
    PushUnsubscribedReply,
    PushVapidReply,
)

if TYPE_CHECKING:
    from db.transaction import Transaction
    from db.vapid import VapidKeys
    from handlers.context import Context

POINT_BYTES, SECRET_BYTES = 65, 16

log = logging.getLogger("originchats.push")


def _require_enabled(ctx: Context, cmd: str) -> None:
    """Where it is switched off the commands do not exist, by which clients know that they need not offer it."""
    if not ctx.world.config.push.enabled:
        raise Refused(Code.UNKNOWN_COMMAND, cmd=cmd)


@handles(PushGetVapid)
def push_get_vapid(ctx: Context, cmd: PushGetVapid) -> Awaitable[Outcome]:
    _require_enabled(ctx, "push_get_vapid")
    return _key(ctx.world.vapid)


async def _key(vapid: VapidKeys) -> Outcome:
    """In a thread of its own: the first time it takes half a second."""
    try:
        keys = await asyncio.to_thread(vapid.get)
    except OSError as error:
        log.error("no web push: %s", error)
        raise Refused(Code.UNAVAILABLE, reason="the key pair of web push cannot be read") from None
    return Outcome(reply=PushVapidReply(key=keys.public))


@handles(PushSubscribe)
def push_subscribe(ctx: Context, cmd: PushSubscribe) -> Change:
    _require_enabled(ctx, "push_subscribe")
    world, user, keys = ctx.world, ctx.user, cmd.subscription.keys
    if user.guest:
        raise Refused(Code.ACCOUNT_REQUIRED)
    try:
        check_url(cmd.subscription.endpoint)
    except RefusedAddress as error:
        raise Refused(Code.BAD_VALUE, field="push_subscribe.subscription.endpoint", reason=str(error)) from None
    subscription = Subscription(
        endpoint=cmd.subscription.endpoint,
        user_id=user.id,
        p256dh=_checked_key(keys.p256dh, POINT_BYTES, "p256dh"),
        auth=_checked_key(keys.auth, SECRET_BYTES, "auth"),
        created_at=ctx.now,
        last_used=ctx.now,
    )

    def change(tx: Transaction) -> Outcome:
        gone = tx.push.put(subscription)

        def follow() -> None:
            world.push_subscriptions.remove(*gone)
            world.push_subscriptions.put(subscription)

        return Outcome(reply=PushSubscribedReply(), then=follow)

    return change


@handles(PushUnsubscribe)
def push_unsubscribe(ctx: Context, cmd: PushUnsubscribe) -> Change:
    world, user_id = ctx.world, ctx.user.id

    def change(tx: Transaction) -> Outcome:
        removed = tx.push.remove(cmd.endpoint, user_id)

        def follow() -> None:
            if removed:
                world.push_subscriptions.remove(cmd.endpoint)

        return Outcome(reply=PushUnsubscribedReply(), then=follow)

    return change


def _checked_key(text: str, size: int, name: str) -> str:
    """In base64url without padding."""
    text = text.rstrip("=").replace("+", "-").replace("/", "_")
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != size or (size == POINT_BYTES and raw[0] != 4):
        field = f"push_subscribe.subscription.keys.{name}"
        raise Refused(Code.BAD_VALUE, field=field, reason=f"not {size} bytes in base64url")
    return text
