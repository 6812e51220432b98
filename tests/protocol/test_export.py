"""The generated documentation: right in form, complete, the same every time, and as it is on disk."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import jsonschema
import msgspec
import pytest
import yaml
from msgspec import UNSET, Meta, UnsetType

from protocol import asyncapi, pages
from protocol.__main__ import main
from protocol.base import Spec
from protocol.catalog import Catalog
from protocol.export import ROOT, export, files, project_version, stale
from protocol.settings_page import environment_name, settings_page


class Sample(msgspec.Struct, kw_only=True):
    """A thing."""

    name: Annotated[str, Meta(min_length=1, max_length=8, description="What it | is called")]
    count: Annotated[int, Meta(ge=0, le=9, description="How many")] = 3
    kind: Literal["a", "b"] = "a"
    parts: list[dict[str, float]] | None = None
    maybe: Annotated[bool, Meta(description="Left out when unknown")] | UnsetType = UNSET


@pytest.fixture
def catalog() -> Catalog:
    return Catalog()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the inputs of the export and none of its outputs."""
    return with_inputs(tmp_path)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is exported from the inputs of such a folder."""
    return files(with_inputs(tmp_path_factory.mktemp("project")))


def with_inputs(folder: Path) -> Path:
    (folder / "pyproject.toml").write_text('[project]\nname = "x"\nversion = "1.2.3"\n')
    (folder / "config.schema.json").write_text(json.dumps(SETTINGS))
    return folder


SETTINGS: dict[str, Any] = {
    "properties": {
        "$schema": {"type": "string"},
        "auth_mode": {
            "title": "Accounts", "description": "Who may log in.", "enum": ["a", "b"], "default": "a",
            "x-takes-effect": "restart",
        },
        "websocket": {"$ref": "#/$defs/Websocket"},
    },
    "$defs": {
        "Websocket": {
            "description": "Where it listens.",
            "properties": {
                "port": {
                    "title": "Port", "description": "TCP port", "type": "integer", "minimum": 1, "default": 5613,
                    "x-unit": "port number", "x-takes-effect": "live",
                },
            },
        }
    },
}  # fmt: skip


def resolve(document: dict[str, Any], ref: str) -> Any:
    """What a local reference points at."""
    node: Any = document
    for part in ref.removeprefix("#/").split("/"):
        node = node[part]
    return node


def every_ref(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for value in node.values() for ref in every_ref(value)]
    return [ref for value in node for ref in every_ref(value)] if isinstance(node, list) else []


def test_what_is_on_disk_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--check"]) == 0, capsys.readouterr().err


def test_two_exports_are_equal(project: Path, made: dict[str, str]) -> None:
    assert files(project) == made


def test_export_writes_repairs_and_removes(project: Path, made: dict[str, str]) -> None:
    assert export(project) == sorted(made)
    assert stale(project) == []
    index = project / "docs/protocol/README.md"
    left_over = project / "docs/protocol/gone_command.md"
    index.write_text("changed")
    left_over.write_text("# gone")
    assert stale(project) == ["docs/protocol/README.md", "docs/protocol/gone_command.md"]
    assert export(project) == ["docs/protocol/README.md", "docs/protocol/gone_command.md"]
    assert stale(project) == []
    assert not left_over.exists()


def test_fields_table_tells_type_default_bounds_and_meaning() -> None:
    schema = msgspec.json.schema_components([Sample])[1]["Sample"]
    lines = pages.fields_table(schema, "").splitlines()
    assert lines[0] == "| Field | Type | Required | Default | Bounds | Meaning |"
    name = "| `name` | string | yes |  | 1 to 8 characters | What it \\| is called |"
    assert lines[2] == name
    assert lines[3] == "| `count` | integer | no | `3` | 0 to 9 | How many |"
    assert lines[4].startswith('| `kind` | `"a"` or `"b"` | no | `"a"` |')
    assert lines[5].startswith("| `parts` | list of object of number by name or null | no |  |")
    assert lines[6] == "| `maybe` | boolean | no |  |  | Left out when unknown |"


def test_schema_file_is_valid_and_accepts_the_examples(catalog: Catalog, made: dict[str, str]) -> None:
    document = json.loads(made["docs/protocol/schema.json"])
    jsonschema.Draft202012Validator.check_schema(document)
    assert set(document["commands"]) == set(catalog.commands)
    for ref in every_ref(document):
        resolve(document, ref)
    for spec in catalog.commands.values():
        jsonschema.Draft202012Validator({"$ref": document["commands"][spec.name], **document}).validate(spec.example)


def test_asyncapi_has_the_structure_of_version_3(catalog: Catalog, project: Path, made: dict[str, str]) -> None:
    document = yaml.safe_load(made["docs/protocol/asyncapi.yaml"])
    assert document["asyncapi"] == "3.0.0"
    assert document["info"]["version"] == project_version(project) == "1.2.3"
    assert set(document) == {
        "asyncapi", "info", "defaultContentType", "servers", "channels", "operations", "components",
    }  # fmt: skip
    messages = document["components"]["messages"]
    for key in [*messages, *document["components"]["schemas"], *document["operations"]]:
        assert re.fullmatch(r"[A-Za-z0-9._-]+", key)
    assert set(document["channels"]["connection"]["messages"]) == set(messages)
    assert set(document["operations"]) - {"server_only"} == set(catalog.commands)
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        reached = [*operation["messages"], *operation.get("reply", {}).get("messages", [])]
        for ref in reached:
            assert ref["$ref"].startswith("#/channels/connection/messages/"), "an operation refers to channel messages"
    for ref in every_ref(document):
        resolve(document, ref)


def test_asyncapi_mentions_every_packet(catalog: Catalog) -> None:
    document = asyncapi.document("1")
    used = {ref for op in document["operations"].values() for ref in every_ref(op)}
    assert {f"#/channels/connection/messages/{key}" for key in document["components"]["messages"]} <= used


def test_every_server_packet_has_a_page(catalog: Catalog, made: dict[str, str]) -> None:
    for tag in catalog.by_tag():
        assert f"docs/protocol/{tag}.md" in made or f"docs/protocol/events/{tag}.md" in made


def test_command_page_has_its_parts(catalog: Catalog) -> None:
    for spec in catalog.commands.values():
        page = pages.command_page(catalog, spec)
        heads = [line for line in page.splitlines() if line.startswith("## ")]
        wanted = ["## Who may use it", "## Fields", "## Reply", "## Errors", "## Example"]
        assert [head for head in heads if head != "## Events"] == wanted
        assert json.loads(page.rpartition("```json\n")[2].partition("```")[0]) == spec.example


def test_errors_page_says_of_every_code_where_it_comes_from(catalog: Catalog) -> None:
    rows = re.findall(r"^\| `(\w+)` \| .* \| (.*) \|$", pages.errors_page(catalog).partition("## By command")[2], re.M)
    used = dict(rows)
    assert len(used) > 50
    assert [code for code, where in used.items() if not where.strip()] == []
    assert "owners" in used["file_broken"]
    for command in ("message_new", "message_edit", "message_delete", "typing"):
        assert f"[{command}]" in used["rate_limit"]


def test_the_resume_page_names_the_reasons(catalog: Catalog) -> None:
    page = pages.command_page(catalog, catalog.commands["resume"])
    source = (ROOT / "handlers" / "sessions.py").read_text("utf-8")
    reasons = re.findall(r'Failed\("(\w+)"\)', source)
    assert len(reasons) == 5
    for reason in reasons:
        assert f"`{reason}`" in page


def test_permission_of_a_command_names_what_the_dispatcher_checks(catalog: Catalog) -> None:
    for spec in catalog.commands.values():
        page = pages.command_page(catalog, spec)
        assert_permission_text(spec, page)


def assert_permission_text(spec: Spec, page: str) -> None:
    assert pages.sentence(spec.allowed) in page
    assert spec.needs is None or f"`{spec.needs}`" in page
    assert spec.limited == ("Counts against the message limiter" in page)


def test_settings_page_lists_default_unit_liveness_and_variable() -> None:
    page = settings_page(SETTINGS)
    assert "$schema`\n" not in page
    assert '| `auth_mode` | *Accounts.* Who may log in. | `"a"` or `"b"` | `"a"` |  | after a restart | ' in page
    port = "| `websocket.port` | *Port.* TCP port | integer, at least 1 | `5613` | port number | live | "
    assert port + "`ORIGINCHATS_WEBSOCKET_PORT` |" in page
    assert "Where it listens." in page


def test_environment_name() -> None:
    assert environment_name("DB.users.default") == "ORIGINCHATS_DB_USERS_DEFAULT"


def test_main_names_stale_files(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("protocol.__main__.stale", lambda: ["docs/protocol/x.md"])
    assert main(["export", "--check"]) == 1
    assert "stale: docs/protocol/x.md" in capsys.readouterr().err


def test_root_is_the_project() -> None:
    assert (ROOT / "protocol" / "export.py").exists()
