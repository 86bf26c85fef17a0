"""The desk: letters from the request to the resident's hand, and what it refuses without changing anything."""

from __future__ import annotations

import dataclasses
import datetime
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.core.errors import StoreError, StoreFull
from appliance.kiosk.actors import RESIDENT
from appliance.kiosk.letters import answers, numbers, store
from appliance.kiosk.letters.answers import Answers
from appliance.kiosk.letters.desk import WAITING_MAX, Desk
from appliance.kiosk.letters.flow import Reason, State, Step, StepRefused
from appliance.kiosk.letters.letter import Letter, Validity
from appliance.kiosk.letters.numbering import DateNeeded, DateRefused
from appliance.kiosk.letters.paper import Signing
from appliance.kiosk.letters.reading import Only
from appliance.kiosk.letters.store import LetterNotFound
from appliance.kiosk.residents.codes import StatusDasar
from appliance.store import database
from tests.unit.appliance.kiosk.letters.desks import (
    ALL_KINDS,
    HAND_KIND,
    HEAD,
    LOOK,
    NIK,
    NO_ANSWERS,
    OPERATOR,
    OTHER_OPERATOR,
    PLAIN,
    RT_KIND,
    SECRETARY,
    SOMEBODY,
    Bench,
    ayu,
    give_number,
    steps_of,
)  # fmt: skip
from tests.unit.appliance.kiosk.letters.samples import TODAY, raw

CODE = ALL_KINDS[PLAIN].code


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def everything(bench: Bench) -> list[tuple[object, ...]]:
    """All rows of all tables: what a refusal must not change."""
    with bench.store.reading() as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return [tuple(row) for name in names for row in db.execute(f'SELECT * FROM "{name}"')]


def refused(bench: Bench, reason: Reason, step: Callable[[], object]) -> None:
    before = everything(bench)
    with pytest.raises(StepRefused) as error:
        step()
    assert error.value.reason is reason
    assert everything(bench) == before


def test_the_whole_way(bench: Bench) -> None:
    checked = answers.check(ALL_KINDS[PLAIN], raw(ALL_KINDS[PLAIN]), TODAY)
    receipt = bench.desk.submit(RESIDENT, "one form", PLAIN, answers=checked, resident_id=SOMEBODY)
    letter = bench.seen(receipt.letter_id)
    assert letter.answers == checked
    assert letter.facts["nama"] == "Ni Luh Ayu Contoh"
    desk, letter_id = bench.desk, letter.id
    desk.verify(OPERATOR, letter_id, 1)
    number = desk.approve(HEAD, letter_id, bench.official, 2)
    assert number.text == f"{ALL_KINDS[PLAIN].code}/001/5103012001/VIII/2026"
    desk.sign_by_hand(OPERATOR, letter_id, 3)
    desk.make_ready(OPERATOR, letter_id, 4)
    desk.hand_over(OPERATOR, letter_id, 5, "Ni Luh Ayu Contoh")
    letter = bench.seen(letter_id)
    assert letter.state is State.COLLECTED
    assert letter.handed_to == "Ni Luh Ayu Contoh"
    assert letter.valid_until == datetime.date(2026, 8, 17) + datetime.timedelta(days=90)
    assert steps_of(letter) == [
        Step.SUBMIT, Step.VERIFY, Step.APPROVE, Step.SIGN_BY_HAND, Step.MAKE_READY, Step.HAND_OVER
    ]  # fmt: skip
    assert [past.actor_name for past in letter.history] == ["warga", "sri", "made", "sri", "sri", "sri"]
    entries = bench.audit.about(letter_id, 100)
    for past in letter.history:
        assert any(each.what == f"letter.{past.step}" and each.name == past.actor_name for each in entries)
    assert {entry.what for entry in bench.audit.about(SOMEBODY, 100)} >= {"letter.approve", "letter.seen"}
    assert bench.audit.verify() is None


def test_sent_twice_it_is_one_letter(bench: Bench) -> None:
    def send() -> tuple[int, str, bool]:
        made = bench.desk.submit(RESIDENT, "one form", PLAIN, answers=NO_ANSWERS, resident_id=SOMEBODY)
        return made.letter_id, made.code, made.was_there

    first = send()
    before = everything(bench)
    again = send()
    assert (again[:2], again[2]) == (first[:2], True)
    assert everything(bench) == before
    other = Answers({"keperluan": "Warung"})
    refused(
        bench,
        Reason.SENT_BEFORE,
        lambda: bench.desk.submit(RESIDENT, "one form", PLAIN, answers=other, resident_id=SOMEBODY),
    )


