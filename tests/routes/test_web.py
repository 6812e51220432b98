"""The web client as it is served: what browsers keep, what they ask for again, and what is not there."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from starlette.types import ASGIApp

from routes.app import build
from routes.web import FOLDER
from routes.web_files import STYLES, TYPES, WebFiles, read, shortened
from routes.web_modules import JOINED
from tests.routes.test_app import FACTS, World, request

BUDGET = 125_000
"""Bytes, gzipped, of what a browser loads before it shows the chat."""


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A client of a few files."""
    files = {
        "index.html": '<title>%NAME%</title><script type="module" src="app-%VERSION%/app/main.js"></script>',
        "sw.js": 'const VERSION = "%VERSION%", FILES = "%FILES%";',
        "manifest.webmanifest": '{"name": "", "icons": [{"src": "app-%VERSION%/icons/a.svg"}]}',
        "app/main.js": 'import { a } from "./a.js";\n' + "a();\n" * 100 + 'import("./part.js");',
        "app/a.js": "export const a = () => 1;",
        "app/part.js": "export const a = () => 1;",
        "icons/a.svg": "<svg/>",
        "vendor/LICENSES.md": "MIT",
        ".hidden.js": "no",
        "notes.txt": "no",
    }
    for name, text in files.items():
        (tmp_path / "web" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "web" / name).write_text(text)
    return tmp_path / "web"


@pytest.fixture
def app(world: World, folder: Path) -> ASGIApp:
    return build(world, clock=lambda: world.now, web=folder)


@pytest.fixture(scope="module")
def shipped() -> WebFiles:
    files = read(FOLDER)
    assert files is not None
    return files


def version(app: ASGIApp) -> str:
    found = re.search(r"app-([0-9a-f]{16})/app/first\.js", request(app, "/").body.decode())
    assert found
    return found.group(1)


@pytest.mark.parametrize("path", ["/", "/index.html", "/sw.js", "/manifest.webmanifest"])
def test_what_names_the_version_is_asked_for_each_time(app: ASGIApp, path: str) -> None:
    answer = request(app, path)
    assert (answer.status, answer.headers["cache-control"]) == (200, "no-cache")
    again = request(app, path, headers={"If-None-Match": f'"other", W/{answer.headers["etag"]}'})
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]
    assert request(app, path, headers={"If-None-Match": '"other"'}).status == 200


