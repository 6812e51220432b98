"""Frames of the rooms dialect: whatever arrives is a frame or is refused with a reason; what leaves has its shape."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.gateways import Rooms
from gateways.rooms import frames
from gateways.rooms.frames import BadFrame, Enter, EnterBody, GroupChat, Leave, PrivateChat, decode, iso_time
from protocol.errors import Code

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["message_type", "message_body", "token", "sender_username", "target_username", "content", "room"]
)
FRAMELIKE = st.fixed_dictionaries(
    {"message_type": st.sampled_from(["Enter", "Leave", "GroupChat", "PrivateChat", "Error", "enter"]) | JSON},
    optional={"message_body": st.dictionaries(FIELDS, JSON, max_size=5) | JSON, "token": JSON},
)


def refusal(frame: Any) -> BadFrame:
    with pytest.raises(BadFrame) as refused:
        decode(frame if isinstance(frame, bytes) else json.dumps(frame).encode())
    return refused.value


def read_or_refuse(text: bytes) -> None:
    bad: BadFrame | None = None
    try:
        assert isinstance(decode(text), Enter | Leave | GroupChat | PrivateChat)
    except BadFrame as refused:
        bad = refused
    if bad is not None:
        assert bad.code in ("malformed", "bad_value")
        assert 0 < len(bad.reason) < 600
        assert 0 < len(bad.logged) < 600
        assert "\n" not in bad.logged


@given(st.binary(max_size=200))
def test_bytes_are_read_or_refused(text: bytes) -> None:
    read_or_refuse(text)


@given(FRAMELIKE | JSON)
def test_objects_are_read_or_refused(value: Any) -> None:
    read_or_refuse(json.dumps(value).encode())


@pytest.mark.parametrize(
    "text",
    [b"", b"[" * 100_000, b'{"message_type":' * 50_000, b'{"message_type":"Leave","x":' + b"[" * 100_000, b"\xff",
     b'{"message_type":"Leave","message_body":{"room":"\xff"}}',
     b'{"message_type":"Leave","message_body":{"room":"\\ud800"}}'],
    ids=range(7),
)  # fmt: skip
def test_hostile_frames_are_refused(text: bytes) -> None:
    assert refusal(text).reason


@pytest.mark.parametrize(
    ("frame", "field", "says"),
    [
        ({}, "message_type", "message_type"),
        ({"message_body": {}}, "message_type", "Enter, Leave, GroupChat, PrivateChat"),
        ({"message_type": "Shout", "message_body": {}}, "message_type", "'Shout'"),
        ({"message_type": 7, "message_body": {}}, "message_type", "expected one of"),
        ({"message_type": "Enter"}, "message_body", "message_body"),
        ({"message_type": "Enter", "message_body": {}}, "message_body", "sender_username"),
        ({"message_type": "Enter", "message_body": {"sender_username": ""}}, "message_body.sender_username", ">= 1"),
        ({"message_type": "Enter", "message_body": {"sender_username": "x", "room": 1}}, "message_body.room", "str"),
        ({"message_type": "Enter", "message_body": {"sender_username": "x"}, "token": {}}, "token", "str"),
        ({"message_type": "GroupChat", "message_body": {"content": None}}, "message_body.content", "str"),
        ({"message_type": "PrivateChat", "message_body": {"content": "x"}}, "message_body", "target_username"),
    ],
)
def test_a_refusal_names_the_field_and_what_was_expected(frame: Any, field: str, says: str) -> None:
    bad = refusal(frame)
    assert bad.field == field
    assert says in bad.reason


@pytest.mark.parametrize("frame", ["[]", "null", "7", '"text"', "nonsense"])
def test_what_is_no_object_is_told_the_whole_shape(frame: str) -> None:
    assert "expected one JSON object with `message_type`" in refusal(frame.encode()).reason


def test_what_is_logged_holds_nothing_that_was_sent() -> None:
    assert "secret" not in refusal({"message_type": "secret", "message_body": {}}).logged
    assert "secret" not in refusal({"message_type": "Enter", "message_body": {"secret": 1}, "token": 1}).logged
    assert "secret" not in refusal(b'{"message_type": "secret').logged


def test_unknown_keys_are_ignored() -> None:
    frame = {"message_type": "Enter", "message_body": {"sender_username": "zoe", "colour": "red"}, "version": 2}
    assert decode(json.dumps(frame).encode()) == Enter(message_body=EnterBody(sender_username="zoe"))


def test_leave_needs_no_body() -> None:
    assert decode(b'{"message_type": "Leave"}') == Leave()


def test_times_are_iso_8601_in_utc() -> None:
    assert iso_time(1_700_000_000.123456) == "2023-11-14T22:13:20.123Z"
    assert iso_time(0) == "1970-01-01T00:00:00.000Z"


def test_absent_fields_are_left_out() -> None:
    body = frames.EnteredBody(sender_username="zoe", room="general")
    assert json.loads(frames.frame_of(frames.Entered(message_body=body)).payload) == {
        "message_type": "Enter",
        "message_body": {"sender_username": "zoe", "room": "general"},
    }


# --- docs/rooms.md

PAGE = (Path(__file__).parents[2] / "docs" / "rooms.md").read_text("utf-8")
EXAMPLES = re.findall(r"^(You send|You are told):\n\n```json\n(.*?)\n```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("who", "example"), EXAMPLES)
def test_examples_of_the_page_are_frames(who: str, example: str) -> None:
    if who == "You send":
        read = msgspec.json.encode(decode(example.encode()))
        assert json.loads(example)["message_body"].items() <= json.loads(read)["message_body"].items(), "unknown keys"
    else:
        sent = msgspec.json.decode(example, type=frames.Outbound)
        assert json.loads(msgspec.json.encode(sent)) == json.loads(example)


def test_the_page_has_an_example_of_each_frame_and_all_are_looked_at() -> None:
    assert len(EXAMPLES) == PAGE.count("```json")
    shown = {(who, json.loads(example)["message_type"]) for who, example in EXAMPLES}
    kinds = ("Enter", "Leave", "GroupChat", "PrivateChat")
    assert shown == {(who, kind) for who in ("You send", "You are told") for kind in kinds} | {
        ("You are told", "Error")
    }


def test_the_page_names_every_setting() -> None:
    assert set(re.findall(r"`rooms\.(\w+)`", PAGE)) >= set(Rooms.__struct_fields__)


def test_the_codes_of_the_page_exist() -> None:
    table = PAGE.partition("| `code` |")[2].partition("\n\n")[0]
    named = {code for row in table.splitlines() for code in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert named - {code.wire for code in Code} == {frames.Error.DISCONNECTED, frames.Error.SHUTDOWN}
