"""The table of refusals."""

from __future__ import annotations

from protocol.errors import Code


def test_no_two_codes_have_the_same_text() -> None:
    """Members of an Enum with equal values are one member: the second name would silently be the first."""
    aliases = {name: code.name for name, code in Code.__members__.items() if name != code.name}
    assert aliases == {}
