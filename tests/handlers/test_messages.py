from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from handlers.outcome import Outcome
from protocol.base import Packet
from protocol.errors import Code, Refused
from tests.handlers.conftest import Stage, as_json

EVERYONE_WITH_ROLE_USER = {"host", "mod", "ann", "ben"}


def say(stage: Stage, name: str, content: str, **place: Any) -> dict[str, Any]:
    """Post, and give the message."""
    message: dict[str, Any] = stage.answer(name, "message_new", content=content, **(place or {"channel": "general"}))[
        "message"
    ]
    return message


def open_thread(stage: Stage, name: str = "ann", channel: str = "ideas") -> str:
    thread: str = stage.answer(name, "thread_create", channel=channel, name="A thread")["thread"]["id"]
    return thread


def refusal(stage: Stage, name: str, cmd: str, **fields: Any) -> tuple[Code, str]:
    refused: Refused = stage.refused(name, cmd, **fields)
    return refused.code, refused.text


# ---------------------------------------------------------------- message_new


def test_message_new_is_one_event_for_the_viewers(stage: Stage) -> None:
    outcome: Outcome = stage.do("ann", "message_new", channel="general", content="  hello\n ")
    assert outcome.reply is None
    (event,) = outcome.events
    assert stage.seen_by(event) == EVERYONE_WITH_ROLE_USER
    assert isinstance(event.packet, Packet)
    assert event.packet.durable
    packet = as_json(event.packet)
    message = packet.pop("message")
    assert packet == {"cmd": "message_new", "channel": "general", "thread_id": None, "global": True}
    timestamp = message.pop("timestamp")
    assert abs(timestamp - stage.world.clock()) < 1
    assert message == {
        "id": "id-000001",
        "user": stage.id("ann"),
        "content": "hello",
        "type": "message",
        "pinned": False,
        "interaction": None,
        "pings": {"users": [], "roles": [], "replies": []},
    }


def test_message_new_timestamps_rise_while_the_clock_stands_still(stage: Stage) -> None:
    times = [say(stage, "ann", str(number))["timestamp"] for number in range(5)]
    assert times == sorted(set(times))


def test_message_new_in_a_hidden_place_looks_like_nowhere(stage: Stage) -> None:
    nowhere = refusal(stage, "ann", "message_new", channel="nowhere", content="x")
    assert nowhere == (Code.CHANNEL_NOT_FOUND, "Channel not found")
    assert refusal(stage, "ann", "message_new", channel="staff", content="x") == nowhere
    hidden = open_thread(stage, "mod", "cabal")
    assert refusal(stage, "ann", "message_new", thread_id=hidden, content="x") == (
        Code.THREAD_NOT_FOUND,
        "Thread not found",
    )
    assert stage.refused("ann", "message_new", thread_id="nowhere", content="x").code is Code.THREAD_NOT_FOUND
    assert stage.refused("ann", "message_new", content="x").code is Code.PLACE_REQUIRED


def test_message_new_needs_send_and_a_text_channel(stage: Stage) -> None:
    code, text = refusal(stage, "ann", "message_new", channel="news", content="x")
    assert code is Code.NOT_PERMITTED
    assert "you do not have permission" in text.lower()
    say(stage, "mod", "x", channel="news")
    say(stage, "host", "owners pass channel rules", channel="staff")
    for channel in ("call", "ideas"):
        assert stage.refused("ann", "message_new", channel=channel, content="x").code is Code.NOT_A_TEXT_CHANNEL


def test_message_new_content_is_needed_and_limited(stage: Stage) -> None:
    most = stage.world.config.limits.post_content
    assert stage.refused("ann", "message_new", channel="general", content=" \n ").code is Code.MESSAGE_EMPTY
    embeds = [{"title": "alone"}]
    assert stage.refused("ann", "message_new", channel="general", embeds=embeds).code is Code.MESSAGE_EMPTY
    code, text = refusal(stage, "ann", "message_new", channel="general", content="x" * (most + 1))
    assert code is Code.MESSAGE_TOO_LONG
    assert "message too long" in text.lower()
    assert len(say(stage, "ann", " " + "😀" * most + " ")["content"]) == most


