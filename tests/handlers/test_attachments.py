"""attachment_get, attachment_delete, and the attachments of message_new, delete and edit."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from config.schema import Config
from db.attachments import StoredAttachment
from handlers.handshake import handshake
from protocol.errors import Code
from tests.handlers.conftest import Clock, Stage

URL = "https://chat.example.org/attachments/"


def configure(stage: Stage, **sections: dict[str, Any]) -> None:
    stage.world.live.current = msgspec.convert(sections, Config)


@pytest.fixture(autouse=True)
def address(stage: Stage) -> None:
    configure(stage, server={"url": "https://chat.example.org/"})


def upload(stage: Stage, id: str, uploader: str = "ann", **fields: Any) -> StoredAttachment:
    now = stage.world.clock()
    record = StoredAttachment(
        **{
            "id": id, "hash": "00" * 32, "name": "cat.png", "mime_type": "image/png", "size": 10, "width": 3,
            "height": 4, "uploader_id": stage.id(uploader), "channel": "c-general", "created_at": now,
            "expires_at": now + 100, **fields,
        }
    )  # fmt: skip
    tx = stage.world.store.begin()
    tx.attachments.add(record)
    tx.commit()
    return record


def there(stage: Stage, id: str) -> bool:
    tx = stage.world.store.begin()
    try:
        return tx.attachments.get(id, stage.world.clock()) is not None
    finally:
        tx.rollback()


def post(stage: Stage, *ids: str, name: str = "ann", **fields: Any) -> dict[str, Any]:
    answer = stage.answer(
        name, "message_new", **{"channel": "general", "attachments": [{"id": id_} for id_ in ids], **fields}
    )
    message: dict[str, Any] = answer["message"]
    return message


def test_attachment_get_tells_everything_to_whoever_knows_the_id(stage: Stage, clock: Clock) -> None:
    upload(stage, "a")
    shown = {
        "id": "a", "name": "cat.png", "mime_type": "image/png", "size": 10, "url": URL + "a",
        "expires_at": clock.now + 100, "permanent": False, "width": 3, "height": 4,
    }  # fmt: skip
    assert stage.answer("ben", "attachment_get", attachment_id=" a ") == {"cmd": "attachment_info", "attachment": shown}
    clock.now += 100
    assert stage.refused("ann", "attachment_get", attachment_id="a").code is Code.ATTACHMENT_NOT_FOUND
    assert "not found" in stage.refused("ann", "attachment_get", attachment_id="b").text


def test_attachment_get_without_a_public_address_gives_an_absolute_one(stage: Stage) -> None:
    configure(stage, websocket={"host": "127.0.0.1", "port": 5613})
    upload(stage, "a")
    answer = stage.answer("ann", "attachment_get", attachment_id="a")
    assert answer["attachment"]["url"] == "http://127.0.0.1:5613/attachments/a"


def test_attachment_delete_by_the_uploader(stage: Stage) -> None:
    upload(stage, "a")
    outcome = stage.do("ann", "attachment_delete", attachment_id="a")
    assert msgspec.to_builtins(outcome.reply) == {"cmd": "attachment_deleted", "attachment_id": "a", "deleted": True}
    assert outcome.audit == []
    assert not there(stage, "a")
    assert stage.refused("ann", "attachment_delete", attachment_id="a").code is Code.ATTACHMENT_NOT_FOUND


def test_attachment_delete_by_others_needs_live_rights_and_is_recorded(stage: Stage) -> None:
    upload(stage, "a")
    upload(stage, "b")
    assert stage.refused("ben", "attachment_delete", attachment_id="a").code is Code.NOT_PERMITTED
    (entry,) = stage.do("mod", "attachment_delete", attachment_id="a").audit
    assert (entry.action, entry.target_id, entry.details) == ("attachment_delete", "a", {"uploader": stage.id("ann")})
    stage.change_user("mod", roles=("user",))
    assert stage.refused("mod", "attachment_delete", attachment_id="b").code is Code.NOT_PERMITTED
    stage.do("host", "attachment_delete", attachment_id="b")


def test_attachment_delete_of_a_direct_message_is_for_its_uploader_alone(stage: Stage) -> None:
    stage.do("ann", "direct_open", user=stage.id("ben"))
    (direct,) = stage.world.directs
    upload(stage, "a", channel=direct.id)
    for name in ("host", "mod", "ben"):
        assert stage.refused(name, "attachment_delete", attachment_id="a").code is Code.NOT_PERMITTED
    stage.do("ann", "attachment_delete", attachment_id="a")


def test_message_new_shows_own_uploads(stage: Stage, clock: Clock) -> None:
    upload(stage, "a")
    upload(stage, "b", width=None, height=None, name="notes.pdf", mime_type="application/pdf")
    message = post(stage, "b", "a", "b", content="  look ")
    assert message["content"] == "look"
    assert message["attachments"] == [
        {"id": "b", "name": "notes.pdf", "mime_type": "application/pdf", "size": 10, "url": URL + "b",
         "expires_at": clock.now + 100, "permanent": False},
        {"id": "a", "name": "cat.png", "mime_type": "image/png", "size": 10, "url": URL + "a",
         "expires_at": clock.now + 100, "permanent": False, "width": 3, "height": 4},
    ]  # fmt: skip
    (read,) = stage.answer("ben", "messages_get", channel="general")["messages"]
    assert read["attachments"] == message["attachments"]


def test_message_new_needs_no_text_beside_attachments(stage: Stage) -> None:
    upload(stage, "a")
    assert post(stage, "a")["content"] == ""
    assert post(stage, "a", content=" \n ")["content"] == ""
    assert stage.refused("ann", "message_new", channel="general").code is Code.MESSAGE_EMPTY
    empty = stage.refused("ann", "message_new", channel="general", attachments=[])
    assert empty.code is Code.MESSAGE_EMPTY
    only_embeds = stage.refused("ann", "message_new", channel="general", embeds=[{"title": "x"}])
    assert only_embeds.code is Code.MESSAGE_EMPTY


@pytest.mark.parametrize("place", ["general", "ideas"])
def test_message_new_refuses_what_is_not_there_or_not_the_authors(stage: Stage, clock: Clock, place: str) -> None:
    where = {"channel": place}
    if place == "ideas":
        where["thread_id"] = stage.answer("ann", "thread_create", channel="ideas", name="t")["thread"]["id"]
    upload(stage, "mine")
    upload(stage, "bens", uploader="ben")
    upload(stage, "past", expires_at=clock.now)
    for ids, code in (
        (["no"], Code.ATTACHMENT_NOT_FOUND),
        (["mine", "past"], Code.ATTACHMENT_NOT_FOUND),
        (["mine", "bens"], Code.NOT_PERMITTED),
    ):
        refusal = stage.refused("ann", "message_new", **where, content="x", attachments=[{"id": id_} for id_ in ids])
        assert refusal.code is code
    stage.refused("ann", "message_new", **where, attachments=[{"id": "mine"}], reply_to="nothing")
    clock.now += 3601
    tx = stage.world.store.begin()
    assert tx.attachments.forget_past(clock.now), "no refused message counts as one that shows it"
    tx.rollback()


@pytest.mark.parametrize("bad", [[{"id": "a"}] * 11, [{}], [{"id": ""}], [{"id": 5}], ["a"], "a", [{"id": "x" * 200}]])
def test_message_new_takes_at_most_ten_well_formed_attachments(stage: Stage, bad: Any) -> None:
    upload(stage, "a")
    refusal = stage.refused("ann", "message_new", channel="general", content="x", attachments=bad)
    assert refusal.code is Code.BAD_VALUE


def test_message_new_where_attachments_are_switched_off(stage: Stage) -> None:
    upload(stage, "a")
    configure(stage, attachments={"enabled": False})
    refusal = stage.refused("ann", "message_new", channel="general", content="x", attachments=[{"id": "a"}])
    assert refusal.text == "Attachments are disabled on this server"
    assert stage.answer("ann", "message_new", channel="general", content="x", attachments=[])["cmd"] == "message_new"


def test_message_new_sent_twice_with_one_nonce_shows_once(stage: Stage) -> None:
    upload(stage, "a")
    first = post(stage, "a", nonce="n")
    assert post(stage, "a", nonce="n")["id"] == first["id"]
    stage.do("ann", "message_delete", channel="general", id=first["id"])
    assert not there(stage, "a")


def test_message_delete_ends_what_no_other_message_shows(stage: Stage) -> None:
    upload(stage, "a")
    upload(stage, "b")
    first, second = post(stage, "a", "b"), post(stage, "a")
    stage.do("ann", "message_delete", channel="general", id=first["id"])
    assert there(stage, "a")
    assert not there(stage, "b")
    stage.do("mod", "message_delete", channel="general", id=second["id"])
    assert not there(stage, "a")


def test_channel_delete_ends_what_its_messages_showed(stage: Stage) -> None:
    upload(stage, "a")
    post(stage, "a")
    stage.do("host", "channel_delete", name="general")
    assert not there(stage, "a")


def test_message_edit_keeps_attachments(stage: Stage) -> None:
    upload(stage, "a")
    message = post(stage, "a", content="x")
    edited = stage.answer("ann", "message_edit", channel="general", id=message["id"], content="y")["message"]
    assert edited["attachments"] == message["attachments"]


def test_old_messages_name_the_address_of_today(stage: Stage) -> None:
    upload(stage, "a")
    post(stage, "a")
    configure(stage, server={"url": "https://new.example.org"})
    (read,) = stage.answer("ben", "messages_get", channel="general")["messages"]
    assert read["attachments"][0]["url"] == "https://new.example.org/attachments/a"


def test_handshake_tells_whether_files_can_be_uploaded(stage: Stage) -> None:
    val = handshake(stage.world, "key").val
    assert val.attachments.enabled
    assert "attachment_upload" in val.capabilities
    assert val.limits.attachments_per_message == 10
    configure(stage, attachments={"enabled": False})
    val = handshake(stage.world, "key").val
    assert not val.attachments.enabled
    assert "attachment_upload" not in val.capabilities


def test_message_edit_may_take_the_text_away_where_files_stay(stage: Stage) -> None:
    upload(stage, "a")
    sent = post(stage, "a", content="look")
    edited = stage.answer("ann", "message_edit", channel="general", id=sent["id"], content=" ")["message"]
    assert (edited["content"], [each["id"] for each in edited["attachments"]]) == ("", ["a"])
    plain = stage.answer("ann", "message_new", channel="general", content="x")["message"]["id"]
    assert stage.refused("ann", "message_edit", channel="general", id=plain, content=" ").code is Code.MESSAGE_EMPTY
    refused = stage.refused("ben", "message_edit", channel="general", id=plain, content="")
    assert refused.code is Code.NOT_AUTHOR
