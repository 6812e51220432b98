"""Sections of the settings table that bound what one user, one connection and the whole server may use."""

from __future__ import annotations

from typing import Annotated

from config.setting import Section, setting


class RateLimiting(Section, frozen=True):
    enabled: Annotated[
        bool, setting("Enabled", "Whether message_new, message_edit and message_delete are limited per user.")
    ] = True
    messages_per_minute: Annotated[
        int,
        setting("Messages per minute", "Actions in any 60 seconds.", unit="actions", at_least=1, at_most=1_000_000),
    ] = 60
    burst_limit: Annotated[
        int, setting("Burst", "Actions in any 10 seconds.", unit="actions", at_least=1, at_most=1_000_000)
    ] = 10
    cooldown_seconds: Annotated[
        int,
        setting("Cooldown", "Pause imposed on whoever uses the burst up.", unit="seconds", at_least=0, at_most=86_400),
    ] = 30


class Limits(Section, frozen=True):
    post_content: Annotated[
        int,
        setting("Message length", "Longest text of a message.", unit="characters", at_least=1, at_most=100_000),
    ] = 2000
    search_results: Annotated[
        int, setting("Search results", "Most messages a search returns.", unit="messages", at_least=1, at_most=50)
    ] = 30
    max_frame_bytes_before_login: Annotated[
        int,
        setting(
            "Frame size before login",
            "Larger WebSocket messages close the connection (1009); the inflated size counts.",
            unit="bytes",
            at_least=1024,
            at_most=67_108_864,
        ),
    ] = 65_536
    max_frame_bytes: Annotated[
        int,
        setting(
            "Frame size",
            "Larger WebSocket messages of a logged-in user close the connection (1009); the inflated size counts.",
            unit="bytes",
            at_least=1024,
            at_most=67_108_864,
        ),
    ] = 4_194_304
    max_unauthenticated: Annotated[
        int,
        setting(
            "Connections without login",
            "When there are more, the oldest of them closes.",
            unit="connections",
            at_least=1,
            at_most=1_000_000,
        ),
    ] = 1000
    login_timeout_s: Annotated[
        float,
        setting(
            "Time to log in",
            "A connection that has not logged in after so long is closed (1008).",
            unit="seconds",
            at_least=1,
            at_most=86_400,
        ),
    ] = 300
    bad_frames_in_a_row: Annotated[
        int,
        setting(
            "Bad frames in a row",
            "A connection that sends so many malformed packets without a good one between is closed (1008).",
            unit="packets",
            at_least=1,
            at_most=1_000_000,
        ),
    ] = 100
    connections_per_address: Annotated[
        int,
        setting(
            "Connections per address",
            "Open connections and waiting polls of one address (IPv6: of one /64 network); loopback is exempt.",
            unit="connections",
            at_least=1,
            at_most=1_000_000,
        ),
    ] = 64
    login_tries_per_minute: Annotated[
        int,
        setting(
            "Login tries",
            "Failed tries to log in per minute, counted per address and per account; further tries have to wait.",
            unit="tries",
            at_least=1,
            at_most=1_000_000,
        ),
    ] = 5
    registrations_per_minute: Annotated[
        int,
        setting(
            "Registrations", "Tries to register per minute and address.", unit="tries", at_least=1, at_most=1_000_000
        ),
    ] = 10
    joins_per_minute: Annotated[
        int,
        setting("Joins", "Channels that one user may join per minute.", unit="channels", at_least=1, at_most=1_000_000),
    ] = 30
    max_connections: Annotated[
        int,
        setting(
            "Connections",
            "Open WebSocket connections and waiting polls of the whole server; the next one is refused with HTTP 503.",
            unit="connections",
            at_least=1,
            at_most=1_000_000,
        ),
    ] = 20_000
    invites_per_user: Annotated[
        int,
        setting(
            "Invitations", "Invitations that one member may have made.", unit="invitations", at_most=10_000, at_least=0
        ),
    ] = 100
    invite_lookups_per_minute: Annotated[
        int,
        setting(
            "Looking at invitations",
            "How often one address may ask for the card of an invitation per minute.",
            unit="requests",
            at_least=1,
            at_most=1_000_000,
        ),
    ] = 30
    meta_bytes: Annotated[
        int,
        setting(
            "Meta of a message",
            "Largest `meta` of a message, encoded as JSON.",
            unit="bytes",
            at_least=2,
            at_most=1_048_576,
        ),
    ] = 4096
    emojis: Annotated[
        int,
        setting("Emojis", "Most custom emojis of the community.", unit="emojis", at_least=0, at_most=10_000),
    ] = 500
    threads_per_forum: Annotated[
        int,
        setting(
            "Threads",
            "Most threads of one forum, archived ones included: the list of channels, which everybody is sent, names "
            "them all.",
            unit="threads",
            at_least=0,
            at_most=100_000,
        ),
    ] = 5000
    voice_participants: Annotated[
        int,
        setting(
            "Voice participants",
            "Members in one voice channel at a time; each of them sends its sound to every other one.",
            unit="members",
            at_least=1,
            at_most=1000,
        ),
    ] = 50
    broadcasts_per_minute: Annotated[
        int,
        setting(
            "Telling others",
            "How often one user may react, pin, change, delete and join threads, end polls, block, unblock and "
            "mark as unread per minute, all together; and of how often it types others are told.",
            unit="actions",
            at_least=1,
            at_most=1_000_000,
        ),
    ] = 120
    searches_per_minute: Annotated[
        int,
        setting(
            "Searches",
            "How often one user may search messages per minute; a search may read thousands of them.",
            unit="searches",
            at_least=1,
            at_most=1_000_000,
        ),
    ] = 120
    lists_per_minute: Annotated[
        int,
        setting(
            "Long lists",
            "How often one user may ask for each of the long lists per minute: members, who is online, channels, what "
            "is unread, mentions; and for what it missed (`resume`).",
            unit="requests",
            at_least=1,
            at_most=1_000_000,
        ),
    ] = 60
    profile_changes_per_minute: Annotated[
        int,
        setting(
            "Profile changes",
            "How often one user may change its status, its picture and the roles that it takes itself, and remove its "
            "nickname, per minute, all together.",
            unit="changes",
            at_least=1,
            at_most=1_000_000,
        ),
    ] = 30
    voice_signals_per_minute: Annotated[
        int,
        setting(
            "Voice signals",
            "How often one user may enter voice channels, mute and unmute itself per minute, and signal to others.",
            unit="signals",
            at_least=1,
            at_most=1_000_000,
        ),
    ] = 120
    outbox_bytes: Annotated[
        int,
        setting(
            "Outbox",
            "What may wait for one slow reader before it is told to fetch later (gap), or closed (1013).",
            unit="bytes",
            at_least=65_536,
            at_most=268_435_456,
        ),
    ] = 1_048_576


class Sessions(Section, frozen=True):
    timeout_s: Annotated[
        int,
        setting(
            "Session lifetime without a connection",
            "A session that has had no connection for so long cannot be resumed.",
            unit="seconds",
            at_least=0,
            at_most=2_592_000,
        ),
    ] = 600
    event_log_days: Annotated[
        float,
        setting(
            "Event log",
            "Age at which events leave the log that `resume` reads; not shorter than timeout_s.",
            unit="days",
            at_least=0.01,
            at_most=365,
        ),
    ] = 7
    replay_events: Annotated[
        int,
        setting(
            "Replay",
            "Most events a `resume` or a poll reads; who missed more is told to fetch everything afresh.",
            unit="events",
            at_least=0,
            at_most=1_000_000,
        ),
    ] = 10_000
