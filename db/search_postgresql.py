"""Substring search in PostgreSQL: a table of folded contents, with an index of trigrams where pg_trgm can be had.

The newest messages are looked through first. When they do not give enough, what is searched for is rare, and the index
finds all of it quickly. That it may still take long (a query of signs only, one that very many messages nearly match)
is bounded by time; then the newest messages are all that was searched, as without the index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Column, Connection, MetaData, Row, Table, Text, bindparam, select
from sqlalchemy.exc import DBAPIError

from db import message_search, postgresql
from db.message_search import MIN_INDEXED_CHARS, fold
from db.schema import messages

if TYPE_CHECKING:
    from db.group import Group, Place

TIMEOUT_MS = 250
"""How long the index is asked for one search."""
_TIMED_OUT = "57014"

# made by the migrations
_texts = Table(
    "message_text",
    MetaData(),
    Column("n", BigInteger, primary_key=True, autoincrement=False),
    Column("folded", Text, nullable=False),
)
_ADD = _texts.insert()
_CHANGE = _texts.update().where(_texts.c.n == bindparam("of")).values(folded=bindparam("to"))
_REMOVE = _texts.delete().where(_texts.c.n.in_(bindparam("ns", expanding=True)))

_HERE = _texts.c.n.between(bindparam("low"), bindparam("high"))
_PATTERN = bindparam("pattern", type_=Text)
_newest = select(_texts).where(_HERE).order_by(_texts.c.n.desc()).limit(bindparam("scanned")).subquery()
_AMONG_NEWEST = (
    select(_newest.c.n).where(_newest.c.folded.like(_PATTERN)).order_by(_newest.c.n.desc()).limit(bindparam("limit"))
)
# materialized: the order is not to lead away from the index of trigrams
_hits = select(_texts.c.n).where(_texts.c.folded.like(_PATTERN), _HERE).cte("hits").prefix_with("MATERIALIZED")
_BY_INDEX = select(_hits.c.n).order_by(_hits.c.n.desc()).limit(bindparam("limit"))
_anywhere = select(_texts.c.n).where(_texts.c.folded.like(_PATTERN)).limit(bindparam("limit"))
_ROWS = select(messages).where(messages.c.n.in_(bindparam("ns", expanding=True))).order_by(messages.c.n.desc())


def added(group: Group, rows: Sequence[Mapping[str, Any]]) -> None:
    group.connection.execute(_ADD, [{"n": row["n"], "folded": fold(row["content"])} for row in rows])


def index(connection: Connection, rows: Sequence[tuple[int, str]]) -> None:
    """(n, content) of messages that are not in the index."""
    connection.execute(_ADD, [{"n": n, "folded": fold(content)} for n, content in rows])


def changed(group: Group, n: int, before: str, after: str) -> None:
    group.connection.execute(_CHANGE, {"of": n, "to": fold(after)})


def removed(group: Group, gone: Iterable[tuple[int, str]]) -> None:
    group.connection.execute(_REMOVE, {"ns": [n for n, _ in gone]})


def commits(group: Group) -> None:
    """Nothing is queued here."""


def search(group: Group, place: Place, query: str, limit: int) -> list[Row[Any]]:
    folded = fold(query)
    if limit < 1 or not folded:
        return []
    which = {"low": place.low, "high": place.high, "pattern": _pattern(folded), "limit": limit}
    scanned = message_search.MAX_SCANNED
    ns = list(group.connection.execute(_AMONG_NEWEST, {**which, "scanned": scanned}).scalars())
    if len(ns) < limit and place.count > scanned and len(folded) >= MIN_INDEXED_CHARS:
        ns = _by_index(group, _BY_INDEX, which) or ns
    return list(group.connection.execute(_ROWS, {"ns": ns})) if ns else []


def everywhere(group: Group, folded: str, most: int) -> list[int] | None:
    found = _by_index(group, _anywhere, {"pattern": _pattern(folded), "limit": most + 1})
    return None if found is None or len(found) > most else found


def candidates(group: Group, place: Place, high: int, folded: str, limit: int, scanned: int) -> tuple[list[int], int]:
    which = {"low": place.low, "high": high, "pattern": _pattern(folded), "limit": limit, "scanned": scanned}
    found = list(group.connection.execute(_AMONG_NEWEST, which).scalars())
    return found, high - (found[-1] if len(found) == limit else max(place.low, high - scanned)) + 1


def _pattern(folded: str) -> str:
    escaped = folded.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _by_index(group: Group, statement: Any, which: dict[str, Any]) -> list[int] | None:
    """None when there is no index, or when it takes too long."""
    if not postgresql.has_search_index(group.connection):
        return None
    attempt = group.connection.begin_nested()
    try:
        group.connection.exec_driver_sql(f"SET LOCAL statement_timeout = {TIMEOUT_MS}")
        return list(group.connection.execute(statement, which).scalars())
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != _TIMED_OUT:
            raise
        return None
    finally:
        attempt.rollback()  # the timeout as well
