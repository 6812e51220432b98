"""What a slash call carries fits the options of its command, whatever people send."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.slash_arguments import checked_arguments
from protocol.errors import Code, Refused
from protocol.slash_commands import SlashOption

NAMES = st.sampled_from(["a", "b", "c", "d"])
TYPES = st.sampled_from(["str", "int", "float", "bool", "enum"])
OPTIONS = st.lists(
    st.builds(SlashOption, name=NAMES, type=TYPES, required=st.booleans(), choices=st.just(["x", "1"])),
    unique_by=lambda option: option.name,
)
VALUES = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-5, 5) | st.sampled_from(["x", "1", "", "true"])
PYTHON: dict[str, tuple[type, ...]] = {
    "str": (str,), "int": (int,), "float": (int, float), "bool": (bool,), "enum": (str,),
}  # fmt: skip


@given(OPTIONS, st.dictionaries(NAMES, VALUES))
def test_arguments_that_pass_are_known_complete_and_typed(options: list[SlashOption], args: dict[str, Any]) -> None:
    given_names = {name for name, value in args.items() if value is not None}
    try:
        checked = checked_arguments(options, args)
    except Refused:
        return
    assert set(checked) == given_names
    assert set(args) <= {option.name for option in options}
    for option in options:
        assert option.name in checked or not option.required
        if option.name in checked:
            value = checked[option.name]
            assert type(value) in PYTHON[option.type], "true is no number"
            assert value == args[option.name]
            assert option.type != "enum" or value in ("x", "1")


@given(OPTIONS)
def test_arguments_of_the_right_types_always_pass(options: list[SlashOption]) -> None:
    good: dict[str, Any] = {"str": "text", "int": -3, "float": 2.5, "bool": False, "enum": "x"}
    args = {option.name: good[option.type] for option in options}
    assert checked_arguments(options, args) == args


def test_whole_numbers_may_be_written_with_a_point() -> None:
    option = SlashOption(name="n", type="int")
    value = checked_arguments([option], {"n": 3.0})["n"]
    assert (value, type(value)) == (3, int)
    for bad in (3.5, 1e300, math.inf):
        with pytest.raises(Refused) as caught:
            checked_arguments([option], {"n": bad})
        assert (caught.value.code, caught.value.fields["field"]) == (Code.BAD_VALUE, "slash_call.args.n")
