"""A queue ticket or a receipt as bytes of ESC/POS, for the raw queue of a receipt printer. Pure.

Only what nearly all such printers understand: begin anew, a code page, emphasis, size, alignment, a QR code, feed and
cut. Source: Epson, ESC/POS Command Reference: ESC @, ESC t, ESC E, ESC a, GS !, GS ( k, ESC d, GS V.
"""

from __future__ import annotations

import enum
import textwrap
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

LINES_MAX: Final = 200
QR_BYTES_MAX: Final = 300
_ESC, _GS = b"\x1b", b"\x1d"
_BEGIN: Final = _ESC + b"@"
# Page 0 is PC437 on every printer: é, ñ and their like in one byte.
_CODE_PAGE: Final = _ESC + b"t\x00"
_ENCODING: Final = "cp437"
_END: Final = _ESC + b"d\x04" + _GS + b"V\x42\x00"
_QR_MODULE_DOTS: Final = 6
# What decomposing does not turn into letters of the page.
_PLAIN: Final = str.maketrans(
    {
        "‘": "'", "’": "'", "ʼ": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "•": "*",
        "ð": "d", "đ": "d", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "\u00a0": " ",
    }
)  # fmt: skip


class Size(enum.IntEnum):
    """How large a line is; the argument of GS !."""

    NORMAL = 0x00
    TALL = 0x01
    LARGE = 0x11


@dataclass(frozen=True, slots=True)
class Text:
    """Words; broken into lines where they are too long."""

    words: str
    size: Size = Size.NORMAL
    is_bold: bool = False
    is_centred: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """A label at the left and a value at the right of one line."""

    label: str
    value: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across."""


@dataclass(frozen=True, slots=True)
class Qr:
    """A QR code. Raises `ValueError` for an empty or too long content."""

    content: str

    def __post_init__(self) -> None:
        if not 0 < len(self.content.encode("utf-8")) <= QR_BYTES_MAX:
            raise ValueError(f"a QR code on a ticket holds 1 to {QR_BYTES_MAX} bytes")


Part = Text | Pair | Rule | Qr


def encode(parts: tuple[Part, ...], columns: int) -> bytes:
    """Make what the printer is sent; equal parts give equal bytes.

    Args:
        parts: from top to bottom.
        columns: characters of normal size in a line, ``printer.ticket_columns``.

    Raises:
        ValueError: more than `LINES_MAX` lines, which would be a metre of paper.
    """
    body: list[bytes] = []
    lines = 0
    for part in parts:
        for line in _encoded(part, columns):
            body.append(line)
            lines += 1
            if lines > LINES_MAX:
                raise ValueError(f"a ticket has at most {LINES_MAX} lines")
    return _BEGIN + _CODE_PAGE + b"".join(body) + _END


def plain(text: str) -> str:
    """``text`` in letters that the code page has: accents that it lacks go, what has no letter becomes ``?``.

    Control characters go too: what somebody wrote must never become a command.
    """
    found = []
    for each in unicodedata.normalize("NFC", text).translate(_PLAIN):
        if not each.isprintable():
            found.append(" ")
        elif _fits(each):
            found.append(each)
        else:
            base = "".join(one for one in unicodedata.normalize("NFKD", each) if not unicodedata.combining(one))
            found.append("".join(one if _fits(one) else "?" for one in base))
    return " ".join("".join(found).split())


def _fits(character: str) -> bool:
    try:
        return len(character.encode(_ENCODING)) == 1 and character.isprintable()
    except UnicodeEncodeError:
        return False


def _encoded(part: Part, columns: int) -> Iterator[bytes]:
    match part:
        case Text(words, size, is_bold, is_centred):
            yield from _text(words, size, is_bold=is_bold, is_centred=is_centred, columns=columns)
        case Pair(label, value):
            left, right = plain(label), plain(value)
            if len(left) + len(right) + 1 <= columns:
                yield _line(f"{left}{right:>{columns - len(left)}}")
            else:
                yield from (_line(line) for line in textwrap.wrap(left, columns))
                yield from (_line(f"{line:>{columns}}") for line in textwrap.wrap(right, columns - 2))
        case Rule():
            yield _line("-" * columns)
        case Qr(content):
            yield _ESC + b"a\x01" + _qr(content) + b"\n" + _ESC + b"a\x00"


def _text(words: str, size: Size, *, is_bold: bool, is_centred: bool, columns: int) -> Iterator[bytes]:
    width = columns // 2 if size is Size.LARGE else columns
    before = (_ESC + b"a\x01" if is_centred else b"") + (_ESC + b"E\x01" if is_bold else b"")
    after = (_ESC + b"E\x00" if is_bold else b"") + (_ESC + b"a\x00" if is_centred else b"")
    if size is not Size.NORMAL:
        before, after = before + _GS + b"!" + bytes([size]), _GS + b"!\x00" + after
    for line in textwrap.wrap(plain(words), width) or [""]:
        yield before + _line(line) + after


def _line(text: str) -> bytes:
    return text.encode(_ENCODING) + b"\n"


def _qr(content: str) -> bytes:
    """Model 2, modules of `_QR_MODULE_DOTS` dots, correction M; store the content, then print it."""
    data = content.encode("utf-8")
    return b"".join(
        (
            _qr_function(b"\x41", b"\x32\x00"),
            _qr_function(b"\x43", bytes([_QR_MODULE_DOTS])),
            _qr_function(b"\x45", b"\x31"),
            _qr_function(b"\x50", b"\x30" + data),
            _qr_function(b"\x51", b"\x30"),
        )
    )


def _qr_function(function: bytes, arguments: bytes) -> bytes:
    said = b"\x31" + function + arguments
    return _GS + b"(k" + len(said).to_bytes(2, "little") + said
