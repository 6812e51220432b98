"""Every refusal: a stable code and the sentence people read.

The sentences keep the fragments that existing clients look for (see docs/compatibility.md).
"""

from __future__ import annotations

from enum import Enum
from typing import Any


class Code(Enum):
    """`NAME = "sentence with {fields}"`. The name in lower case travels as `code`, the filled sentence as `val`."""

    # the packet itself
    MALFORMED = "Malformed packet: {reason}"
    UNKNOWN_COMMAND = "Unknown command: {cmd}"
    INTERNAL = "Internal error; incident {incident}"
    UNAVAILABLE = "The server cannot store this now: {reason}. Nothing was changed"
    # login
    AUTH_REQUIRED = "Authentication required"
    ALREADY_LOGGED_IN = "Unknown command: {cmd} (this connection is logged in already)"
    # permission
    PERMISSION_REQUIRED = "Access denied: '{permission}' permission required"
    # places
    CHANNEL_NOT_FOUND = "Channel not found"
    THREAD_NOT_FOUND = "Thread not found"
    MESSAGE_NOT_FOUND = "Message not found"
    THREAD_LOCKED = "Thread is locked"
    THREAD_ARCHIVED = "Thread is archived"
    # messages and threads
    PLACE_REQUIRED = "channel or thread_id is required"
    NOT_A_TEXT_CHANNEL = "This is not a text channel"
    NOT_A_FORUM = "This is not a forum channel"
    NOT_PERMITTED = "You do not have permission to {action}"
    NOT_AUTHOR = "You do not have permission to edit messages of others"
    ROLE_NOT_MENTIONABLE = "You do not have permission to mention the role {role}"
    MESSAGE_EMPTY = "Message content cannot be empty"
    MESSAGE_TOO_LONG = "Message too long. At most {max} characters"
    REPLY_NOT_FOUND = "Message not found: the message to reply to is not in this channel or thread"
    BAD_EMBED = "Embed {number}: {reason}"
    ATTACHMENTS_DISABLED = "Attachments are disabled on this server"
    ALREADY_REACTED = "You already reacted with this emoji"
    NOT_REACTED = "You did not react with this emoji"
    TOO_MANY_REACTIONS = "A message carries at most {max} different emoji"
    # users
    USER_NOT_FOUND = "User not found"
    # values
    BAD_VALUE = "{field}: {reason}"

    @property
    def wire(self) -> str:
        return self.name.lower()


class Refused(Exception):
    """A command that is refused. Raised by handlers and stores, translated into an `error` packet at the boundary."""

    def __init__(self, code: Code, **fields: Any) -> None:
        self.code = code
        self.fields = fields
        super().__init__(code.value.format(**fields))

    @property
    def text(self) -> str:
        return str(self)
