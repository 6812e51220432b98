"""The document of emojis: what the file may hold, and ids that are never given twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from db import counters, document_log
from db.document_format import DataError
from db.emojis import COUNTER, Emoji, Emojis, extension_of
from db.store import Store
from tests.db.conftest import group
from tests.db.files import Host, edit

PARTY = {"name": "Party", "fileName": "1.png"}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def opened(host: Host, content: Any) -> Emojis:
    host.path("emojis").write_text(json.dumps(content))
    host.start()
    return host.documents.emojis


def test_a_file_is_read_and_written_as_it_was(host: Host) -> None:
    emojis = opened(host, {"12": {**PARTY, "note": "x"}, "0": {"name": "old", "fileName": "0.jpeg"}})
    party = emojis.by_name("PARTY")
    assert party == Emoji(id="12", name="Party", file_name="1.png", extra={"note": "x"})
    assert emojis.by_file_name("0.jpeg") is emojis.get("0")
    emojis.put(Emoji(id=emojis.take_id(), name="new", file_name="13.gif"))
    host.commit()
    assert host.read("emojis") == {
        "12": {**PARTY, "note": "x"}, "0": {"name": "old", "fileName": "0.jpeg"},
        "13": {"name": "new", "fileName": "13.gif"},
    }  # fmt: skip
    assert host.path("emojis").name == "serverEmojis.json"


def test_a_missing_file_is_made(host: Host) -> None:
    host.start()
    assert host.read("emojis") == {}
    assert host.documents.emojis.take_id() == "1"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"x": PARTY}, "decimal number"),
        ({"007": PARTY}, "decimal number"),
        ({"1" * 16: PARTY}, "decimal number"),
        ({"1": {"fileName": "1.png"}}, "name"),
        ({"1": {"name": "a b", "fileName": "1.png"}}, "a b"),
        ({"1": {"name": "a"}}, "fileName"),
        ({"1": {"name": "a", "fileName": "../../users.json"}}, "bare name"),
        ({"1": {"name": "a", "fileName": "1.svg"}}, "bare name"),
        ({"1": PARTY, "2": {**PARTY, "name": "pARTY"}}, "occurs twice"),
    ],
)
def test_a_bad_record_is_named_with_its_line(host: Host, content: Any, expected: str) -> None:
    with pytest.raises(DataError, match=expected) as error:
        opened(host, content)
    assert error.value.line == 1


def test_a_broken_edit_changes_nothing(host: Host) -> None:
    emojis = opened(host, {"1": PARTY})
    edit(host.path("emojis"), lambda records: records["1"].update(fileName="/etc/passwd"))
    assert host.look() == []
    (problem,) = host.files.problems
    assert problem.line is not None
    assert "serverEmojis.json" in str(problem)
    assert emojis.get("1") == Emoji(id="1", name="Party", file_name="1.png")


def test_a_hand_edit_and_a_command_that_take_one_name_both_stay(host: Host) -> None:
    emojis = opened(host, {"1": PARTY})
    emojis.put(Emoji(id="2", name="new", file_name="2.png"))
    edit(host.path("emojis"), lambda records: records.update({"9": {"name": "NEW", "fileName": "9.png"}}))
    host.commit()
    assert {id_: record["name"] for id_, record in host.read("emojis").items()} == {
        "1": "Party",
        "9": "NEW",
        "2": "new_2",
    }
    assert {emoji.id: emoji.name for emoji in emojis} == {"1": "Party", "9": "NEW", "2": "new_2"}
    assert emojis.take_id() == "10"


def test_the_index_of_names_follows() -> None:
    emojis = Emojis([Emoji(id="1", name="A", file_name="1.png"), Emoji(id="2", name="b", file_name="2.png")])
    emojis.put(Emoji(id="1", name="c", file_name="1.png"))
    assert emojis.by_name("a") is None
    assert emojis.by_name("C") is emojis.get("1")
    emojis.remove("2")
    assert emojis.by_name("B") is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("1.png", "png"), ("a b.PNG", "png"), ("1.tar.gif", "gif"), ("é.webp", "webp"), ("x.jpeg", "jpeg"),
        ("1.svg", None), ("1.png.html", None), ("png", None), (".png", None), ("..png", None), ("a/b.png", None),
        ("a\\b.png", None), ("c:b.png", None), ("a\0.png", None), ("", None), ("x" * 300 + ".png", None),
    ],
)  # fmt: skip
def test_only_bare_names_of_pictures_have_an_extension(name: str, expected: str | None) -> None:
    assert extension_of(name) == expected


def test_a_counter_never_goes_back(store: Store) -> None:
    with group(store) as tx:
        assert counters.read(tx.connection, "x") == 0
        counters.raise_to(tx.connection, "x", 5)
        counters.raise_to(tx.connection, "x", 3)
        counters.raise_to(tx.connection, "y", 1)
    with group(store) as tx:
        assert (counters.read(tx.connection, "x"), counters.read(tx.connection, "y")) == (5, 1)


def test_the_counter_stays_above_every_id_whoever_gave_it(host: Host, store: Store) -> None:
    def save(announced: bool = True) -> int:
        with group(store) as tx:
            connection: Connection = tx.connection
            document_log.save(connection, host.files, announced)
        host.files.saved()
        with group(store) as tx:
            return counters.read(tx.connection, COUNTER)

    host.path("emojis").write_text(json.dumps({"4": PARTY}))
    host.start()
    host.files.apply([])
    with group(store) as tx:
        for file in host.files:
            file._merged.unsaved |= set(file.ours)
        document_log.save(tx.connection, host.files, True)
        assert counters.read(tx.connection, COUNTER) == 5
    edit(host.path("emojis"), lambda records: records.update({"70": {"name": "x", "fileName": "x.png"}}))
    host.documents.apply_external(host.files.look())
    assert save() == 71
    edit(host.path("emojis"), lambda records: records.pop("70"))
    host.documents.apply_external(host.files.look())
    assert save() == 71
