"""Which font writes which letters. Pure.

One serif for the letter, and a font of its own for each script that Liberation Serif does not hold: the scripts of
Indonesia, Arabic, Chinese and Japanese. All are Debian's packages ``fonts-liberation``, ``fonts-noto-core`` and
``fonts-droid-fallback``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path("/usr/share/fonts/truetype")
REGULAR: Final = "liberation/LiberationSerif-Regular.ttf"
BOLD: Final = "liberation/LiberationSerif-Bold.ttf"


@dataclass(frozen=True, slots=True)
class Script:
    """A font for some ranges of characters. ``is_shaped``: its letters join, stack or run from the right."""

    name: str
    file: str
    ranges: tuple[tuple[int, int], ...]
    is_shaped: bool = True

    def has(self, char: str) -> bool:
        """Does it write this character?"""
        return any(low <= ord(char) <= high for low, high in self.ranges)


_ARABIC: Final = ((0x600, 0x6FF), (0x750, 0x77F), (0x8A0, 0x8FF), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC))
_EAST: Final = ((0x2E80, 0x9FFF), (0xF900, 0xFAFF), (0xFF00, 0xFFEF))
# Liberation Serif has most of it; which letters it lacks differs between Debian's releases.
_FAR_LATIN: Final = ((0x180, 0x36F), (0x1D00, 0x1EFF), (0x2C60, 0x2C7F), (0xA720, 0xA7FF))
SCRIPTS: Final = (
    Script("latin", "noto/NotoSerif-Regular.ttf", _FAR_LATIN, is_shaped=False),
    Script("arabic", "noto/NotoNaskhArabic-Regular.ttf", _ARABIC),
    Script("javanese", "noto/NotoSansJavanese-Regular.ttf", ((0xA980, 0xA9DF),)),
    Script("balinese", "noto/NotoSansBalinese-Regular.ttf", ((0x1B00, 0x1B7F),)),
    Script("sundanese", "noto/NotoSansSundanese-Regular.ttf", ((0x1B80, 0x1BBF), (0x1CC0, 0x1CCF))),
    Script("batak", "noto/NotoSansBatak-Regular.ttf", ((0x1BC0, 0x1BFF),)),
    Script("buginese", "noto/NotoSansBuginese-Regular.ttf", ((0x1A00, 0x1A1F),)),
    Script("rejang", "noto/NotoSansRejang-Regular.ttf", ((0xA930, 0xA95F),)),
    Script("devanagari", "noto/NotoSansDevanagari-Regular.ttf", ((0x900, 0x97F),)),
    Script("tamil", "noto/NotoSansTamil-Regular.ttf", ((0xB80, 0xBFF),)),
    Script("thai", "noto/NotoSansThai-Regular.ttf", ((0xE00, 0xE7F),)),
    Script("east", "droid/DroidSansFallbackFull.ttf", _EAST, is_shaped=False),
)
# Marks that stand on the letter before them.
_COMBINING: Final = ((0x300, 0x36F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF))


def needed(texts: Iterable[str]) -> tuple[tuple[Script, ...], bool]:
    """The scripts that some texts need besides Latin, and whether any letter has to be shaped."""
    chars = {char for text in texts for char in text if ord(char) >= _FAR_LATIN[0][0]}
    found = tuple(script for script in SCRIPTS if any(script.has(char) for char in chars))
    has_marks = any(low <= ord(char) <= high for char in chars for low, high in _COMBINING)
    return found, has_marks or any(script.is_shaped for script in found)
