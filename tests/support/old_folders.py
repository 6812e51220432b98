"""Data folders as the upstream server left them, of every era, for tests of the import."""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Json = dict[str, Any]
START = 1_750_000_000.0
PADDING = " " * 512
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c626001000000ffff03000006000557"
    "bfabd40000000049454e44ae426082"
)
RULES = {"view": ["user"], "send": ["user"], "delete": ["admin"], "create_thread": ["user"]}


def message_id(number: int) -> str:
    return str(uuid.UUID(int=number + (4 << 76) + (8 << 60)))


def message(number: int, user: str = "USR:ann", **fields: Any) -> Json:
    """One that was sent `number` seconds after START."""
    return {
        "user": user,
        "content": f"message {number}",
        "timestamp": START + number,
        "id": message_id(number),
    } | fields


def line(record: Any) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


class OldFolder:
    """An install folder with `db/` and `config.json`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.db = path / "db"
        (self.db / "channels").mkdir(parents=True)

    def write(self, name: str, value: Any) -> Path:
        """A file of the data folder: bytes and texts as they are, everything else as JSON."""
        target = self.db / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(value, bytes | str):
            value = json.dumps(value, indent=2, ensure_ascii=False)
        target.write_bytes(value.encode() if isinstance(value, str) else value)
        return target

    def lines(self, name: str, messages: Sequence[Json], padding: str = "") -> None:
        self.write(name, "\n".join(line(one) + padding for one in messages))

    def config(self, **settings: Any) -> None:
        (self.path / "config.json").write_text(json.dumps(settings))


def name_keyed(path: Path, messages: Sequence[Json] | None = None) -> OldFolder:
    """Of the first months: members by name, an array a channel."""
    old = OldFolder(path)
    old.write("users.json", {"ann": {"roles": ["owner", "user"]}, "bob": {"roles": ["banned", "user"]}})
    old.write(
        "roles.json", {"owner": {"description": "o", "color": "#ff0000"}, "user": {"description": "u", "color": None}}
    )
    old.write(
        "channels.json",
        [
            {
                "type": "text",
                "name": "general",
                "description": "d",
                "permissions": {"view": ["user"], "send": ["user"]},
            },
            {"type": "seperator", "size": 20},
        ],
    )
    if messages is None:
        messages = [
            message(1, "ann", type="message", pinned=False),
            message(2, "bob", reply_to={"id": message_id(1), "user": "ann"}, reactions={"👍": ["ann", "bob"]}),
            message(3, "AutoMod"),
        ]
    old.write("channels/general.json", line(list(messages)))
    old.config(max_lengths={"post_content": 500}, DB={"users": "db/users.json", "channels": "db/channels"},
               rotur={"validate_url": "https://x.example", "validate_key": "k"}, service={"version": "1"})  # fmt: skip
    return old


def current(path: Path, messages: Sequence[Json] | None = None, padding: str = PADDING) -> OldFolder:
    """Of today: members by id, padded lines, everything there is."""
    old = OldFolder(path)
    old.write(
        "users.json",
        {
            "USR:ann": {"username": "Ann", "roles": ["owner", "user"], "validator": "token-of-ann", "nickname": "annie",
                        "status": {"status": "dnd", "text": "busy"}},
            "USR:bob": {"username": "bob", "roles": ["banned", "user"], "favourite": "blue"},
            "USR:local_cleo": {"username": "USR:local_cleo", "roles": ["user", "gone"], "validator": "token-of-cleo",
                               "password_hash": "$2b$12$UInP1e5Ej52fsv6xS8YJquWU8h4rtx7EpS0EBQSBdYxyHBTVh288O",
                               "pfp_url": "https://example.org/cleo.png"},
        },
    )  # fmt: skip
    role = {"id": "5d3c", "description": None, "color": None, "hoisted": False, "permissions": ["send_messages"],
            "self_assignable": False, "category": None, "position": 3}  # fmt: skip
    old.write("roles.json", {"owner": role | {"position": 0}, "user": role | {"id": "77"}})
    old.write(
        "channels.json",
        [
            {"type": "text", "name": "general", "permissions": RULES, "colour of the host": 7},
            {"type": "forum", "name": "help", "permissions": {}},
            {"type": "voice", "name": "talk", "permissions": RULES},
        ],
    )
    upload = {"id": "a1", "filename": "a1.png", "original_name": "cat.png", "mime_type": "image/png", "size": 3,
              "hash": "00", "uploader_id": "USR:ann", "uploader_name": "Ann", "channel": "general",
              "created_at": START, "expires_at": None, "permanent": True, "referenced": True, "width": 1, "height": 1}  # fmt: skip
    if messages is None:
        poll = {"type": "poll", "poll": {"id": "p1"}, "title": "Tea?"}
        shown = {"id": "a1", "name": "cat.png", "mime_type": "image/png", "size": 3, "url": "wss://old/attachments/a1"}
        messages = [
            message(1, content="hello @bob and @&user"),
            message(2, "USR:bob", reply_to={"id": message_id(1), "user": "USR:ann"}, edited=True, pinned=True),
            message(3, attachments=[shown, {"id": "a9", "name": "lost.png"}]),
            message(4, embeds=[poll], reactions={"originChats://h/emojis/12": ["USR:bob", "ann"]}),
            message(5, "originChats", webhook={"id": "w1", "name": "Builder", "avatar": None}),
        ]
    old.lines("channels/general.json", messages, padding)
    old.write("channels/help.json", "")
    old.write("channels/talk.json", "")
    old.write("threads/t1.json", {"id": "t1", "name": "How?", "parent_channel": "help", "created_by": "USR:bob",
                                  "created_at": START, "locked": True, "participants": ["USR:bob", "USR:ann"]})  # fmt: skip
    old.lines("threadMessages/t1.jsonl", [message(100), message(101, "USR:bob")], padding)
    old.write("polls.json", {"p1": {"id": "p1", "message_id": message_id(4), "channel": "general", "thread_id": None,
                                    "question": "Tea?", "options": [{"id": "0", "text": "yes"}, {"id": "1", "text": "no"}],
                                    "allow_multiselect": False, "expires_at": START + 60, "created_by": "USR:ann",
                                    "created_at": START + 4, "ended": True, "ended_at": START + 50}})  # fmt: skip
    vote = {"poll_id": "p1", "option_id": "0", "user_id": "USR:bob", "voted_at": START + 5}
    old.write("poll_votes.json", {"p1": [vote, vote | {"user_id": "USR:ann", "option_id": "7"}]})
    old.write("unreads.json", {"USR:ann": {"general": message_id(2), "thread/t1": message_id(100), "gone": "x"},
                               "USR:bob": {"general": message_id(999)}})  # fmt: skip
    old.write("webhooks.json", {"w1": {"id": "w1", "channel": "general", "name": "Builder", "token": "secret-token",
                                       "created_by": "USR:ann", "created_at": START},
                                "w2": {"id": "w2", "channel": "gone", "name": "x", "token": "t"}})  # fmt: skip
    old.write("modlog.json", [{"id": "1-USR:ann", "action": "message_pin", "category": "message_moderation",
                               "actor_id": "USR:ann", "actor_name": "Ann", "target_id": message_id(2),
                               "target_name": None, "details": {"channel": "general"}, "timestamp": START + 9}])  # fmt: skip
    old.write("attachments.json", {"a1": upload, "a2": upload | {"id": "a2", "filename": "a2.bin"}})
    old.write("attachments/a1.png", PNG)
    old.write(
        "serverEmojis.json", {"3": {"name": "wave", "fileName": "3.png"}, "4": {"name": "x", "fileName": "../x.png"}}
    )
    old.write("serverEmojis/3.png", PNG)
    old.write("serverEmojis/9.png", PNG)
    old.write("serverAssets/icon.png", PNG)
    old.write("push_subscriptions.json", {"ann": [
        {"endpoint": "https://push.example/1", "p256dh": "p", "auth": "a", "last_used": 1_750_000_000},
        {"endpoint": "https://push.example/2", "p256dh": "p", "auth": "a"}]})  # fmt: skip
    (path / "vapid").mkdir()
    (path / "vapid" / "private_key.pem").write_text("KEY")
    (path / "plugins").mkdir()
    (path / "plugins" / "welcome_config.json").write_text("{}")
    (path / "plugins" / "welcome.py").write_text("raise SystemExit")
    old.config(server={"name": "Old place", "url": "wss://old.example"}, limits={"post_content": 900}, colour="red",
               websocket={"port": 70_000})  # fmt: skip
    return old


def sqlite_era(path: Path) -> OldFolder:
    """Of the two days of the database, which stays open as by `kill -9`: rows are in the WAL only."""
    old = OldFolder(path)
    old.write("users.json", {"USR:stale": {"username": "stale", "roles": []}})
    old.write("channels.json", [])
    connection = sqlite3.connect(old.db / "live.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(
        """
        CREATE TABLE channels (name, type, description, display_name, permissions, position, size);
        CREATE TABLE messages (id PRIMARY KEY, channel, thread_id, user_id, content, timestamp, edited, pinned, reply_to_id,
            reply_to_user, attachments, embeds, webhook, interaction, created_at);
        CREATE TABLE reactions (id INTEGER PRIMARY KEY, message_id, emoji, user_id, added_at);
        CREATE TABLE threads (id PRIMARY KEY, name, parent_channel, created_by, created_at, locked, archived, participants);
        CREATE TABLE users (id PRIMARY KEY, username, roles, validator, nickname, status, created_at, last_seen);
        CREATE TABLE roles (id PRIMARY KEY, name, description, color, hoisted, permissions, self_assignable, category, position);
        CREATE TABLE polls (id PRIMARY KEY, message_id, channel, thread_id, question, options, allow_multiselect, expires_at,
            created_by, created_at, ended, ended_at);
        CREATE TABLE poll_votes (poll_id, option_id, user_id, voted_at);
        INSERT INTO channels VALUES ('second', 'forum', NULL, NULL, '{}', 2, NULL), ('general', 'text', 'd', 'General',
            '{"view": ["user"], "send": ["user"]}', 1, NULL);
        INSERT INTO users VALUES ('USR:ann', 'ann', '["owner"]', 'v', NULL, '{"status": "idle", "text": "hm"}', 5, 6);
        INSERT INTO roles VALUES ('r1', 'owner', NULL, '#fff', 1, '{"mention_roles": true}', 0, NULL, 0);
        INSERT INTO threads VALUES ('t1', 'T', 'second', 'USR:ann', 7, 1, 0, '["USR:ann"]');
        INSERT INTO polls VALUES ('p1', 'm1', 'general', NULL, 'Q', '[{"id": "0", "text": "a"}]', 0, NULL, 'USR:ann', 8, 0, NULL);
        INSERT INTO poll_votes VALUES ('p1', '0', 'USR:ann', 9);
        INSERT INTO messages VALUES
            ('m2', 'general', NULL, 'bot', 'two', 1750000002, 1, 0, 'm1', 'ann', NULL, NULL, '{"id": "w", "name": "W"}', NULL, 0),
            ('m1', 'general', NULL, 'USR:ann', 'one', 1750000001, 0, 1, NULL, NULL, NULL, '[{"type": "rich"}]', NULL, NULL, 0),
            ('m3', 'second', 't1', 'USR:ann', 'three', 1750000003, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, 0);
        INSERT INTO reactions VALUES (1, 'm1', '👍', 'ann', 0), (2, 'm1', '👍', 'USR:ann', 0);
        """
    )
    for end in ("", "-wal"):
        (old.db / f"originchats.db{end}").write_bytes((old.db / f"live.db{end}").read_bytes())
    connection.close()
    for left in old.db.glob("live.db*"):
        left.unlink()
    os.utime(old.db / "channels.json", (1, 1))
    return old
