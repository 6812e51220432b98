"""What every test shares."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.support.databases import PostgresServer


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests and fixtures (`pytestmark = pytest.mark.anyio`) run on asyncio, as the server does."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    url = os.environ.get("TEST_POSTGRES_URL")
    if not url:
        pytest.skip("PostgreSQL is tested only when TEST_POSTGRES_URL is set: see CONTRIBUTING.md")
    server = PostgresServer(url)
    yield server
    server.close()
