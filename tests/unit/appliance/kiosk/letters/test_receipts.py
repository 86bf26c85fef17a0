"""The receipt on a roll of paper: printed once, at the screen, and it names nobody."""

from __future__ import annotations

from typing import Any

from appliance.papers.twin_printer import TwinPrinter
from tests.unit.appliance.kiosk.citizen.conftest import Hall, words
from tests.unit.appliance.kiosk.citizen.people import MADE, PIN, WAYAN
from tests.unit.appliance.kiosk.letters.test_resident_pages import _asked


class Roll(TwinPrinter):
    """A ticket printer that keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(takes_pdf=False)
        self.sent: list[bytes] = []

    def submit(self, document: bytes, title: str, key: str) -> Any:
        self.sent.append(document)
        return super().submit(document, title, key)


def _give(hall: Hall) -> Roll:
    roll = Roll()
    object.__setattr__(hall.visitor.client.application.extensions["kiosk"], "ticket_printer", roll)
    return roll


def test_a_receipt_is_printed_once_and_names_nobody(hall: Hall) -> None:
    letter_id, roll = _asked(hall), _give(hall)
    path = f"/surat/saya/{letter_id}/bukti"
    assert "Cetak tanda terima" in words(hall.get(path))
    for _ in range(2):
        assert hall.send(path, {}, page=path).status_code == 303
    assert len(roll.sheets_printed) == 1
    assert "sedang dicetak" in words(hall.get(f"{path}?cetak=1"))
    ticket = roll.sent[0]
    code = roll.titles[0].partition(" ")[0]
    assert code.encode() in ticket and b"http://layanan.desa.internal/surat/lacak" in ticket
    # The address in the QR holds no code, and nothing of the resident is on the paper.
    assert code.encode() not in ticket.partition(b"http://")[2]
    assert WAYAN.encode() not in ticket and b"Wayan" not in ticket and b"Warung" not in ticket


def test_without_a_ticket_printer_it_is_not_offered(hall: Hall) -> None:
    letter_id = _asked(hall)
    path = f"/surat/saya/{letter_id}/bukti"
    assert "Cetak tanda terima" not in words(hall.get(path))
    assert hall.send(path, {}, page="/surat").status_code == 409


def test_a_printer_that_is_away_is_said_in_words(hall: Hall) -> None:
    letter_id, roll = _asked(hall), _give(hall)
    roll.answers = False
    response = hall.send(f"/surat/saya/{letter_id}/bukti", {}, page="/surat")
    assert response.status_code == 503 and "Pencetak tidak menjawab" in words(response)


def test_somebody_elses_receipt_is_not_printed(hall: Hall) -> None:
    letter_id, roll = _asked(hall), _give(hall)
    hall.give(MADE, PIN)
    hall.send("/layar/tutup", {}, page="/surat")
    assert hall.enter(MADE).status_code == 303
    assert hall.send(f"/surat/saya/{letter_id}/bukti", {}, page="/surat").status_code == 404
    assert roll.sent == []
