"""A resident at the screen: asks, follows, corrects, withdraws, prints; and what nobody else sees."""

import dataclasses
import re
from typing import Any

import pytest

from appliance.kiosk.actors import RESIDENT, Actor
from appliance.kiosk.letters.current import make_desk
from appliance.kiosk.letters.desk import Desk
from appliance.kiosk.letters.flow import State
from appliance.kiosk.letters.resident_letters import PAGE_ROWS
from appliance.papers.twin_printer import TwinPrinter
from tests.unit.appliance.kiosk.citizen.conftest import Hall, words
from tests.unit.appliance.kiosk.citizen.people import MADE, PIN, WAYAN

SLUG = "keterangan-usaha"
ANSWERS = {
    "nama_usaha": "Warung Sari",
    "jenis_usaha": "warung kopi",
    "sejak": "Maret 2019",
    "alamat_usaha": "Jalan Melati 3",
    "keperluan": "pengajuan kredit",
}
CLERK = Actor("siti", "operator")
HEAD = Actor("made", "kepala_desa")


def _walk(hall: Hall, slug: str = SLUG, answers: dict[str, str] = ANSWERS) -> Any:
    response = hall.get(f"/surat/{slug}/isi")
    for _ in answers:
        path = response.headers["Location"]
        response = hall.send(path, {"jawaban": answers[path.rpartition("/")[2]]})
        assert response.status_code == 303, words(response)
    return response


def _send(hall: Hall, slug: str = SLUG) -> int:
    page = hall.get(f"/surat/{slug}/periksa").get_data(as_text=True)
    key = re.search(r'name="kunci" value="([^"]+)"', page)
    assert key is not None
    response = hall.send(f"/surat/{slug}/periksa", {"kunci": key[1]})
    found = re.fullmatch(r"/surat/saya/(\d+)/bukti", response.headers["Location"])
    assert found is not None
    return int(found[1])


def _asked(hall: Hall) -> int:
    hall.enter()
    _walk(hall)
    return _send(hall)


def _desk(hall: Hall) -> Desk:
    return make_desk(hall.world.kiosk())


def _forms(hall: Hall) -> int:
    with hall.world.store.reading() as db:
        return int(db.execute("SELECT count(*) FROM letter_forms").fetchone()[0])


def _letters(hall: Hall) -> int:
    with hall.world.store.reading() as db:
        return int(db.execute("SELECT count(*) FROM letters").fetchone()[0])


def test_kinds_and_their_papers_are_shown_to_everybody(hall: Hall) -> None:
    hall.visitor.place = "resident"
    page = hall.get("/surat")
    assert "Surat Keterangan Usaha" in words(page)
    assert page.get_data(as_text=True).count("<h2") >= 5
    assert "Diminta di layar balai" in words(hall.get(f"/surat/{SLUG}"))
    assert hall.get(f"/surat/{SLUG}/isi").status_code == 403


def test_a_letter_is_asked_for_one_question_a_page(hall: Hall) -> None:
    assert hall.get(f"/surat/{SLUG}/isi").headers["Location"] == "/masuk-warga"
    assert hall.enter().headers["Location"] == f"/surat/{SLUG}/isi"
    first = hall.get(hall.get(f"/surat/{SLUG}/isi").headers["Location"])
    assert "1 dari 5" in words(first)
    assert _walk(hall).headers["Location"] == f"/surat/{SLUG}/periksa"
    check = hall.get(f"/surat/{SLUG}/periksa")
    assert "Warung Sari" in words(check) and "KONSEP" in words(check) and "I Wayan Contoh" in words(check)
    letter_id = _send(hall)
    letter = _desk(hall).own(hall.ids[WAYAN], letter_id)
    assert letter.answers.values["nama_usaha"] == "Warung Sari"
    receipt = words(hall.get(f"/surat/saya/{letter_id}/bukti"))
    assert f"{letter.code[:4]}-{letter.code[4:]}" in receipt
    assert _forms(hall) == 0


def test_what_cannot_be_right_is_asked_again_and_nothing_kept(hall: Hall) -> None:
    hall.enter()
    path = hall.get(f"/surat/{SLUG}/isi").headers["Location"]
    for bad in ("", "x" * 5000, "a\u202eb"):
        response = hall.send(path, {"jawaban": bad})
        assert response.status_code == 400
        assert 'aria-invalid="true"' in response.get_data(as_text=True)
    assert hall.get(f"/surat/{SLUG}/periksa").headers["Location"] == path


