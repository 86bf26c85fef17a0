"""The PDF: pages, letters of all scripts, the QR, arms, and the same bytes for the same paper."""

import io
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from appliance.kiosk.letters import answers, fonts, kinds, logos, paper
from appliance.kiosk.letters.kinds import Kind
from appliance.kiosk.letters.paper import Paper, Watermark
from tests.unit.appliance.kiosk.letters import samples

KINDS = kinds.load_kinds(kinds.SHIPPED)
USAHA = KINDS["keterangan-usaha"]


def read(pdf: bytes, *options: str) -> str:
    """The text that a reader finds in a PDF; form feeds end its pages."""
    argv = ["pdftotext", "-enc", "UTF-8", *options, "-", "-"]
    return subprocess.run(argv, input=pdf, capture_output=True, check=True, timeout=30).stdout.decode()


def pages(pdf: bytes) -> int:
    return read(pdf).count("\f")


def usaha(**raw: str) -> Paper:
    return samples.letter(USAHA, answers=answers.check(USAHA, samples.raw(USAHA) | raw, samples.TODAY))


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_every_kind_is_drawn_whole(kind: Kind) -> None:
    letter = samples.letter(kind)
    found = "".join(read(paper.render(letter)).split())
    for line in paper.text_of(letter):
        for word in line.split():
            assert word in found


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
def test_the_signature_stands_on_the_page_of_the_last_paragraph(kind: Kind) -> None:
    text = read(paper.render(samples.letter(kind)), "-layout")
    last = text.rstrip("\f").split("\f")[-1]
    assert "Demikian" in last
    assert "I Made Contoh" in last
    assert "Kode periksa" in last


def test_a_long_letter_has_two_pages_and_each_says_whose_it_is() -> None:
    kind = KINDS["keterangan-ahli-waris"]
    heirs = "\n".join(f"Ahli Waris Nomor {count}, NIK 51030117087000{count:02}, anak kandung" for count in range(20))
    letter = samples.letter(kind, answers=answers.check(kind, samples.raw(kind) | {"ahli_waris": heirs}, samples.TODAY))
    first, second, rest = read(paper.render(letter)).split("\f")
    assert rest == ""
    assert "Ahli Waris Nomor 0" in first
    assert "Surat Keterangan Ahli Waris, S-44/007/2001/VIII/2026, halaman 2" in second
    assert "Demikian" in second
    assert "Camat Kuta" in second


def test_equal_papers_are_equal_bytes() -> None:
    assert paper.render(samples.letter(USAHA)) == paper.render(samples.letter(USAHA))
    assert paper.render(usaha(nama_usaha="Lain")) != paper.render(samples.letter(USAHA))


def test_the_file_names_its_kind_and_nobody() -> None:
    argv = ["pdfinfo", "-"]
    said = subprocess.run(argv, input=paper.render(samples.letter(USAHA)), capture_output=True, check=True, timeout=30)
    info = said.stdout.decode()
    assert "Surat Keterangan Usaha" in info
    assert "A4" in info
    assert "Contoh" not in info
    assert samples.FACTS["nik"] not in info


