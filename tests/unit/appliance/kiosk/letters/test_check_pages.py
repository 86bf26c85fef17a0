"""Is this letter true? The pages behind the QR code and the printed code."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from appliance.kiosk.letters.current import current_desk
from appliance.kiosk.letters.desk import Desk
from appliance.kiosk.letters.letter import Letter
from appliance.kiosk.letters.paper import Signing, text_of
from tests.unit.appliance.kiosk.conftest import Visitor, World
from tests.unit.appliance.kiosk.letters.desks import HEAD, LOOK, NIK, NO_ANSWERS, OPERATOR, PLAIN

FACTS = {"nama": "Ni Luh Ayu Contoh", "nik": NIK, "alamat": "Jalan Melati 7"}


@pytest.fixture
def desk(app: Flask) -> Desk:
    with app.app_context():
        return current_desk()


def approved(desk: Desk) -> Letter:
    official = desk.officials_book.add(HEAD, Signing("I Made Contoh", "Perbekel Sukamaju"))
    receipt = desk.submit(OPERATOR, "key", PLAIN, answers=NO_ANSWERS, facts=FACTS)
    desk.verify(OPERATOR, receipt.letter_id, 1)
    desk.approve(HEAD, receipt.letter_id, official, 2)
    return desk.get(LOOK, receipt.letter_id)


def typed(visitor: Visitor, code: str) -> tuple[int, str]:
    page = visitor.get("/cek").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    answer = visitor.post("/cek", {"kode": code, "csrf_token": token[1]})
    return answer.status_code, answer.text


def test_from_approval_to_the_end_a_letter_is_called_what_it_is(desk: Desk, visitor: Visitor, world: World) -> None:
    visitor.place = "resident"
    letter = approved(desk)
    assert letter.number is not None

    def seen() -> str:
        by_token = visitor.get(f"/cek/{letter.token}")
        status, by_code = typed(visitor, f" {letter.check_code[:4].lower()}-{letter.check_code[4:]} ")
        assert (by_token.status_code, status) == (200, 200)
        assert by_token.headers["Cache-Control"] == "no-store"
        verdict = re.findall(r"<b>(Surat[^<]*|Masa[^<]*)</b>", by_token.text)
        assert verdict == re.findall(r"<b>(Surat[^<]*|Masa[^<]*)</b>", by_code)
        for hidden in ("Ayu", "Contoh Warga", NIK, "Melati", str(letter.id), letter.token):
            assert hidden not in by_code
        assert letter.number is not None
        assert letter.number.text in by_token.text
        return str(verdict[0])

    assert seen() == "Surat ini belum ditandatangani"
    assert "I Made" not in visitor.get(f"/cek/{letter.token}").text
    desk.sign_by_hand(OPERATOR, letter.id, letter.version)
    assert seen() == "Surat ini sah"
    page = visitor.get(f"/cek/{letter.token}").text
    assert "Dengan tangan." in page
    assert "I Made Contoh, Perbekel Sukamaju" in page
    assert "N*** L*** A*** C***" in page
    world.now += 400 * 86_400
    assert seen() == "Masa berlaku surat ini sudah habis"
    desk.void(HEAD, letter.id, letter.version + 1, "Keliru")
    assert seen() == "Surat ini sudah dibatalkan"


def test_an_electronic_signature_is_told_from_one_by_hand(desk: Desk, visitor: Visitor) -> None:
    letter = approved(desk)
    desk.sign_electronically(HEAD, letter.id, letter.version, b"%PDF")
    page = visitor.get(f"/cek/{letter.token}").text
    assert "Elektronik, dengan sertifikat." in page
    assert "Dengan tangan." not in page


def test_a_bell_rung_beside_a_verdict_tells_nobody_which(desk: Desk, visitor: Visitor) -> None:
    letter = approved(desk)
    page = visitor.get(f"/cek/{letter.token}").text
    assert 'name="dari" value="/"' in page
    assert page.count(letter.token) == page.count(f'href="/cek/{letter.token}?bahasa='), "the links to other languages"


def test_what_nobody_was_given_is_unknown(desk: Desk, visitor: Visitor) -> None:
    approved(desk)
    for token in ("A" * 22, "x", "%00", "%E2%80%AE", "..%2f..%2fetc", "'--", "<script>", "A" * 3000):
        answer = visitor.get(f"/cek/{token}")
        assert answer.status_code == 404
        assert "<script>" not in answer.text
        assert "\u202e" not in answer.text
        assert "tidak kami kenal" in answer.text or "tidak ditemukan" in answer.text


def test_guessing_codes_is_slowed_down_for_the_device_alone(desk: Desk, visitor: Visitor) -> None:
    letter = approved(desk)
    answers = [typed(visitor, f"AAAA-{number:04d}")[0] for number in range(10)]
    assert answers == [404] * 8 + [429] * 2
    status, page = typed(visitor, letter.check_code)
    assert status == 429
    assert "Terlalu banyak kode yang salah" in page
    other = {"X-Desa-Place": "resident", "X-Real-IP": "10.21.0.10"}
    page = visitor.client.get("/cek", headers=other).text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token is not None
    form = {"kode": letter.check_code, "csrf_token": token[1]}
    assert visitor.client.post("/cek", data=form, headers=other).status_code == 200
    # The QR code goes on working for everybody.
    assert visitor.get(f"/cek/{letter.token}").status_code == 200


def test_a_code_that_is_none_gets_a_page_in_words(visitor: Visitor) -> None:
    for code in ("", " ", "\x00", "<b>", "x" * 5_000, "OIL1-0000"):
        status, page = typed(visitor, code)
        assert status == 404
        assert "Tidak ada surat dengan kode ini" in page


def test_without_a_clock_the_page_says_what_to_look_at(world: World) -> None:
    import dataclasses

    from appliance.kiosk.app import create_app, services

    kiosk = dataclasses.replace(world.app().extensions["kiosk"], clock_is_known=lambda: False)
    app = create_app(kiosk, services())
    with app.app_context():
        desk = current_desk()
    official = desk.officials_book.add(HEAD, Signing("I Made", "Perbekel"))
    receipt = desk.submit(OPERATOR, "key", PLAIN, answers=NO_ANSWERS, facts=FACTS)
    desk.verify(OPERATOR, receipt.letter_id, 1)
    desk.approve(HEAD, receipt.letter_id, official, 2, desk.today().date)
    desk.sign_by_hand(OPERATOR, receipt.letter_id, 3)
    page = Visitor(app.test_client()).get(f"/cek/{desk.get(LOOK, receipt.letter_id).token}").text
    assert "Surat ini sah" in page
    assert "Jam alat ini belum benar. Lihat kalender" in page


def test_without_a_host_of_its_own_the_paper_holds_the_code_and_no_qr(desk: Desk) -> None:
    letter = approved(desk)
    lines = text_of(desk.paper(letter))
    assert f"Kode periksa: {letter.check_code[:4]}-{letter.check_code[4:]}" in lines
    assert not any("QR" in line or "https" in line for line in lines)


@pytest.mark.parametrize("is_signed", [False, True])
def test_a_void_letter_is_said_to_bear_a_signature_only_where_it_does(
    desk: Desk, visitor: Visitor, is_signed: bool
) -> None:
    letter = approved(desk)
    if is_signed:
        desk.sign_by_hand(OPERATOR, letter.id, letter.version)
        letter = desk.get(LOOK, letter.id)
    desk.void(HEAD, letter.id, letter.version, "salah nama")
    page = visitor.get(f"/cek/{letter.token}").text
    assert "Surat ini sudah dibatalkan" in page
    assert ("Dengan tangan" in page) is ("I Made Contoh" in page) is is_signed
