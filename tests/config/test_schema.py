"""Every setting is described, and what is generated from the table is current."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from config.__main__ import generated, main
from config.check import fault_of
from config.description import (
    Setting,
    default_document,
    environment_names,
    expected,
    from_document,
    json_schema,
    settings,
    to_document,
)
from config.schema import Config
from config.setting import LIVE, RESTART

ROOT = Path(__file__).resolve().parents[2]

DOCUMENTED_DEFAULTS: dict[str, Any] = {
    "limits.post_content": 2000,
    "limits.search_results": 30,
    "uploads.emoji_allowed_file_types": ["gif", "jpg", "jpeg", "png"],
    "attachments.enabled": True,
    "attachments.max_size": 104857600,
    "attachments.permanent_expiration_days": 365,
    "attachments.permanent_tiers": ["pro", "max"],
    "attachments.allowed_types": ["image/*", "video/*", "audio/*", "application/pdf"],
    "attachments.uploads_per_minute": 10,
    "attachments.subscription_cache_ttl": 300,
    "attachments.max_attachments_per_user": -1,
    "attachments.free_tier_max_expiration_days": 7,
    "attachments.compression.enabled": True,
    "attachments.compression.max_width": 1920,
    "attachments.compression.max_height": 1920,
    "attachments.compression.jpeg_quality": 85,
    "attachments.compression.webp_quality": 85,
    "attachments.compression.png_compression": 6,
    "rate_limiting.enabled": True,
    "rate_limiting.messages_per_minute": 60,
    "rate_limiting.burst_limit": 10,
    "rate_limiting.cooldown_seconds": 30,
    "modlog.enabled": True,
    "modlog.retention.default": 90,
    "modlog.retention.user_moderation": 365,
    "modlog.retention.role_management": 365,
    "modlog.retention.channel_management": 180,
    "modlog.retention.message_moderation": 90,
    "modlog.retention.server_management": 180,
    "DB.channels": "db/channels.json",
    "DB.users.file": "db/users.json",
    "DB.users.default.roles": ["user"],
    "websocket.host": "127.0.0.1",
    "websocket.port": 5613,
    "service.name": "OriginChats",
    "service.version": "1.0.0",
    "server.name": "My OriginChats Server",
    "server.owner.name": "Admin",
    "server.icon": None,
    "server.banner": None,
    "server.url": None,
    "auth_mode": "cracked",
    "cracked.allow_registration": True,
}
"""What the upstream server documents, except auth_mode: here a fresh server needs no other service."""


@pytest.mark.parametrize("row", settings(), ids=lambda row: row.name)
def test_each_setting_says_what_it_is(row: Setting) -> None:
    assert row.schema.get("title"), "needs a title"
    assert len(row.schema.get("description", "")) >= 10, "needs a description"
    assert "default" in row.schema, "needs a default"
    assert row.schema.get("x-takes-effect") in (LIVE, RESTART), "must say when it takes effect"
    assert row.schema["markdownDescription"].startswith(row.schema["description"])
    if {"integer", "number"} & {row.schema.get("type")} and row.name != "websocket.port":
        assert "minimum" in row.schema, "a number needs bounds"
        assert "maximum" in row.schema, "a number needs bounds"
        assert "x-unit" in row.schema or "compression" in row.name, "a number needs a unit"
    assert expected(row.schema)


def test_every_pattern_is_told_in_words() -> None:
    def walk(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            if isinstance(node.get("pattern"), str):
                yield node
            for child in node.values():
                yield from walk(child)
        elif isinstance(node, list):
            for child in node:
                yield from walk(child)

    found = list(walk(json_schema()))
    assert len(found) > 5
    for node in found:
        assert "such as" in node["x-form"], node
        assert node["pattern"] not in expected({"type": "string"} | node)
    assert fault_of("server.url", "chat") == (
        'found "chat", expected an address such as https://chat.example.org, of at most 500 characters or null'
    )
    assert fault_of("websocket.allowed_origins", ["chat"]) is not None


def test_each_section_says_what_it_is() -> None:
    def walk(schema: dict[str, Any]) -> None:
        for child in schema["properties"].values():
            if "properties" in child:
                assert child["title"]
                assert child["description"]
                walk(child)

    walk(json_schema())


def test_unknown_keys_are_refused_in_every_section_but_one() -> None:
    def walk(schema: dict[str, Any], path: str) -> None:
        assert schema["additionalProperties"] is (path == ".DB.users.default"), path
        for key, child in schema["properties"].items():
            if "properties" in child:
                walk(child, f"{path}.{key}")

    walk(json_schema(), "")


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


def test_names_of_environment_variables_are_distinct() -> None:
    assert len(environment_names()) == len(settings())
    assert "ORIGINCHATS_CRACKED_ALLOW_REGISTRATION" in environment_names()


@pytest.mark.parametrize(("name", "default"), DOCUMENTED_DEFAULTS.items())
def test_defaults_are_the_documented_ones(name: str, default: Any) -> None:
    row = next(row for row in settings() if row.name == name)
    assert row.schema["default"] == default


def test_defaults_pass_their_own_schema() -> None:
    jsonschema.validate(default_document(), json_schema())
    assert from_document(default_document()) == Config()


def test_a_document_survives_the_way_through_the_types() -> None:
    document = default_document()
    document["DB"]["users"]["default"] = {"roles": ["user", "guest"], "nickname": "new", "extra": 1}
    config = from_document(document)
    assert config.DB.users.default.extra == {"nickname": "new", "extra": 1}
    assert to_document(config) == document


def test_generated_files_are_current() -> None:
    for name, content in generated().items():
        assert (ROOT / name).read_bytes() == content, f"{name} is not current: run `make docs`"


def test_config_json_of_the_repository_spells_out_the_defaults() -> None:
    text = (ROOT / "config.json").read_text("utf-8")
    if shutil.which("git") and (ROOT / ".git").exists():  # the host may have edited the file itself
        shown = subprocess.run(["git", "show", ":config.json"], cwd=ROOT, capture_output=True, check=True)
        text = shown.stdout.decode()
    assert json.loads(text) == default_document(), "run `python -m config --defaults > config.json`"
    assert next(iter(json.loads(text).items())) == ("$schema", "./config.schema.json")


def test_bounds_are_those_that_hold() -> None:
    rows = {row.name: row.schema for row in settings()}
    assert rows["limits.search_results"]["maximum"] == 50
    for url in ("sqlite:////srv/messages.sqlite3", "postgresql://host/chat", "postgres://u:p@host:5432/chat"):
        assert re.match(rows["DB.url"]["pattern"], url)
    for url in ("mysql://host/chat", "messages.sqlite3", "sqlite://"):
        assert not re.match(rows["DB.url"]["pattern"], url), "SQLite files and PostgreSQL are served"


def test_python_m_config_writes_and_checks(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["--check"], tmp_path) == 1
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    (tmp_path / "config.schema.json").write_text("{}")
    assert main(["--check"], tmp_path) == 1
    capsysbinary.readouterr()
    assert main(["--defaults"], tmp_path) == 0
    assert json.loads(capsysbinary.readouterr().out) == default_document()
