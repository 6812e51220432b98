"""Getting in: what a client hears from the first packet on, in which order, and how it is refused."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.client import DEADLINE_S, ChatClient, Refusal, Visitors
from tests.support.community import account, edit, user_id, write_community
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

CLIENT_NEEDS = {
    "emoji_get_all", "message_pin", "messages_pinned", "message_react_add", "message_react_remove", "message_replies",
    "messages_around", "messages_search", "pings_get", "roles_list", "self_roles_list", "slash_list", "status_get",
    "status_set", "thread_join", "thread_leave", "unreads_ack", "unreads_get", "users_online",
}  # fmt: skip
BUILT = CLIENT_NEEDS - {"emoji_get_all"}


@contextlib.contextmanager
def live_config(server: ServerProcess, **sections: dict[str, object]) -> Iterator[None]:
    """Change sections of config.json while the server runs, and put them back."""
    before = server.config_path.read_text()
    edit(server.config_path, lambda config: [config.setdefault(k, {}).update(v) for k, v in sections.items()])
    try:
        yield
    finally:
        server.config_path.write_text(before)


async def test_register_order_of_packets(visit: Visitors) -> None:
    ann = await visit.login("ann")
    new = await visit.connect()
    await new.register("newcomer", password="secret words")
    await new.expect("user_connect", user={"username": user_id("newcomer")})
    assert [packet["cmd"] for packet in new.events] == [
        "handshake",
        "auth_success",
        "ready",
        "user_join",
        "user_connect",
    ]
    assert new.ready["user"]["username"] == user_id("newcomer")
    assert new.ready["user"]["nickname"] == "newcomer"
    assert new.ready["user"]["roles"] == ["user"]
    assert new.ready["user"]["cracked"] is True
    assert new.ready["user"]["status"]["status"] == "online"
    assert isinstance(new.ready["validator"], str)
    assert isinstance(new.ready["session"], str)
    assert isinstance(new.ready["seq"], int)
    await ann.expect("user_join", user={"username": user_id("newcomer")})
    await ann.expect("user_connect", user={"username": user_id("newcomer")})


async def test_login_then_what_the_web_client_asks(visit: Visitors) -> None:
    ann = await visit.login("ann")
    assert (await ann.request("channels_get"))["val"][0]["name"] == "general"
    users = (await ann.request("users_list"))["users"]
    assert user_id("ann") in [user["username"] for user in users]
    online = (await ann.request("users_online"))["users"]
    assert [user["username"] for user in online].count(user_id("ann")) == 1
    assert set((await ann.request("roles_list"))["roles"]) >= {"owner", "admin", "moderator", "user"}
    unreads = (await ann.request("unreads_get"))["unreads"]
    assert "general" in unreads
    assert "staff" not in unreads
    page = await ann.request("messages_get", channel="general", limit=100)
    assert page["channel"] == "general"


async def test_handshake_says_what_a_client_needs(visit: Visitors) -> None:
    first, second = await visit.connect(), await visit.connect()
    value = first.handshake["val"]
    assert value["server"]["name"] == "Test community"
    assert value["auth_mode"] == "cracked"
    assert value["limits"]["post_content"] == 2000
    assert value["validator_key"].startswith("originChats-")
    assert value["validator_key"] != second.handshake["val"]["validator_key"]
    assert len(value["permissions"]) == len(set(value["permissions"])) == 21, "upstream's twenty, and create_invite"
    assert set(value["capabilities"]) >= BUILT
    assert {"enabled", "max_size", "allowed_types"} <= set(value["attachments"])
    assert isinstance(value["version"], str)


async def test_nothing_works_before_login(visit: Visitors) -> None:
    stranger = await visit.connect()
    for cmd in ("channels_get", "ping", "server_info", "message_new"):
        await stranger.send(cmd)
        assert (await stranger.expect("auth_error"))["val"] == "Authentication required"
    assert stranger.is_open


async def test_login_refusals_do_not_tell_accounts_apart(visit: Visitors) -> None:
    stranger = await visit.connect()
    with pytest.raises(Refusal) as wrong:
        await stranger.login("ann", password="not hers")
    with pytest.raises(Refusal) as unknown:
        await stranger.login("nobody", password="not hers")
    assert wrong.value.packet["cmd"] == "auth_error"
    assert wrong.value.packet["val"] == unknown.value.packet["val"]
    await stranger.login("ann")


async def test_login_name_is_trimmed_and_any_case(visit: Visitors) -> None:
    client = await visit.connect()
    await client.login("  ANN ")
    assert client.ready["user"]["username"] == user_id("ann")


@pytest.mark.parametrize(
    ("name", "password", "text"),
    [
        ("ann", "secret words", "Username already taken"),
        ("x", "secret words", "Username"),
        ("has space", "secret words", "Username"),
        ("shorty", "abc", "Password"),
        ("longy", "x" * 200, "Password"),
    ],
)
async def test_register_refusals(visit: Visitors, name: str, password: str, text: str) -> None:
    stranger = await visit.connect()
    with pytest.raises(Refusal, match=text) as refused:
        await stranger.register(name, password=password)
    assert refused.value.packet["cmd"] == "auth_error"
    assert stranger.is_open


async def test_login_again_is_an_unknown_command(visit: Visitors) -> None:
    ann = await visit.login("ann")
    await ann.send("login", username="ann", password="whatever")
    assert (await ann.expect("error", src="login"))["val"].lower().startswith("unknown command")


async def test_second_device_is_not_announced(visit: Visitors) -> None:
    watcher = await visit.login("ben")
    phone, desk = await visit.login("cleo"), await visit.login("cleo")
    await watcher.expect("user_connect", user={"username": user_id("cleo")})
    await phone.close()
    await watcher.sync()
    assert watcher.received("user_disconnect", username=user_id("cleo")) == []
    await desk.close()
    await watcher.expect("user_disconnect", username=user_id("cleo"))
    assert len(watcher.received("user_connect", user={"username": user_id("cleo")})) == 1


async def test_registration_can_be_switched_off_live(server: ServerProcess, visit: Visitors) -> None:
    stranger = await visit.connect()
    number = 0
    with live_config(server, cracked={"allow_registration": False}):
        text = ""
        async with asyncio.timeout(DEADLINE_S):
            while not text:
                number += 1
                try:
                    await stranger.register(f"tries{number}", password="secret words")
                    stranger = await visit.connect()
                except Refusal as refused:
                    text = str(refused)
        assert "registration is disabled" in text.lower()


async def test_login_is_throttled(server: ServerProcess, visit: Visitors) -> None:
    edit(server.data_dir / "users.json", lambda users: users.update({user_id("target"): account("target")}))
    guesser = await visit.connect()
    texts = []
    for _ in range(8):
        with pytest.raises(Refusal) as refused:
            await guesser.login("target", password="a wrong guess")
        texts.append(refused.value.packet["val"])
    assert len(set(texts)) == 2, texts
    assert texts[0] != texts[-1]
    with pytest.raises(Refusal):
        await guesser.login("target")


async def test_claim_makes_the_first_owner_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = write_community(tmp_path_factory.mktemp("unowned"), users={"ann": ("user",), "ben": ("user",)})
    async with ServerProcess(folder) as server:
        code = server.claim_code
        visitors = Visitors(lambda: server.url)
        ann = await visitors.login("ann")
        await ann.refused("claim_owner", code="NOT-THE-CODE")
        ben = await visitors.connect()
        await ben.login("ben", claim=code)
        roles = (await ben.request("user_roles_get", user=user_id("ben")))["roles"]
        assert "owner" in roles
        await ann.refused("claim_owner", code=code)
        await visitors.close()
        await server.stop()
        shown = len(server.log)
        await server.start()
        assert "claim code" not in "".join(server.log[shown:]).lower(), "an owner exists"


# ------------------------------------------------------------- accounts of the identity service

ANSWERS = {
    "good": (200, {"valid": True, "id": "USR:12345", "username": "Rosa"}),
    "renamed": (200, {"valid": True, "id": "USR:12345", "username": "Rosalind"}),
    "nameless": (200, {"valid": True, "username": "Nobody"}),
    "truthy": (200, {"valid": "yes", "id": "USR:6", "username": "Six"}),
    "bad": (200, {"valid": False}),
    "broken": (500, {}),
}


@pytest.fixture(scope="module")
async def rotur_service() -> AsyncIterator[str]:
    """A stand-in for the identity service; the validator says how it answers. `silent` is never answered."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        target = (await reader.readline()).split()[1].decode()
        while (await reader.readline()).strip():
            pass
        query = parse_qs(urlsplit(target).query)
        assert query["key"][0].startswith("originChats-")
        if query["v"][0] == "silent":
            await reader.read()  # until the server gives up
        else:
            status, body = ANSWERS[query["v"][0]]
            text = json.dumps(body)
            head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(text)}"
            writer.write(f"{head}\r\nConnection: close\r\n\r\n{text}".encode())
            await writer.drain()
        writer.close()

    service = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{service.sockets[0].getsockname()[1]}/validate"
    service.close()


