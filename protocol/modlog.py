"""The moderation log: reading it, and its summary."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from protocol.base import Command, Packet, spec
from protocol.errors import Code
from protocol.objects_messages import MAX_INTEGER

READERS = "server permission `view_audit_log` or `manage_users`; entries of channels only for those who may view them"
Who = Annotated[str, Meta(max_length=200)] | None
Word = Annotated[str, Meta(max_length=64)] | None


class ModlogEntry(Struct, kw_only=True, frozen=True):
    """One action. An edit of a file has no `actor_id`, and `actor_name` is `on disk`."""

    id: str
    action: Annotated[str, Meta(description="Wire name of the command that does it.")]
    category: str
    actor_id: str
    actor_name: str
    target_id: str | None
    target_name: str | None
    details: Annotated[
        dict[str, Any],
        Meta(
            description="What changed, as it is since; depends on the action. Long texts end with `…`, long lists have "
            "it as their last item, and it stands for what is too much altogether."
        ),
    ]
    before: Annotated[
        dict[str, Any],
        Meta(description="In the form of `details`: fields whose old value is known. Imported entries have none."),
    ]
    timestamp: Annotated[float, Meta(description="Unix seconds.")]


class ModlogGetReply(Packet, kw_only=True, frozen=True, tag="modlog_get"):
    """A page of the log, newest first."""

    entries: list[ModlogEntry]
    total: Annotated[int, Meta(description="How many pass the filters, on all pages.")]
    offset: int
    limit: int


class ModlogNewEvent(Packet, kw_only=True, frozen=True, tag="modlog_new"):
    """Something entered the moderation log. Told to those who may read these entries there."""

    entries: Annotated[list[ModlogEntry], Meta(description="Newest first; of many at once the newest 50.")]
    count: Annotated[int, Meta(description="How many are new.")]


class ModlogSummaryReply(Packet, kw_only=True, frozen=True, tag="modlog_summary"):
    """How often what was done, among the newest 10000 entries."""

    action_counts: Annotated[dict[str, int], Meta(description="`category.action` to how often.")]
    category_totals: dict[str, int]
    total: Annotated[int, Meta(description="Of all entries, older ones too.")]


@spec(
    does="Page through the moderation log, newest first; filters are combined with and.",
    allowed=READERS,
    reply=ModlogGetReply,
    errors=(Code.AUDIT_PERMISSION_REQUIRED,),
    example={"limit": 100, "category": "user_moderation"},
)
class ModlogGet(Command, kw_only=True, frozen=True):
    limit: Annotated[int, Meta(ge=1, le=200, description="How many at most.")] = 100
    offset: Annotated[int, Meta(ge=0, le=MAX_INTEGER, description="How many of the newest to skip.")] = 0
    after: Annotated[float | None, Meta(description="Unix seconds; only newer entries.")] = None
    category: Annotated[Word, Meta(description="Only this category.")] = None
    actor: Annotated[Who, Meta(description="Only actions of this user (id or username).")] = None
    target: Annotated[Who, Meta(description="Only actions on this target (id, or username of a user).")] = None
    action: Annotated[Word, Meta(description="Only this action.")] = None


@spec(
    does="Count the entries of the moderation log by category and action.",
    allowed=READERS,
    reply=ModlogSummaryReply,
    errors=(Code.AUDIT_PERMISSION_REQUIRED,),
)
class ModlogSummary(Command, kw_only=True, frozen=True):
    pass
