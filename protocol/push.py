"""Web push. Notifications for members who are away; see docs/push.md.

A browser subscribes at its own service with the server's public key, and tells the server where that is.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from protocol.base import Command, Packet, spec
from protocol.errors import Code

ENDPOINT = "https://push.example.org/send/Zm9vYmFy"

Endpoint = Annotated[str, Meta(min_length=1, max_length=2048, description="https URL at the browser's service.")]


class PushKeys(Struct, frozen=True):
    """The browser's keys."""

    p256dh: Annotated[str, Meta(max_length=200, description="Its public key: 65 bytes in base64url.")]
    auth: Annotated[str, Meta(max_length=100, description="The shared secret: 16 bytes in base64url.")]


class PushSubscription(Struct, frozen=True):
    """What `PushSubscription.toJSON()` gives in a browser."""

    endpoint: Endpoint
    keys: PushKeys


class PushVapidReply(Packet, kw_only=True, frozen=True, tag="push_vapid"):
    """The server's public key for web push: an uncompressed P-256 point in base64url without padding."""

    key: str


@spec(
    does="Fetch the public key with which a browser subscribes to notifications. It stays the same for ever.",
    allowed="everybody after login",
    reply=PushVapidReply,
    errors=(Code.UNKNOWN_COMMAND,),
)
class PushGetVapid(Command, kw_only=True, frozen=True):
    pass


class PushSubscribedReply(Packet, kw_only=True, frozen=True, tag="push_subscribed"):
    """The browser will be notified. `device_fingerprint` is always empty: subscriptions are told apart by endpoint."""

    success: Literal[True] = True
    device_fingerprint: str = ""


@spec(
    does="Have a browser notified of pings, replies and direct messages that come while the caller is not connected. "
    "A user has at most ten subscriptions; when there are more, the one that was used least recently goes.",
    allowed="everybody after login but guests",
    reply=PushSubscribedReply,
    errors=(Code.BAD_VALUE, Code.ACCOUNT_REQUIRED, Code.UNKNOWN_COMMAND),
    example={
        "subscription": {
            "endpoint": ENDPOINT,
            "keys": {
                "p256dh": "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM",
                "auth": "tBHItJI5svbpez7KI4CCXg",
            },
        }
    },
)
class PushSubscribe(Command, kw_only=True, frozen=True):
    subscription: Annotated[PushSubscription, Meta(description="As the browser gives it; further keys are ignored.")]


class PushUnsubscribedReply(Packet, kw_only=True, frozen=True, tag="push_unsubscribed"):
    """The browser is notified no longer, or never was."""

    success: Literal[True] = True


@spec(
    does="Notify a browser of the caller no longer. An unknown endpoint, or one of somebody else, changes nothing.",
    allowed="everybody after login",
    reply=PushUnsubscribedReply,
    example={"endpoint": ENDPOINT},
)
class PushUnsubscribe(Command, kw_only=True, frozen=True):
    endpoint: Endpoint
