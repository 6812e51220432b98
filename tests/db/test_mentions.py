from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.mentions import MAX_NAME, Canonical, Mentions, find_mentions, rename_mentions

USERS = {"bob", "bobby", "USR:local_bob", "USR:local_bob-x", "Ann.Other", "Jürgen", "two words"}
ROLES = {"mods", "Mods of all", "user"}


def user(name: str) -> str | None:
    return next((known for known in USERS if known.casefold() == name.casefold()), None)


def role(name: str) -> str | None:
    return name if name in ROLES else None


@pytest.mark.parametrize(
    ("text", "users", "roles"),
    [
        ("nobody here", (), ()),
        ("@bob", ("bob",), ()),
        ("@BOB!", ("bob",), ()),
        ("hi @bob, hi @bobby and @bob again", ("bob", "bobby"), ()),
        ("@bobb", ("bobb",), ()),
        ("@USR:local_bob-x: look", ("USR:local_bob-x",), ()),
        ("@usr:local_bob-y", ("USR:local_bob",), ()),
        ("@USR:local_ghost", ("USR",), ()),
        ("(@Ann.Other).", ("Ann.Other",), ()),
        ("@jÜrgen", ("Jürgen",), ()),
        ("@two words and more", ("two words",), ()),
        ("mail me at x@bob.example", ("bob",), ()),
        ("@&mods @&Mods @&user", (), ("mods", "Mods", "user")),
        ("@&Mods of all, please", (), ("Mods of all",)),
        ("&@bob @ bob @, @@bob", ("bob",), ()),
        ("@\nbob", (), ()),
    ],
)
def test_mentions(text: str, users: tuple[str, ...], roles: tuple[str, ...]) -> None:
    assert find_mentions(text, user, role) == Mentions(users, roles)


@pytest.mark.parametrize(
    ("text", "renamed"),
    [
        ("nobody here", "nobody here"),
        ("@BOB, @bobby! @bobb", "@<bob>, @<bobby>! @bobb"),
        ("@USR:local_bob-x: @two words, @ghost", "@<USR:local_bob-x>: @<two words>, @ghost"),
        ("@&mods and &@bob", "@<mods> and &@bob"),
    ],
)
def test_mentions_get_other_names(text: str, renamed: str) -> None:
    def called(known: Canonical) -> Canonical:
        return lambda name: f"<{found}>" if (found := known(name)) else None

    assert rename_mentions(text, called(user), called(role)) == renamed


names = st.text(string.ascii_letters + string.digits + "_-:.é ", min_size=1, max_size=MAX_NAME).filter(
    lambda name: name == name.strip()
)


@given(known=names, before=st.text(max_size=20), after=st.sampled_from(["", " hello", ", you", "! @", "\nnext"]))
def test_a_known_name_is_always_found(known: str, before: str, after: str) -> None:
    text = f"{before.replace('@', '')} @{known.swapcase()}{after}"
    found = find_mentions(text, lambda name: known if name.casefold() == known.swapcase().casefold() else None, role)
    assert found.users == (known,)


@given(st.text(st.sampled_from("@&bob_y:-x USRlocal\né"), max_size=80))
def test_what_is_found_stands_in_the_text(text: str) -> None:
    found = find_mentions(text, user, role)
    for name in found.users:
        assert f"@{name.casefold()}" in text.casefold()
    for name in found.roles:
        assert f"@&{name}" in text
    assert len(set(found.users)) == len(found.users)


@given(st.text(st.sampled_from("@&bob_y \n"), max_size=80))
def test_with_nobody_known_words_stay_as_typed(text: str) -> None:
    import re

    found = find_mentions(text, lambda name: None, lambda name: None)
    assert list(found.users) == list(dict.fromkeys(re.findall(r"(?<!&)@([A-Za-z0-9_]+)", text)))
    assert list(found.roles) == list(dict.fromkeys(re.findall(r"@&([A-Za-z0-9_]+)", text)))
