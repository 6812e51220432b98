"""Where people talk: `channels.json`, a list in the order of display."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from db.document_format import BadRecord, Format
from db.documents import ORDER_KEY, Document, Order
from protocol.objects_community import MAX_CHANNEL_KEY


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """One channel.

    type: text, voice, forum or separator. permissions: key -> role names, `!name` denies; {} is the documented default
    set. size: height of a separator. extra: every other key of the record in the file, kept as it is.

    invite_only: who joins needs an invitation. secret: only who knows the name joins. key: the password for joining.
    moderated: only operators and voices write. topic_locked: only operators change the description. members_only: where
    people join explicitly, only who has joined writes. operators, voices, invited: user ids. created_by: id of the user
    who made the channel by joining it. max_history: messages that are kept; None: all.
    """

    members: ClassVar[tuple[str, ...]] = ()
    """Of a direct channel, who alone may see it; this is none."""

    id: str
    name: str
    type: str = "text"
    display_name: str | None = None
    description: str | None = None
    icon: str | None = None
    wallpaper: str | None = None
    size: int | None = None
    permissions: dict[str, tuple[str, ...]] = {}
    invite_only: bool = False
    secret: bool = False
    moderated: bool = False
    topic_locked: bool = False
    members_only: bool = False
    key: str | None = None
    operators: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    invited: tuple[str, ...] = ()
    created_by: str | None = None
    max_history: int | None = None
    extra: dict[str, Any] = {}

    @property
    def restricted(self) -> bool:
        """Whether only those see it who have joined it."""
        return self.invite_only or self.secret or self.key is not None

    def without_user(self, user_id: str) -> Channel:
        """The same channel, in which the user has no marks and no invitation."""
        left = {name: tuple(id_ for id_ in getattr(self, name) if id_ != user_id) for name in USER_LISTS}
        changed = {name: ids for name, ids in left.items() if ids != getattr(self, name)}
        return msgspec.structs.replace(self, **changed) if changed else self


FLAGS = ("invite_only", "secret", "moderated", "topic_locked", "members_only")
MARKS = ("operators", "voices")
USER_LISTS = (*MARKS, "invited")


class Channels(Document[Channel]):
    """Channels by id, iterated in the order of display."""

    name = "channels"

    def __init__(self, records: Iterable[Channel] = (), order: Order | None = None) -> None:
        """order: None takes the records as they come."""
        records = list(records)
        self._by_name: dict[str, str] = {}
        self._order = order if order is not None else Order(tuple(channel.id for channel in records))
        self._sorted: list[Channel] | None = None
        self._marks: dict[str, tuple[tuple[str, str], ...]] | None = None
        super().__init__(records)

    def key(self, record: Channel) -> str:
        return record.id

    def by_name(self, name: str) -> Channel | None:
        key = self._by_name.get(name)
        return self._records[key] if key is not None else None

    def values(self) -> list[Channel]:
        """In the order of display. Do not change the list."""
        if self._sorted is None:
            self._sorted = [self._records[key] for key in self._order.sort(self._records)]
        return self._sorted

    def marks_of(self, user_id: str) -> tuple[tuple[str, str], ...]:
        """(id of the channel, `operators` or `voices`) for each mark of the user."""
        if self._marks is None:
            self._marks = {}
            for channel in self.values():
                for mark in MARKS:
                    for marked in getattr(channel, mark):
                        self._marks[marked] = (*self._marks.get(marked, ()), (channel.id, mark))
        return self._marks.get(user_id, ())

    def forget_user(self, user_id: str) -> None:
        """Take the marks and invitations of a user out of every channel."""
        for channel in list(self.values()):
            left = channel.without_user(user_id)
            if left is not channel:
                self.put(left)

    def position_of(self, key: str) -> int:
        """From 0. Raises ValueError for an unknown id."""
        return [channel.id for channel in self.values()].index(key)

    def move(self, key: str, position: int) -> None:
        """Put the channel at this place (from 0) of the list without it; places beyond the ends mean the ends."""
        keys = [channel.id for channel in self.values() if channel.id != key]
        keys.insert(max(0, position), key)
        self._put(ORDER_KEY, Order(tuple(keys)))

    def _value(self, key: str) -> Any:
        return self._order if key == ORDER_KEY else self._records.get(key)

    def _assign(self, key: str, new: Any) -> None:
        self._sorted = self._marks = None
        if key == ORDER_KEY:
            self._order = new if new is not None else Order()
            return
        old = self._records.get(key)
        super()._assign(key, new)
        if old is not None and self._by_name.get(old.name) == key:
            # Two channels share a name only until the writer has renamed one of them; then the other answers to it.
            del self._by_name[old.name]
            others = (channel for channel in self._records.values() if channel.name == old.name)
            for other in others:
                self._by_name[other.name] = other.id
        if new is not None:
            self._by_name[new.name] = key


TYPES = ("text", "voice", "forum", "separator", "category")
"""`category` is known to clients only; it may occur in files made by hand."""

_KNOWN = set(Channel.__struct_fields__) - {"extra"}
_TEXT = {"type": ["string", "null"]}
_USER_IDS = {"type": "array", "items": {"type": "string"}, "description": "user ids"}
_SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "name": {"type": "string"},
        "type": {"enum": list(TYPES)},
        "display_name": _TEXT,
        "description": _TEXT,
        "icon": _TEXT,
        "wallpaper": _TEXT,
        "size": {"type": ["integer", "null"]},
        "permissions": {
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        **{name: {"type": "boolean"} for name in FLAGS},
        "key": _TEXT,
        **dict.fromkeys(USER_LISTS, _USER_IDS),
        "created_by": _TEXT,
        "max_history": {"type": ["integer", "null"]},
    },
}


def bad_name(name: str) -> str | None:
    """Why a channel cannot have this name; None when it can. (Names have been, and may be, names of files.)"""
    if not name.strip():
        return "the name must not be empty"
    if "/" in name or "\\" in name or ".." in name:
        return f"the name {name!r} must not contain a slash or '..'"
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in name):
        return f"the name {name!r} must not contain control characters"
    return None


def _read(key: str, fields: dict[str, Any], place: int) -> Channel:
    known = {name: value for name, value in fields.items() if name in _KNOWN}
    extra = {name: value for name, value in fields.items() if name not in _KNOWN}
    if known.get("type") == "seperator":
        known["type"] = "separator"
    if known.get("type") == "separator":
        known.setdefault("name", "")
    known.setdefault("id", "")
    if "name" not in known:
        raise BadRecord("a channel needs a name")
    channel = msgspec.convert({**known, "extra": extra}, Channel)
    if channel.type not in TYPES:
        raise BadRecord(f"{channel.type!r} is not one of {', '.join(TYPES)}", ("type",))
    reason = bad_name(channel.name)
    if reason is not None and (channel.name or channel.type != "separator"):
        raise BadRecord(reason, ("name",))
    if channel.key is not None and not 1 <= len(channel.key) <= MAX_CHANNEL_KEY:
        raise BadRecord(f"a key has 1 to {MAX_CHANNEL_KEY} characters", ("key",))
    if channel.max_history is not None and channel.max_history < 1:
        raise BadRecord("at least one message is kept", ("max_history",))
    if channel.id.startswith("#"):
        raise BadRecord("an id must not begin with '#'", ("id",))
    return channel


def _write(channel: Channel) -> dict[str, Any]:
    fields: dict[str, Any] = {"id": channel.id, "type": channel.type, "name": channel.name}
    for name in ("display_name", "description", "icon", "wallpaper", "size"):
        value = getattr(channel, name)
        if value is not None:
            fields[name] = value
    for name in ("permissions", *FLAGS, *USER_LISTS):
        value = getattr(channel, name)
        if value:
            fields[name] = value
    for name in ("key", "created_by", "max_history"):
        value = getattr(channel, name)
        if value is not None:
            fields[name] = value
    return fields | channel.extra


def _free_name(stem: str, first: int, taken: Collection[str]) -> str:
    while f"{stem}-{first}" in taken:
        first += 1
    return f"{stem}-{first}"


def _identify(records: list[Channel], base: Mapping[str, Any], new_id: Callable[[], str]) -> bool:
    incomplete = False
    names = {channel.name for channel in records}
    ids = {channel.id for channel in records}
    known = {channel.name: channel.id for channel in base.values() if isinstance(channel, Channel)}
    for place, channel in enumerate(records):
        name, id_ = channel.name, channel.id
        if not name:
            name = _free_name("separator", 1, names)
            names.add(name)
        if not id_:
            id_ = known.get(name, "")
            if not id_ or id_ in ids:
                id_ = new_id()
            ids.add(id_)
        if (name, id_) != (channel.name, channel.id):
            records[place] = msgspec.structs.replace(channel, name=name, id=id_)
            incomplete = True
    return incomplete


def _check(records: list[Channel]) -> tuple[int, BadRecord] | None:
    ids: set[str] = set()
    names: set[str] = set()
    for place, channel in enumerate(records):
        if channel.id in ids:
            return place, BadRecord(f"the id {channel.id!r} occurs twice", ("id",))
        if channel.name in names:
            return place, BadRecord(f"the name {channel.name!r} occurs twice", ("name",))
        ids.add(channel.id)
        names.add(channel.name)
    return None


def _settle(records: Mapping[str, Any], on_disk: Mapping[str, Any]) -> list[Channel]:
    """A hand edit and a command may have given two channels one name; the one in the file keeps it."""
    owners: dict[str, str] = {}
    channels = [channel for channel in records.values() if isinstance(channel, Channel)]
    for channel in sorted(channels, key=lambda c: (c.id not in on_disk or on_disk[c.id].name != c.name, c.id)):
        owners.setdefault(channel.name, channel.id)
    if len(owners) == len(channels):
        return []
    renamed = []
    for channel in channels:
        if owners[channel.name] != channel.id:
            name = _free_name(channel.name, 2, owners)
            owners[name] = channel.id
            renamed.append(msgspec.structs.replace(channel, name=name))
    return renamed


def _defaults(new_id: Callable[[], str]) -> list[Channel]:
    permissions = {
        "view": ("user",),
        "send": ("user",),
        "delete": ("admin", "moderator"),
        "create_thread": ("user",),
    }
    return [
        Channel(
            id=new_id(),
            name="general",
            description="General chat channel for everyone",
            permissions=permissions,
        )
    ]


FORMAT: Format[Channel] = Format(
    document=Channels.name,
    type=Channel,
    is_list=True,
    schema=_SCHEMA,
    read=_read,
    write=_write,
    key=lambda channel: channel.id,
    identify=_identify,
    check=_check,
    settle=_settle,
    defaults=_defaults,
)
