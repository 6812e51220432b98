"""Who is a member: `users.json`, an object of user id -> record."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from db.document_format import BadRecord, Format
from db.documents import Document

LOCAL_PREFIX = "USR:local_"
"""Id and username of a local account: this, then the name that was registered."""
GUEST_PREFIX = "guest:"
"""Id of a guest: this, eight random characters, a colon, then the name that it came with."""


PLACEHOLDER = "placeholder"
"""Key that an import puts into the record of a member of whom only the name is known: true."""


class Status(msgspec.Struct, frozen=True):
    """status: online, idle, dnd, offline or invisible."""

    status: str = "online"
    text: str = ""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """One member.

    roles: names, in the order that decides color and channel rules. muted_until, joined_at, last_seen: unix seconds.
    blocked: ids of the users that this one has blocked. guest: without account; goes with its last session.
    extra: every other key of the record in the file, kept as it is.
    """

    id: str
    username: str
    roles: tuple[str, ...] = ()
    status: Status = Status()
    nickname: str | None = None
    password_hash: str | None = None
    pfp_url: str | None = None
    banned: bool = False
    muted_until: float | None = None
    joined_at: float | None = None
    last_seen: float | None = None
    blocked: tuple[str, ...] = ()
    guest: bool = False
    extra: dict[str, Any] = {}

    @property
    def is_local(self) -> bool:
        return self.id.startswith(LOCAL_PREFIX)


class Users(Document[User]):
    """Members by id. Usernames are compared without case; where two records share one, the older record answers."""

    name = "users"

    def __init__(self, records: Iterable[User] = ()) -> None:
        self._by_name: dict[str, tuple[str, ...]] = {}
        super().__init__(records)

    def key(self, record: User) -> str:
        return record.id

    def by_username(self, username: str) -> User | None:
        ids = self._by_name.get(username.casefold())
        return self._records[ids[0]] if ids else None

    def find(self, text: str) -> User | None:
        """By id or by username."""
        return self._records.get(text) or self.by_username(text)

    def by_mention(self, name: str) -> User | None:
        """Who `@name` means: a username, or the name that a local account was registered with."""
        return self.by_username(name) or self.by_username(LOCAL_PREFIX + name)

    def username_of(self, user_id: str) -> str:
        """The username; for a guest that is gone its name, for any other unknown id the text itself (authors from
        elsewhere, deleted accounts)."""
        user = self._records.get(user_id)
        if user is not None:
            return user.username
        return user_id.split(":", 2)[-1] if user_id.startswith(GUEST_PREFIX) else user_id

    def with_role(self, role: str) -> list[User]:
        return [user for user in self._records.values() if role in user.roles]

    def _assign(self, key: str, new: User | None) -> None:
        old = self._records.get(key)
        before = old.username.casefold() if old is not None else None
        after = new.username.casefold() if new is not None else None
        super()._assign(key, new)
        if before == after:
            return
        if before is not None:
            left = tuple(id_ for id_ in self._by_name[before] if id_ != key)
            if left:
                self._by_name[before] = left
            else:
                del self._by_name[before]
        if after is not None:
            self._by_name[after] = (*self._by_name.get(after, ()), key)


_KNOWN = set(User.__struct_fields__) - {"id", "extra"}
_BANNED = "banned"
"""In older files a ban is this name among the roles."""
_TEXT = {"type": ["string", "null"]}
_TIME = {"type": ["number", "null"], "description": "unix seconds"}
_SCHEMA = {
    "type": "object",
    "properties": {
        "username": {"type": "string", "minLength": 1},
        "roles": {"type": "array", "items": {"type": "string"}},
        "status": {"type": "object", "properties": {"status": {"type": "string"}, "text": {"type": "string"}}},
        "nickname": _TEXT,
        "password_hash": _TEXT,
        "pfp_url": _TEXT,
        "banned": {"type": "boolean"},
        "muted_until": _TIME,
        "joined_at": _TIME,
        "last_seen": _TIME,
        "blocked": {"type": "array", "items": {"type": "string"}, "description": "user ids"},
        "guest": {"type": "boolean"},
    },
}


def _read(key: str, fields: dict[str, Any], place: int) -> User:
    known = {name: value for name, value in fields.items() if name in _KNOWN}
    # `validator` is a token that earlier servers left there: of no use, and not to be kept.
    extra = {name: value for name, value in fields.items() if name not in _KNOWN and name != "validator"}
    roles = fields.get("roles")
    if isinstance(roles, list) and _BANNED in roles:
        known["roles"] = [role for role in roles if role != _BANNED]
        known["banned"] = True
    known.setdefault("username", key)
    user = msgspec.convert({**known, "id": key, "extra": extra}, User)
    if not key or not user.username:
        raise BadRecord("an id and a username must not be empty")
    return user


def _write(user: User) -> dict[str, Any]:
    fields: dict[str, Any] = {"username": user.username}
    if user.nickname is not None:
        fields["nickname"] = user.nickname
    fields |= {"roles": user.roles, "status": user.status}
    for name in ("password_hash", "pfp_url", "muted_until", "joined_at", "last_seen"):
        value = getattr(user, name)
        if value is not None:
            fields[name] = value
    if user.banned:
        fields["banned"] = True
    if user.blocked:
        fields["blocked"] = user.blocked
    if user.guest:
        fields["guest"] = True
    return fields | user.extra


FORMAT: Format[User] = Format(
    document=Users.name,
    type=User,
    is_list=False,
    schema=_SCHEMA,
    read=_read,
    write=_write,
    key=lambda user: user.id,
)
