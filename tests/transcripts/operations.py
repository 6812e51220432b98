"""Everything that people do in the stories of the state property."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.support.client import DEADLINE_S, ChatClient
from tests.support.community import edit_with_care, load, user_id
from tests.support.pictures import PNG
from tests.transcripts.community_driver import Member, rules
from tests.transcripts.more_operations import MoreOperations

VIEWS = (["user"], ["moderator"], ["vip"], ["!vip", "user"], ["moderator", "vip"], ["owner"])
ROLE_SETS = (["user"], ["user", "vip"], ["vip", "user"], ["moderator", "user"], ["vip"], ["user", "odd"])
EMOJI = ("👍", "🎉")


class Community(MoreOperations):
    """Each operation takes three numbers, which choose who does it, to what, and how."""

    # ------------------------------------------------------------- messages

    async def say(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text")
        if channel is not None:
            name, mark = channel
            await self._post(a, {"channel": name}, mark, c)

    async def say_in_thread(self, a: int, b: int, c: int) -> None:
        if self.threads:
            thread_id, mark = self.threads[b % len(self.threads)]
            await self._post(a, {"thread_id": thread_id}, mark, c)

    async def _post(self, a: int, where: dict[str, str], mark: int, c: int) -> None:
        answered = [m["id"] for m in self.messages if c % 3 == 0 and where.items() <= m.items()][-1:]
        extra = {"reply_to": answered[0]} if answered else {}
        content = f"zq{mark}q {c} @{user_id('ann')}"
        author = self._who(a)
        reply = await self._ask(author.here, "message_new", content=content, **where, **extra)
        if reply is not None:
            self.messages.append({"id": reply["message"]["id"], "mark": mark, "author": author.name, **where})

    # the owner takes no part in what follows, so that the list of channels it sees has no direct ones

    async def say_direct(self, a: int, b: int, c: int) -> None:
        author, other = self._pair(a, b)
        mark = self.directs.setdefault(frozenset({author.name, other.name}), self.marks)
        self.marks = max(self.marks, mark + 1)
        content = f"zq{mark}q {c} @{user_id('ann')}"
        reply = await self._ask(author.here, "direct_message", user=user_id(other.name), content=content)
        if reply is not None:
            where = {"channel": reply["channel"]}
            self.messages.append({"id": reply["message"]["id"], "mark": mark, "author": author.name, **where})

    async def block(self, a: int, b: int, c: int) -> None:
        who, other = self._pair(a, b)
        await self._ask(who.here, ("user_unblock", "user_block")[c % 2], user=user_id(other.name))

    def _pair(self, a: int, b: int) -> tuple[Member, Member]:
        people = [member for member in self.members.values() if member.name != "host"]
        one = people.pop(a % len(people))
        return one, people[b % len(people)]

    async def _on_message(self, cmd: str, a: int, b: int, **fields: Any) -> None:
        """Do it to one of the newer messages, half of the time as its author."""
        if self.messages:
            message = dict(self.messages[-1 - b % min(len(self.messages), 10)])
            mark, author = message.pop("mark"), self.members[message.pop("author")]
            if "content" in fields:
                fields["content"] = f"zq{mark}q {fields['content']}"
            actor = author if a % 2 else self._who(a // 2)
            if await self._ask(actor.here, cmd, **message, **fields) is not None and cmd == "message_react_add":
                self.reactions.append((actor, {**message, **fields}))

    async def edit(self, a: int, b: int, c: int) -> None:
        await self._on_message("message_edit", a, b, content=f"edited {c}")

    async def delete(self, a: int, b: int, c: int) -> None:
        await self._on_message("message_delete", a, b)

    async def react(self, a: int, b: int, c: int) -> None:
        await self._on_message("message_react_add", a, b, emoji=EMOJI[c % len(EMOJI)])

    async def unreact(self, a: int, b: int, c: int) -> None:
        if self.reactions:
            actor, fields = self.reactions[-1 - b % min(len(self.reactions), 4)]
            await self._ask((actor if a % 4 else self._who(a // 4)).here, "message_react_remove", **fields)

    async def pin(self, a: int, b: int, c: int) -> None:
        await self._on_message("message_pin", c % 2, b, pinned=c % 3 != 0)

    # ------------------------------------------------------------- polls

    async def poll(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text")
        if channel is not None:
            name, mark = channel
            author = self._who(a)
            fields = {"options": ["yes", "no", "maybe"], "allow_multiselect": c % 2 == 0}
            reply = await self._ask(author.here, "poll_create", channel=name, question=f"zq{mark}q {c}?", **fields)
            if reply is not None:
                self.polls.append(reply["message_id"])
                where = {"id": reply["message_id"], "channel": name}
                self.messages.append({**where, "mark": mark, "author": author.name})

    async def vote(self, a: int, b: int, c: int) -> None:
        if self.polls:
            chosen = [str(option) for option in range(3) if c >> option & 1]
            await self._ask(
                self._who(a).here,
                "poll_vote",
                message_id=self.polls[-1 - b % min(len(self.polls), 3)],
                option_ids=chosen,
            )

    async def poll_end(self, a: int, b: int, c: int) -> None:
        if self.polls:
            await self._ask(self._who(a).here, "poll_end", message_id=self.polls[b % len(self.polls)])

    # ------------------------------------------------------------- threads

    async def thread_create(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "forum")
        if channel is not None:
            reply = await self._ask(self._who(a).here, "thread_create", channel=channel[0], name=f"zq{channel[1]}q {c}")
            if reply is not None:
                self.threads.append((reply["thread"]["id"], channel[1]))

    async def _on_thread(self, cmd: str, a: int, b: int, **fields: Any) -> None:
        if self.threads:
            await self._ask(self._who(a).here, cmd, thread_id=self.threads[b % len(self.threads)][0], **fields)

    async def thread_rename(self, a: int, b: int, c: int) -> None:
        mark = self.threads[b % len(self.threads)][1] if self.threads else 0
        await self._on_thread("thread_update", a, b, name=f"zq{mark}q renamed {c}")

    async def thread_lock(self, a: int, b: int, c: int) -> None:
        await self._on_thread("thread_update", a, b, **{("locked", "archived")[c % 2]: c % 3 == 0})

    async def thread_join(self, a: int, b: int, c: int) -> None:
        await self._on_thread("thread_join", a, b)

    async def thread_leave(self, a: int, b: int, c: int) -> None:
        await self._on_thread("thread_leave", a, b)

    async def thread_delete(self, a: int, b: int, c: int) -> None:
        await self._on_thread("thread_delete", a, b)

    # ------------------------------------------------------------- what the owner does

    async def channel_create(self, a: int, b: int, c: int) -> None:
        name = f"zq{self.marks}q"
        self.marks += 1
        kind = ("text", "forum")[b % 2]
        view = VIEWS[c % len(VIEWS)]
        await self._ask(self.member("host"), "channel_create", name=name, type=kind, permissions=rules(view))

    async def channel_rename(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text", "forum")
        if channel is not None:
            name, mark = channel
            updates = {"name": f"zq{mark}q-{c % 3}"}
            if await self._ask(self.member("host"), "channel_update", current_name=name, updates=updates) is not None:
                for message in self.messages:
                    if message.get("channel") == name:
                        message["channel"] = updates["name"]

    async def channel_rights(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text", "forum")
        if channel is not None:
            updates = {"permissions": rules(VIEWS[c % len(VIEWS)])}
            await self._ask(self.member("host"), "channel_update", current_name=channel[0], updates=updates)

    async def channel_move(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text", "forum")
        if channel is not None:
            await self._ask(self.member("host"), "channel_move", name=channel[0], position=c % 4)

    async def channel_delete(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text", "forum")
        if channel is not None:
            await self._ask(self.member("host"), "channel_delete", name=channel[0])

    # ------------------------------------------------------------- members of channels

    async def modes(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text", "forum")
        if channel is not None:
            modes = {("secret", "invite_only", "moderated")[a % 3]: c % 3 != 0}
            await self._ask(self.member("host"), "channel_modes_set", channel=channel[0], **modes)

    async def join(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text", "forum")
        if channel is not None:
            await self._ask(self._who(a).here, "channel_join", channel=channel[0])

    async def leave(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text", "forum")
        if channel is not None:
            await self._ask(self._who(a).here, "channel_leave", channel=channel[0])

    async def kick(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text", "forum")
        if channel is not None:
            user = user_id(self._who(c).name)
            await self._ask(self._who(a).here, "channel_kick", channel=channel[0], user=user)

    async def operator(self, a: int, b: int, c: int) -> None:
        channel = await self._channel(b, "text", "forum")
        if channel is not None:
            fields = {"channel": channel[0], "user": user_id(self._who(c).name), "operator": c % 2 == 0}
            await self._ask((self._who(a) if a % 2 else self.members["host"]).here, "channel_member_set", **fields)

    # ------------------------------------------------------------- roles and members of the community

    async def role_color(self, a: int, b: int, c: int) -> None:
        name = ("vip", "user", "moderator")[b % 3]
        await self._ask(self.member("host"), "role_update", name=name, color=f"#{c % 1000:06d}")

    async def role_power(self, a: int, b: int, c: int) -> None:
        granted = [[], ["administrator"], ["manage_messages"]][c % 3]
        await self._ask(self.member("host"), "role_permissions_set", name="odd", permissions=granted)

    async def role_delete_and_create(self, a: int, b: int, c: int) -> None:
        await self._ask(self.member("host"), "role_delete", name="odd")
        await self._ask(self.member("host"), "role_create", name="odd")

    async def set_roles(self, a: int, b: int, c: int) -> None:
        name = ("mod", "ann", "ben", "cleo")[b % 4]
        roles = ROLE_SETS[c % len(ROLE_SETS)]
        await self._ask(self.member("host"), "user_roles_set", user=user_id(name), roles=roles)

    async def nickname(self, a: int, b: int, c: int) -> None:
        nickname = None if c % 4 == 0 else f"nick {c}"
        user = user_id(self._who(b).name)
        await self._ask(self.member("host"), "user_update", user=user, updates={"nickname": nickname})

    async def picture(self, a: int, b: int, c: int) -> None:
        await self._ask(self._who(a).here, "pfp_set", url=f"https://example.org/{c}.png" if c % 4 else "")

    async def emoji(self, a: int, b: int, c: int) -> None:
        host = self.member("host")
        ids = sorted((await host.request("emoji_get_all"))["emojis"], key=int)
        if not ids or c % 3 == 0:
            await self._ask(host, "emoji_add", name=f"emoji_{b % 4}", image=PNG)
        elif c % 3 == 1:
            await self._ask(host, "emoji_update", emoji_id=ids[b % len(ids)], name=f"emoji_{c % 4}")
        else:
            await self._ask(host, "emoji_delete", emoji_id=ids[b % len(ids)])

    async def ban(self, a: int, b: int, c: int) -> None:
        name = ("ann", "ben", "cleo")[b % 3]
        if await self._ask(self.member("host"), "user_ban", user=user_id(name)) is not None:
            self.banned.add(name)
            member = self.members[name]
            member.lost_session = True
            if member.client is not None:
                await member.client.closed()
                member.away()

    async def unban(self, a: int, b: int, c: int) -> None:
        for name in sorted(self.banned):
            await self._ask(self.member("host"), "user_unban", user=user_id(name))
        self.banned.clear()

    # ------------------------------------------------------------- what the host does with an editor

    def _edit(self, a: int, b: int, c: int) -> tuple[str, str]:
        """Change one record of one file; (command, text) by which the owner sees that it has taken effect."""
        text = f"by hand {len(self.history)}"
        if a % 3 == 0 and load(self.server.data_dir / "channels.json"):
            path, name = self.server.data_dir / "channels.json", "channels_get"
            edit_with_care(path, lambda channels: channels[b % len(channels)].update(description=text))
        elif a % 3 == 1:
            path, name = self.server.data_dir / "roles.json", "roles_list"
            edit_with_care(path, lambda roles: roles["vip"].update(description=text))
        else:
            path, name = self.server.data_dir / "users.json", "users_list"
            change = {"nickname": text, "roles": ROLE_SETS[c % len(ROLE_SETS)], "banned": False}
            edit_with_care(path, lambda users: users[user_id(("mod", "ann")[b % 2])].update(change))
            if b % 2 == 1:
                self.banned.discard("ann")
        return name, text

    async def hand_edit(self, a: int, b: int, c: int) -> None:
        cmd, text = self._edit(a, b, c)
        try:
            async with asyncio.timeout(DEADLINE_S):
                while text not in json.dumps(await self.member("host").request(cmd)):
                    await self.member("host").sync()
        except TimeoutError:
            files = {path.name: text in path.read_text() for path in self.server.data_dir.glob("*.json")}
            raise AssertionError(f"{text!r} has no effect; is it in a file? {files}\n" + self.story()) from None

    # ------------------------------------------------------------- connections

    async def drop(self, a: int, b: int, c: int) -> None:
        member = list(self.members.values())[1 + a % (len(self.members) - 1)]  # the owner stays, to be asked
        if member.here is not None:
            await member.here.drop()
            member.away()

    async def come_back(self, a: int, b: int, c: int) -> None:
        for member in self.members.values():
            if member.here is None and member.name not in self.banned:
                await self._come_back(member)

    async def _come_back(self, member: Member) -> None:
        client = await ChatClient(self.server.url, member.name).connect()
        await client.login(member.name)
        resumed = await client.resume(member.session, member.seq)
        if member.lost_session and not resumed["recovered"]:
            await client.close()
            await self._enter(member)
            return
        assert resumed["recovered"] is True, f"{member.name}: {resumed}\n" + self.story()
        numbered = [packet for packet in client.events if packet["cmd"] not in ("ready", "resumed", "ping")]
        sequence = [packet["seq"] for packet in numbered if "seq" in packet]
        assert sequence == sorted(set(sequence)), f"{member.name}: {sequence}\n" + self.story()
        assert all(seq > member.seq for seq in sequence), "something came a second time\n" + self.story()
        member.client, member.fed, member.checked, member.lost_session = client, 0, 0, False

    async def restart(self, a: int, b: int, c: int) -> None:
        await self._everybody_leaves(a, b, c, kill=False)

    async def kill(self, a: int, b: int, c: int) -> None:
        await self._everybody_leaves(a, b, c, kill=True)

    async def _everybody_leaves(self, a: int, b: int, c: int, *, kill: bool) -> None:
        if kill:
            await self.server.kill()
        else:
            assert await self.server.stop() == 0, self.story()
        for member in self.members.values():
            if member.client is not None:
                await member.client.close()
                member.away()
        if c % 3 == 0:
            self._edit(a, b, c)
        await self.server.start()
        await self.come_back(0, 0, 0)


WEIGHTS = {
    "say": 8, "say_in_thread": 4, "edit": 4, "delete": 2, "react": 4, "unreact": 2, "pin": 2,
    "say_direct": 4, "block": 1,
    "poll": 2, "vote": 6, "poll_end": 1,
    "thread_create": 2, "thread_rename": 1, "thread_lock": 1, "thread_join": 1, "thread_leave": 1, "thread_delete": 1,
    "channel_create": 2, "channel_rename": 1, "channel_rights": 2, "channel_move": 1, "channel_delete": 1,
    "modes": 3, "join": 5, "leave": 1, "kick": 3, "operator": 2,
    "role_color": 1, "role_power": 1, "role_delete_and_create": 1, "set_roles": 4, "nickname": 1, "ban": 1, "unban": 1,
    "picture": 1, "emoji": 3, "own_nickname": 2, "attach": 2, "webhook": 2, "erase": 1,
    "voice_join": 4, "voice_mute": 2, "voice_leave": 1, "voice_rights": 1,
    "hand_edit": 2, "drop": 4, "come_back": 3, "restart": 1, "kill": 1,
}  # fmt: skip
KINDS = [kind for kind, weight in WEIGHTS.items() for _ in range(weight)]
