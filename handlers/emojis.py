"""Custom emojis. A picture is on disk before its record, and goes after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from db.emojis import Emoji
from db.pictures import BadPicture
from handlers.outcome import Event, Outcome
from handlers.registry import handles
from protocol.audience import Everyone
from protocol.emojis import (
    EmojiAdd,
    EmojiAddEvent,
    EmojiDelete,
    EmojiDeleteEvent,
    EmojiEntry,
    EmojiGetAll,
    EmojiGetAllReply,
    EmojiGetFilename,
    EmojiGetFilenameReply,
    EmojiGetId,
    EmojiGetIdReply,
    EmojiUpdate,
    EmojiUpdateEvent,
)
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from handlers.context import Context, World


def emoji_events(old: Emoji | None, new: Emoji | None) -> list[Event]:
    """What is told of an emoji that became another, by command or by hand."""
    if new is None:
        return [] if old is None else [Event(Everyone(), EmojiDeleteEvent(id=old.id))]
    if old is None:
        return [Event(Everyone(), EmojiAddEvent(id=new.id, name=new.name, file_name=new.file_name))]
    if (old.name, old.file_name) == (new.name, new.file_name):
        return []
    return [_updated(new)]


def _updated(emoji: Emoji) -> Event:
    return Event(Everyone(), EmojiUpdateEvent(id=emoji.id, name=emoji.name, file_name=emoji.file_name))


@handles(EmojiAdd)
async def emoji_add(ctx: Context, cmd: EmojiAdd) -> Outcome:
    world = ctx.world
    _check_addable(world, cmd.name)
    emoji_id = world.emojis.take_id()
    file_name = await _stored(ctx, cmd.image, emoji_id, "emoji_add.image")
    try:  # while the picture was written, everything may have changed
        _check_permitted(ctx)
        _check_addable(world, cmd.name)
    except Refused:
        world.emoji_pictures.discard(file_name)
        raise
    emoji = Emoji(id=emoji_id, name=cmd.name, file_name=file_name)
    world.emojis.put(emoji)
    return Outcome(events=emoji_events(None, emoji), audit=[ctx.audit("emoji_add", emoji.id, emoji.name)])


@handles(EmojiUpdate)
async def emoji_update(ctx: Context, cmd: EmojiUpdate) -> Outcome:
    world = ctx.world
    if cmd.name is UNSET and cmd.image is UNSET:
        raise Refused(Code.NO_UPDATES)
    old = _find(world, cmd.emoji_id)
    if cmd.name is not UNSET:
        _check_free(world, cmd.name, old.id)
    changed: dict[str, str] = {} if cmd.name is UNSET else {"name": cmd.name}
    if cmd.image is not UNSET:
        file_name = await _stored(ctx, cmd.image, old.id, "emoji_update.image", again=True)
        changed["file_name"] = file_name
        try:
            _check_permitted(ctx)
            old = _find(world, cmd.emoji_id)
            if cmd.name is not UNSET:
                _check_free(world, cmd.name, old.id)
        except Refused:
            world.emoji_pictures.discard(file_name)
            raise
    emoji = msgspec.structs.replace(old, **changed)
    world.emojis.put(emoji)
    replaced = old.file_name if cmd.image is not UNSET else None
    before, details = emoji_changes(emoji, old), emoji_changes(old, emoji)
    image = {} if replaced is None else {"image": True}
    return Outcome(
        events=[_updated(emoji)],
        audit=[ctx.audit("emoji_update", emoji.id, emoji.name, before, **details, **image)],
        after=lambda: _discard_unused(world, replaced),
    )


def emoji_changes(old: Emoji, new: Emoji) -> dict[str, str]:
    """The name where it differs, as it is in `new`."""
    return {"name": new.name} if old.name != new.name else {}


@handles(EmojiDelete)
def emoji_delete(ctx: Context, cmd: EmojiDelete) -> Outcome:
    world = ctx.world
    emoji = _find(world, cmd.emoji_id)
    world.emojis.remove(emoji.id)
    return Outcome(
        events=emoji_events(emoji, None),
        audit=[ctx.audit("emoji_delete", emoji.id, emoji.name)],
        after=lambda: _discard_unused(world, emoji.file_name),
    )


@handles(EmojiGetAll)
def emoji_get_all(ctx: Context, cmd: EmojiGetAll) -> Outcome:
    emojis = {emoji.id: EmojiEntry(name=emoji.name, file_name=emoji.file_name) for emoji in ctx.world.emojis}
    return Outcome(reply=EmojiGetAllReply(emojis=emojis))


@handles(EmojiGetId)
def emoji_get_id(ctx: Context, cmd: EmojiGetId) -> Outcome:
    return Outcome(reply=EmojiGetIdReply(name=cmd.name, id=_named(ctx.world, cmd.name).id))


@handles(EmojiGetFilename)
async def emoji_get_filename(ctx: Context, cmd: EmojiGetFilename) -> Outcome:
    file_name = _named(ctx.world, cmd.name).file_name
    if not await ctx.world.emoji_pictures.has(file_name):
        raise Refused(Code.EMOJI_NOT_FOUND)
    return Outcome(reply=EmojiGetFilenameReply(name=cmd.name, filepath=file_name))


# --- shared


def _find(world: World, emoji_id: int | str) -> Emoji:
    emoji = world.emojis.get(str(int(emoji_id)))
    if emoji is None:
        raise Refused(Code.EMOJI_NOT_FOUND)
    return emoji


def _named(world: World, name: str) -> Emoji:
    emoji = world.emojis.by_name(name)
    if emoji is None:
        raise Refused(Code.EMOJI_NOT_FOUND)
    return emoji


def _check_permitted(ctx: Context) -> None:
    if not ctx.visitor.present or not ctx.world.access.can(ctx.user, "manage_server"):
        raise Refused(Code.PERMISSION_REQUIRED, permission="manage_server")


def _check_addable(world: World, name: str) -> None:
    _check_free(world, name, None)
    most = world.config.limits.emojis
    if len(world.emojis) >= most:
        raise Refused(Code.TOO_MANY_EMOJIS, max=most)


def _check_free(world: World, name: str, but_for: str | None) -> None:
    """Raises Refused when another emoji than the one with the id `but_for` is called so."""
    found = world.emojis.by_name(name)
    if found is not None and found.id != but_for:
        raise Refused(Code.EMOJI_EXISTS)


async def _stored(ctx: Context, image: str, emoji_id: str, field: str, *, again: bool = False) -> str:
    """Write the picture; gives its file name. Raises Refused."""
    allowed = ctx.world.config.uploads.emoji_allowed_file_types
    try:
        return await ctx.world.emoji_pictures.store(image, emoji_id, allowed, again=again)
    except BadPicture as error:
        raise Refused(Code.BAD_VALUE, field=field, reason=str(error)) from None
    except OSError as error:
        raise Refused(Code.UNAVAILABLE, reason=error.strerror or type(error).__name__) from None


def _discard_unused(world: World, file_name: str | None) -> None:
    """Two records that were made by hand may share a picture."""
    if file_name is not None and world.emojis.by_file_name(file_name) is None:
        world.emoji_pictures.discard(file_name)