def test_a_letter_of_somebody_whom_the_register_does_not_know(bench: Bench) -> None:
    facts = {"nama": "Pak Tamu", "nik": ""}
    receipt = bench.desk.submit(OPERATOR, "k", PLAIN, answers=NO_ANSWERS, facts=facts)
    letter = bench.seen(receipt.letter_id)
    assert (letter.name, letter.resident_id) == ("Pak Tamu", None)
    bench.desk.change_answers(OPERATOR, letter.id, NO_ANSWERS, 1, facts={"nama": "Pak Tamu Agung"})
    assert bench.seen(letter.id).name == "Pak Tamu Agung"
    assert bench.desk.queue(LOOK)[0].name == "Pak Tamu Agung"
    with pytest.raises(ValueError, match="name"):
        bench.desk.submit(OPERATOR, "k2", PLAIN, answers=NO_ANSWERS, facts={"nama": " "})
    refused(
        bench, Reason.NOT_ALLOWED, lambda: bench.desk.submit(RESIDENT, "k3", PLAIN, answers=NO_ANSWERS, facts=facts)
    )


@pytest.mark.parametrize(
    "somebody",
    [
        ayu(status=StatusDasar.MATI),
        ayu(status=StatusDasar.PINDAH),
        ayu(birth_date=datetime.date(2015, 1, 1)),
        ayu(id=5),
    ],
    ids=["dead", "moved", "child", "unknown"],
)  # fmt: skip
def test_who_may_not_ask_is_refused(bench: Bench, somebody: object) -> None:
    bench.register.resident = somebody  # type: ignore[assignment] # made by `ayu`
    refused(
        bench,
        Reason.MAY_NOT_ASK,
        lambda: bench.desk.submit(RESIDENT, "k", PLAIN, answers=NO_ANSWERS, resident_id=SOMEBODY),
    )


def test_what_has_no_kind_is_no_letter(bench: Bench) -> None:
    with pytest.raises(KeyError):
        bench.desk.submit(RESIDENT, "k", "../etc/passwd", answers=NO_ANSWERS, resident_id=SOMEBODY)


def test_the_slower_of_two_officers_is_told(bench: Bench) -> None:
    letter = bench.submitted()
    bench.desk.ask_correction(OPERATOR, letter.id, letter.version, "Alamat usaha belum jelas")
    refused(bench, Reason.CHANGED_MEANWHILE, lambda: bench.desk.verify(OTHER_OPERATOR, letter.id, letter.version))
    refused(
        bench,
        Reason.CHANGED_MEANWHILE,
        lambda: bench.desk.change_answers(OTHER_OPERATOR, letter.id, NO_ANSWERS, letter.version),
    )
    assert bench.desk.of_resident(SOMEBODY)[0].note == "Alamat usaha belum jelas"


def test_who_verified_does_not_approve_though_they_might_sign(bench: Bench) -> None:
    own = bench.desk.officials_book.add(HEAD, Signing("Ketut", "Sekretaris Desa"), account="ketut")
    letter = bench.submitted()
    bench.desk.verify(SECRETARY, letter.id, letter.version)
    refused(bench, Reason.SAME_PERSON, lambda: bench.desk.approve(SECRETARY, letter.id, own, 2))
    assert bench.desk.approve(HEAD, letter.id, own, 2).serial == 1


def test_a_secretary_approves_in_their_own_name_alone(bench: Bench) -> None:
    own = bench.desk.officials_book.add(HEAD, Signing("Ketut", "Sekretaris Desa"), account="ketut")
    letter = bench.verified()
    for wrong in (bench.official, 99):
        refused(
            bench,
            Reason.NOT_THIS_OFFICIAL,
            lambda wrong=wrong: bench.desk.approve(SECRETARY, letter.id, wrong, letter.version),  # type: ignore[misc]
        )
    bench.desk.approve(SECRETARY, letter.id, own, letter.version)
    assert bench.seen(letter.id).signing == Signing("Ketut", "Sekretaris Desa")


