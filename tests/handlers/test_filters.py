"""Everything that members write for others to read passes the filters, once, before anything is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

import protocol.all  # noqa: F401
from db.webhooks import Webhook, hash_of
from handlers.deliveries import delivery
from handlers.filters import WRITES, Draft, texts_in, with_texts
from protocol.base import COMMANDS
from protocol.errors import Code, Refused
from tests.handlers.conftest import Stage


class Eye:
    """A filter that remembers what it saw, refuses "bad" and makes "one" into "two"."""

    def __init__(self) -> None:
        self.seen: list[Draft] = []

    async def look(self, drafts: Sequence[Draft]) -> list[str]:
        self.seen += drafts
        if any("bad" in draft.content for draft in drafts):
            raise Refused(Code.PLUGIN_REFUSED, text="no")
        return [draft.content.replace("one", "two") for draft in drafts]

    def kinds(self) -> list[tuple[str, str]]:
        return [(draft.kind, draft.content) for draft in self.seen]


@pytest.fixture
def eye(stage: Stage) -> Eye:
    eye = Eye()
    stage.world.filters.append(eye.look)
    return eye


EMBED = {"title": "one", "url": "https://example.org/one", "fields": [{"name": "n", "value": "bad"}]}
REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("message_new", {"channel": "general", "content": "bad"}),
    ("message_new", {"channel": "general", "content": "fine", "embeds": [EMBED]}),
    ("direct_message", {"user": "USR:local_ben", "content": "bad"}),
    ("poll_create", {"channel": "general", "question": "bad?", "options": ["a", "b"]}),
    ("poll_create", {"channel": "general", "question": "which?", "options": ["a", {"text": "bad"}]}),
    ("thread_create", {"channel": "ideas", "name": "bad"}),
    ("nickname_update", {"nickname": "bad"}),
    ("channel_topic_set", {"channel": "general", "topic": "bad"}),
    ("status_set", {"status": "dnd", "text": "bad"}),
    ("slash_call", {"channel": "general", "command": "nick", "args": {"nickname": "bad"}}),
]


@pytest.mark.parametrize(("cmd", "fields"), REFUSED, ids=[cmd for cmd, _ in REFUSED])
def test_what_a_filter_refuses_changes_nothing(stage: Stage, eye: Eye, cmd: str, fields: dict[str, Any]) -> None:
    user, channels = stage.user("ann"), list(stage.world.channels.values())
    assert stage.refused("ann", cmd, **fields).code is Code.PLUGIN_REFUSED
    assert all(draft.author == user for draft in eye.seen)
    assert (stage.user("ann"), list(stage.world.channels.values())) == (user, channels)
    assert stage.answer("ann", "messages_get", channel="general")["messages"] == []
    assert list(stage.world.threads.of_channel("c-ideas")) == []


def test_a_filter_sees_every_text_of_a_poll_and_may_change_it(stage: Stage, eye: Eye) -> None:
    options = ["one", {"text": "more than one", "emoji": "🍕"}]
    poll = stage.answer("ann", "poll_create", channel="general", question="one?", options=options)
    assert [kind for kind, _ in eye.kinds()] == ["poll"] * 4
    assert poll["question"] == "two?"
    assert [option["text"] for option in poll["options"]] == ["two", "more than two"]
    assert {draft.channel.name for draft in eye.seen if draft.channel is not None} == {"general"}


def test_a_filter_sees_thread_names_and_edits(stage: Stage, eye: Eye) -> None:
    thread = stage.answer("ann", "thread_create", channel="ideas", name="one")["thread"]
    assert thread["name"] == "two"
    assert stage.refused("ann", "thread_update", thread_id=thread["id"], name="bad").code is Code.PLUGIN_REFUSED
    stage.do("ann", "thread_update", thread_id=thread["id"], archived=False)
    message = stage.answer("ann", "message_new", thread_id=thread["id"], content="one")["message"]
    edit = {"thread_id": thread["id"], "id": message["id"], "content": "bad"}
    assert stage.refused("ann", "message_edit", **edit).code is Code.PLUGIN_REFUSED
    assert eye.seen[-1].edited == message["id"]
    assert [kind for kind, _ in eye.kinds()] == ["thread", "thread", "message", "message"]
    assert all(draft.channel is not None and draft.channel.name == "ideas" for draft in eye.seen)


def test_a_filter_sees_embeds_and_what_it_leaves_is_stored(stage: Stage, eye: Eye) -> None:
    embed = {"title": "one", "fields": [{"name": "n", "value": "one"}], "color": 7}
    message = stage.answer("ann", "message_new", channel="general", content="hi", embeds=[embed])["message"]
    assert message["embeds"] == [{"title": "two", "fields": [{"name": "n", "value": "two"}], "color": 7}]
    assert eye.kinds() == [("message", "hi"), ("embed", "one"), ("embed", "n"), ("embed", "one")]


def test_what_a_filter_makes_of_a_text_has_to_fit(stage: Stage) -> None:
    async def longer(drafts: Sequence[Draft]) -> list[str]:
        return [draft.content * 200 for draft in drafts]

    stage.world.filters.append(longer)
    for cmd, fields in (("nickname_update", {"nickname": "ann"}), ("status_set", {"status": "dnd", "text": "away"})):
        assert stage.refused("ann", cmd, **fields).code is Code.BAD_VALUE
    assert (stage.user("ann").nickname, stage.user("ann").status.text) == (None, "")


@pytest.mark.parametrize(
    ("cmd", "fields"),
    [
        ("message_new", {"channel": "staff", "content": "x"}),
        ("channel_topic_set", {"channel": "staff", "topic": "x"}),
        ("slash_call", {"channel": "staff", "command": "nick", "args": {"nickname": "x"}}),
        ("poll_create", {"channel": "staff", "question": "x", "options": ["a", "b"]}),
        ("thread_create", {"channel": "cabal", "name": "x"}),
    ],
)
def test_a_filter_is_not_asked_for_a_channel_that_the_author_cannot_view(
    stage: Stage, eye: Eye, cmd: str, fields: dict[str, Any]
) -> None:
    assert stage.refused("ann", cmd, **fields).code is Code.CHANNEL_NOT_FOUND
    assert eye.seen == []


def test_who_loses_the_permission_while_a_filter_looks_is_refused(stage: Stage) -> None:
    async def demote(drafts: Sequence[Draft]) -> list[str]:
        stage.change_user("mod", roles=("user",))
        return [draft.content for draft in drafts]

    stage.change_user("mod", roles=("admin",))
    stage.world.filters.append(demote)
    refused = stage.refused("mod", "user_update", user="USR:local_ann", updates={"nickname": "x"})
    assert refused.code is Code.PERMISSION_REQUIRED
    assert stage.user("ann").nickname is None


def test_more_texts_than_anybody_needs_are_refused_unseen(stage: Stage, eye: Eye) -> None:
    embeds = [{"title": "t", "x": ["y"] * 1000}]
    assert stage.refused("ann", "message_new", channel="general", content="x", embeds=embeds).code is Code.BAD_VALUE
    assert eye.seen == []


def test_a_filter_sees_what_webhooks_send(stage: Stage, eye: Eye) -> None:
    world = stage.world
    world.webhooks.put(
        Webhook(
            id="w1", channel="c-general", name="Hook", avatar=None, token_hash=hash_of("secret"), generation=0,
            created_by="x", created_at=0.0,
        )
    )  # fmt: skip
    with pytest.raises(Refused) as caught:
        asyncio.run(delivery(world, "secret", "hello", [{"title": "bad"}]))  # type: ignore[arg-type]
    assert caught.value.code is Code.PLUGIN_REFUSED
    assert eye.kinds() == [("webhook", "hello"), ("embed", "bad")]
    assert (eye.seen[0].author.id, eye.seen[0].author.username) == ("w1", "Hook")
    eye.seen.clear()
    asyncio.run(delivery(world, "secret", "hello", [], {"name": "one"}))  # type: ignore[arg-type]
    assert eye.kinds() == [("webhook", "hello"), ("webhook", "one")]


def test_every_command_with_a_free_text_is_looked_at_or_known_to_need_it_not() -> None:
    """A new command that carries text for others belongs into `WRITES`, or into this list with a reason."""
    free = {"content", "text", "name", "nickname", "topic", "question", "description", "title", "response", "reason"}
    staff = {
        "channel_create", "channel_delete", "channel_move", "emoji_add", "role_create", "role_update", "server_update",
        "webhook_create", "webhook_update",
    }  # fmt: skip
    own = {
        "emoji_get_filename",
        "emoji_get_id",
        "role_permissions_get",
        "session_rename",
        "access_token_create",
        "register",
        "login",
    }
    found = {
        spec.name
        for spec in COMMANDS.values()
        if free & {field.name for field in msgspec.structs.fields(spec.command)} and spec.command not in WRITES
        and spec.needs is None and not spec.before_login
    }  # fmt: skip
    assert found - staff - own == set()


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=3), part, max_size=3),
    max_leaves=10,
)


@given(json)
def test_texts_that_nobody_changed_leave_the_value_as_it_was(value: Any) -> None:
    texts: Iterator[str] = iter(list(texts_in(value)))
    assert with_texts(value, texts) == value
    assert next(texts, None) is None
