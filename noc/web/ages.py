"""How old what a page shows is. A page that shows what is not now says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from noc.web.parts import parts

STALE_MS: Final = 120_000  # the watch judges each 10 s: after twelve turns without one it stands still


@dataclass(frozen=True, slots=True)
class Judged:
    """When the watch judged the fleet last; None where it never did."""

    at_ms: int | None
    now_ms: int

    @property
    def age_seconds(self) -> int:
        """How long ago, 0 where it never did."""
        return 0 if self.at_ms is None else max(0, self.now_ms - self.at_ms) // 1000

    @property
    def is_stale(self) -> bool:
        """What is shown may not be what is."""
        return self.at_ms is None or self.now_ms - self.at_ms > STALE_MS


def judged() -> Judged:
    """Ask the fleet book."""
    return Judged(parts().book.judged_ms(), parts().now_ms())
