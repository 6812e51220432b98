"""All packets with their JSON Schemas: what the pages, the schema file and the AsyncAPI document are made of."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import msgspec

from protocol.all import FAMILIES
from protocol.base import COMMANDS, Command, Packet, Spec

JsonSchema = dict[str, Any]
ENVELOPE = ("cmd", "listener", "seq")
"""Fields that every packet may carry; the pages describe them once, not on every page."""


def packet_types() -> list[type[Packet]]:
    """Every packet of the protocol, in the order of definition (those of tests are left out)."""

    def below(base: type[Packet]) -> Iterator[type[Packet]]:
        for child in base.__subclasses__():
            yield child
            yield from below(child)

    found = [t for t in below(Packet) if t.__module__.startswith("protocol.") and tag_of(t) != t.__name__]
    return sorted(found, key=lambda packet: FAMILIES.index(family_of(packet)))  # not as they happened to be imported


def tag_of(packet: type[Packet] | type[Command]) -> str:
    """The value of `cmd` of a packet type."""
    return str(packet.__struct_config__.tag)


def family_of(packet: type[Packet] | type[Command]) -> str:
    """`protocol.messages` -> `messages`."""
    return packet.__module__.rpartition(".")[2]


def family_title(family: str) -> str:
    """First sentence of the family module's docstring, without the full stop."""
    doc = sys.modules[f"protocol.{family}"].__doc__ or family
    return doc.strip().splitlines()[0].partition(". ")[0].rstrip(".")


class Catalog:
    """Commands, packets and objects with their schemas. `prefix` is where `$ref` points, such as `#/$defs/`."""

    def __init__(self, prefix: str = "#/$defs/") -> None:
        self.commands: dict[str, Spec] = {
            name: spec for family in FAMILIES for name, spec in COMMANDS.items() if family_of(spec.command) == family
        }
        self.packets: list[type[Packet]] = packet_types()
        self.prefix = prefix
        types: list[Any] = [*(s.command for s in self.commands.values()), *self.packets]
        self.schemas: dict[str, JsonSchema]
        refs, self.schemas = msgspec.json.schema_components(types, ref_template=prefix + "{name}")
        self.names: dict[Any, str] = {
            t: ref["$ref"].removeprefix(prefix) for t, ref in zip(types, refs, strict=True)
        }  # fmt: skip
        self.schemas = {name: _without_python_words(self.schemas[name]) for name in sorted(self.schemas)}

    def schema(self, packet: type[Packet] | type[Command]) -> JsonSchema:
        return self.schemas[self.names[packet]]

    def objects(self) -> dict[str, JsonSchema]:
        """The schemas that are neither a command nor a packet, by name."""
        taken = set(self.names.values())
        return {name: schema for name, schema in self.schemas.items() if name not in taken}

    def by_tag(self) -> dict[str, list[type[Packet]]]:
        """Packets by their `cmd`, sorted; some names have more than one shape."""
        found: dict[str, list[type[Packet]]] = {}
        for packet in self.packets:
            found.setdefault(tag_of(packet), []).append(packet)
        return dict(sorted(found.items()))

    def senders_of(self, packet: type[Packet]) -> list[str]:
        """The commands that are answered with this packet or cause it."""
        return [s.name for s in self.commands.values() if packet is s.reply or packet in s.events]


def _without_python_words(schema: JsonSchema) -> JsonSchema:
    """`description` of a class is its docstring: one paragraph, without the indentation of the source."""
    text = schema.get("description")
    if isinstance(text, str):
        schema = {**schema, "description": " ".join(text.split())}
    return schema
