"""The NOC's ear: an ingest worker talks to itself through the broker, and notes what came all the way.

A hub is silent only if somebody listened (`noc.rules.hearing`). So a worker says every half minute what time it is, on
a topic of its own, hears it come back from the broker, and writes it down once the batch that it came with is
committed. A broker that is gone, a worker that hangs, a disk that takes nothing: each of them keeps the sign from being
renewed. What the first worker makes of the batches is a step of its own, which may fail alone; it has its own sign.

A broker that got another name would be deaf for ever under its old one: the sign of one that is silent for seven days
is dropped by a worker that hears another. What hears nothing drops nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Final

from noc.rules.hearing import Ear
from noc.store.contract import NocStore

EVERY_SECONDS: Final = 30.0
FACTS_SIGN: Final = "facts"
GONE_AFTER_MS: Final = 7 * 86_400_000
_BROKER_SIGN: Final = "broker "
_log = logging.getLogger(__name__)


class OwnVoice:
    """What one worker says to itself.

    Args:
        store: where signs go.
        broker: the broker's name on the hubs' cards; "" where there is one alone.
        clock: wall time in seconds.
        monotonic: counts on.
    """

    def __init__(
        self,
        store: NocStore,
        broker: str = "",
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._name = store, f"{_BROKER_SIGN}{broker}"
        self._clock, self._monotonic = clock, monotonic
        self._next_word = 0.0

    def announce(self) -> None:
        """Let the watch know that there is an ear to expect a sign from. Raises `StoreError`."""
        if self._name not in self._store.signs():
            self._store.put_sign(self._name, int(self._clock() * 1000))

    def word(self) -> bytes | None:
        """What to say now, None while it is not time."""
        if self._monotonic() < self._next_word:
            return None
        self._next_word = self._monotonic() + EVERY_SECONDS
        return str(int(self._clock() * 1000)).encode()

    def heard(self, word: bytes) -> None:
        """Note that a word came back, and that all that came with it is committed. Raises `StoreError`."""
        if len(word) <= 16 and word.isdigit():
            at_ms = int(word)
            self._store.put_sign(self._name, at_ms)
            if gone := _gone(self._store.signs(), at_ms):
                _log.warning("no word of these brokers for seven days, they are asked no more: %s", ", ".join(gone))
                self._store.drop_signs(gone)


def _gone(signs: Mapping[str, int], at_ms: int) -> tuple[str, ...]:
    """Name the ears that are silent for so long, when another one hears, that they have another name or are no more."""
    return tuple(
        name for name, last_ms in signs.items() if name.startswith(_BROKER_SIGN) and at_ms - last_ms > GONE_AFTER_MS
    )


def ears(signs: Mapping[str, int]) -> tuple[Ear, ...]:
    """What the alerts are told: each broker, and when something last came through from there into the facts."""
    facts_ms = signs.get(FACTS_SIGN)
    return tuple(
        Ear(name.removeprefix(_BROKER_SIGN), at_ms if facts_ms is None else min(at_ms, facts_ms))
        for name, at_ms in sorted(signs.items())
        if name.startswith(_BROKER_SIGN)
    )