def test_message_new_replies_ping_their_author_unless_told_not_to(stage: Stage) -> None:
    first = say(stage, "ann", "first")
    reply = say(stage, "ben", "second", channel="general", reply_to=first["id"])
    assert reply["reply_to"] == {"id": first["id"], "user": stage.id("ann")}
    assert reply["pings"]["replies"] == [stage.id("ann")]
    assert "ping" not in reply
    quiet = say(stage, "ben", "third", channel="general", reply_to=first["id"], ping=False)
    assert quiet["ping"] is False
    assert quiet["pings"]["replies"] == []


def test_message_new_reply_target_must_be_in_the_same_place(stage: Stage) -> None:
    secret = say(stage, "mod", "secret", channel="staff")
    for target in (secret["id"], "nothing"):
        code, text = refusal(stage, "ann", "message_new", channel="general", content="x", reply_to=target)
        assert code is Code.REPLY_NOT_FOUND
        assert "message not found" in text.lower()
    assert stage.answer("ann", "messages_get", channel="general")["messages"] == []


def test_message_new_mentions_people_and_roles(stage: Stage) -> None:
    message = say(stage, "ann", "@usr:LOCAL_ben, @ghost and @&moderator and @&nobody")
    assert message["pings"]["users"] == [stage.id("ben"), "ghost"]
    assert message["pings"]["roles"] == ["moderator", "nobody"]
    assert message["content"] == "@usr:LOCAL_ben, @ghost and @&moderator and @&nobody"


@pytest.mark.parametrize(
    ("rule", "may"),
    [
        (None, {"host", "mod", "ann"}),
        (True, {"host", "mod", "ann"}),
        (False, {"host"}),
        ("moderator", {"host", "mod"}),
        (("moderator", "user"), {"host", "mod", "ann"}),
        ((), {"host"}),
    ],
)
def test_message_new_of_a_protected_role(stage: Stage, rule: Any, may: set[str]) -> None:
    role = stage.world.roles.get("admin")
    assert role is not None
    stage.world.roles.put(replace(role, mention_roles=rule))
    for name in ("host", "mod", "ann"):
        if name in may:
            assert say(stage, name, "@&admin help")["pings"]["roles"] == ["admin"]
        else:
            code, text = refusal(stage, name, "message_new", channel="general", content="@&admin help")
            assert code is Code.ROLE_NOT_MENTIONABLE
            assert "you do not have permission" in text.lower()


def test_message_new_embeds_travel_untouched(stage: Stage) -> None:
    embed = {"title": "Card", "color": "255", "x-own": {"deep": [1, None]}}
    message = say(stage, "ann", "see", channel="general", embeds=[embed])
    assert message["embeds"] == [embed]
    assert stage.answer("ben", "embeds_list", channel="general", id=message["id"])["embeds"] == [embed]
    code, text = refusal(stage, "ann", "message_new", channel="general", content="x", embeds=[{"title": "x" * 257}])
    assert code is Code.BAD_EMBED
    assert "title" in text


def test_message_new_nonce_makes_sending_again_harmless(stage: Stage) -> None:
    first = stage.do("ann", "message_new", channel="general", content="once @usr:local_ben", nonce="n1")
    again = stage.do("ann", "message_new", channel="general", content="once @usr:local_ben", nonce="n1")
    assert again.events == []
    assert again.reply == first.events[0].packet
    assert as_json(again.reply)["nonce"] == "n1"
    other = stage.do("ben", "message_new", channel="general", content="mine", nonce="n1")
    assert other.events
    assert len(stage.answer("ann", "messages_get", channel="general")["messages"]) == 2
    assert stage.refused("ann", "message_new", channel="news", content="x", nonce="n1").code is Code.NOT_PERMITTED
    thread = open_thread(stage)
    assert stage.refused("ann", "message_new", thread_id=thread, content="x", nonce="n1").code is Code.BAD_VALUE
    for nonce in ("", "x" * 65, 7):
        assert stage.refused("ann", "message_new", channel="general", content="x", nonce=nonce).code is Code.BAD_VALUE


