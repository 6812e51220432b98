"""The modules that the browser needs before the first line runs, as one.

A browser that is told of seventy modules asks seventy times, which takes longer than all of them together. What they
import and export stays as it is written; only the statements are exchanged:

    // app/core/place.js                             // app/first.js
    import { go } from "./router.js";                export const app_core_place = (() => {
    export function open() { go("/"); }              const { go } = app_core_router;
                                                     function open() { go("/"); }
                                                     return { open };
                                                     })();

Modules that are loaded later import from the one what they imported from its parts. Bounds, held by `join`: every
import and export of ours begins a line and has no comment inside; nothing eager imports in a circle; what is exported
is never assigned again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

JOINED = "app/first.js"
_NAMES = r"\{[^{}]*\}"
_BEGINS = r"(?:^|(?<=[;}]))"  # libraries come without line breaks
_IMPORT = re.compile(
    rf"""{_BEGINS}import\b\s*(?:(\*\s*as\s+[\w$]+|{_NAMES}|[\w$]+)\s*from\b\s*)?"([^"]+)";?""", re.MULTILINE
)
_EXPORT_FROM = re.compile(rf"""{_BEGINS}export\s*({_NAMES})\s*from\s*"([^"]+)";?""", re.MULTILINE)
_EXPORT_NAMES = re.compile(rf"{_BEGINS}export\s*({_NAMES});?", re.MULTILINE)
_EXPORT_DEFAULT = re.compile(rf"{_BEGINS}export default\b", re.MULTILINE)
_EXPORT = re.compile(rf"{_BEGINS}export\s+((?:async\s+)?function\b\*?|const|class)\s+([\w$]+)", re.MULTILINE)
_LATER = re.compile(r"""\bimport\("([^"]+)"\)""")
_LEFT = re.compile(r"(?:^|[;}])(?:import|export)\b(?!\s*[(.])[^\n]{0,60}", re.MULTILINE)


class NotJoinable(ValueError):
    """A module is not written as `join` expects; says which and where."""


def join(bodies: Mapping[str, bytes], start: str) -> dict[str, bytes]:
    """The files with `JOINED` in the place of `start` and all that its static imports lead to.

    bodies: by path, `app/core/state.js`. Files that are not modules come back as they are. Raises `NotJoinable`."""
    sources = {name: body.decode() for name, body in bodies.items() if name.endswith(".js")}
    order = _in_order(sources, start)
    parts = [f"// {name}\nexport const {_namespace(name)} = {_wrapped(sources, name, set(order))};\n" for name in order]
    rest = {
        name: _importing_joined(sources, name, set(order)).encode() if name.startswith("app/") else body
        for name, body in bodies.items()
        if name not in order
    }
    return rest | {JOINED: "".join(parts).encode()}


def _in_order(sources: Mapping[str, str], start: str) -> list[str]:
    """Each module after all that it imports, as the standard has them evaluated."""
    order: list[str] = []
    open_: list[str] = []

    def visit(name: str) -> None:
        if name in order:
            return
        if name in open_:
            raise NotJoinable(f"{' -> '.join([*open_[open_.index(name) :], name])} import in a circle")
        open_.append(name)
        for target in [*_IMPORT.findall(sources[name]), *_EXPORT_FROM.findall(sources[name])]:
            if (found := resolve(name, target[1])) in sources:
                visit(found)
        order.append(open_.pop())

    visit(start)
    return order


