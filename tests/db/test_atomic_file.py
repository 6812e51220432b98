from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from db import atomic_file


@pytest.fixture(params=["swap", "rename"])
def path(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    if request.param == "rename":
        monkeypatch.setattr(atomic_file, "_renameat2", lambda: None)
    return tmp_path / "users.json"


def test_what_stood_there_is_handed_over(path: Path) -> None:
    path.write_bytes(b"old")
    mark, replaced = atomic_file.replace(path, b"new", exists=True)
    assert replaced is not None
    assert path.read_bytes() == b"new"
    assert atomic_file.fingerprint(path) == mark == atomic_file.read(path)[1]
    assert replaced.read() == b"old"
    assert not replaced.changed()
    replaced.close()
    assert os.listdir(path.parent) == ["users.json"]


def test_what_is_kept_aside_overwrites_nothing_that_was_kept_before(path: Path) -> None:
    contents = [b"one", b"two", b"three"]
    kept = [atomic_file.keep(path, content, "rejected") for content in contents]
    assert [name.read_bytes() for name in kept] == contents
    assert sorted(os.listdir(path.parent)) == sorted({name.name for name in kept})
    assert all(name.name.startswith("users.json.rejected-2") for name in kept)


def test_writing_into_a_replaced_file_shows(path: Path) -> None:
    path.write_bytes(b"old")
    with open(path, "r+b") as editor:
        _, replaced = atomic_file.replace(path, b"new", exists=True)
        assert replaced is not None
        replaced.drop_name()
        editor.write(b"edited")
        editor.flush()
        assert replaced.changed()
        assert replaced.read() == b"edited"
        assert not replaced.changed()
    replaced.close()


def test_it_can_be_put_back(path: Path) -> None:
    path.write_bytes(b"old")
    _, replaced = atomic_file.replace(path, b"new", exists=True)
    assert replaced is not None
    replaced.put_back()
    replaced.close()
    assert path.read_bytes() == b"old"
    assert os.listdir(path.parent) == ["users.json"]


def test_what_was_saved_meanwhile_is_not_put_away(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_bytes(b"old")
    _, replaced = atomic_file.replace(path, b"new", exists=True)
    assert replaced is not None
    newer = tmp_path / "newer"
    newer.write_bytes(b"newer")
    newer.replace(path)
    replaced.put_back()
    replaced.close()
    assert path.read_bytes() == b"newer"
    assert os.listdir(path.parent) == ["users.json"]


def test_a_new_file_is_for_the_owner_only(path: Path) -> None:
    _, replaced = atomic_file.replace(path, b"new", exists=False)
    assert replaced is None
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_just_moved_away_is_not_made_again(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic_file.replace(path, b"new", exists=True)
    assert os.listdir(path.parent) == []


def test_a_failure_leaves_everything_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path.write_bytes(b"old")

    def fail(*arguments: Any) -> None:
        raise OSError(5, "Input/output error")

    for name in ("exchange", "_fingerprint"):
        with monkeypatch.context() as patch:
            patch.setattr(atomic_file, name, fail)
            with pytest.raises(OSError, match="Input/output"):
                atomic_file.replace(path, b"new", exists=True)
        assert path.read_bytes() == b"old"
        assert os.listdir(path.parent) == ["users.json"]
