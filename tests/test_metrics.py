"""What is measured: that it is true, and that all of it is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from gate import Peer
from tests.support.community import edit
from tests.support.house import House, open_house
from tests.support.server import ROOT

pytestmark = pytest.mark.anyio


def measured(house: House) -> dict[str, float]:
    """Value by name and labels, such as `originchats_users{guest}`."""
    found = {}
    for family in text_string_to_metric_families(house.community.metrics().decode()):
        for sample in family.samples:
            labels = ",".join(sample.labels.values())
            found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


async def test_connections_sessions_and_users_are_those_of_this_moment(house: House) -> None:
    house.guest()
    await house.enter("ann")
    await house.guest().ask("guest_login", username="wanda")
    house.server.gate.poll_began(Peer("127.0.0.1", "127.0.0.1", ""))
    now = measured(house)
    assert now["originchats_connections{originchats}"] == 3
    assert now["originchats_connections{chat_api}"] == 1
    assert now["originchats_sessions{originchats}"] == 2
    assert now["originchats_users{account}"] == 5
    assert now["originchats_users{guest}"] == 1


async def test_messages_and_commits_are_counted(house: House) -> None:
    ann = await house.enter("ann")
    before = measured(house)
    for number in range(3):
        await ann.ask("message_new", channel="general", content=str(number))
    await ann.ask("message_new", channel="staff", content="refused")
    await ann.ask("nickname_update", nickname="no message")
    after = measured(house)
    assert before["originchats_messages_stored_total"] == 0
    assert after["originchats_messages_stored_total"] == 3
    assert after["originchats_commit_seconds_count"] >= before["originchats_commit_seconds_count"] + 4
    assert after["originchats_fanout_seconds_count"] >= before["originchats_fanout_seconds_count"] + 4
    assert after["originchats_commit_seconds_sum"] > 0


async def test_the_queue_of_the_journal_is_seen(house: House) -> None:
    assert measured(house)["originchats_journal_queue"] == 0
    with house.held():
        house.world.journal.submit(lambda tx: None, (), lambda operation: None)
        assert measured(house)["originchats_journal_queue"] == 2


async def test_refusals_of_the_limiter_are_counted(house: House) -> None:
    edit(house.world.live.path, lambda config: config.update(rate_limiting={"burst_limit": 1}))
    house.community.reload_config()
    ann = await house.enter("ann")
    for _ in range(3):
        await ann.ask("message_new", channel="general", content="again")
    assert measured(house)["originchats_limiter_refusals_total"] == 2


async def test_resumes_are_counted_by_how_they_end(house: House) -> None:
    ann = await house.enter("ann")
    ann.lose()
    again = await house.enter("ann")
    await again.ask("resume", session=ann.ready["session"], after=ann.ready["seq"])
    await again.ask("resume", session="nobody's", after=0)
    now = measured(house)
    assert now["originchats_resumes_total{recovered}"] == 1
    assert now["originchats_resumes_total{unknown_session}"] == 1


async def test_two_servers_in_one_process_measure_themselves(house: House, tmp_path: Path) -> None:
    async with open_house(tmp_path / "second") as second:
        ann = await second.enter("ann")
        await ann.ask("message_new", channel="general", content="here")
        assert measured(second)["originchats_messages_stored_total"] == 1
    assert measured(house)["originchats_messages_stored_total"] == 0


async def test_every_measurement_is_documented(house: House) -> None:
    page = (ROOT / "docs" / "hosting.md").read_text("utf-8")
    kinds = dict(re.findall(r"^# TYPE (originchats_\S+) (\S+)$", house.community.metrics().decode(), re.MULTILINE))
    assert len(kinds) >= 9
    for name, kind in kinds.items():
        if not name.endswith("_created"):
            assert f"| `{name}` | {kind} |" in page


async def test_the_process_is_measured(house: House) -> None:
    assert measured(house)["process_resident_memory_bytes"] > 1e6
