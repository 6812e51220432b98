from __future__ import annotations

from typing import Any

import pytest

from db.messages import Message
from handlers.outcome import Outcome
from handlers.polls import end_expired
from protocol.audience import SessionsOf, Viewers
from protocol.errors import Code
from tests.handlers.community import add_user, empower, told
from tests.handlers.conftest import Clock, Stage, as_json

FRUIT = [{"text": "Apples", "id": "a", "emoji": "🍎"}, {"text": " Pears ", "id": "p", "emoji": ""}]


def create(stage: Stage, who: str = "ann", **fields: Any) -> dict[str, Any]:
    return stage.answer(who, "poll_create", **{"channel": "general", "question": "Which?", "options": FRUIT, **fields})


def results(stage: Stage, poll_id: str, who: str = "ann") -> dict[str, Any]:
    found: dict[str, Any] = stage.answer(who, "poll_results", poll_id=poll_id)["results"]
    return found


def votes(standing: dict[str, Any]) -> dict[str, int]:
    return {each["id"]: each["votes"] for each in standing["results"]}


def tick(stage: Stage) -> Outcome:
    """What upkeep does."""
    return stage.settle(end_expired(stage.world, stage.world.clock()))


def thread(stage: Stage) -> str:
    id_: str = stage.answer("ann", "thread_create", channel="ideas", name="fruit")["thread"]["id"]
    return id_


# --- making one


def test_poll_create_posts_a_message_with_the_poll_in_its_embed(stage: Stage, clock: Clock) -> None:
    outcome = stage.do(
        "ann", "poll_create", channel="general", question=" Which? ", options=["Yes", *FRUIT], duration_hours=2
    )
    reply = as_json(outcome.reply)
    options = [{"id": "0", "text": "Yes"}, {"id": "a", "text": "Apples", "emoji": "🍎"}, {"id": "p", "text": "Pears"}]
    expires = clock.now + 7200
    assert reply == {
        "cmd": "poll_create", "poll_id": reply["poll_id"], "message_id": reply["message_id"], "channel": "general",
        "thread_id": None, "question": "Which?", "options": options, "allow_multiselect": False, "expires_at": expires,
    }  # fmt: skip
    (new,) = told(outcome)
    assert outcome.events[0].audience == Viewers("c-general")
    message = new["message"]
    assert (new["cmd"], new["channel"], message["id"]) == ("message_new", "general", reply["message_id"])
    assert (message["user"], message["content"]) == (stage.id("ann"), "")
    empty: dict[str, Any] = {"emoji": None, "votes": 0, "voters": []}
    assert message["embeds"] == [
        {
            "type": "poll",
            "title": "Which?",
            "poll": {
                "id": reply["poll_id"], "question": "Which?", "options": options, "allow_multiselect": False,
                "expires_at": expires, "total_votes": 0, "ended": False, "ended_at": None, "user_votes": [],
                "results": [
                    {"id": "0", "text": "Yes", **empty},
                    {"id": "a", "text": "Apples", **empty, "emoji": "🍎"},
                    {"id": "p", "text": "Pears", **empty},
                ],
            },
        }
    ]  # fmt: skip
    assert stage.answer("ann", "messages_get", channel="general")["messages"][0]["embeds"] == message["embeds"]
    assert stage.world.next_poll_end == 0.0, "nobody has looked yet, so the next tick does"


def test_poll_create_shortens_the_title_and_not_the_question(stage: Stage) -> None:
    outcome = stage.do("ann", "poll_create", channel="general", question="q" * 300, options=["1", "2"])
    embed = told(outcome)[0]["message"]["embeds"][0]
    assert (len(embed["title"]), len(embed["poll"]["question"])) == (256, 300)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"question": " "}, "question"),
        ({"options": ["a", " "]}, "options[1].text"),
        ({"options": [{"text": "a", "id": "1"}, "b"]}, "options[1]"),
        ({"options": [{"text": "a", "id": "x"}, {"text": "b", "id": "x"}]}, "options[1]"),
        ({"options": [{"text": "a", "id": "\n"}, "b"]}, "options[0].id"),
        ({"expires_at": 1_700_000_000}, "expires_at"),
        ({"expires_at": 1_700_000_000 + 367 * 86_400}, "expires_at"),
    ],
)
def test_poll_create_refuses_bad_values(stage: Stage, fields: dict[str, Any], field: str) -> None:
    command = {"channel": "general", "question": "?", "options": ["a", "b"], **fields}
    refusal = stage.refused("ann", "poll_create", **command)
    assert (refusal.code, refusal.fields["field"]) == (Code.BAD_VALUE, field)


