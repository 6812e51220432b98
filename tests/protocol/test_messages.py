from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from protocol.base import COMMANDS, Packet
from protocol.decode import BadPacket, decode
from protocol.message_reads import MessagesAround, MessagesGet, PingsGet
from protocol.messages import (
    MessageDeleteEvent,
    MessageEditEvent,
    MessageNew,
    MessageNewEvent,
    MessagePin,
    MessagePinEvent,
    MessageReactAddEvent,
    MessageReactRemoveEvent,
    MessageUnpinEvent,
    TypingEvent,
)
from protocol.objects_messages import Message
from protocol.threads import ThreadCreateEvent, ThreadDeleteEvent, ThreadJoinEvent, ThreadLeaveEvent, ThreadUpdateEvent
from protocol.unreads import UnreadsUpdateEvent

LIMITED = {
    "message_new", "message_edit", "message_delete", "direct_open", "direct_message", "channel_topic_set",
    "channel_modes_set", "channel_member_set", "channel_invite", "channel_kick", "username_update",
    "access_token_create", "poll_create", "poll_vote", "thread_create", "nickname_update", "invite_create",
    "slash_register", "slash_call", "plugin_call", "pfp_upload",
    "unreads_mark",
}  # fmt: skip


def command(**fields: Any) -> Any:
    return decode(json.dumps(fields).encode())


def test_message_new_has_defaults_and_ignores_what_it_does_not_know() -> None:
    assert command(cmd="message_new", channel="general", content="x", unknown=1) == MessageNew(
        channel="general", content="x"
    )
    assert command(cmd="message_new", thread_id=None, channel="g", ping=None, embeds=None).embeds is None


@pytest.mark.parametrize(
    "fields",
    [
        {"content": None},
        {"content": 7},
        {"nonce": ""},
        {"nonce": "x" * 65},
        {"nonce": 5},
        {"embeds": [{}] * 11},
        {"embeds": {}},
        {"embeds": ["x"]},
        {"attachments": [{}]},
        {"attachments": ["x"]},
        {"reply_to": ""},
        {"ping": "no"},
    ],
)
def test_message_new_wrong_values_name_the_field(fields: dict[str, Any]) -> None:
    with pytest.raises(BadPacket, match=f"message_new.{next(iter(fields))}"):
        command(cmd="message_new", channel="general", **fields)


def test_message_pin_and_reads_as_web_clients_send_them() -> None:
    assert command(cmd="message_pin", id="a", channel="general", pinned=False) == MessagePin(
        id="a", channel="general", pinned=False
    )
    assert command(cmd="messages_get", channel="general", limit=100) == MessagesGet(channel="general", limit=100)
    around = command(cmd="messages_around", channel="general", around="a", bounds={"above": 0, "below": 100})
    assert isinstance(around, MessagesAround)
    assert around.bounds is not None
    assert (around.bounds.above, around.bounds.below) == (0, 100)
    assert command(cmd="pings_get", limit=50, offset=0) == PingsGet()


def test_what_others_are_told_or_what_is_kept_spends_the_message_budget() -> None:
    import protocol.all  # noqa: F401

    assert {name for name, spec in COMMANDS.items() if spec.limited} == LIMITED


def test_message_new_event_leaves_out_what_is_absent() -> None:
    message = Message(id="a", user="ann", content="x", timestamp=1.5)
    packet = MessageNewEvent(message=message, channel="general")
    assert msgspec.json.decode(msgspec.json.encode(packet)) == {
        "cmd": "message_new",
        "channel": "general",
        "thread_id": None,
        "global": True,
        "message": {
            "id": "a", "user": "ann", "content": "x", "timestamp": 1.5, "type": "message", "pinned": False,
            "interaction": None,
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    "event",
    [
        MessageNewEvent, MessageEditEvent, MessageDeleteEvent, MessagePinEvent, MessageUnpinEvent,
        MessageReactAddEvent, MessageReactRemoveEvent, ThreadCreateEvent, ThreadUpdateEvent, ThreadDeleteEvent,
        ThreadJoinEvent, ThreadLeaveEvent, UnreadsUpdateEvent,
    ],
)  # fmt: skip
def test_changes_of_state_are_durable(event: type[Packet]) -> None:
    assert event.durable


def test_typing_is_not_durable() -> None:
    assert not TypingEvent.durable