@pytest.mark.parametrize(
    "name",
    [
        "Zoë Đặng Ümit",
        "ꦤꦶꦭꦸꦃꦄꦪꦸ",
        "ᬦᬶᬮᬸᬄᬅᬬᬸ",
        "ᮔᮤ ᮜᮥᮂ",
        "عبد الله",
        "陳小明",
        "やまだ",
        "Ḥasan al-ʿĀbid",
        "Nguyễn",
        "Ñoño",
        "ᯀᯂ",
        "ᨒᨚ",
    ],
)
def test_any_name_prints(name: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        logging.getLogger("fpdf").setLevel(logging.WARNING)
        try:
            pdf = paper.render(samples.letter(USAHA, facts=samples.FACTS | {"nama": name}))
        finally:
            logging.getLogger("fpdf").setLevel(logging.ERROR)
    assert "missing" not in caplog.text
    assert pages(pdf) == 1


def test_all_fonts_are_there_and_embedded() -> None:
    for file in (fonts.REGULAR, fonts.BOLD, *(script.file for script in fonts.SCRIPTS)):
        assert (fonts.FOLDER / file).is_file(), file
    pdf = paper.render(samples.letter(USAHA, facts=samples.FACTS | {"nama": "陳小明 ꦤꦶ"}))
    listed = subprocess.run(["pdffonts", "-"], input=pdf, capture_output=True, check=True, timeout=30).stdout.decode()
    rows = [row.split() for row in listed.splitlines()[2:]]
    assert len(rows) == 4
    assert all(row[-5] == "yes" for row in rows)


@pytest.mark.parametrize(
    "hostile", ["<b>tebal</b>", "**x** __y__ --z--", "%PDF-1.4 endobj", "(\\)(\\", "=HYPERLINK(1)", "x" * 80]
)
def test_hostile_answers_are_printed_as_they_are(hostile: str) -> None:
    found = "".join(read(paper.render(usaha(nama_usaha=hostile)), "-layout").split())
    assert "".join(hostile.split()) in found


@pytest.mark.parametrize("mark", [mark for mark in Watermark if mark])
def test_marks_stand_on_every_page(mark: Watermark) -> None:
    kind = KINDS["keterangan-kepemilikan-tanah"]
    heavy = samples.letter(kind, watermark=mark, facts=samples.FACTS | {"alamat_lengkap": "Jalan Panjang Sekali " * 40})
    pdf = paper.render(heavy)
    assert pages(pdf) == 2
    plain = paper.render(samples.letter(kind, facts=heavy.facts))
    # Turned text is told apart letter by letter; the mark's own letters are what the page has besides.
    assert len("".join(read(pdf).split())) - len("".join(read(plain).split())) == 2 * len(mark)


def picture(kind: str = "PNG", size: tuple[int, int] = (600, 800)) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", size, (13, 90, 76)).save(made, kind)
    return made.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_arms_are_drawn_small(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "lambang.png"
    file.write_bytes(picture(kind))
    pdf = paper.render(samples.letter(USAHA, logo=file))
    assert pdf != paper.render(samples.letter(USAHA))
    assert len(pdf) < len(paper.render(samples.letter(USAHA))) + 20_000
    small = logos.read(file)
    assert small is not None
    with Image.open(io.BytesIO(small)) as found:
        assert max(found.size) <= 260


@pytest.mark.parametrize(
    "data", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\n rusak", picture("GIF"), picture()[:-200], picture(size=(4000, 10))]
)
def test_what_is_no_picture_leaves_the_letter_without_arms(tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "lambang.png"
    file.write_bytes(data)
    assert paper.render(samples.letter(USAHA, logo=file)) == paper.render(samples.letter(USAHA))


def test_a_missing_or_huge_file_leaves_the_letter_without_arms(tmp_path: Path) -> None:
    assert logos.read(tmp_path / "tidak-ada.png") is None
    huge = tmp_path / "besar.png"
    huge.write_bytes(picture() + b"\0" * logos.BYTES_MAX)
    assert logos.read(huge) is None


def test_new_arms_take_the_place_of_old_ones(tmp_path: Path) -> None:
    file = tmp_path / "lambang.png"
    file.write_bytes(picture())
    before = logos.read(file)
    file.write_bytes(picture(size=(100, 100)))
    assert logos.read(file) != before


def test_drawing_is_not_loaded_with_the_paper() -> None:
    heavy = "{'fpdf', 'fontTools', 'PIL', 'segno'}"
    code = f"import sys; import appliance.kiosk.letters.paper; print(sorted({heavy} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60, text=True)
    assert said.stdout.strip() == "[]"


def test_arms_are_found_by_their_name(tmp_path: Path) -> None:
    assert logos.own(tmp_path) is None
    (tmp_path / "lambang.jpg").write_bytes(picture("JPEG"))
    assert logos.own(tmp_path) == tmp_path / "lambang.jpg"
