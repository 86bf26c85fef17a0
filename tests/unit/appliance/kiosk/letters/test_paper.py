"""The letter as lines: golden texts of all kinds, letterheads, signatures, and hostile answers."""

import dataclasses
import datetime
import os
from pathlib import Path

import pytest

from appliance.kiosk.letters import answers, kinds, paper
from appliance.kiosk.letters.kinds import Kind
from appliance.kiosk.letters.paper import Signing, SigningMode, Watermark
from tests.unit.appliance.kiosk.letters import samples

GOLDEN = Path(__file__).parents[4] / "golden/letters"
KINDS = kinds.load_kinds(kinds.SHIPPED)
USAHA = KINDS["keterangan-usaha"]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_a_letter_says_what_the_golden_one_says(kind: Kind) -> None:
    """``UPDATE_GOLDENS=1`` writes them anew; read the difference before committing it."""
    full = "\n".join(paper.text_of(samples.letter(kind)))
    short = answers.check(kind, samples.raw(kind, only_required=True), samples.TODAY)
    draft = samples.letter(kind, answers=short, number="", date=None, valid_until=None, watermark=Watermark.DRAFT)
    made = f"{full}\n\n======== only what is required, not yet approved ========\n\n" + "\n".join(paper.text_of(draft))
    file = GOLDEN / f"{kind.slug}.txt"
    if os.environ.get("UPDATE_GOLDENS") == "1":
        file.parent.mkdir(exist_ok=True)
        file.write_text(made + "\n", encoding="utf-8")
    assert file.read_text(encoding="utf-8") == made + "\n"


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_a_letter_has_all_that_an_official_letter_has(kind: Kind) -> None:
    lines = paper.text_of(samples.letter(kind))
    text = "\n".join(lines)
    assert lines[:3] == ["PEMERINTAH KABUPATEN BADUNG", "KECAMATAN KUTA", "DESA SUKAMAJU"]
    assert f"{kind.title.upper()}\nNomor : {kind.code}/007/2001/VIII/2026" in text
    assert "Yang bertanda tangan di bawah ini" in text
    assert "\nDemikian surat" in text
    assert "Sukamaju, 17 Agustus 2026" in lines
    assert "Perbekel Sukamaju,\nI Made Contoh, S.Sos.\nNIP. 19720817 199803 1 004" in text
    assert ("Mengetahui,\nCamat Kuta,\n" in text) is kind.countersigned_by_camat
    assert not {"{", "}"} & set(text)


def test_golden_letters_are_those_of_the_kinds_that_ship() -> None:
    assert {file.stem for file in GOLDEN.iterdir()} == KINDS.keys()


@pytest.mark.parametrize(
    ("changes", "head"),
    [
        ({}, ("PEMERINTAH KABUPATEN BADUNG", "KECAMATAN KUTA", "DESA SUKAMAJU")),
        ({"kabupaten": "Kota Denpasar"}, ("PEMERINTAH KOTA DENPASAR", "KECAMATAN KUTA", "DESA SUKAMAJU")),
        ({"kind": "kelurahan"}, ("PEMERINTAH KABUPATEN BADUNG", "KECAMATAN KUTA", "KELURAHAN SUKAMAJU")),
        ({"kind": "desa_adat"}, ("PROVINSI BALI", "KABUPATEN BADUNG, KECAMATAN KUTA", "DESA ADAT SUKAMAJU")),
        ({"kecamatan": "Distrik Sentani"}, ("PEMERINTAH KABUPATEN BADUNG", "DISTRIK SENTANI", "DESA SUKAMAJU")),
        ({"kecamatan": "Kapanewon Wates"}, ("PEMERINTAH KABUPATEN BADUNG", "KAPANEWON WATES", "DESA SUKAMAJU")),
    ],
)  # fmt: skip
def test_letterheads(changes: dict[str, str], head: tuple[str, ...]) -> None:
    assert paper.letterhead(samples.village(**changes)) == head


def test_who_countersigns_is_called_as_the_region_calls_them() -> None:
    permit = KINDS["izin-keramaian"]
    for kecamatan, title in (
        ("Kuta", "Camat Kuta,"),
        ("Distrik Sentani", "Kepala Distrik Sentani,"),
        ("Kapanewon Wates", "Panewu Wates,"),
    ):
        assert title in paper.text_of(samples.letter(permit, village=samples.village(kecamatan=kecamatan)))


def test_a_lurah_speaks_as_lurah() -> None:
    village = samples.village(kind="kelurahan", head_title="Lurah")
    text = "\n".join(paper.text_of(samples.letter(USAHA, village=village)))
    assert "Yang bertanda tangan di bawah ini Lurah Sukamaju, Kecamatan Kuta, Kabupaten Badung, Provinsi Bali," in text
    assert "adalah benar warga Kelurahan Sukamaju" in text


