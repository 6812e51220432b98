"""What a handler is given: the state of the community, and who asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from db.permissions import Access
from protocol.errors import Code, Refused

if TYPE_CHECKING:
    from config.live import LiveConfig
    from config.schema import Config
    from db.channels import Channels
    from db.documents import Documents
    from db.roles import Roles
    from db.store import Store
    from db.threads import Threads
    from db.users import User, Users
    from fanout import Fanout, Session
    from handlers.rate_limiter import RateLimiter


class World:
    """The community in memory. Owned by the event loop: only code that runs on it changes anything here."""

    def __init__(
        self,
        *,
        live: LiveConfig,
        documents: Documents,
        store: Store,
        fanout: Fanout,
        limiter: RateLimiter,
        clock: Callable[[], float],
        new_id: Callable[[], str],
        new_secret: Callable[[], str],
    ) -> None:
        self.live = live
        self.documents = documents
        self.users: Users = documents.users
        self.roles: Roles = documents.roles
        self.channels: Channels = documents.channels
        self.store = store
        self.threads: Threads = store.threads
        self.fanout = fanout
        self.limiter = limiter
        self.clock = clock
        self.new_id = new_id
        self.new_secret = new_secret
        self.access = Access(self.roles)

    @property
    def config(self) -> Config:
        return self.live.current


class Context:
    """One command of one session."""

    __slots__ = ("now", "session", "world")

    def __init__(self, world: World, session: Session, now: float) -> None:
        self.world = world
        self.session = session
        self.now = now
        """Unix seconds at which the command was taken up."""

    @property
    def user(self) -> User:
        """The caller's record as it is now. Raises Refused when it is gone (the account was deleted meanwhile)."""
        user = self.world.users.get(self.session.user_id)
        if user is None:
            raise Refused(Code.USER_NOT_FOUND)
        return user
