"""The OpenAPI 3.1 document and the reference page, made from the table of operations and their types.

`python -m gateways.chat_api.openapi [--check]` writes them to docs/, or names those that are not current.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec

from gateways.chat_api.endpoint import Row
from gateways.chat_api.operations import ROWS
from gateways.chat_api.problems import MEDIA_TYPE
from gateways.chat_api.types import ChannelRef, PostBody, ProblemDetails
from protocol.export import ROOT, project_version

PREFIX = "#/components/schemas/"
JSON = "application/json"
DOCUMENT = "docs/openapi.json"
PAGE = "docs/http-api-reference.md"


def document(version: str) -> dict[str, Any]:
    """version: of the server."""
    found = {
        type_: None
        for row in ROWS
        for type_ in (row.query, row.body, row.reply)
        if type_ is not None and not isinstance(type_, dict)
    }
    types = [*_without_twins(found), ProblemDetails, ChannelRef]
    schemas, components = msgspec.json.schema_components(types, ref_template=PREFIX + "{name}")
    known = list(zip(types, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for row in ROWS:
        paths.setdefault(row.path, {})[row.method.lower()] = _operation(row, known, components)
    for row in ROWS:
        if row.query is not None:
            components.pop(row.query.__name__, None)
    components[PostBody.__name__]["oneOf"] = [{"required": ["content"]}, {"required": ["body"]}]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "HTTP chat API",
            "version": version or "0",
            "description": "Chat by plain HTTP requests; the session lives on the server.",
        },
        "servers": [{"url": "/api/v1"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "securitySchemes": {
                "session": {"type": "http", "scheme": "bearer", "description": "`token` of the answer of /register."}
            },
        },
    }


def _without_twins(types: Any) -> list[Any]:
    found: list[Any] = []
    for type_ in types:
        if type_ not in found:
            found.append(type_)
    return found


def encoded(made: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(made), indent=1) + b"\n"


def _operation(row: Row, known: Sequence[tuple[Any, Any]], components: dict[str, Any]) -> dict[str, Any]:
    def schema(wanted: Any) -> dict[str, Any]:
        found: dict[str, Any] = next(schema for type_, schema in known if type_ == wanted)
        return found

    operation: dict[str, Any] = {"operationId": row.name, "summary": row.does}
    operation["security"] = [{"session": []}] if row.auth else []
    parameters: list[dict[str, Any]] = []
    if "{name}" in row.path:
        name = {"name": "name", "in": "path", "required": True, "schema": schema(ChannelRef)}
        parameters.append({**name, "description": "Name of the channel; a `#` before it is written %23."})
    if row.query is not None:
        parameters += _parameters(components[row.query.__name__])
    if parameters:
        operation["parameters"] = parameters
    if row.body is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": schema(row.body)}}}
    success: dict[str, Any] = {"description": HTTPStatus(row.status).phrase}
    if row.reply is not None:
        success["content"] = {JSON: {"schema": schema(row.reply)}}
    problem = {MEDIA_TYPE: {"schema": schema(ProblemDetails)}}
    operation["responses"] = {str(row.status): success} | {
        str(status): {"description": HTTPStatus(status).phrase, "content": problem} for status in row.statuses
    }
    return operation


def _parameters(query: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name, schema in query["properties"].items():
        shape = {key: value for key, value in schema.items() if key != "description"}
        parameter = {"name": name, "in": "query", "required": name in query.get("required", ()), "schema": shape}
        if "description" in schema:
            parameter["description"] = schema["description"]
        yield parameter


# --- the page ------------------------------------------------------------------------------------------------------


def page(made: dict[str, Any]) -> str:
    """The reference for people."""
    lines = [
        "# Reference of the HTTP chat API", "",
        "Made from the types by `make docs`. How it is used: [http-api.md](http-api.md). For programs: "
        "[openapi.json](openapi.json), which the server gives at `/api/v1/openapi.json`.", "",
    ]  # fmt: skip
    for path, methods in made["paths"].items():
        for method, operation in methods.items():
            lines += [f"## {method.upper()} {path}", "", operation["summary"], ""]
            lines += _rows_of_operation(operation)
    lines += ["# Objects", ""]
    for name, schema in made["components"]["schemas"].items():
        lines += [f"## {name}", ""]
        if "description" in schema:
            lines += [" ".join(schema["description"].split()), ""]
        lines += ["| Field | Type | |", "| --- | --- | --- |"]
        required = schema.get("required", ())
        for field, shape in schema["properties"].items():
            lines.append(_field(field, shape, field in required))
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _rows_of_operation(operation: dict[str, Any]) -> list[str]:
    lines = []
    parameters = operation.get("parameters", [])
    if parameters:
        lines += ["| Parameter | Type | |", "| --- | --- | --- |"]
        for each in parameters:
            shape = {**each["schema"], "description": each.get("description", "")}
            lines.append(_field(each["name"], shape, each["required"]))
        lines.append("")
    facts = [] if operation["security"] else ["Without a token."]
    if "requestBody" in operation:
        facts.append(f"Body: {_type(operation['requestBody']['content'][JSON]['schema'])}.")
    answers = list(operation["responses"].items())
    status, success = answers[0]
    answer = _type(success["content"][JSON]["schema"]) if "content" in success else "nothing"
    facts.append(f"Answer: {status}, {answer}.")
    facts.append(f"Problems: {', '.join(status for status, _ in answers[1:])}.")
    return [*lines, " ".join(facts), ""]


def _field(name: str, shape: dict[str, Any], required: bool) -> str:
    told = shape.get("description", "")
    if not required and "default" in shape and shape["default"] not in ([], {}, ""):
        told = f"{told} Default: `{msgspec.json.encode(shape['default']).decode()}`.".lstrip()
    mark = "" if required or "default" in shape else " Optional."
    text = " ".join(f"{told}{mark}".split()).replace("|", "\\|")
    return f"| `{name}` | {_type(shape)} | {text} |"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(PREFIX)
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}"
    text = str(schema.get("type", "anything"))
    low, high = schema.get("minimum", schema.get("minLength")), schema.get("maximum", schema.get("maxLength"))
    if low is not None and high is not None:
        unit = " characters" if text == "string" else ""
        return f"{text}, {low} to {high}{unit}"
    return f"{text}, at most {high} characters" if high is not None else text


def files(root: Path = ROOT) -> dict[str, bytes]:
    """Path below `root` -> content."""
    made = document(project_version(root))
    return {DOCUMENT: encoded(made), PAGE: page(made).encode()}


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Returns the exit code: 1 when `--check` finds files that are not current."""
    parser = argparse.ArgumentParser(description="Description of the HTTP chat API, made from its types.")
    parser.add_argument("--check", action="store_true", help="write nothing; name stale files and exit 1")
    check = parser.parse_args(arguments).check
    made = files(root)
    stale = [path for path, text in made.items() if not (root / path).is_file() or (root / path).read_bytes() != text]
    for path in stale:
        if check:
            print(f"stale: {path}; run: make docs", file=sys.stderr)
        else:
            (root / path).write_bytes(made[path])
            print(f"written: {path}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