def test_sent_twice_it_is_one_letter(hall: Hall) -> None:
    hall.enter()
    _walk(hall)
    page = hall.get(f"/surat/{SLUG}/periksa").get_data(as_text=True)
    key, token = (re.search(rf'name="{name}"[^>]*value="([^"]+)"', page) for name in ("kunci", "csrf_token"))
    assert key is not None and token is not None
    form = {"kunci": key[1], "csrf_token": token[1]}
    first, second = (hall.visitor.post(f"/surat/{SLUG}/periksa", form) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert second.headers["Location"] == "/surat/saya"
    assert _letters(hall) == 1


def test_a_form_goes_with_its_session(hall: Hall) -> None:
    hall.enter()
    _walk(hall)
    assert _forms(hall) == 1
    hall.send("/layar/tutup", {}, page="/surat")
    assert _forms(hall) == 0
    hall.enter()
    assert "Warung Sari" not in words(hall.get(hall.get(f"/surat/{SLUG}/isi").headers["Location"]))


def test_idle_shows_the_waiting_screen_whatever_is_asked(hall: Hall) -> None:
    hall.enter()
    _walk(hall)
    hall.world.now += 61
    response = hall.get(f"/surat/{SLUG}/periksa")
    assert response.status_code == 303 and response.headers["Location"] == "/"
    assert _forms(hall) == 0
    assert hall.get("/surat/saya").headers["Location"] == "/masuk-warga"


def test_who_types_stays_and_who_is_only_shown_the_question_does_not(hall: Hall) -> None:
    hall.enter()
    for _ in range(3):
        hall.world.now += 40
        assert hall.visitor.post("/layar/masih", {}).status_code == 204
    assert hall.get("/surat/saya").status_code == 200
    hall.world.now += 45
    assert "Masih di sini?" in words(hall.get("/layar/masih?dari=/surat/saya"))
    hall.world.now += 16
    assert hall.get("/surat/saya").headers["Location"] == "/"


def test_personal_pages_are_kept_nowhere_and_addresses_say_nothing(hall: Hall) -> None:
    letter_id = _asked(hall)
    for path in ("/surat/saya", f"/surat/saya/{letter_id}", f"/surat/saya/{letter_id}/bukti", f"/surat/{SLUG}/isi"):
        response = hall.get(path)
        assert response.headers["Cache-Control"] == "no-store", path
        assert WAYAN not in response.headers.get("Location", "")
    with hall.world.store.reading() as db:
        rows = db.execute("SELECT content_sealed FROM letter_forms").fetchall()
    assert rows and all(b"Wayan" not in row[0] for row in rows)


def test_one_page_of_the_hall_counts_down_and_a_phone_does_not(hall: Hall) -> None:
    text = hall.get("/surat").get_data(as_text=True)
    assert 'data-idle="60" data-warn="20"' in text
    assert '<noscript><meta http-equiv="refresh" content="40; url=/layar/masih?dari=/surat"></noscript>' in text
    hall.visitor.place = "resident"
    assert "data-idle" not in hall.get("/surat").get_data(as_text=True)


def test_somebody_elses_letter_is_not_there(hall: Hall) -> None:
    letter_id = _asked(hall)
    hall.give(MADE, PIN)
    hall.send("/layar/tutup", {}, page="/surat")
    assert hall.enter(MADE).status_code == 303
    assert "Warung" not in words(hall.get("/surat/saya"))
    for path in ("", "/bukti", "/tarik", "/cetak"):
        assert hall.get(f"/surat/saya/{letter_id}{path}").status_code == 404, path
    for path in ("/tarik", "/perbaiki", "/cetak"):
        assert hall.send(f"/surat/saya/{letter_id}{path}", {}, page="/surat").status_code == 404, path
    assert _desk(hall).own(hall.ids[WAYAN], letter_id).state is State.SUBMITTED


@pytest.mark.parametrize(
    "path", ["/surat/nothing", "/surat/saya/99999999999999999999", "/surat/<b>", f"/surat/{SLUG}/isi/x"]
)
def test_what_is_not_there_is_a_page_in_words(hall: Hall, path: str) -> None:
    hall.enter()
    hall.get(f"/surat/{SLUG}/isi")
    response = hall.get(path)
    assert response.status_code == 404
    assert "tidak ditemukan" in words(response)


def test_a_request_is_taken_back(hall: Hall) -> None:
    letter_id = _asked(hall)
    assert "Tarik permohonan ini?" in words(hall.get(f"/surat/saya/{letter_id}/tarik"))
    for _ in range(2):
        assert hall.send(f"/surat/saya/{letter_id}/tarik", {"versi": "1"}, page="/surat").status_code == 303
    assert _desk(hall).own(hall.ids[WAYAN], letter_id).state is State.WITHDRAWN
    assert "Ditarik kembali" in words(hall.get("/surat/saya"))


def test_a_correction_is_made_where_the_office_asked_for_it(hall: Hall) -> None:
    letter_id = _asked(hall)
    assert hall.send(f"/surat/saya/{letter_id}/perbaiki", {}, page="/surat").status_code == 409
    _desk(hall).ask_correction(CLERK, letter_id, 1, "Tulis alamat lengkap")
    assert "Tulis alamat lengkap" in words(hall.get(f"/surat/saya/{letter_id}"))
    response = hall.send(f"/surat/saya/{letter_id}/perbaiki", {}, page=f"/surat/saya/{letter_id}")
    assert response.headers["Location"] == f"/surat/{SLUG}/periksa"
    hall.send(f"/surat/{SLUG}/isi/alamat_usaha", {"jawaban": "Jalan Melati 3, RT 001"})
    assert _send(hall) == letter_id
    letter = _desk(hall).own(hall.ids[WAYAN], letter_id)
    assert (letter.state, letter.answers.values["alamat_usaha"]) == (State.SUBMITTED, "Jalan Melati 3, RT 001")
    assert _letters(hall) == 1


def test_a_code_is_followed_without_a_login_and_names_nobody(hall: Hall) -> None:
    letter_id = _asked(hall)
    code = _desk(hall).own(hall.ids[WAYAN], letter_id).code
    hall.send("/layar/tutup", {}, page="/surat")
    hall.visitor.place = "resident"
    response = hall.send("/surat/lacak", {"kode": code.lower()})
    assert response.status_code == 200
    said = words(response)
    assert "Menunggu diperiksa" in said and "Surat Keterangan Usaha" in said
    for secret in ("Wayan", WAYAN, "Warung", "kredit"):
        assert secret not in said


def test_who_guesses_codes_waits(hall: Hall) -> None:
    statuses = [hall.send("/surat/lacak", {"kode": f"0000000{number}"}).status_code for number in range(10)]
    assert statuses[0] == 404 and statuses[-1] == 429


def _approved(hall: Hall) -> int:
    letter_id, desk = _asked(hall), _desk(hall)
    desk.got_rt_letter(CLERK, letter_id, 1)
    desk.verify(CLERK, letter_id, 2)
    official = desk.officials_book.add(HEAD, desk.paper(desk.own(hall.ids[WAYAN], letter_id)).signing, account="made")
    desk.approve(HEAD, letter_id, official, 3)
    return letter_id


def test_without_a_printer_nothing_offers_to_print(hall: Hall) -> None:
    letter_id = _approved(hall)
    assert "Cetak surat ini" not in words(hall.get(f"/surat/saya/{letter_id}"))
    assert hall.send(f"/surat/saya/{letter_id}/cetak", {}, page="/surat").status_code == 409


def test_a_letter_is_printed_once(hall: Hall) -> None:
    letter_id, printer = _approved(hall), TwinPrinter()
    kiosk = hall.visitor.client.application.extensions["kiosk"]
    object.__setattr__(kiosk, "printer", printer)
    for _ in range(2):
        hall.send(f"/surat/saya/{letter_id}/cetak", {}, page="/surat")
    assert len(printer.sheets_printed) == 1
    assert "Sudah dicetak" in words(hall.get(f"/surat/saya/{letter_id}/cetak"))
    assert all(WAYAN not in name and "Wayan" not in name for name in printer.sheets_printed)


def test_who_is_too_young_is_told_so(hall: Hall) -> None:
    hall.enter()
    desk = hall.visitor.client.application.extensions["letters"]
    kind = dataclasses.replace(desk.kinds[SLUG], min_age=60)
    object.__setattr__(desk.means, "kinds", {**desk.kinds, SLUG: kind})
    response = hall.get(f"/surat/{SLUG}/isi")
    assert response.status_code == 403
    assert "60 tahun" in words(response)
    assert _forms(hall) == 0


def test_many_letters_are_walked_page_by_page_and_only_ones_own(hall: Hall) -> None:
    desk, letter_id = _desk(hall), _asked(hall)
    answers = desk.own(hall.ids[WAYAN], letter_id).answers
    mine = [letter_id]
    for number in range(2 * PAGE_ROWS):
        receipt = desk.submit(
            Actor("siti", "operator"), f"form-{number}", SLUG, answers=answers, resident_id=hall.ids[WAYAN]
        )
        mine.append(receipt.letter_id)
        if number == PAGE_ROWS:
            foreign = desk.submit(RESIDENT, "hers", SLUG, answers=answers, resident_id=hall.ids[MADE]).letter_id
    seen, path = [], "/surat/saya"
    while path:
        page = hall.get(path).get_data(as_text=True)
        seen += [int(one) for one in re.findall(r'href="/surat/saya/(\d+)"', page)]
        older = re.search(r'href="(/surat/saya\?sebelum=\d+)" rel="next"', page)
        path = older[1] if older else ""
    assert seen == mine[::-1]
    for before in (foreign, "x", "-1", "9" * 40):  # nothing is told of somebody else's letter
        assert str(foreign) not in hall.get(f"/surat/saya?sebelum={before}").get_data(as_text=True).partition("rel=")[0]
    assert words(hall.get(f"/surat/saya?sebelum={foreign}")).count("Dikirim") == 0
