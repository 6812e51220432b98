"""The operations of the HTTP chat API in the whole server, without sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateways.chat_api.operations import ROWS
from tests.support.community import CHANNELS, EVERYBODY, PASSWORD
from tests.support.house import House, open_house
from tests.support.web import Web

pytestmark = pytest.mark.anyio
CONFIG: dict[str, Any] = {
    "limits": {"registrations_per_minute": 100, "meta_bytes": 200},
    "chat_api": {"create_channels": True, "max_message_bytes": 100, "motd": "Be kind"},
}
LOUNGE = {"type": "text", "name": "lounge", "permissions": EVERYBODY, "members_only": True}
DEN = {"type": "text", "name": "den", "permissions": EVERYBODY, "secret": True, "invite_only": True}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path, config=CONFIG, channels=[*CHANNELS, LOUNGE, DEN]) as house:
        yield house


async def stream(web: Web, after: str | None = None) -> list[dict[str, Any]]:
    query = {"timeout": 0} if after is None else {"timeout": 0, "after": after}
    items: list[dict[str, Any]] = await web.ok("GET", "/messages", **query)
    return items


# ---------------------------------------------------------------- accounts


async def test_a_guest_registers_and_has_a_state(house: House) -> None:
    web = await Web(house).register("Wanda")
    assert web.nick == "Wanda"
    assert await web.ok("GET", "/state") == {"id": web.id, "nick": "Wanda", "channels": []}


async def test_a_nick_belongs_to_one(house: House) -> None:
    await Web(house).register("wanda")
    assert await Web(house).refused("POST", "/register", {"nick": "WANDA"}) == (409, "name_taken")
    assert await Web(house).refused("POST", "/register", {"nick": "ann"}) == (409, "name_taken")


async def test_a_password_makes_a_local_account_or_opens_one(house: House) -> None:
    made = await Web(house).register("nora", PASSWORD)
    assert made.id == "USR:local_nora"
    again = await Web(house).register("nora", PASSWORD)
    assert (again.id, again.nick) == (made.id, "nora")
    assert again.token != made.token
    wrong = {"nick": "nora", "password": "something else"}
    assert await Web(house).refused("POST", "/register", wrong) == (409, "name_taken")


async def test_where_only_the_identity_service_knows_people_nobody_registers(tmp_path: Path) -> None:
    async with open_house(tmp_path, config={"auth_mode": "rotur"}) as house:
        assert await Web(house).refused("POST", "/register", {"nick": "wanda"}) == (403, "registration_disabled")


async def test_where_invitations_are_needed_register_brings_one(tmp_path: Path) -> None:
    async with open_house(tmp_path, config={**CONFIG, "registration": "invite"}) as house:
        host, web = await house.enter("host"), Web(house)
        code = (await host.one("invite_create"))["invite"]["code"]
        for fields in ({"nick": "wanda"}, {"nick": "wim", "password": "good enough"}):
            assert await web.refused("POST", "/register", fields) == (403, "invite_required")
            assert await web.refused("POST", "/register", {**fields, "invite": "none"}) == (404, "invite_not_found")
            assert (await web.ask("POST", "/register", {**fields, "invite": code})).status == 201


@pytest.mark.parametrize("method", ["PATCH", "POST"])
async def test_a_guest_changes_its_nick_and_the_old_one_is_free(house: House, method: str) -> None:
    web = await Web(house).register("wanda")
    assert await web.ok(method, "/nick", {"nick": "vera"}) == {"id": web.id, "nick": "vera"}
    await Web(house).register("wanda")
    assert await web.refused(method, "/nick", {"nick": "wanda"}) == (409, "name_taken")


async def test_the_name_of_an_account_stays(house: House) -> None:
    web = await Web(house).register("ann", PASSWORD)
    assert await web.refused("PATCH", "/nick", {"nick": "anna"}) == (403, "name_fixed")


async def test_quitting_ends_the_token(house: House) -> None:
    web = await Web(house).register("wanda")
    assert (await web.ask("DELETE", "/session")).status == 204
    assert await web.refused("GET", "/state") == (401, "unauthorized")


@pytest.mark.parametrize("row", [row for row in ROWS if row.auth], ids=lambda row: row.name)
@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic YTpi", "Bearer"])
async def test_without_a_valid_token_nothing_is_answered(house: House, row: Any, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    path = row.path.replace("{name}", "general")
    answer = await Web(house).ask(row.method, path, {}, headers=headers)
    assert (answer.status, answer.json["code"]) == (401, "unauthorized")
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_token_of_another_way_in_is_none_here(house: House) -> None:
    guest = await house.enter("ann")
    assert await Web(house, guest.ready["session"]).refused("GET", "/state") == (401, "unauthorized")


async def test_anybody_may_ask_about_the_server(house: House) -> None:
    card = await Web(house).ok("GET", "/server")
    assert (card["name"], card["motd"]) == ("Test community", "Be kind")
    assert card["limits"]["message_bytes"] == 100
    assert card["users"] == 5


# ---------------------------------------------------------------- messages


async def test_a_message_to_a_channel_is_a_message_in_every_protocol(house: House) -> None:
    other = await house.enter("ann")
    web = await Web(house).register("wanda")
    item = await web.ok("POST", "/messages", {"to": "#general", "content": "hello", "meta": {"a": [1]}})
    assert (item["from"], item["to"], item["type"], item["body"], item["meta"]) == (
        "wanda", "#general", "message", "hello", {"a": [1]},
    )  # fmt: skip
    await house.quiet()
    packet = next(packet for packet in other.packets if packet["cmd"] == "message_new")
    assert packet["message"]["id"] == item["id"]
    assert packet["message"]["meta"] == {"a": [1]}


async def test_a_message_of_another_protocol_comes_in_the_stream(house: House) -> None:
    web = await Web(house).register("wanda")
    await web.ok("POST", "/channels/join", {"channel": "#general"})
    other = await house.enter("ann")
    await other.ask("message_new", channel="general", content="hi")
    join, item = await stream(web)
    assert (join["type"], join["from"]) == ("join", "wanda")
    assert (item["from"], item["body"]) == ("ann", "hi")
    assert await stream(web, item["id"]) == []


async def test_a_direct_message_by_nick_reaches_the_other_one_only(house: House) -> None:
    wanda, ben = await Web(house).register("wanda"), await Web(house).register("ben", PASSWORD)
    cleo = await Web(house).register("cleo", PASSWORD)
    item = await wanda.ok("POST", "/messages", {"to": "ben", "body": "psst", "type": "notice"})
    assert (item["from"], item["to"], item["type"]) == ("wanda", "ben", "notice")
    assert item in await stream(ben)
    assert [each for each in await stream(cleo) if each["type"] == "notice"] == []
    assert await ben.ok("GET", "/history", target="wanda") == [item]
    assert await wanda.ok("GET", "/history", target="BEN") == [item]
    assert await cleo.ok("GET", "/history", target="ben") == []


async def test_the_same_nonce_posts_once(house: House) -> None:
    web = await Web(house).register("wanda")
    body = {"to": "#general", "content": "once", "nonce": "n1"}
    assert await web.ok("POST", "/messages", body) == await web.ok("POST", "/messages", body)
    assert len(await web.ok("GET", "/history", target="#general")) == 1


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({"to": "#general"}, 422, "bad_value", "content"),
        ({"to": "#general", "content": "a", "body": "b"}, 422, "bad_value", "content"),
        ({"content": "a"}, 422, "bad_value", "to"),
        ({"to": "#general", "content": 1}, 422, "bad_value", "content"),
        ({"to": "#general", "content": "a", "type": "join"}, 422, "bad_value", "type"),
        ({"to": "#general", "content": "  "}, 422, "bad_value", "content"),
        ({"to": "#general", "content": "ä" * 51}, 413, "message_too_long", "content"),
        ({"to": "#general", "content": "a", "meta": {"x": "y" * 200}}, 422, "bad_value", "meta"),
        ({"to": "#general", "content": "a", "meta": []}, 422, "bad_value", "meta"),
        ({"to": "#nowhere", "content": "a"}, 404, "channel_not_found", None),
        ({"to": "#staff", "content": "a"}, 404, "channel_not_found", None),
        ({"to": "#den", "content": "a"}, 404, "channel_not_found", None),
        ({"to": "nobody", "content": "a"}, 404, "user_not_found", None),
        ({"to": "wanda", "content": "a"}, 403, "not_yourself", None),
        ({"to": "#lounge", "content": "a"}, 403, "not_a_member", None),
    ],
)
async def test_messages_that_are_refused(house: House, body: Any, status: int, code: str, field: str | None) -> None:
    web = await Web(house).register("wanda")
    answer = await web.ask("POST", "/messages", body)
    assert (answer.status, answer.json["code"], answer.json.get("field")) == (status, code, field)


async def test_history_is_read_backwards_in_pages(house: House) -> None:
    web = await Web(house).register("wanda")
    posted = [await web.ok("POST", "/messages", {"to": "#general", "content": str(n)}) for n in range(5)]
    assert await web.ok("GET", "/history", target="#general", limit=2) == posted[3:]
    before = await web.ok("GET", "/history", target="#general", limit=2, before=posted[3]["id"])
    assert before == posted[1:3]
    assert await web.refused("GET", "/history", target="#staff") == (404, "channel_not_found")
    assert await web.refused("GET", "/history", target="nobody") == (404, "user_not_found")


# ---------------------------------------------------------------- channels


async def test_joining_makes_a_channel_with_the_creator_as_operator(house: House) -> None:
    web = await Web(house).register("wanda")
    joined = await web.ok("POST", "/channels/join", {"channel": "#garden"})
    assert joined == {"name": "#garden", "modes": "+nt", "topic": "", "operator": True, "voice": False}
    assert (await web.ok("GET", "/state"))["channels"] == [joined]
    assert {"name": "#garden", "modes": "+nt", "topic": "", "members": 1} in await web.ok("GET", "/channels/all")


async def test_the_list_holds_no_secret_channel_and_none_out_of_sight(house: House) -> None:
    web = await Web(house).register("wanda")
    assert [channel["name"] for channel in await web.ok("GET", "/channels/all")] == ["#general", "#lounge"]


async def test_leaving_is_told_to_those_who_stay(house: House) -> None:
    wanda, ben = await Web(house).register("wanda"), await Web(house).register("ben", PASSWORD)
    for web in (wanda, ben):
        await web.ok("POST", "/channels/join", {"channel": "lounge"})
    assert (await wanda.ask("DELETE", "/channels/#lounge", reason="tea")).status == 204
    last = (await stream(ben))[-1]
    assert (last["type"], last["from"], last["to"], last["body"]) == ("part", "wanda", "#lounge", "tea")
    assert (await wanda.ok("GET", "/state"))["channels"] == []
    assert await wanda.refused("DELETE", "/channels/lounge") == (403, "not_a_member")


async def test_an_operator_leads_its_channel(house: House) -> None:
    wanda, ben = await Web(house).register("wanda"), await Web(house).register("ben", PASSWORD)
    await wanda.ok("POST", "/channels/join", {"channel": "#garden"})
    await ben.ok("POST", "/channels/join", {"channel": "#garden"})
    topic = await wanda.ok("POST", "/channels/garden/topic", {"topic": "Roses"})
    assert topic["topic"] == "Roses"
    assert await ben.refused("POST", "/channels/garden/topic", {"topic": "Weeds"}) == (403, "not_permitted")
    assert await ben.refused("POST", "/channels/garden/mode", {"modes": "+m"}) == (403, "not_permitted")
    modes = await wanda.ok("POST", "/channels/garden/mode", {"modes": "+mk-t+v", "args": ["key", "ben"]})
    assert modes["modes"] == "+mnk"
    members = await wanda.ok("GET", "/channels/garden/members")
    assert [(each["nick"], each["operator"], each["voice"]) for each in members] == [
        ("wanda", True, False), ("ben", False, True),
    ]  # fmt: skip
    told = [(item["type"], item["body"]) for item in await stream(ben) if item["to"] == "#garden"]
    assert told[-2:] == [("mode", "+mk-t"), ("mode", "+v-o ben ben")]
    assert (await wanda.ask("POST", "/channels/garden/kick", {"nick": "ben", "reason": "mud"})).status == 204
    assert await ben.refused("POST", "/messages", {"to": "#garden", "content": "a"}) == (404, "channel_not_found")
    assert await ben.refused("POST", "/channels/join", {"channel": "#garden"}) == (403, "wrong_channel_key")
    assert (await ben.ok("POST", "/channels/join", {"channel": "#garden", "key": "key"}))["voice"] is False


async def test_an_invitation_opens_a_closed_channel(house: House) -> None:
    wanda, ben = await Web(house).register("wanda"), await Web(house).register("ben", PASSWORD)
    await wanda.ok("POST", "/channels/join", {"channel": "#garden"})
    await wanda.ok("POST", "/channels/garden/mode", {"modes": "+is"})
    assert await ben.refused("POST", "/channels/join", {"channel": "#garden"}) == (403, "invite_needed")
    assert (await wanda.ask("POST", "/channels/garden/invite", {"nick": "ben"})).status == 204
    invitation = (await stream(ben))[-1]
    assert (invitation["type"], invitation["meta"]) == ("notice", {"invite": "#garden"})
    assert (await ben.ok("POST", "/channels/join", {"channel": "#garden"}))["modes"] == "+inst"


async def test_modes_that_make_no_sense_change_nothing(house: House) -> None:
    web = await Web(house).register("wanda")
    await web.ok("POST", "/channels/join", {"channel": "#garden"})
    answer = await web.ask("POST", "/channels/garden/mode", {"modes": "+so"})
    assert (answer.status, answer.json["field"]) == (422, "args")
    assert (await web.ok("GET", "/state"))["channels"][0]["modes"] == "+nt"


# ---------------------------------------------------------------- bans, mutes, limits


async def test_a_ban_ends_the_session(house: House) -> None:
    web, host = await Web(house).register("wanda"), await house.enter("host")
    await web.ok("GET", "/state")
    await host.ask("user_ban", user="wanda")
    assert (await web.refused("GET", "/state"))[0] in (401, 403)
    assert (await web.refused("POST", "/messages", {"to": "#general", "content": "a"}))[0] in (401, 403)
    assert (await Web(house).refused("POST", "/register", {"nick": "wanda"})) == (409, "name_taken")


async def test_a_mute_holds_and_says_for_how_long(house: House) -> None:
    web, host = await Web(house).register("wanda"), await house.enter("host")
    await host.ask("user_timeout", user="wanda", timeout=90)
    answer = await web.ask("POST", "/messages", {"to": "#general", "content": "a"})
    assert (answer.status, answer.headers["retry-after"]) == (429, "90")


async def test_registrations_from_one_address_are_limited(tmp_path: Path) -> None:
    async with open_house(tmp_path, config={"limits": {"registrations_per_minute": 1}}) as house:
        await Web(house).register("wanda")
        answer = await Web(house).ask("POST", "/register", {"nick": "vera"})
        assert (answer.status, answer.json["code"]) == (429, "too_many_tries")
        assert int(answer.headers["retry-after"]) > 0
        await Web(house, address="198.51.100.3").register("vera")


# ---------------------------------------------------------------- requests


@pytest.mark.parametrize(
    ("raw", "headers", "status", "code"),
    [
        (b"{", {}, 400, "malformed"),
        (b"", {}, 400, "malformed"),
        (b'{"to":"\xff"}', {}, 400, "malformed"),
        (b"[" * 100 + b"]" * 100, {}, 400, "malformed"),
        (b"[]", {}, 422, "bad_value"),
        (b"{}", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        (b"{}", {"Content-Type": ""}, 415, "unsupported_media_type"),
    ],
)
async def test_bodies_that_are_refused(
    house: House, raw: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    web = await Web(house).register("wanda")
    assert await web.refused("POST", "/messages", raw=raw, headers=headers) == (status, code)


async def test_no_more_of_a_body_is_read_than_could_be_a_message(house: House) -> None:
    web = await Web(house).register("wanda")
    parts = [b" " * 5000] * 1000
    answer = await web.ask("POST", "/messages", raw=parts)
    assert (answer.status, answer.json["code"]) == (413, "too_large")
    assert len(parts) == 1000
    fits = await web.ask("POST", "/messages", raw=[b'{"to":"#general","content":"', b"\\u0061" * 100, b'"}'])
    assert fits.status == 201


async def test_a_body_that_does_not_come_is_not_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateways.chat_api.endpoint.BODY_S", 0.0)
    web = await Web(house).register("wanda")
    assert await web.refused("POST", "/messages", raw=[b"{", None]) == (408, "request_timeout")


@pytest.mark.parametrize(
    ("query", "field"),
    [({"target": ""}, "target"), ({}, "target"), ({"target": "#general", "limit": "0"}, "limit"),
     ({"target": "#general", "limit": "many"}, "limit"), ({"target": "#general", "before": "x"}, "before")],
)  # fmt: skip
async def test_queries_that_are_refused(house: House, query: dict[str, Any], field: str) -> None:
    web = await Web(house).register("wanda")
    answer = await web.ask("GET", "/history", **query)
    assert (answer.status, answer.json["field"]) == (422, field)


async def test_unknown_paths_and_methods_are_problems(house: House) -> None:
    web = await Web(house).register("wanda")
    assert await web.refused("GET", "/nothing") == (404, "not_found")
    answer = await web.ask("PUT", "/messages")
    assert (answer.status, answer.json["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}


async def test_pages_of_allowed_origins_may_call(house: House) -> None:
    web = Web(house)
    page = {"Origin": "https://chat.example"}
    answer = await web.ask("GET", "/server", headers=page)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-content-type-options"] == "nosniff"
    asked = {**page, "Access-Control-Request-Method": "DELETE", "Access-Control-Request-Headers": "authorization"}
    preflight = await web.ask("OPTIONS", "/session", headers=asked)
    assert preflight.status == 200
    assert "DELETE" in preflight.headers["access-control-allow-methods"]


async def test_allowed_origins_count_at_once(tmp_path: Path) -> None:
    async with open_house(tmp_path, config={"chat_api": {"allowed_origins": ["https://chat.example"]}}) as house:
        web = Web(house)
        mine = await web.ask("GET", "/server", headers={"Origin": "https://chat.example"})
        assert mine.headers["access-control-allow-origin"] == "https://chat.example"
        other = await web.ask("GET", "/server", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        text = house.world.live.path.read_text("utf-8").replace("https://chat.example", "*")
        house.world.live.path.write_text(text, "utf-8")
        house.community.reload_config()
        other = await web.ask("GET", "/server", headers={"Origin": "https://evil.example"})
        assert other.headers["access-control-allow-origin"] == "*"


async def test_who_turns_it_off_does_not_serve_it(tmp_path: Path) -> None:
    async with open_house(tmp_path, config={"chat_api": {"enabled": False}}) as house:
        assert (await Web(house).ask("GET", "/server")).json == {"error": "Not found"}


async def test_an_unexpected_failure_tells_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateways.chat_api.accounts.modes_of", lambda channel: 1 // 0)
    web = await Web(house).register("wanda")
    await web.ok("POST", "/channels/join", {"channel": "general"})
    answer = await web.ask("GET", "/state")  # the server logs the exception that is raised after the answer
    assert (answer.status, answer.json["detail"]) == (500, "Internal error.")


async def test_behind_a_trusted_proxy_people_are_told_apart(tmp_path: Path) -> None:
    async with open_house(tmp_path, config={"limits": {"registrations_per_minute": 1}}) as house:
        for address in ("198.51.100.1", "198.51.100.2"):
            web = Web(house, address="127.0.0.1")
            answer = await web.ask(
                "POST", "/register", {"nick": f"guest-{address[-1]}"}, headers={"X-Forwarded-For": address}
            )
            assert answer.status == 201


async def test_who_is_kicked_from_an_open_channel_is_told_once(house: House) -> None:
    ben = await Web(house).register("ben", PASSWORD)
    await ben.ok("POST", "/channels/join", {"channel": "#general"})
    host = await Web(house).register("host", PASSWORD)
    assert (await host.ask("POST", "/channels/general/kick", {"nick": "ben", "reason": "mud"})).status == 204
    parts = [item for item in await stream(ben) if item["type"] == "part"]
    assert [(item["from"], item["to"], item["body"], item["meta"]) for item in parts] == [
        ("ben", "#general", "mud", {"by": "host"}),
    ]  # fmt: skip


async def test_edits_deletions_and_renames_come_in_the_stream(house: House) -> None:
    wanda, other = await Web(house).register("wanda"), await house.enter("ann")
    await wanda.ok("POST", "/channels/join", {"channel": "#general"})
    packets = await other.ask("message_new", channel="general", content="helo")
    message = next(packet["message"] for packet in packets if packet["cmd"] == "message_new")
    await other.ask("message_edit", channel="general", id=message["id"], content="hello")
    await other.ask("message_delete", channel="general", id=message["id"])
    vera = await Web(house).register("vera")
    await vera.ok("PATCH", "/nick", {"nick": "vero"})
    told = [(item["type"], item["from"], item["body"], item["meta"]) for item in (await stream(wanda))[1:]]
    assert told == [
        ("message", "ann", "helo", {}),
        ("message", "ann", "hello", {"edits": message["id"]}),
        ("system", None, "A message was deleted", {"deletes": message["id"]}),
        ("nick", "vera", "vero", {}),
    ]


async def test_a_blocked_user_cannot_write_to_who_blocked(house: House) -> None:
    wanda, ann = await Web(house).register("wanda"), await house.enter("ann")
    await ann.ask("user_block", user="wanda")
    assert await wanda.refused("POST", "/messages", {"to": "ann", "content": "a"}) == (403, "blocked")


async def test_a_session_survives_a_restart(tmp_path: Path) -> None:
    channels = [{**CHANNELS[0], "id": "0190a5c0-0000-7000-8000-0000000000c1"}]
    async with open_house(tmp_path, channels=channels) as house:
        web = await Web(house).register("ann", PASSWORD)
        await web.ok("POST", "/channels/join", {"channel": "#general"})
        item = await web.ok("POST", "/messages", {"to": "#general", "content": "before"})
    async with open_house(tmp_path, channels=channels) as house:
        again = Web(house, web.token)
        assert [channel["name"] for channel in (await again.ok("GET", "/state"))["channels"]] == ["#general"]
        assert (await stream(again))[-1] == item
