"""How fast a box may come back: to the NOC after a cut, and with what waited meanwhile. Pure: now is an argument."""

from __future__ import annotations

from typing import Final

BACKOFF_SECONDS_MAX: Final = 300.0
STEADY_SECONDS: Final = 120.0
SPREAD_SECONDS_MAX: Final = 60.0
# A session that held for six hours is one of many that end at one instant: the broker's restart.
SPREAD_SHARE: Final = SPREAD_SECONDS_MAX / 21_600
SHORT_SECONDS: Final = 30.0
COPIED_SECONDS: Final = 900.0
BURST_SECONDS: Final = 2.0


def tries_before(spread_seconds: float) -> int:
    """After how many tries that failed a box waits about so long."""
    return max(0, int(spread_seconds).bit_length() - 2)


class Backoff:
    """How long to wait before the next try.

    Tries that fail wait longer and longer, with full jitter, so that a province does not come back at one instant; the
    count begins anew only when a connection held for `STEADY_SECONDS`. The first try after a session that held long is
    spread over up to `SPREAD_SECONDS_MAX`, or a restart of seconds would bring all at once. Where two sessions in a
    row end within `SHORT_SECONDS` of their beginning, another box has this one's card, and each throws the other out:
    both leave the NOC alone for a quarter of an hour, not the same one.

    Source: "Exponential Backoff and Jitter", AWS Architecture Blog, 2015; MQTT 5.0, 3.1.4 (a client id is taken over).
    """

    def __init__(self) -> None:
        self._tries = self._short = 0

    def seems_copied(self) -> bool:
        """Whether the last sessions ended as those of a copied card do."""
        return self._short >= 2

    def after(self, held_seconds: float | None, fraction: float, *, by_line: bool = False) -> float:
        """Say how many seconds to wait.

        Args:
            held_seconds: how long the session held; None when none came about.
            fraction: 0 to 1, by chance.
            by_line: it ended because this box got another address: nobody threw it out.
        """
        spread = 0.0
        if held_seconds is not None:
            if not by_line:
                self._short = self._short + 1 if held_seconds < SHORT_SECONDS else 0
            if held_seconds >= STEADY_SECONDS:
                spread = 0.0 if by_line else min(SPREAD_SECONDS_MAX, held_seconds * SPREAD_SHARE)
                # Where the first try fails, the second must not bring together what it kept apart.
                self._tries = tries_before(spread)
        self._tries += 1
        if held_seconds is not None and not by_line and self.seems_copied():
            return COPIED_SECONDS * (1 + fraction / 3)
        return 0.2 + fraction * max(spread, min(BACKOFF_SECONDS_MAX, 2.0 ** min(self._tries, 9)))


class Bucket:
    """Room for so many bytes a second, saved up for no longer than `BURST_SECONDS`.

    A message may go while there is any room, and takes all it needs: what is more than there was must come back first.
    """

    def __init__(self, bytes_per_second: float) -> None:
        self._rate = bytes_per_second
        self._level = bytes_per_second * BURST_SECONDS
        self._at_ms = 0

    def has_room(self, now_ms: int) -> bool:
        """Say whether a message may go now; ``now_ms`` is a clock that never goes back."""
        elapsed_ms = max(0, now_ms - self._at_ms)
        self._level = min(self._rate * BURST_SECONDS, self._level + self._rate * elapsed_ms / 1000)
        self._at_ms = now_ms
        return self._level > 0

    def take(self, size_bytes: int) -> None:
        """Take the room of a message that goes."""
        self._level -= size_bytes

    def empty_for_ms(self) -> int:
        """Say in how many ms there will be room."""
        # A millisecond more than reckoned: what is rounded may leave the level at nothing.
        return 0 if self._level > 0 else int(-self._level / self._rate * 1000) + 2
