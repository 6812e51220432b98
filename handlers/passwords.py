"""Password hashes: made and checked in a small pool of threads, never on the event loop.

New hashes are Argon2id with 19 MiB, 2 passes, 1 lane (OWASP Password Storage Cheat Sheet). A bcrypt hash of an
imported account is still checked, and replaced at the first login.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

WORKERS = 2
MAX_WAITING = 256
BCRYPT_MAX_BYTES = 72
T = TypeVar("T")
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1, type=Type.ID)


class Busy(Exception):
    """Too many logins wait already."""


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def check_password(stored: str, password: str) -> bool:
    """False for a wrong password and for a hash of an unknown kind."""
    if stored.startswith(("$2a$", "$2b$", "$2y$")):
        try:
            return bcrypt.checkpw(password.encode()[:BCRYPT_MAX_BYTES], stored.encode())
        except ValueError:
            return False
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(stored: str) -> bool:
    """True for anything but Argon2id with today's parameters."""
    try:
        return _hasher.check_needs_rehash(stored)
    except InvalidHashError:
        return True


@cache
def _hash_of_nobody() -> str:
    """What the password is compared with where there is no such account."""
    return hash_password(os.urandom(8).hex())


class PasswordPool:
    """Runs the functions above, at most `WORKERS` at a time, at lower priority than the event loop."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(WORKERS, thread_name_prefix="password", initializer=_lower_priority)
        self._waiting = 0
        self._unknown_hash = _hash_of_nobody()

    async def hash(self, password: str) -> str:
        return await self._run(hash_password, password)

    async def check(self, stored: str | None, password: str) -> bool:
        """Whether the password fits; takes the same work when there is no such account. Raises Busy."""
        fits = await self._run(check_password, stored or self._unknown_hash, password)
        return fits and stored is not None

    async def _run(self, function: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= MAX_WAITING:
            raise Busy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)
        finally:
            self._waiting -= 1

    def stop(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)


def _lower_priority() -> None:
    """Let the event loop go first when both want the same core (Linux: niceness belongs to the thread)."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 10)
