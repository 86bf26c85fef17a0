"""Two boxes under one identity (a copied card), known by their births alone. Pure.

A boot id is random and made anew at each boot: one box never goes back to an earlier one. Two boxes that share an
identity throw each other out of the broker, and each connects again with its own boot id: A, B, A, B. One return may be
a birth that an ingest worker was late to hand over, so two are asked for.

Source: random(4) for boot ids; docs/wire.md for the birth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

RETURNS_MIN: Final = 2
WINDOW_MS: Final = 86_400_000


@dataclass(frozen=True, slots=True)
class Birth:
    """A hub's birth as it arrived; ``session`` grows with each connection of a boot."""

    received_ms: int
    boot_id: str
    session: int


@dataclass(frozen=True, slots=True)
class Clone:
    """Several boxes of one identity: their boot ids, how often one came back after another, and when last."""

    boot_ids: tuple[str, ...]
    returns: int
    last_ms: int


def find(births: Iterable[Birth], now_ms: int, window_ms: int = WINDOW_MS) -> Clone | None:
    """Judge the births of one hub within ``window_ms`` before ``now_ms``; in any order, repeated ones count once.

    Only a boot that comes back with a later session than before counts: a birth that is delivered twice, or after a
    newer one of the same boot, is an old word and no second box.
    """
    recent = sorted(
        {(each.received_ms, each.boot_id, each.session) for each in births if now_ms - window_ms <= each.received_ms}
    )
    latest: dict[str, int] = {}
    returned: dict[str, None] = {}
    before, returns, last_ms = "", 0, 0
    for received_ms, boot_id, session in recent:
        is_old_word = session <= latest.get(boot_id, -1)
        if is_old_word:
            continue
        if boot_id in latest and boot_id != before:
            returns += 1
            last_ms = received_ms
            # Both took part: the one that came back, and the one it came back after.
            returned |= {boot_id: None, before: None}
        latest[boot_id], before = session, boot_id
    return Clone(tuple(sorted(returned)), returns, last_ms) if returns >= RETURNS_MIN else None
