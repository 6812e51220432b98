"""Polls, read markers, webhooks, the moderation log, push subscriptions and emojis of an old folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from db import emojis
from db.audit import CATEGORIES, OTHER
from db.emojis import Emoji
from db.polls import Option, Poll
from db.webhooks import Webhook
from transfer.model import Copy, PushSubscription, Vote
from transfer.reading.people import People, derived_id
from transfer.reading.source import Source
from transfer.report import Report

EMOJI_SLACK = 10_000
"""An id in a message that is so much higher than every emoji is no emoji's."""
EMOJI_FOLDER = "serverEmojis"
_CATEGORY = {action: category for category, actions in CATEGORIES.items() for action in actions}


class Names(msgspec.Struct):
    """channels: old name -> id. threads: id -> id of the channel."""

    channels: Mapping[str, str]
    threads: Mapping[str, str]
    directs: frozenset[str]
    people: People

    def place(self, name: Any) -> str:
        """The id of a channel, or of a direct channel, which exports name by its id; empty when there is none."""
        return name if name in self.directs else self.channels.get(name, "")


def read_polls(records: Mapping[str, Any], names: Names, report: Report) -> Iterator[Poll]:
    for id_, record in records.items():
        try:
            thread = record.get("thread_id")
            channel = names.threads.get(thread, "") if thread else names.place(record.get("channel"))
            if not channel:
                report.note("no_channel", f"polls.json: {id_}")
                continue
            options = [_option(number, option) for number, option in enumerate(record["options"])]
            created_at = float(record["created_at"])
            expires_at = record.get("expires_at")
            ended_at = record.get("ended_at") or (expires_at or created_at if record.get("ended") else None)
            yield Poll(
                id=id_,
                message_id=_text(record["message_id"]),
                place=thread or channel,
                channel=channel,
                question=_text(record["question"]),
                options=tuple(options),
                allow_multiselect=record.get("allow_multiselect") is True,
                created_by=names.people.id_of(record.get("created_by")),
                created_at=created_at,
                expires_at=None if expires_at is None else float(expires_at),
                ended_at=None if ended_at is None else float(ended_at),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            report.note("bad_record", f"polls.json: {id_}")


def _option(number: int, option: Any) -> Option:
    if isinstance(option, str):
        return Option(str(number), option)
    emoji = option.get("emoji")
    return Option(str(option.get("id", number)), _text(option["text"]), emoji if isinstance(emoji, str) else None)


def read_votes(records: Mapping[str, Any], polls: list[Poll], people: People, report: Report) -> Iterator[Vote]:
    options = {poll.id: {option.id for option in poll.options} for poll in polls}
    several = {poll.id for poll in polls if poll.allow_multiselect}
    given: set[tuple[str, ...]] = set()
    for poll, votes in records.items():
        for record in votes if isinstance(votes, list) else ():
            try:
                vote = Vote(poll, people.id_of(record["user_id"]), str(record["option_id"]), float(record["voted_at"]))
            except (KeyError, TypeError, ValueError):
                report.note("bad_record", f"poll_votes.json: {poll}")
                continue
            key = (poll, vote.user_id, vote.option_id) if poll in several else (poll, vote.user_id)
            if key in given or vote.option_id not in options.get(poll, ()):
                report.note("bad_record", f"poll_votes.json: {poll}: {vote.user_id}")
                continue
            given.add(key)
            yield vote


def read_markers(records: Mapping[str, Any], names: Names, report: Report) -> Iterator[tuple[str, str, str]]:
    """(user id, place, message id)."""
    seen: set[tuple[str, str]] = set()
    for user, markers in records.items():
        user_id = names.people.member(user)
        if user_id is None or not isinstance(markers, dict):
            report.note("no_user", f"unreads.json: {user}")
            continue
        for key, message_id in markers.items():
            kind, _, rest = key.partition("/")
            known = {"thread": names.threads, "direct": names.directs}.get(kind, ())
            place = rest if rest in known else names.channels.get(key, "")
            if not place or (user_id, place) in seen or not isinstance(message_id, str):
                report.note("marker", f"{user}: {key}")
                continue
            seen.add((user_id, place))
            yield user_id, place, message_id


def read_webhooks(records: Mapping[str, Any], names: Names, report: Report) -> Iterator[Webhook]:
    hashes: set[bytes] = set()
    for id_, record in records.items():
        try:
            channel = names.channels.get(record.get("channel"))
            if channel is None:
                report.note("no_channel", f"webhooks.json: {record.get('name') or id_}")
                continue
            token = record.get("token")
            hashed = hashlib.sha256(token.encode()).digest() if token else bytes.fromhex(record["token_sha256"])
            if len(hashed) != hashlib.sha256().digest_size or hashed in hashes:
                raise ValueError
            avatar = record.get("avatar")
            hashes.add(hashed)
            yield Webhook(
                id=id_,
                channel=channel,
                name=_text(record["name"]),
                avatar=avatar if isinstance(avatar, str) else None,
                token_hash=hashed,
                generation=None,
                created_by=names.people.id_of(record.get("created_by")),
                created_at=float(record.get("created_at") or 0.0),
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            report.note("bad_record", f"webhooks.json: {id_}")


def read_modlog(records: list[Any], names: Names, report: Report) -> Iterator[dict[str, Any]]:
    """Rows of the table, oldest first."""
    ids: set[str] = set()
    rows = []
    for number, record in enumerate(records):
        try:
            details = record.get("details")
            details = details if isinstance(details, dict) else {}
            before = record.get("before")
            action, actor = _text(record["action"]), record.get("actor_id")
            id_ = record.get("id")
            if not isinstance(id_, str) or not id_ or id_ in ids:
                id_ = derived_id("modlog", str(number), str(id_), action)
            ids.add(id_)
            channel = record.get("channel")
            if not isinstance(channel, str) or channel not in names.channels.values():
                channel = names.channels.get(channel or details.get("channel") or "")
            rows.append({
                "id": id_,
                "timestamp": float(record["timestamp"]),
                "category": _text(record.get("category") or _CATEGORY.get(action, OTHER)),
                "action": action,
                "actor_id": names.people.id_of(actor if actor is not None else record.get("actor_name")),
                "actor_name": _text(record.get("actor_name") or actor or ""),
                "target_id": _text_or_none(record.get("target_id")),
                "target_name": _text_or_none(record.get("target_name")),
                "channel": channel,
                "details": msgspec.json.encode(details).decode(),
                "before": msgspec.json.encode(before).decode() if before and isinstance(before, dict) else None,
            })  # fmt: skip
        except (AttributeError, KeyError, TypeError, ValueError):
            report.note("bad_record", f"modlog.json: entry {number + 1}")
    yield from sorted(rows, key=lambda row: row["timestamp"])


def read_push(records: Mapping[str, Any], people: People, report: Report) -> Iterator[PushSubscription]:
    endpoints: set[str] = set()
    for username, subscriptions in records.items():
        for record in subscriptions if isinstance(subscriptions, list) else ():
            try:
                user_id = people.member(record.get("user_id") or username)
                if user_id is None:
                    report.note("no_user", f"push_subscriptions.json: {username}")
                    continue
                endpoint = _text(record["endpoint"])
                last_used = record.get("last_used")
                if last_used is None:
                    report.note("stale_push", username)
                    continue
                if endpoint in endpoints or not endpoint.startswith("https://"):
                    raise ValueError
                endpoints.add(endpoint)
                used = float(last_used)
                created = float(record.get("created_at", used))
                yield PushSubscription(endpoint, user_id, _text(record["p256dh"]), _text(record["auth"]), created, used)
            except (AttributeError, KeyError, TypeError, ValueError):
                report.note("bad_record", f"push_subscriptions.json: {username}")


class EmojiIds:
    """The highest id that was ever an emoji's."""

    def __init__(self, known: int) -> None:
        self._limit = known + EMOJI_SLACK
        self.highest = known

    def seen(self, number: int) -> None:
        """An id that stands in a message."""
        if self.highest < number <= self._limit:
            self.highest = number


def read_emojis(
    records: Mapping[str, Any], source: Source, report: Report, next_id: int = 0
) -> tuple[dict[str, Emoji], list[Copy], EmojiIds]:
    found: dict[str, Emoji] = {}
    copies: list[Copy] = []
    names: set[str] = set()
    numbers = [0, next_id - 1]
    for path in source.files(EMOJI_FOLDER):
        if re.fullmatch(r"\d{1,9}", path.stem):
            numbers.append(int(path.stem))
    for id_, record in records.items():
        if re.fullmatch(r"\d{1,15}", id_):
            numbers.append(int(id_))
        emoji = _emoji(id_, record)
        picture = source.file(EMOJI_FOLDER, emoji.file_name) if emoji is not None else None
        if emoji is None or picture is None or emoji.name.lower() in names:
            report.note("emoji", f"{id_}: {record.get('name') if isinstance(record, dict) else ''}")
            continue
        names.add(emoji.name.lower())
        found[id_] = emoji
        copies.append(Copy(picture, f"{EMOJI_FOLDER}/{emoji.file_name}"))
    return found, copies, EmojiIds(max(numbers))


def _emoji(id_: str, record: Any) -> Emoji | None:
    try:
        return emojis.FORMAT.read(id_, record, 0)
    except Exception:  # whatever is wrong with it
        return None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _text_or_none(value: Any) -> str | None:
    return value if isinstance(value, str) else None
