"""The page and the generated files of the HTTP chat API are true."""

from __future__ import annotations

import json
import re
from itertools import groupby
from pathlib import Path

import msgspec
import pytest

from gateways.chat_api.items import EVERYWHERE
from gateways.chat_api.openapi import DOCUMENT, PAGE, document, main
from gateways.chat_api.operations import ROWS
from gateways.chat_api.types import Item, ItemType, ProblemDetails, Registered
from protocol.export import ROOT

TEXT = (ROOT / "docs" / "http-api.md").read_text("utf-8")
CURLS = [line for line in TEXT.splitlines() if line.startswith("curl ")]


def test_generated_files_are_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_stale_files_are_named_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n', "utf-8")
    assert main(["--check"], tmp_path) == 1
    assert DOCUMENT in capsys.readouterr().err
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    assert json.loads((tmp_path / DOCUMENT).read_text("utf-8"))["info"]["version"] == "1.2.3"
    assert "## POST /messages" in (tmp_path / PAGE).read_text("utf-8")


def test_rows_with_the_same_path_are_neighbours_and_names_are_unique() -> None:
    paths = [path for path, _ in groupby(ROWS, lambda row: row.path)]
    assert len(paths) == len(set(paths))
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert len(document("1")["paths"]) == len(paths)


@pytest.mark.parametrize("line", CURLS)
def test_examples_are_operations_with_a_body_that_fits(line: str) -> None:
    method = (re.search(r"-X (\w+)", line) or ["", "GET"])[1]
    path = (re.search(r"\$API(/[^\s?\"]*)", line) or ["", ""])[1]
    path = re.sub(r"^/channels/garden", "/channels/{name}", path)
    row = next(row for row in ROWS if (row.method, row.path) == (method, path))
    body = re.search(r"-d '(.*)'", line)
    assert (body is not None) == (row.body is not None)
    if body is not None:
        msgspec.json.decode(body[1], type=row.body)
    assert ("Authorization" in line) == row.auth


def test_examples_of_answers_fit_their_types() -> None:
    blocks = re.findall(r"^```json\n(.*?)\n```", TEXT, re.MULTILINE | re.DOTALL)
    for block, type_ in zip(blocks, (Registered, Item, ProblemDetails), strict=True):
        assert msgspec.json.encode(msgspec.json.decode(block, type=type_)) == msgspec.json.encode(json.loads(block))


def test_every_type_of_item_and_status_is_on_the_page() -> None:
    types: tuple[str, ...] = ItemType.__args__  # type: ignore[attr-defined]
    for name in (*types, EVERYWHERE):
        assert f"`{name}`" in TEXT, name
    for status in {status for row in ROWS for status in row.statuses} - {500}:
        assert re.search(rf"^\|.*\b{status}\b", TEXT, re.MULTILINE), status
