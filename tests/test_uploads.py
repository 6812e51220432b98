"""Uploads over HTTP, in the whole server without sockets: who may, what is kept, what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from db.attachments import UNUSED_S
from db.file_store import FileStore
from handlers import rotur
from handlers.rotur import RoturUnavailable, RoturUser
from handlers.uploads import FORGET_TICKS, SWEEP_TICKS
from tests.support.browser import Browser, calm, configure, dimensions, open_upload_house, stored, tick, uploaded
from tests.support.house import Guest, House
from tests.support.pictures import picture

pytestmark = pytest.mark.anyio


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_upload_house(tmp_path) as house:
        yield house


@pytest.fixture
async def ann(house: House) -> Guest:
    return await house.enter("ann")


@pytest.fixture
def browser(house: House) -> Browser:
    return Browser(house)


# --- what the web client does


async def test_a_picture_is_uploaded_posted_and_fetched(house: House, ann: Guest, browser: Browser) -> None:
    ben = await house.enter("ben")
    answer = await browser.upload(ann.ready["session"], picture(size=(30, 20)), name="my cat.png")
    kept = uploaded(answer)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert (kept.name, kept.mime_type, kept.width, kept.height) == ("my cat.png", "image/png", 30, 20)
    assert kept.url == f"https://chat.example.org/attachments/{kept.id}"
    assert kept.expires_at == house.clock.now + 7 * 86_400
    assert not kept.permanent

    ben.packets.clear()
    sent = (await ann.one("message_new", channel="general", content="", attachments=[{"id": kept.id}]))["message"]
    (heard,) = ben.packets
    assert heard["message"]["attachments"] == sent["attachments"] == [answer.json["attachment"]]

    fetched = await browser.get(f"/attachments/{kept.id}")
    assert fetched.status == 200
    assert dimensions(fetched.body) == (30, 20)
    assert len(fetched.body) == kept.size


async def test_a_multipart_form_with_a_token_in_the_head(house: House, ann: Guest, browser: Browser) -> None:
    kept = uploaded(await browser.form(ann.ready["session"], b"%PDF-1.7 hello", name="r\u00e9sum\u00e9.pdf"))
    assert (kept.name, kept.mime_type, kept.size, kept.width) == ("résumé.pdf", "application/pdf", 14, None)


# --- who may


async def test_without_credentials_nothing_is_kept(house: House, browser: Browser) -> None:
    for answer in (
        await browser.upload(None, picture()),
        await browser.upload("", picture()),
        await browser.upload("no session", picture()),
        await browser.form(None, picture()),
        await browser.form("no session", picture()),
    ):
        assert answer.status == 401, answer.body
        assert set(answer.json) == {"error", "code"}
    await calm(house)
    assert stored(house) == []


async def test_guessing_is_throttled_like_logging_in(house: House, browser: Browser) -> None:
    most = house.world.config.limits.login_tries_per_minute
    for _ in range(most):
        assert (await browser.upload("guess", b"x")).status == 401
    answer = await browser.upload("guess", b"x")
    assert answer.status == 429
    assert 0 < int(answer.headers["retry-after"]) <= 61
    house.clock.now += 61
    assert (await browser.upload("guess", b"x")).status == 401


@pytest.mark.parametrize(
    ("user", "fields", "status", "text"),
    [
        ({}, {"channel": "nowhere"}, 404, "Channel not found"),
        ({}, {"channel": "staff"}, 404, "Channel not found"),
        ({"banned": True}, {}, 403, "You are banned from this server"),
        ({"muted_until": 1_700_000_060.0}, {}, 403, "You are timed out for 60 seconds"),
        ({}, {"expires_in_days": -1}, 400, "expires_in_days"),
        ({}, {"name": None}, 400, "name"),
    ],
)
async def test_who_may_not_write_there_uploads_nothing(
    house: House, ann: Guest, browser: Browser, user: dict[str, Any], fields: dict[str, Any], status: int, text: str
) -> None:
    record = house.world.users.get(house.user_id("ann"))
    assert record is not None
    house.world.users.put(msgspec.structs.replace(record, **user))
    answer = await browser.upload(ann.ready["session"], picture(), **fields)
    assert answer.status == status, answer.body
    assert text in answer.json["error"]
    await calm(house)
    assert stored(house) == []


async def test_a_channel_that_may_only_be_read(tmp_path: Path) -> None:
    rules = {"view": ["user"], "send": ["moderator"]}
    channels = [{"type": "text", "name": "general", "permissions": rules}]
    async with open_upload_house(tmp_path, channels=channels) as house:
        ann, browser = await house.enter("ann"), Browser(house)
        answer = await browser.upload(ann.ready["session"], picture())
        assert (answer.status, answer.json["error"]) == (
            403, "You do not have permission to send messages in this channel",
        )  # fmt: skip


async def test_direct_channels_and_forums_take_uploads_of_those_who_may_write_there(
    house: House, ann: Guest, browser: Browser
) -> None:
    await house.enter("ben")
    host = await house.enter("host")
    opened = (await ann.ask("direct_open", user=house.user_id("ben")))[-1]
    direct = opened["channel"]["name"]
    assert uploaded(await browser.upload(ann.ready["session"], picture(), channel=direct))
    assert uploaded(await browser.upload(ann.ready["session"], picture(), channel="ideas"))
    assert (await browser.upload(host.ready["session"], picture(), channel=direct)).status == 404


async def test_a_session_that_ended_uploads_nothing(house: House, ann: Guest, browser: Browser) -> None:
    other = await house.enter("ann")
    sessions = (await ann.one("sessions_list"))["sessions"]
    ended = next(session["id"] for session in sessions if not session["current"])
    await ann.ask("session_end", id=ended)
    assert (await browser.upload(other.ready["session"], picture())).status == 401
    assert (await browser.form(other.ready["session"], picture())).status == 401


async def test_guests_upload_nothing(house: House, browser: Browser) -> None:
    packets = await house.guest().ask("guest_login", username="visitor")
    session = next(packet["session"] for packet in packets if packet["cmd"] == "ready")
    answer = await browser.upload(session, picture())
    assert (answer.status, answer.json["code"]) == (403, "account_required")


async def rotur_user(house: House, monkeypatch: pytest.MonkeyPatch) -> str:
    """Somebody with a Rotur account who is connected; gives the `validator_key` of the connection."""

    async def validate(url: str, key: str, validator: str, timeout_s: float) -> RoturUser | None:
        if validator == "unreachable":
            raise RoturUnavailable("no answer in time")
        return RoturUser("1001", "roy") if validator == f"good for {key}" else None

    monkeypatch.setattr(rotur, "validate", validate)
    guest = house.guest()
    await house.quiet()
    key: str = guest.packets[0]["val"]["validator_key"]
    await guest.ask("auth", validator=f"good for {key}")
    return key


async def test_a_validator_of_an_open_connection_lets_its_user_upload(
    house: House, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = await rotur_user(house, monkeypatch)
    tiers: dict[str, str | None] = {"roy": "Pro"}
    asked: list[str] = []

    async def subscription(url: str, name: str, timeout_s: float) -> str | None:
        asked.append(name)
        if tiers[name] is None:
            raise RoturUnavailable("HTTP 503")
        return tiers[name]

    monkeypatch.setattr(rotur, "subscription", subscription)
    kept = uploaded(await browser.upload(f"good for {key}", picture(), validator_key=key))
    assert kept.permanent
    assert kept.expires_at == house.clock.now + 365 * 86_400
    tiers["roy"] = None
    assert uploaded(await browser.upload(f"good for {key}", picture(), validator_key=key)).permanent
    assert asked == ["roy"], "the answer is believed for a while"
    house.clock.now += house.world.config.attachments.subscription_cache_ttl + 1
    short = uploaded(await browser.upload(f"good for {key}", picture(), validator_key=key, expires_in_days=0.5))
    assert not short.permanent
    assert short.expires_at == house.clock.now + 43_200

    for validator, of, status in (
        (f"good for {key}", "originChats-another", 401),
        (f"good for {key}", "", 401),
        ("bad", key, 401),
        ("unreachable", key, 502),
    ):
        assert (await browser.upload(validator, picture(), validator_key=of)).status == status


# --- how long, how many, how much


async def test_an_upload_ends_at_its_time_and_its_file_goes(house: House, ann: Guest, browser: Browser) -> None:
    kept = uploaded(await browser.upload(ann.ready["session"], picture(), expires_in_days=0.02))
    await ann.ask("message_new", channel="general", content="", attachments=[{"id": kept.id}])
    house.clock.now += 0.02 * 86_400 - 1
    assert (await browser.get(f"/attachments/{kept.id}")).status == 200
    house.clock.now += 1
    assert (await browser.get(f"/attachments/{kept.id}")).status == 404
    (refusal,) = await ann.ask("message_new", channel="general", content="", attachments=[{"id": kept.id}])
    assert "expired" in refusal["val"]
    await tick(house, FORGET_TICKS)
    assert stored(house) == []


async def test_an_upload_that_no_message_shows_goes_after_an_hour(house: House, ann: Guest, browser: Browser) -> None:
    kept = uploaded(await browser.upload(ann.ready["session"], picture("red")))
    shown = uploaded(await browser.upload(ann.ready["session"], picture("blue")))
    await ann.ask("message_new", channel="general", content="", attachments=[{"id": shown.id}])
    house.clock.now += UNUSED_S + 1
    await tick(house, FORGET_TICKS)
    assert (await browser.get(f"/attachments/{kept.id}")).status == 404
    assert (await browser.get(f"/attachments/{shown.id}")).status == 200
    assert len(stored(house)) == 1


async def test_equal_bytes_of_two_users_are_one_file_and_two_records(
    house: House, ann: Guest, browser: Browser
) -> None:
    ben = await house.enter("ben")
    first = uploaded(await browser.upload(ann.ready["session"], picture(), name="mine.png"))
    second = uploaded(await browser.upload(ben.ready["session"], picture(), name="hers.png"))
    assert first.id != second.id
    assert (first.name, second.name) == ("mine.png", "hers.png")
    assert len(stored(house)) == 1
    assert (await ann.one("attachment_delete", attachment_id=second.id))["code"] == "not_permitted"
    await ann.one("attachment_delete", attachment_id=first.id)
    await tick(house, FORGET_TICKS)
    assert (await browser.get(f"/attachments/{first.id}")).status == 404
    assert (await browser.get(f"/attachments/{second.id}")).status == 200
    posted = await ben.one("message_new", channel="general", content="", attachments=[{"id": second.id}])
    await ben.ask("message_delete", channel="general", id=posted["message"]["id"])
    assert (await browser.get(f"/attachments/{second.id}")).status == 404
    await tick(house, FORGET_TICKS)
    assert stored(house) == []


async def test_removing_and_uploading_equal_bytes_at_once_loses_no_file(
    house: House, ann: Guest, browser: Browser
) -> None:
    async def go_round() -> None:
        for _ in range(10):
            kept = uploaded(await browser.upload(ann.ready["session"], b"%PDF-1.7 same"))
            assert (await browser.get(f"/attachments/{kept.id}")).status == 200
            house.world.journal.submit(lambda tx, id=kept.id: tx.attachments.end([id]), (), lambda operation: None)  # type: ignore[misc]
            for _ in range(FORGET_TICKS):
                house.community.uploads.tick()

    await asyncio.gather(go_round(), go_round())
    await tick(house, FORGET_TICKS)
    assert stored(house) == []


async def test_files_that_no_record_needs_are_swept_up(house: House, ann: Guest, browser: Browser) -> None:
    kept = uploaded(await browser.upload(ann.ready["session"], picture()))
    files: FileStore = house.community.uploads.files
    stray = files.incoming()
    stray.write(b"left by a crash")
    files.release(files.place(stray))
    assert len(stored(house)) == 2
    await tick(house, SWEEP_TICKS * 256)
    assert len(stored(house)) == 1
    assert (await browser.get(f"/attachments/{kept.id}")).status == 200


async def test_no_more_files_than_allowed_and_the_oldest_unused_goes_first(
    house: House, ann: Guest, browser: Browser
) -> None:
    configure(house, max_attachments_per_user=2)
    session = ann.ready["session"]
    shown = uploaded(await browser.upload(session, picture("red")))
    await ann.ask("message_new", channel="general", content="", attachments=[{"id": shown.id}])
    waiting = uploaded(await browser.upload(session, picture("blue")))
    third = uploaded(await browser.upload(session, picture("green")))
    assert (await browser.get(f"/attachments/{waiting.id}")).status == 404
    await ann.ask("message_new", channel="general", content="", attachments=[{"id": third.id}])
    refused = await browser.upload(session, picture("black"))
    assert (refused.status, refused.json["code"]) == (403, "too_many_files")
    configure(house, max_attachments_per_user=0)
    assert (await browser.upload((await house.enter("ben")).ready["session"], picture())).status == 403
    await tick(house, FORGET_TICKS)
    assert len(stored(house)) == 2


async def test_no_more_bytes_than_allowed(house: House, ann: Guest, browser: Browser) -> None:
    configure(house, max_total_bytes_per_user=150)
    session = ann.ready["session"]
    assert uploaded(await browser.upload(session, b"%PDF" + b"a" * 96))
    refused = await browser.upload(session, b"%PDF" + b"b" * 96)
    assert (refused.status, refused.json["code"]) == (403, "no_room_for_file")
    configure(house, max_total_bytes_per_user=-1)
    assert uploaded(await browser.upload(session, b"%PDF" + b"b" * 96))


async def test_no_more_uploads_in_a_minute_than_allowed(house: House, ann: Guest, browser: Browser) -> None:
    configure(house, uploads_per_minute=2)
    session = ann.ready["session"]
    for _ in range(2):
        assert uploaded(await browser.upload(session, picture()))
    answer = await browser.upload(session, picture())
    assert answer.status == 429
    assert answer.headers["retry-after"] == "61"
    assert "rate limit" in answer.json["error"].lower()
    house.clock.now += 61
    assert uploaded(await browser.upload(session, picture()))


async def test_the_last_of_the_disk_is_kept_free(
    house: House, ann: Guest, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileStore, "free_bytes", lambda self: 1_000_000)
    answer = await browser.upload(ann.ready["session"], picture())
    assert (answer.status, answer.json["code"]) == (507, "disk_full")


async def test_uploads_that_are_switched_off(house: House, ann: Guest, browser: Browser) -> None:
    kept = uploaded(await browser.upload(ann.ready["session"], picture()))
    configure(house, enabled=False)
    for answer in (
        await browser.upload(ann.ready["session"], picture()),
        await browser.form(ann.ready["session"], picture()),
        await browser.get(f"/attachments/{kept.id}"),
    ):
        assert (answer.status, answer.json["error"]) == (503, "Attachments are disabled on this server")
    guest = house.guest()
    await house.quiet()
    assert guest.packets[0]["val"]["attachments"]["enabled"] is False


async def test_what_the_community_sets_for_pictures_counts_at_once(house: House, ann: Guest, browser: Browser) -> None:
    configure(house, compression={"max_width": 64, "max_height": 32})
    kept = uploaded(await browser.upload(ann.ready["session"], picture(size=(100, 100))))
    assert (kept.width, kept.height) == (32, 32)
    configure(house, compression={"enabled": False, "max_width": 64})
    kept = uploaded(await browser.upload(ann.ready["session"], picture(size=(100, 100))))
    assert (kept.width, kept.height) == (100, 100)
    assert dimensions((await browser.get(f"/attachments/{kept.id}")).body) == (100, 100)


async def test_whoever_gets_a_freed_name_has_none_of_its_uploads(house: House, ann: Guest, browser: Browser) -> None:
    shown = uploaded(await browser.upload(ann.ready["session"], picture("red")))
    unused = uploaded(await browser.upload(ann.ready["session"], picture("blue")))
    await ann.ask("message_new", channel="general", content="", attachments=[{"id": shown.id}])
    await ann.ask("user_leave")
    guest = house.guest()
    packets = await guest.ask("register", username="ann", password="correct horse")
    assert any(packet["cmd"] == "ready" for packet in packets), packets
    for id_ in (shown.id, unused.id):
        (refusal,) = await guest.ask("message_new", channel="general", content="", attachments=[{"id": id_}])
        assert refusal["cmd"] == "error"
    assert (await guest.one("attachment_delete", attachment_id=shown.id))["code"] == "not_permitted"
    assert (await browser.get(f"/attachments/{shown.id}")).status == 200
