"""What a handler is given: the state of the community, and who asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from db.permissions import Access
from handlers import audit
from handlers.export_links import ExportLinks
from handlers.slash_registry import SlashRegistry
from handlers.voice_rooms import Voice
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from config.live import LiveConfig
    from config.schema import Config
    from db.audit import AuditEntry
    from db.channels import Channels
    from db.directs import Directs
    from db.documents import Documents
    from db.emojis import Emojis
    from db.invites import Invites
    from db.journal import Journal
    from db.memberships import Memberships
    from db.push_subscriptions import PushSubscriptions
    from db.roles import Roles
    from db.secret_key import SecretKey
    from db.store import Store
    from db.threads import Threads
    from db.users import User, Users
    from db.vapid import VapidKeys
    from db.webhooks import Webhooks
    from fanout import Fanout, Session, Sink
    from handlers.asset_pictures import AssetPictures
    from handlers.backups import BackupKeeper
    from handlers.claim import Claim
    from handlers.emoji_pictures import EmojiPictures
    from handlers.filters import Filter
    from handlers.outcome import Observer
    from handlers.passwords import PasswordPool
    from handlers.plugins import Plugins
    from handlers.rate_limiter import RateLimiter
    from handlers.status import Figures
    from handlers.throttle import Throttle
    from protocol.base import Pace


class World:
    """The community in memory. Owned by the event loop: only code that runs on it changes anything here."""

    def __init__(
        self,
        *,
        live: LiveConfig,
        documents: Documents,
        store: Store,
        fanout: Fanout,
        journal: Journal,
        limiter: RateLimiter,
        logins: Throttle,
        registrations: Throttle,
        joins: Throttle,
        voice_signals: Throttle,
        profile_changes: Throttle,
        invite_lookups: Throttle,
        paces: Mapping[Pace, Throttle],
        passwords: PasswordPool,
        emoji_pictures: EmojiPictures,
        asset_pictures: AssetPictures,
        claim: Claim,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        new_secret: Callable[[], str],
        new_uuid: Callable[[], str],
        secret_key: SecretKey,
        vapid: VapidKeys,
    ) -> None:
        self.live = live
        self.documents = documents
        self.users: Users = documents.users
        self.roles: Roles = documents.roles
        self.channels: Channels = documents.channels
        self.emojis: Emojis = documents.emojis
        self.store = store
        self.threads: Threads = store.threads
        self.directs: Directs = store.directs
        self.memberships: Memberships = store.memberships
        self.webhooks: Webhooks = store.webhooks
        self.invites: Invites = store.invites
        self.push_subscriptions: PushSubscriptions = store.push_subscriptions
        self.fanout = fanout
        self.journal = journal
        self.limiter = limiter
        self.logins = logins
        self.registrations = registrations
        self.joins = joins
        self.voice_signals = voice_signals
        self.profile_changes = profile_changes
        self.invite_lookups = invite_lookups
        self.paces = paces
        self.voice = Voice()
        self.passwords = passwords
        self.emoji_pictures = emoji_pictures
        self.asset_pictures = asset_pictures
        self.claim = claim
        self.exports = ExportLinks(clock)
        self.erasing = True
        """Whether users may be left whose erasure is under way; at start nobody knows."""
        self.clock = clock
        self.new_id = new_id
        self.new_secret = new_secret
        self.new_uuid = new_uuid
        """A random UUID as text, for tokens that have to be one."""
        self.secret_key = secret_key
        self.vapid = vapid
        self.access = Access(self.roles, store.memberships)
        self.resumes: Counter[str] = Counter()
        """How replays ended: `recovered`, or the reason why nothing was."""
        self.pushes: Counter[str] = Counter()
        """How web push notifications ended: `sent`, `failed`, `gone`, or `dropped` because too many were waiting."""
        self.observers: list[Observer] = []
        """Told of everything that happened, in order; see `handlers.outcome.Happening`."""
        self.filters: list[Filter] = []
        """What members write passes these, in order, before it is stored; see `handlers.filters`."""
        self.plugins: Plugins | None = None
        """Who runs plugins; None when nobody does."""
        self.backups: BackupKeeper | None = None
        """Who makes backups; None when nobody does."""
        self.figures: Figures | None = None
        """What is measured, for `server_status`; None when nothing is."""
        self.next_poll_end = 0.0
        """Unix seconds: no poll ends by itself before; `math.inf` when none does."""
        self.slash = SlashRegistry()
        self._newest_timestamp = 0.0

    @property
    def config(self) -> Config:
        return self.live.current

    def erasures_done(self) -> None:
        self.erasing = False

    def timestamp(self) -> float:
        """Unix seconds for a new message, in whole microseconds, later than every one given before."""
        self._newest_timestamp = max(round(self.clock(), 6), round(self._newest_timestamp + 1e-6, 6))
        return self._newest_timestamp

    def not_before(self, timestamp: float) -> None:
        """At start: the newest stored message has this timestamp (the clock may have been set back since)."""
        self._newest_timestamp = max(self._newest_timestamp, timestamp)


class Visitor(Protocol):
    """Whoever is at the other end, logged in or not."""

    validator_key: str
    address: str
    """For people: as in the log."""
    network: str
    """For counting: the address, or its /64 (see `handlers.throttle.network_of`)."""
    agent: str
    gateway: str
    """The way in that it came by, "" for the OriginChats protocol."""

    @property
    def sink(self) -> Sink: ...

    @property
    def present(self) -> bool:
        """Whether its session still counts: it may have been ended, or its user banned, since the command was sent."""

    def log_in(self, session: Session) -> None:
        """From now on its commands are carried out for this session. Only from `Outcome.then`."""


class Context:
    """One command of one session."""

    __slots__ = ("_session", "now", "visitor", "world")

    def __init__(self, world: World, visitor: Visitor, session: Session | None, now: float) -> None:
        self.world = world
        self.visitor = visitor
        self._session = session
        self.now = now
        """Unix seconds at which the command was taken up."""

    @property
    def session(self) -> Session:
        """The caller's session. The dispatcher lets nobody without one reach a handler that asks for it."""
        if self._session is None:
            raise Refused(Code.AUTH_REQUIRED)
        return self._session

    @property
    def user(self) -> User:
        """The caller's record as it is now. Raises Refused when it is gone (the account was deleted meanwhile)."""
        user = self.world.users.get(self.session.user_id)
        if user is None:
            raise Refused(Code.USER_NOT_FOUND)
        return user

    def audit(
        self,
        action: str,
        target_id: str | None = None,
        target_name: str | None = None,
        before: Mapping[str, Any] | None = None,
        /,
        **details: Any,
    ) -> AuditEntry:
        """What the moderation log is to say of this command, for `Outcome.audit`. action: the wire name of the command
        that does it, as in `db.audit.CATEGORIES`. details: what changed, never a secret. before: these fields as they
        were, those that differ."""
        user = self.user
        return audit.entry(
            self.world,
            action,
            target_id,
            target_name,
            details,
            actor_id=user.id,
            actor_name=user.username,
            before=before,
        )
