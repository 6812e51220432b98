"""Stand-ins for upstream's `db.polls` and `db.webhooks`. What has no counterpart here says so in the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgspec

from handlers.poll_standing import options_of, standing, tally_of
from handlers.webhooks import webhook_object
from plugin_api import PluginError

if TYPE_CHECKING:
    from db.polls import Poll
    from db.transaction import Transaction
    from plugin_host.api import HostApi


def _named(*functions: Callable[..., Any]) -> dict[str, Any]:
    return {function.__name__: function for function in functions}


def _missing(module: str, name: str, instead: str) -> Callable[..., Any]:
    """A function that is there to be imported; calling it gives False and a line in the log."""

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise PluginError(f"{module}.{name} is not offered here: {instead}", "unknown_command")

    refuse.__name__ = name
    return refuse


def polls(api: HostApi) -> dict[str, Any]:
    world = api.line.core.world

    def seen(tx: Transaction, poll: Poll | None) -> dict[str, Any] | None:
        if poll is None:
            return None
        channel = world.channels.get(poll.channel)
        return {
            "id": poll.id, "message_id": poll.message_id, "channel": None if channel is None else channel.name,
            "thread_id": poll.thread_id, "question": poll.question, "options": msgspec.to_builtins(options_of(poll)),
            "allow_multiselect": poll.allow_multiselect, "expires_at": poll.expires_at, "created_by": poll.created_by,
            "created_at": poll.created_at, "ended": poll.ended_at is not None, "ended_at": poll.ended_at,
        }  # fmt: skip

    def get_poll(poll_id: str) -> dict[str, Any] | None:
        return api.line.store(lambda tx: seen(tx, tx.polls.get(poll_id)))

    def get_poll_by_message(message_id: str) -> dict[str, Any] | None:
        return api.line.store(lambda tx: seen(tx, tx.polls.of_message(message_id)))

    def get_poll_results(poll_id: str) -> dict[str, Any] | None:
        """Votes are secret until the end: `voters` is empty before."""

        def read(tx: Transaction) -> dict[str, Any] | None:
            poll = tx.polls.get(poll_id)
            found: dict[str, Any] | None = None
            if poll is not None:
                found = msgspec.to_builtins(standing(world, tally_of(tx, poll)))
            return found

        return api.line.store(read)

    def is_poll_expired(poll_id: str) -> bool:
        poll = get_poll(poll_id)
        return poll is None or poll["ended"] or (poll["expires_at"] or world.clock() + 1) <= world.clock()

    def end_poll(poll_id: str) -> bool:
        api.command("poll_end", poll_id=poll_id)
        return True

    def cleanup_expired_polls() -> int:
        """The server ends them by itself."""
        return 0

    by_members = "members make polls and vote by commands"
    return _named(
        get_poll, get_poll_by_message, get_poll_results, is_poll_expired, end_poll, cleanup_expired_polls,
        *(_missing("db.polls", name, by_members) for name in ("create_poll", "vote_poll", "remove_vote")),
        _missing("db.polls", "get_user_vote", "votes are secret"),
        _missing("db.polls", "delete_poll", "delete its message"),
    )  # fmt: skip


def webhooks(api: HostApi) -> dict[str, Any]:
    world = api.line.core.world

    def get_all_webhooks() -> list[dict[str, Any]]:
        def read(tx: Transaction) -> list[dict[str, Any]]:
            return [msgspec.to_builtins(webhook_object(world, each, with_token=True)) for each in tx.webhooks.all()]

        return api.line.store(read)

    def get_webhook(webhook_id: str) -> dict[str, Any] | None:
        return next((each for each in get_all_webhooks() if each["id"] == webhook_id), None)

    def get_webhook_by_token(token: str) -> dict[str, Any] | None:
        found = api.line.ask(lambda: world.webhooks.by_token(token))
        return None if found is None else get_webhook(found.id)

    def get_webhooks_for_channel(channel: str) -> list[dict[str, Any]]:
        return [each for each in get_all_webhooks() if each["channel"] == channel]

    def webhook_exists_for_channel(channel: str, webhook_id: str) -> bool:
        found = get_webhook(webhook_id)
        return found is not None and found["channel"] == channel

    def get_webhook_owner(webhook_id: str) -> str | None:
        found = get_webhook(webhook_id)
        return None if found is None else found["created_by"]

    def create_webhook(channel: str, name: str, created_by: str, avatar: str | None = None) -> Any:
        """It is the plugin's, whatever `created_by` says."""
        return api.command("webhook_create", channel=channel, name=name, avatar=avatar)["webhook"]

    def update_webhook(webhook_id: str, updates: dict[str, Any]) -> Any:
        fields = {key: updates[key] for key in ("name", "avatar") if key in updates}
        return api.command("webhook_update", id=webhook_id, **fields)["webhook"]

    def delete_webhook(webhook_id: str) -> bool:
        api.command("webhook_delete", id=webhook_id)
        return True

    return _named(
        get_all_webhooks, get_webhook, get_webhook_by_token, get_webhooks_for_channel, webhook_exists_for_channel,
        get_webhook_owner, create_webhook, update_webhook, delete_webhook,
    )  # fmt: skip
