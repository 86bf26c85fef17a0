"""Draw a composed letter on A4. Imports fpdf2, so it is imported late."""

from __future__ import annotations

import datetime
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import segno
from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos

from appliance.kiosk.letters import fonts, logos
from appliance.kiosk.letters.paper import Composed, Paper, SignatureBox
from appliance.kiosk.letters.text import Block, BlockKind

# Millimetres.
_LEFT: Final = 25.0
_RIGHT: Final = 20.0
_TOP: Final = 14.0
_BOTTOM: Final = 16.0
_WIDTH: Final = 210 - _LEFT - _RIGHT
_LINE: Final = 5.6
_GAP: Final = 2.8
_LABEL: Final = 50.0
_SIGNATURE: Final = 75.0
_SIGNING_ROOM: Final = 20.0
_LOGO: Final = 22.0
_QR: Final = 22.0
_SIZE: Final = 11.5
_NUMBERLESS_DAY: Final = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


def draw(parts: Composed, paper: Paper) -> bytes:
    """The letter as the bytes of a PDF; equal for equal input."""
    page = _Page(paper)
    page.begin(parts)
    page.add_page()
    page.letterhead(parts)
    page.heading(parts)
    for block in parts.blocks:
        page.block(block)
    page.ending(parts)
    return bytes(page.output())


