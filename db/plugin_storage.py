"""What plugins keep: JSON by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, func, select

from db.schema import plugin_storage as table

if TYPE_CHECKING:
    from db.group import Group

MAX_KEYS = 10_000
MAX_LISTED = 1000

_ONE = table.c.plugin == bindparam("of_plugin"), table.c.key == bindparam("of_key")
_GET = select(table.c.value).where(*_ONE)
_COUNT = select(func.count()).select_from(table).where(table.c.plugin == bindparam("of_plugin"))
_INSERT = table.insert()
_UPDATE = table.update().where(*_ONE).values(value=bindparam("to"))
_DELETE = table.delete().where(*_ONE)


class PluginStorage:
    """`tx.plugin_storage`. Values are JSON texts, bounded by whoever writes them."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def get(self, plugin: str, key: str) -> str | None:
        found: str | None = self._group.connection.execute(_GET, {"of_plugin": plugin, "of_key": key}).scalar()
        return found

    def set(self, plugin: str, key: str, value: str) -> bool:
        """False when the plugin has too many keys; then nothing changes."""
        which = {"of_plugin": plugin, "of_key": key}
        if self._group.connection.execute(_UPDATE, {**which, "to": value}).rowcount:
            return True
        if self._group.connection.execute(_COUNT, {"of_plugin": plugin}).scalar_one() >= MAX_KEYS:
            return False
        self._group.connection.execute(_INSERT, {"plugin": plugin, "key": key, "value": value})
        return True

    def delete(self, plugin: str, key: str) -> bool:
        """False when there was none."""
        return bool(self._group.connection.execute(_DELETE, {"of_plugin": plugin, "of_key": key}).rowcount)

    def list(self, plugin: str, prefix: str) -> dict[str, str]:
        """Up to `MAX_LISTED` keys that begin so, in order."""
        found = (
            select(table.c.key, table.c.value)
            .where(table.c.plugin == plugin, func.substr(table.c.key, 1, len(prefix)) == prefix)
            .order_by(table.c.key)
            .limit(MAX_LISTED)
        )
        return {row.key: row.value for row in self._group.connection.execute(found)}
