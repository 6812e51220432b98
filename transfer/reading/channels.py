"""Channels in the order of display, under names and with rules that are allowed here."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from db import channels
from db.channels import Channel, bad_name
from db.permissions import CHANNEL_KEYS, DEFAULT_RULES, OWNER
from transfer.reading.people import derived_id, lenient
from transfer.report import Report

LATER_KEYS = ("pin", "delete_own", "edit_own", "react")
EVERYBODY = "user"
"""The role that every member has."""


def read_channels(records: Iterable[Any], by_name_era: bool, report: Report, exact: bool = False) -> dict[str, Channel]:
    """Old name -> channel; a separator without a name gets one. Of two channels with one name the first counts, as
    upstream. by_name_era: rules of the first months, in which a missing key allowed everybody. exact: the rules are
    those of this server."""
    found: dict[str, Channel] = {}
    taken: set[str] = set()
    for place, record in enumerate(records):
        channel = _read(record, place, by_name_era, report, exact) if isinstance(record, dict) else None
        if channel is None:
            if not isinstance(record, dict):
                report.note("bad_record", f"channels.json: record {place + 1}")
            continue
        old = record.get("name")
        old = old if isinstance(old, str) and old else f"\0{place}"
        if old in found:
            report.note("renamed_channel", f"{old}: occurs twice; the second one is left without messages")
            old = f"\0{place}"
        name = free_name(channel.name, taken)
        taken.add(name)
        if name != record.get("name") and record.get("name"):
            report.note("renamed_channel", f"{record.get('name')!r} is {name!r} now")
        found[old] = msgspec.structs.replace(channel, name=name)
    return found


def _read(record: dict[str, Any], place: int, by_name_era: bool, report: Report, exact: bool) -> Channel | None:
    fields = {key: value for key, value in record.items() if key not in ("last_message", "threads", "voice_state")}
    old = fields.get("name")
    old = old if isinstance(old, str) else ""
    kind = fields.get("type", "text")
    if kind == "seperator":
        kind = "separator"
    if kind not in channels.TYPES:
        report.note("bad_field", f"channels.json: {old}: type: {kind!r} is no type; it is a text channel now")
        kind = "text"
    name = sanitised(old) or ("separator" if kind == "separator" else "channel")
    id_ = fields.get("id")
    if not isinstance(id_, str) or not id_ or id_.startswith("#"):
        id_ = derived_id("channel", old or f"\0{place}")
    fields |= {"name": name, "type": kind, "id": id_}
    if not exact:
        fields["permissions"] = rules(fields.get("permissions"), kind, by_name_era, old, report)
    if not isinstance(fields.get("size"), int):
        fields.pop("size", None)
    channel: Channel | None = lenient(channels.FORMAT, "", fields, place, report)
    return channel


def rules(given: Any, kind: str, by_name_era: bool, name: str, report: Report) -> dict[str, list[str]]:
    """What the channel's rules meant, written out where the same file would mean something else here."""
    valid: dict[str, list[str]] = {}
    if isinstance(given, dict):
        for key, roles in given.items():
            if isinstance(roles, list):
                valid[key] = [role for role in roles if isinstance(role, str)]
            else:
                report.note("bad_field", f"channels.json: {name}: permissions.{key}: no list of roles")
                valid[key] = [OWNER]
    if not valid:
        valid = {key: list(DEFAULT_RULES[key]) for key in CHANNEL_KEYS}
        if by_name_era and kind == "separator":
            valid["view"] = [EVERYBODY]
    elif by_name_era:
        # what the server did not know yet, everybody could do
        valid = {key: [EVERYBODY] for key in LATER_KEYS} | valid
    return valid


def sanitised(name: str) -> str:
    """A name that is allowed, as near as it can be; empty when nothing is left."""
    if bad_name(name) is None:
        return name
    kept = "".join("" if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in name)
    kept = kept.replace("/", "-").replace("\\", "-")
    while ".." in kept:
        kept = kept.replace("..", ".")
    kept = kept.strip()
    if kept != name:
        kept = kept.strip(".-")
    return kept if kept and bad_name(kept) is None else ""


def free_name(name: str, taken: Iterable[str]) -> str:
    number = 1
    free = name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    return free


def for_owners(name: str, kind: str, taken: Mapping[str, Channel]) -> Channel:
    """A channel for messages or threads that have none any more."""
    new = free_name(sanitised(name) or "channel", {channel.name for channel in taken.values()})
    keys: tuple[str, ...] = CHANNEL_KEYS
    permissions: dict[str, tuple[str, ...]] = dict.fromkeys(keys, (OWNER,))
    return Channel(id=derived_id("channel", name), name=new, type=kind, permissions=permissions)
