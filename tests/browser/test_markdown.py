"""Text of messages in Chromium: what people mean is shown, and hostile text stays text, soon."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.chromium import Visits, entered, module
from tests.support.server import ServerProcess

pytestmark = pytest.mark.anyio

DRAW = """async ([texts]) => {
  const { html, render } = LIB;
  const { Markdown } = MARKDOWN;
  return texts.map((text) => {
    const box = document.createElement("div");
    const start = performance.now();
    render(html`<${Markdown} text=${text} />`, box);
    const depth = (node) => 1 + Math.max(0, ...[...node.children].map(depth));
    const took = performance.now() - start;
    const attributes = [...box.querySelectorAll("*")].flatMap((each) => [...each.attributes].map(({ name }) => name));
    return {
      took, depth: depth(box), text: box.textContent, html: box.innerHTML, attributes,
      tags: [...new Set([...box.querySelectorAll("*")].map((each) => each.tagName.toLowerCase()))],
      links: [...box.querySelectorAll("a")].map((each) => each.getAttribute("href")),
      rels: [...box.querySelectorAll("a[target]")].map((each) => each.rel),
    };
  });
}""".replace("LIB", module("app/lib.js")).replace("MARKDOWN", module("app/chat/markdown.js"))
PARSED = "async ([name, texts]) => { const parse = PARSE[name]; return texts.map((text) => parse(text)); }".replace(
    "PARSE", module("app/chat/markdown-parse.js")
)
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '<a href="javascript:alert(1)" onclick="alert(1)">x</a>',
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](vbscript:x)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example/a)",
    "[x](/evil)",
    "![x](javascript:alert(1))",
    "<javascript:alert(1)>",
    "[a]: javascript:alert(1)\n\n[a]",
    '[x](http://a.example/"onmouseover="alert(1))',
    "||<script>alert(1)</script>||",
    "```html\n<script>alert(1)</script>\n```",
]
ENDLESS = {
    "quotes": ">" * 7900,
    "quotes longer than any message": "> " * 10_000,
    "lists": "\n".join(f"{'  ' * depth}- a" for depth in range(80)),
    "emphasis": "***a*** **b* " * 600,
    "stars": "*" * 7900,
    "open emphasis": "**a " * 1900,
    "brackets": "[" * 7900,
    "links": "[a](" * 1900,
    "spoilers": "||a" * 2600,
    "fences": "> ```\n" * 1300,
    "an open fence": "```js\n" + "let a = 1;\n" * 600,
    "a wide table": "|a" * 1900 + "\n" + "|-" * 1900 + "\n",
    "mentions": "@" * 4000,
    "mentions of nobody": "@nobody-here-has-this-name " * 250,
}


async def drawn(page: Page, *texts: str) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = await page.evaluate(DRAW, [list(texts)])
    return result


async def test_hostile_text_becomes_neither_html_nor_a_script_link(server: ServerProcess, visit: Visits) -> None:
    page = await entered(server, visit)
    for text, shown in zip(HOSTILE, await drawn(page, *HOSTILE), strict=True):
        assert not {"script", "img", "iframe", "object", "style"} & set(shown["tags"]), text
        assert not [name for name in shown["attributes"] if name.startswith("on")], text
        assert all(link.startswith(("http:", "https:", "mailto:", "#/")) for link in shown["links"]), text


async def test_links_lead_outside_without_telling_where_from_and_inside_within_the_page(
    server: ServerProcess, visit: Visits
) -> None:
    page = await entered(server, visit)
    outside, bare, own, whole = await drawn(
        page, "[x](https://example.org/a)", "see www.example.org", "[x](#/c/general)", f"{server.http_url}/#/c/general"
    )
    assert outside["links"] == ["https://example.org/a"]
    assert outside["rels"] == bare["rels"] == ["noopener noreferrer nofollow"]
    assert bare["links"] == ["http://www.example.org/"]
    assert own["links"] == whole["links"] == ["#/c/general"]
    assert own["rels"] == whole["rels"] == []


async def test_endless_nesting_and_repetition_are_drawn_soon_and_flat(server: ServerProcess, visit: Visits) -> None:
    page = await entered(server, visit)
    for name, shown in zip(ENDLESS, await drawn(page, *ENDLESS.values()), strict=True):
        assert shown["took"] < 3000, name
        assert shown["depth"] < 40, name


async def test_markdown_of_chats_is_understood(server: ServerProcess, visit: Visits) -> None:
    page = await entered(server, visit)
    marks, quote, lines, entity, underlined = await drawn(
        page, "**b** *i* ~~s~~ `c` ||hidden||", "> q\nanswer", "one\ntwo", "a &amp; b <b>", "text\n---"
    )
    assert {"strong", "em", "s", "code", "button"} <= set(marks["tags"])
    assert "<blockquote><p>q</p></blockquote><p>answer</p>" in quote["html"]
    assert "one<br>two" in lines["html"]
    assert entity["text"] == "a &amp; b <b>"
    assert "hr" in underlined["tags"]


async def test_a_spoiler_is_read_only_after_it_is_pressed(server: ServerProcess, visit: Visits) -> None:
    page = await entered(server, visit)
    await page.locator(".composer textarea").fill("The butler is ||guilty||")
    await page.keyboard.press("Enter")
    spoiler = page.get_by_role("button", name="Spoiler, hidden. Show")
    await spoiler.focus()
    await page.keyboard.press("Enter")
    await expect(spoiler).to_have_count(0)
    await expect(page.locator(".spoiler")).to_have_text("guilty")


async def test_mentions_name_members_roles_and_channels_that_exist(server: ServerProcess, visit: Visits) -> None:
    page = await entered(server, visit)
    known, unknown, mail, code = await drawn(
        page, "@ben, @USR:local_mod and @&moderator in #general", "@nobody #nowhere &@ben", "a@example.org", "`@ben`"
    )
    assert known["text"] == "@ben, @mod and @moderator in #general"
    assert known["html"].count('class="mention') == 4
    assert known["links"] == ["#/c/general"]
    assert "mention" not in unknown["html"] + code["html"]
    assert mail["links"] == ["mailto:a@example.org"]


async def test_messages_of_emojis_only_are_counted_and_text_is_told_in_one_line(
    server: ServerProcess, visit: Visits
) -> None:
    page = await entered(server, visit)
    counts = await page.evaluate(PARSED, ["countEmojis", ["👍", "👩‍👩‍👧 ❤️\n🇩🇪", "1 2", "👍 yes", "", ":party::party:"]])
    assert counts == [1, 3, 0, 0, 0, 2]
    lines = await page.evaluate(PARSED, ["plainText", ["# a\n- **b**\n- ||c||", "```js\nx\n```", "<b>x</b>"]])
    assert lines == ["a b (spoiler)", "x", "<b>x</b>"]


async def test_code_is_colored_and_unknown_languages_stay_plain(server: ServerProcess, visit: Visits) -> None:
    page = await entered(server, visit)
    for text in ("```py\ndef f(): return 1\n```", "```constructor\nx\n```"):
        await page.locator(".composer textarea").fill(text)
        await page.locator(".composer").get_by_role("button", name="Send").click()
    colored = page.get_by_role("region", name="Code, Python")
    await expect(colored.locator(".token-keyword").first).to_have_text("def")
    await expect(page.get_by_role("region", name="Code, Constructor")).to_have_text("x")
