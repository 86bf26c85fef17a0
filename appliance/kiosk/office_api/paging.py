"""Cursors: where a list goes on. They hold the number of what was shown last, and nothing of anybody. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from appliance.kiosk.office_api.shapes import Nullable, Text, Whole

LIMIT_MAX: Final = 100
LIMIT_USUAL: Final = 25
LIMIT: Final = Whole(f"paling banyak sekian; biasanya {LIMIT_USUAL}", 1, LIMIT_MAX)
CURSOR: Final = Text("next dari halaman sebelumnya", 3, 28, r"[0-9]{1,9}-[0-9]{1,16}")
NEXT: Final = Nullable(Text("untuk cursor halaman berikutnya; null pada halaman terakhir", 3, 28))


@dataclass(frozen=True, slots=True)
class Cursor:
    """Behind whom a list goes on; ``offset`` is where that was, should they not be in it any more."""

    offset: int = 0
    after: int = 0

    @classmethod
    def read(cls, text: str | None) -> Cursor:
        """Read what `next_cursor` wrote; None is the beginning."""
        found = re.fullmatch(CURSOR.pattern, text or "", re.ASCII)
        return cls(*map(int, found[0].split("-"))) if found else cls()


def next_cursor(cursor: Cursor, shown: list[int], *, is_last: bool) -> str | None:
    """The next page's cursor, by the numbers of what this one shows."""
    return None if is_last or not shown else f"{min(cursor.offset + len(shown), 10**9 - 1)}-{shown[-1]}"
