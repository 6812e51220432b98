"""docs/settings.md, made from config.schema.json."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from protocol.pages import bounds_text, table

NOTE = "<!-- Made by `python -m protocol export` from config.schema.json. Do not edit. -->\n"
Schema = dict[str, Any]


def settings(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Every setting as its dotted name and its schema, in file order; sections themselves are not settings."""

    def walk(node: Schema, path: tuple[str, ...]) -> Iterator[tuple[str, Schema]]:
        for name, raw in node.get("properties", {}).items():
            child = _resolved(raw, schema)
            if name.startswith("$"):
                continue
            if "properties" in child:
                yield from walk(child, (*path, name))
            else:
                yield ".".join((*path, name)), child

    yield from walk(_resolved(schema, schema), ())


def environment_name(setting: str) -> str:
    """`websocket.port` -> `ORIGINCHATS_WEBSOCKET_PORT`."""
    return "ORIGINCHATS_" + setting.replace(".", "_").upper()


def settings_page(schema: Schema) -> str:
    """One table a section: setting, meaning, default, unit, when a change counts, environment variable."""
    parts = [
        NOTE, "# Settings\n",
        "`config.json` holds the settings; a key that is left out has its default. Editors complete the keys through "
        "`$schema`. An environment variable wins over the file; its value is read as JSON, or else as text. Of two "
        "names the long one wins, and an empty short one counts as not set. Variables can also stand in a file `.env` "
        "beside `config.json` (`NAME=value`, one a line, nothing is inserted for `$`); those of the process win over "
        "it. "
        "*Live* settings count within a second of saving, the others after a restart (a change is named in the log and "
        "left alone). An unknown key is an error that suggests the nearest known one, and a broken file changes "
        "nothing.\n",
    ]  # fmt: skip
    sections: dict[str, list[tuple[str, Schema]]] = {}
    for name, node in settings(schema):
        sections.setdefault(name.partition(".")[0], []).append((name, node))
    for section, entries in sections.items():
        parts.append(f"## {section}\n")
        about = _resolved(schema.get("properties", {}).get(section, {}), schema)
        if "properties" in about and about.get("description"):
            parts.append(f"{about['description']}\n")
        rows = [_row(name, node) for name, node in entries]
        parts.append(table(("Setting", "Meaning", "Type", "Default", "Unit", "Changes count", "Environment"), rows))
    return "\n".join(parts)


def _row(name: str, node: Schema) -> tuple[str, ...]:
    when = "after a restart" if node.get("x-takes-effect") == "restart" else "live"
    default = f"`{json.dumps(node['default'], ensure_ascii=False)}`" if "default" in node else ""
    short = f"`{node['x-environment']}`, " if "x-environment" in node else ""
    meaning = f"*{node.get('title', name)}.* {node.get('description', '')}"
    return (
        f"`{name}`", meaning, ", ".join(filter(None, [_kind(node), bounds_text(node)])), default,
        str(node.get("x-unit") or ""), when, f"{short}`{environment_name(name)}`",
    )  # fmt: skip


def _kind(node: Schema) -> str:
    if "enum" in node:
        return " or ".join(f"`{json.dumps(value)}`" for value in node["enum"])
    if "anyOf" in node:
        return " or ".join(_kind(part) for part in node["anyOf"])
    kind = node.get("type", "")
    if kind == "array":
        return f"list of {_kind(node.get('items') or {})}"
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _resolved(node: Schema, root: Schema) -> Schema:
    """`node` with a local `$ref` followed; keys beside the reference win."""
    if "$ref" not in node:
        return node
    target: Any = root
    for part in node["$ref"].removeprefix("#/").split("/"):
        target = target[part]
    return {**_resolved(target, root), **{key: value for key, value in node.items() if key != "$ref"}}
