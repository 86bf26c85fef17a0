"""A letter as it is printed: its parts in order (`compose`), as plain lines (`text_of`), as a PDF (`render`).

Source: Permendagri 1/2023 on official papers of the regions, for letterhead, number, signature and the marks a.n., u.b.
and Plt.; villages follow it by the regent's rules.
"""

from __future__ import annotations

import datetime
import enum
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.core.config.village import Timezone, Village, VillageKind
from appliance.kiosk.letters import answers as answering
from appliance.kiosk.letters import text, words
from appliance.kiosk.letters.answers import Answers
from appliance.kiosk.letters.kinds import FieldType, Kind
from appliance.kiosk.letters.text import Block, BlockKind

# What stands where something is not known yet.
DOTS: Final = "." * 24
NO_NUMBER: Final = "." * 32
_ZONES: Final = {Timezone.WIB: "WIB", Timezone.WITA: "WITA", Timezone.WIT: "WIT"}
_KINDS: Final = {VillageKind.DESA: "Desa", VillageKind.KELURAHAN: "Kelurahan", VillageKind.DESA_ADAT: "Desa Adat"}
# Regions that call the kecamatan otherwise write that word themselves; each with its head. Source: Perda DIY 1/2018,
# UU 2/2021 (Papua).
_SUBDISTRICTS: Final = {
    "Kecamatan": "Camat",
    "Kapanewon": "Panewu",
    "Kemantren": "Mantri Pamong Praja",
    "Distrik": "Kepala Distrik",
}


class Watermark(enum.StrEnum):
    """What stands across a page that is no valid letter."""

    NONE = ""
    PRACTICE = "LATIHAN"
    DRAFT = "KONSEP"
    VOID = "BATAL"


class SigningMode(enum.StrEnum):
    """In whose name an official signs."""

    SELF = "self"
    ON_BEHALF = "an"  # atas nama
    FOR_DEPUTY = "ub"  # untuk beliau: on behalf of the head, for the one who would sign on behalf
    ACTING = "plt"  # pelaksana tugas


