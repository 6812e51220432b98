"""What becomes of the folders of each era."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from db import counters, schema
from db.webhooks import hash_of
from tests.support.old_folders import PADDING, PNG, START, current, line, message, message_id, name_keyed, sqlite_era
from tests.transfer.conftest import Moved, Opened


def rows(opened: Opened, table: Any) -> list[dict[str, Any]]:
    tx = opened.begin()
    found = [dict(row._mapping) for row in tx.connection.execute(select(table))]
    tx.rollback()
    return found


@pytest.mark.parametrize("named", [".", "db"])
def test_a_folder_of_the_first_months(moved: Moved, tmp_path: Path, named: str) -> None:
    old = name_keyed(tmp_path / "old")
    report = moved.run(old.path / named)
    with moved.open() as opened:
        ann, bob = (opened.documents.users.find(name) for name in ("ann", "bob"))
        assert ann is not None
        assert bob is not None
        assert (ann.roles, ann.extra, ann.password_hash) == (("owner", "user"), {"placeholder": True}, None)
        assert (bob.roles, bob.banned) == (("user",), True)
        one, two, three = opened.messages("general")
        assert (one.id, one.user_id, one.content, one.timestamp) == (message_id(1), "ann", "message 1", START + 1)
        assert (two.reply_to, two.reply_user, two.reactions) == (message_id(1), "ann", {"👍": ["ann", "bob"]})
        assert three.user_id == "AutoMod"
        general = opened.channel("general")
        assert general.permissions["view"] == ("user",)
        assert general.permissions["pin"] == general.permissions["react"] == ("user",)
        assert [channel.type for channel in opened.documents.channels.values()] == ["text", "separator"]
        assert opened.documents.roles.find("user") is not None
    assert report.notes["placeholder"] == 2
    assert report.facts["eras"] == "names, array"


def test_nobody_moves_in_as_the_server_or_a_webhook(moved: Moved, tmp_path: Path) -> None:
    old = name_keyed(tmp_path / "old")
    users = {"USR:1": {"username": "ORIGINCHATS", "roles": ["user"]}, "originChats": {"roles": ["owner"]},
             "USR:2": {"username": "x (webhook)", "roles": ["user"]}}  # fmt: skip
    old.write("users.json", users)
    report = moved.run(old.path)
    with moved.open() as opened:
        names = {user.id: user.username for user in opened.documents.users}
        assert set(names) == {"USR:1", "USR:2"}
        assert all(name.startswith("member-") for name in names.values())
    assert report.notes["reserved_name"] == 3


def test_members_who_have_a_record_by_name_and_one_by_id_are_one(moved: Moved, tmp_path: Path) -> None:
    old = name_keyed(tmp_path / "old")
    users = {"ann": {"roles": ["owner"]}, "USR:1": {"username": "Ann", "roles": ["owner"]}, "carl": {"roles": ["user"]}}
    old.write("users.json", users)
    old.write("channels/general.json", line([message(1, "ann"), message(2, "USR:1"), message(3, "CARL")]))
    report = moved.run(old.path)
    with moved.open() as opened:
        assert {user.id for user in opened.documents.users} == {"USR:1", "carl"}
        assert [one.user_id for one in opened.messages("general")] == ["USR:1", "USR:1", "carl"]
        # a later server wrote this folder: what its rules do not name has today's meaning
        assert "pin" not in opened.channel("general").permissions
    assert report.notes["name_twice"] == 1


def test_a_folder_of_today(moved: Moved, tmp_path: Path) -> None:
    old = current(tmp_path / "old")
    report = moved.run(old.path)
    with moved.open() as opened:
        users = opened.documents.users
        ann, bob, cleo = users.get("USR:ann"), users.get("USR:bob"), users.get("USR:local_cleo")
        assert ann is not None
        assert bob is not None
        assert cleo is not None
        assert (ann.nickname, ann.status.status, ann.status.text, ann.extra) == ("annie", "dnd", "busy", {})
        assert (bob.banned, bob.roles, bob.extra) == (True, ("user",), {"favourite": "blue"})
        assert cleo.password_hash is not None
        assert cleo.password_hash.startswith("$2b$12$")
        assert cleo.pfp_url == "https://example.org/cleo.png"
        general, help_ = opened.channel("general"), opened.channel("help")
        assert general.extra == {"colour of the host": 7}
        assert help_.permissions["view"] == ("owner",)
        assert set(help_.permissions) == {
            "view", "send", "delete", "delete_own", "edit_own", "react", "pin", "create_thread",
        }  # fmt: skip
        _, two, three, four, five = opened.messages("general")
        assert (two.edited, two.pinned, two.reply_user) == (True, True, "USR:ann")
        (attachment,) = three.extra["attachments"]
        assert attachment == {
            "id": "a1", "name": "cat.png", "mime_type": "image/png", "size": 3, "expires_at": None, "permanent": True,
            "width": 1, "height": 1,
        }  # fmt: skip
        assert four.reactions == {"originChats://h/emojis/12": ["USR:bob", "USR:ann"]}
        assert (five.user_id, five.extra["webhook"]["name"]) == ("originChats", "Builder")
        assert [m.id for m in opened.messages("t1")] == [message_id(100), message_id(101)]
        (thread,) = opened.store.threads
        assert (thread.name, thread.parent, thread.locked) == ("How?", help_.id, True)
        assert thread.participants == ("USR:bob", "USR:ann")
        tx = opened.begin()
        assert [m.id for m in tx.messages.search(general.id, "MESSAGE 2", 5)] == [two.id]
        assert tx.reads.of_user("USR:ann") == {general.id: two.id, "t1": message_id(100)}
        assert tx.reads.of_user("USR:bob") == {}
        assert counters.read(tx.connection, "next_emoji_id") == 13
        tx.rollback()
        assert {(row["target"], row["n"] & 0xFFFF) for row in rows(opened, schema.pings)} == {
            ("u:USR:bob", 0), ("r:user", 0), ("u:USR:ann", 1),
        }  # fmt: skip
        (poll,) = rows(opened, schema.polls)
        assert (poll["place"], poll["ended_at"], json.loads(poll["options"])[0]["text"]) == (
            general.id,
            START + 50,
            "yes",
        )
        (vote,) = rows(opened, schema.poll_votes)
        assert (vote["user_id"], vote["option_id"]) == ("USR:bob", "0")
        (webhook,) = rows(opened, schema.webhooks)
        assert (webhook["token_hash"], webhook["generation"]) == (hash_of("secret-token"), None)
        (entry,) = rows(opened, schema.modlog)
        assert (entry["action"], entry["channel"]) == ("message_pin", general.id)
        (upload,) = rows(opened, schema.attachments)
        digest = hashlib.sha256(PNG).hexdigest()
        assert (upload["hash"], upload["size"], upload["shown"], upload["channel"]) == (digest, len(PNG), 1, general.id)
        assert (moved.db / "files" / digest[:2] / digest).read_bytes() == PNG
        (push,) = rows(opened, schema.push_subscriptions)
        assert (push["user_id"], push["endpoint"]) == ("USR:ann", "https://push.example/1")
        assert [emoji.name for emoji in opened.documents.emojis] == ["wave"]
    assert (moved.db / "serverEmojis" / "3.png").read_bytes() == PNG
    assert (moved.db / "serverAssets" / "icon.png").exists()
    assert (moved.db / "vapid" / "private_key.pem").read_text() == "KEY"
    assert [path.name for path in (moved.db / "plugins").iterdir()] == ["welcome_config.json"]
    everything = b"".join(path.read_bytes() for path in moved.db.rglob("*") if path.is_file())
    assert b"token-of-" not in everything
    assert b"secret-token" not in everything
    assert report.notes["attachment_gone"] == 1
    assert report.notes["attachment_file_gone"] == 1
    assert report.notes["marker"] == 2
    assert report.notes["stale_push"] == 1


def test_the_database_of_two_days_is_read_with_what_was_not_written_back_yet(moved: Moved, tmp_path: Path) -> None:
    old = sqlite_era(tmp_path / "old")
    before = {path: path.read_bytes() for path in old.db.rglob("*") if path.is_file()}
    report = moved.run(old.path)
    assert {path: path.read_bytes() for path in old.db.rglob("*") if path.is_file()} == before
    with moved.open() as opened:
        assert [user.id for user in opened.documents.users] == ["USR:ann"]
        assert [channel.name for channel in opened.documents.channels.values()] == ["general", "second"]
        one, two = opened.messages("general")
        assert (one.content, one.pinned, one.reactions, one.extra) == (
            "one", True, {"👍": ["USR:ann"]}, {"embeds": [{"type": "rich"}]},
        )  # fmt: skip
        assert (two.edited, two.reply_to, two.reply_user, two.user_id) == (True, "m1", "USR:ann", "bot")
        assert [m.content for m in opened.messages("t1")] == ["three"]
        assert [poll["id"] for poll in rows(opened, schema.polls)] == ["p1"]
        assert len(rows(opened, schema.poll_votes)) == 1
        owner = opened.documents.roles.find("owner")
        assert owner is not None
        assert (owner.mention_roles, owner.permissions) == (True, ())
    assert report.facts["eras"] == "sqlite"


def test_members_and_polls_that_only_the_former_database_has_come_along(moved: Moved, tmp_path: Path) -> None:
    old = sqlite_era(tmp_path / "old")
    old.write("channels.json", [{"type": "text", "name": "general", "permissions": {"view": ["user"]}}])
    old.lines("channels/general.json", [message(1) | {"id": "m1"}, message(2)], PADDING)
    moved.run(old.path)
    with moved.open() as opened:
        assert {user.id for user in opened.documents.users} == {"USR:ann", "USR:stale"}
        assert [one.id for one in opened.messages("general")] == ["m1", message_id(2)]
        assert [poll["id"] for poll in rows(opened, schema.polls)] == ["p1"]