def test_an_official_who_has_left_signs_no_more_and_old_letters_keep_the_name(bench: Bench) -> None:
    old = bench.approved()
    book = bench.desk.officials_book
    book.change(HEAD, bench.official, 1, Signing("Baru", "Perbekel"), account="made", is_active=False)
    letter = bench.verified()
    refused(
        bench,
        Reason.NOT_THIS_OFFICIAL,
        lambda: bench.desk.approve(HEAD, letter.id, bench.official, letter.version),
    )
    signing = bench.seen(old.id).signing
    assert signing is not None
    assert signing.name == "I Made Contoh"
    assert bench.desk.officials() == ()


def test_a_letter_that_needs_the_rts_letter_is_not_verified_without(bench: Bench) -> None:
    letter = bench.submitted(RT_KIND)
    refused(bench, Reason.RT_LETTER_MISSING, lambda: bench.desk.verify(OPERATOR, letter.id, 1))
    bench.desk.ask_rt_letter(OPERATOR, letter.id, 1)
    assert bench.seen(letter.id).state is State.WAITS_FOR_RT
    bench.desk.got_rt_letter(OPERATOR, letter.id, 2, "No. 12 tanggal 16 Agustus")
    bench.desk.verify(OPERATOR, letter.id, 3)
    assert bench.seen(letter.id).history[2].note == "No. 12 tanggal 16 Agustus"


def test_what_is_changed_after_verifying_is_verified_again(bench: Bench) -> None:
    letter = bench.verified()
    bench.register.resident = ayu(name="Ni Luh Ayu Baru")
    bench.desk.refresh_facts(OTHER_OPERATOR, letter.id, letter.version)
    letter = bench.seen(letter.id)
    assert (letter.state, letter.name) == (State.SUBMITTED, "Ni Luh Ayu Baru")
    refused(bench, Reason.NOT_NOW, lambda: bench.desk.approve(HEAD, letter.id, bench.official, letter.version))


def test_a_resident_corrects_what_was_given_back_and_nothing_of_others(bench: Bench) -> None:
    letter = bench.submitted()
    refused(
        bench,
        Reason.NOT_NOW,
        lambda: bench.desk.change_answers(RESIDENT, letter.id, NO_ANSWERS, 1, resident_id=SOMEBODY),
    )
    bench.desk.ask_correction(OPERATOR, letter.id, 1, "Tulis lagi")
    before = everything(bench)
    for stranger in (SOMEBODY + 1, None):
        with pytest.raises(LetterNotFound):
            bench.desk.change_answers(RESIDENT, letter.id, NO_ANSWERS, 2, resident_id=stranger)
        with pytest.raises(LetterNotFound):
            bench.desk.withdraw(RESIDENT, letter.id, 2, resident_id=stranger)
    with pytest.raises(LetterNotFound):
        bench.desk.own(SOMEBODY + 1, letter.id)
    assert everything(bench) == before
    bench.desk.change_answers(RESIDENT, letter.id, Answers({"keperluan": "Warung"}), 2, resident_id=SOMEBODY)
    mine = bench.desk.own(SOMEBODY, letter.id)
    assert (mine.state, mine.answers.values) == (State.SUBMITTED, {"keperluan": "Warung"})
    assert bench.desk.of_resident(SOMEBODY + 1) == []


@pytest.mark.parametrize("note", ["", "  ", "\n\t", "\x00"])
def test_what_hurts_somebody_needs_a_reason(bench: Bench, note: str) -> None:
    letter = bench.submitted()
    before = everything(bench)
    for step in (bench.desk.refuse, bench.desk.ask_correction):
        with pytest.raises(ValueError, match="reason"):
            step(OPERATOR, letter.id, 1, note)
    assert everything(bench) == before


def test_there_is_no_letter_of_that_number(bench: Bench) -> None:
    for number in (0, -1, 2**53 - 1):
        with pytest.raises(LetterNotFound):
            bench.desk.get(LOOK, number)
        with pytest.raises(LetterNotFound):
            bench.desk.verify(OPERATOR, number, 1)


