"""Custom emojis: records, pictures, and who is told."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from config.features import Uploads
from config.limits import Limits
from db.documents import Change
from db.emojis import Emoji
from handlers.context import Context
from handlers.emoji_pictures import EmojiPictures
from handlers.hand_edits import effects
from handlers.handshake import handshake
from handlers.picture_folder import MAX_BYTES
from handlers.registry import HANDLERS
from protocol.audience import Everyone
from protocol.decode import decode
from protocol.errors import Refused
from tests.handlers.community import empower, told, told_one
from tests.handlers.conftest import Stage, Visitor
from tests.support.pictures import PNG, data_uri, moving_gif, picture


@pytest.fixture
def stage(stage: Stage) -> Stage:
    empower(stage, "manage_server")
    return stage


def configure(stage: Stage, **sections: Any) -> None:
    stage.world.live.current = msgspec.structs.replace(stage.world.config, **sections)


def files(stage: Stage) -> list[str]:
    stage.world.emoji_pictures.wait()
    folder = stage.world.emoji_pictures.folder
    return sorted(file.name for file in folder.iterdir()) if folder.is_dir() else []


def add(stage: Stage, name: str, image: str = PNG) -> str:
    id_: str = stage.answer("mod", "emoji_add", name=name, image=image)["id"]
    return id_


def test_emoji_add_tells_everybody_id_name_and_file_name(stage: Stage) -> None:
    outcome = stage.do("mod", "emoji_add", name="Party", image=PNG)
    assert told(outcome) == [
        {"cmd": "emoji_add", "id": "1", "name": "Party", "fileName": "1.png", "added": True}
    ]  # fmt: skip
    assert outcome.reply is None
    assert outcome.events[0].audience == Everyone()
    assert outcome.events[0].packet.durable  # type: ignore[union-attr]
    assert [(entry.action, entry.target_id, entry.target_name) for entry in outcome.audit] == [
        ("emoji_add", "1", "Party")
    ]  # fmt: skip
    assert files(stage) == ["1.png"]
    assert stage.answer("ann", "emoji_get_all") == {
        "cmd": "emoji_get_all", "emojis": {"1": {"name": "Party", "fileName": "1.png"}},
    }  # fmt: skip


def test_emoji_get_id_and_filename_find_by_name_in_any_case(stage: Stage) -> None:
    add(stage, "Party")
    assert stage.answer("ann", "emoji_get_id", name="pARTY") == {"cmd": "emoji_get_id", "name": "pARTY", "id": "1"}
    found = stage.answer("ann", "emoji_get_filename", name="party")
    assert found == {"cmd": "emoji_get_filename", "name": "party", "filepath": "1.png"}


def test_emoji_get_id_of_none(stage: Stage) -> None:
    assert stage.refused("ann", "emoji_get_id", name="none").text == "Emoji not found"


def test_emoji_get_filename_of_one_whose_picture_is_gone(stage: Stage) -> None:
    add(stage, "Party")
    (stage.world.emoji_pictures.folder / "1.png").unlink()
    assert stage.refused("ann", "emoji_get_filename", name="party").code.wire == "emoji_not_found"


def test_emoji_get_filename_of_none(stage: Stage) -> None:
    assert stage.refused("ann", "emoji_get_filename", name="").code.wire == "emoji_not_found"


def test_emoji_get_all_of_none(stage: Stage) -> None:
    assert stage.answer("ann", "emoji_get_all")["emojis"] == {}


@pytest.mark.parametrize("name", ["", "a b", "a-b", "x" * 65, "é", "a\n", "../x", 5])
def test_emoji_add_refuses_bad_names(stage: Stage, name: object) -> None:
    assert stage.refused("mod", "emoji_add", name=name, image=PNG).code.wire == "bad_value"


@pytest.mark.parametrize(
    "image",
    [
        "",
        "https://example.org/a.png",
        "data:text/html;base64,aGk=",
        "data:image/png,aGk=",
        "data:image/png;base64,%%%",
        "data:image/png;base64,aGk=",
        data_uri(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "svg+xml"),
        data_uri(picture(kind="webp"), "webp"),
        data_uri(picture(kind="bmp")),
        data_uri(picture()[:-30]),
        data_uri(bytes(MAX_BYTES + 1)),
    ],
)
def test_emoji_add_refuses_what_is_no_picture_of_an_allowed_kind(stage: Stage, image: str) -> None:
    refusal = stage.refused("mod", "emoji_add", name="x", image=image)
    assert refusal.code.wire == "bad_value"
    assert refusal.fields["field"] == "emoji_add.image"
    assert files(stage) == []
    assert len(stage.world.emojis) == 0


def test_emoji_add_takes_the_kinds_of_the_settings(stage: Stage) -> None:
    configure(stage, uploads=Uploads(emoji_allowed_file_types=("webp", "svg")))
    assert stage.answer("mod", "emoji_add", name="x", image=data_uri(picture(kind="webp")))["fileName"] == "1.webp"
    assert stage.refused("mod", "emoji_add", name="y", image=PNG).code.wire == "bad_value"


def test_the_handshake_says_which_pictures_may_become_emojis(stage: Stage) -> None:
    configure(stage, uploads=Uploads(emoji_allowed_file_types=("webp", "svg", "jpeg", "jpg")))
    limits = handshake(stage.world, "key").val.limits
    assert (limits.emojis, limits.emoji_types, limits.picture_bytes) == (500, ["jpg", "webp"], 3_000_000)


def test_emoji_add_shrinks_and_keeps_animation(stage: Stage) -> None:
    image = data_uri(moving_gif("red", "green", "blue", size=(512, 256)), "gif")
    assert stage.answer("mod", "emoji_add", name="x", image=image)["fileName"] == "1.gif"
    with Image.open(stage.world.emoji_pictures.folder / "1.gif") as shown:
        assert shown.size == (256, 128)
        assert shown.n_frames == 3  # type: ignore[attr-defined]
        assert shown.info["loop"] == 0


def test_emoji_add_names_a_picture_by_what_it_is(stage: Stage) -> None:
    """Whatever the data URI says, and without what follows the end."""
    data = picture(kind="jpeg") + b"<script>alert(1)</script>"
    assert stage.answer("mod", "emoji_add", name="x", image=data_uri(data, "png"))["fileName"] == "1.jpg"
    written = (stage.world.emoji_pictures.folder / "1.jpg").read_bytes()
    assert b"script" not in written
    assert Image.open(io.BytesIO(written)).format == "JPEG"


def test_emoji_add_refuses_a_name_that_is_taken_in_any_case(stage: Stage) -> None:
    add(stage, "Party")
    assert stage.refused("mod", "emoji_add", name="pARTY", image=PNG).code.wire == "emoji_exists"
    assert files(stage) == ["1.png"]


def test_emoji_add_has_a_limit(stage: Stage) -> None:
    configure(stage, limits=Limits(emojis=1))
    add(stage, "one")
    assert stage.refused("mod", "emoji_add", name="two", image=PNG).text.endswith("1 is the most")


def test_two_emoji_add_of_one_name_at_once_leave_one_picture(stage: Stage) -> None:
    """The second finds the name taken only when its picture is there."""

    async def both() -> list[object]:
        ctx = Context(stage.world, Visitor(), stage.connect("mod"), 0.0)
        command = decode(msgspec.json.encode({"cmd": "emoji_add", "name": "same", "image": PNG}))
        handler = HANDLERS[type(command)]
        answers: list[object] = await asyncio.gather(
            handler(ctx, command), handler(ctx, command), return_exceptions=True
        )
        return answers

    _, second = asyncio.run(both())
    assert isinstance(second, Refused)
    assert second.code.wire == "emoji_exists"
    assert files(stage) == ["1.png"]


def test_emoji_add_of_somebody_who_loses_the_right_meanwhile(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    store = stage.world.emoji_pictures.store

    async def slowly(*arguments: Any, **options: Any) -> str:
        name = await store(*arguments, **options)
        stage.change_user("mod", roles=("user",))
        return name

    monkeypatch.setattr(stage.world.emoji_pictures, "store", slowly)
    assert stage.refused("mod", "emoji_add", name="x", image=PNG).code.wire == "permission_required"
    assert files(stage) == []
    assert len(stage.world.emojis) == 0


def test_a_picture_that_cannot_be_written_is_refused(stage: Stage) -> None:
    stage.world.emoji_pictures.folder.write_text("in the way")
    assert stage.refused("mod", "emoji_add", name="x", image=PNG).code.wire == "unavailable"


@pytest.mark.parametrize("emoji_id", [1, "1", "01"])
def test_emoji_update_renames(stage: Stage, emoji_id: object) -> None:
    add(stage, "party")
    outcome = stage.do("mod", "emoji_update", emoji_id=emoji_id, name="PARTY")
    expected = {"cmd": "emoji_update", "id": "1", "name": "PARTY", "fileName": "1.png", "updated": True}
    assert told(outcome) == [expected]
    assert outcome.events[0].audience == Everyone()
    assert [(entry.action, entry.details) for entry in outcome.audit] == [("emoji_update", {"name": "PARTY"})]
    assert files(stage) == ["1.png"]


def test_emoji_update_of_the_picture_gives_it_another_file_name(stage: Stage) -> None:
    """So that nobody shows the old one from a cache."""
    add(stage, "party")
    changed = stage.answer("mod", "emoji_update", emoji_id=1, image=data_uri(moving_gif("red", "blue"), "gif"))
    assert changed["fileName"].startswith("1_")
    assert changed["fileName"].endswith(".gif")
    assert files(stage) == [changed["fileName"]]


def test_emoji_update_refuses(stage: Stage) -> None:
    add(stage, "one")
    add(stage, "two")
    assert stage.refused("mod", "emoji_update", emoji_id=1).code.wire == "no_updates"
    assert stage.refused("mod", "emoji_update", emoji_id=9, name="x").code.wire == "emoji_not_found"
    assert stage.refused("mod", "emoji_update", emoji_id=1, name="TWO").code.wire == "emoji_exists"
    assert stage.refused("mod", "emoji_update", emoji_id=1, image="x").fields["field"] == "emoji_update.image"
    for bad in (-1, 10**15, "x", "", "1" * 16, None, 1.5):
        assert stage.refused("mod", "emoji_update", emoji_id=bad, name="x").code.wire == "bad_value"
    assert files(stage) == ["1.png", "2.png"]


def test_emoji_delete_takes_record_and_picture(stage: Stage) -> None:
    add(stage, "party")
    outcome = stage.do("mod", "emoji_delete", emoji_id="1")
    assert told(outcome) == [{"cmd": "emoji_delete", "id": "1", "deleted": True}]
    assert outcome.events[0].audience == Everyone()
    assert [(entry.action, entry.target_name) for entry in outcome.audit] == [("emoji_delete", "party")]
    assert files(stage) == []
    assert stage.refused("mod", "emoji_delete", emoji_id=1).code.wire == "emoji_not_found"


def test_an_id_is_never_given_twice(stage: Stage) -> None:
    add(stage, "one")
    stage.do("mod", "emoji_delete", emoji_id=1)
    assert add(stage, "one") == "2"


def test_a_picture_that_another_emoji_shows_stays(stage: Stage) -> None:
    add(stage, "one")
    stage.world.emojis.put(Emoji(id="5", name="same", file_name="1.png"))
    stage.do("mod", "emoji_delete", emoji_id=1)
    assert files(stage) == ["1.png"]
    stage.do("mod", "emoji_delete", emoji_id=5)
    assert files(stage) == []


def test_emoji_commands_that_change_need_manage_server(stage: Stage) -> None:
    add(stage, "party")
    for cmd, fields in (
        ("emoji_add", {"name": "x", "image": PNG}),
        ("emoji_update", {"emoji_id": 1, "name": "x"}),
        ("emoji_delete", {"emoji_id": 1}),
    ):
        assert stage.refused("ann", cmd, **fields).code.wire == "permission_required", cmd


def test_an_edit_by_hand_is_told_as_by_the_command(stage: Stage) -> None:
    def edit(old: Emoji | None, new: Emoji | None) -> list[dict[str, Any]]:
        changes = stage.world.documents.apply_external([Change("emojis", "7", old, new)])
        return [told_one(event) for event in effects(stage.world, changes).events]

    party = Emoji(id="7", name="party", file_name="party.png")
    renamed = msgspec.structs.replace(party, name="fete")
    fields = {"id": "7", "fileName": "party.png"}
    assert edit(None, party) == [{"cmd": "emoji_add", "name": "party", "added": True, **fields}]
    assert edit(party, renamed) == [{"cmd": "emoji_update", "name": "fete", "updated": True, **fields}]
    noted = msgspec.structs.replace(renamed, extra={"note": "x"})
    assert edit(renamed, noted) == []
    assert edit(noted, None) == [{"cmd": "emoji_delete", "id": "7", "deleted": True}]
    assert stage.world.emojis.take_id() == "8"


def test_tidy_removes_what_failed_commands_left_and_nothing_of_the_host(stage: Stage, tmp_path: Path) -> None:
    add(stage, "one")
    folder = stage.world.emoji_pictures.folder
    stage.world.emojis.next_id = 5
    for name in ("2.png", "1_0123abcd.gif", "3.gif.tmp-0123", "7.png", "mine.png", "2.svg", "notes.txt"):
        (folder / name).write_bytes(b"x")
    stage.world.emoji_pictures.tidy(stage.world.emojis)
    assert files(stage) == ["1.png", "2.svg", "7.png", "mine.png", "notes.txt"]
    EmojiPictures(tmp_path / "none").tidy(stage.world.emojis)
