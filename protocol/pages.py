"""Markdown pages of the protocol, made from the types."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from protocol.base import Packet, Spec
from protocol.catalog import ENVELOPE, Catalog, JsonSchema, family_of, family_title, tag_of
from protocol.errors import Code

NOTE = "<!-- Made by `python -m protocol export` from the types in protocol/. Do not edit. -->\n"
ANY_COMMAND = (
    Code.MALFORMED, Code.UNKNOWN_COMMAND, Code.BAD_VALUE, Code.AUTH_REQUIRED, Code.ALREADY_LOGGED_IN, Code.INTERNAL,
    Code.UNAVAILABLE,
)  # fmt: skip
"""Codes that any command may be refused with; a command's page names only the others."""


OF_UPLOADS = (
    Code.FILE_TOO_LARGE,
    Code.FILE_REFUSED,
    Code.TOO_MANY_FILES,
    Code.NO_ROOM_FOR_FILE,
    Code.TOO_MANY_UPLOADS,
    Code.DISK_FULL,
)
"""Codes of a route, which no command raises."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; empty text when there are no rows."""
    lines = [" | ".join(cell.replace("\n", " ").replace("|", "\\|") for cell in row) for row in rows]
    if not lines:
        return ""
    rule = " | ".join("---" for _ in head)
    return "".join(f"| {line} |\n" for line in [" | ".join(head), rule, *lines])


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    return text[:1].upper() + text[1:].rstrip(".") + "."


