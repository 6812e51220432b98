"""Guests of the rooms dialect in the whole server, without sockets."""

from __future__ import annotations

import json
from typing import Any

from tests.support.community import EVERYBODY, user_id
from tests.support.house import Guest, House

CONFIG = {"limits": {"registrations_per_minute": 100, "login_timeout_s": 5}, "rooms": {"bad_frames": 3}}
LOUNGE = {"type": "text", "name": "lounge", "permissions": EVERYBODY}
CELLAR = {"type": "text", "name": "cellar", "permissions": EVERYBODY, "invite_only": True, "invited": [user_id("ann")]}
Frame = dict[str, Any]


def frame(message_type: str, token: str | None = None, **body: Any) -> bytes:
    whole: Frame = {"message_type": message_type, "message_body": body}
    return json.dumps(whole if token is None else {**whole, "token": token}).encode()


def enter(name: str, token: str | None = None, **body: Any) -> bytes:
    return frame("Enter", token, sender_username=name, **body)


def chat(content: str, **body: Any) -> bytes:
    return frame("GroupChat", content=content, **body)


async def ask(guest: Guest, *sent: bytes) -> list[Frame]:
    """Send, wait until all is quiet; what this brought, which is forgotten."""
    guest.packets.clear()
    guest.send_raw(*sent)
    await guest.house.quiet()
    packets, guest.packets = guest.packets, []
    return packets


async def come(house: House, name: str, token: str | None = None, **body: Any) -> Guest:
    guest = house.guest(path="/rooms")
    (guest.ready,) = await ask(guest, enter(name, token, **body))
    assert guest.ready["message_type"] == "Enter", guest.ready
    return guest


async def heard(guest: Guest) -> list[Frame]:
    """What it was told since the last time."""
    await guest.house.quiet()
    packets, guest.packets = guest.packets, []
    return packets


def told(frames: list[Frame]) -> list[tuple[str, ...]]:
    """The frames in short: type, sender, and what was said or the room."""
    bodies = [(each["message_type"], each["message_body"]) for each in frames]
    return [(kind, body.get("sender_username", ""), body.get("content", body.get("room", ""))) for kind, body in bodies]


async def refused(guest: Guest, sent: bytes) -> Frame:
    (answer,) = await ask(guest, sent)
    assert answer["message_type"] == "Error", answer
    body: Frame = answer["message_body"]
    return body


async def access_token(house: House, name: str) -> str:
    account = await house.enter(name)
    token = str((await account.one("access_token_create", username=name))["token"])
    account.lose()
    return token
