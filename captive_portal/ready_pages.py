"""Pages that are alike for many devices, kept for some seconds: a crowd asks for the same first page within one."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final

FRESH_SECONDS: Final = 10
PAGES_MAX: Final = 64
# Stands where each device has a mark of its own; no text of a page holds such signs.
MARK_PLACE: Final = "\ufdd0mark\ufdd1"


class ReadyPages:
    """Rendered pages by whatever they depend on. Safe for threads: at worst one renders what another has just made."""

    def __init__(self) -> None:
        self._pages: dict[tuple[Hashable, int], str] = {}

    def get(self, key: Hashable, now_seconds: int, render: Callable[[], str], mark: str) -> str:
        """Give a page with ``mark`` in its place.

        Args:
            key: all that the page depends on, but for the mark and the time.
            now_seconds: a clock; what it was made with is at most `FRESH_SECONDS` old.
            render: makes the page, with `MARK_PLACE` where the mark goes.
            mark: this device's own, of letters and digits.
        """
        whole = (key, now_seconds // FRESH_SECONDS)
        page = self._pages.get(whole)
        if page is None:
            page = render()
            # What was made before is never asked for again, and pages that stay leave holes in the heap.
            kept = {known: text for known, text in self._pages.items() if known[1] == whole[1]}
            self._pages = {**kept, whole: page} if len(kept) < PAGES_MAX else {whole: page}
        return page.replace(MARK_PLACE, mark)
