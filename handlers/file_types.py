"""What kind of file some bytes are: found out from the bytes. What the uploader says is believed only between kinds
that the bytes cannot tell apart. Blocking; for worker threads."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from pathlib import Path

import filetype

UNKNOWN = "application/octet-stream"
TEXT = "text/plain"
PICTURES = {"image/png": "png", "image/apng": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
"""Pictures that are drawn anew: MIME type -> format of `db.pictures`. Other pictures are files of an unknown kind."""
INLINE = frozenset(
    {
        "image/png", "image/jpeg", "image/gif", "image/webp",
        "video/mp4", "video/webm", "video/ogg", "video/quicktime", "video/x-m4v", "video/3gpp",
        "audio/mpeg", "audio/mp4", "audio/ogg", "audio/wav", "audio/flac", "audio/aac", "audio/webm",
    }
)  # fmt: skip
"""What browsers may show in a page; everything else is offered for saving."""

_HEAD_BYTES = 8192
_USUAL = {
    "audio/x-wav": "audio/wav", "audio/x-flac": "audio/flac", "audio/x-aiff": "audio/aiff",
    "video/x-msvideo": "video/avi", "application/x-rar-compressed": "application/vnd.rar",
}  # fmt: skip
"""Names of the library -> the usual ones."""
_DOCUMENTS = "application/vnd.openxmlformats-officedocument."
_WITHIN: dict[str, tuple[str, ...]] = {
    TEXT: ("text/markdown", "text/csv", "application/json"),
    "video/webm": ("audio/webm",),
    "video/x-matroska": ("video/webm", "audio/webm"),
    "video/mp4": ("audio/mp4",),
    "audio/ogg": ("video/ogg", "audio/opus"),
    "application/zip": ("application/epub+zip", f"{_DOCUMENTS}wordprocessingml.document",
                        f"{_DOCUMENTS}spreadsheetml.sheet", f"{_DOCUMENTS}presentationml.presentation"),
}  # fmt: skip
"""Found kind -> what it may be declared as."""
_CONTROLS = bytes(range(32)).translate(None, b"\t\n\r\f\x1b") + b"\x7f"


def kind_of(path: Path, declared: str) -> str:
    """The MIME type of a file. declared: what its uploader says it is; with parameters, or empty."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    found = filetype.guess_mime(head)
    if found is None:
        found = TEXT if is_text(path) else UNKNOWN
    elif found.startswith("image/") and found not in PICTURES:
        found = UNKNOWN
    found = _USUAL.get(found, found)
    wanted = declared.partition(";")[0].strip().lower()
    return wanted if wanted in _WITHIN.get(found, ()) else found


def is_text(path: Path) -> bool:
    """Whether a file is UTF-8 without control characters."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while data := file.read(65_536):
                decoder.decode(data)
                if len(data.translate(None, _CONTROLS)) != len(data):
                    return False
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def is_allowed(mime_type: str, allowed: Iterable[str]) -> bool:
    """allowed: MIME types, `type/*`, or `*`."""
    kind = mime_type.partition("/")[0]
    return any(each in ("*", "*/*", mime_type, f"{kind}/*") for each in map(str.lower, allowed))
