"""Draw a composed letter on A4. Imports fpdf2, so it is imported late."""

from __future__ import annotations

import contextlib
import datetime
import io
import itertools
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import segno
from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, XPos, YPos
from fpdf.fonts import TTFFont

from appliance.kiosk.letters import fonts, logos
from appliance.kiosk.letters.paper import Composed, Paper, SignatureBox
from appliance.kiosk.letters.text import Block, BlockKind

# fpdf2 warns of letters that a font lacks, with the letters: they are somebody's name.
logging.getLogger("fpdf").setLevel(logging.ERROR)

# Millimetres.
_LEFT: Final = 25.0
_RIGHT: Final = 20.0
_TOP: Final = 14.0
_BOTTOM: Final = 16.0
_WIDTH: Final = 210 - _LEFT - _RIGHT
_INDENT: Final = 6.0
_LABEL: Final = 50.0
_SIGNATURE: Final = 75.0
_LOGO: Final = 22.0
_QR: Final = 22.0
# Every mask can be read; trying all eight for the evenest takes longer than anything else on the page.
_MASK: Final = 3
# Letters of what is written besides the letter's own text: the mark across the page, the foot of further pages.
_ALWAYS: Final = frozenset(range(0x20, 0x7F))
_NUMBERLESS_DAY: Final = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)


@dataclass(frozen=True, slots=True)
class _Density:
    """How close a letter is set: millimetres, and points for the letters."""

    line: float
    gap: float
    signing_room: float
    size: float


_USUAL: Final = _Density(line=5.6, gap=2.8, signing_room=20, size=11.5)
_CLOSE: Final = _Density(line=4.8, gap=1.8, signing_room=15, size=11)


def draw(parts: Composed, paper: Paper) -> bytes:
    """The letter as the bytes of a PDF; equal for equal input. Set closer where that spares a second page."""
    with contextlib.ExitStack() as opened:
        pages = _drawn(parts, _Pages(paper, _USUAL))
        opened.callback(pages.close_fonts)
        if pages.page_no() > 1:
            closer = _Pages(paper, _CLOSE)
            closer.fonts.update(pages.fonts)  # the same letters of the same fonts: reading them again takes longest
            closer = _drawn(parts, closer)
            pages = closer if closer.page_no() == 1 else pages
        return bytes(pages.output())


def _drawn(parts: Composed, pages: _Pages) -> _Pages:
    pages.begin(parts)
    pages.add_page()
    pages.letterhead(parts)
    pages.heading(parts)
    for block in parts.blocks:
        pages.block(block)
    pages.ending(parts)
    return pages


