"""Members and roles, and who the authors of old messages are."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

import msgspec

from db import roles, users
from db.document_format import BadRecord, Format
from db.roles import Role
from db.users import LOCAL_PREFIX, PLACEHOLDER, User
from handlers.names import is_reserved
from transfer.report import Report

NAMESPACE = uuid.UUID("6f1dd9f5-3c5f-4e0e-9a3a-6a3b0f2f6b0c")
"""Ids that old records lack are derived from what they are called, so that each import gives them the same."""
MAX_NAME = 200
NOBODY = "unknown"
MAX_SEEN = 100_000
"""Names whose ids are remembered."""


def derived_id(*what: str) -> str:
    return str(uuid.uuid5(NAMESPACE, "\0".join(what)))


def lenient(format: Format[Any], key: str, fields: Mapping[str, Any], place: int, report: Report) -> Any:
    """The record; values that do not fit are left out and reported. None, reported, when it is of no use at all."""
    left = dict(fields)
    try:
        return format.read(key, left, place)
    except (msgspec.ValidationError, BadRecord) as first:
        reason = str(getattr(first, "reason", first))
    for name in fields:
        without = {other: value for other, value in left.items() if other != name}
        alone = {"name": left["name"], name: left[name]} if "name" in left else {name: left[name]}
        try:
            format.read(key, alone, place)
        except (msgspec.ValidationError, BadRecord) as wrong:
            if name == "name":
                continue
            report.note("bad_field", f"{format.document}.json: {key or left.get('name')}: {name}: {_reason(wrong)}")
            left = without
    try:
        return format.read(key, left, place)
    except (msgspec.ValidationError, BadRecord):
        report.note("bad_record", f"{format.document}.json: {key or fields.get('name') or place}: {reason}")
        return None


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", error))


def read_users(records: Mapping[str, Any], report: Report) -> dict[str, User]:
    """Every member by id. A record by name only, whose member has another one by id, is left out: `People` knows."""
    by_name = {
        record["username"].casefold(): id_
        for id_, record in records.items()
        if isinstance(record, dict) and isinstance(record.get("username"), str)
    }
    found: dict[str, User] = {}
    for place, (id_, record) in enumerate(records.items()):
        if not isinstance(record, dict):
            report.note("bad_record", f"users.json: {id_}")
            continue
        if is_reserved(id_) and not id_.startswith(LOCAL_PREFIX):
            report.note("reserved_name", id_)
            continue
        if is_name_keyed(id_, record):
            if id_.casefold() in by_name:
                report.note("name_twice", f"{id_}: roles {record.get('roles')}")
                continue
            record = {**record, PLACEHOLDER: True}
            report.note("placeholder", id_)
        user: User | None = lenient(users.FORMAT, id_, record, place, report)
        if user is None:
            continue
        if user.banned and "banned" in (record.get("roles") or ()):
            report.note("banned_role", user.username)
        if is_reserved(user.username):
            report.note("reserved_name", user.username)
            bare = f"member-{derived_id('user', id_)[:8]}"
            user = msgspec.structs.replace(user, username=f"{LOCAL_PREFIX if user.is_local else ''}{bare}")
        found[id_] = user
    _tell_same_names(found, report)
    return found


def is_name_keyed(id_: str, record: Mapping[str, Any]) -> bool:
    return "username" not in record and not id_.startswith("USR:")


def _tell_same_names(found: Mapping[str, User], report: Report) -> None:
    names: set[str] = set()
    for user in found.values():
        name = user.username.casefold()
        if name in names:
            report.note("same_username", user.username)
        names.add(name)


def read_roles(records: Mapping[str, Any], report: Report) -> dict[str, Role]:
    found: dict[str, Role] = {}
    for place, (name, record) in enumerate(records.items()):
        if not isinstance(record, dict) or name == "banned":
            report.note("bad_record", f"roles.json: {name}")
            continue
        if not isinstance(record.get("permissions"), list) and name != "owner":
            report.note("no_permissions", name)
        role: Role | None = lenient(roles.FORMAT, name, {"id": derived_id("role", name), **record}, place, report)
        if role is not None:
            found[name] = role if role.id else msgspec.structs.replace(role, id=derived_id("role", name))
    return found


class People:
    """From whatever an old file calls somebody to a user id."""

    def __init__(self, users: Mapping[str, User], exact: bool = False) -> None:
        """exact: whoever is named is named by id; what is no member's is that of somebody who is gone."""
        self._users = users
        self._exact = exact
        self._names: dict[str, str] = {}
        for id_, user in users.items():
            self._names.setdefault(user.username.casefold(), id_)
        self._seen: dict[str, str] = {id_: id_ for id_ in users}

    def id_of(self, text: Any) -> str:
        """A known id as it is, a username in any case as the id of its member, anything else as the display text of an
        author from elsewhere."""
        if not isinstance(text, str):
            text = str(text) if isinstance(text, int | float) else NOBODY
        known = self._seen.get(text)
        if known is None:
            known = (
                (not self._exact and self._names.get(text.casefold()))
                or text.replace("\0", "").strip()[:MAX_NAME]
                or NOBODY
            )
            if len(self._seen) < MAX_SEEN:
                self._seen[text] = known
        return known

    def member(self, text: Any) -> str | None:
        """The id of a member; None for anybody else."""
        id_ = self.id_of(text)
        return id_ if id_ in self._users else None

    def mentioned(self, name: str) -> str | None:
        """The id of the member whom `@name` means."""
        return self._names.get(name.casefold()) or self._names.get((LOCAL_PREFIX + name).casefold())
