"""Refusals as RFC 9457 problem details."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from gateways.chat_api.problems import STATUS, Problem, problem_of, problem_of_validation, status_of
from gateways.chat_api.types import ModeBody, PostBody
from gateways.core import GatewayRefused
from protocol.errors import Code


@pytest.mark.parametrize("code", list(Code), ids=lambda code: code.wire)
def test_every_code_of_the_core_has_a_status_that_fits_its_name(code: Code) -> None:
    status = status_of(code.wire)
    assert status in (400, 401, 403, 404, 409, 413, 422, 429, 500, 503)
    assert (status == 500) == (code is Code.INTERNAL)
    endings = {"_NOT_FOUND": 404, "_TAKEN": 409, "_EXISTS": 409, "_DISABLED": 403, "_ABOVE": 403, "_BUSY": 503}
    for ending, expected in endings.items():
        if code.name.endswith(ending):
            assert status == expected
    if code.name.startswith("BAD_"):
        assert status == 422


def test_codes_without_a_row_are_the_callers_fault() -> None:
    assert status_of("of_another_version") == 400
    left = {code.name for code in Code if code not in STATUS}
    assert left <= {
        "MALFORMED", "UNKNOWN_COMMAND", "CREDENTIALS_REQUIRED", "PLACE_REQUIRED", "NOT_A_TEXT_CHANNEL", "NOT_A_FORUM",
        "ROLE_REQUIRED", "NO_UPDATES",
    }, "give the new code a status"  # fmt: skip


def test_a_problem_has_all_members_of_the_rfc() -> None:
    problem = Problem(422, "bad_value", "limit: too small", "limit")
    assert json.loads(problem.body) == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "limit: too small",
        "code": "bad_value",
        "field": "limit",
    }
    assert problem.response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("code", "wait_s", "retry_after"),
    [
        ("rate_limit", 2.1, "3"),
        ("too_many_tries", None, "60"),
        ("too_busy", None, "5"),
        ("name_taken", None, None),
    ],
)
def test_limits_say_when_to_try_again(code: str, wait_s: float | None, retry_after: str | None) -> None:
    assert problem_of(GatewayRefused(code, "text", wait_s=wait_s)).headers.get("Retry-After") == retry_after


def test_without_a_token_the_answer_says_which_one_is_needed() -> None:
    assert Problem(401, "unauthorized", "text").headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("field", "told"), [("nonce", "nonce"), ("user_update.updates.username", "nick"), (None, None)]
)
def test_fields_are_called_as_they_are_here(field: str | None, told: str | None) -> None:
    assert problem_of(GatewayRefused("bad_value", "text", field)).field == told


@pytest.mark.parametrize(
    ("kind", "body", "detail"),
    [
        (PostBody, {"to": "#general", "type": "shout"}, "type: Invalid enum value 'shout'; expected one of 'action'"),
        (ModeBody, {"modes": "+x"}, "modes: This does not fit: Signs and letters"),
        (ModeBody, {"modes": "+v", "args": [1]}, "args[0]: Expected `str`, got `int`"),
        (ModeBody, {}, "modes: Object missing required field `modes`"),
    ],
)
def test_a_wrong_field_is_answered_with_what_would_have_fitted(
    kind: type[msgspec.Struct], body: dict[str, Any], detail: str
) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(body, kind)
    problem = json.loads(problem_of_validation(caught.value, kind).body)
    assert (problem["code"], problem["field"]) == ("bad_value", detail.partition(":")[0])
    assert problem["detail"].startswith(detail)
