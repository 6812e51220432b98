from __future__ import annotations

from typing import Any

import msgspec
import pytest

from db.channels import Channel, Channels
from db.documents import ORDER_KEY, Change, Documents, Order
from db.emojis import Emojis
from db.roles import Role, Roles
from db.users import Status, User, Users


def changed(record: Any, **fields: Any) -> Any:
    return msgspec.structs.replace(record, **fields)


@pytest.fixture
def documents() -> Documents:
    return Documents(
        Users([User(id="1", username="Ann", roles=("user",)), User(id="USR:local_bob", username="USR:local_bob")]),
        Roles([Role(name="user", id="r1", position=3), Role(name="owner", id="r0", position=0)]),
        Channels([Channel(id="c1", name="general"), Channel(id="c2", name="off-topic")]),
        Emojis(),
    )


def test_users_are_found_by_id_and_name_without_case(documents: Documents) -> None:
    users = documents.users
    ann, bob = users.get("1"), users.get("USR:local_bob")
    assert users.by_username("aNN") is ann
    assert users.find("1") is ann
    assert users.find("ANN") is ann
    assert users.find("usr:LOCAL_bob") is bob
    assert users.by_mention("Bob") is bob
    assert users.by_mention("ann") is ann
    assert users.find("nobody") is None
    assert users.username_of("1") == "Ann"
    assert users.username_of("some bridge") == "some bridge"
    assert users.with_role("user") == [ann]


def test_names_follow_renames_and_removals(documents: Documents) -> None:
    users = documents.users
    users.put(User(id="2", username="ann"))
    assert users.by_username("ann") == users.get("1")
    users.put(changed(users.get("1"), username="Anna"))
    assert users.by_username("ann") == users.get("2")
    users.remove("2")
    assert users.by_username("ann") is None
    assert users.by_username("ANNA") == users.get("1")


def test_roles_are_found_and_sorted(documents: Documents) -> None:
    roles = documents.roles
    assert roles.find("r1") is roles.find("user") is roles.get("user")
    assert [role.name for role in roles.by_position()] == ["owner", "user"]


def test_channels_are_iterated_in_the_order_of_display(documents: Documents) -> None:
    channels = documents.channels
    channels.put(Channel(id="c3", name="new"))
    assert [channel.id for channel in channels] == ["c1", "c2", "c3"]
    channels.move("c3", 0)
    assert [channel.id for channel in channels] == ["c3", "c1", "c2"]
    assert channels.position_of("c1") == 1
    channels.move("c3", 99)
    channels.remove("c1")
    assert [channel.id for channel in channels] == ["c2", "c3"]
    assert channels.by_name("general") is None


def test_a_channel_whose_name_was_taken_twice_is_found_again(documents: Documents) -> None:
    channels = documents.channels
    channels.put(Channel(id="c3", name="general"))
    channels.put(Channel(id="c3", name="general-2"))
    assert channels.by_name("general") == channels.get("c1")
    assert channels.by_name("general-2") == channels.get("c3")


def test_changes_are_collected_in_order_and_taken_once(documents: Documents) -> None:
    ann = documents.users.get("1")
    documents.users.put(changed(ann, nickname="A"))
    documents.roles.remove("user")
    documents.channels.move("c2", 0)
    documents.users.put(changed(ann, nickname="A"))
    assert documents.take_changes() == (
        Change("users", "1", ann, changed(ann, nickname="A")),
        Change("roles", "user", Role(name="user", id="r1", position=3), None),
        Change("channels", ORDER_KEY, Order(("c1", "c2")), Order(("c2", "c1"))),
    )
    assert documents.take_changes() == ()


