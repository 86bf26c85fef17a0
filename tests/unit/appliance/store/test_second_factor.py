"""Codes of a telephone's app: right once, within a step, behind the brake, and sealed where they lie."""

from __future__ import annotations

from pathlib import Path

import pyotp
import pytest

from appliance.core.errors import StoreError
from appliance.store import accounts, second_factor
from appliance.store.accounts import Accounts, Login, Outcome
from appliance.store.database import open_store
from appliance.store.second_factor import SecondFactors, Verdict

NOW, DEVICE, PASSWORD = 1_780_000_000, "10.21.0.7", "kopi pagi di balai"


@pytest.fixture
def people(tmp_path: Path) -> Accounts:
    made = Accounts(open_store(tmp_path / "a.db", [accounts.MIGRATIONS, second_factor.MIGRATIONS]))
    for name in ("sari", "budi"):
        assert made.change_password(name, made.add(name, "admin", NOW), PASSWORD, DEVICE, NOW) is None
    return made


@pytest.fixture
def factors(people: Accounts) -> SecondFactors:
    return SecondFactors(people, b"k" * 32, "NOC")


def enter(
    factors: SecondFactors, now: int, device: str = DEVICE, password: str = PASSWORD, name: str = "sari"
) -> Login:
    return factors.accounts.log_in(name, password, device, now, wants_more=factors.has)


def enrol(factors: SecondFactors, now: int = NOW, name: str = "sari") -> tuple[pyotp.TOTP, tuple[str, ...]]:
    token = enter(factors, now, name=name).token
    draft = factors.begin(factors.accounts.one(name), now)
    codes = factors.confirm(name, token, pyotp.TOTP(draft.secret).at(now), now)
    assert len(set(codes)) == 10 and not factors.is_half(name, token)
    return pyotp.TOTP(draft.secret), codes


def verdict(factors: SecondFactors, code: str, now: int, device: str = DEVICE) -> Verdict:
    login = enter(factors, now, device)
    assert login.outcome is Outcome.WELCOME
    return factors.check("sari", login.token, code, device, now).verdict


