from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from db.file_store import FileStore

HELLO = hashlib.sha256(b"hello").hexdigest()


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    files = FileStore(tmp_path / "files")
    files.open()
    return files


def put(files: FileStore, data: bytes) -> str:
    incoming = files.incoming()
    incoming.write(data)
    return files.place(incoming)


def drop(files: FileStore, hash: str) -> None:
    files.remove(files.condemn([hash]))


def all_files(files: FileStore) -> list[Path]:
    return [path for path in files.folder.rglob("*") if path.is_file()]


def test_bytes_lie_under_their_hash_and_equal_ones_once(files: FileStore) -> None:
    assert put(files, b"hello") == put(files, b"hello") == HELLO
    assert all_files(files) == [files.folder / HELLO[:2] / HELLO] == [files.path(HELLO)]
    assert files.path(HELLO).read_bytes() == b"hello"
    assert files.hashes(HELLO[:2]) == [HELLO]
    assert files.hashes("00") == []
    assert files.free_bytes() > 0
    assert [path.stat().st_mode & 0o777 for path in (files.path(HELLO), files.path(HELLO).parent)] == [0o600, 0o700]


def test_a_file_goes_in_two_steps(files: FileStore) -> None:
    hash = put(files, b"hello")
    assert files.condemn([hash]) == {}, "its upload is under way"
    files.release(hash)
    condemned = files.condemn([hash])
    files.spare(condemned)
    files.remove(condemned)
    assert files.path(hash).exists(), "a record was found that needs it"
    condemned = files.condemn([hash])
    files.remove(condemned)
    files.remove(condemned)
    assert all_files(files) == []


def test_a_file_is_not_removed_that_is_uploaded_again_meanwhile(files: FileStore) -> None:
    hash = put(files, b"hello")
    files.release(hash)
    condemned = files.condemn([hash])
    put(files, b"hello")
    files.release(hash)
    files.remove(condemned)
    assert files.path(hash).read_bytes() == b"hello"


def test_a_file_is_not_removed_by_whoever_condemned_it_before_it_was_uploaded_again(files: FileStore) -> None:
    hash = put(files, b"hello")
    files.release(hash)
    before = files.condemn([hash])
    put(files, b"hello")
    files.release(hash)
    again = files.condemn([hash])
    files.remove(before)
    files.spare(before)
    assert files.path(hash).read_bytes() == b"hello"
    files.remove(again)
    assert all_files(files) == []


def test_uploads_and_removals_of_the_same_bytes_at_once_lose_nothing(files: FileStore) -> None:
    """What was placed is there until it is released, whoever removes equal bytes at the same time."""
    failures: list[str] = []
    done = threading.Event()

    def upload() -> None:
        for _ in range(150):
            hash = put(files, b"hello")
            if files.path(hash).read_bytes() != b"hello":
                failures.append("changed")
            files.release(hash)

    def remove() -> None:
        while not done.is_set():
            drop(files, HELLO)

    def guarded(work: object) -> None:
        try:
            work()  # type: ignore[operator]
        except Exception as error:
            failures.append(repr(error))

    uploads = [threading.Thread(target=guarded, args=(upload,)) for _ in range(3)]
    removal = threading.Thread(target=guarded, args=(remove,))
    for thread in (*uploads, removal):
        thread.start()
    for thread in uploads:
        thread.join()
    done.set()
    removal.join()
    assert failures == []


def test_what_an_interrupted_upload_left_goes_at_the_next_start(files: FileStore) -> None:
    kept = put(files, b"hello")
    incoming = files.incoming()
    incoming.write(b"half")
    FileStore(files.folder).open()
    assert all_files(files) == [files.path(kept)]
    incoming.discard()


def test_a_discarded_upload_leaves_nothing_and_takes_nothing_more(files: FileStore) -> None:
    incoming = files.incoming()
    incoming.write(b"half")
    incoming.discard()
    incoming.discard()
    with pytest.raises(OSError, match="discarded"):
        incoming.write(b"more")
    assert all_files(files) == []


@pytest.mark.parametrize("name", ["", "..", "../../etc/passwd", "a" * 63, "A" * 64, "a" * 64 + "\n", "\0"])
def test_only_hashes_are_names(files: FileStore, name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        files.path(name)


def test_an_upload_that_cannot_be_kept_claims_nothing(files: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(FileStore, "_rename", full)
    incoming = files.incoming()
    incoming.write(b"hello")
    with pytest.raises(OSError, match="space"):
        files.place(incoming)
    incoming.discard()
    assert list(files.condemn([HELLO])) == [HELLO]
    assert all_files(files) == []