def test_serials_follow_each_other_by_code_and_begin_with_the_year_of_the_village(bench: Bench) -> None:
    assert [give_number(bench).serial for _ in range(3)] == [1, 2, 3]
    other = next(
        slug for slug, kind in ALL_KINDS.items() if kind.code != ALL_KINDS[PLAIN].code and not kind.needs_rt_letter
    )
    assert give_number(bench, slug=other).serial == 1
    # 31 December 16:30 in London is past midnight in Makassar.
    bench.now = datetime.datetime(2026, 12, 31, 16, 30, tzinfo=datetime.UTC).timestamp()
    number = give_number(bench)
    assert (number.serial, number.date, number.year) == (1, datetime.date(2027, 1, 1), 2027)


def test_with_one_row_for_all_kinds_they_are_counted_together(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path, 'letters = { number_scope = "all" }\n'.replace("letters = { ", "[letters]\n").replace(" }", "")
    )
    slugs = [slug for slug, kind in ALL_KINDS.items() if not kind.needs_rt_letter and kind.min_age <= 35][:3]
    bench.register.resident = ayu(family_role=1)
    assert [give_number(bench, slug=slug).serial for slug in slugs] == [1, 2, 3]


def test_a_village_that_changes_the_scope_gives_no_number_twice(bench: Bench) -> None:
    texts = [give_number(bench).text for _ in range(3)]
    for scope in ("all", "kind", "all", "kind"):
        bench.desk = bench.another(f'[letters]\nnumber_scope = "{scope}"')
        texts += [give_number(bench).text for _ in range(2)]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(("series", "scope"), [(CODE, "kind"), ("*", "kind"), ("*", "all"), (CODE, "all")])
def test_a_village_that_begins_in_the_middle_of_a_year_goes_on_after_its_last_number(
    bench: Bench, series: str, scope: str
) -> None:
    bench.desk = bench.another(f'[letters]\nnumber_scope = "{scope}"')
    with bench.store.transaction() as db:
        numbers.go_on_after(db, series, 2026, 57)
    assert [give_number(bench).serial for _ in range(2)] == [58, 59]
    with bench.store.transaction() as db, pytest.raises(numbers.SeriesBegun):
        numbers.go_on_after(db, series, 2026, 80)
    bench.now += 200 * 86_400
    assert give_number(bench).serial == 1


def test_without_a_clock_an_officer_tells_the_date(bench: Bench) -> None:
    give_number(bench)
    bench.now, bench.clock_is_known = 3_600.0, False
    letter = bench.verified()
    before = everything(bench)
    with pytest.raises(DateNeeded):
        bench.desk.approve(HEAD, letter.id, bench.official, letter.version)
    with pytest.raises(DateRefused) as refused_:
        bench.desk.approve(HEAD, letter.id, bench.official, letter.version, datetime.date(2026, 8, 16))
    assert refused_.value.earliest == datetime.date(2026, 8, 17)
    assert everything(bench) == before
    number = bench.desk.approve(HEAD, letter.id, bench.official, letter.version, datetime.date(2026, 8, 18))
    assert (number.serial, number.clock_was_known) == (2, False)
    assert not bench.seen(letter.id).history[-1].clock_was_known


def test_a_void_letter_keeps_its_number_and_says_so(bench: Bench) -> None:
    letter = bench.signed()
    bench.desk.void(HEAD, letter.id, letter.version, "Salah nama")
    void = bench.seen(letter.id)
    assert (void.state, void.number) == (State.VOID, letter.number)
    assert bench.desk.check(letter.token).validity is Validity.VOID
    assert give_number(bench).serial == 2
    with bench.store.transaction() as db, pytest.raises(sqlite3.IntegrityError, match="given once"):
        db.execute("DELETE FROM letter_numbers")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE letter_numbers SET serial = 7",
        "DELETE FROM letters",
        "DELETE FROM letter_steps",
        "UPDATE letter_steps SET actor_name = 'x'",
    ],
)
def test_what_was_done_stays(bench: Bench, sql: str) -> None:
    bench.approved()
    with bench.store.transaction() as db, pytest.raises(sqlite3.IntegrityError):
        db.execute(sql)


