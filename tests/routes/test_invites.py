"""GET /invites/<code>: greets whoever has a code, and tells nobody else anything."""

from __future__ import annotations

import json

from routes.app import build
from routes.view import InviteCard, TooMany
from tests.routes.test_app import World, request


class Inviting(World):
    def __init__(self) -> None:
        super().__init__()
        self.asked_by: list[str] = []

    def invite_card(self, code: str, network: str) -> InviteCard | None:
        self.asked_by.append(network)
        if len(self.asked_by) > 2:
            raise TooMany(12.5)
        return InviteCard(valid=True, inviter="Ann", expires_at=None) if code == "good" else None


def test_a_card_greets_and_others_find_nothing() -> None:
    world = Inviting()
    app = build(world, clock=lambda: world.now, network_of=lambda request: "net")
    answer = request(app, "/invites/good")
    assert json.loads(answer.body) == {
        "valid": True, "server": {"name": "Tea <room>", "icon": "https://x.example/i.png", "description": ""},
        "inviter": "Ann", "expires_at": None,
    }  # fmt: skip
    assert answer.headers["cache-control"] == "no-store"
    assert request(app, "/invites/bad").status == 404
    slow = request(app, "/invites/good")
    assert (slow.status, slow.headers["retry-after"]) == (429, "13")
    assert world.asked_by == ["net"] * 3
