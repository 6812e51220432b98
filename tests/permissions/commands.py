"""Who may use which command: one row for each command and each thing that decides about it.

This states what the server must do, and is not derived from it: a check that a handler forgets breaks a row here. The
outcomes are those of, in this order,

    hidden      a user who does not see the channels of the members: `club`, `talks`, `lounge`
    user        a member who does
    moderator   roles `moderator`, `user`, `member`: the permissions manage_messages and manage_threads
    admin       the permission administrator
    owner       the role `owner`

as `ok` or the code of the refusal. Not logged in, everybody is refused with `auth_required`, and whoever was banned is
not answered any more; what is for before login says otherwise in `nobody` and `banned`.

`$thing` in a packet stands for ben's thing in a channel of the members, `$own_thing` for the caller's own one there,
which hidden callers made when they still saw the channels.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tests.permissions.town import PUSH_KEYS
from tests.support.community import PASSWORD, user_id
from tests.support.pictures import PNG

Packet = dict[str, Any]


class Row(msgspec.Struct, frozen=True):
    """One row. outcomes: of the five who are logged in. case: what is special about it. before: what is done first:
    (who, "caller" or a name; the command; its packet)."""

    cmd: str
    packet: Packet
    outcomes: str
    case: str = ""
    before: tuple[tuple[str, str, Packet], ...] = ()
    nobody: str = "auth_required"
    banned: str = ""

    @property
    def title(self) -> str:
        return f"{self.cmd} {self.case}".strip()


EVERYBODY = "ok ok ok ok ok"
ADMINS = "permission_required permission_required permission_required ok ok"
OWNER_ONLY = "permission_required permission_required permission_required permission_required ok"
VIEWERS = "channel_not_found ok ok ok ok"
THREAD_VIEWERS = "thread_not_found ok ok ok ok"
POLL_VIEWERS = "poll_not_found ok ok ok ok"
MODERATORS = "channel_not_found not_permitted ok ok ok"
IN_CHARGE = "channel_not_found not_permitted not_permitted ok ok"
AUTHOR_ONLY = "channel_not_found not_author not_author not_author not_author"
NOT_HERE = "message_not_found message_not_found message_not_found message_not_found message_not_found"
BEFORE_LOGIN = "already_logged_in already_logged_in already_logged_in already_logged_in already_logged_in"

BEN, BAD, ANY_ID = user_id("ben"), user_id("bad"), "0190a5c0-0000-7000-8000-000000000001"
MESSAGE = {"channel": "$club", "id": "$message"}
OWN = {"channel": "$club", "id": "$own_message"}
SUBSCRIPTION = {"endpoint": "https://push.example.org/send/abc", "keys": PUSH_KEYS}
DICE = {"name": "dice", "description": "Roll"}
BOT = ("ben", "slash_register", {"commands": [DICE]})

CHANNELS = (
    Row("channels_get", {}, EVERYBODY),
    Row("channel_audience", {"channel": "club"}, ADMINS),
    Row("channel_create", {"name": "music", "type": "text"}, ADMINS),
    Row("channel_update", {"current_name": "$club", "updates": {"description": "Tea"}}, ADMINS),
    Row("channel_move", {"name": "$club", "position": 0}, ADMINS),
    Row("channel_delete", {"name": "$club"}, ADMINS),
    Row("channel_join", {"channel": "$club"}, VIEWERS),
    Row("channel_leave", {"channel": "$club"}, VIEWERS, before=(("caller", "channel_join", {"channel": "$club"}),)),
    Row("channel_members", {"channel": "$club"}, VIEWERS),
    Row("channel_topic_set", {"channel": "$club", "topic": "Tea"}, VIEWERS),
    Row("channel_topic_set", {"channel": "$club", "topic": "Tea"}, IN_CHARGE, "of a channel whose topic is locked",
        before=(("host", "channel_modes_set", {"channel": "$club", "topic_locked": True}),)),
    Row("channel_icon_upload", {"channel": "$club", "image": PNG}, ADMINS),
    Row("channel_modes_set", {"channel": "$club", "moderated": True}, IN_CHARGE),
    Row("channel_member_set", {"channel": "$club", "user": BEN, "voice": True}, IN_CHARGE),
    Row("channel_invite", {"channel": "$club", "user": BEN}, IN_CHARGE),
    Row("channel_kick", {"channel": "$club", "user": BEN}, IN_CHARGE,
        before=(("ben", "channel_join", {"channel": "$club"}),)),
)  # fmt: skip

ROLES = (
    Row("roles_list", {}, EVERYBODY),
    Row("role_create", {"name": "singer"}, ADMINS),
    Row("role_create", {"name": "singer", "permissions": ["administrator"]}, ADMINS, "with every permission"),
    Row("role_update", {"name": "helper", "color": "#00FF00"}, ADMINS),
    Row("role_update", {"name": "owner", "color": "#00FF00"}, ADMINS.replace("ok ok", "role_above ok"), "of owners"),
    Row("role_set", {"name": "helper", "data": {"color": "#00FF00"}}, ADMINS),
    Row("role_delete", {"name": "helper"}, ADMINS),
    Row("role_delete", {"name": "owner"}, ADMINS.replace("ok ok", "role_above role_protected"), "of owners"),
    Row("role_reorder", {"roles": ["helper", "gamer"]}, ADMINS),
    Row("role_permissions_set", {"name": "helper", "permissions": ["manage_messages"]}, ADMINS),
    Row("role_permissions_set", {"name": "admin", "permissions": []}, ADMINS.replace("ok ok", "role_above ok"),
        "of administrators"),
    Row("role_permissions_get", {"name": "helper"}, EVERYBODY),
    Row("self_role_add", {"role": "gamer"}, EVERYBODY),
    Row("self_role_add", {"role": "helper"}, " ".join(["not_self_assignable"] * 5), "of a role that is given"),
    Row("self_role_remove", {"role": "gamer"}, EVERYBODY, before=(("caller", "self_role_add", {"role": "gamer"}),)),
    Row("self_roles_list", {}, EVERYBODY),
    Row("user_roles_get", {"user": BEN}, EVERYBODY),
    Row("user_roles_set", {"user": BEN, "roles": ["user", "helper"]}, ADMINS),
    Row("user_roles_set", {"user": BEN, "roles": ["owner"]}, ADMINS.replace("ok ok", "role_above ok"), "to owner"),
    Row("user_roles_add", {"user": BEN, "roles": ["helper"]}, ADMINS),
    Row("user_roles_add", {"user": BEN, "roles": ["admin"]}, ADMINS.replace("ok ok", "role_above ok"), "to admin"),
    Row("user_roles_remove", {"user": BEN, "roles": ["member"]}, ADMINS),
    Row("user_roles_remove", {"user": user_id("host"), "roles": ["member"]},
        ADMINS.replace("ok ok", "member_above ok"), "from the owner"),
)  # fmt: skip

THREADS = (
    Row("thread_create", {"channel": "$talks", "name": "Coffee"}, VIEWERS),
    Row("thread_get", {"thread_id": "$thread"}, THREAD_VIEWERS),
    Row("thread_messages", {"thread_id": "$thread"}, THREAD_VIEWERS),
    Row("thread_update", {"thread_id": "$thread", "name": "Coffee"}, "thread_not_found not_permitted ok ok ok"),
    Row("thread_update", {"thread_id": "$own_thread", "archived": True}, THREAD_VIEWERS, "of an own one"),
    Row("thread_update", {"thread_id": "$own_thread", "locked": True}, "thread_not_found permission_required ok ok ok",
        "to lock an own one"),
    Row("thread_delete", {"thread_id": "$thread"}, "thread_not_found not_permitted ok ok ok"),
    Row("thread_delete", {"thread_id": "$own_thread"}, THREAD_VIEWERS, "of an own one"),
    Row("thread_join", {"thread_id": "$thread"}, THREAD_VIEWERS),
    Row("thread_leave", {"thread_id": "$thread"}, THREAD_VIEWERS),
)  # fmt: skip

MESSAGES = (
    Row("message_new", {"channel": "$club", "content": "tea"}, VIEWERS),
    Row("message_new", {"thread_id": "$thread", "content": "tea"}, THREAD_VIEWERS, "in a thread"),
    Row("message_new", {"channel": "$direct", "content": "tea"},
        "channel_not_found channel_not_found channel_not_found channel_not_found ok", "of two, one of them the owner"),
    Row("message_new", {"channel": "open", "content": "tea", "reply_to": "$message"},
        " ".join(["reply_not_found"] * 5), "in reply to one elsewhere"),
    Row("message_new", {"channel": "open", "content": "tea", "attachments": [{"id": "$attachment"}]},
        " ".join(["not_permitted"] * 5), "with the upload of another"),
    Row("message_new", {"channel": "open", "content": "tea", "attachments": [{"id": "$own_attachment"}]}, EVERYBODY,
        "with an own upload"),
    Row("message_edit", {**MESSAGE, "content": "tea!"}, AUTHOR_ONLY),
    Row("message_edit", {**OWN, "content": "tea!"}, VIEWERS, "of an own one"),
    Row("message_edit", {"thread_id": "$own_thread", "id": "$own_thread_message", "content": "tea!"}, THREAD_VIEWERS,
        "of an own one in a thread"),
    Row("message_edit", {"channel": "open", "id": "$own_message", "content": "tea!"}, NOT_HERE, "by another channel"),
    Row("message_delete", MESSAGE, MODERATORS),
    Row("message_delete", OWN, VIEWERS, "of an own one"),
    Row("message_delete", {"channel": "$talks", "id": "$thread_message"}, MODERATORS, "in a thread, by its forum"),
    Row("message_delete", {"channel": "open", "id": "$message"}, NOT_HERE, "by another channel"),
    Row("message_pin", MESSAGE, MODERATORS),
    Row("message_pin", {"channel": "open", "id": "$message"},
        "not_permitted not_permitted message_not_found message_not_found message_not_found", "by another channel"),
    Row("message_unpin", MESSAGE, MODERATORS),
    Row("message_react_add", {**MESSAGE, "emoji": "🎉"}, VIEWERS),
    Row("message_react_add", {"channel": "open", "id": "$message", "emoji": "🎉"}, NOT_HERE, "by another channel"),
    Row("message_react_remove", {**MESSAGE, "emoji": "👍"}, VIEWERS),
    Row("message_react_remove", {"channel": "open", "id": "$message", "emoji": "👍"}, NOT_HERE, "by another channel"),
    Row("typing", {"channel": "$club"}, VIEWERS),
    Row("typing", {"thread_id": "$thread"}, THREAD_VIEWERS, "in a thread"),
    Row("messages_get", {"channel": "$club"}, VIEWERS),
    Row("messages_get", {"thread_id": "$thread"}, THREAD_VIEWERS, "of a thread"),
    Row("messages_get", {"channel": "$direct"},
        "channel_not_found channel_not_found channel_not_found channel_not_found ok", "of two, one of them the owner"),
    Row("messages_around", {"channel": "$club", "around": "$message"}, VIEWERS),
    Row("messages_around", {"channel": "open", "around": "$message"}, NOT_HERE, "by another channel"),
    Row("message_get", MESSAGE, VIEWERS),
    Row("message_get", {"channel": "open", "id": "$message"}, NOT_HERE, "by another channel"),
    Row("message_replies", MESSAGE, VIEWERS),
    Row("messages_search", {"channel": "$club", "query": "tea"}, VIEWERS),
    Row("messages_search", {"thread_id": "$thread", "query": "tea"}, THREAD_VIEWERS, "in a thread"),
    Row("messages_pinned", {"channel": "$club"}, VIEWERS),
    Row("pings_get", {}, EVERYBODY),
    Row("embeds_list", {"channel": "$club", "id": "$poll"}, VIEWERS),
    Row("embeds_list", {"channel": "open", "id": "$poll"}, NOT_HERE, "by another channel"),
    Row("unreads_ack", {"channel": "$club", "message_id": "$message"}, VIEWERS),
    Row("unreads_mark", {"channel": "$club", "message_id": "$message"}, VIEWERS),
    Row("unreads_get", {}, EVERYBODY),
    Row("unreads_count", {"channel": "$club"}, VIEWERS),
    Row("unreads_count", {"thread_id": "$thread"}, THREAD_VIEWERS, "of a thread"),
    Row("attachment_get", {"attachment_id": "$attachment"}, EVERYBODY),
    Row("attachment_delete", {"attachment_id": "$attachment"}, "not_permitted not_permitted ok ok ok"),
    Row("attachment_delete", {"attachment_id": "$own_attachment"}, EVERYBODY, "of an own one"),
)  # fmt: skip

POLLS = (
    Row("poll_create", {"channel": "$club", "question": "Tea?", "options": ["yes", "no"]}, VIEWERS),
    Row("poll_create", {"thread_id": "$thread", "question": "Tea?", "options": ["yes", "no"]}, THREAD_VIEWERS,
        "in a thread"),
    Row("poll_vote", {"message_id": "$poll", "option_ids": ["0"]}, POLL_VIEWERS),
    Row("poll_end", {"message_id": "$poll"}, "poll_not_found not_permitted ok ok ok"),
    Row("poll_end", {"message_id": "$own_poll"}, POLL_VIEWERS, "of an own one"),
    Row("poll_results", {"poll_id": "$poll_id"}, POLL_VIEWERS),
    Row("poll_get", {"poll_id": "$poll_id"}, POLL_VIEWERS),
)  # fmt: skip

USERS = (
    Row("users_list", {}, EVERYBODY),
    Row("users_online", {}, EVERYBODY),
    Row("users_banned_list", {}, ADMINS),
    Row("status_set", {"status": "dnd"}, EVERYBODY),
    Row("status_get", {"user": BEN}, EVERYBODY),
    Row("nickname_update", {"nickname": "Ally"}, EVERYBODY),
    Row("nickname_remove", {}, EVERYBODY),
    Row("pfp_set", {"url": "https://example.org/me.png"}, EVERYBODY),
    Row("pfp_upload", {"image": PNG}, EVERYBODY),
    Row("pfp_get", {"username": BEN}, EVERYBODY),
    Row("password_change", {"old_password": PASSWORD, "new_password": "battery staple"}, EVERYBODY),
    Row("password_reset", {"user": BEN}, OWNER_ONLY),
    Row("password_reset", {"user": user_id("host")}, OWNER_ONLY.replace("ok", "not_yourself"), "of the owner"),
    Row("user_update", {"user": BEN, "updates": {"nickname": "Benny"}}, ADMINS),
    Row("user_update", {"user": user_id("host"), "updates": {"nickname": "Boss"}},
        ADMINS.replace("ok ok", "member_above ok"), "of the owner"),
    Row("user_leave", {}, "ok ok ok ok last_owner"),
    Row("user_delete", {"user": BEN}, ADMINS),
    Row("user_delete", {"user": user_id("host")}, ADMINS.replace("ok ok", "member_above not_yourself"), "of the owner"),
    Row("user_ban", {"user": BEN}, ADMINS),
    Row("user_ban", {"user": user_id("host")}, ADMINS.replace("ok ok", "member_above not_yourself"), "of the owner"),
    Row("user_unban", {"user": BAD}, ADMINS),
    Row("user_timeout", {"user": BEN, "timeout": 60}, ADMINS),
    Row("user_timeout", {"user": user_id("host"), "timeout": 60}, ADMINS.replace("ok ok", "member_above not_yourself"),
        "of the owner"),
    Row("user_export", {}, EVERYBODY),
    Row("user_export", {"user": BEN}, ADMINS, "of another"),
    Row("user_export", {"user": user_id("host")}, ADMINS.replace("ok ok", "member_above ok"), "of the owner"),
    Row("user_block", {"user": BEN}, EVERYBODY),
    Row("user_unblock", {"user": BEN}, EVERYBODY),
    Row("users_blocked_list", {}, EVERYBODY),
    Row("direct_open", {"user": BEN}, EVERYBODY),
    Row("direct_message", {"user": BEN, "content": "tea"}, EVERYBODY),
    Row("direct_message", {"user": BEN, "content": "tea"}, "blocked blocked blocked blocked blocked",
        "to somebody whom the caller has blocked", before=(("caller", "user_block", {"user": BEN}),)),
    Row("directs_list", {}, EVERYBODY),
    Row("username_update", {"username": "wanderer"}, " ".join(["name_fixed"] * 5)),
    Row("access_token_create", {"username": "visitor"}, OWNER_ONLY),
    Row("claim_owner", {"code": "K7QF-2M9X"}, " ".join(["wrong_claim"] * 5), "while there is an owner"),
)  # fmt: skip

INVITES = (
    Row("invite_create", {}, EVERYBODY),
    Row("invite_create", {"roles": ["helper"]}, ADMINS, "that gives a role"),
    Row("invite_create", {"roles": ["admin"]}, ADMINS.replace("ok ok", "role_above role_above"), "to be admin"),
    Row("invites_list", {}, EVERYBODY),
    Row("invite_delete", {"code": "$own_invite"}, EVERYBODY, "of an own one"),
    Row("invite_delete", {"code": "$invite"}, "invite_not_found invite_not_found invite_not_found ok ok"),
)

SESSIONS = (
    Row("auth", {"validator": "nobody,00"}, BEFORE_LOGIN, nobody="rotur_unavailable", banned="rotur_unavailable"),
    Row("login", {"username": "bea", "password": PASSWORD}, BEFORE_LOGIN, nobody="ok", banned="banned"),
    Row("register", {"username": "dora", "password": PASSWORD}, BEFORE_LOGIN, nobody="ok", banned="ok"),
    Row("register", {"username": "bea", "password": PASSWORD}, BEFORE_LOGIN, "under a name that is taken",
        nobody="name_taken", banned="name_taken"),
    Row("guest_login", {"username": "visitor"}, BEFORE_LOGIN, nobody="ok", banned="ok"),
    Row("access_token_end", {"token": "unknown"}, BEFORE_LOGIN, nobody="ok", banned="ok"),
    Row("guest_login", {"username": "bea"}, BEFORE_LOGIN, "under a name that is taken",
        nobody="name_taken", banned="name_taken"),
    Row("ping", {}, EVERYBODY),
    Row("resume", {"session": "x" * 43, "after": 0}, EVERYBODY),
    Row("sessions_list", {}, EVERYBODY),
    Row("session_end", {"id": "$own_session"}, EVERYBODY),
    Row("session_end", {"id": "$session"}, " ".join(["session_not_found"] * 5), "of another"),
)  # fmt: skip

SERVER = (
    Row("server_info", {}, EVERYBODY),
    Row("server_update", {"name": "The Lab"}, ADMINS),
    Row("server_status", {}, ADMINS),
    Row("settings_get", {}, ADMINS),
    Row("settings_update", {"changes": {"registration": "invite"}}, ADMINS),
    Row("settings_update", {"changes": {"registration": "invite"}, "dry_run": True}, ADMINS, "as a draft"),
    Row("settings_update", {"changes": {"modlog.enabled": False}}, ADMINS.replace("ok ok", "permission_required ok"),
        "of what is for owners"),
    Row("settings_update", {"changes": {"websocket.host": "0.0.0.0"}},
        ADMINS.replace("ok ok", "setting_fixed setting_fixed"), "of what is for the host"),
    Row("backups_list", {}, ADMINS),
    Row("backup_create", {}, ADMINS),
    Row("rate_limit_status", {}, EVERYBODY),
    Row("rate_limit_status", {"user": BEN}, ADMINS, "of another"),
    Row("rate_limit_reset", {"user": BEN}, ADMINS),
    Row("modlog_get", {}, ADMINS.replace("permission", "audit_permission")),
    Row("modlog_summary", {}, ADMINS.replace("permission", "audit_permission")),
    Row("emoji_add", {"name": "hooray", "image": PNG}, ADMINS),
    Row("emoji_update", {"emoji_id": "$emoji", "name": "hooray"}, ADMINS),
    Row("emoji_delete", {"emoji_id": "$emoji"}, ADMINS),
    Row("emoji_get_all", {}, EVERYBODY),
    Row("emoji_get_id", {"name": "party"}, EVERYBODY),
    Row("emoji_get_filename", {"name": "party"}, EVERYBODY),
    Row("webhook_create", {"channel": "$club", "name": "deploys"}, ADMINS),
    Row("webhook_get", {"id": "$webhook"}, ADMINS),
    Row("webhook_list", {"channel": "$club"}, ADMINS),
    Row("webhook_update", {"id": "$webhook", "name": "deploys"}, ADMINS),
    Row("webhook_delete", {"id": "$webhook"}, ADMINS),
    Row("webhook_regenerate", {"id": "$webhook"}, ADMINS),
    Row("push_get_vapid", {}, EVERYBODY),
    Row("push_subscribe", {"subscription": SUBSCRIPTION}, EVERYBODY),
    Row("push_unsubscribe", {"endpoint": SUBSCRIPTION["endpoint"]}, EVERYBODY),
    Row("plugins_list", {}, ADMINS),
    Row("plugins_reload", {}, ADMINS),
    Row("plugin_set_enabled", {"plugin": "guild", "enabled": False}, ADMINS),
    Row("plugin_settings_get", {"plugin": "guild"}, ADMINS),
    Row("plugin_settings_update", {"plugin": "guild", "changes": {"greeting": "hi"}}, ADMINS),
    Row("plugin_call", {"plugin": "guild", "command": "hello"}, EVERYBODY),
    Row("plugin_call", {"plugin": "guild", "command": "order"},
        "not_permitted not_permitted ok not_permitted ok", "of a command for moderators"),
)  # fmt: skip

SLASH = (
    Row("slash_list", {}, EVERYBODY),
    Row("slash_register", {"commands": [DICE]}, EVERYBODY),
    Row("slash_call", {"channel": "$club", "command": "dice"}, VIEWERS, before=(BOT,)),
    Row("slash_call", {"channel": "$club", "command": "ban", "args": {"username": BEN}},
        "channel_not_found permission_required permission_required ok ok", "of the built-in ban"),
    Row("slash_call", {"channel": "open", "command": "dice"},
        "slash_not_allowed slash_not_allowed ok slash_not_allowed slash_not_allowed", "of one for moderators",
        before=(("ben", "slash_register", {"commands": [{**DICE, "whitelistRoles": ["moderator"]}]}),)),
    Row("slash_response", {"channel": "$club", "command": "dice", "response": "5"}, VIEWERS,
        before=(("caller", "slash_register", {"commands": [DICE]}),
                ("ben", "slash_call", {"channel": "club", "command": "dice"}))),
    Row("slash_response", {"channel": "open", "command": "dice", "response": "5"},
        " ".join(["slash_not_called"] * 5), "to a call of another's command",
        before=(BOT, ("host", "slash_call", {"channel": "open", "command": "dice"}))),
)  # fmt: skip

JOIN = ("caller", "voice_join", {"channel": "lounge", "peer_id": "peer"})
OTHER = ("ben", "voice_join", {"channel": "lounge", "peer_id": "other"})
IN_VOICE = "not_in_voice ok ok ok ok"
VOICE = (
    Row("voice_join", {"channel": "$lounge", "peer_id": "peer"}, VIEWERS),
    Row("voice_leave", {}, IN_VOICE, before=(JOIN,)),
    Row("voice_mute", {}, IN_VOICE, before=(JOIN,)),
    Row("voice_unmute", {}, IN_VOICE, before=(JOIN, ("caller", "voice_mute", {}))),
    Row("voice_signal", {"peer_id": "other", "data": "offer"}, IN_VOICE, before=(JOIN, OTHER)),
    Row("voice_state", {"channel": "$lounge"}, VIEWERS),
)

ROWS = (*CHANNELS, *ROLES, *THREADS, *MESSAGES, *POLLS, *USERS, *INVITES, *SESSIONS, *SERVER, *SLASH, *VOICE)
