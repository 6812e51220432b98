"""Webhooks: webhook_create, webhook_get, webhook_list, webhook_update, webhook_delete, webhook_regenerate."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import UNSET, UnsetType

from db.directs import Direct
from db.webhooks import Webhook, hash_of, shown_token, token_of
from handlers.names import is_visible
from handlers.outcome import Change, Outcome
from handlers.places import find_channel
from handlers.registry import handles
from protocol import webhooks as wire
from protocol.errors import Code, Refused
from protocol.webhooks import (
    WebhookCreate,
    WebhookCreateReply,
    WebhookDelete,
    WebhookDeleteReply,
    WebhookGet,
    WebhookGetReply,
    WebhookList,
    WebhookListReply,
    WebhookRegenerate,
    WebhookRegenerateReply,
    WebhookUpdate,
    WebhookUpdateReply,
)

if TYPE_CHECKING:
    from db.audit import AuditEntry
    from db.transaction import Transaction
    from handlers.context import Context, World

HTTP_URL = re.compile(r"https?://[^\s/]\S*", re.IGNORECASE)


def webhook_object(world: World, webhook: Webhook, *, with_token: bool) -> wire.Webhook:
    """In the journal's thread when it is to have the token: the key may have to be read."""
    channel = world.channels.get(webhook.channel)
    return wire.Webhook(
        id=webhook.id,
        channel="" if channel is None else channel.name,
        name=webhook.name,
        avatar=webhook.avatar,
        created_by=webhook.created_by,
        created_at=webhook.created_at,
        token=shown_token(world.secret_key, webhook) if with_token else UNSET,
    )


def _name(name: str) -> str:
    name = name.strip()
    if not name:
        raise Refused(Code.BAD_VALUE, field="name", reason="is empty")
    if not is_visible(name):
        raise Refused(Code.BAD_VALUE, field="name", reason="expected visible characters only")
    return name


def _avatar(avatar: str | None) -> str | None:
    if not avatar:
        return None
    if HTTP_URL.fullmatch(avatar) is None:
        raise Refused(Code.BAD_VALUE, field="avatar", reason="not an http(s) URL")
    return avatar


def _sees(ctx: Context, webhook: Webhook | None) -> bool:
    channel = None if webhook is None else ctx.world.channels.get(webhook.channel)
    return channel is not None and ctx.world.access.may(ctx.user, channel, "view")


def _find(ctx: Context, id: str) -> Webhook:
    webhook = ctx.world.webhooks.get(id)
    if webhook is None or not _sees(ctx, webhook):
        raise Refused(Code.WEBHOOK_NOT_FOUND)
    return webhook


def _now(tx: Transaction, id: str) -> Webhook:
    """As the changes before this one left it."""
    webhook = tx.webhooks.get(id)
    if webhook is None:
        raise Refused(Code.WEBHOOK_NOT_FOUND)
    return webhook


def _noted(
    ctx: Context, action: str, webhook: Webhook, before: dict[str, str | None] | None = None, **details: str | None
) -> AuditEntry:
    channel = ctx.world.channels.get(webhook.channel)
    return ctx.audit(action, webhook.id, webhook.name, before, channel=channel and channel.name, **details)


@handles(WebhookCreate)
def webhook_create(ctx: Context, cmd: WebhookCreate) -> Change:
    world = ctx.world
    channel = find_channel(ctx, cmd.channel)
    if channel.type != "text" or isinstance(channel, Direct):
        raise Refused(Code.NOT_A_TEXT_CHANNEL)
    name, avatar = _name(cmd.name), _avatar(cmd.avatar)
    id_, user, most = world.new_uuid(), ctx.user, world.config.webhooks.per_channel
    noted = ctx.audit("webhook_create", id_, name, channel=channel.name)

    def change(tx: Transaction) -> Outcome:
        if tx.webhooks.count(channel.id) >= most:
            raise Refused(Code.TOO_MANY_WEBHOOKS, max=most)
        webhook = Webhook(
            id=id_,
            channel=channel.id,
            name=name,
            avatar=avatar,
            token_hash=hash_of(token_of(world.secret_key, id_, 0)),
            generation=0,
            created_by=user.id,
            created_at=ctx.now,
        )
        tx.webhooks.add(webhook)
        reply = WebhookCreateReply(webhook=webhook_object(world, webhook, with_token=True))
        return Outcome(reply=reply, audit=[noted], then=lambda: world.webhooks.put(webhook))

    return change


