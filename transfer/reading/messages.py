"""From the object of an old message to a message of ours."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from db.message_rows import Message
from transfer.reading.people import People, derived_id
from transfer.report import Report

MAX_ID = 64
NUDGE_S = 1e-6
"""So much later than the message before is one that is not later."""
FUTURE_S = 86_400.0
TYPES = ("action", "notice")
"""Types that are stored; `message` is every other one."""
LINK_KEYS = ("url", "icon_url")
_LINK = re.compile(r"(?:https?://|/)[^\s]*", re.IGNORECASE)
_EMOJI = re.compile(r"/emojis/(\d{1,15})(?!\d)")
_OWN = {"id", "user", "content", "timestamp", "edited", "pinned", "type", "reply_to", "ping", "reactions"}

Snapshot = Callable[[dict[str, Any], "Message"], dict[str, Any] | None]
"""Makes the attachment of a message as it is shown here; None when nothing is left of it."""


class MessageReader:
    """now: unix seconds; what is much later is no time of a message. highest_emoji: told of each number of an emoji."""

    def __init__(
        self, people: People, report: Report, now: float, snapshot: Snapshot, emoji_seen: Callable[[int], None]
    ) -> None:
        self._people = people
        self._report = report
        self._latest = now + FUTURE_S
        self._snapshot = snapshot
        self._emoji_seen = emoji_seen

    def messages(self, place: str, name: str, records: Iterable[tuple[int, dict[str, Any]]]) -> Iterator[Message]:
        """place: the id of the channel or thread. name: for the report. Timestamps rise strictly."""
        last = -1.0
        for number, fields in records:
            message = self.read(fields, place, f"{name}:{number}", last)
            last = message.timestamp
            yield message

    def read(self, fields: dict[str, Any], place: str, where: str, last: float) -> Message:
        """last: timestamp of the message before."""
        note = self._report.note
        content = fields.get("content")
        if not isinstance(content, str):
            if content is not None:
                note("bad_field", f"{where}: content")
            content = ""
        timestamp = self._time(fields.get("timestamp"), last, where)
        id_ = fields.get("id")
        if not isinstance(id_, str) or not 0 < len(id_) <= MAX_ID or not id_.isprintable():
            id_ = derived_id("message", place, where.rpartition(":")[2], str(fields.get("timestamp")), content)
            note("new_id", where)
        reply_to, reply_user = self._reply(fields.get("reply_to"), where)
        ping = fields.get("ping")
        if "/emojis/" in content:
            self._see_emojis(content)
        message = Message(
            id=id_,
            user_id=self._people.id_of(fields.get("user")),
            content=content,
            timestamp=timestamp,
            edited=fields.get("edited") is True or fields.get("edited") == 1,
            pinned=fields.get("pinned") is True or fields.get("pinned") == 1,
            reply_to=reply_to,
            reply_user=reply_user,
            ping=ping if isinstance(ping, bool) else None,
            reactions=self._reactions(fields["reactions"], where) if fields.get("reactions") else {},
        )
        extra = self._extra(fields, message, where)
        if extra:
            message.extra.update(extra)
        return message

    def _time(self, given: Any, last: float, where: str) -> float:
        if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
            given = None
        if given is None or not 0 <= given <= self._latest:
            self._report.note("bad_time", where)
            return max(last + NUDGE_S, 0.0)
        if given <= last:
            self._report.note("time_raised", where)
            return last + NUDGE_S
        return float(given)

    def _reply(self, given: Any, where: str) -> tuple[str | None, str | None]:
        if given is None:
            return None, None
        if isinstance(given, str) and 0 < len(given) <= MAX_ID:
            return given, None
        if not isinstance(given, dict) or not isinstance(given.get("id"), str) or not 0 < len(given["id"]) <= MAX_ID:
            self._report.note("bad_field", f"{where}: reply_to")
            return None, None
        user = given.get("user")
        return given["id"], None if user is None else self._people.id_of(user)

    def _reactions(self, given: Any, where: str) -> dict[str, list[str]]:
        if not isinstance(given, dict):
            self._report.note("bad_field", f"{where}: reactions")
            return {}
        found: dict[str, list[str]] = {}
        for emoji, users in given.items():
            if not emoji or not isinstance(users, list):
                self._report.note("bad_field", f"{where}: reactions")
                continue
            self._see_emojis(emoji)
            ids = list(dict.fromkeys(self._people.id_of(user) for user in users))
            if ids:
                found[emoji] = ids
        return found

    def _see_emojis(self, text: str) -> None:
        for number in _EMOJI.findall(text):
            self._emoji_seen(int(number))

    def _extra(self, fields: Mapping[str, Any], message: Message, where: str) -> dict[str, Any]:
        extra: dict[str, Any] = {}
        for key, value in fields.items():
            if key in _OWN or value is None:
                if key == "type" and value in TYPES:
                    extra["type"] = value
                continue
            kept, known = value, True
            if key == "embeds":
                kept = self._embeds(value, where)
            elif key == "attachments":
                kept = self._attachments(value, message, where)
            elif key == "webhook":
                kept = _webhook(value)
            elif key == "interaction":
                kept = _interaction(value)
            elif key == "meta":
                kept, known = value if isinstance(value, dict) else None, False
            else:
                known = False
            if kept or (kept is not None and not known):
                extra[key] = kept
            elif value and key != "attachments":
                self._report.note("bad_field", f"{where}: {key}")
        return extra

    def _embeds(self, given: Any, where: str) -> list[Any]:
        if not isinstance(given, list):
            return []
        return [self._safe_links(embed, where) for embed in given if isinstance(embed, dict)]

    def _safe_links(self, value: Any, where: str) -> Any:
        if isinstance(value, list):
            return [self._safe_links(part, where) for part in value]
        if not isinstance(value, dict):
            return value
        kept = {}
        for key, part in value.items():
            if key in LINK_KEYS and isinstance(part, str) and part and not _LINK.match(part):
                self._report.note("bad_link", f"{where}: {part[:60]}")
                continue
            kept[key] = self._safe_links(part, where)
        return kept

    def _attachments(self, given: Any, message: Message, where: str) -> list[dict[str, Any]]:
        if not isinstance(given, list):
            self._report.note("bad_field", f"{where}: attachments")
            return []
        found = []
        for one in given:
            if not isinstance(one, dict) or not isinstance(one.get("id"), str):
                self._report.note("bad_field", f"{where}: attachments")
                continue
            shown = self._snapshot(one, message)
            if shown is None:
                self._report.note("attachment_gone", f"{where}: {one.get('name', one['id'])}")
            else:
                found.append(shown)
        return found


def _webhook(given: Any) -> dict[str, Any] | None:
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        return None
    avatar = given.get("avatar")
    return {**given, "id": str(given.get("id", "")), "avatar": avatar if isinstance(avatar, str) else None}


def _interaction(given: Any) -> dict[str, Any] | None:
    if isinstance(given, dict) and isinstance(given.get("command"), str) and isinstance(given.get("username"), str):
        return given
    return None
