"""Frames that are not commands: what is wrong with each, named, and nothing else ever raised."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import protocol.all  # noqa: F401  (fills the table of commands)
from protocol.base import COMMANDS
from protocol.decode import MAX_DEPTH, BadPacket, decode
from protocol.errors import Code
from protocol.login import Ping, Resume
from protocol.messages import MessageNew


def bad(frame: bytes | str) -> BadPacket:
    with pytest.raises(BadPacket) as caught:
        decode(frame.encode() if isinstance(frame, str) else frame)
    return caught.value


def ping_with(value: str) -> bytes:
    """A field that no command has is ignored, but it has to be JSON."""
    return b'{"cmd":"ping","x":%b}' % value.encode()


def test_a_command_is_decoded_to_its_type() -> None:
    assert decode(b'{"cmd":"ping","listener":"l","new_field":[1]}') == Ping(listener="l")
    decoded = decode(b'{"cmd":"message_new","channel":"general","content":"h\\u00e4"}')
    assert isinstance(decoded, MessageNew)
    assert decoded.content == "hä"


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_example_is_decoded(name: str) -> None:
    spec = COMMANDS[name]
    assert type(decode(json.dumps(spec.example).encode())) is spec.command


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ("", "truncated"),
        (" ", "truncated"),
        ("not json", "malformed"),
        ("{", "truncated"),
        ('{"cmd":"ping"', "truncated"),
        ('{"cmd":"ping"}}', "trailing"),
        ('{"cmd":"ping"} {}', "trailing"),
        ("{'cmd':'ping'}", "malformed"),
        ('{"cmd":"ping",}', "malformed"),
        ('{"cmd":"ping" /* or pong */}', "malformed"),
        ("[1, 2]", "one JSON object"),
        ('[{"cmd":"ping"}]', "one JSON object"),
        ('"ping"', "one JSON object"),
        ("7", "one JSON object"),
        ("null", "one JSON object"),
        ("true", "one JSON object"),
        ("NaN", "malformed"),
        ("{}", "`cmd`"),
        ('{"cmd":7}', "`cmd`"),
        ('{"cmd":null}', "`cmd`"),
        ('{"cmd":["ping"]}', "`cmd`"),
        ('{"CMD":"ping"}', "`cmd`"),
    ],
)
def test_what_is_no_command_is_malformed(frame: str, says: str) -> None:
    error = bad(frame)
    assert error.code is Code.MALFORMED
    assert says in error.text
    assert error.cmd is None


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "nan", "01", "+1", "1.", ".5", "0x1", "1e", "--1"])
def test_numbers_that_json_does_not_have_are_malformed(value: str) -> None:
    assert bad(ping_with(value)).code is Code.MALFORMED
    assert bad(f'{{"cmd":"messages_get","channel":"general","limit":{value}}}').code is Code.MALFORMED


@pytest.mark.parametrize(
    "text",
    ['"\\ud800"', '"\\udc00"', '"\\ud800x"', '"\\ud800\\ud800"', '"\\ud83d\\u0041"', '"\\x41"', '"\\u12"', '"\n"'],
)
def test_lone_surrogates_and_broken_escapes_are_malformed(text: str) -> None:
    assert bad(f'{{"cmd":"message_new","channel":"general","content":{text}}}').code is Code.MALFORMED
    assert bad(f'{{"cmd":"ping","listener":{text}}}').code is Code.MALFORMED


def test_a_pair_of_surrogates_is_a_character() -> None:
    decoded = decode(b'{"cmd":"message_new","channel":"general","content":"\\ud83d\\ude00"}')
    assert isinstance(decoded, MessageNew)
    assert decoded.content == "\N{GRINNING FACE}"


@pytest.mark.parametrize("raw", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\xc0\xaf", b"\x80"])
def test_what_is_not_utf8_is_malformed(raw: bytes) -> None:
    assert bad(b'{"cmd":"message_new","channel":"general","content":"' + raw + b'"}').code is Code.MALFORMED
    assert bad(b'{"cmd":"ping' + raw + b'"}').code is Code.MALFORMED
    assert bad(raw).code is Code.MALFORMED


# --- depth


def nested(depth: int, kind: str = "mixed") -> str:
    """JSON of this depth, counted with the braces of the command around it."""
    opening, closing = "", ""
    for level in range(depth - 1):
        in_list = kind == "lists" or (kind == "mixed" and level % 2)
        opening += "[" if in_list else '{"a":'
        closing = ("]" if in_list else "}") + closing
    return f"{opening}1{closing}"


@pytest.mark.parametrize("kind", ["lists", "objects", "mixed"])
def test_64_levels_are_taken_and_65_are_not(kind: str) -> None:
    assert decode(ping_with(nested(MAX_DEPTH, kind))) == Ping()
    error = bad(ping_with(nested(MAX_DEPTH + 1, kind)))
    assert error.code is Code.MALFORMED
    assert "64" in error.text


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert decode(ping_with("[" + "[[[]]]," * 500 + "{}]")) == Ping()
    assert bad(ping_with("[" + "[]," * 500 + nested(MAX_DEPTH) + "]")).code is Code.MALFORMED


@pytest.mark.parametrize(
    "text", ["[" * 500, "{[" * 500, '\\"' + "[" * 500, "\\\\", "]" * 500 + "[" * 500, '\\"[\\\\\\"[']
)
def test_brackets_inside_texts_do_not_count(text: str) -> None:
    frame = f'{{"cmd":"message_new","channel":"general","content":"{text}","x":[{"[]," * 100}1]}}'
    decoded = decode(frame.encode())
    assert isinstance(decoded, MessageNew)
    assert decoded.content == json.loads(f'"{text}"')


def test_a_text_cannot_hide_the_depth_behind_it() -> None:
    deep = nested(MAX_DEPTH + 1)
    for text in ('"', '"\\\\"', '"\\""', '"\\\\\\""', '"[', '"]]]]"'):
        frame = (
            f'{{"cmd":"ping","t":{text if text.endswith(chr(34)) and len(text) > 1 else text + chr(34)},"x":{deep}}}'
        )
        assert bad(frame).code is Code.MALFORMED


@pytest.mark.parametrize("depth", [1_000, 100_000, 1_000_000])
def test_bottomless_nesting_breaks_nothing(depth: int) -> None:
    assert bad("[" * depth).code is Code.MALFORMED
    assert bad('{"cmd":' * depth).code is Code.MALFORMED


def test_hostile_text_takes_one_pass() -> None:
    """Escaped quotes without an end, behind enough brackets that the depth is looked at."""
    frame = b"[" * 65 + b'"' + b'\\"' * 500_000
    began = time.process_time()
    bad(frame)
    assert time.process_time() - began < 2, "a search that looks back would take hours"


# --- fields


@pytest.mark.parametrize(
    ("frame", "field"),
    [
        ({"cmd": "message_new", "channel": "general", "content": None}, "message_new.content"),
        ({"cmd": "message_new", "channel": ["general"], "content": "x"}, "message_new.channel"),
        ({"cmd": "messages_get", "channel": "general", "limit": "5"}, "messages_get.limit"),
        ({"cmd": "messages_get", "channel": "general", "limit": 2.5}, "messages_get.limit"),
        ({"cmd": "messages_get", "channel": "general", "limit": True}, "messages_get.limit"),
        ({"cmd": "resume", "session": "s", "after": -1}, "resume.after"),
        ({"cmd": "resume", "session": "s", "after": 2**53 + 1}, "resume.after"),
        ({"cmd": "resume", "session": "s", "after": 10**30}, "resume.after"),
        ({"cmd": "resume", "session": "", "after": 1}, "resume.session"),
        ({"cmd": "messages_around", "channel": "g", "around": "x", "bounds": {"above": -1}}, "bounds.above"),
        ({"cmd": "login", "username": "x" * 201, "password": "p"}, "login.username"),
    ],
)
def test_a_wrong_field_is_named(frame: dict[str, object], field: str) -> None:
    error = bad(json.dumps({**frame, "listener": "me"}))
    assert error.code is Code.BAD_VALUE
    assert field in error.text
    assert (error.cmd, error.listener) == (frame["cmd"], "me")


def test_a_missing_field_is_named() -> None:
    error = bad('{"cmd":"resume","session":"s"}')
    assert (error.code, error.cmd) == (Code.BAD_VALUE, "resume")
    assert "after" in error.text


@pytest.mark.parametrize("number", ["1e999", "9" * 400, "9" * 5_000, "-" + "9" * 400, "1e-999999"])
def test_huge_numbers_are_refused(number: str) -> None:
    assert bad(f'{{"cmd":"resume","session":"s","after":{number}}}').code in (Code.BAD_VALUE, Code.MALFORMED)


def test_numbers_up_to_2_to_the_53_are_taken() -> None:
    decoded = decode(b'{"cmd":"resume","session":"s","after":9007199254740992}')
    assert decoded == Resume(session="s", after=2**53)


@pytest.mark.parametrize("cmd", ["no_such", "__init__", "Ping", "ping ", "pong", "handshake", "x" * 5_000, "\u0000"])
def test_an_unknown_command_is_named_shortly(cmd: str) -> None:
    error = bad(json.dumps({"cmd": cmd, "listener": "me"}))
    assert error.code is Code.UNKNOWN_COMMAND
    assert error.text.startswith("Unknown command: ")
    assert error.cmd == cmd[:64]
    assert error.listener == "me"
    assert len(error.text) < 100


def test_two_different_cmds_are_refused() -> None:
    assert bad(b'{"cmd":"no_such","cmd":"ping"}').code is Code.BAD_VALUE
    assert bad(b'{"cmd":"resume","cmd":"ping","session":"s","after":1}').code is Code.BAD_VALUE
    assert bad(b'{"cmd":"ping","cmd":"no_such"}').code is Code.UNKNOWN_COMMAND


@pytest.mark.parametrize("listener", ["7", "null", "[]", '{"a":1}', "true"])
def test_a_listener_that_is_no_text_is_not_given_back(listener: str) -> None:
    error = bad(f'{{"cmd":"resume","listener":{listener}}}')
    assert error.listener is None


# --- whatever comes

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
FIELDS = sorted({field for spec in COMMANDS.values() for field in spec.example} | {"listener", "embeds", "bounds"})


def decodes_or_is_bad(frame: bytes) -> None:
    found: object
    try:
        found = decode(frame)
    except BadPacket as error:
        found = error
    if isinstance(found, BadPacket):
        assert found.text.encode()
        assert found.cmd is None or isinstance(found.cmd, str)
        assert found.listener is None or isinstance(found.listener, str)
    else:
        assert type(found) in {spec.command for spec in COMMANDS.values()}


@given(st.binary(max_size=200))
@example(b"\x00")
@example(b'"\\')
def test_any_bytes_are_a_command_or_bad(frame: bytes) -> None:
    decodes_or_is_bad(frame)


@given(st.text(alphabet='{}[]",:\\/u0d8ecmdping-.+ \n\x00é\U0001f600', max_size=120))
def test_anything_like_json_is_a_command_or_bad(text: str) -> None:
    decodes_or_is_bad(text.encode())
    decodes_or_is_bad(b'{"cmd":"ping","x":' + text.encode() + b"}")
    decodes_or_is_bad(b"[" * 70 + text.encode())


@given(st.sampled_from(sorted(COMMANDS)), st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5))
@settings(max_examples=300)
def test_any_fields_are_a_command_or_bad(cmd: str, fields: dict[str, object]) -> None:
    decodes_or_is_bad(json.dumps({**fields, "cmd": cmd}).encode())
    decodes_or_is_bad(
        json.dumps({**COMMANDS[cmd].example, **fields, "cmd": cmd}, ensure_ascii=False).encode("utf-8", "surrogatepass")
    )


@given(st.data(), st.sampled_from(sorted(COMMANDS)))
def test_a_damaged_command_is_a_command_or_bad(data: st.DataObject, cmd: str) -> None:
    frame = bytearray(json.dumps(COMMANDS[cmd].example).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(frame) - 1))
        frame[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not frame:
            break
    decodes_or_is_bad(bytes(frame))


@pytest.mark.parametrize(
    ("frame", "field", "says"),
    [
        ('{"cmd":"status_set","status":"gone"}', "status_set.status", "expected one of 'dnd', 'idle', 'invisible'"),
        (
            '{"cmd":"slash_register","commands":[{"name":"x","options":[{"name":"d","type":"date"}]}]}',
            "slash_register.commands[0].options[0].type",
            "expected one of 'bool', 'enum', 'float', 'int', 'str'",
        ),
        (
            '{"cmd":"slash_register","commands":[{"name":"a b"}]}',
            "slash_register.commands[0].name",
            "does not fit: 1 to 32 letters, digits, `-` and `_`",
        ),
        ('{"cmd":"emoji_add","name":"a b","image":""}', "emoji_add.name", "does not fit: 1 to 64 letters a-z"),
        ('{"cmd":"status_set","status":7}', "status_set.status", "Expected `str`"),
    ],
)
def test_a_wrong_value_is_answered_with_what_would_have_fitted(frame: str, field: str, says: str) -> None:
    refused = bad(frame)
    assert refused.fields["field"] == field
    assert says in refused.fields["reason"]
