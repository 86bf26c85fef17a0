"""The office's pages of residents: find, read, add, change, status, totals."""

import datetime
import re
from collections.abc import Callable
from typing import Any

import pytest

from appliance.kiosk.residents.codes import StatusDasar
from appliance.kiosk.residents.person import draft
from appliance.kiosk.residents.register import Register
from tests.unit.appliance.kiosk.residents.conftest import TODAY, Clerk, text
from tests.unit.appliance.kiosk.residents.people import AYU, KETUT, LOOK, MADE, OPERATOR

PATHS = ("/", "/tambah", "/impor", "/jumlah")


@pytest.fixture
def made(register: Register) -> int:
    """The number of I Made Suparta, whose wife is in the register too."""
    register.add(OPERATOR, draft(AYU, TODAY))
    register.add(OPERATOR, draft(KETUT, TODAY))
    return register.add(OPERATOR, draft(MADE, TODAY))


def version_of(clerk: Clerk, id_: int) -> str:
    found = re.search(r'name="version" value="([0-9]+)"', clerk.get(f"/{id_}/ubah").get_data(as_text=True))
    assert found is not None
    return found[1]


def test_nobody_is_shown_before_a_search(clerk: Clerk, made: int) -> None:
    page = text(clerk.get("/"))
    assert "3 warga dalam 2 keluarga" in page
    assert "Suparta" not in page


def test_somebody_is_found(clerk: Clerk, made: int) -> None:
    for asked in ("made", "sup", "I MADE", MADE["nik"], "5103 0117 0890 0001"):
        page = text(clerk.post("/cari", {"text": asked}))
        assert "I Made Suparta" in page
        assert "5103********0001" in page
        assert MADE["nik"] not in page.replace(asked, "")
        assert "Ketut" not in page


def test_a_family_number_finds_the_family(clerk: Clerk, made: int) -> None:
    page = text(clerk.post("/cari", {"text": MADE["no_kk"]}))
    assert "I Made Suparta" in page and "Ni Ayu Lestari" in page and "Ketut" not in page


def test_a_search_is_narrowed_and_empty_ones_say_so(clerk: Clerk, made: int) -> None:
    assert "Ketut Darma" in text(clerk.post("/cari", {"text": "", "dusun": "Kaja"}))
    assert "Tidak ada warga yang cocok" in text(clerk.post("/cari", {"text": "made", "dusun": "Kaja"}))
    assert "Tidak ada warga yang cocok" in text(clerk.post("/cari", {"text": "made", "status": "mati"}))
    assert clerk.post("/cari", {"text": "made", "status": "zombi"}).status_code == 400


def test_a_long_list_is_turned_by_a_form(clerk: Clerk, register: Register) -> None:
    for number in range(1, 46):
        register.add(OPERATOR, draft({"nama": f"Warga {number:02}", "nik": f"510301170890{number:04}"}, TODAY))
    page = clerk.post("/cari", {"text": "warga", "hal": "2"})
    assert "Halaman 2 dari 3" in text(page) and "Warga 21" in text(page) and "Warga 20" not in text(page)
    assert "warga" not in "".join(re.findall(r'(?:href|action)="([^"]*)"', page.get_data(as_text=True))).replace(
        "/kantor/warga", ""
    )
    for nonsense in ("0", "-1", "x", "9" * 30):
        assert clerk.post("/cari", {"text": "warga", "hal": nonsense}).status_code == 200


def test_a_record_shows_the_family_and_masks_numbers_until_asked(clerk: Clerk, made: int) -> None:
    page = text(clerk.get(f"/{made}"))
    assert "Petani/Pekebun" in page and "17 Agustus 1990" in page and "36 tahun" in page
    assert "Ni Ayu Lestari" in page and "Ketut" not in page
    assert MADE["nik"] not in page and MADE["no_kk"] not in page
    assert MADE["nik"] in text(clerk.post(f"/{made}"))


def test_what_does_not_fit_the_nik_is_pointed_out(clerk: Clerk, register: Register) -> None:
    id_ = register.add(OPERATOR, draft({**MADE, "sex": "2", "nik": "1401011708900001"}, TODAY))
    page = text(clerk.get(f"/{id_}"))
    assert "jenis kelamin tidak sama dengan NIK" in page and "wilayah lain" in page
    assert "tanggal lahir tidak sama" not in page


