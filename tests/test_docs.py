"""Tests about the project: what is served is documented, permitted, handled, tested, and the documents are true.

Each failure names what is missing, so that it reads as the next thing to do.
"""

from __future__ import annotations

import ast
import json
import re
from base64 import b64decode
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from PIL import Image

from config.__main__ import main as write_settings
from config.description import settings
from protocol.base import Packet
from protocol.catalog import Catalog
from protocol.decode import decode
from protocol.errors import Code
from protocol.export import ROOT, project_version

CATALOG = Catalog()
PAGES = ROOT / "docs" / "protocol"
HAND_WRITTEN = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if PAGES not in path.parents and path.name != "settings.md"
)
OUTSIDE = {".venv", ".git", "tests", "bench", "docs", "build", "dist"}

every_command = pytest.mark.parametrize("command", CATALOG.commands)


@cache
def names_of_tests() -> frozenset[str]:
    """Names of all test functions, methods included."""
    names: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"), str(path))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                names.add(node.name)
    return frozenset(names)


def names_command(test: str, command: str) -> bool:
    """`test_role_set_needs_rank` names `role_set`; `test_roles_list` does not name `role`."""
    return re.search(rf"_{command}(_|$)", test) is not None


@cache
def raised_codes() -> frozenset[str]:
    """Names of the codes that the source uses. In protocol/, where pages list them, only making a refusal counts."""
    used: set[str] = set()
    for path in ROOT.rglob("*.py"):
        parts = path.relative_to(ROOT).parts
        if OUTSIDE & set(parts):
            continue
        tree: ast.AST = ast.parse(path.read_text("utf-8"), str(path))
        within = [node for node in ast.walk(tree) if _makes_refusal(node)] if parts[0] == "protocol" else [tree]
        for node in (inner for top in within for inner in ast.walk(top)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Code":
                used.add(node.attr)
    return frozenset(used)


def _makes_refusal(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("Refused", "BadPacket")


@every_command
def test_command_has_a_page(command: str) -> None:
    assert (PAGES / f"{command}.md").is_file(), f"run: python -m protocol export (docs/protocol/{command}.md)"


@every_command
def test_command_says_who_may_use_it(command: str) -> None:
    spec = CATALOG.commands[command]
    assert len(spec.does) > 10, f"{command}: say in `does` what it does"
    assert len(spec.allowed) > 3, f"{command}: say in `allowed` who may use it"


@every_command
def test_command_has_a_handler(command: str) -> None:
    import_module("handlers.all")
    from handlers.registry import HANDLERS

    assert CATALOG.commands[command].command in HANDLERS, f"no function in handlers/ handles {command}"


@every_command
def test_command_has_a_named_test(command: str) -> None:
    found = [name for name in names_of_tests() if names_command(name, command)]
    assert found, f"no test is named after it: test_{command}_..."


@every_command
def test_command_example_decodes(command: str) -> None:
    example = CATALOG.commands[command].example
    assert type(decode(json.dumps(example).encode())) is CATALOG.commands[command].command


def test_pictures_in_examples_can_be_read() -> None:
    images = [command.example["image"] for command in CATALOG.commands.values() if "image" in command.example]
    assert len(images) >= 3
    for image in images:
        Image.open(BytesIO(b64decode(image.partition(",")[2]))).load()


def test_every_handler_has_a_command() -> None:
    import_module("handlers.all")
    from handlers.registry import HANDLERS

    assert {spec.command for spec in CATALOG.commands.values()} >= set(HANDLERS)


def test_every_field_of_a_command_is_described() -> None:
    bare = [
        f"{name}.{field.encode_name}"
        for name, spec in CATALOG.commands.items()
        for field in msgspec.structs.fields(spec.command)
        if field.name != "listener" and not _described(CATALOG.schema(spec.command)["properties"][field.encode_name])
    ]
    assert bare == []


def _described(schema: dict[str, object]) -> bool:
    parts = schema.get("anyOf")
    return "description" in schema or (isinstance(parts, list) and any(_described(part) for part in parts))


@pytest.mark.parametrize("code", list(Code), ids=lambda code: code.wire)
def test_code_is_documented_and_raised(code: Code) -> None:
    assert f"`{code.wire}`" in (PAGES / "errors.md").read_text("utf-8")
    assert code.name in raised_codes(), f"nothing raises Code.{code.name}"


def test_every_setting_is_described() -> None:
    for row in settings():
        assert row.schema.get("title"), f"{row.name} has no title"
        assert len(row.schema.get("description", "")) > 10, f"{row.name} has no description"
        assert "default" in row.schema, f"{row.name} has no default"
        assert row.schema.get("x-takes-effect") in ("live", "restart"), f"{row.name}: live or after a restart?"


def test_every_setting_is_on_the_page() -> None:
    page = (ROOT / "docs" / "settings.md").read_text("utf-8")
    for row in settings():
        assert f"| `{row.name}` |" in page
        assert f" `{row.environment_name}` |" in page
        assert row.short_environment_name is None or f"| `{row.short_environment_name}`, " in page


def test_settings_schema_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert write_settings(["--check"], ROOT) == 0, capsys.readouterr().err


def test_changelog_is_at_our_version() -> None:
    top = re.search(r"^## \[?([^\]\s]+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert top is not None
    assert top[1] == project_version()


def anchors(path: Path) -> set[str]:
    """Fragments that GitHub and most viewers make of the headings."""
    heads = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize(
    "path", [*HAND_WRITTEN, *sorted(PAGES.rglob("*.md"))], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        file, _, fragment = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{path.name}: {link}"
        if fragment and target.suffix == ".md":
            assert fragment in anchors(target), f"{path.name}: no heading for {link}"


def blocks(path: Path, language: str) -> Iterator[str]:
    """The fenced code blocks of one language."""
    yield from re.findall(rf"^```{language}\n(.*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def packet_fits(packet: type[Packet], text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=packet)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize("path", HAND_WRITTEN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_json_examples_are_real_packets(path: Path) -> None:
    """A block that starts with `{"cmd"` holds one packet a line; each is a command or a packet of ours."""
    packets = CATALOG.by_tag()
    for block in blocks(path, "json"):
        if not block.startswith('{"cmd"'):
            json.loads(block)
            continue
        for line in block.splitlines():
            cmd = json.loads(line)["cmd"]
            if any(packet_fits(packet, line.encode()) for packet in packets.get(cmd, ())):
                continue
            assert cmd in CATALOG.commands, f"{path.name}: neither command nor packet: {line}"
            decode(line.encode())


@pytest.mark.parametrize("path", HAND_WRITTEN, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_python_examples_compile(path: Path) -> None:
    for block in blocks(path, "python"):
        compile(block, str(path), "exec")


@pytest.mark.parametrize(
    ("language", "file"), [("nginx", "nginx.conf"), ("caddy", "Caddyfile"), ("ini", "originchats.service")]
)
def test_files_for_deploying_are_those_of_the_page(language: str, file: str) -> None:
    page = (ROOT / "docs" / "deploying.md").read_text("utf-8")
    (shown,) = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    assert shown == (ROOT / "deploy" / file).read_text("utf-8")
