from __future__ import annotations

from handlers.claim import Claim


def test_the_code_works_once() -> None:
    claim = Claim("ABCD-EFGH-JKLM")
    assert not claim.take("ABCD-EFGH-JKLX")
    assert claim.take(" abcd-efgh-jklm ")
    assert not claim.take("ABCD-EFGH-JKLM")


def test_without_a_code_nothing_works() -> None:
    assert not Claim(None).take("")
