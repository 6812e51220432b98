from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol.attachments import UploadForm
from protocol.errors import Code, Refused
from routes.upload_body import MAX_PARTS, SMALL_BYTES, Body, JsonBody, MultipartBody

FIELDS: dict[str, Any] = {"name": "a.png", "channel": "general"}
FORM = UploadForm(name="a.png", channel="general")


class Memory:
    def __init__(self) -> None:
        self.data = b""

    @property
    def size(self) -> int:
        return len(self.data)

    def write(self, data: bytes) -> None:
        self.data += data


def taken(body: Body, text: bytes, sizes: tuple[int, ...] = (1 << 30,)) -> UploadForm:
    """Feed the text in pieces of these sizes, over and over."""
    at = number = 0
    while at < len(text):
        size = sizes[number % len(sizes)]
        body.feed(text[at : at + size])
        at, number = at + size, number + 1
    return body.finish()


def read_json(text: bytes, *sizes: int, most: int = 1_000_000) -> tuple[bytes, UploadForm]:
    target = Memory()
    form = taken(JsonBody(target, most), text, sizes or (1 << 30,))
    return target.data, form


def refused_json(text: bytes, most: int = 1_000_000) -> Refused:
    with pytest.raises(Refused) as caught:
        read_json(text, 7, most=most)
    return caught.value


def encoded(data: bytes, **fields: Any) -> bytes:
    return json.dumps({"file": base64.b64encode(data).decode(), **FIELDS, **fields}).encode()


def multipart(*parts: tuple[str, bytes], boundary: str = "xx") -> bytes:
    """parts: (the disposition and what follows it in the head, the bytes)."""
    heads = [b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (boundary.encode(), head.encode(), data)
             for head, data in parts]  # fmt: skip
    return b"".join(heads) + f"--{boundary}--\r\n".encode()


def read_multipart(text: bytes, *sizes: int, most: int = 1_000_000) -> tuple[bytes, UploadForm]:
    target = Memory()
    form = taken(MultipartBody(target, most, b"xx"), text, sizes or (1 << 30,))
    return target.data, form


def refused_multipart(text: bytes, most: int = 1_000_000) -> Refused:
    with pytest.raises(Refused) as caught:
        read_multipart(text, 50, most=most)
    return caught.value


@settings(max_examples=60, deadline=None)
@given(
    data=st.binary(max_size=4000),
    sizes=st.lists(st.integers(1, 900), min_size=1, max_size=5),
    prefix=st.sampled_from(["", "data:image/png;base64,", "data:text/plain;charset=utf-8;base64,"]),
    escape=st.sampled_from([str, lambda text: text.replace("/", "\\/"), lambda text: text.replace("+", "\\u002B")]),
)
def test_json_in_any_pieces_gives_the_bytes(data: bytes, sizes: list[int], prefix: str, escape: Any) -> None:
    file = escape(prefix + base64.b64encode(data).decode())
    text = '{"name": "a \\"file\\": \\\\", "file" :\n"' + file + '", "channel": "general"}'
    found, form = read_json(text.encode(), *sizes)
    assert found == data
    assert form == UploadForm(name='a "file": \\', channel="general")


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=4000), sizes=st.lists(st.integers(1, 900), min_size=1, max_size=5))
def test_a_form_in_any_pieces_gives_the_bytes(data: bytes, sizes: list[int]) -> None:
    text = multipart(('name="file"; filename="a.png"\r\nContent-Type: image/png', data), ('name="channel"', b"general"))
    found, form = read_multipart(text, *sizes)
    assert found == data
    assert form == UploadForm(name="a.png", channel="general", mime_type="image/png")


def test_json_keeps_every_field_and_ignores_others() -> None:
    text = encoded(
        b"hi", mime_type="text/plain", validator_key="k", validator="v", expires_in_days=1.5, more={"file": 1}, x=None
    )
    assert read_json(text) == (
        b"hi",
        UploadForm(
            name="a.png", channel="general", mime_type="text/plain", validator_key="k", validator="v",
            expires_in_days=1.5,
        ),
    )  # fmt: skip
    assert read_json(encoded(b"", expires_in_days=None)) == (b"", FORM)
    unpadded = json.dumps({"file": "aGk", **FIELDS}).encode()
    assert read_json(unpadded)[0] == b"hi"


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[]", b"{", b"null", b'{"file": "aGk="', b'{"file": "aGk=', b'"file": "aGk="', b"\xff\xfe",
        b"[" * 2000, b'{"x": ' + b"[" * 60_000,
        b'{"file": "aGk=", "name": "\xff", "channel": "c"}',
        b'{"x": {"file": "aGk="}, "name": "n", "channel": "c"}',
        b'{"x\\"file": "aGk=", "file": 5, "name": "n", "channel": "c"}',
    ],
)  # fmt: skip
def test_what_is_no_json_object_with_a_file_is_malformed(text: bytes) -> None:
    assert refused_json(text).code in (Code.MALFORMED, Code.BAD_VALUE)


