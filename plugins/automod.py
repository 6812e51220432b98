"""Keeps words, floods of links and mentions, and raids out. Settings: `<data folder>/plugins/automod.json`; see
docs/plugins.md. What it refuses is never stored; what it counts is kept in memory."""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from plugin_api import Draft, Plugin, PluginError, Refuse, Settings, UserJoin, about

Word = Annotated[str, Meta(min_length=1, max_length=100)]
Count = Annotated[int, Meta(ge=0, le=1000)]
Seconds = Annotated[int, Meta(ge=0, le=604_800)]


class Raid(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A raid: so many joins within `window_s`, or so many new members who write the same within it. New is who joined
    less than `new_for_s` ago; during a raid, and for `lasts_s` after it, new members are muted once they write."""

    joins: Annotated[Count, about("Joins", "So many within the window are a raid; 0: any number is fine.")] = 20
    same_messages: Annotated[
        Count, about("Same messages", "So many new members who write the same within the window are one; 0: never.")
    ] = 4
    window_s: Annotated[int, Meta(ge=1, le=3600), about("Window", "In which they are counted.", unit="seconds")] = 60
    new_for_s: Annotated[Seconds, about("New for", "How long a member counts as new.", unit="seconds")] = 86_400
    lasts_s: Annotated[Seconds, about("Lasts", "How long new members stay muted after it.", unit="seconds")] = 600


class Automod(Settings, frozen=True, kw_only=True):
    enabled: bool = False
    words: Annotated[
        tuple[Word, ...],
        Meta(max_length=2000),
        about("Words", "Refused as whole words, upper and lower case alike; * stands for any letters."),
    ] = ()
    link_hosts: Annotated[
        tuple[Word, ...],
        Meta(max_length=500),
        about("Link hosts", "Where links may go, with everything below; empty: anywhere."),
    ] = ()
    max_links: Annotated[Count, about("Links", "At most so many in a message; 0: any number.")] = 0
    max_mentions: Annotated[Count, about("Mentions", "At most so many in a message; 0: any number.")] = 10
    timeout_s: Annotated[
        Seconds, about("Mute for", "How long who is refused is muted; 0: not at all.", unit="seconds")
    ] = 0
    log_channel: Annotated[
        str,
        Meta(max_length=100),
        about("Log channel", "Where moderators are told; empty: nowhere.", suggest="channel"),
    ] = ""
    exempt_roles: Annotated[
        tuple[Word, ...],
        Meta(max_length=50),
        about("Exempt roles", "They may write anything, besides owners and admins.", suggest="role"),
    ] = ("moderator",)
    raid: Annotated[Raid, about("Raids", "What is a raid, and how long its brake holds.")] = Raid()


plugin = Plugin(
    name="Automod", description="Refuses bad words, floods of links and mentions, and raids.", settings=Automod
)

LINK = re.compile(r"\bhttps?://([^\s/?#<>]{1,300})", re.IGNORECASE)
MENTION = re.compile(r"(?<![\w@])@&?[\w:-]{2,}")
MAX_REMEMBERED = 1000
NOTICE_EVERY_S = 30
WHAT = {"message": "message", "poll": "poll", "thread": "thread name", "topic": "topic", "status": "status"}


class Watch:
    """What happened lately. Times are unix seconds."""

    def __init__(self) -> None:
        self.joins: deque[float] = deque(maxlen=MAX_REMEMBERED)
        self.same: OrderedDict[str, deque[tuple[float, str]]] = OrderedDict()
        """Text -> when new members wrote it, and who."""
        self.until = 0.0
        """The raid is taken to last until then."""
        self.noticed = 0.0


watch = Watch()


@plugin.before("text")
def look(draft: Draft) -> None:
    """The first thing that is wrong refuses it."""
    settings = plugin.settings
    if {"owner", "admin", *settings.exempt_roles} & set(draft.author.roles):
        return
    now = plugin.now()
    reason = raided(draft, now) or fault(draft.content, settings)
    if reason is None:
        return
    if settings.timeout_s and not draft.direct and draft.kind != "webhook":
        mute(draft.author.id, settings.timeout_s)
    what = WHAT.get(draft.kind, "text")
    where = f" out of {place_of(draft)}" if draft.channel or draft.direct else ""
    tell(f"Automod kept a {what} of {draft.author.name}{where or ' out'}: {reason}", now)
    raise Refuse(f"This {what} is not allowed here: {reason}")


@plugin.on("user_join")
def joined(event: UserJoin) -> None:
    now, raid = plugin.now(), plugin.settings.raid
    watch.joins.append(now)
    recent = sum(1 for at in watch.joins if at > now - raid.window_s)
    if raid.joins and recent >= raid.joins:
        start_raid(f"{recent} members joined within {raid.window_s} seconds", now)


def fault(content: str, settings: Automod) -> str | None:
    """What is wrong with a text, for its author."""
    if contains_word(content, settings.words):
        return "it has a word that is not wanted"
    hosts = [match[1].rpartition("@")[2].partition(":")[0].lower().rstrip(".") for match in LINK.finditer(content)]
    if settings.max_links and len(hosts) > settings.max_links:
        return f"it has more than {settings.max_links} links"
    if settings.link_hosts and not all(is_below(host, settings.link_hosts) for host in hosts):
        return "it has a link to a place that is not allowed"
    if settings.max_mentions and len(set(MENTION.findall(content))) > settings.max_mentions:
        return f"it calls more than {settings.max_mentions} members"
    return None


def contains_word(content: str, words: Sequence[str]) -> bool:
    """Each word of the text against each of the list: linear, whatever anybody writes."""
    if not words:
        return False
    exact = {word.casefold() for word in words if "*" not in word}
    wild = [word.casefold().split("*") for word in words if "*" in word]
    found = set(re.findall(r"[\w'-]+", content.casefold()))
    phrases = [word for word in exact if not re.fullmatch(r"[\w'-]+", word)]
    text = f" {' '.join(content.casefold().split())} "
    return (
        bool(found & exact)
        or any(f" {phrase} " in text for phrase in phrases)
        or any(matches(word, parts) for word in found for parts in wild)
    )


def matches(word: str, parts: list[str]) -> bool:
    """Whether a word fits `parts` with anything between them."""
    first, last = parts[0], parts[-1]
    if not word.startswith(first) or not word.endswith(last) or len(word) < len(first) + len(last):
        return False
    at, end = len(first), len(word) - len(last)
    for part in parts[1:-1]:
        found = word.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def is_below(host: str, allowed: Sequence[str]) -> bool:
    return any(host == name.lower() or host.endswith(f".{name.lower()}") for name in allowed)


def raided(draft: Draft, now: float) -> str | None:
    """Why a new member may not write now. Counts what new members write."""
    raid, author = plugin.settings.raid, draft.author
    if draft.kind != "message" or draft.direct or author.joined_at is None or author.joined_at <= now - raid.new_for_s:
        return None
    text = " ".join(draft.content.casefold().split())[:500]
    if raid.same_messages and text:
        seen = watch.same.setdefault(text, deque(maxlen=MAX_REMEMBERED))
        seen.append((now, author.id))
        watch.same.move_to_end(text)
        while len(watch.same) > MAX_REMEMBERED:
            watch.same.popitem(last=False)
        writers = {who for at, who in seen if at > now - raid.window_s}
        if len(writers) >= raid.same_messages:
            start_raid(f"{len(writers)} new members wrote the same", now)
    if now >= watch.until:
        return None
    mute(author.id, max(60, round(watch.until - now)))
    return "new members cannot write for a while"


def start_raid(why: str, now: float) -> None:
    is_new = now >= watch.until
    watch.until = now + plugin.settings.raid.lasts_s
    if is_new:
        watch.noticed = 0.0
        tell(f"This looks like a raid: {why}. New members are muted as soon as they write.", now)


def mute(user_id: str, seconds: int) -> None:
    try:
        plugin.api.timeout_user(user_id, seconds)
    except PluginError as error:
        plugin.log.warning("%s is not muted: %s", user_id, error)


def tell(text: str, now: float) -> None:
    """Moderators, at most twice a minute: a flood of refusals makes no flood of notices."""
    channel = plugin.settings.log_channel
    if not channel or now < watch.noticed + NOTICE_EVERY_S:
        return
    watch.noticed = now
    try:
        plugin.api.send_message(channel, text)
    except PluginError as error:
        plugin.log.warning("moderators cannot be told in %s: %s", channel, error)


def place_of(draft: Draft) -> str:
    return "a direct channel" if draft.direct else f"#{draft.channel}"
