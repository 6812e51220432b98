from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from db.directs import Direct, Directs, bare_id, ordered
from db.store import Store
from tests.db.conftest import Disk, group

ANN_BEN = Direct(id="0190-d1", members=("ann", "ben"), created_at=1.0)
ANN_CYD = Direct(id="0190-d2", members=("ann", "cyd"), created_at=2.0)


def test_directs_are_there_after_a_restart(disk: Disk) -> None:
    with group(disk.open()) as tx:
        tx.directs.add(ANN_CYD)
        tx.directs.add(ANN_BEN)
    directs = disk.open().directs
    assert list(directs) == [ANN_BEN, ANN_CYD]
    assert len(directs) == 2
    assert directs.of_user("ann") == (ANN_BEN, ANN_CYD)
    assert directs.of_user("ben") == (ANN_BEN,)
    assert directs.of_user("dan") == ()


def test_a_direct_channel_is_found_by_id_by_name_and_by_its_members(store: Store) -> None:
    directs = Directs([ANN_BEN, ANN_CYD])
    assert ANN_BEN.name == "dm-0190d1"
    assert directs.get("0190-d1") == directs.by_name("dm-0190d1") == ANN_BEN
    assert directs.get("dm-0190d1") is directs.by_name("0190-d1") is None
    assert directs.between("ben", "ann") == directs.between("ann", "ben") == ANN_BEN
    assert directs.between("ben", "cyd") is None
    with group(store) as tx:
        tx.directs.add(ANN_BEN)
        assert tx.directs.get("0190-d1") == ANN_BEN
        assert tx.directs.get("0190-d2") is None
        assert tx.directs.between("ben", "ann") == ANN_BEN
        assert tx.directs.between("ben", "cyd") is None


def test_there_is_one_for_each_pair(store: Store) -> None:
    with pytest.raises(IntegrityError), group(store) as tx:  # noqa: PT012
        tx.directs.add(ANN_BEN)
        tx.directs.add(Direct(id="d3", members=("ann", "ben"), created_at=3.0))
    tx = store.begin()
    assert tx.directs.all() == []
    tx.rollback()


def test_members_are_kept_in_one_order_and_know_each_other() -> None:
    assert ordered("b", "a") == ordered("a", "b") == ("a", "b")
    assert ANN_BEN.other("ann") == "ben"
    assert ANN_BEN.other("ben") == "ann"


def test_who_has_a_freed_user_id_sees_none_of_the_channels_so_far(disk: Disk) -> None:
    with group(disk.open()) as tx:
        tx.directs.add(ANN_BEN)
        tx.directs.add(ANN_CYD)
        tx.directs.add(Direct(id="d3", members=("ben", "cyd"), created_at=3.0))
    store = disk.open()
    with group(store) as tx:
        changed = tx.directs.retire("ann")
        assert tx.directs.retire("ann") == []
    for direct in changed:
        store.directs.put(direct)
    for directs in (store.directs, disk.open().directs):
        assert directs.of_user("ann") == ()
        assert directs.between("ann", "ben") is None
        assert {direct.id for direct in directs.of_user("ben")} == {"0190-d1", "d3"}
        former = directs.get("0190-d1")
        assert former is not None
        assert bare_id(former.other("ben")) == "ann"
        assert bare_id("ann") == "ann"
    with group(disk.open()) as tx:
        tx.directs.add(Direct(id="d4", members=("ann", "ben"), created_at=4.0))
        assert [direct.id for direct in tx.directs.retire("ann")] == ["d4"]