@dataclass(frozen=True, slots=True)
class Signing:
    """Who signs: ``title`` is their own, ``for_title`` whose letter it is; for u.b. ``through_title`` is between."""

    name: str
    title: str
    nip: str = ""
    mode: SigningMode = SigningMode.SELF
    for_title: str = ""
    through_title: str = ""

    def lines(self) -> tuple[str, ...]:
        """What stands above the signature."""
        if self.mode is SigningMode.ON_BEHALF:
            return (f"a.n. {self.for_title}", f"{self.title},")
        if self.mode is SigningMode.FOR_DEPUTY:
            return (f"a.n. {self.for_title}", self.through_title, "u.b.", f"{self.title},")
        if self.mode is SigningMode.ACTING:
            return (f"Plt. {self.for_title or self.title},",)
        return (f"{self.title},",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """Everything that stands on a letter. Empty ``number`` and no ``date``: it has none yet.

    ``facts`` are those of whom it is about (`appliance.kiosk.residents.person.facts`). ``verification_address`` becomes
    the QR, "" none; ``verification_code`` is printed beside it. ``logo``: a PNG or JPEG of the village's arms.
    """

    kind: Kind
    village: Village
    facts: Mapping[str, str]
    answers: Answers
    signing: Signing
    number: str = ""
    date: datetime.date | None = None
    countersign: bool = False
    verification_address: str = ""
    verification_code: str = ""
    watermark: Watermark = Watermark.NONE
    is_electronic: bool = False
    valid_until: datetime.date | None = None
    logo: Path | None = None


@dataclass(frozen=True, slots=True)
class SignatureBox:
    """One place for a signature."""

    lines: tuple[str, ...]
    name: str
    nip: str = ""


@dataclass(frozen=True, slots=True)
class Composed:
    """A letter's parts from top to bottom, all filled in."""

    head: tuple[str, ...]
    address: str
    title: str
    number: str
    blocks: tuple[Block, ...]
    closing: tuple[Block, ...]
    place_and_date: str
    signers: tuple[SignatureBox, ...]
    official: SignatureBox
    camat: SignatureBox | None
    note: tuple[str, ...]


def compose(paper: Paper) -> Composed:
    """Fill a letter in."""
    kind, village = paper.kind, paper.village
    said = {**paper.facts, **village_words(village)}
    answered = answering.texts(kind, paper.answers, _ZONES[village.timezone])
    # What must be answered and is not yet shows as dots; what need not be is left out.
    unanswered = {
        name: DOTS if field.required else None for field in kind.fields for name in (field.name, *field.derived)
    }

    def value_of(name: str) -> str | None:
        return answered.get(name, unanswered[name]) if name in unanswered else said.get(name, "")

    def points_of(name: str) -> tuple[str, ...] | None:
        is_list = any(field.name == name and field.type is FieldType.LIST for field in kind.fields)
        return tuple(str(paper.answers.values.get(name) or unanswered[name] or "").splitlines()) if is_list else None

    def filled(source: str) -> tuple[Block, ...]:
        return text.fill(text.parse(source), value_of, points_of)

    blocks = (*filled(kind.opening), *filled(kind.body))
    if paper.valid_until is not None:
        until = f"Surat ini berlaku sampai dengan tanggal {words.tanggal(paper.valid_until)}."
        blocks = (*blocks, Block(BlockKind.PARAGRAPH, (text.Line(until),)))
    title_above = ("Mengetahui,",) if kind.is_acknowledged else ()
    return Composed(
        head=letterhead(village),
        address=_address(village),
        title=kind.title.upper(),
        number=f"Nomor : {paper.number or NO_NUMBER}",
        blocks=blocks,
        closing=filled(kind.closing),
        place_and_date=f"{village.name}, {words.tanggal(paper.date) if paper.date else DOTS}",
        signers=tuple(SignatureBox((f"{each.label},",), _line(filled(each.name))) for each in kind.signers),
        official=SignatureBox((*title_above, *paper.signing.lines()), paper.signing.name or DOTS, paper.signing.nip),
        camat=SignatureBox(("Mengetahui,", f"{_camat(village)},"), DOTS, DOTS) if paper.countersign else None,
        note=_note(paper),
    )


def _line(blocks: tuple[Block, ...]) -> str:
    return " ".join(line.text for block in blocks for line in block.lines) or DOTS


def _note(paper: Paper) -> tuple[str, ...]:
    if not (paper.verification_address or paper.verification_code):
        return ()
    how = (
        "Surat ini ditandatangani secara elektronik dengan sertifikat elektronik dari BSrE, BSSN."
        if paper.is_electronic
        else "Surat ini ditandatangani dengan tangan."
    )
    code = (f"Kode periksa: {paper.verification_code}",) if paper.verification_code else ()
    if not paper.verification_address:
        return (f'{how} Periksa keasliannya di layar layanan desa, pada "Periksa surat".', *code)
    return (f"{how} Periksa keasliannya dengan memindai kode QR ini, atau buka:", paper.verification_address, *code)


def village_words(village: Village) -> dict[str, str]:
    """What a letter may name of the village."""
    kind, subdistrict = _KINDS[village.kind], _subdistrict(village)
    return {
        "desa": f"{kind} {village.name}",
        "nama_desa": village.name,
        "kecamatan": subdistrict.partition(" ")[2],
        "kabupaten": village.kabupaten,
        "provinsi": village.provinsi,
        "wilayah": f"{kind} {village.name}, {subdistrict}, {village.kabupaten}",
        "sebutan_kepala": village.head_title,
        "kepala": head_title(village),
    }


def head_title(village: Village) -> str:
    """The head's title with the village's name: ``Kepala Desa Sukamaju``, ``Lurah Sukamaju``."""
    return f"{village.head_title} {village.name}"


def letterhead(village: Village) -> tuple[str, ...]:
    """The lines of the letterhead; the last is the village's own and printed larger.

    A desa adat is no office of the kabupaten.
    """
    name = f"{_KINDS[village.kind]} {village.name}"
    if village.kind is VillageKind.DESA_ADAT:
        lines = (f"Provinsi {village.provinsi}", f"{village.kabupaten}, {_subdistrict(village)}", name)
    else:
        lines = (f"Pemerintah {village.kabupaten}", _subdistrict(village), name)
    return tuple(line.upper() for line in lines)


def _subdistrict(village: Village) -> str:
    has_word = village.kecamatan.partition(" ")[0] in _SUBDISTRICTS and " " in village.kecamatan
    return village.kecamatan if has_word else f"Kecamatan {village.kecamatan}"


def _camat(village: Village) -> str:
    word, _, name = _subdistrict(village).partition(" ")
    return f"{_SUBDISTRICTS[word]} {name}"


def _address(village: Village) -> str:
    parts = (
        f"Alamat: {village.office_address}" if village.office_address else "",
        f"Telepon: {village.office_phone}" if village.office_phone else "",
        f"Kode wilayah: {village.kode_wilayah}" if village.kind is not VillageKind.DESA_ADAT else "",
    )
    return "   ".join(part for part in parts if part)


def text_of(paper: Paper) -> list[str]:
    """The letter as plain lines, for a preview without PDF and for those whom a screen reads to."""
    parts = compose(paper)
    lines = [f"*** {paper.watermark} ***"] if paper.watermark else []
    lines += [*parts.head, parts.address, "", parts.title, parts.number, ""]
    for block in (*parts.blocks, *parts.closing):
        lines += [*_plain(block), ""]
    lines.append(parts.place_and_date)
    for box in (*parts.signers, parts.official, *([parts.camat] if parts.camat else [])):
        lines += [*box.lines, box.name, *([f"NIP. {box.nip}"] if box.nip else []), ""]
    return [*lines, *parts.note]


def _plain(block: Block) -> list[str]:
    if block.kind is BlockKind.ROWS:
        return [f"{line.label} : {line.text}" for line in block.lines]
    if block.kind is BlockKind.POINTS:
        return [f"{number}. {line.text}" for number, line in enumerate(block.lines, 1)]
    return [block.lines[0].text]


def render(paper: Paper) -> bytes:
    """The letter as an A4 PDF with its letters embedded. The same paper gives the same bytes."""
    from appliance.kiosk.letters import drawing  # noqa: PLC0415 - brings fpdf2 and a font's tables along

    return drawing.draw(compose(paper), paper)
