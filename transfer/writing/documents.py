"""Members, roles, channels and emojis to their documents. Records that are there already stay as they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from db.channels import Channel
from db.documents import ORDER_KEY, Order
from db.permissions import OWNER
from db.users import LOCAL_PREFIX, User
from transfer.model import ImportStopped
from transfer.reading.channels import free_name
from transfer.report import Report

Records = dict[str, Any]


def add(kind: str, there: Records, new: Mapping[str, Any], report: Report) -> Records:
    """Those that are there, and after them those whose key is not."""
    added = {key: record for key, record in new.items() if key not in there}
    if len(added) < len(new):
        report.note("is_there", kind, len(new) - len(added))
    report.counts[kind] = len(added)
    return there | added


def add_emojis(there: Records, new: Mapping[str, Any], report: Report) -> Records:
    names = {emoji.name.lower() for emoji in there.values()}
    free = {key: emoji for key, emoji in new.items() if key in there or emoji.name.lower() not in names}
    if len(free) < len(new):
        report.note("is_there", "emojis of the same name", len(new) - len(free))
    return add("emojis", there, free, report)


def add_channels(
    there: Records, new: list[Channel], has_messages: Callable[[str], bool], report: Report
) -> tuple[Records, dict[str, str]]:
    """The channels after the import, and the ids of those of the old folder that go on in another one here: in the one
    of the same name, as long as nothing was written there."""
    records = dict(there)
    order: Order = records.pop(ORDER_KEY)
    by_name = {channel.name: channel for channel in records.values()}
    ids: dict[str, str] = {}
    added: list[str] = []
    for channel in new:
        same = by_name.get(channel.name)
        if channel.id in records:
            continue
        if same is not None and not has_messages(same.id):
            ids[channel.id] = same.id
            report.note("is_there", f"channel {channel.name}")
            continue
        if same is not None:
            renamed = msgspec.structs.replace(channel, name=free_name(channel.name, by_name))
            report.note("channel_beside", f"{channel.name} is {renamed.name}")
            channel = renamed
        by_name[channel.name] = channel
        records[channel.id] = channel
        added.append(channel.id)
    report.counts["channels"] = len(added)
    return {**records, ORDER_KEY: Order((*order.sort(records.keys() - set(added)), *added))}, ids


def owners(users: Mapping[str, User]) -> list[str]:
    return [user.username for user in users.values() if OWNER in user.roles and not user.banned]


def with_owner(users: dict[str, User], name: str) -> dict[str, User]:
    """The same with the role for a member, by id, username or the name of a local account. Raises ImportStopped."""
    wanted = {name.casefold(), (LOCAL_PREFIX + name).casefold()}
    for id_, user in users.items():
        if id_ == name or user.username.casefold() in wanted:
            roles = (OWNER, *(role for role in user.roles if role != OWNER))
            return users | {id_: msgspec.structs.replace(user, roles=roles, banned=False)}
    raise ImportStopped(f"--owner: no member is called {name!r}")
