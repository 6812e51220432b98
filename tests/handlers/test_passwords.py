from __future__ import annotations

import bcrypt
import pytest

from handlers.passwords import PasswordPool, check_password, hash_password, needs_rehash


def test_a_new_hash_is_argon2id_with_the_recommended_cost() -> None:
    assert hash_password("secret123").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("password", ["secret123", "päß wörd", "x" * 128, "\x00null"])
def test_the_right_password_fits_and_no_other(password: str) -> None:
    stored = hash_password(password)
    assert check_password(stored, password)
    assert not check_password(stored, password + "x")
    assert not needs_rehash(stored)


def test_a_bcrypt_hash_is_checked_and_wants_to_be_replaced() -> None:
    stored = bcrypt.hashpw(b"secret123", bcrypt.gensalt(4)).decode()
    assert check_password(stored, "secret123")
    assert not check_password(stored, "secret124")
    assert needs_rehash(stored)


def test_a_long_password_of_an_imported_account_still_fits() -> None:
    long = "x" * 72
    stored = bcrypt.hashpw(long.encode(), bcrypt.gensalt(4)).decode()
    assert check_password(stored, long + "more, which bcrypt never looked at")


@pytest.mark.parametrize("stored", ["", "plain", "$2b$04$broken", "$argon2id$broken"])
def test_a_hash_of_no_known_kind_fits_nothing(stored: str) -> None:
    assert not check_password(stored, "secret123")
    assert not check_password(stored, "")


@pytest.mark.anyio
async def test_the_pool_takes_the_work_for_unknown_accounts_too() -> None:
    pool = PasswordPool()
    try:
        stored = await pool.hash("secret123")
        assert await pool.check(stored, "secret123")
        assert not await pool.check(stored, "secret124")
        assert not await pool.check(None, "secret123")
    finally:
        pool.stop()
