"""How the records of a document lie in its JSON file: reading, writing, and saying what is wrong and where.

Reading takes the file apart into slices, one a record. A slice that is exactly what we wrote is not looked at again, so
that a hand edit of one record among ten thousand costs little more than finding it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

import jsonschema
import msgspec
import yaml

from db.documents import ORDER_KEY, Order

R = TypeVar("R", bound=msgspec.Struct)

_encode = msgspec.json.Encoder().encode
_INDENT = b"  "


class Problem(msgspec.Struct, frozen=True):
    """What is wrong with a file. line and column count from 1; None when there is no such place."""

    file: str
    reason: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        place = "".join(f":{number}" for number in (self.line, self.column) if number is not None)
        return f"{self.file}{place}: {self.reason}"


class DataError(Exception):
    """A file that cannot be used."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.file, self.line, self.reason = problem.file, problem.line, problem.reason
        super().__init__(str(problem))


class BadRecord(Exception):
    """A record that its format refuses. path: where in the record, as of `jsonschema`."""

    def __init__(self, reason: str, path: tuple[str | int, ...] = ()) -> None:
        self.reason = reason
        self.path = path
        super().__init__(reason)


class Format(msgspec.Struct, Generic[R], frozen=True, kw_only=True):
    """One kind of document.

    read: (key, fields of the JSON object, place in the file from 0) -> record, or raises BadRecord or
        msgspec.ValidationError; the key is "" in a list.
    write: the reverse, in a stable order of keys.
    identify: (records, last known records, new id) gives the records of a whole file what they lack (ids, names); True
        when something was given.
    check: what is wrong with the records as a whole: the place of the offending one, and why.
    settle: (records, those on disk) after a merge, the records that must change so that the file stays valid.
    defaults: the records of a file that does not exist yet.
    counter: for keys that are numbers and are never given twice: the name of the counter that stays above all of them.
    """

    document: str
    type: type[R]
    is_list: bool
    schema: dict[str, Any]
    read: Callable[[str, dict[str, Any], int], R]
    write: Callable[[R], dict[str, Any]]
    key: Callable[[R], str]
    identify: Callable[[list[R], Mapping[str, Any], Callable[[], str]], bool] = lambda records, base, new_id: False
    check: Callable[[list[R]], tuple[int, BadRecord] | None] = lambda records: None
    settle: Callable[[Mapping[str, Any], Mapping[str, Any]], list[R]] = lambda records, on_disk: []
    defaults: Callable[[Callable[[], str]], list[R]] = lambda new_id: []
    counter: str | None = None


class Slice(msgspec.Struct, frozen=True):
    """A record and the text of it in the file."""

    record: Any
    body: bytes


class Parsed(msgspec.Struct):
    """incomplete: the file lacks something that was given to its records; it should be written."""

    records: dict[str, Any]
    incomplete: bool


def body_of(format: Format[Any], record: Any) -> bytes:
    """The text of a record as it is written in the file."""
    if isinstance(record, Order):
        return _encode(record)
    return msgspec.json.format(_encode(format.write(record)), indent=len(_INDENT)).replace(b"\n", b"\n" + _INDENT)


def record_of(format: Format[Any], key: str, body: bytes) -> Any:
    """The reverse of `body_of`. Raises BadRecord."""
    return msgspec.json.decode(body, type=Order) if key == ORDER_KEY else _read(format, key, body, 0)


