from __future__ import annotations

from handlers.claim import Claim


def test_the_code_works_until_it_was_used() -> None:
    claim = Claim("ABCD-EFGH-JKLM", lambda: False)
    assert not claim.fits("ABCD-EFGH-JKLX")
    assert claim.fits(" abcd-efgh-jklm ")
    assert claim.fits("ABCD-EFGH-JKLM"), "making the first owner may have failed"
    claim.close()
    assert not claim.fits("ABCD-EFGH-JKLM")


def test_the_code_makes_no_second_owner() -> None:
    owners: list[str] = []
    claim = Claim("ABCD-EFGH-JKLM", lambda: bool(owners))
    assert claim.fits("ABCD-EFGH-JKLM")
    owners.append("ann")
    assert not claim.fits("ABCD-EFGH-JKLM")


def test_without_a_code_nothing_works() -> None:
    assert not Claim(None, lambda: False).fits("")