def test_signed_electronically_the_very_bytes_are_kept(bench: Bench) -> None:
    letter = bench.approved()
    bench.desk.sign_electronically(HEAD, letter.id, letter.version, b"%PDF signed")
    signed = bench.seen(letter.id)
    assert (signed.state, signed.is_electronic) == (State.SIGNED, True)
    assert bench.desk.signed_pdf(signed) == b"%PDF signed"
    assert bench.desk.check(letter.token).is_electronic
    assert bench.desk.signed_pdf(bench.signed()) is None


@pytest.mark.parametrize("other", ["bytes", "digest", "letter", "none"])
def test_another_file_than_the_signed_one_is_never_given_out(bench: Bench, other: str) -> None:
    letters = []
    for content in (b"%PDF first", b"%PDF second"):
        letter = bench.approved()
        bench.desk.sign_electronically(HEAD, letter.id, letter.version, content)
        letters.append(bench.seen(letter.id))
    first, second = (each.id for each in letters)
    foreign = bench.vault.seal_bytes(b"%PDF foreign", "letter_papers.pdf")
    with bench.store.transaction() as db:
        if other == "bytes":
            db.execute("UPDATE letter_papers SET pdf_sealed = ? WHERE letter_id = ?", [foreign, first])
        elif other == "digest":
            db.execute("UPDATE letter_papers SET digest = ? WHERE letter_id = ?", [bytes(32), first])
        elif other == "letter":
            sql = "SELECT pdf_sealed FROM letter_papers WHERE letter_id = ?"
            db.execute(f"UPDATE letter_papers SET pdf_sealed = ({sql}) WHERE letter_id = ?", [second, first])
        else:
            db.execute("DELETE FROM letter_papers WHERE letter_id = ?", [first])
    with pytest.raises(StoreError, match="not what was signed"):
        bench.desk.signed_pdf(letters[0])
    assert bench.desk.signed_pdf(letters[1]) == b"%PDF second"


def test_what_others_sign_too_is_not_signed_electronically(bench: Bench) -> None:
    bench.register.resident = ayu(family_role=1)
    letter = bench.submitted(HAND_KIND)
    bench.desk.got_rt_letter(OPERATOR, letter.id, letter.version)
    bench.desk.verify(OPERATOR, letter.id, 2)
    bench.desk.approve(HEAD, letter.id, bench.official, 3)
    refused(bench, Reason.NO_ELECTRONIC_SIGNATURE, lambda: bench.desk.sign_electronically(HEAD, letter.id, 4, b"%PDF"))


def test_nobody_signs_electronically_in_anothers_name(bench: Bench) -> None:
    letter = bench.approved()
    refused(bench, Reason.NOT_THIS_OFFICIAL, lambda: bench.desk.require_electronic(SECRETARY, letter))
    refused(
        bench,
        Reason.NOT_THIS_OFFICIAL,
        lambda: bench.desk.sign_electronically(SECRETARY, letter.id, letter.version, b"%PDF"),
    )
    bench.desk.require_electronic(HEAD, letter)


def test_a_kind_that_changes_changes_no_letter_that_was_approved(bench: Bench) -> None:
    letter = bench.approved()
    title = letter.kind.title
    changed = dataclasses.replace(ALL_KINDS[PLAIN], title="Surat Lain")
    for desk in (_with_kinds(bench, {PLAIN: changed}), _with_kinds(bench, {})):
        assert desk.get(LOOK, letter.id).kind.title == title
    waiting = bench.submitted()
    assert _with_kinds(bench, {PLAIN: changed}).get(LOOK, waiting.id).kind.title == "Surat Lain"
    with pytest.raises(store.KindGone):
        _with_kinds(bench, {}).get(LOOK, waiting.id)


def _with_kinds(bench: Bench, kinds: dict[str, object]) -> Desk:
    return Desk(dataclasses.replace(bench.desk.means, kinds=kinds))  # type: ignore[arg-type] # kinds of this test


def test_on_a_full_disk_nothing_is_acknowledged_and_nothing_has_changed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = bench.verified()
    before = everything(bench)
    monkeypatch.setattr(database, "FREE_BYTES_MIN", 2**62)
    for step in (
        lambda: bench.desk.submit(RESIDENT, "full", PLAIN, answers=NO_ANSWERS, resident_id=SOMEBODY),
        lambda: bench.desk.approve(HEAD, letter.id, bench.official, letter.version),
        lambda: bench.desk.queue(LOOK),
        lambda: bench.desk.drafts.save(RESIDENT, PLAIN, SOMEBODY, {"a": "b"}),
    ):
        with pytest.raises(StoreFull):
            step()
    assert everything(bench) == before
    assert bench.desk.of_resident(SOMEBODY)  # reading goes on
    monkeypatch.undo()
    assert bench.desk.approve(HEAD, letter.id, bench.official, letter.version).serial == 1