def test_undo_restores_and_spares_what_changed_since(documents: Documents) -> None:
    before = (list(documents.users), list(documents.roles), list(documents.channels))
    documents.users.put(changed(documents.users.get("1"), nickname="A", pfp_url="u"))
    documents.users.put(User(id="3", username="new"))
    documents.users.remove("USR:local_bob")
    documents.channels.move("c2", 0)
    documents.roles.put(changed(documents.roles.get("user"), color="red"))
    documents.roles.put(changed(documents.roles.get("user"), color="blue"))
    taken = documents.take_changes()
    documents.undo(taken)
    assert sorted(documents.users, key=lambda u: u.id) == sorted(before[0], key=lambda u: u.id)
    assert (list(documents.roles), list(documents.channels)) == before[1:]
    assert documents.take_changes() == ()

    documents.users.put(changed(documents.users.get("1"), nickname="A", pfp_url="u"))
    failed = documents.take_changes()
    documents.users.put(changed(documents.users.get("1"), nickname="B"))
    documents.undo(failed)
    assert documents.users.get("1") == changed(before[0][0], nickname="B")


def test_lazy_changes_are_in_memory_at_once_and_collected_apart(documents: Documents) -> None:
    users = documents.users
    ann = users.get("1")
    users.put_lazily(changed(ann, last_seen=5.0))
    users.put_lazily(changed(users.get("1"), last_seen=6.0, status=Status("dnd", "busy")))
    assert documents.take_changes() == ()
    users.put(changed(users.get("1"), nickname="A"))
    (change,) = documents.take_changes()
    (lazy,) = documents.take_lazy()
    # Whatever the order in which they are written, both are complete and touch only what is theirs.
    assert (change.old.nickname, change.new.nickname, change.old.last_seen) == (None, "A", change.new.last_seen)
    assert (lazy.old.last_seen, lazy.new.last_seen, lazy.old.nickname) == (None, 6.0, lazy.new.nickname)
    assert documents.take_lazy() == ()


def test_a_command_that_overrides_a_lazy_change_is_not_overridden_by_it(documents: Documents) -> None:
    users = documents.users
    users.put_lazily(changed(users.get("1"), status=Status("dnd")))
    users.put(changed(users.get("1"), status=Status("idle")))
    users.put_lazily(changed(users.get("USR:local_bob"), last_seen=1.0))
    users.remove("USR:local_bob")
    assert documents.take_lazy() == ()


def test_hand_edits_are_merged_into_what_memory_holds_by_now(documents: Documents) -> None:
    ann = documents.users.get("1")
    documents.users.put(changed(ann, nickname="A"))
    documents.users.put_lazily(changed(documents.users.get("1"), last_seen=1.0))
    edits = [
        Change("users", "1", ann, changed(ann, roles=("user", "vip")), 1),
        Change("users", "9", None, User(id="9", username="nine"), 2),
        Change("roles", "ghost", Role(name="ghost", id="x"), Role(name="ghost", id="x", color="red"), 1),
        Change("channels", ORDER_KEY, Order(("c1", "c2")), Order(("c2", "c1")), 1),
    ]
    effective = documents.apply_external(edits)
    assert [(change.document, change.key) for change in effective] == [
        ("users", "1"), ("users", "9"), ("channels", ORDER_KEY),
    ]  # fmt: skip
    merged = changed(ann, nickname="A", last_seen=1.0, roles=("user", "vip"))
    assert documents.users.get("1") == merged == effective[0].new
    assert [channel.id for channel in documents.channels] == ["c2", "c1"]
    (lazy,) = documents.take_lazy()
    assert (lazy.old.roles, lazy.old.last_seen, lazy.new.last_seen) == (("user", "vip"), None, 1.0)
    documents.take_changes()
    documents.users.put(changed(merged, nickname="B"))
    assert [change.external for change in documents.take_changes()] == [2]


def test_the_hook_hears_of_every_change_of_memory(documents: Documents) -> None:
    heard: list[Change] = []
    documents.on_change = heard.append
    ann = documents.users.get("1")
    documents.users.put(changed(ann, nickname="A"))
    documents.users.put_lazily(changed(documents.users.get("1"), last_seen=1.0))
    documents.channels.move("c2", 0)
    documents.undo(documents.take_changes())
    documents.apply_external([Change("roles", "user", documents.roles.get("user"), None, 1)])
    assert [(change.document, change.key) for change in heard] == [
        ("users", "1"), ("users", "1"), ("channels", ORDER_KEY), ("channels", ORDER_KEY), ("users", "1"),
        ("roles", "user"),
    ]  # fmt: skip
