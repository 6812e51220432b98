"""What may stand in a message: its text, its embeds, and whom it calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from db.mentions import NOBODY, Mentions, find_mentions
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from db.channels import Channel
    from db.directs import Direct
    from db.roles import Role
    from db.users import User
    from handlers.context import Context, World


class Called(msgspec.Struct, frozen=True):
    """Whom a text calls. names: as the packet tells it. user_ids, roles: those that exist, as they are stored."""

    names: Mentions = NOBODY
    user_ids: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


def checked_text(world: World, content: str, *, may_be_empty: bool = False) -> str:
    """The text without white space at its ends. Raises Refused when it is empty or too long."""
    content = content.strip()
    if not content and not may_be_empty:
        raise Refused(Code.MESSAGE_EMPTY)
    most = world.config.limits.post_content
    if len(content) > most:
        raise Refused(Code.MESSAGE_TOO_LONG, max=most)
    return content


def called_by(ctx: Context, content: str, channel: Channel | Direct) -> Called:
    """Whom the caller calls with this text: not those who have blocked it, and in a direct channel nobody but its
    members. Raises Refused for a role that the caller may not mention."""
    if "@" not in content:
        return Called()
    users, roles = ctx.world.users, ctx.world.roles

    def username(name: str) -> str | None:
        user = users.by_mention(name)
        return user.username if user is not None else None

    def role_name(name: str) -> str | None:
        return name if name in roles else None

    def hears(user: User | None) -> bool:
        if user is None:
            return True
        return ctx.user.id not in user.blocked and (not channel.members or user.id in channel.members)

    names = find_mentions(content, username, role_name)
    named = [(name, users.by_username(name)) for name in names.users]
    called = [(name, user) for name, user in named if hears(user)]
    names = Mentions(tuple(name for name, _ in called), () if channel.members else names.roles)
    mentioned = [role for name in names.roles if (role := roles.get(name)) is not None]
    for role in mentioned:
        if not may_mention(ctx.world, ctx.user, role):
            raise Refused(Code.ROLE_NOT_MENTIONABLE, role=role.name)
    known = [user.id for _, user in called if user is not None]
    return Called(names, tuple(known), tuple(role.name for role in mentioned))


def may_mention(world: World, user: User, role: Role) -> bool:
    """Everybody may, unless the role is protected: then an owner, or who holds one of the roles named there."""
    rule = role.mention_roles
    if rule is None or rule is True or world.access.is_owner(user):
        return True
    if rule is False:
        return False
    allowed = (rule,) if isinstance(rule, str) else rule
    return any(name in allowed for name in user.roles)
