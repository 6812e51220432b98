"""Many modules become one that does the same."""

from __future__ import annotations

import pytest

from routes.web_modules import JOINED, NotJoinable, join, relative, resolve


def joined(**others: str) -> dict[str, str]:
    """Names with `_` for `/` and without `.js`."""
    bodies = {f"{name.replace('_', '/')}.js": source.encode() for name, source in others.items()}
    return {name: body.decode() for name, body in join(bodies, "app/main.js").items()}


def part(text: str, name: str) -> str:
    """What became of one module."""
    return text.split(f"// {name}\n", 1)[1].split("\n// ", 1)[0]


@pytest.mark.parametrize(
    ("written", "becomes"),
    [
        ('import { b } from "./b.js";', "const { b } = app_b;"),
        ('import { b as c, d } from "./b.js";', "const { b: c, d } = app_b;"),
        ('import {\n  b,\n  d,\n} from "./b.js";', "const { b, d } = app_b;"),
        ('import * as all from "./b.js";', "const all = app_b;"),
        ('import b from "./b.js";', "const { default: b } = app_b;"),
        ('import{b as c}from"./b.js";', "const { b: c } = app_b;"),
        ('import "./b.js";', ""),
        ("export function f() {}", "function f() {}\nreturn { f };"),
        ("export async function f() {}", "async function f() {}\nreturn { f };"),
        ("export const f = 1;", "const f = 1;\nreturn { f };"),
        ("export class F {}", "class F {}\nreturn { F };"),
        ("const a = 1;\nexport { a, a as c };", "const a = 1;\n\nreturn { a: a, c: a };"),
        ("const a=1;export{a as c};", "const a=1;\nreturn { c: a };"),
        ("export default 5;", "const $default = 5;\nreturn { default: $default };"),
        ('export { b as c } from "./b.js";', "return { c: app_b.b };"),
        ('import("./later.js");', 'import("./later.js");'),
        ('import("../vendor/big.js");', 'import("../vendor/big.js");'),
        ('new URL("x.png", import.meta.url)', 'new URL("x.png", new URL("./main.js", import.meta.url).href)'),
    ],
)
def test_each_form_of_import_and_export(written: str, becomes: str) -> None:
    text = joined(app_main=written, app_b="", app_later="", vendor_big="")[JOINED]
    assert becomes in part(text, "app/main.js")
    assert text.startswith("// app/b.js\n") is ("/b.js" in written or '"./b.js' in written)


def test_paths_start_from_the_joined_module() -> None:
    text = joined(app_main='import "./chat/a.js";', app_chat_a='import("./b.js");\nf(import.meta.url);', app_chat_b="")
    assert 'import("./chat/b.js");' in text[JOINED]
    assert 'f(new URL("./chat/a.js", import.meta.url).href);' in text[JOINED]


def test_every_module_comes_after_what_it_imports() -> None:
    text = joined(
        app_main='import "./a.js";\nimport "./b.js";',
        app_a='import { c } from "./c.js";',
        app_b='export { c } from "./c.js";',
        app_c="export const c = 1;",
    )[JOINED]
    assert [line for line in text.splitlines() if line.startswith("// ")] == [
        "// app/c.js",
        "// app/a.js",
        "// app/b.js",
        "// app/main.js",
    ]


def test_what_is_loaded_later_shares_what_was_loaded_first() -> None:
    text = joined(
        app_main='import { a } from "./core/a.js";\nimport("./chat/later.js");',
        app_core_a="export const a = 1;",
        app_chat_later='import { a as b } from "../core/a.js";\nimport { c } from "./other.js";\nexport const d = b;',
        app_chat_other='import("../core/a.js").then(f);',
    )
    assert set(text) == {JOINED, "app/chat/later.js", "app/chat/other.js"}
    assert text["app/chat/later.js"] == (
        'import { app_core_a } from "../first.js";const { a: b } = app_core_a;\n'
        'import { c } from "./other.js";\nexport const d = b;'
    )
    assert text["app/chat/other.js"] == 'import("../first.js").then((joined) => joined.app_core_a).then(f);'


def test_a_part_that_is_there_already_is_not_asked_for() -> None:
    text = joined(app_main='import "./a.js";\nimport("./a.js").then(f);', app_a="")[JOINED]
    assert "Promise.resolve(app_a).then(f);" in text


@pytest.mark.parametrize(
    ("others", "problem"),
    [
        ({"app_main": 'import "./a.js";', "app_a": 'import "./main.js";'}, "app/main.js -> app/a.js -> app/main.js"),
        ({"app_main": "export let a = 1;"}, "app/main.js: 'export let a = 1;' is not a form"),
        ({"app_main": "const a = 1;\nimport { // what\n a } from './b.js';"}, "app/main.js: 'import { // what'"),
        (
            {"app_main": 'import "./a.js";', "app_a": "export const a = 1;", "app_b": 'export { a } from "./a.js";'},
            "app/b.js: .* passes on what is loaded before",
        ),
    ],
)
def test_what_cannot_be_joined_is_named(others: dict[str, str], problem: str) -> None:
    with pytest.raises(NotJoinable, match=problem):
        joined(**others)


@pytest.mark.parametrize(
    ("module", "written", "path"),
    [
        ("app/core/a.js", "./b.js", "app/core/b.js"),
        ("app/core/a.js", "../lib.js", "app/lib.js"),
        ("app/core/a.js", "../../vendor/x.js", "vendor/x.js"),
        ("app/first.js", "./core/a.js", "app/core/a.js"),
    ],
)
def test_relative_addresses_lead_to_paths_and_back(module: str, written: str, path: str) -> None:
    assert resolve(module, written) == path
    assert relative(module, path) == written
