"""Random `kill -9` moments under load; see torture.py for what must hold after each."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torture.torture import torture

pytestmark = pytest.mark.anyio


async def test_ten_kills_under_load(tmp_path: Path) -> None:
    assert await torture(tmp_path, rounds=10, seed=1) > 0


@pytest.mark.torture
async def test_two_hundred_kills_under_load(tmp_path: Path) -> None:
    assert await torture(tmp_path, rounds=200, seed=2, say=print) > 10_000
