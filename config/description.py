"""What is derived from the table of settings: the JSON Schema, the list of settings, the default file."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from config.schema import Config
from config.setting import RESTART

ENVIRONMENT_PREFIX = "ORIGINCHATS_"

OPEN_SECTION = ("DB", "users", "default")
"""The one section with keys of the host's own choice; they are kept in `MemberDefaults.extra`."""


class Setting(Struct, frozen=True):
    """One row of the table."""

    path: tuple[str, ...]
    schema: dict[str, Any]
    """Its JSON Schema: title, description, default, type, bounds, x-form, x-unit, x-takes-effect."""

    @property
    def name(self) -> str:
        return ".".join(self.path)

    @property
    def environment_name(self) -> str:
        return ENVIRONMENT_PREFIX + "_".join(self.path).upper()

    @property
    def short_environment_name(self) -> str | None:
        return self.schema.get("x-environment")

    @property
    def needs_restart(self) -> bool:
        return bool(self.schema["x-takes-effect"] == RESTART)


@functools.cache
def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of config.json, without references. Shared: do not change it."""
    generated = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(Config)))  # defaults as lists, not tuples
    described = _inlined(generated, generated["$defs"])
    new_member = functools.reduce(lambda node, key: node["properties"][key], OPEN_SECTION, described)
    del new_member["properties"]["extra"]
    new_member["additionalProperties"] = True
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **described,
        "title": "config.json of an OriginChats server",
    }


@functools.cache
def settings() -> tuple[Setting, ...]:
    """Every setting, in the order of the file; `$schema` is none."""
    rows = _leaves(json_schema(), ())
    return tuple(Setting(path, schema) for path, schema in rows if path != ("$schema",))


def to_document(config: Config) -> dict[str, Any]:
    """The config.json that gives this `Config`."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(config))
    users = document["DB"]["users"]
    users["default"] = users["default"].pop("extra") | {"roles": users["default"]["roles"]}
    return document


def from_document(document: dict[str, Any]) -> Config:
    """The `Config` of a checked document; missing keys get their defaults. Raises msgspec.ValidationError."""
    try:
        new_member = dict(document["DB"]["users"]["default"])
    except KeyError:
        return msgspec.convert(document, Config)
    known = {"roles": new_member.pop("roles")} if "roles" in new_member else {}
    users = document["DB"]["users"] | {"default": known | {"extra": new_member}}
    return msgspec.convert(document | {"DB": document["DB"] | {"users": users}}, Config)


def default_document() -> dict[str, Any]:
    """The config.json that spells out every default."""
    return to_document(Config())


def environment_names() -> dict[str, Setting]:
    return {row.environment_name: row for row in settings()}


def short_environment_names() -> dict[str, Setting]:
    return {row.short_environment_name: row for row in settings() if row.short_environment_name is not None}


def expected(schema: dict[str, Any]) -> str:
    """What a value has to be, in words, e.g. `a whole number from 1 to 100 (percent)`."""
    if "anyOf" in schema:
        alternatives = [expected(_with_bounds(option, schema)) for option in schema["anyOf"]]
        return " or ".join(alternatives) + _unit(schema)
    if "enum" in schema:
        return "one of " + ", ".join(f'"{value}"' for value in schema["enum"])
    words = {
        "integer": "a whole number",
        "number": "a number",
        "string": "text",
        "boolean": "true or false",
        "null": "null",
        "object": "an object",
        "array": "a list",
    }[schema["type"]]
    words = str(schema.get("x-form", words))
    if schema.get("items"):
        words += (", each " if "x-form" in schema["items"] else " of ") + expected(schema["items"])
    words += _between(schema.get("minimum"), schema.get("maximum"), "")
    length = _between(schema.get("minLength"), schema.get("maxLength"), " characters")
    if "x-form" in schema:
        return words + ("," + length if length else "") + _unit(schema)
    words += length
    if "pattern" in schema:
        words += f" of the form {schema['pattern']}"
    return words + _unit(schema)


def _with_bounds(option: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    numeric, textual = ("minimum", "maximum"), ("minLength", "maxLength", "pattern", "x-form")
    bounds = {"integer": numeric, "number": numeric, "string": textual}.get(option.get("type", ""), ())
    return option | {key: schema[key] for key in bounds if key in schema}


def _between(least: float | None, most: float | None, noun: str) -> str:
    if least is not None and most is not None:
        return f" from {least} to {most}{noun}" if not noun else f" of {least} to {most}{noun}"
    if most is not None:
        return f" of at most {most}{noun}" if noun else f" up to {most}"
    if least is not None:
        return f" of {least} or more{noun}" if noun else f" from {least}"
    return ""


def _unit(schema: dict[str, Any]) -> str:
    return f" ({schema['x-unit']})" if "x-unit" in schema else ""


def _inlined(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    here = {key: value for key, value in schema.items() if key not in ("$ref", "$defs")}
    if "$ref" in schema:
        here = definitions[schema["$ref"].rpartition("/")[2]] | here
        here.pop("default", None)  # that of a section is the sum of the defaults in it
    if "properties" in here:
        here["properties"] = {key: _inlined(child, definitions) for key, child in here["properties"].items()}
    if "items" in here:
        here["items"] = _inlined(here["items"], definitions)
    return here


def _leaves(schema: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    for key, child in schema["properties"].items():
        if "properties" in child:
            yield from _leaves(child, (*path, key))
        else:
            yield (*path, key), child
