"""Contacts, assets, visits and the card of a hub: checked with what was typed kept, reversed instead of deleted."""

from __future__ import annotations

import pytest

from noc.web.hub_people import read_phone
from tests.unit.noc.web.fleet import DETAILED
from tests.unit.noc.web.visiting import Visit, send

HUB = f"/hub/{DETAILED}"
ASSET = {"kind": "UPS", "model": "APC <650>", "serial": "SN=1", "since_day": "2026-01-12"}
VISIT = {"day": "2026-05-20", "by": "Ketut", "what": "Ganti kabel.\r\n\r\nUji."}
CARD = {
    "provider": "Telkom", "upstream": "menara-3", "download_kbit": "20.000", "upload_kbit": "", "residents": "",
    "address": "Jl. Raya 1", "latitude": "-8,5", "longitude": "115.25",
}  # fmt: skip


def fill(visit: Visit, path: str, **fields: str) -> tuple[int, str]:
    answer = send(visit.client, path, path, **fields)
    return answer.status_code, answer.text


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("0812-3456-7890", "+6281234567890"),
        ("+62 812 3456 7890", "+6281234567890"),
        ("62812 3456 7890", "+6281234567890"),
        ("0062 81234567890", "+6281234567890"),
        ("(0361) 123456", "+62361123456"),
        ("+670 7701 2345", "+67077012345"),
        ("119", "119"),
        ("", None),
        ("abc", None),
        ("+62", None),
        ("08", None),
        ("0812x3456", None),
        ("+0812345678", None),
        ("٠٨١٢٣٤٥٦٧٨", None),
        ("1" * 40, None),
    ],
)
def test_phones_are_kept_as_they_dial_from_everywhere(typed: str, kept: str | None) -> None:
    assert read_phone(typed) == kept


def test_a_contact_is_added_changed_and_taken_out(admin: Visit) -> None:
    before = admin.book.contacts(DETAILED)
    assert fill(admin, f"{HUB}/kontak", name="Ni  Luh", role="Kaur", phone="0812 1111 2222", order="5")[0] == 303
    (new,) = (each for each in admin.book.contacts(DETAILED) if each not in before)
    assert (new.name, new.role, new.phone, new.order) == ("Ni Luh", "Kaur", "+6281211112222", 5)
    path = f"{HUB}/kontak?nomor={new.contact_id}"
    assert "0812-1111-2222" in admin.client.get(path).text
    assert fill(admin, path, name="Ni Luh", role="Kepala desa", phone="081211112222", order="0")[0] == 303
    assert next(e for e in admin.book.contacts(DETAILED) if e.contact_id == new.contact_id).role == "Kepala desa"
    assert send(admin.client, path, f"{HUB}/kontak/{new.contact_id}/hapus").status_code == 303
    assert len(admin.book.contacts(DETAILED)) == len(before)
    deeds = admin.book.deeds(3)
    assert [each.what for each in deeds] == ["contact_dropped", "contact_changed", "contact_added"]
    assert all("0812" not in f"{each.subject}{each.why}" and "Luh" not in each.why for each in deeds)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("name", "", "Belum diisi"), ("name", "x" * 65, "paling banyak 64"), ("phone", "=1+1", "Tulis nomor telepon")],
)
def test_a_wrong_contact_keeps_what_was_typed(admin: Visit, field: str, value: str, said: str) -> None:
    fields = {"name": "Ni Luh", "role": "<i>Kaur</i>", "phone": "0812 1111 2222", "order": "1"} | {field: value}
    status, page = fill(admin, f"{HUB}/kontak", **fields)
    assert status == 400 and said in page and "&lt;i&gt;Kaur&lt;/i&gt;" in page and 'aria-invalid="true"' in page
    assert all(each.name != "Ni Luh" for each in admin.book.contacts(DETAILED))


def test_a_contact_of_another_hub_is_not_touched_through_this_one(admin: Visit) -> None:
    other = next(iter(admin.book.contacts("hub-51030201")))
    assert admin.client.get(f"{HUB}/kontak?nomor={other.contact_id}").status_code == 404
    assert send(admin.client, f"{HUB}/kontak", f"{HUB}/kontak/{other.contact_id}/hapus").status_code == 404
    assert other in admin.book.contacts("hub-51030201")