class Slices:
    """The slices of the records as last written, and where people format them otherwise, as last read."""

    def __init__(self, format: Format[Any]) -> None:
        self._format = format
        self._written: dict[str, Slice] = {}
        self._read: dict[str, Slice] = {}
        self._expected: dict[str, bytes] = {}

    def expect(self, bodies: Mapping[str, bytes]) -> None:
        """Texts that are known to be as we write them."""
        self._expected = dict(bodies)
        for key, slice in list(self._read.items()):
            if self._expected.get(key) == slice.body:
                self._written[key] = self._read.pop(key)

    def record(self, key: str, body: bytes) -> Any:
        """The record that this text is known to hold; None when it must be read."""
        for slice in (self._written.get(key), self._read.get(key)):
            if slice is not None and slice.body == body:
                return slice.record
        return None

    def learn(self, key: str, body: bytes, record: Any) -> None:
        (self._written if self._expected.get(key) == body else self._read)[key] = Slice(record, body)

    def body(self, key: str, record: Any) -> bytes:
        """The text of this record as we write it."""
        slice = self._written.get(key)
        if slice is None or slice.record is not record:
            slice = self._written[key] = Slice(record, body_of(self._format, record))
        return slice.body

    def keep_only(self, keys: Mapping[str, Any]) -> None:
        self._expected = {}
        for slices in (self._written, self._read):
            if len(slices) > len(keys):
                for key in [key for key in slices if key not in keys]:
                    del slices[key]


def render(format: Format[Any], records: Mapping[str, Any], slices: Slices) -> bytes:
    """The whole file."""
    if format.is_list:
        keys = records[ORDER_KEY].sort(key for key in records if key != ORDER_KEY)
        parts = [slices.body(key, records[key]) for key in keys]
        opening, closing = b"[", b"]\n"
    else:
        parts = [_encode(key) + b": " + slices.body(key, record) for key, record in records.items()]
        opening, closing = b"{", b"}\n"
    if not parts:
        return opening + closing
    separator = b"\n" + _INDENT
    return opening + separator + (b"," + separator).join(parts) + b"\n" + closing


def parse(
    format: Format[Any],
    path: Path,
    content: bytes,
    slices: Slices,
    base: Callable[[], Mapping[str, Any]],
    new_id: Callable[[], str],
) -> Parsed:
    """The records of a file. base: gives the last known ones, from which records that lost their id get it back.

    Records that say the same as those of `base` are the very same objects. Raises DataError.
    """
    text = content.removeprefix(b"\xef\xbb\xbf")
    bodies = _take_apart(format, path, text)
    records: list[Any] = []
    for place, (key, body) in enumerate(bodies):
        record = None if format.is_list else slices.record(key, body)
        if record is None:
            try:
                record = _read(format, key, body, place)
            except BadRecord as error:
                raise DataError(_locate(format, path, text, bodies, place, error)) from None
            if not format.is_list:
                slices.learn(key, body, record)
        records.append(record)
    known = base()
    incomplete = format.identify(records, known, new_id)
    wrong = format.check(records)
    if wrong is not None:
        raise DataError(_locate(format, path, text, bodies, *wrong))
    by_key = {format.key(record): record for record in records}
    for key, record in by_key.items():
        old = known.get(key)
        if old is not None and old is not record and body_of(format, record) == slices.body(key, old):
            by_key[key] = old
    if format.is_list:
        by_key[ORDER_KEY] = Order(tuple(by_key))
    return Parsed(by_key, incomplete)


def _read(format: Format[Any], key: str, body: bytes, place: int) -> Any:
    """Raises BadRecord."""
    try:
        fields = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise BadRecord(str(error)) from None
    if not isinstance(fields, dict):
        raise BadRecord(f"expected an object, found {json.dumps(fields)[:40]}")
    try:
        return format.read(key, fields, place)
    except (msgspec.ValidationError, BadRecord) as refusal:
        for wrong in jsonschema.Draft202012Validator(format.schema).iter_errors(fields):
            raise BadRecord(wrong.message, tuple(wrong.absolute_path)) from None
        if isinstance(refusal, BadRecord):
            raise
        raise BadRecord(str(refusal)) from None


