from __future__ import annotations

from db.store import Store
from tests.db.conftest import fill, group, ids_of


def test_positions_over_many_stretches(store: Store) -> None:
    ids = fill(store, 3000)
    gone = set(ids[::3]) | set(ids[1024:2048]) | {ids[-1]}
    left = [id_ for id_ in ids if id_ not in gone]
    with group(store) as tx:
        for id_ in gone:
            tx.messages.delete("general", id_)
    with group(store) as tx:
        for position in range(0, len(left), 37):
            page = tx.messages.around("general", left[position], 0, 0)
            assert page is not None
            assert (ids_of(page[0]), page[1]) == ([left[position]], position)
            assert ids_of(tx.messages.newest("general", 1, len(left) - 1 - position)) == [left[position]]
