"""The office gives PINs: to whom it may, shown once, and written down."""

import re
from typing import Any

import pytest

from appliance.kiosk.residents.codes import StatusDasar
from appliance.store.audit import Audit
from tests.unit.appliance.kiosk.citizen.conftest import words
from tests.unit.appliance.kiosk.citizen.people import MADE, STRANGER, WAYAN


def test_a_first_pin_is_shown_once_and_opens(hall: Any) -> None:
    hall.put_in_front("siti", "operator")
    where = hall.send("/kantor/pin/", {"nik": MADE}).headers["Location"]
    assert MADE not in where and where.endswith(f"/{hall.ids[MADE]}")
    page = words(hall.get(where))
    assert "Ni Made Contoh" in page and "5103********0002" in page and MADE not in page and "belum ada" in page
    answer = hall.send(where, {"do": "give", "seen": "yes"})
    found = re.search(r'class="slip">(\d{3}) (\d{3})<', answer.get_data(as_text=True))
    assert found is not None and answer.headers["Cache-Control"] == "no-store"
    assert "hanya ditampilkan sekarang" in words(answer)
    pin = found[1] + found[2]
    assert pin not in hall.get(where).get_data(as_text=True) and "sejak 21 September 2026" in words(hall.get(where))
    hall.visitor.forget()
    assert hall.enter(MADE, pin).status_code == 303
    assert "masuk pertama kali" in words(hall.get("/pin"))
    book = Audit(hall.world.store, hall.world.kiosk().clock)
    assert {"pin.given", "resident.seen"} <= {each.what for each in book.by_actor("siti", 10) if each.subjects}


def test_without_having_looked_at_the_card_there_is_none(hall: Any) -> None:
    hall.put_in_front("siti", "operator")
    answer = hall.send(f"/kantor/pin/{hall.ids[MADE]}", {"do": "give"})
    assert answer.status_code == 400 and "Periksa dulu kartunya" in words(answer)
    assert hall.pins.since_seconds(hall.ids[MADE]) is None


@pytest.mark.parametrize("nik", [STRANGER, "", "bukan", "5" * 200])
def test_a_nik_that_is_not_there_is_said(hall: Any, nik: str) -> None:
    hall.put_in_front("siti", "operator")
    answer = hall.send("/kantor/pin/", {"nik": nik})
    assert answer.status_code == 404 and "Tidak ada warga dengan NIK itu" in words(answer)


def test_who_moved_away_gets_none(hall: Any) -> None:
    hall.set_status(MADE, StatusDasar.PINDAH)
    hall.put_in_front("siti", "operator")
    path = f"/kantor/pin/{hall.ids[MADE]}"
    assert "Tidak bisa diberi PIN" in words(hall.get(path))
    assert hall.send(path, {"do": "give", "seen": "yes"}, page="/kantor/pin/").status_code == 409


def test_a_pin_is_taken_away(hall: Any) -> None:
    hall.put_in_front("siti", "operator")
    path = f"/kantor/pin/{hall.ids[WAYAN]}"
    assert hall.send(path, {"do": "take_away"}).status_code == 303
    assert "belum ada" in words(hall.get(path))
    hall.visitor.forget()
    assert "NIK atau PIN salah" in words(hall.enter())


def test_nonsense_changes_nothing(hall: Any) -> None:
    hall.put_in_front("siti", "operator")
    assert hall.get("/kantor/pin/1").status_code == 404
    assert hall.get("/kantor/pin/9999999999999999999999").status_code in (404, 400)
    assert hall.send(f"/kantor/pin/{hall.ids[WAYAN]}", {"do": "x"}).status_code == 400
    assert hall.pins.since_seconds(hall.ids[WAYAN]) is not None


@pytest.mark.parametrize("role", ["kepala_desa", "kader", "pengurus_bank_sampah", "bpd", "teknisi"])
def test_who_may_not_reads_who_may(hall: Any, role: str) -> None:
    hall.put_in_front("budi", role)
    for path in ("/kantor/pin/", f"/kantor/pin/{hall.ids[WAYAN]}"):
        answer = hall.get(path)
        assert answer.status_code == 403 and "Operator, Sekretaris" in words(answer) and "Wayan" not in words(answer)
    assert "PIN warga" not in words(hall.get("/kantor/"))


def test_in_the_open_air_it_stays_shut(hall: Any) -> None:
    hall.put_in_front("siti", "operator")
    hall.visitor.place = "resident"
    assert hall.get(f"/kantor/pin/{hall.ids[WAYAN]}").status_code == 403
