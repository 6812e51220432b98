"""The bodies of uploads: JSON with the file as base64, and multipart forms. Taken in piece by piece; the bytes of the
file go to the disk as they come, everything else is small. Blocking; for worker threads, one piece after the other.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from protocol.attachments import UploadForm
from protocol.errors import Code, Refused

SMALL_BYTES = 65_536
"""The most of everything besides the file's bytes."""
MAX_PARTS = 32
_FILE_KEY = re.compile(rb'"file"[ \t\r\n]*:[ \t\r\n]*"\Z')
_FILE_KEY_BYTES = 256
_END_OF_PLAIN = re.compile(rb'["\\]')
_ESCAPED = re.compile(rb"\\(?:/|u00([0-7][0-9a-fA-F]))")
_DATA_URI = re.compile(rb"data:[^,]*;base64\Z", re.IGNORECASE)


class Target(Protocol):
    """Where the bytes of the file go."""

    @property
    def size(self) -> int: ...

    def write(self, data: bytes) -> None: ...


class Body(Protocol):
    def feed(self, data: bytes) -> None:
        """The next piece. Raises Refused, OSError."""

    def finish(self) -> UploadForm:
        """The body is complete. Raises Refused."""


def malformed(reason: str) -> Refused:
    return Refused(Code.MALFORMED, reason=reason)


class _Limited:
    """A target that takes at most `max_bytes`."""

    def __init__(self, target: Target, max_bytes: int) -> None:
        self._target = target
        self._max = max_bytes

    def write(self, data: bytes) -> None:
        if self._target.size + len(data) > self._max:
            raise Refused(Code.FILE_TOO_LARGE, max=self._max)
        self._target.write(data)


class _Base64:
    """Decodes the text of a JSON string, which may be a data URI, to a target."""

    def __init__(self, target: _Limited) -> None:
        self._target = target
        self._rest = b""
        self._begun = False
        self._ended = False

    def feed(self, text: bytes, final: bool = False) -> None:
        text = self._rest + text
        self._rest = b""
        if not final and (cut := text.rfind(b"\\", -6)) >= 0:  # an escape that may be incomplete
            text, self._rest = text[:cut], text[cut:]
        if b"\\" in text:
            text = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]) if found[1] else b"/", text)
        if not self._begun:
            head, comma, _ = text[:1024].partition(b",")
            if comma and _DATA_URI.match(head):
                text = text[len(head) + 1 :]
            elif not final and len(text) < 1024:
                self._rest = text + self._rest
                return
            self._begun = True
        if not final:
            whole = len(text) - len(text) % 4
            text, self._rest = text[:whole], text[whole:] + self._rest
        self._decode(text)

    def _decode(self, text: bytes) -> None:
        if not text:
            return
        try:
            if self._ended:
                raise malformed("file: something follows the end of the base64 text")
            data = binascii.a2b_base64(text + b"=" * (-len(text) % 4), strict_mode=True)
        except binascii.Error:
            raise malformed("file: this is no base64") from None
        self._ended = text.endswith(b"=")
        self._target.write(data)


