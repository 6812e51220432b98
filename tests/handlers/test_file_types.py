from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from handlers.file_types import UNKNOWN, is_allowed, kind_of
from tests.support.pictures import picture

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"
WEBM = b"\x1aE\xdf\xa3\x9fB\x86\x81\x01B\xf7\x81\x01B\xf2\x81\x04B\xf3\x81\x08B\x82\x84webm" + bytes(64)
MP4 = b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(64)


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("a.txt", "a")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "declared", "kind"),
    [
        (b"hello", "", "text/plain"),
        (b"# hello", "text/markdown; charset=utf-8", "text/markdown"),
        (b"a;b\n", "TEXT/CSV", "text/csv"),
        (b"hello", "image/png", "text/plain"),
        (b"hello", "text/html", "text/plain"),
        (b"hello", "text/javascript", "text/plain"),
        (SVG, "image/svg+xml", "text/plain"),
        (SVG, "image/png", "text/plain"),
        (b'<?xml version="1.0"?>' + SVG, "application/xml", "text/plain"),
        (HTML, "text/html", "text/plain"),
        ("Grüße".encode(), "text/plain", "text/plain"),
        ("Grüße".encode("latin-1"), "text/plain", UNKNOWN),
        (b"a" * 70_000 + b"\0", "text/plain", UNKNOWN),
        (b"a" * 65_535 + "é".encode(), "text/plain", "text/plain"),
        (b"a" * 65_535 + b"\xc3", "text/plain", UNKNOWN),
        (b"\x00\x01\x02", "image/png", UNKNOWN),
        (b"BM" + bytes(100), "image/bmp", UNKNOWN),
        (b"%PDF-1.7\n", "image/png", "application/pdf"),
        (WEBM, "", "video/webm"),
        (WEBM, "audio/webm", "audio/webm"),
        (WEBM, "text/html", "video/webm"),
        (MP4, "audio/mp4", "audio/mp4"),
        (MP4, "video/mp4", "video/mp4"),
        (archive(), "image/png", "application/zip"),
        (archive(), "application/epub+zip", "application/epub+zip"),
        (picture() + archive(), "application/zip", "image/png"),
        (picture(kind="gif"), "text/javascript", "image/gif"),
        (picture(kind="jpeg"), "", "image/jpeg"),
        (picture(kind="webp"), "image/png", "image/webp"),
    ],
)
def test_the_kind_is_what_the_bytes_are(tmp_path: Path, data: bytes, declared: str, kind: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    assert kind_of(path, declared) == kind


def test_allowed_types_may_name_families_and_everything() -> None:
    assert is_allowed("image/png", ["image/*"])
    assert is_allowed("application/pdf", ["image/*", "Application/PDF"])
    assert is_allowed("text/plain", ["*"])
    assert not is_allowed("text/plain", ["image/*", "text/csv"])
    assert not is_allowed("imagex/png", ["image/*"])
    assert not is_allowed("text/plain", [])