class _Pages(FPDF):
    """A4 pages in the letter's own measures."""

    def __init__(self, paper: Paper, density: _Density) -> None:
        super().__init__(format="A4")
        self.paper = paper
        self.density = density
        self.set_margins(_LEFT, _TOP, _RIGHT)
        self.set_auto_page_break(True, _BOTTOM)

    def begin(self, parts: Composed) -> None:
        """Load the fonts this letter needs, and say what the file is: by its kind, never by a name."""
        day = self.paper.date
        moment = datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC) if day else _NUMBERLESS_DAY
        self.set_creation_date(moment)
        self.set_title(self.paper.kind.title)
        self.set_lang("id")
        texts = tuple(_texts(parts))
        # Only what is written: going through a font's thousands of other letters takes longer than the letter.
        used = sorted({ord(char) for text in texts for char in text} | _ALWAYS)
        scripts, is_shaped = fonts.needed(texts)
        files = [
            ("letter", "", fonts.REGULAR),
            ("letter", "B", fonts.BOLD),
            *((each.name, "", each.file) for each in scripts),
        ]
        for family, style, file in files if not self.fonts else ():
            self.add_font(family, style, fonts.FOLDER / file, unicode_range=used)
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                # Letters go into the file as they are: to measure each again took a fifth of the whole.
                font.ttfont.recalcBBoxes = False
        if scripts:
            self.set_fallback_fonts([script.name for script in scripts], exact_match=False)
        if is_shaped:
            self.set_text_shaping(True)
        self.letters()

    def close_fonts(self) -> None:
        """Let go of the fonts' files, which fpdf2 keeps open."""
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()

    def letters(self, style: str = "", size: float = 0) -> None:
        """Choose the letters, by default of the text's own size."""
        self.set_font("letter", style, size or self.density.size)

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

    def line(self, text: str, style: str = "", size: float = 11.5, height: float = 5.6) -> None:  # type: ignore[override]
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
        self.ln(self.density.gap)

    def _paragraph(self, text: str) -> None:
        self.letters()
        self.multi_cell(0, self.density.line, text, align=Align.J, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _row(self, label: str, text: str, *, is_bold: bool) -> None:
        self.letters()
        self._keep_together(self.density.line)
        top, page = self.get_y(), self.page_no()
        self.set_x(_LEFT + _INDENT)
        self.multi_cell(_LABEL, self.density.line, label, align=Align.L, new_x=XPos.RIGHT, new_y=YPos.NEXT)
        below = self.get_y()
        self.set_xy(_LEFT + _INDENT + _LABEL, top)
        self.cell(4, self.density.line, ":")
        self._rest(text, "B" if is_bold else "")
        if self.page_no() == page:
            self.set_y(max(below, self.get_y()))

    def _point(self, mark: str, text: str) -> None:
        self.letters()
        self._keep_together(self.density.line)
        self.set_x(_LEFT + _INDENT)
        self.cell(7, self.density.line, mark)
        self._rest(text, "")

    def _rest(self, text: str, style: str) -> None:
        self.letters(style)
        self.multi_cell(0, self.density.line, text, align=Align.L, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.letters()

    def _keep_together(self, height: float) -> None:
        if self.will_page_break(height):
            self.add_page()

    def ending(self, parts: Composed) -> None:
        """The last paragraph, the signatures and the QR: never torn from each other."""
        rows = tuple(_rows_of_boxes(parts))
        height = sum(self._paragraph_height(block) for block in parts.closing) + 2 + self.density.line
        height += sum(
            _depth(row) * self.density.line + self.density.signing_room + 2 * self.density.line for row in rows
        )
        height += _QR + 2 if parts.note and parts.camat else 0
        self._keep_together(height)
        for block in parts.closing:
            self.block(block)
        self.ln(2)
        right = 210 - _RIGHT - _SIGNATURE
        self.set_x(right)
        self.cell(
            _SIGNATURE, self.density.line, parts.place_and_date, align=Align.C, new_x=XPos.LMARGIN, new_y=YPos.NEXT
        )
        for row in rows:
            self._boxes(row, parts)
        self._verification(parts)

    def _paragraph_height(self, block: Block) -> float:
        self.letters()
        text = "\n".join(line.text for line in block.lines)
        lines = self.multi_cell(0, self.density.line, text, align=Align.J, dry_run=True, output=MethodReturnValue.LINES)
        return len(lines) * self.density.line + self.density.gap if isinstance(lines, list) else 0

    def _boxes(self, row: tuple[SignatureBox | None, SignatureBox | None], parts: Composed) -> None:
        top = self.get_y()
        depth = _depth(row)
        places = (_LEFT, 210 - _RIGHT - _SIGNATURE)
        for box, x in zip(row, places, strict=True):
            if box is None:
                continue
            self.set_xy(x, top)
            for text in box.lines:
                self._in_box(x, text)
            self.set_xy(x, top + depth * self.density.line + self.density.signing_room)
            self._in_box(x, box.name, "" if set(box.name) == {"."} else "BU" if box is parts.official else "B")
            if box.nip:
                self._in_box(x, f"NIP. {box.nip}")
        self.set_xy(_LEFT, top + (depth + 2) * self.density.line + self.density.signing_room)

    def _in_box(self, x: float, text: str, style: str = "") -> None:
        self.letters(style)
        self.set_x(x)
        self.multi_cell(_SIGNATURE, self.density.line, text, align=Align.C, new_x=XPos.LEFT, new_y=YPos.NEXT)
        self.letters()

    def _verification(self, parts: Composed) -> None:
        if not parts.note:
            return
        # At the foot of the page, whose left half is free beside the official's signature, however low,
        # unless a camat signs there.
        top = self.h - _BOTTOM - _QR
        if parts.camat is not None:
            self._keep_together(_QR + 1)
            top = max(self.get_y() + 1, top)
        left = _LEFT
        if self.paper.verification_address:
            self._qr(_LEFT, top)
            left += _QR + 3
        self.letters("", 8)
        self.set_auto_page_break(False)
        self.set_y(top + 1)
        for text in parts.note:
            self.set_x(left)
            self.multi_cell(62, 3.8, text, align=Align.L, new_x=XPos.LEFT, new_y=YPos.NEXT)
        self.set_auto_page_break(True, _BOTTOM)
        self.letters()

    def _qr(self, x: float, y: float) -> None:
        # As areas, a run of dark squares at a time: sharp at every size, and quicker than a picture.
        rows = segno.make(self.paper.verification_address, error="m", micro=False, mask=_MASK).matrix
        side = _QR / len(rows)
        for j, row in enumerate(rows):
            i = 0
            for is_dark, run in itertools.groupby(row):
                count = len(list(run))
                if is_dark:
                    self.rect(x + i * side, y + j * side, count * side, side, style="F")
                i += count


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
    """Two signatures beside each other: those by hand first; in the last row the camat left and the official right."""
    signers = list(parts.signers)
    while signers:
        # One alone stands on the right, where the date is.
        yield (signers.pop(0), signers.pop(0)) if len(signers) > 1 else (None, signers.pop(0))
    yield parts.camat, parts.official
