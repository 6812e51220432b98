"""The protocol as an AsyncAPI 3.0 document, seen from the server: it receives commands and sends packets."""

from __future__ import annotations

from typing import Any

from protocol.base import Packet, Spec
from protocol.catalog import Catalog, tag_of

CHANNEL = "#/channels/connection"


def document(version: str) -> dict[str, Any]:
    """`version` is that of the project."""
    catalog = Catalog("#/components/schemas/")
    messages: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    for spec in catalog.commands.values():
        messages[f"{spec.name}.command"] = _command_message(catalog, spec)
        operations[spec.name] = _operation(catalog, spec)
    for packet in catalog.packets:
        messages[_key(catalog, packet)] = _packet_message(catalog, packet)
    spoken = {packet for spec in catalog.commands.values() for packet in (spec.reply, *spec.events)}
    unasked = [packet for packet in catalog.packets if packet not in spoken]
    if unasked:
        operations["server_only"] = {
            "action": "send", "channel": {"$ref": CHANNEL}, "summary": "Sent without being asked.",
            "messages": [_in_channel(_key(catalog, packet)) for packet in unasked],
        }  # fmt: skip
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Community chat", "version": version, "license": {"name": "MIT"},
            "description": "JSON text frames over one WebSocket; one object a frame, named by `cmd`.",
        },
        "defaultContentType": "application/json",
        "servers": {"local": {"host": "127.0.0.1:5613", "protocol": "ws", "description": "A server on its defaults."}},
        "channels": {
            "connection": {
                "address": "/",
                "description": "The one WebSocket of a client.",
                "messages": {key: {"$ref": f"#/components/messages/{key}"} for key in messages},
            }
        },
        "operations": operations,
        "components": {"messages": messages, "schemas": catalog.schemas},
    }  # fmt: skip


def _key(catalog: Catalog, packet: type[Packet]) -> str:
    return f"{tag_of(packet)}.{catalog.names[packet]}"


def _in_channel(key: str) -> dict[str, str]:
    return {"$ref": f"{CHANNEL}/messages/{key}"}


def _command_message(catalog: Catalog, spec: Spec) -> dict[str, Any]:
    return {
        "name": spec.name, "summary": spec.does, "payload": {"$ref": catalog.prefix + catalog.names[spec.command]},
        "examples": [{"payload": spec.example}],
    }  # fmt: skip


def _packet_message(catalog: Catalog, packet: type[Packet]) -> dict[str, Any]:
    message: dict[str, Any] = {"name": tag_of(packet), "payload": {"$ref": catalog.prefix + catalog.names[packet]}}
    if summary := catalog.schema(packet).get("description"):
        message["summary"] = summary
    return message


def _operation(catalog: Catalog, spec: Spec) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": "receive", "channel": {"$ref": CHANNEL}, "summary": spec.does, "description": spec.allowed,
        "messages": [_in_channel(f"{spec.name}.command")],
    }  # fmt: skip
    answers = list(dict.fromkeys([*([spec.reply] if spec.reply else []), *spec.events]))
    if answers:
        replies = [_in_channel(_key(catalog, packet)) for packet in answers]
        operation["reply"] = {"channel": {"$ref": CHANNEL}, "messages": replies}
    return operation
