"""GET /attachments/{id}: ranges, caches, headers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.browser import Browser, Uploaded, open_upload_house, stored, uploaded
from tests.support.house import House
from tests.support.pictures import picture

pytestmark = pytest.mark.anyio

PDF = b"%PDF-1.7 " + bytes(range(91))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_upload_house(tmp_path) as house:
        yield house


@pytest.fixture
def browser(house: House) -> Browser:
    return Browser(house)


@pytest.fixture
async def file(house: House, browser: Browser) -> Uploaded:
    """A file of 100 bytes."""
    ann = await house.enter("ann")
    return uploaded(await browser.upload(ann.ready["session"], PDF, name="a.pdf"))


async def test_a_file_with_its_headers(house: House, browser: Browser, file: Uploaded) -> None:
    answer = await browser.get(f"/attachments/{file.id}")
    assert (answer.status, answer.body) == (200, PDF)
    wanted = {
        "content-type": "application/pdf", "content-length": "100", "accept-ranges": "bytes",
        "content-disposition": 'attachment; filename="a.pdf"', "cache-control": "public, max-age=3600",
        "content-security-policy": "sandbox; default-src 'none'", "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer", "access-control-allow-origin": "*",
    }  # fmt: skip
    assert {name: answer.headers.get(name) for name in wanted} == wanted
    head = await browser.get(f"/attachments/{file.id}", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert head.headers == answer.headers
    assert (await browser.get(f"/attachments/{file.id}", method="POST")).status == 405


async def test_caches_forget_it_when_it_ends(house: House, browser: Browser, file: Uploaded) -> None:
    house.clock.now = file.expires_at - 30.5
    assert (await browser.get(f"/attachments/{file.id}")).headers["cache-control"] == "public, max-age=30"
    house.clock.now = file.expires_at
    answer = await browser.get(f"/attachments/{file.id}")
    assert (answer.status, answer.headers["cache-control"]) == (404, "no-store")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0), ("bytes=10-19", 10, 19), ("bytes=90-", 90, 99), ("bytes=-5", 95, 99),
        ("bytes=0-99", 0, 99), ("bytes=50-5000", 50, 99), ("bytes=-5000", 0, 99), ("bytes=99-", 99, 99),
    ],
)  # fmt: skip
async def test_one_range(browser: Browser, file: Uploaded, asked: str, first: int, last: int) -> None:
    answer = await browser.get(f"/attachments/{file.id}", Range=asked)
    assert (answer.status, answer.body) == (206, PDF[first : last + 1])
    assert answer.headers["content-range"] == f"bytes {first}-{last}/100"
    assert answer.headers["content-length"] == str(len(answer.body))


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=999999999999999999-"])
async def test_a_range_beyond_the_end(browser: Browser, file: Uploaded, asked: str) -> None:
    answer = await browser.get(f"/attachments/{file.id}", Range=asked)
    assert (answer.status, answer.headers["content-range"]) == (416, "bytes */100")


@pytest.mark.parametrize(
    "asked",
    ["", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "items=0-1", "bytes=0-1,5-6", "bytes=0-," * 50,
     "bytes=" + "9" * 5000 + "-", "bytes=٣-٤".encode().decode("latin-1")],
)  # fmt: skip
async def test_odd_ranges_get_all_of_it(browser: Browser, file: Uploaded, asked: str) -> None:
    answer = await browser.get(f"/attachments/{file.id}", Range=asked)
    assert (answer.status, answer.body) == (200, PDF)


async def test_who_has_it_already_gets_nothing_again(browser: Browser, file: Uploaded) -> None:
    etag = (await browser.get(f"/attachments/{file.id}")).headers["etag"]
    for known in (etag, f"W/{etag}", f'"x", {etag}', "*"):
        answer = await browser.get(f"/attachments/{file.id}", If_None_Match=known)
        assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", etag)
    assert (await browser.get(f"/attachments/{file.id}", If_None_Match='"x"')).status == 200
    part = await browser.get(f"/attachments/{file.id}", Range="bytes=0-4", If_Range=etag)
    assert (part.status, part.body) == (206, PDF[:5])
    whole = await browser.get(f"/attachments/{file.id}", Range="bytes=0-4", If_Range='"x"')
    assert (whole.status, whole.body) == (200, PDF)


async def test_pictures_are_shown_in_the_page(house: House, browser: Browser) -> None:
    ben = await house.enter("ben")
    kept = uploaded(await browser.upload(ben.ready["session"], picture(), name="cat.png"))
    answer = await browser.get(f"/attachments/{kept.id}")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-disposition"] == 'inline; filename="cat.png"'


async def test_a_file_that_is_missing_is_not_found(house: House, browser: Browser, file: Uploaded) -> None:
    (path,) = stored(house)
    path.unlink()
    assert (await browser.get(f"/attachments/{file.id}")).status == 404