@pytest.mark.parametrize(
    "file",
    ["a", "aGk=aGk=", "aGk=\\n", "a Gk=", "aGk-", "====", "\\\"aGk=", "\\u0000", "data:image/png,hello", "\\q", "é",
     "A" * 70_000 + "=" + "A" * 70_000],
)  # fmt: skip
def test_garbage_instead_of_base64_is_malformed(file: str) -> None:
    assert refused_json(f'{{"file": "{file}", "name": "n", "channel": "c"}}'.encode()).code is Code.MALFORMED


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": None}, "name"), ({"name": "x" * 1025}, "name"), ({"channel": ""}, "channel"),
        ({"channel": 5}, "channel"), ({"validator": "x" * 5000}, "validator"),
        ({"expires_in_days": 0}, "expires_in_days"), ({"expires_in_days": -1}, "expires_in_days"),
        ({"expires_in_days": "nan"}, "expires_in_days"), ({"expires_in_days": "inf"}, "expires_in_days"),
        ({"expires_in_days": [1]}, "expires_in_days"),
    ],
)  # fmt: skip
def test_a_bad_field_is_named(fields: dict[str, Any], field: str) -> None:
    refusal = refused_json(encoded(b"hi", **fields))
    assert refusal.code is Code.BAD_VALUE
    assert refusal.fields["field"] == field


def test_one_file_is_required() -> None:
    assert refused_json(json.dumps(FIELDS).encode()).text == "file: is required"
    assert refused_json(b'{"file": "aGk=", "file": "aGk=", "name": "n", "channel": "c"}').text == "file: is given twice"
    part = ('name="file"; filename="a"', b"hi")
    assert refused_multipart(multipart(('name="channel"', b"c"))).text == "file: is required"
    assert refused_multipart(multipart(part, part)).text == "file: is given twice"


def test_a_file_that_is_too_large_is_refused_before_its_end() -> None:
    most = 2000
    assert read_json(encoded(bytes(most)), 40, most=most)[0] == bytes(most)
    target = Memory()
    with pytest.raises(Refused, match=r"\(max 2000 bytes\)"):
        taken(JsonBody(target, most), encoded(bytes(most + 500))[:-60], (100,))
    assert target.size <= most
    form = multipart(('name="file"; filename="a"', bytes(most + 1)))
    assert refused_multipart(form, most=most).code is Code.FILE_TOO_LARGE


def test_everything_besides_the_file_is_small() -> None:
    huge = "x" * SMALL_BYTES
    for text in (encoded(b"hi", name=huge), encoded(b"hi", other=huge), b"{" + b" " * SMALL_BYTES + b"}"):
        assert refused_json(text).code is Code.MALFORMED
    assert refused_multipart(multipart(('name="name"', huge.encode()), ('name="x"', b"y"))).code is Code.MALFORMED
    assert refused_multipart(multipart(*[('name="x"', b"")] * (MAX_PARTS + 1))).code is Code.MALFORMED


@pytest.mark.parametrize(
    "text",
    [
        b"", b"--yy\r\n", b"--xx\r\n", b"hello", b"--xx\r\nContent-Disposition: form-data\r\n\r\nhi\r\n--xx--\r\n",
        multipart(('name="file"; filename="a"', b"hi"))[:-8],
        b"--xx\r\n" + b"A: b\r\n" * 100 + b"\r\n\r\n--xx--\r\n",
        b"--xx\r\nA: " + b"b" * 10_000 + b"\r\n\r\n\r\n--xx--\r\n",
    ],
)  # fmt: skip
def test_what_is_no_form_with_a_file_is_refused(text: bytes) -> None:
    assert refused_multipart(text).code in (Code.MALFORMED, Code.BAD_VALUE)


def test_a_form_may_name_the_file_itself() -> None:
    named = ('name="name"', b"b.png")
    file = ('name="file"; filename="../a.png"', b"hi")
    channel = ('name="channel"', b"general")
    for parts in ((named, file, channel), (file, named, channel)):
        assert read_multipart(multipart(*parts))[1].name == "b.png"


@pytest.mark.parametrize("boundary", [b"", b"x" * 300, b"\xff"])
def test_an_odd_boundary_is_no_trouble(boundary: bytes) -> None:
    with pytest.raises(Refused):
        taken(MultipartBody(Memory(), 10, boundary), b"--x\r\n\r\n")
