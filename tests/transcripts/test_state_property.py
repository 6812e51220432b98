"""Whatever people do, and however often they lose the connection or the server: what a client was told is what is so.

For random sequences of commands by users with different roles, with dropped connections, resumes, restarts and kills:
the state that each client built from events equals the state it fetches afresh, and no client ever received anything
of a channel that its user could not see at that time.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.transcripts.operations import KINDS, Community

NUMBER = st.integers(0, 999)
STORIES = st.lists(st.tuples(st.sampled_from(KINDS), NUMBER, NUMBER, NUMBER), min_size=5, max_size=60)
Story = list[tuple[str, int, int, int]]
STEADY = settings(
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=False,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate, Phase.shrink),
)


async def play(story: Story) -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Community(Path(folder)) as driver:
            for kind, a, b, c in story:
                await driver.step(kind, a, b, c)
            await driver.step("come_back", 0, 0, 0)
            await driver.check()


@settings(STEADY, max_examples=12)
@given(STORIES)
def test_state_from_events_equals_state_fetched(story: Story) -> None:
    asyncio.run(play(story))


@pytest.mark.torture
@settings(STEADY, max_examples=100, derandomize=False)
@given(STORIES)
def test_state_from_events_equals_state_fetched_many_times(story: Story) -> None:
    asyncio.run(play(story))
