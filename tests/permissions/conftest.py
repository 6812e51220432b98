"""The community of the permission tests, made once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from handlers import passwords, rotur
from handlers.rotur import RoturUnavailable
from tests.permissions.town import build_template
from tests.support.community import password_hash


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files of the community."""
    folder = tmp_path_factory.mktemp("town") / "template"
    asyncio.run(build_template(folder))
    return folder


@pytest.fixture(autouse=True)
def nothing_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """No password is hashed, and the identity service cannot be asked."""

    async def validate(url: str, key: str, validator: str, timeout_s: float) -> None:
        raise RoturUnavailable("it is not asked in tests")

    monkeypatch.setattr(rotur, "validate", validate)
    monkeypatch.setattr(passwords, "hash_password", lambda password: password_hash())