def type_text(schema: JsonSchema, up: str) -> str:
    """A schema in a few words. `up` is the way from the page to docs/protocol/."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}]({up}objects.md#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(type_text(part, up) for part in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {type_text(schema.get('items') or {}, up)}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {type_text(schema['additionalProperties'], up)} by name"
    return str(kind)


def description_of(schema: JsonSchema) -> str:
    """The description of a field, or of a part of it."""
    if "description" in schema:
        return str(schema["description"])
    return next((d for part in schema.get("anyOf", ()) if (d := description_of(part))), "")


def bounds_text(schema: JsonSchema) -> str:
    """Length, range and pattern of a value, bounds included."""
    found = [
        _span(schema.get("minLength"), schema.get("maxLength"), "characters"),
        _span(schema.get("minItems"), schema.get("maxItems"), "entries"),
        _span(schema.get("minimum"), schema.get("maximum"), ""),
        f"matches `{schema['pattern']}`" if "pattern" in schema else "",
        *(bounds_text(part) for part in schema.get("anyOf", ())),
    ]
    return ", ".join(filter(None, found))


def _span(least: float | None, most: float | None, noun: str) -> str:
    if least is None and most is None:
        return ""
    if least is not None and most is not None:
        words = f"{least} to {most}"
    else:
        words = f"at least {least}" if least is not None else f"at most {most}"
    return f"{words} {noun}".rstrip()


def fields_table(schema: JsonSchema, up: str) -> str:
    """Fields of a packet or object, without those every packet has."""
    required = set(schema.get("required", ()))
    rows = []
    for name, field in schema.get("properties", {}).items():
        if name in ENVELOPE and "cmd" in schema["properties"]:
            continue
        default = "" if field.get("default") is None else f"`{json.dumps(field['default'], ensure_ascii=False)}`"
        need = "yes" if name in required else "no"
        rows.append((f"`{name}`", type_text(field, up), need, default, bounds_text(field), description_of(field)))
    return table(("Field", "Type", "Required", "Default", "Bounds", "Meaning"), rows) or "No fields.\n"


def packet_section(catalog: Catalog, packet: type[Packet], up: str) -> str:
    """One packet: what it says, whether it is numbered, its fields."""
    schema = catalog.schema(packet)
    text = f"`{tag_of(packet)}`"
    if schema.get("description"):
        text += f": {schema['description']}"
    text += "\n\n"
    if packet.durable:
        text += f"Durable: it carries `seq`, and [resume]({up}../clients.md#never-missing-anything) replays it.\n\n"
    return text + fields_table(schema, up)


def command_page(catalog: Catalog, spec: Spec) -> str:
    """docs/protocol/<command>.md"""
    parts = [NOTE, f"# {spec.name}\n", f"{sentence(spec.does)}\n", "## Who may use it\n", _permission(spec)]
    parts += ["## Fields\n", fields_table(catalog.schema(spec.command), "")]
    parts += ["## Reply\n", _reply(catalog, spec)]
    if spec.events:
        parts.append("## Events\n")
        parts += [packet_section(catalog, packet, "") for packet in spec.events]
    parts += ["## Errors\n", _errors(spec)]
    parts += ["## Example\n", f"```json\n{json.dumps(spec.example, indent=2, ensure_ascii=False)}\n```\n"]
    return "\n".join(parts)


def _permission(spec: Spec) -> str:
    text = sentence(spec.allowed) + "\n"
    if spec.needs:
        text += f"\nServer permission: `{spec.needs}` (owner and administrator pass).\n"
    if spec.before_login:
        text += "\nUsable before login only.\n"
    if spec.limited:
        text += "\nCounts against the message limiter; over the limit the answer is a "
        text += "[`rate_limit`](events/rate_limit.md) packet and an `error` with the code `rate_limit`.\n"
    if spec.aside:
        text += "\nThe commands that follow do not wait for it; their answers may come first.\n"
    if spec.pace:
        text += f"\nCounts against [`limits.{spec.pace}`](../settings.md) of the caller.\n"
    return text


def _reply(catalog: Catalog, spec: Spec) -> str:
    if spec.reply is not None:
        return packet_section(catalog, spec.reply, "")
    if spec.events:
        return "The first event below is also the answer; the caller's copy carries the `listener`.\n"
    return "None of its own.\n"


def codes_of(spec: Spec) -> list[Code]:
    """What the command may be refused with, each code once."""
    by_dispatcher = {
        Code.PERMISSION_REQUIRED: spec.needs is not None,
        Code.RATE_LIMIT: spec.limited,
        Code.TOO_MANY_TRIES: spec.pace is not None,
    }
    return list(dict.fromkeys([*spec.errors, *(code for code, so in by_dispatcher.items() if so)]))


def _errors(spec: Spec) -> str:
    rows = [(f"`{code.wire}`", code.value) for code in codes_of(spec) if code not in ANY_COMMAND]
    general = "Any command may also be refused with the [general codes](errors.md#general).\n"
    return "\n".join(filter(None, [table(("Code", "Text"), rows), general]))


def event_page(catalog: Catalog, tag: str, packets: Sequence[type[Packet]]) -> str:
    """docs/protocol/events/<cmd>.md, for a packet that only the server sends."""
    parts = [NOTE, f"# {tag}\n", "Sent by the server.\n"]
    senders = sorted({name for packet in packets for name in catalog.senders_of(packet)})
    if senders:
        parts.append("Caused by: " + ", ".join(f"[{name}](../{name}.md)" for name in senders) + ".\n")
    for packet in packets:
        parts.append(packet_section(catalog, packet, "../"))
    return "\n".join(parts)


def objects_page(catalog: Catalog) -> str:
    """docs/protocol/objects.md: what travels inside packets."""
    parts = [NOTE, "# Objects\n", "Parts of packets that have a name. Optional fields may be absent.\n"]
    for name, schema in catalog.objects().items():
        parts.append(f"## {name}\n")
        if schema.get("description"):
            parts.append(f"{schema['description']}\n")
        parts.append(fields_table(schema, "") if "properties" in schema else f"{type_text(schema, '')}\n")
    return "\n".join(parts)


def errors_page(catalog: Catalog) -> str:
    """docs/protocol/errors.md: every code."""
    general = [(f"`{code.wire}`", code.value) for code in Code if code in ANY_COMMAND]
    users: dict[Code, list[str]] = {code: [] for code in Code}
    users[Code.FILE_BROKEN].append("no command: owners are told so when a file edited by hand cannot be read")
    users[Code.PLUGIN_OFF].append("no command: owners are told so when a plugin was switched off")
    users[Code.SERVER_NOTICE].append("no command: owners are told so what needs their attention")
    for code in OF_UPLOADS:
        users[code].append("no command: `POST /attachments/upload`")
    for spec in catalog.commands.values():
        for code in codes_of(spec):
            users[code].append(f"[{spec.name}]({spec.name}.md)")
    rows = [(f"`{c.wire}`", c.value, ", ".join(users[c])) for c in Code if c not in ANY_COMMAND]
    return "\n".join([
        NOTE, "# Errors\n",
        "A refused command changes nothing. The answer is `error` with the stable `code`, the sentence for people in "
        "`val`, the name of the refused command in `src`, and the caller's `listener`. Before login the answer is "
        "`auth_error` instead, except to what is no valid command: that is answered with `error` always. "
        "Words in braces are filled in. Match on `code`, never on `val`.\n",
        "## General\n", table(("Code", "Text"), general),
        "Over the message limit, or while timed out, the code is `rate_limit`, and a "
        "[`rate_limit`](events/rate_limit.md) packet says how long to wait.\n",
        "## By command\n", table(("Code", "Text", "Used by"), rows),
    ])  # fmt: skip


def index_page(catalog: Catalog) -> str:
    """docs/protocol/README.md: everything, by family."""
    parts = [
        NOTE, "# Protocol\n",
        "JSON text frames over one WebSocket at `/`, one object a frame, named by `cmd`. Unknown fields of a command "
        "are ignored. Three fields may stand in any packet and are not repeated on the pages:\n",
        table(("Field", "Meaning"), [
            ("`cmd`", "name of the command or event"),
            ("`listener`", "text you send comes back on every reply to you, errors included, never on others' copies"),
            ("`seq`", "number of a durable event; see [clients.md](../clients.md)"),
        ]),
        "Machine-readable: [schema.json](schema.json) (JSON Schema), [asyncapi.yaml](asyncapi.yaml) (AsyncAPI 3). "
        "Also: [objects](objects.md), [errors](errors.md).\n",
    ]  # fmt: skip
    families: dict[str, list[Spec]] = {}
    for spec in catalog.commands.values():
        families.setdefault(family_of(spec.command), []).append(spec)
    for family, specs in families.items():
        parts.append(f"## {family_title(family)}\n")
        rows = [(f"[`{s.name}`]({s.name}.md)", sentence(s.does), sentence(s.allowed)) for s in specs]
        parts.append(table(("Command", "Does", "Who"), rows))
    parts.append("## Sent by the server only\n")
    unasked = [
        (f"[`{tag}`](events/{tag}.md)", str(catalog.schema(types[0]).get("description", "")))
        for tag, types in server_only(catalog).items()
    ]
    parts.append(table(("Packet", "Says"), unasked) or "None.\n")
    return "\n".join(parts)


def server_only(catalog: Catalog) -> dict[str, list[type[Packet]]]:
    """Packets whose name is no command's, by name."""
    return {tag: types for tag, types in catalog.by_tag().items() if tag not in catalog.commands}
