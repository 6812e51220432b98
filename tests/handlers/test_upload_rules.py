from __future__ import annotations

import pytest

from config.features import Attachments
from handlers.upload_rules import MAX_NAME, MIB, clean_name, lifetime_days

LONG = Attachments(free_tier_max_expiration_days=1000)


@pytest.mark.parametrize(
    ("size", "days"),
    [(1, 49), (5 * MIB, 49), (15 * MIB, 28), (25 * MIB, 7), (int(62.5 * MIB), 4), (100 * MIB, 1), (900 * MIB, 1)],
)
def test_larger_files_stay_for_a_shorter_time(size: int, days: float) -> None:
    assert lifetime_days(size, False, LONG) == pytest.approx(days)
    assert lifetime_days(size, False, Attachments()) == pytest.approx(min(days, 7))
    assert lifetime_days(size, True, LONG) == 365


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("holiday.png", "holiday.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ann\\cat.gif", "cat.gif"),
        ("a\0b\r\nSet-Cookie: x.png", "abSet-Cookie: x.png"),
        ("exe.\u202egnp", "exe.gnp"),
        ("Zo\u0308e.pdf", "Zöe.pdf"),
        ("", "file"), (" . ", "file"), ("..", "file"), ("a/", "file"), ("\u200b", "file"), ("\ud800", "file"),
        ("x" * 300, "x" * MAX_NAME),
        ("x" * 300 + ".tar.gz", "x" * (MAX_NAME - 3) + ".gz"),
        ("x." + "y" * 300, "x." + "y" * (MAX_NAME - 2)),
    ],
)  # fmt: skip
def test_a_name_is_the_last_part_of_the_path_without_what_is_not_seen(given: str, kept: str) -> None:
    assert clean_name(given) == kept