def test_each_look_is_written_down(clerk: Clerk, register: Register, made: int) -> None:
    clerk.get(f"/{made}")
    entries = register.audit.about(made, 10)
    assert {"resident.seen", "family.seen"} <= {each.what for each in entries if each.name == "ani.operator"}


def test_who_is_not_there_is_not_found(clerk: Clerk) -> None:
    for path in ("/1", "/1/ubah", "/1/status", "/0", "/9007199254740993", f"/{'9' * 30}", f"/{'9' * 5000}"):
        assert clerk.get(path).status_code == 404
        assert clerk.post(path, {**MADE, "status": "mati", "version": "1"}).status_code == 404


def test_somebody_is_added_once(clerk: Clerk, register: Register) -> None:
    answer = clerk.post("/tambah", {**MADE, "agama_id": "4"})
    assert answer.status_code == 303
    id_ = register.id_of_nik(MADE["nik"])
    assert answer.location == f"/kantor/warga/{id_}"
    again = clerk.post("/tambah", MADE)
    assert again.status_code == 409 and "Sudah ada di data warga" in text(again)
    assert f"/kantor/warga/{id_}" in again.get_data(as_text=True)
    assert register.counts().all.residents == 1


WRONG = [
    ("nik", "51030117089000", "Harus 16 angka, ini 14."),
    ("nik", "5103013208900001", "bukan tanggal lahir"),
    ("nik", "5,10301E+15", "menjadi bilangan"),
    ("nik", "", "Harus diisi."),
    ("nama", "", "Harus diisi."),
    ("nama", "a" * 10_000, "Terlalu panjang"),
    ("nama", "Budi\x00Utomo", "tidak terbaca"),
    ("tanggallahir", "2027-01-01", "belum tiba"),
    ("tanggallahir", "kemarin", "Bukan tanggal"),
    ("agama_id", "77", "Kodenya tidak dikenal"),
]


def test_a_wrong_form_says_what_and_keeps_what_was_typed(clerk: Clerk, register: Register) -> None:
    for field, value, said in WRONG:
        answer = clerk.post("/tambah", {**MADE, field: value})
        assert answer.status_code == 400
        assert said in text(answer)
        assert 'value="Jalan Melati 3"' in answer.get_data(as_text=True)
    assert register.counts().all.residents == 0


def test_hostile_text_is_harmless_on_pages(clerk: Clerk, register: Register) -> None:
    hostile = "<script>alert(1)</script>\u202egnp.exe \u200bBudi"
    clerk.post("/tambah", {**MADE, "nama": hostile})
    id_ = register.id_of_nik(MADE["nik"])
    page = clerk.get(f"/{id_}").get_data(as_text=True)
    assert "<script>alert" not in page and "&lt;script&gt;" in page
    assert "\u202e" not in page and "\u200b" not in page


def test_a_change_keeps_numbers_that_were_left_blank(clerk: Clerk, register: Register, made: int) -> None:
    form = {
        **MADE,
        "nama": "I Made Suparta Wijaya",
        "nik": "",
        "no_kk": "",
        "tempatlahir": "",
        "version": version_of(clerk, made),
    }
    assert clerk.post(f"/{made}/ubah", form).status_code == 303
    now = register.get(LOOK, made)
    assert now is not None
    assert (now.name, now.nik, now.no_kk, now.birth_place) == ("I Made Suparta Wijaya", MADE["nik"], MADE["no_kk"], "")


def test_the_form_never_shows_whole_numbers(clerk: Clerk, made: int) -> None:
    page = clerk.get(f"/{made}/ubah").get_data(as_text=True)
    assert MADE["nik"] not in page and MADE["no_kk"] not in page and "5103********0001" in page


def test_a_lost_update_is_refused_with_what_is_there_now(clerk: Clerk, register: Register, made: int) -> None:
    version = version_of(clerk, made)
    register.change(OPERATOR, made, draft({"nama": "Made Lain"}, TODAY, is_whole=False), 1)
    answer = clerk.post(f"/{made}/ubah", {**MADE, "nik": "", "no_kk": "", "nama": "Made Saya", "version": version})
    assert answer.status_code == 409
    assert "baru saja diubah orang lain" in text(answer) and "Made Lain" in text(answer)
    page = answer.get_data(as_text=True)
    assert 'value="Made Saya"' in page and 'name="version" value="2"' in page
    now = register.get(LOOK, made)
    assert now is not None and now.name == "Made Lain"