@pytest.mark.parametrize(
    ("mode", "lines"),
    [
        (SigningMode.SELF, ("Sekretaris Desa,",)),
        (SigningMode.ON_BEHALF, ("a.n. Kepala Desa Sukamaju", "Sekretaris Desa,")),
        (SigningMode.FOR_DEPUTY, ("a.n. Kepala Desa Sukamaju", "Kaur Umum", "u.b.", "Sekretaris Desa,")),
        (SigningMode.ACTING, ("Plt. Kepala Desa Sukamaju,",)),
    ],
)
def test_in_whose_name_an_official_signs(mode: SigningMode, lines: tuple[str, ...]) -> None:
    signing = Signing("Siti Contoh", "Sekretaris Desa", "", mode, "Kepala Desa Sukamaju", "Kaur Umum")
    assert signing.lines() == lines
    text = paper.text_of(samples.letter(USAHA, signing=signing))
    at = text.index(lines[0])
    assert tuple(text[at : at + len(lines) + 1]) == (*lines, "Siti Contoh")


def test_before_approval_number_date_and_name_are_open() -> None:
    lines = paper.text_of(samples.letter(USAHA, number="", date=None, signing=Signing("", "Perbekel Sukamaju")))
    assert f"Nomor : {paper.NO_NUMBER}" in lines
    assert f"Sukamaju, {paper.DOTS}" in lines
    assert paper.DOTS in lines


def test_whoever_acknowledges_says_so() -> None:
    text = "\n".join(paper.text_of(samples.letter(KINDS["keterangan-jual-beli"])))
    assert "Penjual,\nNi Luh Ayu Contoh" in text
    assert "Mengetahui,\nPerbekel Sukamaju," in text


def test_the_end_of_validity_is_said() -> None:
    until = datetime.date(2026, 12, 31)
    lines = paper.text_of(samples.letter(USAHA, valid_until=until))
    assert "Surat ini berlaku sampai dengan tanggal 31 Desember 2026." in lines
    assert not any("berlaku sampai" in line for line in paper.text_of(samples.letter(USAHA, valid_until=None)))


def test_how_it_was_signed_is_said_beside_the_code() -> None:
    by_hand = "\n".join(paper.text_of(samples.letter(USAHA)))
    assert "ditandatangani dengan tangan" in by_hand
    assert "Kode periksa: 7K2M-9QXD" in by_hand
    assert "secara elektronik" in "\n".join(paper.text_of(samples.letter(USAHA, is_electronic=True)))
    without = paper.text_of(samples.letter(USAHA, verification_address=""))
    assert not any("QR" in line for line in without)


@pytest.mark.parametrize("mark", [mark for mark in Watermark if mark])
def test_marks_are_told_to_readers_too(mark: Watermark) -> None:
    assert paper.text_of(samples.letter(USAHA, watermark=mark))[0] == f"*** {mark} ***"


def test_what_is_typed_reaches_no_other_place() -> None:
    hostile = "{nik} Nama : *x* {nama.__class__}"
    raw = samples.raw(USAHA) | {"nama_usaha": hostile, "jenis_usaha": "1. satu"}
    lines = paper.text_of(samples.letter(USAHA, answers=answers.check(USAHA, raw, samples.TODAY)))
    assert f"Nama usaha : {hostile}" in lines
    assert "Jenis usaha : 1. satu" in lines


def test_a_fact_cannot_take_the_place_of_a_word_of_the_village() -> None:
    facts = samples.FACTS | {"kepala": "Orang Lain", "desa": "Desa Lain"}
    text = "\n".join(paper.text_of(samples.letter(USAHA, facts=facts)))
    assert "Lain" not in text


def test_what_the_register_does_not_know_is_a_dash() -> None:
    facts = {name: value for name, value in samples.FACTS.items() if name != "agama"}
    assert "Agama : -" in paper.text_of(samples.letter(USAHA, facts=facts))


def test_papers_are_equal_by_what_they_hold() -> None:
    one = samples.letter(USAHA)
    assert dataclasses.replace(one, number=one.number) == one


def test_what_must_still_be_answered_is_open() -> None:
    lines = paper.text_of(samples.letter(USAHA, answers=answers.NONE))
    assert f"Nama usaha : {paper.DOTS}" in lines
    heirs = paper.text_of(samples.letter(KINDS["keterangan-ahli-waris"], answers=answers.NONE))
    assert f"1. {paper.DOTS}" in heirs
    lost = paper.text_of(samples.letter(KINDS["keterangan-kehilangan"], answers=answers.NONE))
    assert not any(line.startswith("Keterangan :") for line in lost)