def test_poll_create_prefers_the_time_over_the_duration(stage: Stage, clock: Clock) -> None:
    assert create(stage, expires_at=clock.now + 5, duration_hours=1)["expires_at"] == clock.now + 5
    assert create(stage)["expires_at"] is None


def test_poll_create_needs_a_place_to_write(stage: Stage) -> None:
    fields = {"question": "?", "options": ["a", "b"]}
    assert stage.refused("ann", "poll_create", **fields).code is Code.PLACE_REQUIRED
    assert stage.refused("ann", "poll_create", channel="news", **fields).code is Code.NOT_PERMITTED
    assert stage.refused("ann", "poll_create", channel="staff", **fields).code is Code.CHANNEL_NOT_FOUND
    assert stage.refused("ann", "poll_create", channel="call", **fields).code is Code.NOT_A_TEXT_CHANNEL
    assert stage.refused("guest", "poll_create", channel="general", **fields).code is Code.PERMISSION_REQUIRED


def test_poll_create_in_a_thread(stage: Stage) -> None:
    id_ = thread(stage)
    stage.do("ann", "thread_update", thread_id=id_, archived=True)
    outcome = stage.do("ann", "poll_create", thread_id=id_, question="?", options=["a", "b"])
    new, update = told(outcome)
    assert (new["cmd"], new["channel"], new["thread_id"]) == ("message_new", "ideas", id_)
    assert (update["cmd"], update["thread"]["archived"]) == ("thread_update", False)
    poll = as_json(outcome.reply)
    assert (poll["channel"], poll["thread_id"]) == ("ideas", id_)
    vote = stage.do("ben", "poll_vote", message_id=poll["message_id"], option_ids=["0"])
    assert vote.events[1].audience == Viewers("c-ideas")
    assert told(vote)[1]["channel"] == "ideas"
    for state, code in (("archived", Code.THREAD_ARCHIVED), ("locked", Code.THREAD_LOCKED)):
        stage.do("mod", "thread_update", thread_id=id_, **{state: True})
        assert stage.refused("ben", "poll_vote", poll_id=poll["poll_id"], option_ids=["1"]).code is code
    assert stage.refused("ann", "poll_create", thread_id=id_, question="?", options=["a", "b"]).code is (
        Code.THREAD_LOCKED
    )


# --- voting


def test_poll_vote_tells_the_counts_and_not_who(stage: Stage) -> None:
    poll = create(stage)
    outcome = stage.do("ben", "poll_vote", message_id=poll["message_id"], option_ids=["a"])
    own, update = told(outcome)
    assert as_json(outcome.reply) == {**own, "results": update["results"]}
    assert [event.audience for event in outcome.events] == [SessionsOf(stage.id("ben")), Viewers("c-general")]
    assert own == {
        "cmd": "poll_vote", "poll_id": poll["poll_id"], "message_id": poll["message_id"], "option_ids": ["a"],
    }  # fmt: skip
    assert update == {
        "cmd": "poll_vote_update", "poll_id": poll["poll_id"], "message_id": poll["message_id"], "channel": "general",
        "thread_id": None, "results": update["results"],
    }  # fmt: skip
    assert votes(update["results"]) == {"a": 1, "p": 0}
    assert (update["results"]["total_votes"], update["results"]["ended"]) == (1, False)
    assert stage.id("ben") not in str(update), "nobody learns who voted"


def test_poll_vote_replaces_and_an_empty_list_withdraws(stage: Stage) -> None:
    poll_id = create(stage)["poll_id"]
    stage.do("ben", "poll_vote", poll_id=poll_id, option_id="a")
    stage.do("ben", "poll_vote", poll_id=poll_id, option_ids="p")
    assert votes(results(stage, poll_id)) == {"a": 0, "p": 1}
    again = stage.do("ben", "poll_vote", poll_id=poll_id, option_ids=["p", "p"])
    assert (again.events, as_json(again.reply)["option_ids"]) == ([], ["p"]), "what changes nothing is told to nobody"
    stage.do("ben", "poll_vote", poll_id=poll_id, option_ids=[])
    assert results(stage, poll_id)["total_votes"] == 0