def test_the_queue_shows_the_oldest_first_whatever_the_clock_says(bench: Bench) -> None:
    first = bench.submitted()
    bench.now -= 86_400
    second = bench.submitted()
    bench.signed()
    rows = bench.desk.queue(LOOK)
    assert [row.id for row in rows][:2] == [first.id, second.id]
    assert all(row.waited_seconds >= 0 for row in rows)
    assert [row.state for row in bench.desk.queue(LOOK, Only(states=frozenset({State.SIGNED})))] == [State.SIGNED]
    assert bench.desk.queue(LOOK, Only(slug="lain")) == []
    assert len(bench.desk.queue(LOOK, Only(limit=1))) == len(bench.desk.queue(LOOK, Only(offset=2))) == 1


@pytest.mark.parametrize("found_by", ["code", "small code", "number", "check code"])
def test_a_letter_is_found_by_what_stands_on_paper(bench: Bench, found_by: str) -> None:
    letter = bench.approved()
    bench.approved()
    assert letter.number is not None
    text = {
        "code": letter.code, "small code": f" {letter.code[:4]}-{letter.code[4:]} ".lower(),
        "number": letter.number.text, "check code": letter.check_code,
    }[found_by]  # fmt: skip
    every = Only(states=frozenset(State), text=text)
    assert [row.id for row in bench.desk.queue(LOOK, every)] == [letter.id]


@pytest.mark.parametrize("text", ["%", "'", '"; DROP TABLE letters', "\x00", "\u202e", "x" * 10_000, "\ud800"])
def test_what_finds_nothing_finds_nothing(bench: Bench, text: str) -> None:
    bench.approved()
    assert bench.desk.queue(LOOK, Only(states=frozenset(State), text=text.replace("\ud800", "?"))) == []
    assert bench.desk.track(text) is None
    assert bench.desk.check(text).validity is Validity.UNKNOWN
    assert bench.desk.check_code(text).validity is Validity.UNKNOWN


def test_nobodys_data_lie_open_in_the_database(bench: Bench) -> None:
    typed = {**raw(ALL_KINDS[PLAIN]), "keperluan": "kredit Pelangi", "penghasilan": "7654321"}
    checked = answers.check(ALL_KINDS[PLAIN], typed, TODAY)
    bench.desk.drafts.save(RESIDENT, PLAIN, SOMEBODY, {"keperluan": "Warung Rahasia"})
    bench.desk.drafts.save(OPERATOR, PLAIN, SOMEBODY, {"keperluan": "Warung Rahasia"})
    receipt = bench.desk.submit(RESIDENT, "form-key", PLAIN, answers=checked, resident_id=SOMEBODY)
    bench.desk.ask_correction(OPERATOR, receipt.letter_id, 1, "Ayu, tulis nama lengkap")
    bench.desk.change_answers(RESIDENT, receipt.letter_id, checked, 2, resident_id=SOMEBODY)
    bench.desk.verify(OPERATOR, receipt.letter_id, 3)
    bench.desk.approve(HEAD, receipt.letter_id, bench.official, 4)
    letter = bench.seen(receipt.letter_id)
    bench.desk.officials_book.add(HEAD, Signing("Ketut", "Sekretaris"), nik="5103010101700009")
    bench.store.close()
    data = b"".join(path.read_bytes() for path in bench.folder.iterdir())
    for secret in (
        NIK, "Ayu", "Melati", "Rahasia", "Pelangi", "7654321", "5103010101700009", letter.token, letter.code,
        letter.check_code, "form-key",
    ):  # fmt: skip
        assert secret.encode() not in data, secret


