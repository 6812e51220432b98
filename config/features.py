"""Sections of the settings table whose features bring files: emojis, attachments, the moderation log."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from config.setting import Section, formed, section, setting


class Uploads(Section, frozen=True):
    emoji_allowed_file_types: Annotated[
        tuple[Annotated[str, formed("^[a-z0-9]+$", "the name of a kind such as png", max_length=10)], ...],
        setting(
            "Emoji file types",
            "Kinds of pictures that may become emojis, of png, jpg or jpeg, gif, webp; any other name means nothing.",
        ),
    ] = ("gif", "jpg", "jpeg", "png")


class AttachmentCompression(Section, frozen=True):
    enabled: Annotated[
        bool,
        setting(
            "Enabled", "Whether large pictures are shrunk. They are written anew, without camera data, in any case."
        ),
    ] = True
    max_width: Annotated[
        int,
        setting("Width", "Wider pictures are scaled down.", unit="pixels", at_least=16, at_most=16_384),
    ] = 1920
    max_height: Annotated[
        int,
        setting(
            "Height",
            "Higher pictures are scaled down.",
            unit="pixels",
            at_least=16,
            at_most=16_384,
        ),
    ] = 1920
    jpeg_quality: Annotated[
        int, setting("JPEG quality", "1 = smallest, 100 = best.", unit="percent", at_least=1, at_most=100)
    ] = 85
    webp_quality: Annotated[
        int, setting("WebP quality", "1 = smallest, 100 = best.", unit="percent", at_least=1, at_most=100)
    ] = 85
    png_compression: Annotated[int, setting("PNG compression", "0 = none, 9 = smallest.", at_least=0, at_most=9)] = 6


class Attachments(Section, frozen=True):
    enabled: Annotated[bool, setting("Enabled", "Whether files may be attached to messages.")] = True
    max_size: Annotated[
        int,
        setting(
            "File size",
            "Largest file that may be uploaded.",
            unit="bytes",
            at_least=1,
            at_most=10_737_418_240,
        ),
    ] = 104_857_600
    permanent_expiration_days: Annotated[
        float,
        setting(
            "Lifetime of permanent files",
            "For uploaders whose subscription is one of permanent_tiers.",
            unit="days",
            at_least=1,
            at_most=36_500,
        ),
    ] = 365
    permanent_tiers: Annotated[
        tuple[str, ...],
        setting("Tiers with permanent files", "Subscriptions of the identity service."),
    ] = ("pro", "max")
    allowed_types: Annotated[
        tuple[
            Annotated[
                str, formed("^(\\*|[^/\\s]+/[^/\\s]+)$", "a type such as image/png, image/* or *", max_length=100)
            ],
            ...,
        ],
        setting("File types", "MIME types, `type/*`, or `*` for every type."),
    ] = ("image/*", "video/*", "audio/*", "application/pdf")
    uploads_per_minute: Annotated[
        int,
        setting(
            "Uploads per minute",
            "How many files one user may upload in any 60 seconds.",
            unit="uploads",
            at_least=1,
            at_most=1_000_000,
        ),
    ] = 10
    subscription_cache_ttl: Annotated[
        int,
        setting(
            "Subscription cache",
            "How long a user's subscription is believed before it is asked for again.",
            unit="seconds",
            at_least=0,
            at_most=86_400,
        ),
    ] = 300
    max_attachments_per_user: Annotated[
        int,
        setting(
            "Files per user",
            "-1 = unlimited, 0 = none; when there are more, the oldest goes that no message shows.",
            unit="files",
            at_least=-1,
            at_most=1_000_000,
        ),
    ] = -1
    max_total_bytes_per_user: Annotated[
        int,
        setting(
            "Room per user",
            "How much all files of one user may take up; -1 = unlimited.",
            unit="bytes",
            at_least=-1,
            at_most=1_000_000_000_000_000,
        ),
    ] = 1_073_741_824
    free_tier_max_expiration_days: Annotated[
        float,
        setting(
            "Lifetime of other files",
            "The most for uploaders of no permanent tier.",
            unit="days",
            at_least=0.01,
            at_most=36_500,
        ),
    ] = 7
    compression: Annotated[AttachmentCompression, section("Compression", "How uploaded pictures are made smaller.")] = (
        AttachmentCompression()
    )


class Webhooks(Section, frozen=True):
    per_channel: Annotated[
        int,
        setting(
            "Webhooks per channel", "The most that one channel may have.", unit="webhooks", at_least=0, at_most=1000
        ),
    ] = 10
    messages_per_minute: Annotated[
        int,
        setting(
            "Messages per minute",
            "Deliveries that one webhook may make in any 60 seconds; further ones are answered with 429.",
            unit="messages",
            at_least=1,
            at_most=100_000,
        ),
    ] = 30


class Push(Section, frozen=True):
    enabled: Annotated[
        bool, setting("Enabled", "Whether members get web push notifications of pings and direct messages.")
    ] = True
    contact: Annotated[
        str | None,
        setting(
            "Contact",
            "Where services of browsers reach the host of this server, a mailto: or https: address; null: the one in "
            "vapid/vapid_config.json of the data folder.",
            pattern="^(mailto:[^@\\s]+@[^@\\s]+|https://[^\\s]+)$",
            form="an address such as mailto:host@example.org or https://example.org/contact",
            max_length=300,
        ),
    ] = None


def _retention(title: str) -> Meta:
    return setting(
        title,
        "How long entries of this kind stay.",
        unit="days",
        at_least=1,
        at_most=36_500,
    )


class ModlogRetention(Section, frozen=True):
    default: Annotated[float, _retention("Every other kind")] = 90
    user_moderation: Annotated[float, _retention("Bans, timeouts, kicks")] = 365
    role_management: Annotated[float, _retention("Changes of roles")] = 365
    channel_management: Annotated[float, _retention("Changes of channels")] = 180
    message_moderation: Annotated[float, _retention("Deleted and pinned messages")] = 90
    server_management: Annotated[float, _retention("Changes of the server")] = 180


class Modlog(Section, frozen=True):
    enabled: Annotated[bool, setting("Enabled", "Whether actions of moderators are recorded.")] = True
    retention: Annotated[ModlogRetention, section("Retention", "How long entries stay.")] = ModlogRetention()