def test_message_new_in_a_thread_belongs_to_the_parent_channel(stage: Stage) -> None:
    thread = open_thread(stage)
    outcome = stage.do("ann", "message_new", channel="staff", thread_id=thread, content="x")
    (event,) = outcome.events
    packet = as_json(event.packet)
    assert (packet["channel"], packet["thread_id"]) == ("ideas", thread)
    assert stage.seen_by(event) == EVERYONE_WITH_ROLE_USER


def test_message_new_in_a_locked_thread_is_refused(stage: Stage) -> None:
    thread = open_thread(stage)
    stage.do("mod", "thread_update", thread_id=thread, locked=True)
    for name in ("ann", "host"):
        assert refusal(stage, name, "message_new", thread_id=thread, content="x") == (
            Code.THREAD_LOCKED,
            "Thread is locked",
        )


def test_message_new_brings_a_thread_back_from_the_archive(stage: Stage) -> None:
    thread = open_thread(stage)
    stage.do("ann", "thread_update", thread_id=thread, archived=True)
    outcome = stage.do("ben", "message_new", thread_id=thread, content="awake")
    posted, update = (as_json(event.packet) for event in outcome.events)
    assert (posted["cmd"], update["cmd"]) == ("message_new", "thread_update")
    assert update["channel"] == "ideas"
    assert update["thread"]["archived"] is False
    assert update["thread"]["last_message_id"] == posted["message"]["id"]
    known = stage.world.threads.get(thread)
    assert known is not None
    assert not known.archived


def test_message_new_meets_the_thread_as_the_change_before_left_it(stage: Stage) -> None:
    """A command that was taken up before another one's change was carried out must not write into a deleted thread."""
    from handlers.context import Context
    from handlers.messages import message_new
    from protocol.messages import MessageNew
    from tests.handlers.conftest import Visitor

    thread = open_thread(stage)
    ctx = Context(stage.world, Visitor(), stage.connect("ann"), stage.world.clock())
    late = message_new(ctx, MessageNew(thread_id=thread, content="too late"))
    stage.do("ann", "thread_delete", thread_id=thread)
    with pytest.raises(Refused, match="Thread not found"):
        stage.settle(late)


# ---------------------------------------------------------------- message_edit


def test_message_edit_is_seen_by_the_viewers(stage: Stage) -> None:
    message = say(stage, "ann", "teh")
    outcome = stage.do("ann", "message_edit", id=message["id"], channel="general", content=" the @usr:local_ben ")
    (event,) = outcome.events
    assert stage.seen_by(event) == EVERYONE_WITH_ROLE_USER
    packet = as_json(event.packet)
    assert packet["content"] == packet["message"]["content"] == "the @usr:local_ben"
    assert packet["message"]["edited"] is True
    assert packet["message"]["pings"] == {"users": [stage.id("ben")], "roles": [], "replies": []}
    assert packet["message"]["timestamp"] == message["timestamp"]
    assert packet["global"] is True
    assert "thread_id" not in packet
    without = stage.answer("ann", "message_edit", id=message["id"], channel="general", content="plain")
    assert "pings" not in without["message"]


def test_message_edit_keeps_replaces_or_clears_embeds(stage: Stage) -> None:
    id_ = say(stage, "ann", "x", channel="general", embeds=[{"title": "one"}])["id"]

    def edit(**fields: Any) -> Any:
        answer = stage.answer("ann", "message_edit", id=id_, channel="general", content="y", **fields)
        return answer["message"].get("embeds")

    assert edit() == [{"title": "one"}]
    assert edit(embeds=[{"title": "two"}]) == [{"title": "two"}]
    assert edit(embeds=[]) is None
    refused = stage.refused("ann", "message_edit", id=id_, channel="general", content="y", embeds=[{"type": "poll"}])
    assert refused.code is Code.BAD_EMBED


