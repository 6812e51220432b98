"""What every test shares."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.databases import PostgresServer, SqliteFiles
from tests.support.house import House, open_house

# A busy machine is slow, and no test measures time. Where `CI` is set, hypothesis tries the same examples in each run.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


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


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("template"))


@pytest.fixture
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """A server in memory on real files. A file may set `CONFIG`, merged over the defaults of tests; one that needs
    more than that defines its own."""
    async with open_house(tmp_path, config=getattr(request.module, "CONFIG", None)) as house:
        yield house
