"""The table of settings: every key of config.json with type, default, bounds, unit, meaning, and when it takes effect.

The struct is the only description of a setting: `config.schema.json`, the checks, the environment variables, the
defaults and the page of settings are derived from it. To add a setting, add a field here and read it somewhere.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from config.features import Attachments, Modlog, Push, Uploads, Webhooks
from config.gateways import ChatApi, Guests, Plugins, Rooms, SlashCommands
from config.keeping import Backup
from config.limits import Limits, RateLimiting, Sessions
from config.setting import ORIGIN, Section, formed, section, setting
from config.voice import VoiceChannels


class Owner(Section, frozen=True):
    name: Annotated[
        str,
        setting(
            "Owner's name", "Shown to people who look the server up. Display only: it gives no rights.", max_length=100
        ),
    ] = "Admin"


class Server(Section, frozen=True):
    name: Annotated[
        str,
        setting(
            "Name", "Name of the community, shown by clients.", min_length=1, max_length=100, variable="SERVER_NAME"
        ),
    ] = "My OriginChats Server"
    owner: Annotated[Owner, section("Owner", "Who runs this server.")] = Owner()
    description: Annotated[
        str | None,
        setting(
            "Description", "What the community is about, shown to whoever looks it up; null: nothing.", max_length=500
        ),
    ] = None
    icon: Annotated[
        str | None,
        setting("Icon", "URL, or a file name in db/serverAssets; null: none.", max_length=500),
    ] = None
    banner: Annotated[
        str | None,
        setting("Banner", "URL, or a file name in db/serverAssets; null: none.", max_length=500),
    ] = None
    url: Annotated[
        str | None,
        setting(
            "Public address",
            "Base URL under which people reach this server, e.g. https://chat.example.org; null: "
            "http://<host>:<port> of the section websocket.",
            pattern="^https?://[^/\\s]+",
            form="an address such as https://chat.example.org",
            max_length=500,
        ),
    ] = None


class Websocket(Section, frozen=True):
    host: Annotated[
        str,
        setting(
            "Address",
            "Local address to listen on, for HTTP and WebSocket alike: 127.0.0.1 = this machine only, "
            "0.0.0.0 = every network.",
            restart=True,
            min_length=1,
            max_length=253,
        ),
    ] = "127.0.0.1"
    port: Annotated[
        int,
        setting(
            "Port", "TCP port to listen on; 0: any free one.", restart=True, at_least=0, at_most=65535, variable="PORT"
        ),
    ] = 5613
    allowed_origins: Annotated[
        tuple[Annotated[str, formed("^[a-z][a-z0-9+.-]*://[^/\\s]+$", ORIGIN, max_length=300)], ...] | None,
        setting(
            "Allowed origins",
            "Web pages that may connect, compared exactly, e.g. https://chat.example.org; null: any. "
            "Programs that are not browsers send no origin and are always let in.",
        ),
    ] = None
    trusted_proxies: Annotated[
        tuple[str, ...],
        setting(
            "Trusted proxies", "Addresses or networks (192.0.2.0/24) whose forwarded-address headers are believed."
        ),
    ] = ("127.0.0.0/8", "::1")
    compression: Annotated[
        bool,
        setting(
            "Compression",
            "Offer permessage-deflate. Saves traffic, costs about three times the memory per connection.",
            restart=True,
        ),
    ] = False
    ping_interval_s: Annotated[
        float,
        setting(
            "Liveness interval",
            "Pause between two WebSocket ping frames of a connection.",
            unit="seconds",
            at_least=1,
            at_most=3600,
        ),
    ] = 25
    ping_timeout_s: Annotated[
        float,
        setting(
            "Liveness timeout",
            "A connection that does not answer a ping frame for so long is closed.",
            unit="seconds",
            at_least=1,
            at_most=3600,
        ),
    ] = 10


class Cracked(Section, frozen=True):
    allow_registration: Annotated[
        bool,
        setting(
            "Local registration",
            "false: nobody makes a local account or comes as a guest, invited or not. "
            "Who may otherwise: `registration`.",
        ),
    ] = True
    default_roles: Annotated[
        tuple[str, ...] | None,
        setting("Roles of a new local account", "Role names; null: those of DB.users.default.roles."),
    ] = None


class Rotur(Section, frozen=True):
    validate_url: Annotated[
        str,
        setting(
            "Validation address",
            "Where a validator of `auth` is checked: called with the parameters `key` and `v`.",
            pattern="^https?://[^/\\s]+",
            form="an address such as https://api.rotur.dev/validate",
            max_length=500,
        ),
    ] = "https://api.rotur.dev/validate"
    profile_url: Annotated[
        str,
        setting(
            "Profile address",
            "Where the subscription of an uploader is looked up; called with `name` and `include_posts`.",
            pattern="^https?://[^/\\s]+",
            form="an address such as https://api.rotur.dev/profile",
            max_length=500,
        ),
    ] = "https://api.rotur.dev/profile"
    timeout_s: Annotated[
        float,
        setting(
            "Timeout", "After so long without an answer the login is refused.", unit="seconds", at_least=0.1, at_most=8
        ),
    ] = 5


class MemberDefaults(Struct, frozen=True):
    """What a new member starts with."""

    roles: Annotated[
        tuple[Annotated[str, Meta(min_length=1)], ...],
        setting("Roles", "Names of the roles a new member gets, the first decides the colour."),
    ] = ("user",)
    extra: dict[str, Any] = msgspec.field(default_factory=dict)
    """Every other key of the section, as written: copied into the record of a new member."""


class Users(Section, frozen=True):
    file: Annotated[
        str,
        setting(
            "Users file",
            "Path of the users document; see `channels` for what it is relative to.",
            restart=True,
            min_length=1,
        ),
    ] = "db/users.json"
    default: Annotated[
        MemberDefaults, section("New member", "What a new member starts with; further keys are copied as they are.")
    ] = MemberDefaults()


class Data(Section, frozen=True):
    channels: Annotated[
        str,
        setting(
            "Channels file",
            "Path of the channels document. Relative paths start at the folder of config.json; a leading `db/` stands "
            "for the data folder (--data-dir).",
            restart=True,
            min_length=1,
        ),
    ] = "db/channels.json"
    users: Annotated[Users, section("Users", "Where members are kept and what a new one gets.")] = Users()
    roles: Annotated[
        str,
        setting(
            "Roles file",
            "Path of the roles document; see `channels` for what it is relative to.",
            restart=True,
            min_length=1,
        ),
    ] = "db/roles.json"
    url: Annotated[
        str | None,
        setting(
            "Message database",
            "URL of the database that holds messages: an SQLite file, such as sqlite:////srv/chat/messages.sqlite3 "
            "(four slashes: an absolute path), or PostgreSQL, such as postgresql://user:password@host/name; null: the "
            "file messages.sqlite3 in the data folder.",
            restart=True,
            variable="DBURL",
            pattern="^(sqlite:///|postgres(ql)?(\\+psycopg)?://).",
            form="an address such as sqlite:////srv/chat/messages.sqlite3 or postgresql://user:password@host/name",
        ),
    ] = None
    poll_files: Annotated[
        bool,
        setting(
            "Poll files", "Look for hand edits by polling, for network drives that report no changes.", restart=True
        ),
    ] = False


class Log(Section, frozen=True):
    level: Annotated[
        Literal["debug", "info", "warning", "error"],
        setting("Level", "The least important lines that are logged; DEBUG=true means debug.", variable="DEBUG"),
    ] = "info"


class Service(Section, frozen=True):
    name: Annotated[
        str, setting("Service name", "Kind of service, shown at /info and in the log.", min_length=1, max_length=100)
    ] = "OriginChats"
    version: Annotated[
        str,
        setting("Service version", "Text of the host's own choice, shown at /info and in the log.", max_length=100),
    ] = "1.0.0"
    metrics: Annotated[
        Literal["loopback", "everybody", "off"],
        setting(
            "Metrics", "Who may read the measurements at /metrics; loopback: programs on this machine, past no proxy."
        ),
    ] = "loopback"


class Config(Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of an OriginChats server. Every key may be left out: its default holds."""

    schema: Annotated[
        str, setting("Schema", "Where editors find the description of this file; the server ignores it.")
    ] = msgspec.field(name="$schema", default="./config.schema.json")
    server: Annotated[Server, section("Server", "What the community is called and who runs it.")] = Server()
    websocket: Annotated[
        Websocket, section("Connections", "Where the server listens (HTTP and WebSocket, one port).")
    ] = Websocket()
    auth_mode: Annotated[
        Literal["rotur", "cracked", "cracked-only"],
        setting(
            "Accounts",
            "rotur: accounts of the Rotur service; cracked-only: local accounts with name and password; cracked: both.",
        ),
    ] = "cracked"
    registration: Annotated[
        Literal["open", "invite", "closed"],
        setting(
            "New members",
            "Who may become a member (local account, guest, first login with Rotur): open = everybody; "
            "invite = whoever has an invitation; closed = nobody. Members, and guests with a token, come in as ever.",
        ),
    ] = "open"
    cracked: Annotated[Cracked, section("Local accounts", "Accounts with a name and a password.")] = Cracked()
    rotur: Annotated[Rotur, section("Rotur accounts", "Accounts of the Rotur service.")] = Rotur()
    rate_limiting: Annotated[
        RateLimiting, section("Rate limiting", "How fast one user may write, edit and delete.")
    ] = RateLimiting()
    limits: Annotated[Limits, section("Limits", "Sizes and counts that protect the server.")] = Limits()
    sessions: Annotated[Sessions, section("Sessions", "How long a client that lost its connection can resume.")] = (
        Sessions()
    )
    guests: Annotated[Guests, section("Guests", "Users who enter under a name, without an account.")] = Guests()
    rooms: Annotated[Rooms, section("Rooms", "The rooms dialect: another WebSocket protocol, at /rooms.")] = Rooms()
    chat_api: Annotated[ChatApi, section("HTTP chat API", "Chat over plain HTTP requests, at /api/v1.")] = ChatApi()
    plugins: Annotated[Plugins, section("Plugins", "Programs of the host inside the server; see docs/plugins.md.")] = (
        Plugins()
    )
    slash_commands: Annotated[
        SlashCommands, section("Slash commands", "Commands with a leading slash that bots register.")
    ] = SlashCommands()
    uploads: Annotated[Uploads, section("Uploads", "Rules for pictures that become part of the server.")] = Uploads()
    attachments: Annotated[Attachments, section("Attachments", "Files attached to messages.")] = Attachments()
    webhooks: Annotated[Webhooks, section("Webhooks", "Addresses to which programs post messages.")] = Webhooks()
    push: Annotated[Push, section("Web push", "Notifications of members who are away.")] = Push()
    voice: Annotated[VoiceChannels, section("Voice", "What members need to hear each other.")] = VoiceChannels()
    modlog: Annotated[Modlog, section("Moderation log", "Record of what moderators did.")] = Modlog()
    backup: Annotated[Backup, section("Backup", "Copies of everything, made by the server itself.")] = Backup()
    DB: Annotated[Data, section("Data", "Where the data lies and what a new member gets.")] = Data()
    log: Annotated[Log, section("Log", "What the server writes to its log.")] = Log()
    service: Annotated[Service, section("Service", "How the service names itself.")] = Service()
