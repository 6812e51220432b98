"""Everything that is generated from the types: pages, JSON Schema, AsyncAPI, the page of settings."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import yaml

from protocol import asyncapi, pages
from protocol.catalog import Catalog
from protocol.errors import Code
from protocol.settings_page import settings_page

ROOT = Path(__file__).parent.parent
FOLDER = "docs/protocol"


def files(root: Path = ROOT) -> dict[str, str]:
    """Path below `root` -> content. Reads pyproject.toml and config.schema.json; the same input gives the same text."""
    catalog = Catalog()
    made = {f"{FOLDER}/{spec.name}.md": pages.command_page(catalog, spec) for spec in catalog.commands.values()}
    for tag, packets in pages.server_only(catalog).items():
        made[f"{FOLDER}/events/{tag}.md"] = pages.event_page(catalog, tag, packets)
    made[f"{FOLDER}/README.md"] = pages.index_page(catalog)
    made[f"{FOLDER}/objects.md"] = pages.objects_page(catalog)
    made[f"{FOLDER}/errors.md"] = pages.errors_page(catalog)
    made[f"{FOLDER}/schema.json"] = json.dumps(schema_document(catalog), indent=1, ensure_ascii=False) + "\n"
    made[f"{FOLDER}/asyncapi.yaml"] = _yaml(asyncapi.document(project_version(root)))
    schema_file = root / "config.schema.json"
    if schema_file.exists():
        made["docs/settings.md"] = settings_page(json.loads(schema_file.read_text("utf-8")))
    return made


def schema_document(catalog: Catalog) -> dict[str, Any]:
    """One JSON Schema file: `$defs` holds every type, `commands` and `packets` say which is which."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Every packet of the protocol",
        "anyOf": [{"$ref": catalog.prefix + name} for name in catalog.names.values()],
        "commands": {name: catalog.prefix + catalog.names[spec.command] for name, spec in catalog.commands.items()},
        "packets": {tag: [catalog.prefix + catalog.names[t] for t in types] for tag, types in catalog.by_tag().items()},
        "errors": {code.wire: code.value for code in Code},
        "$defs": catalog.schemas,
    }


def project_version(root: Path = ROOT) -> str:
    """`project.version` of pyproject.toml."""
    return str(tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["version"])


def export(root: Path = ROOT) -> list[str]:
    """Write what differs and remove pages of packets that are gone; returns the paths touched."""
    made, touched = files(root), stale(root)
    for path in touched:
        target = root / path
        if path in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(made[path], "utf-8", newline="\n")
        else:
            target.unlink()
    return touched


def stale(root: Path = ROOT) -> list[str]:
    """Paths that are missing, differ from what the types say, or should not be there; sorted."""
    made = files(root)
    wrong = [path for path, text in made.items() if not _is_text(root / path, text)]
    extra = [path.relative_to(root).as_posix() for path in (root / FOLDER).rglob("*") if path.is_file()]
    return sorted({*wrong, *(path for path in extra if path not in made)})


def _is_text(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text("utf-8") == text


def _yaml(document: dict[str, Any]) -> str:
    class Plain(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    return yaml.dump(document, Dumper=Plain, sort_keys=False, allow_unicode=True, width=120)
