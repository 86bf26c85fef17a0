"""A resident, typed, and the words of a letter."""

import datetime

import pytest

from appliance.kiosk.residents import person
from appliance.kiosk.residents.codes import Sex, StatusDasar
from appliance.kiosk.residents.columns import Wrong
from appliance.kiosk.residents.person import DraftInvalid, draft, facts, resident, values_of
from tests.unit.appliance.kiosk.residents.people import AYU, MADE

TODAY = datetime.date(2026, 9, 21)


def test_what_is_kept_and_what_is_typed_are_the_same() -> None:
    values = {**MADE, "suku": "Bali", "hamil": "2", "status_dasar": "3", person.STATUS_NOTE: "ke Denpasar"}
    one = resident(7, 2, values)
    assert values_of(one) == values
    assert (one.id, one.version, one.sex, one.status, one.religion) == (7, 2, Sex.MALE, StatusDasar.PINDAH, 4)
    assert one.birth_date == datetime.date(1990, 8, 17) and one.is_head


def test_who_has_no_status_lives_here() -> None:
    assert resident(1, 1, MADE).status is StatusDasar.HIDUP


@pytest.mark.parametrize(
    ("born", "today", "age"),
    [("1990-08-17", (2026, 8, 16), 35), ("1990-08-17", (2026, 8, 17), 36), ("2004-02-29", (2026, 2, 28), 21),
     ("2004-02-29", (2026, 3, 1), 22), ("2026-09-22", (2026, 9, 21), None)],
)  # fmt: skip
def test_age_in_whole_years(born: str, today: tuple[int, int, int], age: int | None) -> None:
    assert resident(1, 1, {**MADE, "tanggallahir": born}).age(datetime.date(*today)) == age


def test_facts_speak_as_a_letter() -> None:
    found = facts(resident(1, 1, MADE), TODAY)
    assert found["tanggal_lahir"] == "17 Agustus 1990" and found["umur"] == "36"
    assert found["pekerjaan"] == "Petani/Pekebun" and found["agama"] == "Hindu"
    assert found["jenis_kelamin"] == "Laki-laki" and found["hubungan_keluarga"] == "Kepala Keluarga"
    assert found["alamat_lengkap"] == "Jalan Melati 3, RT 001/RW 002, Dusun Krajan"
    assert set(found) == {
        "nama", "nik", "no_kk", "tempat_lahir", "tanggal_lahir", "umur", "jenis_kelamin", "agama", "pekerjaan",
        "status_kawin", "kewarganegaraan", "pendidikan", "alamat", "dusun", "rt", "rw", "alamat_lengkap", "nama_ayah",
        "nama_ibu", "golongan_darah", "hubungan_keluarga",
    }  # fmt: skip


def test_facts_of_somebody_who_is_hardly_known_are_blank() -> None:
    found = facts(resident(1, 1, {"nama": "Budi", "nik": MADE["nik"]}), TODAY)
    assert {name for name, text in found.items() if text} == {"nama", "nik"}
    assert facts(resident(1, 1, MADE))["umur"] == ""


@pytest.mark.parametrize(
    ("dusun", "said"),
    [("Krajan", "Dusun Krajan"), ("DUSUN KAJA", "DUSUN KAJA"), ("Banjar Kelod", "Banjar Kelod"), ("", "")],
)
def test_a_dusun_is_not_called_so_twice(dusun: str, said: str) -> None:
    one = resident(1, 1, {"nama": "Budi", "nik": MADE["nik"], "dusun": dusun})
    assert person.whole_address(one) == said


@pytest.mark.parametrize(
    ("name", "word"), [("sex", "Perempuan"), ("status", "Hidup"), ("ktp_el", "KTP-EL"), ("blood_type", "")]
)
def test_words_of_codes(name: str, word: str) -> None:
    assert person.words(resident(1, 1, {**AYU, "ktp_el": "2"}), name) == word


def test_a_draft_tells_all_that_is_wrong_at_once() -> None:
    with pytest.raises(DraftInvalid) as caught:
        draft({"nama": "", "agama_id": "99", "tanggallahir": "x"}, TODAY)
    assert {name: each.wrong for name, each in caught.value.problems.items()} == {
        "nama": Wrong.REQUIRED, "nik": Wrong.REQUIRED, "agama_id": Wrong.UNKNOWN_CODE, "tanggallahir": Wrong.NO_DATE,
    }  # fmt: skip


def test_a_change_need_not_name_everything_but_blanks_nothing_that_is_needed() -> None:
    made = draft({"alamat": "", "suku": "Jawa"}, TODAY, is_whole=False)
    assert dict(made.values) == {"suku": "Jawa"} and made.names == {"alamat", "suku"}
    with pytest.raises(DraftInvalid):
        draft({"nama": ""}, TODAY, is_whole=False)