def test_poll_vote_for_several_where_allowed(stage: Stage) -> None:
    poll_id = create(stage, allow_multiselect=True)["poll_id"]
    assert stage.answer("ben", "poll_vote", poll_id=poll_id, option_ids=["p", "a"])["option_ids"] == ["a", "p"]
    assert stage.answer("ann", "poll_vote", poll_id=poll_id, option_ids=["p"])["results"]["total_votes"] == 3
    assert votes(results(stage, poll_id)) == {"a": 1, "p": 2}


@pytest.mark.parametrize("options", [["a", "x"], ["a", "p"], None])
def test_poll_vote_counts_nothing_when_a_part_is_wrong(stage: Stage, options: list[str] | None) -> None:
    poll_id = create(stage)["poll_id"]
    fields = {} if options is None else {"option_ids": options}
    assert stage.refused("ben", "poll_vote", poll_id=poll_id, **fields).fields["field"] == "option_ids"
    assert results(stage, poll_id)["total_votes"] == 0


def test_polls_out_of_sight_do_not_exist(stage: Stage) -> None:
    poll = create(stage, "mod", channel="staff")
    for cmd, fields in (
        ("poll_vote", {"option_ids": ["a"]}), ("poll_end", {}), ("poll_results", {}), ("poll_get", {}),
    ):  # fmt: skip
        for which in ({"poll_id": poll["poll_id"]}, {"message_id": poll["message_id"]}, {"poll_id": "none"}):
            assert stage.refused("ann", cmd, **which, **fields).code is Code.POLL_NOT_FOUND
        assert stage.refused("ann", cmd, **fields).fields["field"] == "poll_id"
    assert stage.answer("mod", "poll_get", poll_id=poll["poll_id"])["poll"]["id"] == poll["poll_id"]


def test_polls_of_who_lost_the_right_to_see_them(stage: Stage) -> None:
    poll = create(stage, "mod", channel="staff")
    stage.change_user("mod", roles=("user",))
    assert stage.refused("mod", "poll_end", poll_id=poll["poll_id"]).code is Code.POLL_NOT_FOUND


def test_poll_vote_between_two_of_whom_one_blocks_the_other(stage: Stage) -> None:
    direct = stage.answer("ann", "direct_open", user=stage.id("ben"))["channel"]["name"]
    poll_id = create(stage, channel=direct)["poll_id"]
    stage.do("ben", "poll_vote", poll_id=poll_id, option_ids=["a"])
    stage.change_user("ben", roles=("moderator", "user"))
    assert stage.refused("ben", "poll_end", poll_id=poll_id).code is Code.NOT_PERMITTED
    assert stage.refused("host", "poll_results", poll_id=poll_id).code is Code.POLL_NOT_FOUND
    stage.do("ben", "user_block", user=stage.id("ann"))
    assert stage.refused("ben", "poll_vote", poll_id=poll_id, option_ids=["p"]).code is Code.BLOCKED
    assert stage.refused("ann", "poll_end", poll_id=poll_id).code is Code.BLOCKED
    fields = {"channel": direct, "question": "?", "options": ["a", "b"]}
    assert stage.refused("ann", "poll_create", **fields).code is Code.BLOCKED


# --- the end


def test_poll_end_names_the_voters(stage: Stage) -> None:
    poll = create(stage)
    poll_id = poll["poll_id"]
    stage.do("ben", "poll_vote", poll_id=poll_id, option_ids=["a"])
    assert [each["voters"] for each in results(stage, poll_id)["results"]] == [[], []]
    outcome = stage.do("ann", "poll_end", message_id=poll["message_id"])
    (ended,) = told(outcome)
    assert outcome.events[0].audience == Viewers("c-general")
    assert (ended["cmd"], ended["poll_id"], ended["message_id"], ended["channel"], ended["thread_id"]) == (
        "poll_end", poll_id, poll["message_id"], "general", None,
    )  # fmt: skip
    standing = ended["results"]
    assert (standing["ended"], standing["ended_at"]) == (True, stage.world.clock())
    assert [each["voters"] for each in standing["results"]] == [[stage.id("ben")], []]
    assert outcome.audit == []
    assert stage.refused("ben", "poll_vote", poll_id=poll_id, option_ids=["p"]).code is Code.POLL_ENDED
    assert stage.refused("ann", "poll_end", poll_id=poll_id).code is Code.POLL_ENDED


