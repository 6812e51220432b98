"""What only PostgreSQL needs: its URL, the settings of a connection, one server at a time, an index for searching.

An engine has one connection, which holds the lock for as long as it lives: a new one gets it when the former is gone in
the eyes of the database, so that nothing of the former can be committed any more.
"""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

DRIVER = "postgresql+psycopg"
NAMES = ("postgres", "postgresql", "postgresql+psycopg")
"""How the URL of such a database may begin."""

LOCK_TIMEOUT_MS = 5_000
"""How long a statement waits for another program that has locked a table."""
TAKEOVER_MS = 2_000
"""How long a new connection waits for a former one to be gone."""
_LOCK = 0x6F63  # any number that other programs do not take

_CONNECT = {
    "application_name": "originchats",
    "connect_timeout": 5,  # seconds
    # a network that swallows everything is noticed after 10 to 25 seconds
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,  # milliseconds
}
_SETTINGS = (
    "SET synchronous_commit = on",  # a commit is on disk when it returns
    "SET timezone = 'UTC'",
    "SET tcp_keepalives_idle = 10",  # so that the lock of a machine that is gone is free soon
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
)

log = logging.getLogger("originchats.database")


def open_engine(url: URL) -> Engine:
    """What the URL's query sets goes before what is set here."""
    defaults = {name: value for name, value in _CONNECT.items() if name not in url.query}
    engine = create_engine(url.set(drivername=DRIVER), connect_args=defaults, pool_size=1, max_overflow=0)
    event.listen(engine, "connect", _set_up)
    return engine


def _set_up(connection: Any, _record: object) -> None:
    import psycopg

    try:
        if connection.info.encoding != "utf-8" or connection.info.parameter_status("server_encoding") != "UTF8":
            raise psycopg.OperationalError("its encoding is not UTF8: make it with CREATE DATABASE ... ENCODING 'UTF8'")
        connection.autocommit = True
        for setting in _SETTINGS:
            connection.execute(setting)
        connection.execute(f"SET lock_timeout = {TAKEOVER_MS}")
        try:
            connection.execute("SELECT pg_advisory_lock(%s, hashtext(current_schema()))", [_LOCK])
        except psycopg.errors.LockNotAvailable:
            raise psycopg.OperationalError(
                "another server is using it: stop that one, or give this one a database of its own"
            ) from None
        connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
        connection.autocommit = False
    except BaseException:
        connection.close()
        raise


def index_search(engine: Engine) -> bool:
    """Make the index that finds old messages, if it is not there. False: the database does not let us, and searching
    reaches back a bounded number of messages."""
    try:
        with engine.begin() as connection:
            if not has_search_index(connection):
                connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
                connection.execute(
                    text("CREATE INDEX message_text_trigrams ON message_text USING gin (folded gin_trgm_ops)")
                )
    except DBAPIError as error:
        log.warning(
            "search looks through the newest messages of a channel only, as the index for the older ones cannot be "
            "made: %s. Let a superuser run CREATE EXTENSION pg_trgm in this database, then restart the server",
            str(error.orig).splitlines()[0],
        )
        return False
    return True


def has_search_index(connection: Connection) -> bool:
    return connection.execute(text("SELECT to_regclass('message_text_trigrams')")).scalar() is not None
