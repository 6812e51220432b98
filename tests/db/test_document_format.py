"""What the files may hold: today's form, what earlier servers left, and what is refused, with place and reason."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from config.paths import DataPaths
from db import channels, roles, users
from db.channels import Channel
from db.document_file import check_documents
from db.document_format import DataError, Format, Parsed, Problem, Slices, parse, render
from db.documents import ORDER_KEY
from db.roles import Role
from db.users import Status, User


def read(format: Format[Any], content: Any, base: dict[str, Any] | None = None) -> Parsed:
    text = content if isinstance(content, str | bytes) else json.dumps(content, indent=2)
    data = text.encode() if isinstance(text, str) else text
    ids = (f"id{number}" for number in itertools.count(1))
    return parse(format, Path("file.json"), data, Slices(format), lambda: base or {}, lambda: next(ids))


def problem_of(format: Format[Any], content: Any) -> Problem:
    with pytest.raises(DataError) as error:
        read(format, content)
    return error.value.problem


def written(format: Format[Any], parsed: Parsed) -> Any:
    return json.loads(render(format, parsed.records, Slices(format)))


def test_a_user_of_today() -> None:
    record = {
        "username": "USR:local_ann", "nickname": "Ann", "roles": ["vip", "user"],
        "status": {"status": "dnd", "text": "busy"}, "password_hash": "$2b$12$x", "pfp_url": "https://x",
        "banned": True, "muted_until": 5, "joined_at": 1.5, "last_seen": 2.5,
        "color": "#fff", "id": "odd", "extra": [1.0, True],
    }  # fmt: skip
    parsed = read(users.FORMAT, {"USR:local_ann": record})
    assert parsed.records["USR:local_ann"] == User(
        id="USR:local_ann", username="USR:local_ann", nickname="Ann", roles=("vip", "user"),
        status=Status("dnd", "busy"), password_hash="$2b$12$x", pfp_url="https://x", banned=True, muted_until=5.0,
        joined_at=1.5, last_seen=2.5, extra={"color": "#fff", "id": "odd", "extra": [1.0, True]},
    )  # fmt: skip
    assert written(users.FORMAT, parsed) == {"USR:local_ann": record}


def test_users_of_earlier_servers() -> None:
    parsed = read(users.FORMAT, {"ann": {"roles": ["banned", "user"], "validator": "secret"}, "bob": {}})
    assert parsed.records["ann"] == User(id="ann", username="ann", roles=("user",), banned=True)
    assert parsed.records["bob"] == User(id="bob", username="bob")
    assert "validator" not in json.dumps(written(users.FORMAT, parsed))


def test_roles_of_earlier_servers() -> None:
    parsed = read(
        roles.FORMAT,
        {
            "owner": {"description": None, "color": "#9400D3"},
            "quiet": {"permissions": {"mention_roles": ["mods"], "manage_roles": True}},
            "new": {"id": "x", "position": 9, "permissions": ["send_messages"], "mention_roles": False, "icon": "y"},
        },
    )
    assert parsed.incomplete
    assert parsed.records["owner"] == Role(name="owner", id="id1", color="#9400D3", position=0)
    assert parsed.records["quiet"] == Role(name="quiet", id="id2", position=1, mention_roles=("mods",))
    assert parsed.records["new"] == Role(
        name="new", id="x", position=9, permissions=("send_messages",), mention_roles=False, extra={"icon": "y"}
    )
    again = read(roles.FORMAT, {"owner": {"color": "red"}}, parsed.records)
    assert again.records["owner"].id == "id1"
    assert list(written(roles.FORMAT, parsed)["new"]) == [
        "id", "description", "color", "hoisted", "permissions", "self_assignable", "category", "position",
        "mention_roles", "icon",
    ]  # fmt: skip


def test_channels_of_earlier_servers() -> None:
    parsed = read(
        channels.FORMAT,
        [
            {"type": "seperator", "size": 20},
            {"type": "text", "name": "general", "permissions": {"view": ["user", "!vip"], "connect": []}, "odd": None},
            {"type": "separator", "id": "s"},
        ],
    )
    assert parsed.incomplete
    assert list(parsed.records)[:-1] == ["id1", "id2", "s"] == list(parsed.records[ORDER_KEY].keys)
    assert parsed.records["id1"] == Channel(id="id1", name="separator-1", type="separator", size=20)
    assert parsed.records["id2"] == Channel(
        id="id2", name="general", permissions={"view": ("user", "!vip"), "connect": ()}, extra={"odd": None}
    )
    assert parsed.records["s"].name == "separator-2"
    assert read(channels.FORMAT, [{"name": "general"}], parsed.records).records["id2"].permissions == {}
    assert written(channels.FORMAT, parsed)[1]["odd"] is None


def test_modes_and_members_of_a_channel_are_written_where_they_are_set() -> None:
    modes = {
        "invite_only": True, "secret": True, "moderated": True, "topic_locked": True, "members_only": True,
        "operators": ["ann"], "voices": ["ben"], "invited": ["cyd"], "key": "sesame", "created_by": "ann",
        "max_history": 100,
    }  # fmt: skip
    record = {"id": "id1", "type": "text", "name": "cellar", **modes}
    parsed = read(channels.FORMAT, [record])
    found = parsed.records["id1"]
    assert (found.operators, found.voices, found.invited, found.key) == (("ann",), ("ben",), ("cyd",), "sesame")
    assert written(channels.FORMAT, parsed) == [record]
    off = {"invite_only": False, "operators": [], "key": None, "max_history": None}
    plain = {"id": "id1", "type": "text", "name": "cellar"}
    assert written(channels.FORMAT, read(channels.FORMAT, [plain | off])) == [plain]


@pytest.mark.parametrize(
    ("field", "value"),
    [("secret", "yes"), ("key", ""), ("key", "x" * 65), ("operators", "ann"), ("voices", [1]), ("max_history", 0)],
)
def test_modes_and_members_that_cannot_be(field: str, value: Any) -> None:
    assert problem_of(channels.FORMAT, [{"name": "cellar", field: value}]).line is not None


def test_who_has_which_marks_follows_every_change() -> None:
    table = channels.Channels([Channel(id="a", name="a", operators=("ann", "ben")), Channel(id="b", name="b")])
    assert (table.marks_of("ann"), table.marks_of("cyd")) == ((("a", "operators"),), ())
    table.put(Channel(id="b", name="b", operators=("ann",), voices=("ann",), invited=("ann",)))
    assert table.marks_of("ann") == (("a", "operators"), ("b", "operators"), ("b", "voices"))
    table.forget_user("ann")
    assert (table.marks_of("ann"), table.marks_of("ben")) == ((), (("a", "operators"),))
    assert table.get("b") == Channel(id="b", name="b")


@pytest.mark.parametrize("kind", ["local-accounts", "rotur-accounts"])
def test_reading_what_was_written_gives_the_same(kind: str) -> None:
    for format in (users.FORMAT, roles.FORMAT, channels.FORMAT):
        slices = Slices(format)
        first = read(format, SAMPLES[kind].get(format.document, [] if format.is_list else {}))
        content = render(format, first.records, slices)
        second = parse(format, Path("x"), content, slices, lambda first=first: first.records, lambda: "new")  # type: ignore[misc]
        assert second.records == first.records
        assert not second.incomplete
        assert all(second.records[key] is first.records[key] for key in first.records if key != ORDER_KEY)


SAMPLES: dict[str, dict[str, Any]] = {
    "local-accounts": {
        "users": {
            "USR:local_ann": {
                "username": "USR:local_ann", "password_hash": "$2b$12$abc", "roles": ["user"],
                "status": {"status": "dnd", "text": ""}, "pfp_url": None, "validator": "x",
            }
        },
        "channels": [{"type": "text", "name": "general", "description": "G", "permissions": {"view": ["user"]}}],
    },
    "rotur-accounts": {
        "users": {"rotur-1": {"roles": ["user"], "username": "ann", "status": {"status": "online", "text": "é\u2028"}}},
        "roles": {"user": {"id": "u", "color": None, "hoisted": False, "permissions": [], "position": 3}},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("format", "content", "line", "reason"),
    [
        (users.FORMAT, "", 1, "the file is empty"),
        (users.FORMAT, "\0\0\0", 1, "the file is empty"),
        (users.FORMAT, '{\n"a": {},\n', 3, "Expecting property name enclosed in double quotes"),
        (users.FORMAT, "[]", 1, "expected an object at the top"),
        (channels.FORMAT, "{}", 1, "expected a list at the top"),
        (users.FORMAT, b'{"a": {"username": "\xff"}}', 1, "not UTF-8 text"),
        (users.FORMAT, '{"a": {"x": NaN}}', None, "not plain JSON"),
        (users.FORMAT, '{"a": {"x": "\\ud800"}}', None, "not plain JSON"),
        (users.FORMAT, "[" * 100_000, 1, "nested too deeply"),
        (users.FORMAT, '{\n"a": {},\n"a": {}}', 3, "the key 'a' occurs twice"),
        (users.FORMAT, '{\n"a": 5}', 2, "a: expected an object, found 5"),
        (
            users.FORMAT,
            '{"b": {},\n\t"a": {\n\t"username": "é", "roles": ["x", 5]}}',
            3,
            "a: roles.1: 5 is not of type",
        ),
        (users.FORMAT, '{"b": {},\n"a": {\n"username": ""}}', 3, "a: username: '' should be non-empty"),
        (users.FORMAT, '{"": {}}', 1, "record 1: an id and a username must not be empty"),
        (users.FORMAT, '{"a": {"status": "online"}}', 1, "a: status: 'online' is not of type 'object'"),
        (users.FORMAT, '{"a": {"muted_until": "tomorrow"}}', 1, "a: muted_until: 'tomorrow' is not of type"),
        (roles.FORMAT, '{"a": {"permissions": "all"}}', 1, "a: permissions: 'all' is not valid under any"),
        (roles.FORMAT, '{"a": {"position": 1.5}}', 1, "a: position: 1.5 is not of type 'integer'"),
        (roles.FORMAT, '{"": {}}', 1, "the name of a role must not be empty"),
        (channels.FORMAT, '[\n{"name": "a"},\n{"name": "a"}]', 3, "a: name: the name 'a' occurs twice"),
        (channels.FORMAT, '[\n{"name": "a", "id": "x"},\n{"name": "b", "id": "x"}]', 3, "b: id: the id 'x' occurs"),
        (channels.FORMAT, '[{"name": "a/b"}]', 1, "must not contain a slash or '..'"),
        (channels.FORMAT, '[{"name": ".."}]', 1, "must not contain a slash or '..'"),
        (channels.FORMAT, '[{"name": "a\\u0007"}]', 1, "must not contain control characters"),
        (channels.FORMAT, '[{"name": " "}]', 1, "the name must not be empty"),
        (channels.FORMAT, '[{"type": "text"}]', 1, "record 1: a channel needs a name"),
        (channels.FORMAT, '[{"name": "a", "type": "video"}]', 1, "a: type: 'video' is not one of"),
        (channels.FORMAT, '[{"name": "a", "id": "#order"}]', 1, "an id must not begin with '#'"),
        (channels.FORMAT, '[{"name": "a", "permissions": {"view": "user"}}]', 1, "a: permissions.view: 'user' is not"),
    ],
)
def test_what_is_refused_is_named_with_place_and_reason(
    format: Format[Any], content: str | bytes, line: int | None, reason: str
) -> None:
    problem = problem_of(format, content)
    assert reason in problem.reason
    assert problem.line == line
    assert str(problem).startswith(f"file.json:{line}:" if line is not None else "file.json: ")


def test_the_column_counts_characters() -> None:
    problem = problem_of(users.FORMAT, '{"é": {"username": "é", "nickname": 5}}')
    assert (problem.line, problem.column) == (1, 37)


def test_a_byte_order_mark_is_no_harm() -> None:
    assert read(users.FORMAT, b'\xef\xbb\xbf{"a": {}}').records["a"].username == "a"


def test_check_names_every_broken_file_and_changes_nothing(tmp_path: Path) -> None:
    paths = DataPaths(tmp_path, tmp_path / "users.json", tmp_path / "roles.json", tmp_path / "channels.json", "")
    assert check_documents(paths) == []
    paths.users.write_text("{")
    paths.roles.mkdir()
    paths.channels.write_text('[{"name": "a"}]')
    assert [Path(problem.file).name for problem in check_documents(paths)] == ["users.json", "roles.json"]
    assert paths.channels.read_text() == '[{"name": "a"}]'
    shutil.rmtree(paths.roles)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["channels.json", "users.json"]
