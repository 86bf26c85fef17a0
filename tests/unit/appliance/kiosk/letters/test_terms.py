"""Officials' days in office, and the camat's signature, which some letters wait for."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from appliance.kiosk.letters import tables
from appliance.kiosk.letters.flow import Reason, State, StepRefused
from appliance.kiosk.letters.letter import Letter, Validity
from appliance.kiosk.letters.numbering import DateRefused
from appliance.kiosk.letters.officials import Term
from appliance.kiosk.letters.paper import Signing, SigningMode
from tests.unit.appliance.kiosk.letters.desks import ALL_KINDS, HEAD, OPERATOR, SECRETARY, Bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def refused(reason: Reason, act: Callable[[], object]) -> None:
    with pytest.raises(StepRefused) as refusal:
        act()
    assert refusal.value.reason is reason


CAMAT_KIND: Final = next(slug for slug, kind in ALL_KINDS.items() if kind.countersigned_by_camat)
DAY: Final = datetime.timedelta(days=1)
LETTERS_DAY: Final = datetime.date(2026, 8, 17)


def _approved_for_the_camat(bench: Bench) -> Letter:
    letter = bench.submitted(CAMAT_KIND)
    if letter.kind.needs_rt_letter:
        bench.desk.got_rt_letter(OPERATOR, letter.id, letter.version)
        letter = bench.seen(letter.id)
    bench.desk.verify(OPERATOR, letter.id, letter.version)
    bench.desk.approve(HEAD, letter.id, bench.official, letter.version + 1)
    return bench.seen(letter.id)


def test_a_letter_waits_for_the_camat_and_is_valid_only_then(bench: Bench) -> None:
    letter = _approved_for_the_camat(bench)
    bench.desk.sign_by_hand(OPERATOR, letter.id, letter.version)
    away = bench.seen(letter.id)
    assert away.state is State.WAITS_FOR_CAMAT
    assert bench.desk.check(away.token).validity is Validity.NOT_SIGNED
    refused(Reason.NOT_NOW, lambda: bench.desk.make_ready(OPERATOR, letter.id, away.version))
    bench.now += 3 * 86_400
    bench.desk.countersign(OPERATOR, letter.id, away.version, LETTERS_DAY + 2 * DAY, "Wayan\u202e Sukarta")
    back = bench.seen(letter.id)
    assert back.state is State.SIGNED
    assert bench.desk.check(back.token).validity is Validity.VALID
    assert back.history[-1].note == "Camat: 19 Agustus 2026. Dibawa kembali oleh Wayan Sukarta."
    bench.desk.make_ready(OPERATOR, letter.id, back.version)


@pytest.mark.parametrize("days", [-1, 1, 400])
def test_the_camats_day_is_between_the_letters_and_today(bench: Bench, days: int) -> None:
    letter = _approved_for_the_camat(bench)
    bench.desk.sign_by_hand(OPERATOR, letter.id, letter.version)
    with pytest.raises(DateRefused):
        bench.desk.countersign(OPERATOR, letter.id, letter.version + 1, LETTERS_DAY + days * DAY, "Wayan")
    with pytest.raises(ValueError, match="reason"):
        bench.desk.countersign(OPERATOR, letter.id, letter.version + 1, LETTERS_DAY, " \u200b ")
    assert bench.seen(letter.id).state is State.WAITS_FOR_CAMAT
    refused(
        Reason.NOT_ALLOWED,
        lambda: bench.desk.countersign(HEAD, letter.id, letter.version + 1, LETTERS_DAY, "Wayan"),
    )


def test_no_other_letter_comes_back_from_the_camat(bench: Bench) -> None:
    letter = bench.signed()
    refused(Reason.NOT_NOW, lambda: bench.desk.countersign(OPERATOR, letter.id, letter.version, LETTERS_DAY, "W"))


@pytest.mark.parametrize(
    ("begins", "ends", "holds"),
    [(None, None, True), (0, 0, True), (-5, None, True), (None, 0, True), (1, None, False), (None, -1, False),
     (-9, -1, False), (1, 9, False)],
)  # fmt: skip
def test_an_official_signs_within_the_term_alone(
    bench: Bench, begins: int | None, ends: int | None, holds: bool
) -> None:
    term = Term(*(LETTERS_DAY + days * DAY if days is not None else None for days in (begins, ends)))
    plt = Signing("Ketut", "Sekretaris Desa", mode=SigningMode.ACTING, for_title="Perbekel")
    acting = bench.desk.officials_book.add(HEAD, plt, account="ketut", term=term)
    letter = bench.verified()
    assert (acting in [each.id for each in bench.desk.officials()]) is holds
    if holds:
        bench.desk.approve(SECRETARY, letter.id, acting, letter.version)
        assert bench.seen(letter.id).signing == plt
        return
    refused(Reason.NOT_IN_OFFICE, lambda: bench.desk.approve(SECRETARY, letter.id, acting, letter.version))
    assert bench.seen(letter.id).number is None, "no number is lost"
    bench.desk.approve(HEAD, letter.id, bench.official, letter.version)
    number = bench.seen(letter.id).number
    assert number is not None
    assert number.serial == 1


def test_the_term_counts_on_the_letters_date_where_the_clock_is_not_known(bench: Bench) -> None:
    term = Term(LETTERS_DAY, LETTERS_DAY + 30 * DAY)
    acting = bench.desk.officials_book.add(HEAD, Signing("Ketut", "Plt."), account="ketut", term=term)
    bench.clock_is_known, bench.now = False, bench.now - 400 * 86_400
    letter = bench.verified()
    assert acting in [each.id for each in bench.desk.officials()], "nobody knows the day: all are offered"
    refused(
        Reason.NOT_IN_OFFICE,
        lambda: bench.desk.approve(SECRETARY, letter.id, acting, letter.version, LETTERS_DAY - DAY),
    )
    bench.desk.approve(SECRETARY, letter.id, acting, letter.version, LETTERS_DAY)


def test_who_has_left_office_signs_no_old_letter_by_certificate(bench: Bench) -> None:
    letter = bench.approved()
    bench.desk.officials_book.change(
        HEAD,
        bench.official,
        1,
        Signing("I Made Contoh", "Perbekel Sukamaju"),
        account="made",
        term=Term(None, LETTERS_DAY),
    )
    bench.desk.require_electronic(HEAD, letter)
    bench.now += 86_400
    refused(Reason.NOT_IN_OFFICE, lambda: bench.desk.require_electronic(HEAD, letter))
    signing = bench.seen(letter.id).signing
    assert signing is not None and signing.name == "I Made Contoh"


def test_letters_that_were_signed_before_wait_for_the_camat_too(bench: Bench) -> None:
    for_camat, plain = _approved_for_the_camat(bench), bench.signed()
    bench.desk.sign_by_hand(OPERATOR, for_camat.id, for_camat.version)
    with bench.store.transaction() as db:
        db.execute("UPDATE letters SET state = 'signed' WHERE id = ?", [for_camat.id])
        db.execute(tables.CAMAT)
    assert bench.seen(for_camat.id).state is State.WAITS_FOR_CAMAT
    assert bench.seen(plain.id).state is State.SIGNED