class _Page(FPDF):
    """An A4 page in the letter's own measures."""

    def __init__(self, paper: Paper) -> None:
        super().__init__(format="A4")
        self.paper = paper
        self.set_margins(_LEFT, _TOP, _RIGHT)
        self.set_auto_page_break(True, _BOTTOM)

    def begin(self, parts: Composed) -> None:
        """Load the fonts this letter needs, and say what the file is: by its kind, never by a name."""
        day = self.paper.date
        moment = datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC) if day else _NUMBERLESS_DAY
        self.set_creation_date(moment)
        self.set_title(self.paper.kind.title)
        self.set_lang("id")
        self.add_font("letter", "", fonts.FOLDER / fonts.REGULAR)
        self.add_font("letter", "B", fonts.FOLDER / fonts.BOLD)
        scripts, is_shaped = fonts.needed(_texts(parts))
        for script in scripts:
            self.add_font(script.name, "", fonts.FOLDER / script.file)
        if scripts:
            self.set_fallback_fonts([script.name for script in scripts], exact_match=False)
        if is_shaped:
            self.set_text_shaping(True)
        self.letters()

    def letters(self, style: str = "", size: float = _SIZE) -> None:
        """Choose the letters."""
        self.set_font("letter", style, size)

    def header(self) -> None:
        """The mark across the page, under everything else."""
        if not self.paper.watermark:
            return
        with self.local_context(), self.rotation(52, 105, 148):
            self.letters("B", 92)
            self.set_text_color(232)
            self.set_xy(0, 130)
            self.cell(210, 36, str(self.paper.watermark), align=Align.C)
        self.letters()
        self.set_text_color(0)
        self.set_xy(_LEFT, _TOP)

    def footer(self) -> None:
        """On further pages: whose page this is."""
        if self.page_no() == 1:
            return
        self.set_y(-12)
        self.letters("", 9)
        self.cell(0, 5, f"{self.paper.kind.title}, {self.paper.number or 'belum bernomor'}, halaman {self.page_no()}")
        self.letters()

    def line(self, text: str, style: str = "", size: float = _SIZE, height: float = _LINE) -> None:  # type: ignore[override]
        """One centred line over the whole width, made smaller where it would not fit."""
        self.letters(style, size)
        while self.get_string_width(text) > self.epw and size > 6:
            size -= 0.5
            self.letters(style, size)
        self.cell(0, height, text, align=Align.C, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def letterhead(self, parts: Composed) -> None:
        """Arms, the lines of the letterhead, the address, and the double rule below."""
        logo = logos.read(self.paper.logo) if self.paper.logo else None
        top = self.get_y()
        if logo is not None:
            self.image(io.BytesIO(logo), x=_LEFT, y=top, w=_LOGO, h=_LOGO, keep_aspect_ratio=True)
            self.set_left_margin(_LEFT + _LOGO + 2)
        for i, text in enumerate(parts.head):
            is_last = i == len(parts.head) - 1
            self.line(text, "B", 15 if is_last else 13, 6.6)
        if parts.address:
            self.line(parts.address, "", 9.5, 5)
        self.set_left_margin(_LEFT)
        bottom = max(self.get_y(), top + _LOGO if logo is not None else 0) + 1.5
        self.set_line_width(0.9)
        super().line(_LEFT, bottom, 210 - _RIGHT, bottom)
        self.set_line_width(0.25)
        super().line(_LEFT, bottom + 1, 210 - _RIGHT, bottom + 1)
        self.set_xy(_LEFT, bottom + 6)

    def heading(self, parts: Composed) -> None:
        """The title, underlined, and the number."""
        self.line(parts.title, "BU", 13, 6.4)
        self.line(parts.number)
        self.ln(4.5)

    def block(self, block: Block) -> None:
        """One block of the text."""
        if block.kind is BlockKind.PARAGRAPH:
            self._paragraph(block.lines[0].text)
        else:
            for number, line in enumerate(block.lines, 1):
                if block.kind is BlockKind.ROWS:
                    self._row(line.label, line.text, is_bold=line.is_bold)
                else:
                    self._point(f"{number}.", line.text)
        self.ln(_GAP)

    def _paragraph(self, text: str) -> None:
        self.letters()
        self.multi_cell(0, _LINE, text, align=Align.J, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _row(self, label: str, text: str, *, is_bold: bool) -> None:
        self.letters()
        self._keep_together(_LINE)
        self.set_x(_LEFT + 6)
        self.cell(_LABEL, _LINE, label)
        self.cell(4, _LINE, ":")
        self._rest(text, "B" if is_bold else "")

    def _point(self, mark: str, text: str) -> None:
        self.letters()
        self._keep_together(_LINE)
        self.set_x(_LEFT + 6)
        self.cell(7, _LINE, mark)
        self._rest(text, "")

    def _rest(self, text: str, style: str) -> None:
        self.letters(style)
        self.multi_cell(0, _LINE, text, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.letters()

    def _keep_together(self, height: float) -> None:
        if self.will_page_break(height):
            self.add_page()

    def ending(self, parts: Composed) -> None:
        """The last paragraph, the signatures and the QR: never torn from each other."""
        rows = tuple(_rows_of_boxes(parts))
        height = sum(self._paragraph_height(block) for block in parts.closing) + 2 + _LINE
        height += sum(_depth(row) * _LINE + _SIGNING_ROOM + 2 * _LINE for row in rows)
        height += _QR + 2 if self.paper.verification_address else 0
        self._keep_together(height)
        for block in parts.closing:
            self.block(block)
        self.ln(2)
        right = 210 - _RIGHT - _SIGNATURE
        self.set_x(right)
        self.cell(_SIGNATURE, _LINE, parts.place_and_date, align=Align.C, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        for row in rows:
            self._boxes(row)
        self._verification(parts)

    def _paragraph_height(self, block: Block) -> float:
        self.letters()
        text = "\n".join(line.text for line in block.lines)
        return float(self.multi_cell(0, _LINE, text, align=Align.J, dry_run=True, output="HEIGHT")) + _GAP  # type: ignore[arg-type]

    def _boxes(self, row: tuple[SignatureBox | None, SignatureBox | None]) -> None:
        top = self.get_y()
        depth = _depth(row)
        for box, x in zip(row, (_LEFT, 210 - _RIGHT - _SIGNATURE), strict=True):
            if box is None:
                continue
            self.set_xy(x, top)
            for text in box.lines:
                self._in_box(x, text)
            self.set_xy(x, top + depth * _LINE + _SIGNING_ROOM)
            self._in_box(x, box.name, "B" if set(box.name) != {"."} else "")
            if box.nip:
                self._in_box(x, f"NIP. {box.nip}")
        self.set_xy(_LEFT, top + (depth + 2) * _LINE + _SIGNING_ROOM)

    def _in_box(self, x: float, text: str, style: str = "") -> None:
        self.letters(style)
        self.set_x(x)
        self.multi_cell(_SIGNATURE, _LINE, text, align=Align.C, new_x=XPos.LEFT, new_y=YPos.NEXT)
        self.letters()

    def _verification(self, parts: Composed) -> None:
        if not self.paper.verification_address:
            return
        self._keep_together(_QR + 1)
        top = max(self.get_y() + 1, self.h - _BOTTOM - _QR)
        qr = io.BytesIO()
        segno.make(self.paper.verification_address, error="m", micro=False).save(qr, kind="png", scale=4, border=0)
        self.image(qr, x=_LEFT, y=top, w=_QR, h=_QR)
        self.letters("", 9)
        self.set_xy(_LEFT + _QR + 4, top + 3)
        for text in parts.note:
            self.set_x(_LEFT + _QR + 4)
            self.multi_cell(0, 4.6, text, align=Align.L, new_x=XPos.LEFT, new_y=YPos.NEXT)
        self.letters()


def _texts(parts: Composed) -> Iterator[str]:
    yield from (*parts.head, parts.address, parts.title, parts.number, parts.place_and_date, *parts.note)
    for block in (*parts.blocks, *parts.closing):
        for line in block.lines:
            yield line.label
            yield line.text
    for box in (*parts.signers, parts.official, *([parts.camat] if parts.camat else [])):
        yield from (*box.lines, box.name, box.nip)


def _depth(row: tuple[SignatureBox | None, SignatureBox | None]) -> int:
    """How many lines stand above the signatures of a row."""
    return max(len(box.lines) for box in row if box)


def _rows_of_boxes(parts: Composed) -> Iterator[tuple[SignatureBox | None, SignatureBox | None]]:
    """Two signatures beside each other: those by hand first, the last row with the camat left and the official right."""
    signers = list(parts.signers)
    while signers:
        # One alone stands on the right, where the date is.
        yield (signers.pop(0), signers.pop(0)) if len(signers) > 1 else (None, signers.pop(0))
    yield parts.camat, parts.official
