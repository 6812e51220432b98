"""Messages that programs post through webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from db.messages import Message
from db.users import User
from handlers.content import checked_text
from handlers.filters import Draft, Kind, look, texts_in, with_texts
from handlers.names import is_visible
from handlers.places import Place
from handlers.posting import SERVER_AUTHOR, post
from protocol.embeds import check_embeds
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from db.transaction import Transaction
    from handlers.context import World
    from handlers.outcome import Answer, Change, Outcome


def delivery(
    world: World, token: str, content: str, embeds: list[dict[str, Any]], author: dict[str, Any] | None = None
) -> Answer:
    """Post what a program sent, once the filters have seen it. author: `id`, `name`, `avatar` that are shown instead of
    the webhook's own, as far as they are there. Raises Refused; nobody is pinged."""
    change = _delivery(world, token, content, embeds, author or {})
    return _filtered(world, token, content, embeds, author or {}) if world.filters else change


async def _filtered(
    world: World, token: str, content: str, embeds: list[dict[str, Any]], author: dict[str, Any]
) -> Change:
    webhook = world.webhooks.by_token(token)
    assert webhook is not None
    name = str(author.get("name") or webhook.name)
    by, channel = User(id=webhook.id, username=name), world.channels.get(webhook.channel)
    kinds: tuple[tuple[Kind, Any], ...] = (("webhook", content), ("webhook", author.get("name")), ("embed", embeds))
    drafts = [Draft(kind, by, text, channel) for kind, value in kinds for text in texts_in(value)]
    left = iter(await look(world, drafts))
    content, shown, embeds = (with_texts(value, left) for _, value in kinds)
    return _delivery(world, token, content, embeds, author | {"name": shown} if "name" in author else author)


def _delivery(world: World, token: str, content: str, embeds: list[dict[str, Any]], author: dict[str, Any]) -> Change:
    webhook = world.webhooks.by_token(token)
    if webhook is None:
        raise Refused(Code.WEBHOOK_NOT_FOUND)
    channel = world.channels.get(webhook.channel)
    if channel is None:
        raise Refused(Code.CHANNEL_NOT_FOUND)
    if channel.type != "text":
        raise Refused(Code.NOT_A_TEXT_CHANNEL)
    if "name" in author and not is_visible(str(author["name"])):
        raise Refused(Code.BAD_VALUE, field="username", reason="expected visible characters only")
    text = checked_text(world, content) if content.strip() or not embeds else ""
    extra: dict[str, Any] = {"webhook": {"id": webhook.id, "name": webhook.name, "avatar": webhook.avatar, **author}}
    if embeds:
        check_embeds(embeds)
        extra["embeds"] = embeds
    message = Message(id=world.new_id(), user_id=SERVER_AUTHOR, content=text, timestamp=world.timestamp(), extra=extra)
    place = Place(channel.id, channel)

    def change(tx: Transaction) -> Outcome:
        stored = tx.webhooks.get(webhook.id)
        if stored is None or stored.token_hash != webhook.token_hash:  # since a moment ago
            raise Refused(Code.WEBHOOK_NOT_FOUND)
        return post(world, tx, place, message)

    return change
