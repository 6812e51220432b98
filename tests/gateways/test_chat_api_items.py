"""What each event of the core is called in the HTTP chat API."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest

from db.directs import Direct, Directs
from db.events import LoggedEvent
from db.users import User, Users
from gateways.chat_api.items import Translated, Translator, event_id, time_of
from protocol.base import Packet
from protocol.channel_members import (
    ChannelInviteEvent,
    ChannelMemberEvent,
    ChannelModes,
    ChannelModesEvent,
    MemberJoinEvent,
    MemberLeaveEvent,
)
from protocol.channels import ChannelTopicEvent
from protocol.messages import MessageDeleteEvent, MessageEditEvent, MessageNewEvent, MessageReactAddEvent
from protocol.objects_messages import Attachment, Message, WebhookAuthor
from protocol.users import NicknameRemoveEvent, UserLeaveEvent, UserUpdateEvent

ANN, BEN = "USR:local_ann", "guest:0a1b2c3d:ben"
DIRECT = Direct(id="0190a5c0-0000-7000-8000-00000000000d", members=(ANN, BEN), created_at=0.0)
MESSAGE = Message(id="0190a5c0-0000-7000-8000-000000000001", user=ANN, content="hello", timestamp=1_700_000_000.1239)
SEQ = 0xAB


@pytest.fixture
def translator() -> Translator:
    users = Users([User(id=ANN, username=ANN), User(id=BEN, username="ben")])
    return Translator(cast("Any", SimpleNamespace(users=users, directs=Directs([DIRECT]))))


def logged(packet: Packet, audience: str = "channel:c1") -> LoggedEvent:
    kind = str(packet.__struct_config__.tag)
    return LoggedEvent(SEQ, 1_700_000_000.0, audience, kind, msgspec.json.encode(packet))


def told(translator: Translator, packet: Packet, audience: str = "channel:c1") -> tuple[dict[str, Any], Translated]:
    made = translator.item(logged(packet, audience))
    assert made is not None
    return json.loads(made.json), made


def test_a_message_keeps_its_own_id_type_and_meta(translator: Translator) -> None:
    message = msgspec.structs.replace(MESSAGE, type="action", meta={"k": [1, None]})
    item, made = told(translator, MessageNewEvent(message=message, channel="general"))
    assert item == {
        "id": MESSAGE.id,
        "ts": "2023-11-14T22:13:20.123Z",
        "from": "ann",
        "to": "#general",
        "type": "action",
        "body": "hello",
        "meta": {"k": [1, None]},
    }
    assert (made.channel_id, made.leaver_id) == ("c1", None)


def test_a_webhook_has_its_own_name_and_a_file_its_address(translator: Translator) -> None:
    webhook = WebhookAuthor(id="w", name="News")
    file = Attachment(id="a", name="cat.png", mime_type="image/png", size=1, url="https://chat.example/attachments/a")
    message = msgspec.structs.replace(MESSAGE, user="originChats", content="", webhook=webhook, attachments=[file])
    item, _ = told(translator, MessageNewEvent(message=message, channel="general"))
    assert (item["from"], item["body"]) == ("News (webhook)", "cat.png: https://chat.example/attachments/a")


@pytest.mark.parametrize(("author", "to"), [(ANN, "ben"), ("ben", "ann")])
def test_a_direct_message_goes_to_the_other_one_and_needs_no_membership(
    translator: Translator, author: str, to: str
) -> None:
    message = msgspec.structs.replace(MESSAGE, user=author)
    item, made = told(translator, MessageNewEvent(message=message, channel=DIRECT.name), f"channel:{DIRECT.id}")
    assert item["to"] == to
    assert made.channel_id is None


def test_an_edit_is_an_item_of_its_own_that_names_the_message(translator: Translator) -> None:
    edited = msgspec.structs.replace(MESSAGE, content="hallo", meta={"a": 1})
    item, _ = told(translator, MessageEditEvent(id=MESSAGE.id, content="hallo", message=edited, channel="general"))
    assert (item["id"], item["type"], item["body"]) == (event_id(SEQ), "message", "hallo")
    assert item["meta"] == {"a": 1, "edits": MESSAGE.id}
    assert item["ts"] == "2023-11-14T22:13:20.000Z"


def test_a_deletion_comes_from_nobody(translator: Translator) -> None:
    item, _ = told(translator, MessageDeleteEvent(id=MESSAGE.id, channel="general"))
    assert (item["from"], item["to"], item["type"], item["meta"]) == (
        None, "#general", "system", {"deletes": MESSAGE.id},
    )  # fmt: skip
    in_direct, _ = told(translator, MessageDeleteEvent(id="x", channel=DIRECT.name), f"channel:{DIRECT.id}")
    assert in_direct["to"] == "*"


@pytest.mark.parametrize(
    ("packet", "item"),
    [
        (MemberJoinEvent(channel="a", user=ANN), ("ann", "#a", "join", "", {})),
        (MemberLeaveEvent(channel="a", user=ANN, reason="bye"), ("ann", "#a", "part", "bye", {})),
        (MemberLeaveEvent(channel="a", user="ben", reason="", by=ANN), ("ben", "#a", "part", "", {"by": "ann"})),
        (ChannelTopicEvent(channel="a", topic="Tea", by=ANN), ("ann", "#a", "topic", "Tea", {})),
        (ChannelTopicEvent(channel="a", topic="", by=None), (None, "#a", "topic", "", {})),
        (
            ChannelModesEvent(channel="a", set=ChannelModes(secret=False, invite_only=True, key=True), by=ANN),
            ("ann", "#a", "mode", "+ik-s", {}),
        ),
        (
            ChannelMemberEvent(channel="a", user="ben", operator=True, voice=False, by=ANN),
            ("ann", "#a", "mode", "+o-v ben ben", {}),
        ),
    ],
)
def test_what_happens_in_a_channel_is_for_those_who_joined(
    translator: Translator, packet: Packet, item: tuple[Any, ...]
) -> None:
    found, made = told(translator, packet)
    assert (found["from"], found["to"], found["type"], found["body"], found["meta"]) == item
    assert found["id"] == "00000000-0000-8000-8000-0000000000ab"
    assert made.channel_id == "c1"


def test_who_leaves_is_told_all_the_same(translator: Translator) -> None:
    _, made = told(translator, MemberLeaveEvent(channel="a", user="ben", reason="", by=ANN))
    assert made.leaver_id == BEN


@pytest.mark.parametrize(
    ("packet", "audience", "item"),
    [
        (
            ChannelInviteEvent(channel="a", user="ben", by=ANN),
            f"user:{BEN}",
            ("ann", "ben", "notice", "ann invites you to #a", {"invite": "#a"}),
        ),
        (UserUpdateEvent(user="ben", username="bo", nickname=None), "all", ("ben", "*", "nick", "bo", {})),
        (UserLeaveEvent(username="ben"), "all", ("ben", "*", "quit", "", {})),
    ],
)
def test_what_is_about_users_needs_no_membership(
    translator: Translator, packet: Packet, audience: str, item: tuple[Any, ...]
) -> None:
    found, made = told(translator, packet, audience)
    assert (found["from"], found["to"], found["type"], found["body"], found["meta"]) == item
    assert made.channel_id is None


@pytest.mark.parametrize(
    "packet",
    [
        MessageNewEvent(message=MESSAGE, channel="ideas", thread_id="t1"),
        MessageEditEvent(id="x", content="", message=MESSAGE, channel="ideas", thread_id="t1"),
        MessageDeleteEvent(id="x", channel="ideas", thread_id="t1"),
        MessageReactAddEvent(id="x", emoji="👍", channel="a", from_="ben"),
        NicknameRemoveEvent(user=BEN, username="ben"),
        UserUpdateEvent(user="ben", username="ben", nickname="Benny"),
    ],
    ids=lambda packet: str(type(packet).__name__),
)
def test_what_has_no_words_here_is_left_out(translator: Translator, packet: Packet) -> None:
    assert translator.item(logged(packet)) is None


def test_a_view_and_an_event_of_another_version_are_left_out(
    translator: Translator, caplog: pytest.LogCaptureFixture
) -> None:
    assert translator.item(LoggedEvent(1, 0.0, "all", "channels_get", b"")) is None
    assert not caplog.records
    assert translator.item(LoggedEvent(2, 0.0, "channel:c1", "message_new", b'{"cmd":"message_new"}')) is None
    assert "event 2 (message_new)" in caplog.text


def test_times_are_utc_in_milliseconds() -> None:
    assert time_of(0) == "1970-01-01T00:00:00.000Z"
    assert time_of(1_700_000_000.999_9) == "2023-11-14T22:13:20.999Z"