def test_an_asset_is_taken_away_and_stays_in_the_book(admin: Visit) -> None:
    assert fill(admin, f"{HUB}/aset", **ASSET)[0] == 303
    new = next(each for each in admin.book.assets(DETAILED) if each.kind == "UPS")
    assert (new.model, new.serial, new.until_day) == ("APC <650>", "SN=1", "")
    path = f"{HUB}/aset/{new.asset_id}/lepas"
    assert "Lebih awal" in fill(admin, path, until_day="2026-01-01", why="rusak")[1]
    assert fill(admin, path, until_day="2026-05-01", why="")[0] == 400
    assert fill(admin, path, until_day="2026-05-01", why="rusak")[0] == 303
    kept = next(each for each in admin.book.assets(DETAILED) if each.asset_id == new.asset_id)
    assert kept.until_day == "2026-05-01"
    assert admin.client.get(path).status_code == 404  # only once
    assert "sudah dilepas" in admin.client.get(HUB).text


@pytest.mark.parametrize("day", ["", "2026-02-31", "17-08-2026", "1999-12-31", "2026-06-30", "2026-1-1", "x"])
def test_a_day_that_cannot_be_is_refused(admin: Visit, day: str) -> None:
    status, page = fill(admin, f"{HUB}/aset", **(ASSET | {"since_day": day}))
    assert status == 400 and ("Tulis hari" in page or "Hari harus dari 2000-01-01 sampai 2026-05-29" in page)


def test_a_visit_is_reversed_and_stays_crossed_out(operator: Visit) -> None:
    assert fill(operator, f"{HUB}/kunjungan", **VISIT)[0] == 303
    new = next(each for each in operator.book.visits(DETAILED) if each.by == "Ketut")
    assert new.what == "Ganti kabel.\n\nUji."
    path = f"{HUB}/kunjungan/{new.visit_id}/batal"
    assert fill(operator, path, why=" ")[0] == 400
    assert fill(operator, path, why="salah hub")[0] == 303
    kept = next(each for each in operator.book.visits(DETAILED) if each.visit_id == new.visit_id)
    assert kept.reversed_why == "petugas: salah hub" and kept.what == new.what
    assert operator.client.get(path).status_code == 404
    page = operator.client.get(HUB).text
    assert "is-gone" in page and "salah hub" in page


def test_the_card_says_what_was_contracted(admin: Visit) -> None:
    assert fill(admin, f"{HUB}/kartu", **CARD)[0] == 303
    card = admin.book.card(DETAILED)
    assert card is not None
    assert (card.provider, card.upstream, card.download_kbit, card.upload_kbit) == ("Telkom", "menara-3", 20_000, 0)
    assert (card.residents, card.latitude, card.longitude) == (None, -8.5, 115.25)
    assert "download_kbit" in admin.book.deeds(1)[0].why and "provider" in admin.book.deeds(1)[0].why
    number = len(admin.book.deeds(100))
    assert fill(admin, f"{HUB}/kartu", **CARD)[0] == 303
    assert len(admin.book.deeds(100)) == number  # nothing changed, nothing was done


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("download_kbit", "-1", "Tulis angka bulat"),
        ("download_kbit", "9" * 12, "Tulis angka bulat"),
        ("download_kbit", "2.5", "Tulis angka bulat"),
        ("upload_kbit", "10.0000", "Tulis angka bulat"),
        ("residents", "1e3", "Tulis angka bulat"),
        ("residents", "١٢", "Tulis angka bulat"),
        ("residents", "1.000.001", "sampai 1.000.000"),
        ("latitude", "91", "Tulis derajat"),
        ("latitude", "nan", "Tulis derajat"),
        ("longitude", "", "Isi keduanya"),
        ("address", "x" * 201, "paling banyak 200"),
        ("provider", "a\x00b", "huruf kendali"),
    ],
)
def test_a_card_that_cannot_be_is_refused_and_kept_as_typed(admin: Visit, field: str, value: str, said: str) -> None:
    before = admin.book.card(DETAILED)
    status, page = fill(admin, f"{HUB}/kartu", **(CARD | {field: value}))
    assert status == 400 and said in page and "Jl. Raya 1" in (page if field != "address" else "Jl. Raya 1")
    assert admin.book.card(DETAILED) == before


def test_operators_visit_and_admins_write_the_rest(operator: Visit, viewer_pages: list[str]) -> None:
    assert operator.client.get(f"{HUB}/kunjungan").status_code == 200
    for path in viewer_pages:
        assert operator.client.get(path).status_code == 403


@pytest.fixture
def viewer_pages() -> list[str]:
    return [f"{HUB}/kontak", f"{HUB}/aset", f"{HUB}/kartu"]


def test_a_hub_outside_the_scope_has_no_forms(district: Visit) -> None:
    assert district.client.get(f"{HUB}/kunjungan").status_code == 200
    assert district.client.get("/hub/hub-33010101/kunjungan").status_code == 404
    assert district.client.get("/hub/hub-nix/kunjungan").status_code == 404
    sent = send(district.client, f"{HUB}/kunjungan", "/hub/hub-33010101/kunjungan", **VISIT)
    assert sent.status_code == 404
