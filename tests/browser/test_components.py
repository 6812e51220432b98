"""The components of the web client in Chromium, on the page of the gallery: keyboard, focus, places, contrast."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.gallery.shoot import CHROMIUM, SIZES, browsing, serving
from tests.support.chromium import PATIENCE_S

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="no Chromium here: apt-get install chromium")

CONTRAST = """([inks, grounds]) => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const probe = document.body.appendChild(document.createElement("i"));
  const light = (token) => {
    probe.style.color = `var(${token})`;
    pen.fillStyle = getComputedStyle(probe).color;
    pen.fillRect(0, 0, 1, 1);
    const linear = [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3).map((byte) => {
      const part = byte / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const found = inks.flatMap((ink) => grounds.map((ground) => {
    const [low, high] = [light(ink), light(ground)].sort((a, b) => a - b);
    return [`${ink} on ${ground}`, (high + 0.05) / (low + 0.05)];
  }));
  probe.remove();
  return found;
}"""
expect.set_options(timeout=PATIENCE_S * 1000)

SURFACES = ["--bg", "--surface", "--surface-sunken", "--surface-raised", "--field", "--neutral-3"]
MEANINGS = ["accent", "danger", "warning", "success", "info"]


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving() as url:
        yield url


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    """The gallery on a desktop; what the console says against it fails the test."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.goto(address)
    expect(opened.get_by_role("heading", name="Components")).to_be_visible()
    yield opened
    context.close()
    assert said == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_reaches_its_contrast_on_every_surface(page: Page, address: str, theme: str) -> None:
    page.goto(f"{address}?theme={theme}")
    inks = ["--text", "--text-muted", "--text-faint", *(f"--{name}-text" for name in MEANINGS)]
    pairs = page.evaluate(CONTRAST, [inks, SURFACES])
    for name in MEANINGS:
        pairs += page.evaluate(CONTRAST, [[f"--{name}-text", "--text", "--text-muted"], [f"--{name}-soft"]])
        pairs += page.evaluate(CONTRAST, [[f"--on-{name}"], [f"--{name}"]])
    assert [pair for pair in pairs if pair[1] < 4.5] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_edges_of_controls_and_the_focus_ring_reach_their_contrast(page: Page, address: str, theme: str) -> None:
    page.goto(f"{address}?theme={theme}")
    pairs = page.evaluate(CONTRAST, [["--border-control", "--focus", "--accent"], SURFACES])
    assert [pair for pair in pairs if pair[1] < 3] == []


@pytest.mark.parametrize("size", SIZES.values())
def test_nothing_is_wider_than_the_page(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]


def test_buttons_are_forty_pixels_high_on_phones(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    heights = page.evaluate("[...document.querySelectorAll('.button, .icon-button')].map(e => e.offsetHeight)")
    assert min(heights) >= 40


def test_a_dialog_keeps_the_focus_and_gives_it_back(page: Page) -> None:
    opener = page.locator("#dialog")
    opener.press("Enter")
    dialog = page.get_by_role("dialog", name="New channel")
    expect(dialog.get_by_label("Name")).to_be_focused()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('[role=dialog]') !== null")
    expect(dialog.get_by_label("Topic")).to_have_accessible_description("Shown at the top of the channel.")
    assert page.evaluate(
        "document.querySelector('main').closest('[inert]') !== null || document.querySelector('main').inert"
    )
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener).to_be_focused()
    assert not page.evaluate("document.querySelector('main').inert")


def test_escape_closes_one_dialog_after_the_other(page: Page) -> None:
    page.locator("#dialog").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    question = page.get_by_role("alertdialog", name="Delete #workshop?")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(question).to_have_count(0)
    expect(page.locator(".toast-text")).to_have_text("Kept")
    expect(page.get_by_role("dialog", name="New channel")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".dialog")).to_have_count(0)


def test_a_dialog_closes_by_a_press_beside_it_but_not_by_a_selection_that_ends_there(page: Page) -> None:
    page.locator("#dialog").click()
    name = page.get_by_role("dialog").get_by_label("Name")
    name.hover()
    page.mouse.down()
    page.mouse.move(20, 20)
    page.mouse.up()
    expect(name).to_be_visible()
    page.mouse.click(20, 20)
    expect(page.locator(".dialog")).to_have_count(0)


def test_a_confirmed_question_is_answered_with_yes(page: Page) -> None:
    page.locator("#confirm").click()
    page.get_by_role("button", name="Delete channel").click()
    expect(page.locator(".toast-text")).to_have_text("Deleted")
    expect(page.locator("[aria-live=assertive]")).to_have_text("Deleted")


def test_a_menu_is_walked_by_arrows_and_letters(page: Page) -> None:
    opener = page.locator("#menu")
    opener.press("Enter")
    focused = page.locator(":focus")
    expect(focused).to_have_role("menuitem")
    expect(focused).to_contain_text("Reply")
    page.keyboard.press("ArrowUp")
    expect(focused).to_contain_text("Delete message")
    page.keyboard.press("ArrowDown")
    expect(focused).to_contain_text("Reply")
    page.keyboard.press("c")
    expect(focused).to_contain_text("Copy text")
    page.keyboard.press("End")
    expect(focused).to_contain_text("Delete message")
    expect(page.get_by_role("menuitemcheckbox", name="Mentions")).to_be_checked()
    page.keyboard.press("Escape")
    expect(page.get_by_role("menu")).to_have_count(0)
    expect(opener).to_be_focused()


def test_pressing_its_button_again_closes_a_menu(page: Page) -> None:
    for _ in range(2):
        page.locator("#menu").click()
        expect(page.get_by_role("menu")).to_be_visible()
        page.locator("#menu").click()
        expect(page.get_by_role("menu")).to_have_count(0)


@pytest.mark.parametrize("state", ["menu", "popover", "tip"])
@pytest.mark.parametrize("size", SIZES.values())
def test_what_floats_stays_inside_the_page(page: Page, size: tuple[int, int], state: str, address: str) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{address}?open={state}")
    floating = page.locator({"menu": ".menu", "popover": ".popover", "tip": ".tip[data-shown]"}[state])
    expect(floating).to_be_in_viewport(ratio=1)


def test_a_popover_as_a_component_follows_its_content_and_tells_when_it_closes(page: Page) -> None:
    page.locator("#component").click()
    expect(page.get_by_role("dialog", name="Counter")).to_have_text("Largest upload: 25 MB")
    page.keyboard.press("Escape")
    expect(page.locator(".popover")).to_have_count(0)
    page.locator("#component").click()
    expect(page.get_by_role("dialog", name="Counter")).to_be_visible()
    page.locator("#component").click()
    expect(page.locator(".popover")).to_have_count(0)


def test_the_tooltip_shows_for_pointer_and_keyboard(page: Page) -> None:
    page.get_by_role("button", name="Reply", exact=True).hover()
    tip = page.locator(".tip[data-shown]")
    expect(tip).to_have_text("Reply")
    page.keyboard.press("Escape")
    expect(tip).to_have_count(0)
    page.locator("#toasts").focus()
    page.keyboard.press("Tab")
    expect(tip).to_contain_text("Copied as Markdown")
    expect(page.locator("#tip")).to_have_accessible_description(re.compile("Copied as Markdown"))
    page.keyboard.press("Tab")
    expect(tip).to_have_count(0)


def test_toasts_are_spoken_and_can_be_dismissed(page: Page) -> None:
    page.locator("#toasts").click()
    expect(page.locator(".toast")).to_have_count(4)
    expect(page.locator("[aria-live=assertive]")).to_contain_text("Could not save")
    failure = page.locator(".toast", has_text="Could not save")
    failure.hover()  # now it stays until it is dismissed
    failure.get_by_role("button", name="Dismiss").click()
    expect(failure).to_have_count(0)


def test_tabs_are_walked_by_arrows_and_leave_out_the_disabled(page: Page) -> None:
    page.get_by_role("tab", name="Overview").focus()
    for panel in ("members", "roles", "overview"):
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("tabpanel")).to_have_text(f"The panel of {panel}.")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tab", name="Roles")).to_be_focused()


