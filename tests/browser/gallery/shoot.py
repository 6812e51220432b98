"""The gallery of components in a browser: `python -m tests.browser.gallery.shoot FOLDER` writes a picture of each
state, light and dark, on a phone, a tablet and a desktop."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).parents[3]
CHROMIUM = Path("/usr/bin/chromium")
SIZES = {"phone": (390, 844), "tablet": (768, 1024), "desktop": (1440, 900)}
STATES = ("", "dialog", "confirm", "menu", "popover", "toasts", "tip")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Files(SimpleHTTPRequestHandler):
    """The repository's files, under the policy of the client."""

    def end_headers(self) -> None:
        self.send_header("Content-Security-Policy", POLICY)
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[str]:
    """The address of the gallery while it is served."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(ROOT))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/tests/browser/gallery/"
        server.shutdown()
        thread.join()


@contextmanager
def browsing() -> Iterator[Browser]:
    """Debian's Chromium, which calls nobody."""
    quiet = ("background-networking", "component-update", "sync")
    arguments = ["--no-sandbox", "--disable-gpu", "--no-first-run", *(f"--disable-{name}" for name in quiet)]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=arguments)
        yield browser
        browser.close()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with serving() as address, browsing() as browser:
        for theme in ("light", "dark"):
            for device, (width, height) in SIZES.items():
                page = browser.new_page(viewport={"width": width, "height": height}, reduced_motion="reduce")
                for state in STATES:
                    page.goto(f"{address}?theme={theme}&open={state}")
                    page.locator(OPENED[state] if state else "main").first.wait_for()
                    page.screenshot(path=folder / f"{state or 'all'}-{device}-{theme}.png", full_page=not state)
                page.close()


OPENED = {
    "dialog": ".dialog",
    "confirm": ".dialog",
    "menu": ".menu",
    "popover": ".popover",
    "toasts": ".toast",
    "tip": ".tip[data-shown]",
}

if __name__ == "__main__":
    main(Path(sys.argv[1]))
