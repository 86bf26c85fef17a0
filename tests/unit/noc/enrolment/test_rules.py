"""Who gets a certificate, without clock, database or key."""

from __future__ import annotations

import pytest

from noc.enrolment.rules import (
    RENEWAL_PAUSE_SECONDS,
    WRONG_TRIES_MAX,
    Brake,
    Claim,
    Known,
    RefusalCode,
    Refused,
    Verdict,
    judge_claim,
    judge_renewal,
)

OPEN = Claim("hub-satu", b"", b"", expires_s=1_000)


@pytest.mark.parametrize(
    ("claim", "is_right", "key", "now_s", "expected"),
    [
        (OPEN, True, "k", 999, Verdict.ISSUE),
        (OPEN, True, "k", 1_000, RefusalCode.CLAIM_EXPIRED),
        (OPEN, False, "k", 1_000, RefusalCode.CLAIM_WRONG),
        (Claim("h", b"", b"", 1_000, used_key="k"), True, "k", 5_000, Verdict.REPEAT),
        (Claim("h", b"", b"", 1_000, used_key="k"), True, "other", 1, RefusalCode.CLAIM_USED),
        (Claim("h", b"", b"", 1_000, used_key="k"), False, "k", 1, RefusalCode.CLAIM_WRONG),
        (Claim("h", b"", b"", 1_000, WRONG_TRIES_MAX), True, "k", 1, RefusalCode.CLAIM_BLOCKED),
        (Claim("h", b"", b"", 1_000, WRONG_TRIES_MAX - 1), True, "k", 1, Verdict.ISSUE),
    ],
)
def test_a_claim(claim: Claim, is_right: bool, key: str, now_s: int, expected: Verdict | RefusalCode) -> None:
    if isinstance(expected, Verdict):
        assert judge_claim(claim, is_right=is_right, key=key, now_s=now_s) is expected
        return
    with pytest.raises(Refused) as caught:
        judge_claim(claim, is_right=is_right, key=key, now_s=now_s)
    assert caught.value.code is expected


@pytest.mark.parametrize(
    ("known", "is_hub_revoked", "key", "expected"),
    [
        (Known(0, False), False, "k", Verdict.ISSUE),
        (None, False, "k", Verdict.ISSUE),
        (None, True, "k", RefusalCode.REVOKED),
        (Known(0, True), False, "k", RefusalCode.REVOKED),
        (Known(0, False, "k"), True, "k", RefusalCode.REVOKED),
        (Known(0, False, "k"), False, "k", Verdict.REPEAT),
        (Known(0, False, "other"), False, "k", RefusalCode.SUPERSEDED),
        (Known(100_000 - RENEWAL_PAUSE_SECONDS + 1, False), False, "k", RefusalCode.TOO_SOON),
        (Known(100_000 - RENEWAL_PAUSE_SECONDS, False), False, "k", Verdict.ISSUE),
        (Known(100_001, False), False, "k", Verdict.ISSUE),
    ],
)
def test_a_renewal(known: Known | None, is_hub_revoked: bool, key: str, expected: Verdict | RefusalCode) -> None:
    if isinstance(expected, Verdict):
        assert judge_renewal(known, is_hub_revoked=is_hub_revoked, key=key, now_s=100_000) is expected
        return
    with pytest.raises(Refused) as caught:
        judge_renewal(known, is_hub_revoked=is_hub_revoked, key=key, now_s=100_000)
    assert caught.value.code is expected


def test_every_refusal_has_a_sentence() -> None:
    for code in RefusalCode:
        if code is not RefusalCode.MALFORMED:
            assert 400 <= Refused(code).status < 600
            assert len(str(Refused(code))) > 20


def test_the_brake_holds_one_address_for_a_minute_and_its_memory_is_bounded() -> None:
    brake = Brake(3, addresses_max=10)
    for _ in range(3):
        assert not brake.is_held("a", 0.0)
        brake.count("a", 0.0)
    assert brake.is_held("a", 59.9)
    assert not brake.is_held("b", 59.9)
    assert not brake.is_held("a", 60.0)
    brake.count("a", 60.0)
    assert not brake.is_held("a", 60.0)
    for number in range(1_000):
        brake.count(str(number), 61.0)
    assert len(brake._counts) == 10
