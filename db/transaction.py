"""What a change may use of the database. Belongs to the journal's thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from db.attachments import StoredAttachments
from db.audit import Audit
from db.directs import StoredDirects
from db.erasure import Erasures
from db.events import EventLog, LoggedEvent
from db.invites import StoredInvites
from db.memberships import StoredMemberships
from db.messages import Messages
from db.pings import RolePings
from db.plugin_storage import PluginStorage
from db.polls import Polls
from db.push_subscriptions import StoredSubscriptions
from db.reads import Reads
from db.sessions import Sessions
from db.threads import StoredThreads
from db.webhooks import StoredWebhooks

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from db.group import Group


class Transaction:
    """One group of changes: all of them are committed, or none. Made by `Store.begin`."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self.messages = Messages(group)
        self.threads = StoredThreads(group, self.messages)
        self.directs = StoredDirects(group)
        self.memberships = StoredMemberships(group)
        self.role_pings = RolePings(group)
        self.reads = Reads(group)
        self.attachments = StoredAttachments(group)
        self.polls = Polls(group)
        self.sessions = Sessions(group)
        self.webhooks = StoredWebhooks(group)
        self.invites = StoredInvites(group)
        self.push = StoredSubscriptions(group)
        self.audit = Audit(group)
        self.erasures = Erasures(group, self.messages)
        self.plugin_storage = PluginStorage(group)
        self.log = EventLog(group)

    @property
    def connection(self) -> Connection:
        """For tables that have no store here. Everything written so far is visible to it."""
        self._group.flush()
        return self._group.connection

    @property
    def now(self) -> float:
        """Unix seconds when the group began; the timestamp of its events."""
        return self._group.now

    def place_of(self, n: int) -> str | None:
        """The channel or thread of a message by its `n`; None when that was deleted."""
        return self._group.place_of(n)

    def commit(self) -> list[LoggedEvent]:
        """Make everything durable; gives the events of the group in order. On failure everything is rolled back."""
        return self._group.commit()

    def rollback(self) -> None:
        """Nothing of the group ever happened. Harmless after commit."""
        self._group.rollback()