def test_a_form_without_its_version_changes_nothing(clerk: Clerk, made: int) -> None:
    for version in ("", "0", "x", "-1", "9" * 40):
        assert clerk.post(f"/{made}/ubah", {"nama": "Lain", "version": version}).status_code == 409


def test_another_ones_nik_is_refused(clerk: Clerk, made: int) -> None:
    answer = clerk.post(f"/{made}/ubah", {"nik": AYU["nik"], "nama": "Made", "version": version_of(clerk, made)})
    assert answer.status_code == 409 and "Sudah ada di data warga" in text(answer)


def test_a_death_is_written_down_and_taken_back(clerk: Clerk, register: Register, made: int) -> None:
    form = {"status": "mati", "on": "2026-09-01", "note": "Surat RS 12", "version": "1"}
    assert clerk.post(f"/{made}/status", form).status_code == 303
    page = text(clerk.get(f"/{made}"))
    assert "Meninggal" in page and "1 September 2026" in page and "Surat RS 12" in page
    assert register.id_of_nik(MADE["nik"]) is None
    assert clerk.post(f"/{made}/status", {**form, "status": "hidup"}).status_code == 409
    assert clerk.post(f"/{made}/status", {**form, "status": "hidup", "version": "2"}).status_code == 303
    assert register.id_of_nik(MADE["nik"]) == made


def test_a_wrong_status_changes_nothing(clerk: Clerk, register: Register, made: int) -> None:
    for form in (
        {"status": "zombi"},
        {"status": "mati", "on": "2026-09-30"},
        {"status": "mati", "on": "x"},
        {"status": "mati", "note": "a" * 300},
        {"status": "mati", "note": "a\x07b"},
        {},
    ):
        assert clerk.post(f"/{made}/status", {**form, "version": "1"}).status_code == 400
    now = register.get(LOOK, made)
    assert now is not None and now.status is StatusDasar.HIDUP and now.version == 1


def test_totals_name_nobody(log_in: Callable[[str], Clerk], made: int) -> None:
    page = text(log_in("bpd").get("/jumlah"))
    assert "Petani/Pekebun" in page and "Krajan" in page
    assert "Suparta" not in page


ALLOWED = {
    "operator": {"/", "/tambah", "/impor", "/jumlah"},
    "sekretaris": {"/", "/tambah", "/impor", "/jumlah"},
    "kepala_desa": {"/", "/jumlah"},
    "bpd": {"/jumlah"},
    "kader": set(),
    "pengurus_bank_sampah": set(),
    "teknisi": set(),
}


def test_each_role_opens_its_own_pages(log_in: Callable[[str], Clerk], made: int) -> None:
    for role, allowed in ALLOWED.items():
        clerk = log_in(role)
        assert {path for path in PATHS if clerk.get(path).status_code == 200} == allowed
        assert clerk.get(f"/{made}").status_code == (200 if "/" in allowed else 403)
        may_change = "/tambah" in allowed
        assert clerk.get(f"/{made}/ubah").status_code == (200 if may_change else 403)
        answer = clerk.post(f"/{made}/status", {"status": "mati", "version": "99"})
        assert answer.status_code == (409 if may_change else 403)
        assert clerk.post("/ekspor", {"jenis": "csv"}).status_code == (200 if may_change else 403)


def test_strangers_are_led_to_the_login(visitor: Any) -> None:
    for path in (*PATHS, "/1", "/1/ubah", "/impor/1"):
        answer = visitor.get(f"/kantor/warga{path}")
        assert answer.status_code == 303 and "/kantor/masuk" in answer.location


def test_nothing_opens_in_the_open_air(clerk: Clerk, made: int) -> None:
    clerk.visitor.place = "resident"
    assert clerk.get(f"/{made}").status_code == 403
    assert clerk.get("/impor").status_code == 403


def test_today_is_the_villages_day(register: Register) -> None:
    assert register.today() == TODAY == datetime.date(2026, 9, 21)
