"""Section of the settings table for voice channels."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from config.setting import Section, formed, setting

Url = Annotated[
    str, formed("^(stuns?|turns?):[^\\s]+$", "an address such as stun:stun.example.org:3478", max_length=300)
]


class IceServer(Section, frozen=True, omit_defaults=True):
    """A STUN or TURN server, as WebRTC knows it."""

    urls: Annotated[tuple[Url, ...], Meta(min_length=1)]
    username: Annotated[str, Meta(max_length=500)] | None = None
    credential: Annotated[str, Meta(max_length=500)] | None = None


class VoiceChannels(Section, frozen=True):
    ice_servers: Annotated[
        tuple[IceServer, ...],
        setting(
            "ICE servers",
            "STUN and TURN servers that help members behind routers to hear each other: objects with `urls` (a list), "
            "`username` and `credential`. Told to whoever enters a voice channel.",
        ),
    ] = ()