def _wrapped(sources: Mapping[str, str], name: str, eager: set[str]) -> str:
    exported: list[str] = []

    def imported(found: re.Match[str]) -> str:
        return _bound(found[1], _namespace(resolve(name, found[2]))) if found[1] else ""

    def passed_on(found: re.Match[str]) -> str:
        source = _namespace(resolve(name, found[2]))
        exported.extend(f"{outer}: {source}.{inner}" for inner, outer in _pairs(found[1]))
        return ""

    def named(found: re.Match[str]) -> str:
        exported.extend(f"{outer}: {inner}" for inner, outer in _pairs(found[1]))
        return ""

    def default(_: re.Match[str]) -> str:
        exported.append("default: $default")
        return "const $default ="

    def declared(found: re.Match[str]) -> str:
        exported.append(found[2])
        return f"{found[1]} {found[2]}"

    def later(found: re.Match[str]) -> str:
        target = resolve(name, found[1])
        if target in eager:
            return f"Promise.resolve({_namespace(target)})"
        return f'import("{relative(JOINED, target)}")'

    text = _EXPORT_FROM.sub(passed_on, sources[name])
    text = _IMPORT.sub(imported, text)
    text = _EXPORT_NAMES.sub(named, text)
    text = _EXPORT_DEFAULT.sub(default, text)
    text = _EXPORT.sub(declared, text)
    text = _LATER.sub(later, text)
    text = text.replace("import.meta.url", f'new URL("{relative(JOINED, name)}", import.meta.url).href')
    if left := _LEFT.search(text):
        raise NotJoinable(f"{name}: {left[0].strip()!r} is not a form of import or export that can be joined")
    return f"(() => {{\n{text}\nreturn {{ {', '.join(exported)} }};\n}})()"


def _importing_joined(sources: Mapping[str, str], name: str, eager: set[str]) -> str:
    if name not in sources:
        return ""
    needed: set[str] = set()

    def imported(found: re.Match[str]) -> str:
        target = resolve(name, found[2])
        if target not in eager:
            return found[0]
        needed.add(_namespace(target))
        return _bound(found[1], _namespace(target)) if found[1] else ""

    def later(found: re.Match[str]) -> str:
        target = resolve(name, found[1])
        if target not in eager:
            return found[0]
        return f'import("{relative(name, JOINED)}").then((joined) => joined.{_namespace(target)})'

    for found in _EXPORT_FROM.finditer(sources[name]):
        if resolve(name, found[2]) in eager:
            raise NotJoinable(f"{name}: {found[0]!r} passes on what is loaded before; import it from there")
    text = _LATER.sub(later, _IMPORT.sub(imported, sources[name]))
    if not needed:
        return text
    return f'import {{ {", ".join(sorted(needed))} }} from "{relative(name, JOINED)}";{text}'


def _bound(what: str, namespace: str) -> str:
    """`{ a, b as c }` -> `const { a, b: c } = namespace;`, and so for `* as all` and a default."""
    if what.startswith("*"):
        return f"const {what.split()[-1]} = {namespace};"
    if not what.startswith("{"):
        return f"const {{ default: {what} }} = {namespace};"
    names = (f"{outer}: {local}" if outer != local else local for outer, local in _pairs(what))
    return f"const {{ {', '.join(names)} }} = {namespace};"


def _pairs(names: str) -> list[tuple[str, str]]:
    """`{ a, b as c }` -> `[("a", "a"), ("b", "c")]`."""
    each = (part.split() for part in names.strip("{}").split(","))
    return [(words[0], words[-1]) for words in each if words]


def _namespace(name: str) -> str:
    """Of a module's path: the same in every version, so that a page from before an update finds what it knew."""
    return re.sub(r"\W", "_", name.removesuffix(".js"))


def resolve(module: str, target: str) -> str:
    """`app/core/a.js`, `../lib.js` -> `app/lib.js`."""
    parts = list(PurePosixPath(module).parent.parts)
    for part in target.split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def relative(module: str, target: str) -> str:
    """The reverse of `resolve`: what leads from one path to the other."""
    here, there = list(PurePosixPath(module).parent.parts), list(PurePosixPath(target).parts)
    while here and len(there) > 1 and here[0] == there[0]:
        here, there = here[1:], there[1:]
    return "/".join([".."] * len(here) + there) if here else "./" + "/".join(there)