def test_message_edit_is_for_the_author_alone(stage: Stage) -> None:
    message = say(stage, "ann", "mine")
    for name in ("ben", "mod", "host"):
        code, text = refusal(stage, name, "message_edit", id=message["id"], channel="general", content="yours")
        assert code is Code.NOT_AUTHOR
        assert "permission" in text
    general = stage.world.channels.get("c-general")
    assert general is not None
    stage.world.channels.put(replace(general, permissions={**general.permissions, "edit_own": ("moderator",)}))
    assert (
        stage.refused("ann", "message_edit", id=message["id"], channel="general", content="x").code
        is Code.NOT_PERMITTED
    )


def test_message_edit_has_the_limits_of_message_new(stage: Stage) -> None:
    id_ = say(stage, "ann", "x")["id"]
    role = stage.world.roles.get("admin")
    assert role is not None
    stage.world.roles.put(replace(role, mention_roles=False))
    for content, code in (
        ("", Code.MESSAGE_EMPTY),
        ("  ", Code.MESSAGE_EMPTY),
        ("x" * 2001, Code.MESSAGE_TOO_LONG),
        ("@&admin", Code.ROLE_NOT_MENTIONABLE),
    ):
        assert stage.refused("ann", "message_edit", id=id_, channel="general", content=content).code is code
    assert stage.refused("ann", "message_edit", id=id_, channel="news", content="x").code is Code.NOT_PERMITTED
    assert stage.refused("ann", "message_edit", id=id_, channel="staff", content="x").code is Code.CHANNEL_NOT_FOUND
    assert stage.refused("ann", "message_edit", id=id_, channel="general").code is Code.BAD_VALUE


def test_message_edit_in_locked_and_archived_threads_is_refused(stage: Stage) -> None:
    thread = open_thread(stage)
    id_ = say(stage, "ann", "x", thread_id=thread)["id"]
    stage.do("ann", "thread_update", thread_id=thread, archived=True)
    assert refusal(stage, "ann", "message_edit", id=id_, thread_id=thread, content="y") == (
        Code.THREAD_ARCHIVED,
        "Thread is archived",
    )
    stage.do("mod", "thread_update", thread_id=thread, archived=False, locked=True)
    assert stage.refused("ann", "message_edit", id=id_, thread_id=thread, content="y").code is Code.THREAD_LOCKED


# ---------------------------------------------------------------- message_delete


def test_message_delete_own_and_of_others(stage: Stage) -> None:
    mine, other = say(stage, "ann", "one"), say(stage, "ann", "two")
    code, text = refusal(stage, "ben", "message_delete", id=mine["id"], channel="general")
    assert code is Code.NOT_PERMITTED
    assert text == "You do not have permission to delete this message"
    outcome = stage.do("ann", "message_delete", id=mine["id"], channel="general")
    (event,) = outcome.events
    assert stage.seen_by(event) == EVERYONE_WITH_ROLE_USER
    assert as_json(event.packet) == {
        "cmd": "message_delete", "id": mine["id"], "channel": "general", "global": True,
    }  # fmt: skip
    stage.do("mod", "message_delete", id=other["id"], channel="general")
    assert stage.answer("ann", "messages_get", channel="general")["messages"] == []
    assert refusal(stage, "mod", "message_delete", id=mine["id"], channel="general") == (
        Code.MESSAGE_NOT_FOUND,
        "Message not found",
    )


def test_message_delete_own_without_delete_own(stage: Stage) -> None:
    general = stage.world.channels.get("c-general")
    assert general is not None
    stage.world.channels.put(replace(general, permissions={**general.permissions, "delete_own": ()}))
    id_ = say(stage, "ann", "x")["id"]
    assert stage.refused("ann", "message_delete", id=id_, channel="general").code is Code.NOT_PERMITTED
    mods = say(stage, "mod", "x")["id"]
    stage.do("mod", "message_delete", id=mods, channel="general")