@pytest.fixture(scope="module")
async def rotur_server(rotur_service: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ServerProcess]:
    folder = write_community(
        tmp_path_factory.mktemp("rotur"),
        users={"ann": ("user",)},
        config={"auth_mode": "rotur", "rotur": {"validate_url": rotur_service, "timeout_s": 0.5}},
    )
    async with ServerProcess(folder) as running:
        yield running


async def auth(server: ServerProcess, validator: str) -> ChatClient:
    client = await ChatClient(server.url, validator).connect()
    await client.send("auth", validator=validator)
    first = await client.expect_where(lambda packet: packet["cmd"] in ("ready", "auth_error"), "an answer to auth")
    if first["cmd"] == "auth_error":
        await client.close()
        raise Refusal(first)
    client.ready = first
    return client


async def test_auth_with_the_identity_service(rotur_server: ServerProcess) -> None:
    rosa = await auth(rotur_server, "good")
    assert rosa.ready["user"]["username"] == "Rosa"
    assert rosa.ready["user"]["cracked"] is False
    assert rosa.ready["user"]["roles"] == ["user"]
    await rosa.close()
    again = await auth(rotur_server, "renamed")
    assert again.ready["user"]["username"] == "Rosalind"
    await again.close()


@pytest.mark.parametrize("validator", ["bad", "nameless", "truthy", "broken", "silent"])
async def test_auth_failures_are_answered(rotur_server: ServerProcess, validator: str) -> None:
    with pytest.raises(Refusal) as refused:
        await auth(rotur_server, validator)
    assert refused.value.packet["cmd"] == "auth_error"


async def test_auth_mode_rotur_has_no_local_accounts(rotur_server: ServerProcess) -> None:
    async with await ChatClient(rotur_server.url).connect() as client:
        with pytest.raises(Refusal, match="Authentication required"):
            await client.login("ann")


async def test_auth_is_refused_in_cracked_only(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = write_community(tmp_path_factory.mktemp("cracked"), config={"auth_mode": "cracked-only"})
    async with ServerProcess(folder) as server:
        with pytest.raises(Refusal, match="Rotur authentication is disabled"):
            await auth(server, "good")