def test_a_look_is_written_down_before_anything_is_shown(bench: Bench) -> None:
    letter = bench.submitted()
    before = len(bench.audit.about(SOMEBODY, 100))
    bench.desk.get(LOOK, letter.id)
    bench.desk.queue(LOOK)
    entries = bench.audit.about(SOMEBODY, 100)[: len(bench.audit.about(SOMEBODY, 100)) - before]
    assert [(each.what, each.name, each.detail) for each in entries] == [
        ("letters.queue", "sri", "memeriksa surat"), ("letter.seen", "sri", "memeriksa surat")
    ]  # fmt: skip


def test_a_receipt_tells_how_far_a_letter_is_and_nothing_of_whom(bench: Bench) -> None:
    letter = bench.submitted()
    bench.now += 60
    bench.desk.verify(OPERATOR, letter.id, 1)
    seen = bench.desk.track(letter.code.lower().replace("0", "o"))
    assert seen is not None
    assert (seen.slug, seen.state) == (PLAIN, State.VERIFIED)
    assert [state for state, _ in seen.steps] == [State.SUBMITTED, State.VERIFIED]
    assert seen.changed_seconds - seen.submitted_seconds == 60
    assert "Ayu" not in repr(seen)


def test_a_draft_is_there_again_and_gone_once_it_is_sent(bench: Bench) -> None:
    typed = {"keperluan": "Warung \u202e <b>"}
    drafts = bench.desk.drafts
    drafts.save(RESIDENT, PLAIN, SOMEBODY, {"keperluan": "W"})
    drafts.save(RESIDENT, PLAIN, SOMEBODY, typed)
    assert drafts.find(RESIDENT, PLAIN, SOMEBODY) == typed
    assert drafts.find(RESIDENT, PLAIN, SOMEBODY + 1) == drafts.find(OPERATOR, PLAIN, SOMEBODY) == {}
    assert drafts.slugs(RESIDENT, SOMEBODY) == (PLAIN,)
    bench.desk.submit(RESIDENT, "k", PLAIN, answers=NO_ANSWERS, resident_id=SOMEBODY)
    assert drafts.slugs(RESIDENT, SOMEBODY) == ()
    with pytest.raises(ValueError, match="characters"):
        drafts.save(RESIDENT, PLAIN, SOMEBODY, {"a": "x" * 40_000})


def test_a_clock_that_lost_its_time_throws_no_draft_away(bench: Bench) -> None:
    drafts = bench.desk.drafts
    drafts.save(RESIDENT, PLAIN, SOMEBODY, {"a": "b"})
    bench.now += 40 * 86_400
    bench.clock_is_known = False
    drafts.save(RESIDENT, RT_KIND, SOMEBODY, {"a": "b"})
    assert len(drafts.slugs(RESIDENT, SOMEBODY)) == 2
    bench.clock_is_known = True
    drafts.save(RESIDENT, RT_KIND, SOMEBODY, {"a": "c"})
    assert drafts.slugs(RESIDENT, SOMEBODY) == (RT_KIND,)


def test_the_board_counts_and_names_nobody(bench: Bench) -> None:
    start = int(bench.now)
    waiting = bench.submitted()
    bench.now += 1_000
    letter = bench.signed()
    bench.now += 500
    bench.desk.make_ready(OPERATOR, letter.id, letter.version)
    bench.clock_is_known = False
    blind = bench.approved(date=datetime.date(2026, 8, 17))
    bench.desk.sign_by_hand(OPERATOR, blind.id, blind.version)
    bench.desk.make_ready(OPERATOR, blind.id, blind.version + 1)
    board = bench.desk.board(start, start + 86_400)
    assert board.now == {(PLAIN, State.SUBMITTED): 1, (PLAIN, State.READY): 2}
    assert board.in_state(State.READY) == 2
    assert board.oldest_open_seconds == 1_500
    assert board.asked == {PLAIN: 3}
    made = board.made[PLAIN]
    assert (made.letters, made.of_known_time, made.median_seconds, made.longest_seconds) == (2, 1, 500, 500)
    assert bench.desk.board(start + 86_400, start + 2 * 86_400).asked == {}
    assert str(waiting.id) not in repr(board)


def test_a_letter_of_the_practice_mode_says_so_and_is_never_valid(tmp_path: Path) -> None:
    bench = Bench(tmp_path, is_practice=True)
    letter = bench.signed()
    assert bench.desk.check(letter.token).validity is Validity.PRACTICE
    assert bench.desk.paper(letter).watermark == "LATIHAN"


