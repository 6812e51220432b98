"""What is exported comes back with the same content: everything of `whole`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.ids import uuid7
from db.messages import Message
from tests.support.browser import Browser, calm, open_upload_house, uploaded
from tests.support.house import Guest, House
from tests.support.old_folders import START, OldFolder, current, message, name_keyed, sqlite_era
from tests.support.pictures import data_uri, picture
from tests.transfer.conftest import Moved
from tests.transfer.whole import whole
from transfer.export import export
from transfer.model import Exported, ExportError

URL = "https://chat.example.org"


def exported(moved: Moved, target: Path) -> Exported:
    return export(moved.paths, moved.config_file, target, URL)


def there_and_back(moved: Moved, folder: Path) -> Moved:
    """Export into `folder`, and a new data folder that is made of it."""
    exported(moved, folder / "exported")
    back = Moved(folder / "back")
    report = back.run(folder / "exported")
    assert set(report.notes) <= {"banned_role"}, report.as_text()
    return back


# --- of every era ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", [name_keyed, current, sqlite_era])
def test_what_was_imported_is_the_same_after_export_and_import(
    moved: Moved, tmp_path: Path, era: Callable[[Path], OldFolder]
) -> None:
    moved.run(era(tmp_path / "old").path)
    before = whole(moved)
    assert before["messages"]
    assert whole(there_and_back(moved, tmp_path / "1")) == before


def test_mixed_eras_and_odd_names_are_the_same_after_export_and_import(moved: Moved, tmp_path: Path) -> None:
    old = current(tmp_path / "old")
    names = ["general", "GENERAL", "a/b", " spaces ", "x" * 300, ".hidden", "con", "é\u2028", "thread"]
    old.write("channels.json", [{"type": "text", "name": name, "permissions": {}} for name in names])
    for number, name in enumerate(names):
        if len(name) < 200:
            old.lines(f"channels/{name}.json", [message(1000 + number, content=name), message(1100 + number, "ANN")])
    users = json.loads((old.db / "users.json").read_text())
    old.write("users.json", users | {"dora": {"roles": ["user"]}, "bob": {"roles": ["user"]}})
    thread = {"id": "../../../out", "name": "", "parent_channel": "general", "created_by": "dora", "created_at": START}
    old.write("threads/odd.json", thread)
    old.lines("threadMessages/odd.jsonl", [message(1200, "Dora")])
    moved.run(old.path)
    with moved.open() as opened:  # the name of 300 characters, which no file can have
        tx = opened.begin()
        place = next(one.id for one in opened.documents.channels.values() if one.name == "x" * 300)
        tx.messages.add(place, Message(id=uuid7(), user_id="USR:ann", content="long", timestamp=START))
        tx.commit()
    before = whole(moved)
    assert len(before["messages"]) == len(names) + 1
    back = there_and_back(moved, tmp_path / "1")
    assert whole(back) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "new", "old"]


# --- of this server --------------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_what_this_server_was_filled_with_is_the_same_after_export_and_import(tmp_path: Path) -> None:
    folder = tmp_path / "house"
    async with open_upload_house(folder) as house:
        await fill(house)
    moved = Moved(folder)
    before = whole(moved)
    for name in ("messages", "directs", "polls", "poll_votes", "reads", "webhooks", "modlog", "attachments",
                 "push_subscriptions", "memberships", "plugin_storage", "threads", "emojis", "serverEmojis",
                 "serverAssets", "plugins", "files"):  # fmt: skip
        assert before[name], name
    back = there_and_back(moved, tmp_path / "1")
    assert whole(back) == before
    assert whole(there_and_back(back, tmp_path / "2")) == before
    assert json.loads(back.config_file.read_text())["rate_limiting"]["enabled"] is False


async def fill(house: House) -> None:
    host, ann, ben = [await house.enter(name) for name in ("host", "ann", "ben")]
    ids = [await say(ann, f"number {number} @ben") for number in range(3)]
    ids.append(await say(ben, "an answer", reply_to=ids[0]))
    ids.append(await say(ben, "quiet", reply_to=ids[1], ping=False))
    await say(ann, "shown", embeds=[{"title": "t", "color": 7, "fields": [{"name": "n", "value": "v"}]}])
    await say(ann, "with more", meta={"k": [1, None, {}]})
    await say(ann, "with nothing", meta={})
    await do(ann, "message_edit", channel="general", id=ids[0], content="edited\0 \N{PILE OF POO}\u2028")
    await do(ann, "message_delete", channel="general", id=ids[2])
    for guest, emoji in ((ben, "🍎"), (ann, "🍎"), (host, "👍")):
        await do(guest, "message_react_add", channel="general", id=ids[0], emoji=emoji)
    await do(host, "message_pin", channel="general", id=ids[1], pinned=True)
    await do(ben, "unreads_ack", channel="general", message_id=ids[1])
    thread = find(await do(ann, "thread_create", channel="ideas", name="fruit"), "thread")["id"]
    await do(ann, "message_new", thread_id=thread, content="in the thread")
    await do(ben, "thread_join", thread_id=thread)
    await do(ben, "poll_create", thread_id=thread, question="Which?", options=["a", "b"], allow_multiselect=True)
    poll = find(
        await do(ann, "poll_create", channel="general", question="When?", options=["now", "later"]), "message_id"
    )
    await do(ben, "poll_vote", message_id=poll, option_ids=["1"])
    await do(host, "poll_end", message_id=poll)
    await do(ann, "direct_message", user="USR:local_ben", content="between us")
    direct = find(await do(ann, "direct_open", user="USR:local_ben"), "channel")["name"]
    answer = find(await do(ben, "message_new", channel=direct, content="yes"), "message")["id"]
    await do(ann, "unreads_ack", channel=direct, message_id=answer)
    await do(ann, "poll_create", channel=direct, question="Us?", options=["a", "b"])
    browser = Browser(house)
    for guest, name, channel in ((ann, "a.png", "general"), (ben, "same.png", "general"), (ann, "unused.png", direct)):
        file = uploaded(await browser.upload(guest.ready["session"], picture(), name=name, channel=channel))
        if name != "unused.png":
            await say(guest, "look", attachments=[{"id": file.id}])
    await calm(house)
    hook = find(await do(host, "webhook_create", channel="general", name="Build"), "webhook")
    body = json.dumps({"content": "built", "username": "Robot"}).encode()
    await browser.ask(
        "POST", f"/webhooks?token={hook['token']}", body=[body], headers={"Content-Type": "application/json"}
    )
    house.hashes = True
    await do(host, "emoji_add", name="party", image=data_uri(picture()))
    gone = find(await do(host, "emoji_add", name="gone", image=data_uri(picture("blue"))), "id")
    await do(host, "emoji_delete", emoji_id=int(gone))
    await do(host, "channel_create", name="club", type="text", permissions={"view": ["user"]})
    await do(host, "channel_modes_set", channel="club", invite_only=True)
    await do(host, "channel_invite", channel="club", user="USR:local_ann")
    await do(ann, "channel_join", channel="club")
    await do(host, "role_create", name="vip", color="#123456", mention_roles=["vip"])
    await do(ann, "status_set", status="dnd", text="busy")
    await do(ann, "pfp_set", url="https://example.org/ann.png")
    await do(ann, "user_block", user="USR:local_mod")
    await do(host, "user_ban", user="USR:local_mod")
    key = find(await do(ann, "push_get_vapid"), "key")
    endpoint = {"endpoint": "https://push.example.org/1", "keys": {"p256dh": key, "auth": "tBHItJI5svbpez7KI4CCXg"}}
    await do(ann, "push_subscribe", subscription=endpoint, vapid_public_key=key)
    (house.folder / "serverAssets").mkdir()
    (house.folder / "serverAssets" / "icon.png").write_bytes(picture())
    (house.folder / "plugins").mkdir(exist_ok=True)
    (house.folder / "plugins" / "welcome.json").write_text('{"text": "hi"}')
    house.world.journal.submit(lambda tx: tx.plugin_storage.set("welcome", "seen", "[1]"), (), lambda operation: None)
    await house.quiet()


async def say(guest: Guest, content: str, **fields: Any) -> str:
    packets = await do(guest, "message_new", channel="general", content=content, **fields)
    return str(find(packets, "message")["id"])


async def do(guest: Guest, cmd: str, **fields: Any) -> list[dict[str, Any]]:
    packets = await guest.ask(cmd, **fields)
    assert all(packet["cmd"] != "error" for packet in packets), packets
    return packets


def find(packets: list[dict[str, Any]], key: str) -> Any:
    """The value of a field of one of the packets."""
    for packet in packets:
        if key in packet:
            return packet[key]
    raise AssertionError((key, packets))


def config_of(moved: Moved) -> Any:
    return json.loads(moved.config_file.read_text())


# --- any message -----------------------------------------------------------------------------------------------

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
number = st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
value = st.recursive(
    st.none() | st.booleans() | number | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=5,
)
stored: st.SearchStrategy[dict[str, Any]] = st.builds(
    dict,
    user_id=st.sampled_from(["USR:ann", "ann", "ANN", "AutoMod", "guest:abc:x"]),
    content=text,
    edited=st.booleans(),
    pinned=st.booleans(),
    reply=st.none()
    | st.tuples(st.sampled_from([message(1)["id"], "gone"]), st.none() | st.sampled_from(["USR:bob", "Ann"])),
    ping=st.none() | st.booleans(),
    extra=st.dictionaries(st.sampled_from(["meta", "source"]), st.dictionaries(text, value, max_size=3)),
    reactions=st.dictionaries(text.filter(bool), st.just(["USR:bob", "USR:ann"]), max_size=3),
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.lists(stored, min_size=1, max_size=20))
def test_messages_of_any_content_are_the_same_after_export_and_import(
    tmp_path_factory: pytest.TempPathFactory, entries: list[dict[str, Any]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    moved = Moved(folder / "new")
    moved.run(current(folder / "old").path)
    with moved.open() as opened:
        tx = opened.begin()
        place = opened.channel("general").id
        for number, entry in enumerate(entries):
            reply_to, reply_user = entry.pop("reply") or (None, None)
            reactions = entry.pop("reactions")
            one = Message(
                id=uuid7(), timestamp=START + 1000 + number / 3, reply_to=reply_to, reply_user=reply_user, **entry
            )
            tx.messages.add(place, one)
            for emoji, people in reactions.items():
                for user_id in people:
                    tx.messages.add_reaction(place, one.id, emoji, user_id)
        tx.commit()
    assert whole(there_and_back(moved, folder)) == whole(moved)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.lists(st.text(max_size=20), min_size=1, max_size=20), ascii_only=st.booleans())
def test_any_old_text_comes_through_import_export_and_import(
    tmp_path_factory: pytest.TempPathFactory, contents: list[str], ascii_only: bool
) -> None:
    """Also halves of surrogate pairs, which JSON can escape: each becomes U+FFFD."""
    folder = tmp_path_factory.mktemp("any")
    old = current(folder / "old")
    records = [message(1000 + number, content=content) for number, content in enumerate(contents)]
    escaped = [json.dumps(one, ensure_ascii=ascii_only or not one["content"].isprintable()) for one in records]
    old.write("channels/general.json", "\n".join(escaped))
    moved = Moved(folder / "new")
    moved.run(old.path)
    before = whole(moved)
    (found,) = [
        one for one in before["messages"].values() if len(one) == len(contents) and one[0]["id"] == records[0]["id"]
    ]
    clean = [one.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for one in contents]
    assert [one["content"] for one in found] == clean
    assert whole(there_and_back(moved, folder)) == before


# --- the folder that is written --------------------------------------------------------------------------------


def test_the_folder_is_as_upstream_reads_it(moved: Moved, tmp_path: Path) -> None:
    moved.run(current(tmp_path / "old").path)
    target = tmp_path / "out"
    told = exported(moved, target)
    db = target / "db"
    assert told.messages == 7
    assert told.left_out == ["token of the webhook 'Builder': only its hash is known; other servers need a new one"]
    lines = (db / "channels" / "general.json").read_bytes().split(b"\n")
    first = json.loads(lines[0])
    assert lines[0].startswith(b'{"id":"%s","user":"USR:ann","content":"hello' % first["id"].encode())
    assert json.loads(lines[2])["attachments"][0]["url"] == f"{URL}/attachments/a1"
    assert (db / "channels" / "help.json").read_bytes() == b""
    users = json.loads((db / "users.json").read_text())
    assert users["USR:bob"]["roles"] == ["banned", "user"]
    upload = json.loads((db / "attachments.json").read_text())["a1"]
    assert (upload["filename"], upload["channel"], upload["referenced"]) == ("a1.png", "general", True)
    assert json.loads((db / "unreads.json").read_text())["USR:ann"].keys() == {"general", "thread/t1"}
    assert list(json.loads((db / "push_subscriptions.json").read_text())) == ["ann"]
    assert (target / "plugins" / "welcome_config.json").read_text() == "{}"
    assert (target / "vapid" / "private_key.pem").read_text() == "KEY"
    for path in (target, db, target / "vapid"):
        assert path.stat().st_mode & 0o077 == 0, path
    assert (target / "config.json").stat().st_mode & 0o077 == 0


def test_an_export_is_written_to_an_empty_folder_only(moved: Moved, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no folder"):
        exported(moved, tmp_path / "out")
    moved.run(current(tmp_path / "old").path)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(ExportError, match="not empty"):
        exported(moved, tmp_path / "full")


def test_who_is_gone_is_nobody_who_came_later_under_the_name(moved: Moved, tmp_path: Path) -> None:
    """An author without a record is a text in old folders, and may be a username; in exports it is none."""
    moved.run(current(tmp_path / "old", [message(1, "Robot")]).path)
    users = json.loads((moved.db / "users.json").read_text())
    (moved.db / "users.json").write_text(json.dumps(users | {"USR:new": {"username": "robot", "roles": ["user"]}}))
    back = there_and_back(moved, tmp_path / "1")
    with back.open() as opened:
        assert [one.user_id for one in opened.messages("general")] == ["Robot"]


def test_an_export_of_a_newer_version_is_refused(moved: Moved, tmp_path: Path) -> None:
    moved.run(current(tmp_path / "old").path)
    exported(moved, tmp_path / "out")
    (tmp_path / "out" / "db" / "export.json").write_text('{"format": 2}')
    with pytest.raises(Exception, match="newer version"):
        Moved(tmp_path / "back").run(tmp_path / "out")
