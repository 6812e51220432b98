"""What every test shares."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests and fixtures (`pytestmark = pytest.mark.anyio`) run on asyncio, as the server does."""
    return "asyncio"