def test_the_paper_says_what_the_letter_is(tmp_path: Path) -> None:
    bench = Bench(tmp_path, '[letters]\nverification_host = "cek.example.go.id"')
    draft = bench.desk.paper(bench.submitted())
    assert (draft.watermark, draft.number, draft.date, draft.verification_address) == ("KONSEP", "", None, "")
    assert draft.signing.name == "I Made Contoh"
    letter = bench.approved()
    paper = bench.desk.paper(letter)
    assert (paper.watermark, paper.date) == ("", datetime.date(2026, 8, 17))
    assert paper.verification_address == f"https://cek.example.go.id/{letter.token}"
    assert paper.verification_code.replace("-", "") == letter.check_code
    assert not paper.is_electronic
    assert bench.desk.paper(letter, electronically=True).is_electronic
    bench.desk.void(HEAD, letter.id, letter.version, "Keliru")
    assert bench.desk.paper(bench.seen(letter.id)).watermark == "BATAL"


def states_of_verdict(bench: Bench, letter: Letter) -> set[Validity]:
    return {bench.desk.check(letter.token).validity, bench.desk.check_code(letter.check_code).validity}


def test_a_letter_is_valid_from_the_signature_to_its_end(bench: Bench) -> None:
    letter = bench.approved()
    assert states_of_verdict(bench, letter) == {Validity.NOT_SIGNED}
    bench.desk.sign_by_hand(OPERATOR, letter.id, letter.version)
    assert states_of_verdict(bench, letter) == {Validity.VALID}
    bench.now += 90 * 86_400
    assert states_of_verdict(bench, letter) == {Validity.VALID}
    bench.now += 86_400
    assert states_of_verdict(bench, letter) == {Validity.EXPIRED}
    bench.clock_is_known = False
    verdict = bench.desk.check(letter.token)
    assert (verdict.validity, verdict.today_is_known) == (Validity.VALID, False)
    assert verdict.valid_until == datetime.date(2026, 8, 17) + datetime.timedelta(days=90)


def test_the_verdict_shows_masked_data_alone(bench: Bench) -> None:
    verdict = bench.desk.check(bench.signed().token)
    assert (verdict.masked_name, verdict.masked_nik) == ("N*** L*** A*** C***", "5103********0001")
    assert verdict.signed_title == "Perbekel Sukamaju"
    for hidden in ("Ayu", NIK, "Melati", str(SOMEBODY)):
        assert hidden not in repr(verdict)


def test_a_token_of_another_letter_or_of_nobody_is_unknown(bench: Bench) -> None:
    letter = bench.signed()
    for wrong in (letter.token[:-1], letter.token + "A", letter.token.swapcase(), os.urandom(16).hex(), letter.code):
        assert bench.desk.check(wrong).validity is Validity.UNKNOWN
    # The receipt's code follows a letter and proves none; the code on the paper proves it and follows none.
    assert bench.desk.check_code(letter.code).validity is Validity.UNKNOWN
    assert bench.desk.track(letter.check_code) is None


def test_a_resident_who_asks_without_end_is_told_to_wait_and_the_office_goes_on(bench: Bench) -> None:
    desk, resident_id = bench.desk, SOMEBODY
    letters = [
        desk.submit(RESIDENT, f"key-{number}", PLAIN, answers=NO_ANSWERS, resident_id=resident_id).letter_id
        for number in range(WAITING_MAX)
    ]
    before = everything(bench)
    with pytest.raises(StepRefused) as refused:
        desk.submit(RESIDENT, "one-too-many", PLAIN, answers=NO_ANSWERS, resident_id=resident_id)
    assert refused.value.reason is Reason.TOO_MANY_WAIT
    assert everything(bench) == before
    again = desk.submit(RESIDENT, "key-0", PLAIN, answers=NO_ANSWERS, resident_id=resident_id)
    assert again.was_there, "what was sent twice is answered as before"
    counter = desk.submit(OPERATOR, "counter", PLAIN, answers=NO_ANSWERS, resident_id=resident_id)
    desk.verify(OTHER_OPERATOR, counter.letter_id, 1)
    desk.verify(OTHER_OPERATOR, letters[0], 1)
    desk.submit(RESIDENT, "one-too-many", PLAIN, answers=NO_ANSWERS, resident_id=resident_id)
