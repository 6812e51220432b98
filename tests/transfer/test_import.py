"""What an import never does, however odd the folder: lose silently, double, leave the folder, or stop half-way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.database import DatabaseError, FolderLock
from db.messages import Message
from tests.support.old_folders import PADDING, START, OldFolder, current, line, message, message_id, name_keyed
from tests.transfer.conftest import Moved
from transfer.model import ImportStopped

ROOT = Path(__file__).resolve().parents[2]


def snapshot(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.name != "originchats.lock"}


def contents(moved: Moved, place: str = "general") -> list[str]:
    with moved.open() as opened:
        return [one.content for one in opened.messages(place)]


# --- message files ---------------------------------------------------------------------------------------------


def test_lines_with_padding_returns_blank_and_broken_ones(moved: Moved, tmp_path: Path) -> None:
    old = current(tmp_path / "old", [])
    good = [line(message(number)) for number in range(1, 6)]
    old.write(
        "channels/general.json",
        f"\n  {good[0]}{PADDING}\r\n\n{good[1]}\n{{broken\n[1]\n7\n{good[2][:-9]}\n{good[3]}{PADDING}\n".encode()
        + b'{"content": "\xff"}\n'
        + f'{{"id": "half", "user": "x", "timestamp": {START + 4.5}, "content": "\\ud83d!"}}\n{good[4]}\n'.encode(),
    )
    report = moved.run(old.path)
    assert contents(moved) == ["message 1", "message 2", "message 4", "\ufffd!", "message 5"]
    assert report.notes["bad_line"] == 5
    assert report.notes["mended_line"] == 1
    assert "general.json:5" in report.examples["bad_line"][0]


def test_of_equal_ids_in_a_file_the_last_one_counts_and_of_two_files_the_first(moved: Moved, tmp_path: Path) -> None:
    old = current(
        tmp_path / "old", [message(1, content="old"), message(2), message(1, content="new", timestamp=START + 3)]
    )
    old.lines("threadMessages/t1.jsonl", [message(2, content="again"), message(7)])
    report = moved.run(old.path)
    assert contents(moved) == ["message 2", "new"]
    assert contents(moved, "t1") == ["message 7"]
    assert (report.notes["earlier_copy"], report.notes["id_elsewhere"]) == (1, 1)
    assert report.counts["messages"] == 3


def test_messages_without_usable_id_time_or_author_are_kept(moved: Moved, tmp_path: Path) -> None:
    odd: list[dict[str, Any]] = [
        message(5),
        {"content": "no id", "timestamp": START + 6},
        message(7, content="earlier", timestamp=START + 1),
        message(8, content="same", timestamp=START + 1),
        message(9, content="never", timestamp="soon"),
        message(10, content="future", timestamp=9e15),
        message(11, content="not a number", timestamp=float("nan")),
        message(12, id="\n", content=None, reactions=[1], reply_to=7, ping="x"),
    ]
    old = current(tmp_path / "old", odd)
    report = moved.run(old.path)
    with moved.open() as opened:
        found = opened.messages("general")
        times = [one.timestamp for one in found]
        assert times == sorted(set(times))
        assert [one.content for one in found][1:7] == ["no id", "earlier", "same", "never", "future", "not a number"]
        assert len({one.id for one in found}) == len(odd)
        assert found[1].user_id == "unknown"
    assert (report.notes["new_id"], report.notes["bad_time"], report.notes["time_raised"]) == (2, 3, 2)


def test_an_array_that_is_cut_off_stops_the_import(moved: Moved, tmp_path: Path) -> None:
    old = name_keyed(tmp_path / "old")
    old.write("channels/general.json", line([message(1)])[:-1])
    with pytest.raises(ImportStopped, match=r"general\.json:1:\d+: Expecting"):
        moved.run(old.path)
    assert snapshot(moved.db) == {}


def test_links_in_embeds_lead_to_the_web_only(moved: Moved, tmp_path: Path) -> None:
    embeds = [{"title": "t", "url": "javascript:x", "author": {"name": "a", "url": "/fine"}}]
    old = current(tmp_path / "old", [message(1, embeds=embeds)])
    report = moved.run(old.path)
    with moved.open() as opened:
        assert opened.messages("general")[0].extra["embeds"] == [
            {"title": "t", "author": {"name": "a", "url": "/fine"}}
        ]
    assert report.notes["bad_link"] == 1


# --- the folder is never left ----------------------------------------------------------------------------------


def test_names_and_links_that_lead_out_of_the_folder_are_not_followed(moved: Moved, tmp_path: Path) -> None:
    outside = tmp_path / "secret.json"
    outside.write_text(line(message(66, content="TOP-HIDDEN")))
    old = current(tmp_path / "old", [message(1)])
    names = [
        "../../../secret",
        str(outside.with_suffix("")),
        "linked",
        "a/b",
        "..",
        "x/../general",
        "general",
        "\x07bell",
    ]
    old.write("channels.json", [{"type": "text", "name": name, "permissions": {"view": ["user"]}} for name in names])
    old.write("channels/a/b.json", line(message(2)))
    for name, target in (
        ("channels/linked.json", outside),
        ("attachments/a2.bin", outside),
        ("serverAssets/s", outside),
    ):
        (old.db / name).symlink_to(target)
    (old.db / "channels" / "circle.json").symlink_to(old.db / "channels" / "circle.json")
    report = moved.run(old.path)
    with moved.open() as opened:
        channels = list(opened.documents.channels.values())
        found = {channel.name: [one.content for one in opened.messages(channel.name)] for channel in channels}
        assert found["general"] == ["message 1"]
        assert found["a-b"] == ["message 2"]
        assert all("TOP-HIDDEN" not in texts for texts in found.values())
        assert len(channels) == len(names)
    assert not any(b"TOP-HIDDEN" in data for data in snapshot(moved.db).values())
    assert report.notes["outside"] >= 4
    assert report.notes["renamed_channel"] >= 5


def test_an_index_file_that_is_a_link_out_of_the_folder_stops_the_import(moved: Moved, tmp_path: Path) -> None:
    old = current(tmp_path / "old")
    (tmp_path / "users.json").write_text("{}")
    (old.db / "users.json").unlink()
    (old.db / "users.json").symlink_to(tmp_path / "users.json")
    with pytest.raises(ImportStopped, match="leads out"):
        moved.run(old.path)


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("users.json", '{"a":\n {"roles": [}', "users.json:2:13: Expecting value"),
        ("channels.json", "{}", "channels.json:1:1: expected a list"),
        ("polls.json", "", "polls.json:1:1: Expecting value"),
        ("webhooks.json", b'{"\n\xff": 1}', "webhooks.json:2: not UTF-8"),
        ("threads/t1.json", "[]", "t1.json:1:1: expected an object"),
        ("roles.json", '{"a": NaN}', "roles.json: NaN"),
    ],
)
def test_an_unreadable_index_file_stops_the_import_and_names_the_place(
    moved: Moved, tmp_path: Path, name: str, content: str | bytes, place: str
) -> None:
    old = current(tmp_path / "old")
    old.write(name, content)
    with pytest.raises(ImportStopped) as stopped:
        moved.run(old.path)
    assert place in str(stopped.value)
    assert not moved.db.exists()


def test_wrong_values_in_records_are_left_out_and_told(moved: Moved, tmp_path: Path) -> None:
    old = current(tmp_path / "old")
    users = {"USR:x": {"username": "x", "roles": ["user"], "nickname": 7, "status": None}, "USR:y": "nobody"}
    old.write("users.json", users)
    old.write("channels.json", [{"name": "general", "type": "tent", "size": "big", "permissions": {"view": "user"}}, 4])
    report = moved.run(old.path)
    with moved.open() as opened:
        (user,) = opened.documents.users
        assert (user.username, user.roles, user.nickname) == ("x", ("user",), None)
        general = opened.channel("general")
        assert (general.type, general.permissions["view"]) == ("text", ("owner",))
    assert report.notes["bad_record"] >= 2


# --- stranded --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [False, True])
def test_what_has_no_channel_is_told_and_kept_for_owners_if_wished(moved: Moved, tmp_path: Path, keep: bool) -> None:
    old = current(tmp_path / "old")
    old.write("channels/renamed.json", line(message(50)))
    thread = json.loads((old.db / "threads" / "t1.json").read_text())
    old.write("threads/t2.json", thread | {"id": "t2", "parent_channel": "gone"})
    old.lines("threadMessages/t2.jsonl", [message(60)])
    report = moved.run(old.path, stranded=keep)
    assert (report.notes["stranded"], report.notes["stranded_thread"]) == (1, 1)
    with moved.open() as opened:
        names = [channel.name for channel in opened.documents.channels.values()]
        assert ("renamed" in names, "gone" in names) == (keep, keep)
        if keep:
            assert opened.channel("renamed").permissions["view"] == ("owner",)
            assert [one.content for one in opened.messages("renamed")] == ["message 50"]
            assert [one.content for one in opened.messages("t2")] == ["message 60"]


# --- all or nothing, again and again ---------------------------------------------------------------------------


def test_a_dry_run_changes_nothing(moved: Moved, tmp_path: Path) -> None:
    old = current(tmp_path / "old")
    report = moved.run(old.path, dry_run=True)
    assert report.counts["messages"] == 7
    assert not moved.db.exists()
    assert not moved.config_file.exists()


def test_a_second_import_adds_nothing_and_a_later_one_what_is_new(moved: Moved, tmp_path: Path) -> None:
    old = current(tmp_path / "old", [message(number) for number in range(1, 4)])
    moved.run(old.path)
    before = snapshot(moved.db)
    assert not any(moved.run(old.path).counts.values())
    assert snapshot(moved.db) == before
    with moved.open() as opened:
        general = opened.channel("general").id
        tx = opened.begin()
        tx.messages.delete(general, message_id(3))
        tx.messages.add(general, Message(id="own", user_id="USR:ann", content="own", timestamp=START + 500))
        tx.commit()
    old.lines("channels/general.json", [message(number) for number in range(1, 6)])
    report = moved.run(old.path)
    assert report.counts["messages"] == 2
    assert contents(moved) == ["message 1", "message 2", "own", "message 4", "message 5"]
    with moved.open() as opened:
        times = [one.timestamp for one in opened.messages("general")]
        assert times == sorted(set(times))
        tx = opened.begin()
        assert [m.content for m in tx.messages.search(general, "message", 9)] == [
            "message 5", "message 4", "message 2", "message 1",
        ]  # fmt: skip
        tx.rollback()
    assert contents(moved, "t1") == ["message 100", "message 101"]
    assert len(list(moved.db.parent.glob("db.before-*"))) == 1


def test_a_community_with_messages_of_its_own_is_added_to_only_if_told(moved: Moved, tmp_path: Path) -> None:
    first, second = current(tmp_path / "first"), current(tmp_path / "second", [message(900, content="other")])
    second.write("threads/t1.json", "{}")
    moved.run(first.path)
    before = snapshot(moved.db)
    with pytest.raises(ImportStopped, match="--into-existing"):
        moved.run(second.path)
    assert snapshot(moved.db) == before
    with moved.open() as opened:
        tx = opened.begin()
        tx.messages.add(
            opened.channel("general").id, Message(id="own", user_id="USR:ann", content="own", timestamp=1e9)
        )
        tx.commit()
    moved.run(second.path, into_existing=True)
    assert contents(moved)[-2:] == ["own", "other"]


def test_an_old_history_never_mixes_with_one_that_has_begun_here(moved: Moved, tmp_path: Path) -> None:
    other = OldFolder(tmp_path / "other")
    other.write("users.json", {})
    other.write("channels.json", [{"id": "own", "type": "text", "name": "general"}])
    other.lines("channels/general.json", [message(800, content="first here")])
    moved.run(other.path)
    old = current(tmp_path / "old", [message(1)])
    for _ in range(2):
        report = moved.run(old.path, into_existing=True)
        assert contents(moved, "general") == ["first here"]
        assert contents(moved, "general-2") == ["message 1"]
    assert report.counts["messages"] == 0


def test_owners_and_messages_of_a_new_server_stay(moved: Moved, tmp_path: Path) -> None:
    old = current(tmp_path / "old")
    moved.db.mkdir(parents=True)
    (moved.db / "users.json").write_text(json.dumps({"USR:local_me": {"username": "USR:local_me", "roles": ["owner"]}}))
    (moved.db / "roles.json").write_text(json.dumps({"default": {"id": "1"}}))
    (moved.db / "secret.key").write_text("00")
    moved.run(old.path)
    with moved.open() as opened:
        assert {user.id for user in opened.documents.users} == {"USR:local_me", "USR:ann", "USR:bob", "USR:local_cleo"}
        assert {role.name for role in opened.documents.roles} == {"owner", "user"}
    assert (moved.db / "secret.key").read_text() == "00"


def test_a_running_server_is_left_alone(moved: Moved, tmp_path: Path) -> None:
    old = current(tmp_path / "old")
    with FolderLock(moved.db), pytest.raises(DatabaseError, match="another server"):
        moved.run(old.path)
    assert snapshot(moved.db) == {}


def test_the_folder_of_this_server_is_no_source(moved: Moved, tmp_path: Path) -> None:
    moved.run(current(tmp_path / "old").path)
    with pytest.raises(ImportStopped, match="belongs to this server already"):
        Moved(tmp_path / "third").run(moved.db)
    with pytest.raises(ImportStopped, match="neither"):
        moved.run(tmp_path)


def test_a_kill_in_the_middle_leaves_everything_as_it_was(tmp_path: Path) -> None:
    old = current(tmp_path / "old", [message(number) for number in range(60_000)], padding="")
    moved = Moved(tmp_path / "new")
    moved.run(current(tmp_path / "first").path)
    before = snapshot(moved.db)
    arguments = [str(old.path), "--config", str(moved.config_file), "--data-dir", str(moved.db), "--into-existing"]
    process = subprocess.Popen([sys.executable, str(ROOT / "setup.py"), "import", *arguments], cwd=ROOT)
    prepared = moved.db.with_name("db.prepared-import") / "messages.sqlite3"
    deadline = time.monotonic() + 120
    while not (prepared.exists() and prepared.stat().st_size > 2_000_000):
        assert process.poll() is None, "it was over before it was killed"
        assert time.monotonic() < deadline
        os.sched_yield()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert snapshot(moved.db) == before
    report = moved.run(old.path, into_existing=True)
    assert report.counts["messages"] > 50_000
    assert not prepared.exists()


# --- owners and settings ---------------------------------------------------------------------------------------


def test_a_member_can_be_made_owner(moved: Moved, tmp_path: Path) -> None:
    old = current(tmp_path / "old")
    report = moved.run(old.path, owner="cleo")
    assert report.facts["owners"] == "Ann, USR:local_cleo"
    with moved.open() as opened:
        cleo = opened.documents.users.get("USR:local_cleo")
        assert cleo is not None
        assert cleo.roles == ("owner", "user", "gone")
    with pytest.raises(ImportStopped, match="no member is called"):
        Moved(tmp_path / "other").run(old.path, owner="nobody")


def test_settings_are_taken_over_unless_the_host_has_written_some(moved: Moved, tmp_path: Path) -> None:
    old = current(tmp_path / "old")
    report = moved.run(old.path)
    document = json.loads(moved.config_file.read_text())
    assert document["server"]["name"] == "Old place"
    assert document["server"]["url"] == "https://old.example"
    assert document["limits"]["post_content"] == 900
    assert (document["auth_mode"], document["rate_limiting"]["enabled"]) == ("rotur", False)
    assert document["websocket"]["port"] == 5613
    told = " ".join(report.examples["setting"])
    assert "colour: unknown here" in told
    assert "websocket.port: found 70000" in told
    kept = Moved(tmp_path / "kept")
    report = kept.run(old.path, config={"server": {"name": "Mine"}})
    assert json.loads(kept.config_file.read_text()) == {"server": {"name": "Mine"}}
    assert report.notes["settings_kept"] == 1
    replaced = Moved(tmp_path / "replaced")
    replaced.run(old.path, config={"server": {"name": "Mine"}}, with_config=True)
    assert json.loads(replaced.config_file.read_text())["server"]["name"] == "Old place"


def test_settings_of_the_first_days_have_their_names_of_today(moved: Moved, tmp_path: Path) -> None:
    report = moved.run(name_keyed(tmp_path / "old").path)
    document = json.loads(moved.config_file.read_text())
    assert document["limits"]["post_content"] == 500
    assert "validate_key" not in document["rotur"]
    assert report.notes["setting_written_out"] == 5


def test_the_command_writes_a_report_beside_the_data_folder(tmp_path: Path) -> None:
    old = current(tmp_path / "old")
    config = tmp_path / "new" / "config.json"
    command = [sys.executable, str(ROOT / "setup.py"), "import", str(old.path), "--config", str(config), "--dry-run"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Dry run: nothing was changed" in done.stdout
    (text, document) = (config.with_name(f"import-report-dry-run.{end}") for end in ("txt", "json"))
    assert "attachments of messages, of which neither record nor file is left" in text.read_text()
    assert json.loads(document.read_text())["taken_over"]["messages"] == 7
    done = subprocess.run([*command[:3], str(tmp_path / "x")], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"Nothing was changed: {tmp_path / 'x'}: there is no such folder\n"


# --- any folder ------------------------------------------------------------------------------------------------

valid = st.fixed_dictionaries(
    {
        "id": st.integers(0, 40).map(message_id),
        "user": st.sampled_from(["USR:ann", "ann", "ANN", "AutoMod", "bob"]),
        "content": st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
        "timestamp": st.one_of(st.integers(0, 50).map(lambda n: START + n), st.floats(0, 2e9)),
    },
    optional={
        "pinned": st.booleans(),
        "reactions": st.dictionaries(st.sampled_from("👍x"), st.just(["ann", "USR:ann"])),
    },
)
junk = st.sampled_from(["", "   ", "{", "[]", "null", '"x"', "\r", '{"a"', "0"])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    entries=st.lists(st.one_of(valid, junk), max_size=30),
    end=st.sampled_from(["\n", PADDING + "\n", "\r\n"]),
    form=st.sampled_from(["array", "lines"]),
)
def test_every_message_is_there_once_in_order(
    tmp_path_factory: pytest.TempPathFactory, entries: list[dict[str, Any] | str], end: str, form: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    old = current(folder / "old")
    records = [entry for entry in entries if isinstance(entry, dict)]
    if form == "array":
        old.write("channels/general.json", line(records))
    else:
        text = "".join((entry if isinstance(entry, str) else line(entry)) + end for entry in entries)
        old.write("channels/general.json", text)
    last = {record["id"]: number for number, record in enumerate(records)}
    wanted = [record for number, record in enumerate(records) if last[record["id"]] == number]
    moved = Moved(folder / "new")
    moved.run(old.path)
    with moved.open() as opened:
        found = opened.messages("general")
        assert [(one.id, one.content) for one in found] == [(record["id"], record["content"]) for record in wanted]
        times = [one.timestamp for one in found]
        assert times == sorted(set(times))
        for one, record in zip(found, wanted, strict=True):
            assert one.pinned is record.get("pinned", False)
            assert one.reactions == {emoji: ["USR:ann"] for emoji in record.get("reactions", {})}