class JsonBody:
    """`{"file": "<base64 or data URI>", "name": ..., ...}`. The text of `file` is left out of what is decoded."""

    def __init__(self, target: Target, max_bytes: int) -> None:
        self._limited = _Limited(target, max_bytes)
        self._frame = bytearray()
        """The body, with an empty text for the file's."""
        self._in_text = self._escaped = False
        self._file: _Base64 | None = None
        """While inside the text of `file`."""
        self._files = 0

    def feed(self, data: bytes) -> None:
        at = 0
        while at < len(data):
            at = self._inside(data, at) if self._in_text else self._outside(data, at)
            if len(self._frame) > SMALL_BYTES:
                raise malformed(f"more than {SMALL_BYTES} bytes besides the text of `file`")

    def finish(self) -> UploadForm:
        try:
            fields = msgspec.json.decode(self._frame, type=dict[str, Any])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise malformed("expected one JSON object") from None
        if self._files and fields.get("file") != "":
            raise malformed("file: expected at the top of the object")
        return form_of(fields, self._files)

    def _outside(self, data: bytes, at: int) -> int:
        """Up to the beginning of the next text."""
        quote = data.find(b'"', at)
        if quote < 0:
            self._frame += data[at:]
            return len(data)
        self._frame += data[at : quote + 1]
        self._in_text = True
        if _FILE_KEY.search(self._frame, max(0, len(self._frame) - _FILE_KEY_BYTES)):
            self._file = _Base64(self._limited)
            self._files += 1
        return quote + 1

    def _inside(self, data: bytes, at: int) -> int:
        """Up to the end of this text, or to the next escape in it."""
        if self._escaped:
            self._escaped = False
            self._frame += data[at : at + 1]
            return at + 1
        if self._file is not None:
            return self._inside_file(self._file, data, at)
        found = _END_OF_PLAIN.search(data, at)
        end = len(data) if found is None else found.end()
        self._frame += data[at:end]
        if found is not None:
            self._escaped = found[0] == b"\\"
            self._in_text = self._escaped
        return end

    def _inside_file(self, file: _Base64, data: bytes, at: int) -> int:
        """Base64 has no quote in it, also no escaped one."""
        end = data.find(b'"', at)
        if end < 0:
            file.feed(data[at:])
            return len(data)
        file.feed(data[at:end], final=True)
        self._file, self._in_text = None, False
        self._frame += b'"'
        return end + 1


class MultipartBody:
    """A form with the file in the part `file`."""

    def __init__(self, target: Target, max_bytes: int, boundary: bytes) -> None:
        self._limited = _Limited(target, max_bytes)
        self._fields: dict[str, Any] = {}
        self._small = self._parts = self._files = 0
        self._header = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._name: str | None = None
        self._text = bytearray()
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._part_begins,
                    "on_header_field": self._header_name,
                    "on_header_value": self._header_value,
                    "on_header_end": self._header_ends,
                    "on_headers_finished": self._headers_end,
                    "on_part_data": self._part_data,
                    "on_part_end": self._part_ends,
                    "on_end": self._end,
                },
            )
        except FormParserError:
            raise malformed("the boundary of the form cannot be used") from None

    def feed(self, data: bytes) -> None:
        try:
            self._parser.write(data)
        except FormParserError:
            raise malformed("this is no multipart form") from None

    def finish(self) -> UploadForm:
        if not self._ended:
            raise malformed("the form is not complete")
        return form_of(self._fields, self._files)

    def _part_begins(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise malformed(f"more than {MAX_PARTS} parts")
        self._headers, self._name, self._text = {}, None, bytearray()

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_ends(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header = self._value = b""

    def _headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if self._name == "file":
            self._files += 1
            self._fields.setdefault("name", options.get(b"filename", b"").decode("utf-8", "replace"))
            self._fields.setdefault("mime_type", self._headers.get(b"content-type", b"").decode("latin-1"))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._name == "file":
            self._limited.write(data[start:end])
            return
        self._small += end - start
        if self._small > SMALL_BYTES:
            raise malformed(f"more than {SMALL_BYTES} bytes besides the file")
        self._text += data[start:end]

    def _part_ends(self) -> None:
        if self._name and self._name != "file":
            self._fields[self._name] = self._text.decode("utf-8", "replace")

    def _end(self) -> None:
        self._ended = True


def form_of(fields: Mapping[str, Any], files: int) -> UploadForm:
    """Raises Refused."""
    if files != 1:
        raise Refused(Code.BAD_VALUE, field="file", reason="is required" if files == 0 else "is given twice")
    try:
        return msgspec.convert(fields, UploadForm, strict=False)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        raise Refused(Code.BAD_VALUE, field=where.rstrip("`") or "body", reason=what) from None
