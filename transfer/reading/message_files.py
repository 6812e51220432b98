"""The lines of message files: one JSON array, or an object a line, padded or not, with whatever went wrong in them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from transfer.model import ImportStopped
from transfer.reading.source import scrubbed
from transfer.report import Report

Progress = Callable[[int], None]
PROGRESS_BYTES = 1 << 20
PROBED_LINES = 100
BROKEN = (msgspec.DecodeError, UnicodeDecodeError)
"""What decoding raises for what is no JSON."""

_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_array = msgspec.json.Decoder(list[msgspec.Raw]).decode


class _Id(msgspec.Struct):
    id: Any = None


_decode_id = msgspec.json.Decoder(_Id).decode


def records(path: Path, report: Report, progress: Progress) -> Iterator[tuple[int, dict[str, Any]]]:
    """(place in the file from 1, object) of each message, in order; of equal ids the last one. Raises ImportStopped for
    an array that is cut off or broken."""
    last = _last_of_double_ids(path)
    for number, body in _bodies(path, progress):
        fields = _fields(body, path, number, report)
        if fields is None:
            continue
        if last and isinstance(fields.get("id"), str) and last.get(fields["id"], number) != number:
            report.note("earlier_copy", f"{path.name}:{number}: {fields['id']}")
            continue
        yield number, fields


def is_array(path: Path) -> bool:
    with path.open("rb") as file:
        while chunk := file.read(4096):
            text = chunk.strip()
            if text:
                return text.startswith(b"[")
    return False


def _bodies(path: Path, progress: Progress) -> Iterator[tuple[int, bytes | msgspec.Raw]]:
    if is_array(path):
        content = path.read_bytes()
        array = _array(path, content)
        if array is not None:
            progress(len(content))
            yield from enumerate(array, 1)
            return
    told = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            told += len(line)
            if told > PROGRESS_BYTES:
                progress(told)
                told = 0
            body = line.strip()
            if body:
                yield number, body
    progress(told)


def _array(path: Path, content: bytes) -> list[msgspec.Raw] | None:
    """None when it only looks like an array: lines, of which the first is broken."""
    try:
        return _decode_array(content)
    except BROKEN as error:
        try:
            found = json.loads(content.decode("utf-8", "replace"))
        except json.JSONDecodeError as wrong:
            if _has_lines(content):
                return None
            raise ImportStopped(f"{path}:{wrong.lineno}:{wrong.colno}: {wrong.msg}") from None
        except RecursionError:
            raise ImportStopped(f"{path}: {error}") from None
        return [msgspec.Raw(json.dumps(scrubbed(one)).encode()) for one in found]


def _has_lines(content: bytes) -> bool:
    """Whether the first line is JSON by itself, or one of the first is an object."""
    lines = content.strip().split(b"\n", PROBED_LINES)[:PROBED_LINES]
    if _is_json(lines[0]):
        return True
    return any(line.lstrip().startswith(b"{") and _is_json(line) for line in lines)


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (*BROKEN, RecursionError):
        return False
    return True


def _fields(body: bytes | msgspec.Raw, path: Path, number: int, report: Report) -> dict[str, Any] | None:
    try:
        return _decode(body)
    except BROKEN as error:
        fields = _mended(bytes(body))
        if fields is None:
            report.note("bad_line", f"{path.name}:{number}: {error}")
        else:
            report.note("mended_line", f"{path.name}:{number}")
        return fields
    except RecursionError:
        report.note("bad_line", f"{path.name}:{number}: nested too deeply")
        return None


def _mended(body: bytes) -> dict[str, Any] | None:
    """Halves of surrogate pairs are JSON for some and not for others."""
    try:
        fields = json.loads(body.strip(b" \t\r\n\0").decode(), parse_constant=str)
    except (ValueError, RecursionError):
        return None
    return scrubbed(fields) if isinstance(fields, dict) else None


def _last_of_double_ids(path: Path) -> dict[str, int]:
    """Id -> place of its last occurrence, of ids that occur more than once."""
    seen: set[int] = set()
    suspects: set[int] = set()
    for _, id_ in _ids(path):
        mark = hash(id_)
        if mark in seen:
            suspects.add(mark)
        seen.add(mark)
    if not suspects:
        return {}
    del seen
    last: dict[str, int] = {}
    times: Counter[str] = Counter()
    for number, id_ in _ids(path):
        if hash(id_) in suspects:
            last[id_] = number
            times[id_] += 1
    return {id_: number for id_, number in last.items() if times[id_] > 1}


def _ids(path: Path) -> Iterator[tuple[int, str]]:
    for number, body in _bodies(path, lambda count: None):
        try:
            id_ = _decode_id(body).id
        except BROKEN:
            fields = _mended(bytes(body))
            id_ = fields.get("id") if fields else None
        except RecursionError:
            continue
        if isinstance(id_, str):
            yield number, id_