@handles(WebhookGet)
def webhook_get(ctx: Context, cmd: WebhookGet) -> Change:
    id_ = _find(ctx, cmd.id).id
    return lambda tx: Outcome(reply=WebhookGetReply(webhook=webhook_object(ctx.world, _now(tx, id_), with_token=False)))


@handles(WebhookList)
def webhook_list(ctx: Context, cmd: WebhookList) -> Change:
    world = ctx.world
    if cmd.channel:
        seen = {find_channel(ctx, cmd.channel).id}
    else:
        may, user = world.access.may, ctx.user
        seen = {channel.id for channel in world.channels.values() if may(user, channel, "view")}

    def change(tx: Transaction) -> Outcome:
        found = [webhook for webhook in tx.webhooks.all() if webhook.channel in seen]
        return Outcome(
            reply=WebhookListReply(webhooks=[webhook_object(world, webhook, with_token=True) for webhook in found])
        )

    return change


@handles(WebhookUpdate)
def webhook_update(ctx: Context, cmd: WebhookUpdate) -> Change:
    world, found = ctx.world, _find(ctx, cmd.id)
    if cmd.name is UNSET and cmd.avatar is UNSET:
        raise Refused(Code.NO_UPDATES)
    name: str | UnsetType = UNSET if isinstance(cmd.name, UnsetType) else _name(cmd.name)
    avatar: str | UnsetType | None = UNSET if isinstance(cmd.avatar, UnsetType) else _avatar(cmd.avatar)
    changed = {key: value for key, value in (("name", name), ("avatar", avatar)) if value is not UNSET}
    before = {key: was for key in changed if (was := getattr(found, key)) != changed[key]}
    noted = _noted(ctx, "webhook_update", found, before, **changed)

    def change(tx: Transaction) -> Outcome:
        webhook = tx.webhooks.update(_now(tx, found.id).id, name=name, avatar=avatar)
        assert webhook is not None
        return Outcome(
            reply=WebhookUpdateReply(webhook=webhook_object(world, webhook, with_token=True)),
            audit=[noted],
            then=lambda: world.webhooks.put(webhook),
        )

    return change


@handles(WebhookDelete)
def webhook_delete(ctx: Context, cmd: WebhookDelete) -> Change:
    world, found = ctx.world, _find(ctx, cmd.id)
    noted = _noted(ctx, "webhook_delete", found)

    def change(tx: Transaction) -> Outcome:
        tx.webhooks.delete(_now(tx, found.id).id)
        return Outcome(
            reply=WebhookDeleteReply(id=found.id), audit=[noted], then=lambda: world.webhooks.remove(found.id)
        )

    return change


@handles(WebhookRegenerate)
def webhook_regenerate(ctx: Context, cmd: WebhookRegenerate) -> Change:
    world, found = ctx.world, _find(ctx, cmd.id)
    noted = _noted(ctx, "webhook_regenerate", found)

    def change(tx: Transaction) -> Outcome:
        old = _now(tx, found.id)
        generation = 0 if old.generation is None else old.generation + 1
        token = token_of(world.secret_key, old.id, generation)
        webhook = tx.webhooks.update(old.id, token_hash=hash_of(token), generation=generation)
        assert webhook is not None
        return Outcome(
            reply=WebhookRegenerateReply(webhook=webhook_object(world, webhook, with_token=True)),
            audit=[noted],
            then=lambda: world.webhooks.put(webhook),
        )

    return change
