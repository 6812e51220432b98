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
    RATE_LIMIT = "{reason}"
    FILE_BROKEN = "{problem}. The file is not used until it is mended; nothing was lost"
    SERVER_NOTICE = "{problem}"
    UNAVAILABLE = "The server cannot store this now: {reason}. Nothing was changed"
    # login
    AUTH_REQUIRED = "Authentication required"
    ALREADY_LOGGED_IN = "Unknown command: {cmd} (this connection is logged in already)"
    ROTUR_DISABLED = "Rotur authentication is disabled. Use login or register commands."
    ROTUR_UNAVAILABLE = "Authentication failed: the identity service cannot be asked ({reason})"
    INVALID_AUTHENTICATION = "Invalid authentication"
    INVALID_PASSWORD = "Invalid password or unknown user"
    CREDENTIALS_REQUIRED = "Username and password required"
    BANNED = "Access denied: You are banned from this server"
    REGISTRATION_DISABLED = "Registration is disabled"
    NAME_TAKEN = "Username already taken"
    BAD_NAME_LENGTH = "Username must be 2-32 characters"
    BAD_NAME = "Username can only contain letters, numbers, hyphens, and underscores"
    BAD_PASSWORD_LENGTH = "Password must be 4-128 characters"
    WRONG_CLAIM = "This claim code is wrong or was used already; the valid one is on the server's start screen"
    TOO_MANY_TRIES = "Rate limit: too many tries. Wait {wait_s} seconds"
    TOKEN_REQUIRED = "A token is needed to enter here; the owner gives them out"
    INVALID_TOKEN = "This token does not fit the name, or is not valid any more"
    INVITE_REQUIRED = "An invitation is needed to join this server"
    INVITE_NOT_FOUND = "Invitation not found"
    INVITE_EXPIRED = "This invitation has expired or is used up; ask for a new one"
    TOO_MANY_INVITES = "You have made {max} invitations, which is the most; delete one first"
    ACCOUNT_REQUIRED = "This is not for guests: log in with an account"
    TOO_BUSY = "The server is busy with other logins. Try again in a few seconds"
    NO_PASSWORD = "This account has no password on this server"
    SESSION_NOT_FOUND = "Session not found"
    # permission
    PERMISSION_REQUIRED = "Access denied: '{permission}' permission required"
    AUDIT_PERMISSION_REQUIRED = "Access denied: 'view_audit_log' or 'manage_users' permission required"
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
    ATTACHMENT_NOT_FOUND = "Attachment not found or expired"
    FILE_TOO_LARGE = "File too large (max {max} bytes)"
    FILE_REFUSED = "This file is not accepted here: {reason}"
    TOO_MANY_FILES = "You cannot have more than {max} files here"
    NO_ROOM_FOR_FILE = "Your files may take up {max} bytes; this one does not fit any more"
    TOO_MANY_UPLOADS = "Rate limit: too many uploads. Wait {wait_s} seconds"
    DISK_FULL = "The server has no room for files now"
    ALREADY_REACTED = "You already reacted with this emoji"
    NOT_REACTED = "You did not react with this emoji"
    TOO_MANY_REACTIONS = "A message carries at most {max} different emoji"
    TOO_MANY_PINS = "{max} messages are pinned here, which is the most"
    TOO_MANY_THREADS = "This forum has {max} threads, which is the most; delete old ones first"
    # polls
    POLL_NOT_FOUND = "Poll not found"
    POLL_ENDED = "This poll has ended"
    # voice
    NOT_A_VOICE_CHANNEL = "This is not a voice channel"
    NOT_IN_VOICE = "You are not in a voice channel"
    PEER_NOT_FOUND = "Nobody with this peer id is in your voice channel"
    VOICE_FULL = "This voice channel is full: {max} is the most"
    VOICE_UNAVAILABLE = "Voice needs an open connection of the OriginChats protocol"
    # users
    USER_NOT_FOUND = "User not found"
    MEMBER_ABOVE = "You do not have permission to act on a member at or above your position"
    BLOCKED = "One of you has blocked the other"
    TOO_MANY_BLOCKED = "You have blocked {max} users, which is the most"
    NOT_YOURSELF = "You cannot do this to yourself"
    LAST_OWNER = "The last owner cannot be removed; make somebody else owner first"
    NAME_FIXED = "The username of an account cannot be changed: it is its login"
    # roles
    ROLE_REQUIRED = "Role id or name is required"
    ROLE_NOT_FOUND = "Role '{role}' not found"
    ROLE_EXISTS = "Role already exists"
    ROLE_ABOVE = "Cannot manage roles at or above your position: '{role}'"
    ROLE_PROTECTED = "Cannot delete or rename system roles: '{role}'"
    ROLE_IN_USE = "Role is used in {where}"
    BAD_ROLE_NAME = "A role name has 1-64 visible characters and does not start with '!'"
    PERMISSION_ABOVE = "You do not have permission to pass on '{permission}', which you do not hold"
    NOT_SELF_ASSIGNABLE = "This role is not self-assignable"
    CANNOT_BE_SELF_ASSIGNABLE = "Role '{role}' cannot be made self-assignable"
    ROLE_HELD = "You already have this role"
    ROLE_NOT_HELD = "You don't have this role"
    NO_ROLE_LEFT = "Cannot remove all roles from a user"
    # channels
    CHANNEL_EXISTS = "Channel already exists"
    NOT_JOINABLE = "Nobody joins a channel of this kind"
    INVITE_NEEDED = "You need an invitation to join this channel"
    WRONG_CHANNEL_KEY = "Wrong key for this channel"
    NOT_A_MEMBER = "You have not joined this channel"
    NOT_IN_CHANNEL = "This user is not in the channel"
    TOO_MANY_CHANNELS = "No more channels can be made here: {max} is the most"
    BAD_CHANNEL_NAME = "A channel name has 1-64 characters: letters, digits, emoji, hyphens and underscores"
    # webhooks
    WEBHOOK_NOT_FOUND = "Webhook not found"
    TOO_MANY_WEBHOOKS = "A channel has at most {max} webhooks"
    # slash commands
    SLASH_NOT_FOUND = "Slash command '{command}' not found"
    SLASH_TAKEN = "The slash command '{command}' is provided by {by} already"
    SLASH_NOT_ALLOWED = "Access denied: '{role}' role required"
    SLASH_NOT_HERE = "The bot behind '{command}' is not in this channel"
    SLASH_NO_ANSWER = "{command} did not answer"
    SLASH_NOT_CALLED = "There is no call of this slash command that you can answer here"
    ALREADY_BANNED = "User is banned already"
    NOT_BANNED = "User is not banned"
    # server
    NO_UPDATES = "No updates provided"
    SETTING_FIXED = "{setting} is set by {source}, so it cannot be changed here"
    SETTINGS_BROKEN = "The settings cannot be saved now: {reason}"
    BACKUP_RUNNING = "A backup is made already; wait until it is done"
    BACKUP_FAILED = "The backup failed: {reason}"
    # plugins
    PLUGIN_NOT_RELOADED = "Failed to reload plugin '{plugin}': {reason}"
    PLUGIN_NOT_FOUND = "Plugin not found"
    PLUGIN_NOT_SWITCHED = "The plugin '{plugin}' cannot be switched on or off: {reason}"
    PLUGIN_SETTINGS_NOT_CHANGED = "The settings of the plugin '{plugin}' cannot be changed: {reason}"
    PLUGIN_COMMAND_NOT_FOUND = "Plugin command not found"
    PLUGIN_FAILED = "The plugin '{plugin}' failed: {reason}"
    PLUGIN_REFUSED = "{text}"
    PLUGIN_OFF = "{problem}. Once it is mended, plugins_reload starts it again"
    # emojis and pictures
    EMOJI_NOT_FOUND = "Emoji not found"
    EMOJI_EXISTS = "Error adding emoji: another one has this name"
    TOO_MANY_EMOJIS = "No more emojis can be added here: {max} is the most"
    PICTURE_FIXED = "Profile pictures are managed by Rotur on this server"
    # values
    BAD_VALUE = "{field}: {reason}"

    @property
    def wire(self) -> str:
        return self.name.lower()


class Refused(Exception):
    """A command that is refused. Raised by handlers and stores, translated into an `error` packet at the boundary."""

    def __init__(self, code: Code, /, **fields: Any) -> None:
        self.code = code
        self.fields = fields
        super().__init__(code.value.format(**fields))

    @property
    def text(self) -> str:
        return str(self)
