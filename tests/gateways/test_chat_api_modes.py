"""Modes as they are written, pure."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.channels import Channel
from gateways.chat_api.modes import BadModes, Change, changes_of, commands_of, modes_of, parse, text_of
from gateways.chat_api.types import MAX_CHANGES
from protocol.channel_members import ChannelMemberSet, ChannelModes, ChannelModesSet

words = st.text(st.characters(categories=("L", "N"), include_characters="-_#+"), min_size=1, max_size=20)
changes = st.one_of(
    st.builds(Change, st.booleans(), st.sampled_from("imnst")),
    st.builds(Change, st.booleans(), st.sampled_from("ov"), words),
    st.builds(Change, st.just(True), st.just("k"), words),
    st.builds(Change, st.just(False), st.just("k")),
)
lists = st.lists(changes, min_size=1, max_size=MAX_CHANGES)


@given(lists)
def test_what_is_written_is_read_again(made: list[Change]) -> None:
    assert parse(text_of(made)) == made


@given(lists)
def test_arguments_may_stand_apart_from_the_letters(made: list[Change]) -> None:
    letters, *arguments = text_of(made).split(" ")
    assert parse(letters, arguments) == made


@given(st.text(max_size=40), st.lists(st.text(max_size=5), max_size=4))
def test_any_text_is_read_or_refused(text: str, arguments: list[str]) -> None:
    with contextlib.suppress(BadModes):
        assert 1 <= len(parse(text, arguments)) <= MAX_CHANGES


@pytest.mark.parametrize(
    ("text", "arguments", "field"),
    [
        ("", [], "modes"),
        ("i", [], "modes"),
        ("+", [], "modes"),
        ("+x", [], "modes"),
        ("+o", [], "args"),
        ("+k", [], "args"),
        ("+i", ["anna"], "args"),
        ("-k", ["key"], "args"),
        ("+k", ["x" * 65], "args"),
        ("+" + "i" * (MAX_CHANGES + 1), [], "modes"),
    ],
)
def test_refused(text: str, arguments: list[str], field: str) -> None:
    with pytest.raises(BadModes) as refused:
        parse(text, arguments)
    assert refused.value.field == field


def test_commands_are_one_for_the_channel_and_one_for_each_user() -> None:
    made = parse("+it-n+k-o+v-v secret anna ben anna")
    assert commands_of("general", made, str.upper) == [
        ChannelModesSet(channel="general", invite_only=True, topic_locked=True, members_only=False, key="secret"),
        ChannelMemberSet(channel="general", user="ANNA", operator=False, voice=False),
        ChannelMemberSet(channel="general", user="BEN", voice=True),
    ]


def test_removing_a_key_needs_no_argument() -> None:
    assert commands_of("general", parse("-k"), str) == [ChannelModesSet(channel="general", key=None)]


def test_modes_of_a_channel_do_not_tell_the_key() -> None:
    assert modes_of(Channel(id="1", name="a")) == ""
    channel = Channel(id="1", name="a", key="secret", topic_locked=True, members_only=True)
    assert modes_of(channel) == "+ntk"


def test_modes_of_an_event() -> None:
    told = ChannelModes(invite_only=False, secret=True, key=False)
    assert text_of(changes_of(told)) == "+s-ik"
