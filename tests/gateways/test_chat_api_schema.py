"""The HTTP chat API keeps what its OpenAPI document says: schemathesis asks it everything, valid and not.

A server is started as a process, so that what uvicorn and the polls do with a request is asked as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from anyio.from_thread import start_blocking_portal
from hypothesis import HealthCheck, settings
from schemathesis.config import SchemathesisConfig

from gateways.chat_api.openapi import document
from tests.support.community import PASSWORD, write_community
from tests.support.server import ServerProcess

CONFIG: dict[str, Any] = {
    "limits": dict.fromkeys(("registrations_per_minute", "login_tries_per_minute", "joins_per_minute"), 1_000_000),
    "chat_api": {"create_channels": True, "channels_per_user": 1000},
}
ACCEPTED = ["2xx", "401", "403", "404", "409"]
"""What valid data may be answered with."""
RULES = {
    "generation": {
        "mode": "all",
        "max-examples": 20,
        "deterministic": True,
        "database": "none",
        "allow-extra-parameters": False,
    },
    "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "410"]}},
    "operations": [
        # the last word about names, and which modes need arguments, is more than a schema can say
        {
            "include-operation-id": ["register", "changeNick", "setNick", "join", "setModes"],
            "checks": {"positive_data_acceptance": {"expected-statuses": [*ACCEPTED, "413", "422"]}},
        },
    ],
}
SCHEMA = schemathesis.openapi.from_dict(document("0.0.0"), config=SchemathesisConfig.from_dict(RULES))


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("community")
    write_community(folder, users={"host": ("owner", "user"), "anna": ("user",)}, config=CONFIG)
    server = ServerProcess(folder)
    with start_blocking_portal() as portal:
        portal.call(server.start)
        try:
            yield f"{server.http_url}/api/v1"
        finally:
            assert portal.call(server.stop) == 0, server.text()
    assert "Traceback" not in server.text()


@pytest.fixture(scope="module")
def names() -> Iterator[str]:
    return (f"guest{number}" for number in range(1_000_000))


@pytest.fixture(scope="module")
def token(url: str) -> str:
    """Of the owner, who may do everything; `anna` of the examples is in the channel of the examples."""
    anna = {"Authorization": f"Bearer {enter(url, 'anna', PASSWORD)}"}
    requests.post(f"{url}/channels/join", json={"channel": "general"}, headers=anna, timeout=30)
    return enter(url, "host", PASSWORD)


def enter(url: str, nick: str, password: str | None = None) -> str:
    body = {"nick": nick} | ({} if password is None else {"password": password})
    answer = requests.post(f"{url}/register", json=body, timeout=30)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


@SCHEMA.parametrize()
@settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
def test_everything_is_answered_as_described(case: Any, url: str, token: str, names: Iterator[str]) -> None:
    operation = case.operation.definition.raw["operationId"]
    if operation in ("quit", "changeNick", "setNick"):
        token = enter(url, next(names))
    if operation == "stream" and case.query.get("timeout", 30) in range(61):
        case.query["timeout"] = 0  # nobody waits here
    case.call_and_validate(base_url=url, headers={"Authorization": f"Bearer {token}"})


def test_the_server_gives_the_document(url: str) -> None:
    answer = requests.get(f"{url}/openapi.json", timeout=30)
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["paths"] == document("0.0.0")["paths"]
