"""Passwords and PINs as hashes that are slow to guess: Argon2id, one at a time, with few who wait.

Source: RFC 9106 (Argon2id); OWASP Password Storage cheat sheet.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.core.errors import StoreBusy

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# One at a time in the whole program: argon2-cffi's default of 64 MiB on eight threads took 587 MB of a 1 GB board.
_ONE_AT_A_TIME: Final = threading.Lock()


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hash takes. By default OWASP's minimum: 19 MiB, two passes, one lane."""

    memory_kibibytes: int = 19_456
    passes: int = 2
    lanes: int = 1


class SlowHash:
    """Make and check hashes of one cost.

    Args:
        cost: of new hashes, and of what is checked for people who do not exist.
        waiting_max: how many may wait for their turn in `place` while one is hashed.
    """

    def __init__(self, cost: Cost | None = None, *, waiting_max: int = 8) -> None:
        self.cost = cost or Cost()
        self._places = threading.BoundedSemaphore(waiting_max + 1)
        # Checked for names that do not exist, so that the answer takes as long. No text has this digest.
        self.nobody: Final = (
            f"$argon2id$v=19$m={self.cost.memory_kibibytes},t={self.cost.passes},p={self.cost.lanes}"
            "$ZGVzYWh1Yi1ub2JvZHk$6l1V9nl8Um2jU7pUcTAX9hf1Ft9mVs0kJ0wC1xkyq2c"
        )

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Take one of the places to wait in, before anything is counted or asked.

        Raises:
            StoreBusy: all are taken. Each place is a thread of the program, which has others to serve.
        """
        if not self._places.acquire(blocking=False):
            raise StoreBusy("too many want to log in at this moment; nothing was done, try again in some seconds")
        try:
            yield
        finally:
            self._places.release()

    def make(self, text: str) -> str:
        """Hash ``text`` with a salt of its own; waits for its turn."""
        with _ONE_AT_A_TIME:
            return _hasher(self.cost).hash(text)

    def matches(self, digest: str, text: str) -> bool:
        """Say whether ``digest`` was made of ``text``; waits for its turn."""
        with _ONE_AT_A_TIME:
            hasher = _hasher(self.cost)
            from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415 - as `_hasher`

            try:
                hasher.verify(digest, text)
            except (VerificationError, InvalidHashError, UnicodeEncodeError):
                return False
        return True


SHARED: Final = SlowHash()


@functools.cache
def _hasher(cost: Cost) -> PasswordHasher:
    # Loaded at the first login: 4 MB that a box on which nobody works does without.
    import argon2  # noqa: PLC0415 - see above

    return argon2.PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kibibytes, parallelism=cost.lanes)
