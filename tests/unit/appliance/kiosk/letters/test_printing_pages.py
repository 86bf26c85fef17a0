"""The office prints: through the pages, with a printer that runs out of paper."""

from __future__ import annotations

import dataclasses
import html
import re
from typing import Any

import pytest
from flask.testing import FlaskClient

from appliance.kiosk.actors import Actor
from appliance.kiosk.app import create_app, services
from appliance.kiosk.letters import current
from appliance.kiosk.letters.desk import Desk
from appliance.kiosk.letters.letter import Letter
from appliance.kiosk.letters.paper import Signing
from appliance.papers.printing import NO_PRINTER
from appliance.papers.twin_printer import TwinPrinter
from tests.printing import a_pdf
from tests.unit.appliance.kiosk.conftest import Visitor, World
from tests.unit.appliance.kiosk.letters.desks import HEAD, NO_ANSWERS, OPERATOR, PLAIN

NEW = "kopi pagi di balai"


class Office:
    """An operator who is logged in, an approved letter and a printer."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch, printer: Any = None) -> None:
        self.printer = TwinPrinter() if printer is None else printer
        self.world = world
        kiosk = dataclasses.replace(world.kiosk(), printer=self.printer)
        self.visitor = Visitor(create_app(kiosk, services()).test_client(), place="office")
        self.desk: Desk = current.make_desk(kiosk)
        # What is drawn is tested with papers; here two pages are.
        monkeypatch.setattr("appliance.kiosk.letters.paper.render", lambda _: a_pdf(2))
        self.official = self.desk.officials_book.add(HEAD, Signing("I Made Contoh", "Perbekel"), account="made")
        self.letter = self._verified()
        self.path = f"/kantor/surat/{self.letter.id}/cetak"

    def _verified(self) -> Letter:
        facts = {"nama": "Ni Luh Rahasia", "nik": "5103016508900001"}
        made = self.desk.submit(OPERATOR, "key-000000000000000001", PLAIN, answers=NO_ANSWERS, facts=facts)
        self.desk.verify(Actor("ketut", "sekretaris"), made.letter_id, 1)
        return self.seen(made.letter_id)

    def seen(self, letter_id: int) -> Letter:
        with self.world.store.reading() as db:
            return self.desk.reader.letter(db, letter_id)

    def approve(self) -> None:
        self.desk.approve(HEAD, self.letter.id, self.official, self.letter.version)
        self.letter = self.seen(self.letter.id)

    def enter(self, role: str = "operator") -> None:
        password = self.world.add("siti", role)
        self.send("/kantor/masuk", {"name": "siti", "password": password})
        self.send("/kantor/sandi", {"old": password, "new": NEW, "again": NEW})
        self.send("/kantor/masuk", {"name": "siti", "password": NEW})

    def send(self, path: str, form: dict[str, str], page: str = "") -> Any:
        text = self.visitor.get(page or path).get_data(as_text=True)
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', text)
        assert token is not None, text[-500:]
        return self.visitor.post(path, {"csrf_token": token[1], **form})

    def page(self) -> str:
        response = self.visitor.get(self.path)
        assert response.status_code == 200
        return _text(response)

    def refreshes(self) -> bool:
        return 'http-equiv="refresh" content="2"' in self.visitor.get(self.path).get_data(as_text=True)


def _text(response: Any) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))).split())


@pytest.fixture
def office(world: World, monkeypatch: pytest.MonkeyPatch) -> Office:
    made = Office(world, monkeypatch)
    made.approve()
    made.enter()
    return made


def test_a_letter_is_printed_with_one_press(office: Office) -> None:
    assert "Pencetak siap" in office.page() and not office.refreshes()
    assert office.send(office.path, {}).status_code == 303
    assert "Selesai dicetak" in office.page() and not office.refreshes()
    code = f"{office.letter.code[:4]}-{office.letter.code[4:]}"
    assert office.printer.sheets_printed == [f"{code} 1", f"{code} 2"]


def test_paper_out_on_page_two_is_told_and_goes_on_by_itself(office: Office) -> None:
    number = office.letter.number
    office.printer.sheets = 1
    office.send(office.path, {})
    page = office.page()
    assert "Kertas habis" in page and "dilanjutkan sendiri" in page
    # Five seconds are enough for a page that asks again every two.
    assert office.refreshes()
    # Whoever presses once more, from a page that is still open, prints nothing more.
    token = re.search(r'value="([^"]+)"', office.visitor.get(office.path).get_data(as_text=True))
    assert token is not None
    assert office.visitor.post(office.path, {"csrf_token": token[1]}).status_code == 303
    office.printer.load(10)
    assert "Selesai dicetak" in office.page() and not office.refreshes()
    assert len(office.printer.sheets_printed) == 2
    assert office.seen(office.letter.id).number == number


def test_a_further_copy_asks_for_a_reason(office: Office) -> None:
    office.send(office.path, {})
    refused = office.send(office.path, {})
    assert refused.status_code == 400 and "mengapa surat dicetak lagi" in _text(refused)
    assert len(office.printer.sheets_printed) == 2
    assert office.send(office.path, {"alasan": "spoilt"}).status_code == 303
    assert len(office.printer.sheets_printed) == 4
    assert "kertas rusak" in office.page()


@pytest.mark.parametrize(
    ("prepare", "words"),
    [
        (lambda printer: setattr(printer, "attention", "media-jam-error"), "perlu diperiksa"),
        (lambda printer: setattr(printer, "is_on", False), "mati atau tidak tersambung"),
    ],
)
def test_trouble_is_told_while_it_waits(office: Office, prepare: Any, words: str) -> None:
    prepare(office.printer)
    office.send(office.path, {})
    assert words in office.page() and office.refreshes()
    assert office.printer.sheets_printed == []


def test_a_print_is_stopped_and_then_asked_for_again(office: Office) -> None:
    office.printer.sheets = 0
    office.send(office.path, {})
    assert office.send(f"{office.path}/berhenti", {}, office.path).status_code == 303
    assert "dihentikan" in office.page() and not office.refreshes()
    office.printer.load(10)
    office.send(office.path, {"alasan": "stopped"})
    assert "Selesai dicetak" in office.page()
    assert len(office.printer.sheets_printed) == 2


def test_a_print_that_broke_off_says_to_look_at_the_paper(office: Office) -> None:
    office.printer.sheets = 1
    office.send(office.path, {})
    office.printer.fail(f"letter-{office.letter.id}-copy-1")
    assert "gagal di tengah jalan" in office.page()
    office.printer.forget()
    assert "gagal di tengah jalan" in office.page()


def test_a_power_cut_leaves_a_question_and_prints_nothing_by_itself(office: Office) -> None:
    office.printer.sheets = 1
    office.send(office.path, {})
    office.printer.forget()
    office.printer.load(10)
    assert "Tidak diketahui apakah sudah tercetak" in office.page()
    assert len(office.printer.sheets_printed) == 1


def test_a_printer_that_does_not_answer_is_no_error_page(office: Office) -> None:
    office.printer.answers = False
    response = office.send(office.path, {})
    assert response.status_code == 503
    assert "Pencetak tidak menjawab" in _text(response) and "Traceback" not in _text(response)
    assert office.page()
    office.printer.answers = True
    assert office.send(office.path, {}).status_code == 303
    assert "Selesai dicetak" in office.page()
    assert len(office.printer.sheets_printed) == 2


def test_a_letter_without_a_number_is_not_printed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(world, monkeypatch)
    office.enter()
    response = office.send(office.path, {})
    assert response.status_code == 409 and "belum bisa dicetak" in _text(response)
    assert office.printer.sheets_printed == []


def test_a_letter_that_is_not_there(office: Office) -> None:
    response = office.visitor.get("/kantor/surat/17/cetak")
    assert response.status_code == 200  # it opens no letter, and tells of none
    assert office.send("/kantor/surat/17/cetak", {}).status_code == 404
    for path in ("/kantor/surat/x/cetak", "/kantor/surat/-1/cetak", "/kantor/surat/99999999999999999999999999/cetak"):
        assert office.visitor.get(path).status_code in (404, 400)


def test_a_box_without_a_printer_says_so(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office(world, monkeypatch, NO_PRINTER)
    office.approve()
    office.enter()
    assert "tidak punya pencetak" in office.page()


@pytest.mark.parametrize("role", ["kader", "bpd", "teknisi", "pengurus_bank_sampah"])
def test_who_does_not_process_letters_prints_none(world: World, monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    office = Office(world, monkeypatch)
    office.approve()
    office.enter(role)
    assert office.visitor.get(office.path).status_code == 403
    client: FlaskClient = office.visitor.client
    assert client is not None
    assert office.visitor.post(office.path, {}).status_code in (400, 403)
    assert office.printer.sheets_printed == []


@pytest.mark.parametrize("role", ["sekretaris", "kepala_desa"])
def test_who_approves_prints_too(world: World, monkeypatch: pytest.MonkeyPatch, role: str) -> None:
    office = Office(world, monkeypatch)
    office.approve()
    office.enter(role)
    assert office.send(office.path, {}).status_code == 303
    assert len(office.printer.sheets_printed) == 2


def test_nobody_prints_without_a_login_a_token_or_from_the_open_air(office: Office) -> None:
    assert office.visitor.post(office.path, {}).status_code in (400, 403)
    office.visitor.place = "resident"
    assert office.visitor.get(office.path).status_code == 403
    office.visitor.place = "office"
    office.visitor.forget()
    assert office.visitor.get(office.path).status_code == 303
    assert office.printer.sheets_printed == []


def test_the_page_while_it_prints_opens_no_letter(office: Office) -> None:
    office.send(office.path, {})
    before = office.desk.means.audit.end()
    text = office.page()
    assert office.desk.means.audit.end() == before
    assert "Rahasia" not in text and "5103016508900001" not in text