def test_codes_are_those_of_the_standard(factors: SecondFactors) -> None:
    # RFC 6238, appendix B, the last six of eight digits.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    sealed = factors._seal("sari", secret)
    for time, code in ((59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")):
        assert factors._step("sari", sealed, code, time) == time // 30
        assert factors._step("sari", sealed, f" {code[:3]} {code[3:]} ", time) == time // 30


@pytest.mark.parametrize(("steps", "is_right"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(factors: SecondFactors, steps: int, is_right: bool) -> None:
    totp, _ = enrol(factors, NOW - 600)
    assert (verdict(factors, totp.at(NOW + steps * 30), NOW) is Verdict.RIGHT) is is_right


def test_a_code_counts_once_and_none_before_it(factors: SecondFactors) -> None:
    totp, _ = enrol(factors)
    assert verdict(factors, totp.at(NOW), NOW + 1) is Verdict.WRONG  # the one that took it in use
    later = NOW + 300
    assert verdict(factors, totp.at(later + 30), later) is Verdict.RIGHT
    assert verdict(factors, totp.at(later + 30), later + 30) is Verdict.WRONG
    assert verdict(factors, totp.at(later), later + 30, "10.21.0.8") is Verdict.WRONG
    assert verdict(factors, totp.at(later + 60), later + 60, "10.21.0.9") is Verdict.RIGHT


def test_a_session_is_half_until_its_code_has_come(factors: SecondFactors) -> None:
    totp, _ = enrol(factors)
    token = enter(factors, NOW + 300).token
    assert factors.is_half("sari", token)
    assert factors.check("sari", token, totp.at(NOW + 300), DEVICE, NOW + 300).verdict is Verdict.RIGHT
    assert not factors.is_half("sari", token)
    assert not factors.is_half("budi", "anything")
    late = enter(factors, NOW + 400).token
    assert factors.check("sari", late, totp.at(NOW + 701), DEVICE, NOW + 701).verdict is Verdict.ENDED
    assert factors.accounts.of_session(late, NOW + 701) is None


def test_a_draft_binds_nobody_and_a_factor_is_not_overwritten(factors: SecondFactors) -> None:
    sari, token = factors.accounts.one("sari"), enter(factors, NOW).token
    first = factors.begin(sari, NOW)
    assert not factors.has("sari") and not factors.is_half("sari", token)
    second = factors.begin(sari, NOW)
    assert factors.confirm("sari", token, pyotp.TOTP(first.secret).at(NOW), NOW) == ()
    assert factors.confirm("sari", token, pyotp.TOTP(second.secret).at(NOW), NOW)
    assert factors.has("sari") and factors.all() == {"sari"}
    with pytest.raises(StoreError, match="reset it first"):
        factors.begin(sari, NOW)
    assert factors.confirm("sari", token, pyotp.TOTP(second.secret).at(NOW), NOW) == ()


def test_a_recovery_code_counts_once(factors: SecondFactors) -> None:
    _, codes = enrol(factors)
    token = enter(factors, NOW).token
    answer = factors.check("sari", token, codes[3].upper().replace("-", " "), DEVICE, NOW)
    assert (answer.verdict, answer.codes_left, factors.codes_left("sari")) == (Verdict.RECOVERY, 9, 9)
    assert verdict(factors, codes[3], NOW) is Verdict.WRONG
    renewed = factors.renew_codes("sari")
    assert verdict(factors, codes[4], NOW, "10.21.0.8") is Verdict.WRONG
    assert verdict(factors, renewed[0], NOW, "10.21.0.9") is Verdict.RECOVERY
    # Another person's code is no code of mine.
    _, theirs = enrol(factors, name="budi")
    assert verdict(factors, theirs[0], NOW, "10.21.0.10") is Verdict.WRONG


def test_a_right_password_gives_no_free_tries_at_codes(factors: SecondFactors) -> None:
    enrol(factors)
    tried = 0
    for _ in range(50):
        login = enter(factors, NOW, "203.0.113.9")
        if login.outcome is Outcome.WAIT:
            break
        tried += factors.check("sari", login.token, "000000", "203.0.113.9", NOW).verdict is Verdict.WRONG
    assert tried <= 3  # password and code both count, five in all


def test_codes_from_many_devices_are_braked_by_name_and_the_owner_is_not(factors: SecondFactors) -> None:
    totp, _ = enrol(factors)
    tries = [
        factors.check("sari", enter(factors, NOW, f"203.0.113.{i}").token, "000000", f"203.0.113.{i}", NOW)
        for i in range(14)
    ]
    assert [each.verdict for each in tries] == [Verdict.WRONG] * 10 + [Verdict.WAIT] * 4
    assert tries[-1].wait_seconds == 60
    assert verdict(factors, totp.at(NOW + 300), NOW + 300) is Verdict.RIGHT


def test_five_wrong_codes_ask_for_the_password_again(factors: SecondFactors) -> None:
    enrol(factors)
    token = enter(factors, NOW).token
    now, verdicts = NOW, []
    for _ in range(second_factor.WRONG_MAX):
        answer = factors.check("sari", token, "123", DEVICE, now)
        while answer.verdict is Verdict.WAIT:
            now += answer.wait_seconds
            answer = factors.check("sari", token, "123", DEVICE, now)
        verdicts.append(answer.verdict)
    assert verdicts[:4] == [Verdict.WRONG] * 4 and verdicts[4] is Verdict.ENDED
    assert factors.accounts.of_session(token, now) is None


@pytest.mark.parametrize(
    "code", ["", " ", "12345", "1234567", "١٢٣٤٥٦", "12345a", "'; --", "\ud800", "x" * 100_000, "\0"]
)
def test_what_is_no_code_is_wrong(factors: SecondFactors, code: str) -> None:
    enrol(factors)
    assert verdict(factors, code, NOW) is Verdict.WRONG


def test_a_reset_ends_sessions_and_opens_the_way(factors: SecondFactors) -> None:
    enrol(factors)
    token = enter(factors, NOW).token
    assert factors.reset("sari") and not factors.reset("sari")
    assert factors.accounts.of_session(token, NOW) is None
    token = enter(factors, NOW).token
    assert not factors.is_half("sari", token) and factors.codes_left("sari") == 0


def test_taking_a_factor_ends_other_sessions(factors: SecondFactors) -> None:
    other = enter(factors, NOW).token
    enrol(factors)
    assert factors.accounts.of_session(other, NOW) is None


def test_secrets_lie_sealed_and_for_one_name(factors: SecondFactors, people: Accounts, tmp_path: Path) -> None:
    totp, codes = enrol(factors)
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("a.db*"))
    for text in (totp.secret, *codes):
        assert text.encode() not in raw
    enrol(factors, name="budi")
    with people.store.transaction() as db:
        db.execute("UPDATE second_factors SET sealed = (SELECT sealed FROM second_factors WHERE name = 'budi')")
    with pytest.raises(StoreError, match="sealed with another key"):
        verdict(factors, totp.at(NOW + 60), NOW + 60)


def test_who_was_asked_lately(factors: SecondFactors) -> None:
    token = enter(factors, NOW).token
    assert factors.is_fresh(token, NOW + 899, 900) and not factors.is_fresh(token, NOW + 900, 900)
    factors.freshen(token, NOW + 1000)
    assert factors.is_fresh(token, NOW + 1800, 900)
    assert not factors.is_fresh(token, NOW - 10_000, 900)
    assert not factors.is_fresh("nobody", NOW, 900)
