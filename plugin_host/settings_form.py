"""The settings of a plugin as fields of a form: made from their type, shown with their values, and changed in the
document of the file. Reads and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from config.check import nearest
from config.description import expected
from plugin_api import Settings
from protocol.errors import Code, Refused
from protocol.plugins import PluginSetting

MAX_VALUE_BYTES = 65_536
"""Of one value, as JSON."""
MAX_DEPTH = 4
"""Of structs in structs; what is deeper is one value."""
SWITCH = "enabled"
"""No field: `plugin_set_enabled` is for it."""
TYPES = {"boolean": "boolean", "integer": "integer", "number": "number", "string": "text"}


class Field(Struct, frozen=True):
    """One setting. schema: its JSON Schema. secret: the value, or a part of it, must not be sent."""

    path: tuple[str, ...]
    schema: dict[str, Any]
    secret: bool = False

    @property
    def key(self) -> str:
        return ".".join(self.path)

    @property
    def nullable(self) -> bool:
        return any(option.get("type") == "null" for option in self.schema.get("anyOf", ()))

    @property
    def node(self) -> dict[str, Any]:
        """The schema of a value that is not null."""
        options = [option for option in self.schema.get("anyOf", ()) if option.get("type") != "null"]
        return self.schema | options[0] if len(options) == 1 else self.schema

    @property
    def part(self) -> dict[str, Any]:
        """The schema of each entry of a list or table; empty for other values."""
        found = self.node.get("items") or self.node.get("additionalProperties")
        return found if isinstance(found, dict) else {}

    @property
    def type(self) -> str:
        node = self.node
        if "enum" in node:
            return "choice" if all(isinstance(value, str) for value in node["enum"]) else "other"
        if self.part.get("type") == "string" and "enum" not in self.part:
            return "list" if node["type"] == "array" else "table"
        return TYPES.get(node.get("type", ""), "other")


class Form(Struct, frozen=True):
    """sections: title and description of each struct in the settings, by the path before its fields' last dot."""

    fields: dict[str, Field]
    sections: dict[str, list[str]]


def form(type_: type[Settings]) -> Form:
    """Every setting but `enabled`, in the order of the type; none where no schema can describe it."""
    try:
        schema = msgspec.json.decode(msgspec.json.encode(msgspec.json.schema(type_)))
    except TypeError:
        return Form({}, {})
    definitions, sections = schema.get("$defs", {}), dict[str, list[str]]()
    some_secret = has_secret(definitions)

    def leaves(node: Mapping[str, Any], path: tuple[str, ...], secret: bool) -> Iterator[Field]:
        for name, child in node["properties"].items():
            here, hidden = (*path, name), secret or bool(child.get("writeOnly"))
            inner = definitions.get(child.get("$ref", "").rpartition("/")[2], {})
            if "properties" in inner and len(here) < MAX_DEPTH:
                sections[".".join(here)] = [child.get("title", _title(name)), child.get("description", "")]
                yield from leaves(inner, here, hidden)
            elif here != (SWITCH,):
                leaf = inner | {key: value for key, value in child.items() if key != "$ref"}
                hidden |= has_secret(leaf) or (some_secret and "$ref" in msgspec.json.encode(leaf).decode())
                yield Field(here, leaf, hidden)

    root = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return Form({field.key: field for field in leaves(root, (), False)}, sections)


def document_of(settings: Settings) -> dict[str, Any]:
    """The file that gives these settings."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(settings))
    return document


def entry(field: Field, document: Mapping[str, Any]) -> PluginSetting:
    """As clients see it. document: what counts now, complete."""
    node, part, value = field.node, field.part, value_at(document, field.path)
    texts = part or node
    bounds = {
        "minimum": node.get("minimum"),
        "maximum": node.get("maximum"),
        "min_length": texts.get("minLength"),
        "max_length": texts.get("maxLength"),
        "max_items": node.get("maxItems", node.get("maxProperties")),
        "pattern": texts.get("pattern"),
        "unit": node.get("x-unit"),
        "suggest": node.get("x-suggest"),
        "choices": node["enum"] if field.type == "choice" else None,
    }
    told: dict[str, Any] = {name: UNSET if bound is None else bound for name, bound in bounds.items()}
    if field.secret:
        shown = dict.fromkeys(value) if field.type == "table" and isinstance(value, dict) else None
        told |= {"default": None, "value": shown, "is_set": bool(value)}
    else:
        told |= {"default": node.get("default"), "value": value}
    return PluginSetting(
        key=field.key,
        title=node.get("title", _title(field.path[-1])),
        description=node.get("description", ""),
        type=field.type,  # type: ignore[arg-type]  # one of them
        nullable=field.nullable,
        secret=field.secret,
        **told,
    )


def changed(form: Form, document: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the changes in it; whether it is right is not looked at. Raises Refused for what is no setting,
    and for entries of secret tables that are to stay and are not there."""
    for key, value in changes.items():
        field = form.fields.get(key)
        if field is None:
            meant = nearest(key, list(form.fields))
            hint = f"; did you mean {meant}?" if meant is not None else ""
            raise Refused(Code.BAD_VALUE, field=f"changes.{key}", reason=f"there is no such setting{hint}")
        if len(msgspec.json.encode(value)) > MAX_VALUE_BYTES:
            raise Refused(Code.BAD_VALUE, field=f"changes.{key}", reason=f"at most {MAX_VALUE_BYTES} bytes")
        if field.secret and field.type == "table" and isinstance(value, dict):
            value = _with_kept(field, value, value_at(document, field.path))
        document = put(document, field.path, UNSET if value is None and not field.nullable else value)
    return document


def refusal(form: Form, changes: Mapping[str, Any], where: str, reason: str) -> Refused | None:
    """For a document that cannot be read any more after the changes: what is wrong with which of them. None when it is
    something else. where: path of the mistake, such as `raid.joins` or `words[3]`."""
    for key in changes:
        if where == key or where.startswith((f"{key}.", f"{key}[")):
            field = form.fields[key]
            told = f"expected {_wanted(field, inside=where != key)}" if field.type != "other" else reason
            return Refused(Code.BAD_VALUE, field=f"changes.{where}", reason=told)
    return None


def value_at(document: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """None where nothing is."""
    value: Any = document
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _wanted(field: Field, *, inside: bool) -> str:
    """inside: what an entry of a list or table has to be."""
    if inside:
        return expected(field.part)
    most = field.node.get("maxItems", field.node.get("maxProperties"))
    return expected(field.schema) + (f" with at most {most} entries" if most is not None else "")


def _with_kept(field: Field, value: Mapping[str, Any], now: Any) -> dict[str, Any]:
    """null for an entry leaves it as it is."""
    kept = now if isinstance(now, dict) else {}
    for name, text in value.items():
        if text is None and name not in kept:
            wanted = _wanted(field, inside=True)
            raise Refused(Code.BAD_VALUE, field=f"changes.{field.key}[{name}]", reason=f"expected {wanted}")
    return {name: kept[name] if text is None else text for name, text in value.items()}


def put(document: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """A copy with the value there; without anything there for UNSET."""
    name, *rest = path
    if rest:
        inner = document.get(name)
        value = put(inner if isinstance(inner, dict) else {}, tuple(rest), value)
    return {key: old for key, old in document.items() if key != name} if value is UNSET else document | {name: value}


def has_secret(node: Any) -> bool:
    """Whether a JSON Schema says of anything in it that it is secret."""
    if isinstance(node, dict):
        return node.get("writeOnly") is True or any(map(has_secret, node.values()))
    return isinstance(node, list) and any(map(has_secret, node))


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
