"""push_get_vapid, push_subscribe, push_unsubscribe: what a subscription must be, and whose it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

import protocol.all  # noqa: F401  (fills the table of commands)
from config.schema import Config
from protocol.base import COMMANDS
from protocol.errors import Code
from tests.handlers.conftest import Stage

EXAMPLE: dict[str, Any] = COMMANDS["push_subscribe"].example["subscription"]


def given(**fields: Any) -> dict[str, Any]:
    keys = {**EXAMPLE["keys"], **{key: fields.pop(key) for key in ("p256dh", "auth") if key in fields}}
    return {**EXAMPLE, "keys": keys, **fields}


def endpoints(stage: Stage, name: str) -> list[str]:
    """As stored; the index must agree."""
    tx = stage.world.store.begin()
    stored = [each.endpoint for each in tx.push.all() if each.user_id == stage.id(name)]
    tx.rollback()
    assert sorted(stored) == sorted(each.endpoint for each in stage.world.push_subscriptions.of_user(stage.id(name)))
    return stored


def test_push_get_vapid_gives_the_same_key_each_time(stage: Stage) -> None:
    first = stage.answer("ann", "push_get_vapid")
    assert first["cmd"] == "push_vapid"
    assert len(first["key"]) == 87
    assert stage.answer("ben", "push_get_vapid") == first


def test_push_get_vapid_where_the_key_is_broken(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "vapid").mkdir()
    (tmp_path / "vapid" / "private_key.pem").write_bytes(b"junk")
    assert stage.refused("ann", "push_get_vapid").code is Code.UNAVAILABLE


def test_push_subscribe_remembers_the_browser(stage: Stage) -> None:
    subscription = {**given(), "expirationTime": None}
    answer = stage.answer("ann", "push_subscribe", subscription=subscription, vapid_public_key="x")
    assert answer == {"cmd": "push_subscribed", "success": True, "device_fingerprint": ""}
    assert endpoints(stage, "ann") == [EXAMPLE["endpoint"]]
    stage.do("ann", "push_subscribe", subscription=given(auth=EXAMPLE["keys"]["auth"] + "=="))
    assert endpoints(stage, "ann") == [EXAMPLE["endpoint"]]


def test_two_browsers_of_a_user_are_two_subscriptions(stage: Stage) -> None:
    for number in range(12):
        stage.do("ann", "push_subscribe", subscription=given(endpoint=f"https://push.example.org/{number}"))
    assert len(endpoints(stage, "ann")) == 10


@pytest.mark.parametrize(
    "fields",
    [
        {"endpoint": "http://push.example.org/x"},
        {"endpoint": "https://127.0.0.1/x"},
        {"endpoint": "https://[::1]/x"},
        {"endpoint": "https://[::ffff:10.0.0.1]/x"},
        {"endpoint": "https://169.254.169.254/latest"},
        {"endpoint": "https://100.64.0.1/x"},
        {"endpoint": "https://localhost/x"},
        {"endpoint": "https://redis:6379/x"},
        {"endpoint": "https://user:pw@push.example.org/x"},
        {"endpoint": "https://push.example.org:25/x"},
        {"endpoint": "https://push.example.org/" + "x" * 2048},
        {"endpoint": ""},
        {"p256dh": ""},
        {"p256dh": "AAAA"},
        {"p256dh": "A" * 87},
        {"p256dh": "!" * 87},
        {"auth": ""},
        {"auth": "é"},
        {"auth": "A" * 40},
    ],
)
def test_push_subscribe_refuses_what_is_no_subscription(stage: Stage, fields: dict[str, Any]) -> None:
    refused = stage.refused("ann", "push_subscribe", subscription=given(**fields))
    assert refused.code is Code.BAD_VALUE
    assert endpoints(stage, "ann") == []


def test_push_subscribe_is_not_for_guests(stage: Stage) -> None:
    stage.change_user("ann", guest=True)
    assert stage.refused("ann", "push_subscribe", subscription=given()).code is Code.ACCOUNT_REQUIRED


def test_push_unsubscribe_takes_only_the_own_one(stage: Stage) -> None:
    stage.do("ann", "push_subscribe", subscription=given())
    told = {"cmd": "push_unsubscribed", "success": True}
    assert stage.answer("ben", "push_unsubscribe", endpoint=EXAMPLE["endpoint"]) == told
    assert endpoints(stage, "ann") == [EXAMPLE["endpoint"]]
    for _ in range(2):
        assert stage.answer("ann", "push_unsubscribe", endpoint=EXAMPLE["endpoint"]) == told
    assert endpoints(stage, "ann") == []


def test_a_browser_in_which_somebody_else_logs_in_moves_to_that_user(stage: Stage) -> None:
    stage.do("ann", "push_subscribe", subscription=given())
    stage.do("ben", "push_subscribe", subscription=given())
    assert (endpoints(stage, "ann"), endpoints(stage, "ben")) == ([], [EXAMPLE["endpoint"]])


def test_subscriptions_end_with_the_membership(stage: Stage) -> None:
    for name in ("ann", "ben"):
        stage.do(name, "push_subscribe", subscription=given(endpoint=f"https://push.example.org/{name}"))
    stage.do("ann", "user_leave")
    stage.do("host", "user_delete", user=stage.id("ben"))
    assert (endpoints(stage, "ann"), endpoints(stage, "ben")) == ([], [])


def test_where_push_is_switched_off_its_commands_are_unknown(stage: Stage) -> None:
    off = msgspec.structs.replace(Config().push, enabled=False)
    stage.world.live.current = msgspec.structs.replace(stage.world.config, push=off)
    refused = stage.refused("ann", "push_get_vapid")
    assert refused.text.startswith("Unknown command: push_get_vapid")
    assert stage.refused("ann", "push_subscribe", subscription=given()).code is Code.UNKNOWN_COMMAND
