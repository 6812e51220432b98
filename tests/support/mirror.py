"""What a client knows: the state that a careful client builds from the packets it gets, and nothing else.

The property that matters for real-time sync: the state built from events equals the state fetched afresh.
"""

from __future__ import annotations

import copy
from typing import Any

from tests.support.client import ChatClient, Packet

MOMENTARY = ("last_message", "last_message_id", "voice_state", "threads")
PAGE = 200


class Mirror:
    """Feed it every packet in order. `missing` names places that came into sight and have to be fetched."""

    def __init__(self) -> None:
        self.channels: list[dict[str, Any]] = []
        self.threads: dict[str, dict[str, Any]] = {}
        self.roles: dict[str, Any] = {}
        self.users: dict[str, dict[str, Any]] = {}
        self.emojis: dict[str, dict[str, str]] = {}
        self.messages: dict[str, dict[str, dict[str, Any]]] = {}
        """By place: the name of a text channel, or `thread/<id>`."""
        self.slash: dict[str, dict[str, Any]] = {}
        """Slash commands of bots by name. Of the moment, and so no part of `state`."""
        self.voice: dict[str, list[dict[str, Any]]] = {}
        """By name of a voice channel: who is in it. True from the list of channels on, until a connection is lost."""
        self.knows_voice = False

    def state(self) -> dict[str, Any]:
        return copy.deepcopy(
            {
                "channels": self.channels,
                "threads": self.threads,
                "roles": self.roles,
                "users": self.users,
                "emojis": self.emojis,
                "messages": self.messages,
            }
        )

    def voices(self) -> dict[str, dict[str, bool]]:
        """By name of a voice channel: username -> whether it is muted. Only true while `knows_voice`."""
        return {name: {each["username"]: each["muted"] for each in there} for name, there in self.voice.items()}

    def connection_lost(self) -> None:
        """Voice is of the moment: what happens there meanwhile is not told later."""
        self.knows_voice = False

    def places(self) -> set[str]:
        """Where messages can be, as far as is known."""
        texts = {channel["name"] for channel in self.channels if channel["type"] == "text"}
        return texts | {f"thread/{id}" for id in self.threads}

    @property
    def missing(self) -> set[str]:
        return self.places() - self.messages.keys()

    def apply(self, packet: Packet) -> None:
        handler = getattr(self, f"_on_{packet['cmd']}", None)
        if handler is not None:
            handler(packet)

    # ------------------------------------------------------------- lists

    def _on_channels_get(self, packet: Packet) -> None:
        self.channels = [
            {key: value for key, value in channel.items() if key not in MOMENTARY} for channel in packet["val"]
        ]
        threads = [thread for channel in packet["val"] for thread in channel.get("threads", ())]
        self.threads = {thread["id"]: _thread(thread) for thread in threads}
        self.voice = {
            each["name"]: copy.deepcopy(each["voice_state"]) for each in packet["val"] if "voice_state" in each
        }
        self.knows_voice = True
        for place in self.messages.keys() - self.places():
            del self.messages[place]

    def _on_roles_list(self, packet: Packet) -> None:
        self.roles = packet["roles"]

    def _on_users_list(self, packet: Packet) -> None:
        self.users = {user["username"]: _user(user) for user in packet["users"]}

    def _on_user_join(self, packet: Packet) -> None:
        self.users[packet["user"]["username"]] = _user(packet["user"])

    def _on_user_leave(self, packet: Packet) -> None:
        self.users.pop(packet.get("username") or packet["user"], None)

    def _on_user_roles_get(self, packet: Packet) -> None:
        if packet["user"] in self.users:
            self.users[packet["user"]]["roles"] = packet["roles"]

    def _on_user_update(self, packet: Packet) -> None:
        if packet["user"] in self.users and "nickname" in packet:
            self.users[packet["user"]]["nickname"] = packet["nickname"]

    def _on_nickname_update(self, packet: Packet) -> None:
        if packet["username"] in self.users:
            self.users[packet["username"]]["nickname"] = packet.get("nickname")

    _on_nickname_remove = _on_nickname_update

    def _on_pfp_set(self, packet: Packet) -> None:
        if packet["username"] in self.users:
            self.users[packet["username"]]["pfp"] = packet["val"]

    # ------------------------------------------------------------- emojis

    def _on_emoji_get_all(self, packet: Packet) -> None:
        self.emojis = packet["emojis"]

    def _on_emoji_add(self, packet: Packet) -> None:
        self.emojis[packet["id"]] = {"name": packet["name"], "fileName": packet["fileName"]}

    _on_emoji_update = _on_emoji_add

    def _on_emoji_delete(self, packet: Packet) -> None:
        self.emojis.pop(packet["id"], None)

    def _on_slash_list(self, packet: Packet) -> None:
        self.slash = {each["name"]: each for each in packet["commands"] if each["registeredBy"] != "originChats"}

    def _on_slash_add(self, packet: Packet) -> None:
        self.slash |= {each["name"]: each for each in packet["commands"]}

    def _on_slash_remove(self, packet: Packet) -> None:
        for name in packet["commands"]:
            self.slash.pop(name, None)

    # ------------------------------------------------------------- threads

    def _on_thread_create(self, packet: Packet) -> None:
        if any(channel["name"] == packet["channel"] for channel in self.channels):
            self.threads[packet["thread"]["id"]] = _thread(packet["thread"])
            self.messages.setdefault(f"thread/{packet['thread']['id']}", {})

    def _on_thread_update(self, packet: Packet) -> None:
        if packet["thread"]["id"] in self.threads:
            self.threads[packet["thread"]["id"]] = _thread(packet["thread"])

    _on_thread_join = _on_thread_update
    _on_thread_leave = _on_thread_update

    def _on_thread_delete(self, packet: Packet) -> None:
        self.threads.pop(packet["thread_id"], None)
        self.messages.pop(f"thread/{packet['thread_id']}", None)

    # ------------------------------------------------------------- messages

    def _place(self, packet: Packet) -> dict[str, dict[str, Any]]:
        """The messages of the packet's place; of a place that was not fetched yet, a scratch copy."""
        thread_id = packet.get("thread_id")
        return self.messages.get(f"thread/{thread_id}" if thread_id else packet["channel"], {})

    def _on_messages_get(self, packet: Packet) -> None:
        thread_id = packet.get("thread_id")
        place = f"thread/{thread_id}" if thread_id else packet["channel"]
        page = {message["id"]: _message(message) for message in packet["messages"]}
        older = isinstance(packet["range"]["start"], str)
        self.messages[place] = {**page, **self.messages[place]} if older else page

    def _on_message_new(self, packet: Packet) -> None:
        if "seq" not in packet:
            return  # the answer to a second try with the same nonce; the event is, or was, another packet
        place = self._place(packet)
        assert packet["message"]["id"] not in place, f"a message came twice: {packet}"
        place[packet["message"]["id"]] = _message(packet["message"])

    def _on_message_edit(self, packet: Packet) -> None:
        message = self._place(packet).get(packet["id"])
        if message is not None:
            message["content"] = packet["content"]
            message["edited"] = True

    def _on_message_delete(self, packet: Packet) -> None:
        self._place(packet).pop(packet["id"], None)

    def _on_message_pin(self, packet: Packet) -> None:
        message = self._place(packet).get(packet["id"])
        if message is not None:
            message["pinned"] = packet["pinned"]

    _on_message_unpin = _on_message_pin

    def _on_message_react_add(self, packet: Packet) -> None:
        message = self._place(packet).get(packet["id"])
        if message is not None:
            message["reactions"].setdefault(packet["emoji"], []).append(packet["from"])

    def _on_message_react_remove(self, packet: Packet) -> None:
        message = self._place(packet).get(packet["id"])
        if message is not None:
            message["reactions"][packet["emoji"]].remove(packet["from"])
            if not message["reactions"][packet["emoji"]]:
                del message["reactions"][packet["emoji"]]

    # ------------------------------------------------------------- polls

    def _poll(self, packet: Packet) -> dict[str, Any]:
        """The poll in the message that a packet tells of; a scratch copy where that is not known."""
        for messages in self.messages.values():
            for embed in messages.get(packet["message_id"], {}).get("embeds", ()):
                if embed.get("type") == "poll":
                    poll: dict[str, Any] = embed["poll"]
                    return poll
        return {}

    def _on_poll_vote(self, packet: Packet) -> None:
        self._poll(packet)["user_votes"] = packet["option_ids"]

    def _on_poll_vote_update(self, packet: Packet) -> None:
        told = packet["results"]
        self._poll(packet).update({key: told[key] for key in ("results", "total_votes", "ended", "ended_at")})

    _on_poll_end = _on_poll_vote_update

    # ------------------------------------------------------------- voice

    def _on_voice_user_joined(self, packet: Packet) -> None:
        kept = {key: packet["user"][key] for key in ("username", "muted", "pfp") if key in packet["user"]}
        there = self.voice.setdefault(packet["channel"], [])
        there[:] = [each for each in there if each["username"] != kept["username"]] + [kept]

    def _on_voice_user_updated(self, packet: Packet) -> None:
        for each in self.voice.get(packet["channel"], []):
            if each["username"] == packet["user"]["username"]:
                each["muted"] = packet["user"]["muted"]

    def _on_voice_user_left(self, packet: Packet) -> None:
        there = self.voice.get(packet["channel"], [])
        there[:] = [each for each in there if each["username"] != packet["username"]]


