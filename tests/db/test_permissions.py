"""Permissions: every table of the protocol's permission rules, and properties that hold for all roles and rules."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.permissions import (
    ADMINISTRATOR,
    CHANNEL_KEYS,
    DEFAULT_RULES,
    EVERYDAY,
    NO_RANK,
    PERMISSIONS,
    Access,
    ChannelKey,
    decide,
    self_assignable,
)


class Member(msgspec.Struct, frozen=True):
    roles: tuple[str, ...]
    banned: bool = False
    id: str = ""


class Role(msgspec.Struct, frozen=True):
    name: str
    position: int
    permissions: tuple[str, ...] = ()


class Channel(msgspec.Struct, frozen=True):
    permissions: dict[str, tuple[str, ...]]
    members: tuple[str, ...] = ()
    id: str = "room"
    restricted: bool = False
    moderated: bool = False
    operators: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()


class Joined:
    """Memberships as pairs of channel id and user id."""

    def __init__(self, pairs: set[tuple[str, str]]) -> None:
        self.pairs = pairs

    def has(self, channel_id: str, user_id: str, /) -> bool:
        return (channel_id, user_id) in self.pairs


ROLES = {
    role.name: role
    for role in (
        Role("owner", 0, (ADMINISTRATOR,)),
        Role("admin", 1, (ADMINISTRATOR, "manage_roles")),
        Role("moderator", 2, ("manage_messages", "manage_users")),
        Role("vip", 3),
        Role("user", 4, tuple(sorted(EVERYDAY))),
    )
}
ACCESS = Access(ROLES)
OWNER, ADMIN, MODERATOR, VIP, USER, NOBODY = (
    Member(roles) for roles in (("owner",), ("admin",), ("moderator", "user"), ("vip",), ("user",), ())
)
EVERYBODY = (OWNER, ADMIN, MODERATOR, VIP, USER, NOBODY)

names = st.sampled_from([*ROLES, "ghost", "banned"])
members = st.builds(Member, st.lists(names, max_size=5, unique=True).map(tuple), st.booleans())
entries = st.builds(str.__add__, st.sampled_from(["", "!"]), names)
rules = st.lists(entries, max_size=6).map(tuple)
channels = st.builds(Channel, st.dictionaries(st.sampled_from(CHANNEL_KEYS), rules))
keys = st.sampled_from(CHANNEL_KEYS)


# --- server permissions


@pytest.mark.parametrize("permission", [*PERMISSIONS, "anything_else"])
def test_owner_and_administrator_hold_every_permission(permission: str) -> None:
    assert ACCESS.can(OWNER, permission)
    assert ACCESS.can(ADMIN, permission)
    assert not ACCESS.can(NOBODY, permission)
    assert ACCESS.can(MODERATOR, permission) == (permission in {"manage_messages", "manage_users"} | EVERYDAY)
    assert ACCESS.can(USER, permission) == (permission in EVERYDAY)


def test_unknown_roles_grant_nothing_and_the_owner_needs_no_record() -> None:
    assert not Access({}).can(Member(("admin", "moderator")), "manage_messages")
    assert Access({}).can(OWNER, "manage_messages")


@pytest.mark.parametrize("member", EVERYBODY)
def test_a_banned_member_passes_nothing(member: Member) -> None:
    banned = Member(member.roles, banned=True)
    open_channel = Channel(dict.fromkeys(CHANNEL_KEYS, tuple(ROLES)))
    assert not any(ACCESS.can(banned, permission) for permission in PERMISSIONS)
    assert not any(ACCESS.may(banned, open_channel, key) for key in CHANNEL_KEYS)
    assert not any(ACCESS.outranks(banned, other) for other in EVERYBODY)
    assert not any(ACCESS.may_manage(banned, role) for role in ROLES.values())
    assert not ACCESS.is_owner(banned)


# --- channel rules


@pytest.mark.parametrize("key", CHANNEL_KEYS)
@pytest.mark.parametrize(
    ("rule", "roles", "passes"),
    [
        (("user",), ("user",), True),
        (("user",), ("vip",), False),
        (("user",), ("vip", "user"), True),
        (("user", "!vip"), ("user", "vip"), True),
        (("user", "!vip"), ("vip", "user"), False),
        (("!vip",), ("vip",), False),
        (("!vip",), ("user",), False),
        (("!user", "user"), ("user",), False),
        (("ghost",), ("ghost",), True),
        ((), ("user",), False),
        (("user",), (), False),
        (("!owner",), ("owner",), True),
        (("!admin",), ("admin",), True),
        (("!user",), ("user", "admin"), True),
    ],
)
def test_the_first_role_that_a_rule_names_decides(
    key: ChannelKey, rule: tuple[str, ...], roles: tuple[str, ...], passes: bool
) -> None:
    assert ACCESS.may(Member(roles), Channel({key: rule}), key) is passes


@pytest.mark.parametrize("permissions", [{}, {"connect": ("user",)}], ids=["empty", "other keys only"])
@pytest.mark.parametrize("key", CHANNEL_KEYS)
def test_a_missing_key_means_the_documented_default(key: ChannelKey, permissions: dict[str, tuple[str, ...]]) -> None:
    channel = Channel(permissions)
    allowed = {member for member in EVERYBODY if ACCESS.may(member, channel, key)}
    own = {MODERATOR, USER} if key in ("delete_own", "edit_own", "react") else set()
    assert allowed == {OWNER, ADMIN} | own


def test_every_key_has_a_default() -> None:
    assert tuple(DEFAULT_RULES) == CHANNEL_KEYS


def test_every_combination_of_two_roles_and_two_rules() -> None:
    pool = ("user", "vip")
    for roles in [(), *itertools.permutations(pool, 1), *itertools.permutations(pool, 2)]:
        for rule in itertools.product(*(("", name, f"!{name}") for name in pool)):
            named = [role for role in roles if {role, f"!{role}"} & set(rule)]
            expected = bool(named) and named[0] in rule
            assert decide(rule, roles) is expected, (rule, roles)


@given(members, channels, keys)
def test_the_order_within_a_rule_never_matters(member: Member, channel: Channel, key: ChannelKey) -> None:
    turned = Channel({name: rule[::-1] for name, rule in channel.permissions.items()})
    assert ACCESS.may(member, channel, key) == ACCESS.may(member, turned, key)


@given(members, channels, keys)
def test_a_rule_of_another_key_never_matters(member: Member, channel: Channel, key: ChannelKey) -> None:
    alone = Channel({name: rule for name, rule in channel.permissions.items() if name == key})
    assert ACCESS.may(member, channel, key) == ACCESS.may(member, alone, key)


@given(members, channels, keys, names)
def test_a_denial_never_lets_anybody_in(member: Member, channel: Channel, key: ChannelKey, name: str) -> None:
    rule = channel.permissions.get(key, DEFAULT_RULES[key])
    denied = Channel({**channel.permissions, key: (*rule, f"!{name}")})
    assert ACCESS.may(member, channel, key) or not ACCESS.may(member, denied, key)


@given(members, channels, keys, names)
def test_a_role_at_the_end_takes_nothing_away(member: Member, channel: Channel, key: ChannelKey, name: str) -> None:
    richer = Member((*member.roles, name), member.banned)
    assert not ACCESS.may(member, channel, key) or ACCESS.may(richer, channel, key)


# --- hierarchy


def test_rank_is_the_lowest_position_of_existing_roles() -> None:
    assert ACCESS.rank(Member(("user", "moderator", "ghost"))) == 2
    assert ACCESS.rank(Member(("ghost",))) == NO_RANK
    assert ACCESS.rank(NOBODY) == NO_RANK


def test_only_the_more_powerful_acts_on_somebody() -> None:
    outranked = {(a.roles, b.roles) for a in EVERYBODY for b in EVERYBODY if ACCESS.outranks(a, b)}
    order = [ADMIN, MODERATOR, VIP, USER, NOBODY]
    expected = {(a.roles, b.roles) for i, a in enumerate(order) for b in order[i + 1 :]}
    assert outranked == expected | {(OWNER.roles, member.roles) for member in EVERYBODY}


def test_an_owner_is_above_a_role_that_was_put_on_top_by_hand() -> None:
    access = Access({**ROLES, "top": Role("top", -1, (ADMINISTRATOR,))})
    assert access.outranks(OWNER, Member(("top",)))
    assert not access.outranks(Member(("top",)), OWNER)
    assert not access.may_manage(Member(("top",)), ROLES["admin"])
    assert access.may_manage(OWNER, Role("top", -1))


@given(members, members)
def test_nobody_but_owners_act_on_each_other(one: Member, other: Member) -> None:
    if ACCESS.outranks(one, other) and ACCESS.outranks(other, one):
        assert "owner" in one.roles
        assert "owner" in other.roles


def test_roles_at_or_above_the_own_rank_are_out_of_reach() -> None:
    managed = {member.roles: {n for n, r in ROLES.items() if ACCESS.may_manage(member, r)} for member in EVERYBODY}
    assert managed == {
        OWNER.roles: set(ROLES),
        ADMIN.roles: {"moderator", "vip", "user"},
        MODERATOR.roles: {"vip", "user"},
        VIP.roles: {"user"},
        USER.roles: set(),
        NOBODY.roles: set(),
    }


def test_nobody_passes_on_more_than_it_holds() -> None:
    assert ACCESS.above(MODERATOR, ("manage_users", "manage_roles", "send_messages", "x")) == ["manage_roles", "x"]
    assert ACCESS.above(ADMIN, ("manage_roles", ADMINISTRATOR)) == []
    assert not ACCESS.may_grant(MODERATOR, Role("helper", 9, ("manage_roles",)))
    assert ACCESS.may_grant(MODERATOR, Role("helper", 9, ("manage_users", "speak")))
    assert not ACCESS.may_grant(MODERATOR, Role("helper", 2, ()))


@given(members, st.builds(Role, names, st.integers(-1, 9), st.lists(st.sampled_from(PERMISSIONS)).map(tuple)))
def test_a_grant_never_gives_the_receiver_power_that_the_giver_lacks(giver: Member, role: Role) -> None:
    if ACCESS.may_grant(giver, role):
        assert "owner" in giver.roles or ACCESS.rank(giver) < role.position
        assert all(ACCESS.can(giver, name) for name in role.permissions if name not in EVERYDAY)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role("gamer", 5), True),
        (Role("verified", 5, ("send_messages",)), True),
        (Role("helper", 5, ("manage_messages",)), False),
        (Role("boss", 5, (ADMINISTRATOR,)), False),
        (Role("owner", 5), False),
        (Role("admin", 5), False),
        (Role("moderator", 5), False),
    ],
)
def test_only_harmless_roles_may_be_self_assignable(role: Role, allowed: bool) -> None:
    assert self_assignable(role) is allowed


# --- direct channels


@pytest.mark.parametrize("key", CHANNEL_KEYS)
@pytest.mark.parametrize("roles", [member.roles for member in EVERYBODY], ids=lambda roles: "-".join(roles) or "none")
def test_only_its_members_pass_anything_in_a_direct_channel(key: ChannelKey, roles: tuple[str, ...]) -> None:
    open_to_all: dict[str, tuple[str, ...]] = dict.fromkeys(CHANNEL_KEYS, tuple(ROLES))
    for direct in (Channel({}, members=("ann", "ben")), Channel(open_to_all, members=("ann", "ben"))):
        ordinary = key in ("view", "send", "react", "edit_own", "delete_own", "pin")
        assert ACCESS.may(Member(roles, id="ann"), direct, key) is ordinary
        assert ACCESS.may(Member(roles, id="ben"), direct, key) is ordinary
        assert not ACCESS.may(Member(roles, id="cyd"), direct, key)
        assert not ACCESS.may(Member(roles, banned=True, id="ann"), direct, key)


# --- modes


KINDS = ("outsider", "member", "voice", "operator")
RULES_OF_A_USER = {"passes": ("user",), "is named by nothing": ("vip",), "is denied": ("!user", "vip")}


def cases() -> Iterator[tuple[str, str, str, ChannelKey, bool, bool, bool]]:
    """Every kind of user with every rule, key, mode, in and out of the channel."""
    yield from itertools.product(
        ("user", "admin", "owner", "banned"), KINDS, RULES_OF_A_USER, CHANNEL_KEYS, *((False, True),) * 3
    )


def test_modes_narrow_what_the_rules_allow_and_operators_pass_everything() -> None:
    for who, kind, rule, key, restricted, moderated, joined in cases():
        roles = ("user",) if who == "banned" else (who, "user")
        member = Member(roles, banned=who == "banned", id="m")
        channel = Channel(
            dict.fromkeys(CHANNEL_KEYS, RULES_OF_A_USER[rule]),
            restricted=restricted,
            moderated=moderated,
            operators=("m",) if kind == "operator" else ("somebody",),
            voices=("m",) if kind == "voice" else ("somebody",),
        )
        memberships = {("room", "m")} if joined else {("hall", "m"), ("room", "n")}
        found = Access(ROLES, Joined(memberships)).may(member, channel, key)
        case = (who, kind, rule, key, restricted, moderated, joined)
        if who == "banned":
            assert not found, case
        elif who in ("admin", "owner") or kind == "operator":
            assert found, case
        else:
            inside = joined or not restricted
            heard = kind == "voice" or not moderated or key not in ("send", "edit_own", "create_thread")
            assert found is (rule == "passes" and inside and heard), case
        for as_if in (True, False):
            at_that = Access(ROLES, Joined({("room", "m")} if as_if else set())).may(member, channel, key)
            assert Access(ROLES, Joined(memberships)).may(member, channel, key, joined=as_if) is at_that, case


def test_operators_and_who_manages_channels_are_in_charge() -> None:
    access = Access({**ROLES, "warden": Role("warden", 2, ("manage_channels",))})
    channel = Channel({}, operators=("op",), voices=("vo",))
    in_charge = [Member((), id="op"), Member(("warden",), id="w"), OWNER, ADMIN]
    assert all(access.is_in_charge(member, channel) for member in in_charge)
    assert not any(access.is_in_charge(member, channel) for member in (Member((), id="vo"), USER, MODERATOR))
    assert not any(access.is_in_charge(msgspec.structs.replace(m, banned=True), channel) for m in in_charge)
