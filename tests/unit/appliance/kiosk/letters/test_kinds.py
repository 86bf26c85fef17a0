"""Kinds: all that ship are right, and whatever is wrong with one is said all at once, with its line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.kiosk.letters import kinds
from appliance.kiosk.letters.kinds import Field, FieldType, Kind, KindError, Result
from appliance.kiosk.residents import person
from tests.unit.appliance.kiosk.letters import samples
from tests.unit.appliance.kiosk.letters.desks import ayu

GOOD = """
title = "Surat Keterangan Contoh"
code = "S-99"
about = "Hanya contoh."
body = "Nama : {nama}, pada {hari_ini_hari}, {biaya_terbilang} {catatan}"

[[fields]]
name = "hari_ini"
label = "Tanggal"
type = "date"

[[fields]]
name = "biaya"
label = "Biaya"
type = "rupiah"

[[fields]]
name = "catatan"
label = "Catatan"
required = false
"""
# As the design lists them.
LISTED = {
    "keterangan-usaha", "surat-pengantar", "keterangan-domisili", "keterangan-domisili-usaha",
    "keterangan-kurang-mampu", "keterangan-beda-identitas", "keterangan-ktp-dalam-proses", "keterangan-bepergian",
    "pengantar-skck", "izin-keramaian", "keterangan-kehilangan", "keterangan-kelahiran", "keterangan-kematian",
    "keterangan-belum-menikah", "keterangan-penghasilan", "keterangan-jual-beli", "pengantar-pindah",
    "pengantar-nikah", "izin-orang-tua", "keterangan-ahli-waris", "keterangan-penduduk",
}  # fmt: skip


def problems_of(source: str, slug: str = "contoh") -> list[str]:
    with pytest.raises(KindError) as caught:
        kinds.parse_kind(source, slug)
    return [str(problem) for problem in caught.value.problems]


def test_all_that_villages_ask_for_ship() -> None:
    shipped = kinds.load_kinds(kinds.SHIPPED)
    assert shipped.keys() >= LISTED
    assert len(shipped) >= len(LISTED) + 4


def test_what_others_issue_is_a_covering_letter() -> None:
    shipped = kinds.load_kinds(kinds.SHIPPED)
    for slug in ("pengantar-ktp", "pengantar-kk", "pengantar-skck"):
        assert shipped[slug].result is Result.COVERING
        assert shipped[slug].issued_by
        assert shipped[slug].requirements


def test_a_kind_is_read() -> None:
    kind = kinds.parse_kind(GOOD, "contoh")
    assert (kind.slug, kind.code, kind.min_age, kind.validity_days) == ("contoh", "S-99", 17, None)
    assert kind.field("biaya").type is FieldType.RUPIAH
    assert kind.field("hari_ini").derived == ("hari_ini_hari",)
    with pytest.raises(KeyError):
        kind.field("tidak_ada")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('code = "S-99"', 'kode = "S-99"', "line 3: kode: is not a known key, did you mean code?"),
        ('title = "Surat Keterangan Contoh"', "", "title: is missing"),
        ('code = "S-99"', 'code = "S 99 %s"', "line 3: code: is 'S 99 %s', allowed are 1 to 20 letters, digits"),
        ("{nama}", "{nma}", "line 5: body: {nma} is not a known placeholder, did you mean {nama}?"),
        ("{nama}", "{nama.__class__}", "line 5: body: '{nama.__class__}' is no placeholder, allowed is a name"),
        ("{nama}", "{nama", "is no placeholder"),
        ('name = "catatan"', 'name = "nama"', "line 18: fields[2].name: 'nama' is a placeholder already"),
        ('name = "catatan"', 'name = "biaya_terbilang"', "'biaya_terbilang' is used twice"),
        ("{catatan}", "", "fields[2].name: 'catatan' is asked for and nowhere in the text"),
        ('type = "date"', 'type = "tanggal"', "line 10: fields[0].type: is 'tanggal', allowed are text, paragraph"),
        ('type = "date"', 'type = "choice"', "fields[0].choices: does not fit the type"),
        ('type = "date"', 'choices = ["a", "b"]', "fields[0].choices: does not fit the type"),
        ('type = "rupiah"', 'when = "past"', "fields[1].when: does not fit the type"),
        ("required = false", 'required = "tidak"', "fields[2].required: is a text, allowed is true or false"),
        ("required = false", "max = 5000", "fields[2].max: is 5000, allowed is at most 200 for text"),
        ('code = "S-99"', 'code = "S-99"\nresult = "pengantar"', "issued_by: does not fit the result"),
        ('code = "S-99"', 'code = "S-99"\ncountersigned_by_camat = true', "is true with countersigned_by_camat"),
        ('code = "S-99"', 'code = "S-99"\nslug = "lain"', "line 4: slug: is not a known key, the file's name"),
        ('code = "S-99"', 'code = "S-99"\nclosing = ""', "line 4: closing: is no text"),
        ('code = "S-99"', "code = S-99", "file: is not TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(old: str, new: str, said: str) -> None:
    assert old in GOOD
    assert said in "\n".join(problems_of(GOOD.replace(old, new, 1)))


def test_all_problems_are_said_at_once() -> None:
    bad = GOOD.replace("{nama}", "{nma}").replace('name = "catatan"', 'name = "umur"').replace("S-99", "S-98")
    assert len(problems_of(bad)) == 4  # the placeholder, the name taken, and both places where {catatan} is missed


@pytest.mark.parametrize("slug", ["../etc", "Usaha", "a", "a b", "usaha.toml", "x" * 60, ""])
def test_a_file_of_another_name_is_no_kind(slug: str) -> None:
    assert "is no name for a kind's file" in problems_of(GOOD, slug)[0]


@given(st.text(max_size=200))
def test_any_text_is_a_kind_or_told(source: str) -> None:
    try:
        kinds.parse_kind(source, "contoh")
    except KindError as error:
        assert error.problems


@pytest.mark.parametrize("content", [b"\xff\xfe", b"#" * (kinds.FILE_BYTES_MAX + 1), b"a = " + b"[" * 5000])
def test_a_file_that_is_no_text_or_too_long_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "contoh.toml"
    file.write_bytes(content)
    with pytest.raises(KindError):
        kinds.read_kind(file)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(KindError, match="No such file"):
        kinds.read_kind(tmp_path / "contoh.toml")


def test_a_village_adds_kinds_and_takes_the_place_of_shipped_ones(tmp_path: Path) -> None:
    (tmp_path / "contoh.toml").write_text(GOOD)
    (tmp_path / "keterangan-usaha.toml").write_text(GOOD)
    (tmp_path / "rusak.toml").write_text("title = 1")
    loaded = kinds.load_all(tmp_path)
    assert loaded.kinds["contoh"].title == "Surat Keterangan Contoh"
    assert loaded.kinds["keterangan-usaha"].code == "S-99"
    assert "rusak" not in loaded.kinds
    assert loaded.refused.keys() == {"rusak.toml"}


def test_a_village_without_kinds_of_its_own_has_the_shipped_ones(tmp_path: Path) -> None:
    loaded = kinds.load_all(tmp_path / "tidak-ada")
    assert loaded.kinds.keys() == kinds.load_kinds(kinds.SHIPPED).keys()
    assert not loaded.refused


def test_placeholders_hold_what_fields_derive() -> None:
    field = Field(name="luas", label="Luas", type=FieldType.NUMBER)
    kind = Kind(slug="x", title="Surat", code="1", about="abc", body="{luas_terbilang}", fields=(field,))
    assert {"luas", "luas_terbilang", "nama", "desa"} <= kind.placeholders
    assert not list(kind.problems())


def test_the_register_says_every_fact_that_a_kind_may_name() -> None:
    assert person.facts(ayu(), samples.TODAY).keys() >= kinds.FACTS
    assert samples.FACTS.keys() == kinds.FACTS
