"""The community's own emojis: `serverEmojis.json`, an object of emoji id -> record. The pictures lie in a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from db.document_format import BadRecord, Format
from db.documents import Document

EXTENSIONS = {
    "gif": "image/gif", "jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp",
}  # fmt: skip
"""What a picture may be, by the extension of its file name: its MIME type."""
COUNTER = "next_emoji_id"
FIRST_ID = 1
MAX_NAME = 64

_ID = re.compile(r"0|[1-9][0-9]{0,14}")
_NAME = re.compile(rf"[A-Za-z0-9_]{{1,{MAX_NAME}}}")


def extension_of(file_name: str) -> str | None:
    """In lower case, of a bare file name of a picture; None when it is anything else, such as a path."""
    if len(file_name) > 200 or file_name.startswith(".") or re.search(r"[/\\:\0-\x1f]", file_name):
        return None
    stem, _, extension = file_name.rpartition(".")
    return extension.lower() if stem and extension.lower() in EXTENSIONS else None


class Emoji(msgspec.Struct, frozen=True, kw_only=True):
    """One emoji.

    id: a decimal number, never given to another emoji, since old messages name it. file_name: of its picture, in the
    folder of pictures. extra: every other key of the record in the file, kept as it is.
    """

    id: str
    name: str
    file_name: str
    extra: dict[str, Any] = {}


class Emojis(Document[Emoji]):
    """Emojis by id. Names are compared without case."""

    name = "emojis"

    def __init__(self, records: Iterable[Emoji] = (), next_id: int = FIRST_ID) -> None:
        self.next_id = max(next_id, FIRST_ID)
        """Above every id that was ever in the document."""
        self._by_name: dict[str, str] = {}
        super().__init__(records)

    def key(self, record: Emoji) -> str:
        return record.id

    def take_id(self) -> str:
        """An id that no emoji has had and none will be given again while the server runs."""
        self.next_id += 1
        return str(self.next_id - 1)

    def by_name(self, name: str) -> Emoji | None:
        id_ = self._by_name.get(name.lower())
        return None if id_ is None else self._records[id_]

    def by_file_name(self, file_name: str) -> Emoji | None:
        return next((emoji for emoji in self._records.values() if emoji.file_name == file_name), None)

    def _assign(self, key: str, new: Emoji | None) -> None:
        old = self._records.get(key)
        if old is not None and self._by_name.get(old.name.lower()) == key:
            del self._by_name[old.name.lower()]
        super()._assign(key, new)
        if new is not None:
            self._by_name[new.name.lower()] = key
        self.next_id = max(self.next_id, int(key) + 1)


_SCHEMA = {
    "type": "object",
    "required": ["name", "fileName"],
    "properties": {
        "name": {"type": "string", "pattern": f"^{_NAME.pattern}$"},
        "fileName": {"type": "string", "minLength": 1, "description": "of a picture in the folder of emojis"},
    },
}


def _read(key: str, fields: dict[str, Any], place: int) -> Emoji:
    if not _ID.fullmatch(key):
        raise BadRecord("the id of an emoji is a decimal number of up to 15 digits")
    name, file_name = fields.get("name"), fields.get("fileName")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadRecord("expected 1 to 64 letters a-z, digits and underscores", ("name",))
    if not isinstance(file_name, str) or extension_of(file_name) is None:
        expected = ", ".join(EXTENSIONS)
        raise BadRecord(f"expected the bare name of a picture ({expected})", ("fileName",))
    extra = {key: value for key, value in fields.items() if key not in ("name", "fileName")}
    return Emoji(id=key, name=name, file_name=file_name, extra=extra)


def _write(emoji: Emoji) -> dict[str, Any]:
    return {"name": emoji.name, "fileName": emoji.file_name} | emoji.extra


def _check(records: list[Emoji]) -> tuple[int, BadRecord] | None:
    names: set[str] = set()
    for place, emoji in enumerate(records):
        if emoji.name.lower() in names:
            return place, BadRecord(
                f"the name {emoji.name!r} occurs twice (upper and lower case are the same)", ("name",)
            )
        names.add(emoji.name.lower())
    return None


def _settle(records: Mapping[str, Any], on_disk: Mapping[str, Any]) -> list[Emoji]:
    """A hand edit and a command may have given two emojis one name; the one in the file keeps it."""
    owners: dict[str, str] = {}
    emojis = sorted(records.values(), key=lambda e: (e.id not in on_disk or on_disk[e.id].name != e.name, int(e.id)))
    renamed = []
    for emoji in emojis:
        if owners.setdefault(emoji.name.lower(), emoji.id) != emoji.id:
            name = f"{emoji.name[:48]}_{emoji.id}"
            while name.lower() in owners:
                name = f"{name[:62]}_"
            owners[name.lower()] = emoji.id
            renamed.append(msgspec.structs.replace(emoji, name=name))
    return renamed


FORMAT: Format[Emoji] = Format(
    document=Emojis.name,
    type=Emoji,
    is_list=False,
    schema=_SCHEMA,
    read=_read,
    write=_write,
    key=lambda emoji: emoji.id,
    check=_check,
    settle=_settle,
    counter=COUNTER,
)
