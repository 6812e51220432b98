"""The rooms dialect in the whole server, without sockets: who is told what, in which order, and what is refused."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateways.rooms_guests import (
    CELLAR,
    CONFIG,
    LOUNGE,
    access_token,
    ask,
    chat,
    come,
    enter,
    frame,
    heard,
    refused,
    told,
)
from tests.support.community import CHANNELS, user_id
from tests.support.house import House, open_house
from upkeep import Upkeep

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, config=CONFIG, channels=[*CHANNELS, LOUNGE, CELLAR]) as house:
        yield house


# --- entering


async def test_entering_brings_a_token_and_the_members(house: House) -> None:
    zoe = await come(house, "zoe")
    assert zoe.ready["message_body"] == {"sender_username": "zoe", "room": "general", "members": ["zoe"]}
    assert uuid.UUID(zoe.ready["token"])
    yan = await come(house, "yan")
    assert yan.ready["message_body"]["members"] == ["zoe", "yan"]
    assert told(await heard(zoe)) == [("Enter", "yan", "general")]


async def test_a_token_brings_the_same_user_back(house: House) -> None:
    zoe = await come(house, "zoe")
    zoe.lose()
    await house.quiet()
    again = await come(house, "ZOE", zoe.ready["token"])
    assert again.ready["message_body"]["sender_username"] == "zoe"
    stranger = house.guest(path="/rooms")
    assert (await refused(stranger, enter("zoe")))["code"] == "name_taken"
    assert (await refused(stranger, enter("yan", zoe.ready["token"])))["code"] == "invalid_token"


async def test_a_name_of_an_account_needs_its_own_token(house: House) -> None:
    stranger = house.guest(path="/rooms")
    for name in ("ann", "Ann", "USR:local_ann"):
        assert (await refused(stranger, enter(name)))["code"] in ("name_taken", "bad_name")
    token = await access_token(house, "ann")
    assert (await refused(stranger, enter("ben", token)))["code"] == "invalid_token"
    ann = await come(house, "ann", token)
    assert ann.ready["message_body"]["sender_username"] == "ann"
    assert ann.ready["token"] == token, "it lets in the next time as well"
    (session,) = house.world.fanout.sessions_of(user_id("ann"))
    assert (session.gateway, session.joins) == ("rooms", True)


async def test_where_tokens_are_required_nobody_comes_without(tmp_path: Path) -> None:
    async with open_house(tmp_path, config={"rooms": {"require_token": True}}) as house:
        stranger = house.guest(path="/rooms")
        assert (await refused(stranger, enter("zoe")))["code"] == "token_required"
        assert (await refused(stranger, enter("ann", str(uuid.uuid4()))))["code"] == "invalid_token"
        await come(house, "ann", await access_token(house, "ann"))


async def test_where_invitations_are_needed_enter_brings_one(tmp_path: Path) -> None:
    async with open_house(tmp_path, config={**CONFIG, "registration": "invite"}) as house:
        host = await house.enter("host")
        code = (await host.one("invite_create", max_uses=1))["invite"]["code"]
        guest = house.guest(path="/rooms")
        assert (await refused(guest, enter("zoe")))["code"] == "invite_required"
        assert (await refused(guest, enter("zoe", invite="none")))["code"] == "invite_not_found"
        entered = [*await ask(guest, enter("zoe", invite=code)), *await heard(guest)]
        assert told(entered) == [("Enter", "zoe", "general")]
        late = house.guest(path="/rooms")
        assert (await refused(late, enter("yan", invite=code)))["code"] == "invite_expired"
        assert (await refused(late, enter("yan", invite="x" * 65)))["field"] == "message_body.invite"


async def test_a_refused_room_still_lets_enter_another_one(house: House) -> None:
    zoe = house.guest(path="/rooms")
    for room in ("staff", "nowhere"):
        assert (await refused(zoe, enter("zoe", room=room)))["code"] == "channel_not_found"
    (answer,) = await ask(zoe, enter("zoe", room="lounge"))
    assert answer["message_body"]["room"] == "lounge"
    assert answer["token"], "it comes with the first room that is entered"


async def test_entering_twice_is_answered_twice_and_told_once(house: House) -> None:
    zoe, yan = await come(house, "zoe"), await come(house, "yan")
    await heard(zoe)
    (answer,) = await ask(yan, enter("yan"))
    assert answer["message_body"]["members"] == ["zoe", "yan"]
    assert "token" not in answer
    assert await heard(zoe) == []


async def test_the_answer_to_enter_comes_before_what_is_said_in_the_room(house: House) -> None:
    zoe, yan = await come(house, "zoe"), house.guest(path="/rooms")
    yan.send_raw(enter("yan"))
    zoe.send_raw(chat("1"), chat("2"))
    await house.quiet()
    assert yan.packets[0]["message_type"] == "Enter"
    assert yan.packets[0]["message_body"]["sender_username"] == "yan"


async def test_who_does_not_enter_in_time_is_closed(house: House) -> None:
    zoe = house.guest(path="/rooms")
    house.clock.now += 6
    Upkeep(house.server, house.community.looked).tick()
    assert zoe.close_code == 1008


@pytest.mark.parametrize(
    "sent", [chat("hello"), frame("Leave"), frame("PrivateChat", target_username="ann", content="x")]
)
async def test_nothing_works_before_enter(house: House, sent: bytes) -> None:
    assert (await refused(house.guest(path="/rooms"), sent))["code"] == "auth_required"


# --- talking


async def test_everybody_in_the_room_hears_it_once(house: House) -> None:
    zoe, yan, xia = await come(house, "zoe"), await come(house, "yan"), await come(house, "xia", room="lounge")
    ann = await house.enter("ann")
    await heard(zoe)
    (echo,) = await ask(zoe, chat("hello", room="general", sender_username="zoe"))
    assert echo["message_body"].keys() == {"id", "sender_username", "room", "content", "timestamp"}
    assert told([echo]) == [("GroupChat", "zoe", "hello")]
    assert echo["message_body"]["timestamp"].endswith("Z")
    assert [each for each in await heard(yan) if each["message_type"] == "GroupChat"] == [echo]
    assert await heard(xia) == [], "another room"
    message = next(packet for packet in ann.packets if packet["cmd"] == "message_new")["message"]
    assert (message["user"], message["content"], message["id"]) == ("zoe", "hello", echo["message_body"]["id"])


async def test_what_other_clients_write_edit_and_delete_is_told(house: House) -> None:
    zoe, ann = await come(house, "zoe"), await house.enter("ann")
    posted = await ann.ask("message_new", channel="general", content="from elsewhere", type="action")
    where = {"channel": "general", "id": posted[0]["message"]["id"]}
    await ann.ask("message_edit", **where, content="corrected")
    await ann.ask("message_react_add", **where, emoji="👍")
    await ann.ask("message_delete", **where)
    await ann.ask("typing", channel="general")
    first, second, third = [each["message_body"] for each in await heard(zoe)]
    assert (first["sender_username"], first["content"], first["type"]) == ("ann", "from elsewhere", "action")
    assert (second["content"], second["edited"]) == ("corrected", True)
    assert (third["content"], third["deleted"]) == ("", True)
    assert {first["id"], second["id"], third["id"]} == {where["id"]}


async def test_private_messages_reach_every_session_of_both(house: House) -> None:
    token = await access_token(house, "ann")
    zoe, second, yan = await come(house, "zoe"), None, await come(house, "yan")
    second = await come(house, "zoe", zoe.ready["token"])
    ann, desk = await come(house, "ann", token), await house.enter("ann")
    for guest in (zoe, yan, second):
        await heard(guest)
    (echo,) = await ask(zoe, frame("PrivateChat", sender_username="zoe", target_username="Ann", content="psst"))
    body = echo["message_body"]
    assert (body["sender_username"], body["target_username"], body["content"]) == ("zoe", "ann", "psst")
    assert await heard(ann) == [echo]
    assert await heard(second) == [echo]
    assert await heard(yan) == []
    assert "message_new" in desk.names(), "an OriginChats client has it in a channel of the two"
    await ask(ann, frame("PrivateChat", target_username="zoe", content="yes?"))
    assert told(await heard(zoe)) == [("PrivateChat", "ann", "yes?")]


async def test_private_messages_to_nobody_oneself_or_who_blocks_are_refused(house: House) -> None:
    zoe, ann = await come(house, "zoe"), await house.enter("ann")
    missing = await refused(zoe, frame("PrivateChat", target_username="nobody", content="x"))
    assert missing["code"] == "user_not_found"
    assert (await refused(zoe, frame("PrivateChat", target_username="zoe", content="x")))["code"] == "not_yourself"
    await ann.ask("user_block", user="zoe")
    assert (await refused(zoe, frame("PrivateChat", target_username="ann", content="x")))["code"] == "blocked"


@pytest.mark.parametrize("name", ["yan", "ann", "nobody", "USR:local_ann"])
async def test_nobody_speaks_for_somebody_else(house: House, name: str) -> None:
    zoe, yan = await come(house, "zoe"), await come(house, "yan")
    await heard(zoe)
    sent = (
        chat("I am not me", sender_username=name),
        frame("PrivateChat", sender_username=name, target_username="ann", content="x"),
        frame("Leave", sender_username=name),
        enter(name, room="lounge"),
    )
    if name == "yan":
        await heard(yan)
    for each in sent:
        error = await refused(zoe, each)
        assert (error["code"], error["field"]) == ("bad_value", "sender_username")
    assert await heard(yan) == []


async def test_without_a_room_the_default_one_is_meant_else_the_one_entered_last(house: House) -> None:
    zoe = await come(house, "zoe", room="lounge")
    assert (await ask(zoe, chat("a")))[0]["message_body"]["room"] == "lounge"
    await ask(zoe, enter("zoe"), enter("zoe", room="ideas"))
    assert (await ask(zoe, chat("b")))[0]["message_body"]["room"] == "general"
    assert (await refused(zoe, chat("c", room="staff")))["code"] == "not_a_member"
    assert (await refused(zoe, chat("c", room="cellar")))["code"] == "not_a_member"


async def test_a_renamed_guest_goes_on_under_the_new_name(house: House) -> None:
    zoe = await come(house, "zoe")
    desk = house.guest()
    await desk.ask("guest_login", username="zoe", token=zoe.ready["token"])
    await desk.ask("username_update", username="zora")
    await heard(zoe)
    assert (await refused(zoe, chat("x", sender_username="zoe")))["field"] == "sender_username"
    assert told(await ask(zoe, chat("x", sender_username="zora"))) == [("GroupChat", "zora", "x")]


# --- leaving


async def test_leaving_is_answered_and_told(house: House) -> None:
    zoe, yan = await come(house, "zoe"), await come(house, "yan")
    assert told(await ask(yan, frame("Leave", sender_username="yan"))) == [("Leave", "yan", "general")]
    assert told(await heard(zoe)) == [("Enter", "yan", "general"), ("Leave", "yan", "general")]
    assert (await refused(yan, chat("x")))["code"] == "not_a_member"
    await ask(zoe, chat("are you there?"))
    assert await heard(yan) == []
    assert told(await ask(yan, enter("yan"))) == [("Enter", "yan", "general")], "the connection stays"


async def test_a_lost_connection_leaves_its_rooms_when_it_was_the_last_one(house: House) -> None:
    zoe, yan = await come(house, "zoe"), await come(house, "yan")
    other = await come(house, "yan", yan.ready["token"])
    await heard(zoe)
    yan.lose()
    assert await heard(zoe) == []
    other.lose()
    assert told(await heard(zoe)) == [("Leave", "yan", "general")]
    (answer,) = await ask(zoe, enter("zoe"))
    assert answer["message_body"]["members"] == ["zoe"]


async def test_leaving_with_one_of_two_connections_is_told_to_nobody(house: House) -> None:
    zoe, yan = await come(house, "zoe"), await come(house, "yan")
    other = await come(house, "yan", yan.ready["token"])
    await heard(zoe)
    assert told(await ask(yan, frame("Leave"))) == [("Leave", "yan", "general")]
    assert await heard(zoe) == []
    await ask(zoe, chat("hello"))
    assert (await heard(yan), told(await heard(other))) == ([], [("GroupChat", "zoe", "hello")])


async def test_who_was_a_member_before_stays_one_when_the_connection_is_lost(house: House) -> None:
    token = await access_token(house, "ann")
    desk = await house.enter("ann")
    await desk.ask("channel_join", channel="lounge")
    ann = await come(house, "ann", token, room="lounge")
    invited = await ask(ann, enter("ann", room="cellar"))
    assert told(invited) == [("Enter", "ann", "cellar")]
    ann.lose()
    await house.quiet()
    rooms = {house.world.channels.get(id_).name for id_ in house.world.memberships.of_user(user_id("ann"))}  # type: ignore[union-attr]
    assert rooms == {"lounge", "cellar"}, "nor can an invitation be used twice"


async def test_a_connection_lost_while_it_enters_is_in_no_room_afterwards(house: House) -> None:
    zoe = await come(house, "zoe")
    yan = house.guest(path="/rooms")
    yan.send_raw(enter("yan"))
    await house.turns(1)
    yan.lose()
    await heard(zoe)
    (answer,) = await ask(zoe, enter("zoe"))
    assert answer["message_body"]["members"] == ["zoe"]
    assert len(house.world.fanout.sessions) == 1


async def test_who_is_put_out_of_a_room_is_told_and_hears_nothing_more(house: House) -> None:
    zoe, mod = await come(house, "zoe"), await house.enter("host")
    await mod.ask("channel_kick", channel="general", user="zoe", reason="Enough")
    (out,) = await heard(zoe)
    assert out["message_body"] == {"sender_username": "zoe", "room": "general", "reason": "Enough", "by": "host"}
    await mod.ask("message_new", channel="general", content="quiet now")
    assert await heard(zoe) == []


async def test_a_room_that_is_closed_or_deleted_is_left(house: House) -> None:
    zoe, host = await come(house, "zoe"), await house.enter("host")
    await ask(zoe, enter("zoe", room="lounge"))
    await host.ask("channel_update", current_name="general", updates={"permissions": {"view": ["moderator"]}})
    await host.ask("channel_delete", name="lounge")
    assert told(await heard(zoe)) == [("Leave", "zoe", "general"), ("Leave", "zoe", "lounge")]


# --- rules of the core


async def test_a_banned_user_is_told_and_closed_and_the_others_hear_it(house: House) -> None:
    zoe, yan, host = await come(house, "zoe"), await come(house, "yan"), await house.enter("host")
    await heard(zoe)
    await host.ask("user_ban", user="yan")
    assert ("Error", "", "") in told(await heard(yan))
    assert yan.close_code == 1000
    assert told(await heard(zoe)) == [("Leave", "yan", "")]
    assert (await refused(house.guest(path="/rooms"), enter("yan", yan.ready["token"])))["code"] == "invalid_token"


async def test_a_muted_user_says_nothing(house: House) -> None:
    zoe, host = await come(house, "zoe"), await house.enter("host")
    await host.ask("user_timeout", user="zoe", timeout=60)
    (notice,) = await heard(zoe)
    assert (notice["message_body"]["code"], notice["message_body"]["retry_after_ms"]) == ("rate_limit", 60_000)
    error = await refused(zoe, chat("mmf"))
    assert (error["code"], error["retry_after_ms"]) == ("rate_limit", 60_000)


async def test_refusals_name_the_fields_of_the_dialect(house: House) -> None:
    zoe = await come(house, "zoe")
    assert (await refused(zoe, chat("  ")))["code"] == "message_empty"
    assert (await refused(zoe, chat("x" * 100_000)))["code"] == "message_too_long"