def _take_apart(format: Format[Any], path: Path, text: bytes) -> list[tuple[str, bytes]]:
    """(key, slice) of each record; the key is "" in a list. Raises DataError for what is no JSON of the right shape."""
    try:
        bodies: list[tuple[str, bytes]]
        if format.is_list:
            bodies = [("", bytes(raw)) for raw in msgspec.json.decode(text, type=list[msgspec.Raw])]
        else:
            slices = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
            bodies = [(key, bytes(raw)) for key, raw in slices.items()]
        _refuse_doubled_keys(path, text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise DataError(_syntax(format, path, text, str(error))) from None
    return bodies


def _refuse_doubled_keys(path: Path, text: bytes) -> None:
    """JSON readers silently take the last of two equal keys, which would lose a record. Raises DataError."""

    def pairs(items: list[tuple[str, Any]]) -> None:
        if len(items) > 1 and len(dict(items)) < len(items):
            keys = [key for key, _ in items]
            doubled.extend(key for key in keys if keys.count(key) > 1)

    doubled: list[str] = []
    json.loads(text, object_pairs_hook=pairs)
    if doubled:
        place = text.rfind(_encode(doubled[0]))
        raise DataError(_problem(path, text, f"the key {doubled[0]!r} occurs twice", place if place >= 0 else None))


def _syntax(format: Format[Any], path: Path, text: bytes, reason: str) -> Problem:
    if not text.strip(b" \t\r\n\x00"):
        return Problem(str(path), "the file is empty", 1, 1)
    try:
        found = json.loads(text.decode())
    except UnicodeDecodeError as error:
        return _problem(path, text, "not UTF-8 text", error.start)
    except json.JSONDecodeError as error:
        return Problem(str(path), error.msg, error.lineno, error.colno)
    except RecursionError:
        return Problem(str(path), "nested too deeply", 1, 1)
    except ValueError:  # an integer of more digits than Python converts
        return Problem(str(path), "holds a number of thousands of digits")
    expected: type = list if format.is_list else dict
    if not isinstance(found, expected):
        return Problem(str(path), f"expected {'a list' if format.is_list else 'an object'} at the top", 1, 1)
    return Problem(str(path), f"not plain JSON (NaN, half a surrogate pair, or a number out of range): {reason}")


def _locate(
    format: Format[Any], path: Path, text: bytes, bodies: Iterable[tuple[str, bytes]], place: int, error: BadRecord
) -> Problem:
    """Where in the file the offending value of the record at this place stands."""
    offset = 0
    for number, (key, body) in enumerate(bodies):
        if not format.is_list:
            offset = max(text.find(_encode(key), offset), offset)
        offset = text.find(body, offset)
        if number == place:
            name = _name(key, body, place)
            offset += _offset_within(body, error.path)
            where = ".".join(str(step) for step in error.path)
            return _problem(path, text, f"{name}: {where + ': ' if where else ''}{error.reason}", offset)
        offset += len(body)
    return Problem(str(path), error.reason)


def _name(key: str, body: bytes, place: int) -> str:
    if key:
        return key
    try:
        name = msgspec.json.decode(body).get("name")
    except (msgspec.MsgspecError, AttributeError, RecursionError):
        name = None
    return name if isinstance(name, str) and name else f"record {place + 1}"


def _offset_within(body: bytes, path: Iterable[str | int]) -> int:
    """Byte offset of the value at this path of a JSON text; 0 when it cannot be found."""
    try:
        # JSON is read as YAML for the marks; tabs, which YAML refuses, stand only between values.
        text = body.decode().replace("\t", " ")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return 0
    for step in path:
        if isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == step), node)
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
    return len(text[: node.start_mark.index].encode()) if node is not None else 0


def _problem(path: Path, text: bytes, reason: str, offset: int | None) -> Problem:
    if offset is None or offset < 0:
        return Problem(str(path), reason)
    line_start = text.rfind(b"\n", 0, offset) + 1
    column = len(text[line_start:offset].decode(errors="replace")) + 1
    return Problem(str(path), reason, text.count(b"\n", 0, offset) + 1, column)