def _thread(thread: Packet) -> dict[str, Any]:
    return {key: value for key, value in thread.items() if key not in MOMENTARY}


def _user(user: Packet) -> dict[str, Any]:
    return {"roles": user["roles"], "nickname": user.get("nickname"), "pfp": user.get("pfp")}


def _message(message: Packet) -> dict[str, Any]:
    kept = copy.deepcopy({k: value for k, value in message.items() if k not in ("pings", "edited", "reactions")})
    reactions = copy.deepcopy(message.get("reactions", {}))
    return {**kept, "edited": bool(message.get("edited")), "reactions": reactions}


async def ask_for_missing(client: ChatClient, mirror: Mirror) -> list[Packet]:
    """Ask for the whole history of every place that came into sight; the answers have yet to be applied."""
    replies = []
    for place in sorted(mirror.missing):
        reply = await client.request("messages_get", limit=PAGE, **_where(place))
        replies.append(reply)
        while len(reply["messages"]) == PAGE:
            oldest = reply["messages"][0]["id"]
            reply = await client.request("messages_get", limit=PAGE, start=oldest, **_where(place))
            replies.append(reply)
    return replies


async def fetch(client: ChatClient) -> Mirror:
    """Everything the client may see, asked for now."""
    mirror = Mirror()
    for cmd in ("channels_get", "roles_list", "users_list", "emoji_get_all"):
        mirror.apply(await client.request(cmd))
    for page in await ask_for_missing(client, mirror):
        mirror.apply(page)
    return mirror


def _where(place: str) -> dict[str, str]:
    thread = place.removeprefix("thread/")
    return {"channel": place} if thread == place else {"thread_id": thread}


def differences(built: dict[str, Any], fetched: dict[str, Any], path: str = "") -> list[str]:
    """Where two states differ, one line a place."""
    if isinstance(built, dict) and isinstance(fetched, dict):
        return [
            line
            for key in sorted(built.keys() | fetched.keys(), key=str)
            for line in differences(built.get(key, "(nothing)"), fetched.get(key, "(nothing)"), f"{path}/{key}")
        ]
    return [] if built == fetched else [f"{path}: from events {built!r}, fetched {fetched!r}"]