def test_poll_end_of_others_is_for_moderators_and_noted(stage: Stage) -> None:
    poll_id = create(stage)["poll_id"]
    assert stage.refused("ben", "poll_end", poll_id=poll_id).code is Code.NOT_PERMITTED
    (entry,) = stage.do("mod", "poll_end", poll_id=poll_id).audit
    assert (entry.action, entry.target_id) == ("poll_end", poll_id)
    assert entry.details == {"channel": "general", "author": stage.id("ann")}


def test_poll_results_tell_the_caller_what_it_chose(stage: Stage) -> None:
    poll_id = create(stage)["poll_id"]
    stage.do("ben", "poll_vote", poll_id=poll_id, option_ids=["p"])
    assert [each["voted"] for each in results(stage, poll_id, "ben")["results"]] == [False, True]
    assert [each["voted"] for each in results(stage, poll_id, "ann")["results"]] == [False, False]


def test_poll_get_tells_the_poll_and_the_own_votes(stage: Stage, clock: Clock) -> None:
    created = create(stage, expires_at=clock.now + 60)
    stage.do("ben", "poll_vote", poll_id=created["poll_id"], option_ids=["p"])
    poll = stage.answer("ben", "poll_get", message_id=created["message_id"])["poll"]
    assert poll == {
        "id": created["poll_id"], "message_id": created["message_id"], "channel": "general", "thread_id": None,
        "question": "Which?", "options": created["options"], "allow_multiselect": False,
        "expires_at": clock.now + 60, "created_by": stage.id("ann"), "created_at": poll["created_at"],
        "ended": False, "ended_at": None, "user_votes": ["p"],
    }  # fmt: skip


def test_polls_whose_time_is_over_end_by_themselves(stage: Stage, clock: Clock) -> None:
    poll = create(stage, expires_at=clock.now + 60)
    create(stage, expires_at=clock.now + 100)
    assert tick(stage).events == []
    assert stage.world.next_poll_end == clock.now + 60
    stage.do("ben", "poll_vote", poll_id=poll["poll_id"], option_ids=["a"])
    create(stage, expires_at=clock.now + 50)
    assert stage.world.next_poll_end == clock.now + 50

    clock.now += 65
    assert stage.refused("ben", "poll_vote", poll_id=poll["poll_id"], option_ids=[]).code is Code.POLL_ENDED
    ended = told(tick(stage))
    assert [(each["cmd"], each["results"]["ended_at"] - clock.now) for each in ended] == [
        ("poll_end", -15), ("poll_end", -5),
    ]  # fmt: skip
    assert ended[1]["poll_id"] == poll["poll_id"]
    assert ended[1]["results"]["results"][0]["voters"] == [stage.id("ben")]
    assert stage.world.next_poll_end == clock.now + 35
    clock.now += 35
    assert len(tick(stage).events) == 1
    assert stage.world.next_poll_end == float("inf")


def test_polls_of_a_channel_deleted_by_hand_end_without_a_word(stage: Stage, clock: Clock) -> None:
    create(stage, expires_at=clock.now + 60)
    stage.world.channels.remove("c-general")
    clock.now += 61
    assert tick(stage).events == []
    assert stage.world.next_poll_end == float("inf")


# --- in messages


def test_polls_in_whatever_is_read_are_up_to_date_and_tell_the_reader_its_votes(stage: Stage) -> None:
    poll = create(stage)
    id_, where = poll["message_id"], {"channel": "general"}
    hello = stage.answer("ann", "message_new", content=f"@{stage.id('ben')} vote!", reply_to=id_, **where)["message"]
    stage.do("mod", "message_pin", id=id_, **where)
    stage.do("ben", "poll_vote", message_id=id_, option_ids=["a"])

    def shown(who: str) -> list[dict[str, Any]]:
        pages = [
            stage.answer(who, "messages_get", **where)["messages"],
            stage.answer(who, "messages_around", around=hello["id"], **where)["messages"],
            [stage.answer(who, "message_get", id=id_, **where)["message"]],
            stage.answer(who, "messages_pinned", **where)["messages"],
            [{"id": id_, **stage.answer(who, "embeds_list", id=id_, **where)}],
        ]
        return [embed["poll"] for page in pages for each in page if each["id"] == id_ for embed in each["embeds"]]

    for who, own in (("ben", ["a"]), ("ann", [])):
        found = shown(who)
        assert len(found) == 5
        for each in found:
            assert (each["id"], each["total_votes"], each["ended"], each["ended_at"]) == (
                poll["poll_id"], 1, False, None,
            )  # fmt: skip
            assert [one["votes"] for one in each["results"]] == [1, 0]
            assert [one["voters"] for one in each["results"]] == [[], []]
            assert each["user_votes"] == own
    stage.do("mod", "poll_end", message_id=id_)
    for each in shown("ann"):
        assert (each["ended"], each["results"][0]["voters"]) == (True, [stage.id("ben")])