def expect_order(page: Page, *names: str) -> None:
    expect(page.locator(".gallery-drag .truncate")).to_have_text(names)


def test_a_row_is_moved_by_keyboard_and_each_step_is_spoken(page: Page) -> None:
    spoken = page.locator("[aria-live=assertive]")
    page.get_by_role("button", name="Move general").focus()
    page.keyboard.press("Space")
    expect(spoken).to_contain_text("general taken, 2 of 5.")
    page.keyboard.press("ArrowDown")
    expect(spoken).to_have_text("3 of 5")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(spoken).to_have_text("general dropped at 4 of 5.")
    expect_order(page, "welcome", "workshop", "show-and-tell", "general", "evening call")
    expect(page.get_by_role("button", name="Move general")).to_be_focused()


def test_a_row_taken_by_keyboard_is_put_back_by_escape_and_never_passes_a_fixed_one(page: Page) -> None:
    page.get_by_role("button", name="Move workshop").focus()
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    expect_order(page, "welcome", "general", "workshop", "show-and-tell", "evening call")
    page.keyboard.press("Space")
    for _ in range(4):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    expect_order(page, "welcome", "workshop", "general", "show-and-tell", "evening call")


def test_a_row_is_dragged_to_another_place(page: Page) -> None:
    page.get_by_role("button", name="Move evening call").hover()
    page.mouse.down()
    target = page.get_by_role("button", name="Move general").bounding_box()
    assert target is not None
    page.mouse.move(target["x"] + 5, target["y"] + 5, steps=6)
    page.mouse.up()
    expect_order(page, "welcome", "evening call", "general", "workshop", "show-and-tell")


def test_a_number_out_of_bounds_is_told_and_not_taken(page: Page) -> None:
    field = page.get_by_label("Largest upload")
    field.fill("501")
    expect(page.get_by_text("At most 500.")).to_be_visible()
    field.press("ArrowUp")
    expect(field).to_have_value("500")
    field.fill("12")
    page.locator("#component").click()
    expect(page.locator(".popover")).to_have_text("Largest upload: 12 MB")


def test_a_color_is_written_or_picked(page: Page) -> None:
    field = page.get_by_label("Color of the role", exact=True)
    field.fill("3b82")
    expect(page.get_by_text("Write a color like #3b82f6.")).to_be_visible()
    field.fill("3b82f6")
    expect(page.get_by_role("button", name="#3b82f6")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="#e5484d").click()
    expect(field).to_have_value("#e5484d")


def test_a_button_is_busy_until_its_promise_settles(page: Page) -> None:
    button = page.get_by_role("button", name="Takes a moment")
    page.clock.install()
    page.clock.pause_at(datetime.now() + timedelta(hours=1))
    button.click()
    expect(button).to_have_attribute("aria-busy", "true")
    page.clock.run_for(1500)
    expect(button).not_to_have_attribute("aria-busy", "true")


def test_ids_are_unique_with_a_dialog_open(page: Page) -> None:
    page.locator("#dialog").click()
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(element => element.id)")
    assert sorted(set(ids)) == sorted(ids)