def test_files_below_the_version_are_kept_for_good(app: ASGIApp) -> None:
    answer = request(app, f"/app-{version(app)}/app/first.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_page_opened_before_an_update_still_finds_its_parts(app: ASGIApp, folder: Path, world: World) -> None:
    old = version(app)
    (folder / "app" / "part.js").write_text("export const a = () => 2;")
    world.now += 1
    assert version(app) != old
    answer = request(app, f"/app-{old}/app/part.js")
    assert (answer.body, answer.headers["cache-control"]) == (b"export const a = () => 2;", "no-store")
    assert request(app, f"/app-{old}/app/gone.js").status == 404


def test_a_file_that_changes_is_served_with_the_next_page(app: ASGIApp, folder: Path, world: World) -> None:
    first = version(app)
    (folder / "app" / "part.js").write_text("export const a = () => 33;")
    assert version(app) == first, "the folder is looked at once a second at most"
    world.now += 1
    assert version(app) != first
    (folder / "app" / "part.js").write_text("export const a = () => 1;")
    world.now -= 3600  # a clock that goes back
    assert version(app) == first, "the version depends on nothing but the bytes"


@pytest.mark.parametrize("name", ["index.html", "sw.js", "app/part.js", "icons/a.svg"])
def test_every_byte_counts_for_the_version(app: ASGIApp, folder: Path, world: World, name: str) -> None:
    first = version(app)
    with (folder / name).open("a") as file:
        file.write(" ")
    world.now += 1
    assert version(app) != first


@pytest.mark.parametrize(
    ("offer", "zipped"),
    [("gzip", True), ("br, gzip;q=0.5", True), ("*", True), ("GZIP", True),
     ("", False), ("br", False), ("gzip;q=0", False), ("gzip; q=0.0", False)],
)  # fmt: skip
def test_gzip_is_sent_to_who_takes_it(app: ASGIApp, offer: str, zipped: bool) -> None:
    path = f"/app-{version(app)}/app/first.js"
    plain, answer = request(app, path), request(app, path, headers={"Accept-Encoding": offer})
    assert answer.headers.get("content-encoding") == ("gzip" if zipped else None)
    assert (gzip.decompress(answer.body) if zipped else answer.body) == plain.body
    assert answer.headers["vary"] == "Accept-Encoding"
    assert (answer.headers["etag"] == plain.headers["etag"]) is not zipped
    assert int(answer.headers["content-length"]) == len(answer.body)


def test_head_is_get_without_a_body(app: ASGIApp) -> None:
    for path in ("/", "/sw.js", f"/app-{version(app)}/app/first.js"):
        got, head = request(app, path), request(app, path, "HEAD")
        assert (head.status, head.headers, head.body) == (got.status, got.headers, b"")


@pytest.mark.parametrize(
    "name",
    ["../config.json", "app/../../config.json", "..%2fconfig.json", "/etc/passwd", "app", "app/", "", "app//main.js",
     ".hidden.js", "notes.txt", "link.js", "app/main.js\x00", "APP/MAIN.JS"],
)  # fmt: skip
def test_only_files_of_the_client_are_there(app: ASGIApp, folder: Path, name: str) -> None:
    (folder.parent / "secret.js").write_text("secret")
    (folder / "link.js").symlink_to(folder.parent / "secret.js")
    answer = request(app, f"/app-{version(app)}/{name}")
    assert (answer.status, answer.json) == (404, {"error": "Not found"})


@pytest.mark.parametrize("path", ["/", "/sw.js", "/app-{}/app/first.js", "/app-{}/index.html"])
def test_every_part_carries_the_policy(app: ASGIApp, path: str) -> None:
    headers = request(app, path.format(version(app))).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["permissions-policy"].startswith("microphone=(self)")
    assert headers["referrer-policy"] == "no-referrer"


def test_only_where_rotur_accounts_may_log_in_the_page_may_ask_rotur(app: ASGIApp, world: World) -> None:
    world.current = msgspec.structs.replace(FACTS, rotur=True)
    assert "connect-src 'self' https://api.rotur.dev;" in request(app, "/").headers["content-security-policy"]
    assert "https:" not in request(app, "/sw.js").headers["content-security-policy"]


def test_the_page_has_the_name_escaped_and_loads_one_module(app: ASGIApp) -> None:
    text = request(app, "/").body.decode()
    assert "<title>Tea &lt;room&gt;</title>" in text
    assert text.count("<script") == 1
    joined = request(app, f"/app-{version(app)}/app/first.js").body.decode()
    assert "const a = () => 1;" in joined
    assert "a();" in joined
    for part in ("main.js", "a.js"):
        assert request(app, f"/app-{version(app)}/app/{part}").status == 404


def test_modules_that_cannot_be_joined_are_served_one_by_one(
    app: ASGIApp, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "app" / "a.js").write_text('import "./main.js";\nexport const a = () => 1;')
    text = request(app, "/").body.decode()
    found = re.search(r'src="(app-\w+)/app/main\.js"', text)
    assert found
    assert request(app, f"/{found[1]}/app/a.js").status == 200
    assert "app/main.js -> app/a.js -> app/main.js import in a circle" in caplog.text


def test_the_manifest_has_the_name_of_the_community(app: ASGIApp, world: World) -> None:
    answer = request(app, "/manifest.webmanifest")
    assert answer.headers["content-type"] == "application/manifest+json"
    assert (answer.json["name"], answer.json["short_name"]) == ("Tea <room>", "Tea <room>")
    assert request(app, "/" + answer.json["icons"][0]["src"]).status == 200
    world.current = msgspec.structs.replace(FACTS, name='The "long" name', description="Tea.")
    world.now += 1
    card = request(app, "/manifest.webmanifest").json
    assert (card["name"], card["short_name"], card["description"]) == ('The "long" name', 'The "long" …', "Tea.")


def test_the_worker_knows_the_version_and_what_to_keep(app: ASGIApp) -> None:
    text = request(app, "/sw.js").body.decode()
    found = re.fullmatch(r'const VERSION = "(\w+)", FILES = "(.*)";', text)
    assert found
    assert found.group(1) == version(app)
    assert found.group(2).split() == ["app/part.js", "icons/a.svg", "index.html", "app/first.js"]


def test_without_a_client_there_is_a_plain_page(world: World, tmp_path: Path) -> None:
    app = build(world, clock=lambda: world.now, web=tmp_path / "nowhere")
    answer = request(app, "/")
    assert answer.status == 200
    assert b"<h1>Tea &lt;room&gt;</h1>" in answer.body
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for path in ("/sw.js", "/manifest.webmanifest", "/app-0/app/first.js"):
        assert request(app, path).status == 404


# --- the client that is shipped ------------------------------------------------------------------------------------


class Links(HTMLParser):
    """Addresses that a page loads, and anything that the policy would block."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.blocked: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        address = names.get("src") or names.get("href")
        if address:
            self.loaded.append(address)
        inline_script = tag == "script" and "src" not in names
        if tag == "style" or "style" in names or inline_script or any(name.startswith("on") for name in names):
            self.blocked.append(tag)


def test_the_page_loads_what_is_there_by_relative_addresses(world: World) -> None:
    app = build(world, clock=lambda: world.now)
    links = Links()
    links.feed(request(app, "/").body.decode())
    assert links.blocked == []
    assert len(links.loaded) > 5
    for address in links.loaded:
        assert not re.match(r"/|[a-z]+:", address), "it would not work below a path prefix"
        assert request(app, f"/{address}").status == 200, address
    for icon in request(app, "/manifest.webmanifest").json["icons"]:
        assert request(app, "/" + icon["src"]).status == 200, icon


def test_every_file_has_a_type_and_a_name_for_the_list(shipped: WebFiles) -> None:
    there = [path for path in FOLDER.rglob("*") if path.is_file() and not path.name.startswith(".")]
    assert [str(path) for path in there if path.suffix not in TYPES] == []
    assert [name for name in shipped.files if not re.fullmatch(r"[\w./-]+", name)] == []


def modules(files: WebFiles) -> Iterator[tuple[str, str]]:
    """Name and source of each module of ours."""
    for name, file in files.files.items():
        if name.startswith("app/") and name.endswith(".js"):
            yield name, file.body.decode()


def test_every_import_leads_to_a_file(shipped: WebFiles) -> None:
    for name, source in modules(shipped):
        for target in re.findall(r"""(?:\bfrom\s+|\bimport\s*\(?\s*)["']([^"']+)["']""", source):
            path = (FOLDER / name).parent.joinpath(target).resolve()
            assert target.startswith("."), f"{name}: browsers do not know {target}"
            assert path.relative_to(FOLDER).as_posix() in shipped.files, f"{name} imports {target}"


def test_every_style_is_loaded_by_something(shipped: WebFiles) -> None:
    sources = [
        shipped.text("index.html"),
        (FOLDER / "index.html").read_text(),
        *(source for _, source in modules(shipped)),
    ]
    for name in shipped.files:
        if name.startswith("styles/"):
            assert any(name.removeprefix("styles/") in source for source in sources), f"nothing loads {name}"


def test_the_client_is_small_enough_to_open_at_once(shipped: WebFiles) -> None:
    named = set(re.findall(r"%VERSION%/(\S+?\.(?:css|svg|js))", shipped.text("index.html")))
    assert {JOINED, STYLES} < named, "everything that is needed first comes as one module and one style sheet"
    sizes = {name: len(shipped.files[name].gzipped or shipped.files[name].body) for name in {*named, "index.html"}}
    assert sum(sizes.values()) < BUDGET, sizes


def test_everything_the_client_can_load_is_reported(
    shipped: WebFiles, record_property: Callable[[str, object], None]
) -> None:
    sizes = {name: len(file.gzipped or file.body) for name, file in shipped.files.items()}
    without = ("vendor/emojis.json", "vendor/prism.js", "vendor/LICENSES.md")
    whole = sum(size for name, size in sizes.items() if name not in without and not name.startswith("icons/"))
    record_property("bytes, gzipped, of all modules and styles", whole)
    assert whole < 2.5 * BUDGET


def test_what_is_loaded_first_waits_for_no_other_style(shipped: WebFiles) -> None:
    assert "await ensureStyle" not in shipped.text(JOINED), "it would delay the whole page"


def test_comments_and_indentation_stay_at_home_and_lines_keep_their_numbers() -> None:
    source = """// About this.
import { a } from "./a.js"; // not the whole line
/** What it
 * does. */
export const there = "https://a.example//b/*";
  // inside
  const text = `/* no comment */`;
"""
    left = """
import { a } from "./a.js"; // not the whole line


export const there = "https://a.example//b/*";

const text = `/* no comment */`;
"""
    assert shortened(source.encode()).decode() == left