def test_message_delete_across_places_is_refused(stage: Stage) -> None:
    secret = say(stage, "mod", "x", channel="staff")["id"]
    assert stage.refused("ann", "message_delete", id=secret, channel="general").code is Code.MESSAGE_NOT_FOUND
    assert stage.refused("ann", "message_delete", id=secret, channel="staff").code is Code.CHANNEL_NOT_FOUND


# ---------------------------------------------------------------- typing


def test_typing_is_seen_by_the_viewers_and_not_kept(stage: Stage) -> None:
    outcome = stage.do("ann", "typing", channel="news")
    (event,) = outcome.events
    assert stage.seen_by(event) == EVERYONE_WITH_ROLE_USER
    assert isinstance(event.packet, Packet)
    assert not event.packet.durable
    assert as_json(event.packet) == {
        "cmd": "typing", "channel": "news", "user": stage.id("ann"), "thread_id": None, "global": True,
    }  # fmt: skip


def test_typing_in_a_thread_needs_send(stage: Stage) -> None:
    thread = open_thread(stage)
    assert stage.answer("ben", "typing", thread_id=thread)["thread_id"] == thread
    ideas = stage.world.channels.get("c-ideas")
    assert ideas is not None
    stage.world.channels.put(replace(ideas, permissions={**ideas.permissions, "send": ("moderator",)}))
    assert stage.refused("ben", "typing", thread_id=thread).code is Code.NOT_PERMITTED
    assert stage.refused("ben", "typing", channel="staff").code is Code.CHANNEL_NOT_FOUND
    assert stage.refused("ben", "typing", channel="call").code is Code.NOT_A_TEXT_CHANNEL


def test_message_new_sent_again_after_it_was_deleted_does_not_come_back(stage: Stage) -> None:
    sent = stage.do("ann", "message_new", channel="general", content="oops", nonce="n1")
    stage.do("ann", "message_delete", channel="general", id=as_json(sent.events[0].packet)["message"]["id"])
    refusal = stage.refused("ann", "message_new", channel="general", content="oops", nonce="n1")
    assert refusal.fields["field"] == "nonce"
    assert "deleted" in refusal.text


# ---------------------------------------------------------------- type and meta


@pytest.mark.parametrize("type_", ["message", "action", "notice"])
def test_message_new_keeps_its_type(stage: Stage, type_: str) -> None:
    sent = say(stage, "ann", "waves", channel="general", type=type_)
    assert sent["type"] == type_
    stage.do("ann", "message_edit", channel="general", id=sent["id"], content="waves again")
    (found,) = stage.answer("ben", "messages_get", channel="general")["messages"]
    assert (found["type"], found["content"]) == (type_, "waves again")
    assert stage.refused("ann", "message_new", channel="general", content="x", type="shout").code is Code.BAD_VALUE


@pytest.mark.parametrize("meta", [{}, {"a": None}, {"a": [1, 2.5, "ü", {"b": True}], "type": "x"}])
def test_message_new_keeps_meta_as_it_was_given(stage: Stage, meta: dict[str, Any]) -> None:
    assert say(stage, "ann", "x", channel="general", meta=meta)["meta"] == meta
    (found,) = stage.answer("ben", "messages_get", channel="general")["messages"]
    assert found["meta"] == meta
    assert "meta" not in say(stage, "ann", "y", channel="general")


def test_message_new_refuses_meta_that_is_too_large(stage: Stage) -> None:
    most = stage.world.config.limits.meta_bytes
    around = len('{"a":""}')
    say(stage, "ann", "x", channel="general", meta={"a": "x" * (most - around)})
    refused = stage.refused("ann", "message_new", channel="general", content="x", meta={"a": "x" * (most - around + 1)})
    assert refused.code is Code.BAD_VALUE
    assert refused.fields["field"] == "meta"
    assert stage.refused("ann", "message_new", channel="general", content="x", meta=[1]).code is Code.BAD_VALUE
