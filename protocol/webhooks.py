"""Webhooks. Addresses to which programs post messages; see docs/webhooks.md.

Whoever knows the token of a webhook can post through it, so only those who manage the server learn of webhooks.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from protocol.base import Command, Packet, spec
from protocol.errors import Code
from protocol.objects_messages import ChannelName

MANAGER = "manage_server"
MAX_NAME = 80
MAX_AVATAR = 500

WebhookId = Annotated[str, Meta(min_length=1, max_length=128, description="Id of the webhook.")]
WebhookName = Annotated[
    str, Meta(min_length=1, max_length=MAX_NAME, description="What stands above its messages; both ends are trimmed.")
]
WebhookAvatar = (
    Annotated[
        str,
        Meta(
            max_length=MAX_AVATAR,
            description="http(s) URL of the picture beside its messages; null or empty for none.",
        ),
    ]
    | None
)
ID = "0190a5c0-0000-7000-8000-0000000000aa"


class Webhook(Struct, frozen=True, kw_only=True):
    """A webhook. `channel` is a name, `created_by` a user id."""

    id: str
    channel: str
    name: str
    avatar: str | None
    created_by: str
    created_at: float
    token: (
        Annotated[
            str | None,
            Meta(description="68 characters; not in `webhook_get`. null: it came with an import, and is not known."),
        ]
        | UnsetType
    ) = UNSET


class WebhookCreateReply(Packet, kw_only=True, frozen=True, tag="webhook_create"):
    """The new webhook, with its token."""

    webhook: Webhook


@spec(
    does="Make a webhook for a text channel.",
    allowed="server permission `manage_server`; the channel must be visible to the caller",
    needs=MANAGER,
    reply=WebhookCreateReply,
    errors=(Code.CHANNEL_NOT_FOUND, Code.NOT_A_TEXT_CHANNEL, Code.TOO_MANY_WEBHOOKS, Code.BAD_VALUE),
    example={"channel": "general", "name": "Build server", "avatar": "https://example.org/build.png"},
)
class WebhookCreate(Command, kw_only=True, frozen=True):
    channel: ChannelName
    name: WebhookName
    avatar: WebhookAvatar = None


class WebhookGetReply(Packet, kw_only=True, frozen=True, tag="webhook_get"):
    """One webhook, without its token."""

    webhook: Webhook


@spec(
    does="Show one webhook.",
    allowed="server permission `manage_server`; its channel must be visible to the caller",
    needs=MANAGER,
    reply=WebhookGetReply,
    errors=(Code.WEBHOOK_NOT_FOUND,),
    example={"id": ID},
)
class WebhookGet(Command, kw_only=True, frozen=True):
    id: WebhookId


class WebhookListReply(Packet, kw_only=True, frozen=True, tag="webhook_list"):
    """Webhooks with their tokens, oldest first."""

    webhooks: list[Webhook]


@spec(
    does="List the webhooks of one channel, or of all that the caller sees.",
    allowed="server permission `manage_server`",
    needs=MANAGER,
    reply=WebhookListReply,
    errors=(Code.CHANNEL_NOT_FOUND,),
    example={"channel": "general"},
)
class WebhookList(Command, kw_only=True, frozen=True):
    channel: Annotated[str | None, Meta(description="Name of the channel; without it, webhooks of all channels.")] = (
        None
    )


class WebhookUpdateReply(Packet, kw_only=True, frozen=True, tag="webhook_update"):
    """The webhook as it is now, with its token."""

    webhook: Webhook


@spec(
    does="Change the name or the picture of a webhook. Messages that it wrote keep theirs.",
    allowed="server permission `manage_server`; its channel must be visible to the caller",
    needs=MANAGER,
    reply=WebhookUpdateReply,
    errors=(Code.WEBHOOK_NOT_FOUND, Code.NO_UPDATES, Code.BAD_VALUE),
    example={"id": ID, "name": "Release server"},
)
class WebhookUpdate(Command, kw_only=True, frozen=True):
    id: WebhookId
    name: WebhookName | UnsetType = UNSET
    avatar: WebhookAvatar | UnsetType = UNSET


class WebhookDeleteReply(Packet, kw_only=True, frozen=True, tag="webhook_delete"):
    """The webhook is gone, and its token is worth nothing."""

    id: str
    deleted: Literal[True] = True


@spec(
    does="Delete a webhook. Its messages stay.",
    allowed="server permission `manage_server`; its channel must be visible to the caller",
    needs=MANAGER,
    reply=WebhookDeleteReply,
    errors=(Code.WEBHOOK_NOT_FOUND,),
    example={"id": ID},
)
class WebhookDelete(Command, kw_only=True, frozen=True):
    id: WebhookId


class WebhookRegenerateReply(Packet, kw_only=True, frozen=True, tag="webhook_regenerate"):
    """The webhook with its new token."""

    webhook: Webhook


@spec(
    does="Give a webhook a new token; the former one is worth nothing from then on.",
    allowed="server permission `manage_server`; its channel must be visible to the caller",
    needs=MANAGER,
    reply=WebhookRegenerateReply,
    errors=(Code.WEBHOOK_NOT_FOUND,),
    example={"id": ID},
)
class WebhookRegenerate(Command, kw_only=True, frozen=True):
    id: WebhookId