def test_polls_in_replies_pings_and_threads(stage: Stage) -> None:
    id_ = thread(stage)
    poll = create(stage, thread_id=id_, channel=None)
    stage.do("ben", "poll_vote", poll_id=poll["poll_id"], option_ids=["p"])
    (message,) = stage.answer("ben", "thread_messages", thread_id=id_)["messages"]
    assert message["embeds"][0]["poll"]["user_votes"] == ["p"]


def test_a_page_without_polls_asks_for_none(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.do("ann", "message_new", channel="general", content="hi", embeds=[{"title": "no poll"}])

    def never(*args: object) -> None:
        raise AssertionError("asked for polls")

    monkeypatch.setattr("db.polls.Polls.of_messages", never)
    assert len(stage.answer("ann", "messages_get", channel="general")["messages"]) == 1


def test_an_embed_that_only_looks_like_a_poll_is_none(stage: Stage) -> None:
    """Upstream lets anybody write one, so old messages may have them."""
    embeds: list[dict[str, Any]] = [
        {"title": "Picture"},
        {"type": "poll", "title": "Which?", "poll": {"question": "Which?"}},
    ]
    tx = stage.world.store.begin()
    tx.messages.add("c-general", Message(id="old", user_id="x", content="", timestamp=1.0, extra={"embeds": embeds}))
    tx.commit()
    (message,) = stage.answer("ann", "messages_get", channel="general")["messages"]
    assert message["embeds"] == [{"title": "Picture"}, {"type": "rich", "title": "Which?"}]


def test_polls_cannot_be_edited_or_made_by_hand(stage: Stage) -> None:
    id_ = create(stage)["message_id"]
    changes: list[dict[str, Any]] = [{}, {"embeds": []}]
    for change in changes:
        refusal = stage.refused("ann", "message_edit", id=id_, channel="general", content="x", **change)
        assert (refusal.code, refusal.text) == (Code.NOT_PERMITTED, "You do not have permission to edit a poll")
    by_hand = [{"type": "poll", "poll": {"question": "?"}}]
    refusal = stage.refused("ann", "message_new", channel="general", content="x", embeds=by_hand)
    assert refusal.code is Code.BAD_EMBED


def test_polls_are_gone_with_their_message_thread_and_channel(stage: Stage) -> None:
    empower(stage, "manage_channels")
    in_thread = thread(stage)
    polls = [create(stage), create(stage, thread_id=in_thread, channel=None), create(stage)]
    stage.do("ann", "message_delete", channel="general", id=polls[0]["message_id"])
    assert stage.refused("ann", "poll_get", poll_id=polls[0]["poll_id"]).code is Code.POLL_NOT_FOUND
    stage.do("mod", "channel_delete", name="ideas")
    stage.do("mod", "channel_delete", name="general")
    for poll in polls:
        assert stage.refused("host", "poll_get", poll_id=poll["poll_id"]).code is Code.POLL_NOT_FOUND


def test_votes_of_who_is_gone_count_without_a_name(stage: Stage) -> None:
    add_user(stage, "zoe", "user")
    poll_id = create(stage)["poll_id"]
    tx = stage.world.store.begin()
    tx.polls.vote(poll_id, "id-of-zoe", ["a"], 1.0)
    tx.commit()
    stage.world.users.remove("id-of-zoe")
    standing = stage.answer("ann", "poll_end", poll_id=poll_id)["results"]
    assert votes(standing) == {"a": 1, "p": 0}
    assert standing["results"][0]["voters"] == []


def test_votes_of_a_former_owner_of_a_name_are_not_the_newcomers(stage: Stage) -> None:
    poll_id = create(stage)["poll_id"]
    stage.do("ben", "poll_vote", poll_id=poll_id, option_ids=["a"])
    stage.do("ben", "user_leave")
    stage.do("new", "register", username="ben", password="a long sentence")
    assert stage.answer("ben", "poll_get", poll_id=poll_id)["poll"]["user_votes"] == []
    stage.do("ben", "poll_vote", poll_id=poll_id, option_ids=["p"])
    assert votes(results(stage, poll_id)) == {"a": 1, "p": 1}
