"""Uploads of people who mean harm, or whose connection does."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import tracemalloc
import zipfile
import zlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from PIL import Image

from handlers.uploads import MAX_AT_ONCE_PER_NETWORK
from routes.attachments import AttachmentRoutes
from tests.support.browser import Browser, Gone, calm, configure, open_upload_house, stored, uploaded
from tests.support.house import Guest, House
from tests.support.pictures import moving_gif, picture

pytestmark = pytest.mark.anyio

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_upload_house(tmp_path) as house:
        yield house


@pytest.fixture
async def session(house: House) -> str:
    ann: Guest = await house.enter("ann")
    secret: str = ann.ready["session"]
    return secret


@pytest.fixture
def browser(house: House) -> Browser:
    return Browser(house)


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("evil.js", "alert(1)")
    return out.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")


def bomb(side: int = 10_000) -> bytes:
    """A PNG of side x side black pixels, of a few KB for its size."""
    head = side.to_bytes(4, "big") * 2 + b"\x01\x00\x00\x00\x00"
    rows = zlib.compressobj(9)
    data = b"".join(rows.compress(bytes(side // 8 + 1)) for _ in range(side)) + rows.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def with_gps() -> bytes:
    image, out = Image.new("RGB", (8, 8), "red"), io.BytesIO()
    exif = image.getexif()
    exif[0x010F] = "Secret camera"
    image.save(out, "jpeg", exif=exif)
    return out.getvalue()


# --- files


@pytest.mark.parametrize("declared", ["image/svg+xml", "image/png", "text/html", "application/xhtml+xml", ""])
@pytest.mark.parametrize("file", [SVG, HTML, b"<?xml version='1.0'?>" + SVG])
async def test_scripts_are_refused_by_default_and_else_never_run(
    house: House, session: str, browser: Browser, file: bytes, declared: str
) -> None:
    configure(house, allowed_types=["image/*", "video/*", "audio/*", "application/pdf"])
    refused = await browser.upload(session, file, mime_type=declared, name="x.svg")
    assert (refused.status, refused.json["code"]) == (415, "file_refused")
    configure(house, allowed_types=["*"])
    kept = uploaded(await browser.upload(session, file, mime_type=declared, name="x.svg"))
    answer = await browser.get(f"/attachments/{kept.id}")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize(
    "file",
    [
        moving_gif("red", "blue") + b"/*\n*/=alert(1)//",
        b"GIF89a/*" + picture(kind="gif")[8:],
        picture() + archive(),
        picture(kind="jpeg") + HTML,
        with_gps(),
    ],
    ids=["gif and script", "gif broken for a script", "png and zip", "jpeg and html", "jpeg with a place"],
)
async def test_nothing_is_left_of_a_picture_but_the_picture(
    house: House, session: str, browser: Browser, file: bytes
) -> None:
    answer = await browser.upload(session, file)
    if answer.status != 201:
        assert answer.status == 415, answer.body
        return
    (path,) = stored(house)
    data = path.read_bytes()
    for trace in (b"alert", b"script", b"PK\x03\x04", b"Secret"):
        assert trace not in data
    Image.open(io.BytesIO(data)).load()


async def test_pictures_that_are_bombs_or_none_are_refused(house: House, session: str, browser: Browser) -> None:
    half = picture(size=(200, 200))
    for file in (bomb(), picture()[:20], half[: len(half) // 2], b"\x89PNG\r\n\x1a\n" + HTML, b"GIF89a"):
        assert len(file) < 200_000
        answer = await browser.upload(session, file)
        assert (answer.status, answer.json["code"]) == (415, "file_refused"), answer.body
    empty = await browser.upload(session, b"")
    assert (empty.status, empty.json["error"]) == (415, "This file is not accepted here: it is empty")
    await calm(house)
    assert stored(house) == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../../../etc/passwd", "passwd"),
        ("a\0b.png", "ab.png"),
        ('a"\r\nX-Evil: 1\r\n\r\n<script>.png', 'a"X-Evil: 1<script>.png'),
        ("é" * 300 + ".png", "é" * 251 + ".png"),
        ("ü; filename=evil.html", "ü; filename=evil.html"),
    ],
)
async def test_names_stay_names(house: House, session: str, browser: Browser, name: str, kept: str) -> None:
    upload = uploaded(await browser.upload(session, b"%PDF-1.7", name=name))
    assert upload.name == kept
    (path,) = stored(house)
    assert path.parent.parent == house.folder / "files"
    answer = await browser.get(f"/attachments/{upload.id}")
    disposition = answer.headers["content-disposition"]
    plain = kept in ("passwd", "ab.png")
    assert disposition.startswith('attachment; filename="' if plain else "attachment; filename*=utf-8''")
    assert "x-evil" not in answer.headers
    assert disposition.isascii()
    assert disposition.isprintable()


# --- bodies


async def test_too_large_says_how_much_is_allowed(house: House, session: str, browser: Browser) -> None:
    configure(house, max_size=1000)
    pdf = b"%PDF" + bytes(996)
    assert uploaded(await browser.upload(session, pdf))
    assert uploaded(await browser.form(session, pdf))
    for answer in (
        await browser.upload(session, pdf + b"x"),
        await browser.form(session, pdf + b"x"),
        await browser.form(session, pdf, size=10_000_000),
        await browser.ask("POST", "/attachments/upload", body=b"", headers={**JSON, "Content-Length": "9" * 4000}),
    ):
        assert (answer.status, answer.json["error"]) == (413, "File too large (max 1000 bytes)")
    await calm(house)
    assert len(stored(house)) == 1


async def test_an_endless_body_ends_at_the_limit(house: House, session: str, browser: Browser) -> None:
    configure(house, max_size=300_000)
    taken = 0

    def endless() -> Iterator[bytes]:
        nonlocal taken
        yield b'{"name": "a", "file": "'
        while True:
            taken += 8192
            yield b"A" * 8192

    answer = await browser.ask("POST", "/attachments/upload", body=endless(), headers=JSON)
    assert answer.status == 413
    assert taken < 600_000

    def endless_name() -> Iterator[bytes]:
        nonlocal taken
        yield b'{"file": "", "name": "'
        while True:
            taken += 8192
            yield b"A" * 8192

    taken = 0
    answer = await browser.ask("POST", "/attachments/upload", body=endless_name(), headers=JSON)
    assert answer.status == 400
    assert taken < 600_000
    await calm(house)
    assert stored(house) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{}", 400), (b"[]", 400), (b"{" * 10_000, 400), (b'{"file": "***"}', 400),
        (b'{"file": 5, "name": "a", "channel": "general"}', 400),
        (b'{"file": "aGk=", "name": "a", "channel": "general", "validator": {"a": 1}}', 400),
    ],
)  # fmt: skip
async def test_bodies_that_are_no_uploads(house: House, browser: Browser, body: bytes, status: int) -> None:
    answer = await browser.ask("POST", "/attachments/upload", body=body, headers=JSON)
    assert answer.status == status
    assert isinstance(answer.json["error"], str)
    await calm(house)
    assert stored(house) == []


@pytest.mark.parametrize(
    "kind",
    [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/mixed; boundary=x"],
)
async def test_other_kinds_of_bodies_are_refused(browser: Browser, kind: str | None) -> None:
    headers = {} if kind is None else {"Content-Type": kind}
    assert (await browser.ask("POST", "/attachments/upload", body=b"x", headers=headers)).status == 415
    assert (await browser.get("/attachments/upload")).status == 404
    assert (await browser.get("/attachments/upload", method="PUT")).status == 405


@pytest.mark.parametrize("pieces", [0, 1, 5])
async def test_a_client_that_is_gone_leaves_nothing(house: House, session: str, browser: Browser, pieces: int) -> None:
    async def broken() -> AsyncIterator[bytes]:
        for _ in range(pieces):
            yield bytes(70_000)
        assert len(stored(house)) == 1, "it arrives in the store"
        raise Gone

    await browser.form(session, broken())

    async def broken_json() -> AsyncIterator[bytes]:
        yield b'{"file": "'
        async for piece in broken():
            yield base64.b64encode(piece)

    await browser.ask("POST", "/attachments/upload", body=broken_json(), headers=JSON)
    await calm(house)
    assert stored(house) == []
    assert uploaded(await browser.upload(session, picture())), "nothing counts as being under way"


async def test_a_body_that_comes_too_slowly_is_given_up(house: House, session: str, browser: Browser) -> None:
    routes: AttachmentRoutes = house.community.attachment_routes
    routes.patience_s = 0.05

    async def slow() -> AsyncIterator[bytes]:
        yield b"%PDF"
        await asyncio.Event().wait()

    answer = await browser.form(session, slow())
    assert answer.status == 408
    await calm(house)
    assert stored(house) == []


async def test_an_upload_that_never_ends_is_given_up_although_pieces_keep_coming(
    house: House, session: str, browser: Browser
) -> None:
    routes: AttachmentRoutes = house.community.attachment_routes
    routes.whole_s = 0.05

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0)

    answer = await browser.form(session, endless())
    assert (answer.status, answer.headers["connection"]) == (408, "close")
    await calm(house)
    assert stored(house) == []


async def test_one_network_and_one_user_have_only_some_uploads_under_way(
    house: House, session: str, browser: Browser
) -> None:
    go_on, arrived = asyncio.Event(), asyncio.Event()
    count = 0

    async def waiting() -> AsyncIterator[bytes]:
        nonlocal count
        count += 1
        if count == MAX_AT_ONCE_PER_NETWORK:
            arrived.set()
        yield b"%PDF"
        await go_on.wait()

    sessions = [session, *[(await house.enter(name)).ready["session"] for name in ("ben", "cleo")]]
    tasks = [
        asyncio.ensure_future(browser.form(sessions[number % 3], waiting()))
        for number in range(MAX_AT_ONCE_PER_NETWORK)
    ]
    await arrived.wait()
    refused = await browser.upload(session, picture())
    assert (refused.status, refused.json["code"]) == (429, "too_many_uploads")
    assert refused.headers["retry-after"] == "5"
    other = Browser(house, "198.51.100.1")
    assert (await other.form(session, b"%PDF")).status == 429, "ann has three under way"
    assert uploaded(await other.upload((await house.enter("host")).ready["session"], picture()))
    go_on.set()
    assert [answer.status for answer in await asyncio.gather(*tasks)] == [201] * MAX_AT_ONCE_PER_NETWORK
    assert uploaded(await browser.form(session, b"%PDF")), "nothing is under way any more"


@pytest.mark.parametrize("kind", ["json", "form"])
async def test_a_large_upload_is_never_in_memory(house: House, session: str, browser: Browser, kind: str) -> None:
    size = 50_000_000
    piece = bytes(range(1, 256)) * 257

    def pieces() -> Iterator[bytes]:
        yield b"%PDF"
        for _ in range(size // len(piece)):
            yield piece

    def text() -> Iterator[bytes]:
        yield json.dumps({"name": "a", "channel": "general", "validator": session})[:-1].encode() + b', "file": "'
        rest = b""
        for part in pieces():
            rest += part
            whole = len(rest) - len(rest) % 3
            yield base64.b64encode(rest[:whole])
            rest = rest[whole:]
        yield base64.b64encode(rest) + b'"}'

    uploaded(await browser.upload(session, b"%PDF warm"))
    tracemalloc.start()
    try:
        if kind == "form":
            answer = await browser.form(session, pieces())
        else:
            answer = await browser.ask("POST", "/attachments/upload", body=text(), headers=JSON)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert uploaded(answer).size == 4 + size // len(piece) * len(piece)
    assert peak < 4_000_000


async def test_ids_that_are_none(browser: Browser) -> None:
    for path in (
        "..",
        "%2e%2e%2fusers.json",
        "%00",
        "a%0ab",
        "x" * 5000,
        "00000000-0000-4000-8000-000000000000",
        "%ff",
    ):
        answer = await browser.get(f"/attachments/{path}")
        assert answer.status == 404, path
        assert isinstance(answer.json["error"], str)
    assert (await browser.get("/attachments/")).status == 404
