"""Whether the NOC hears at all: pure. A hub is silent only when somebody was listening."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

DEAF_AFTER_MS: Final = 90_000
RECONNECT_MS: Final = 900_000  # hubs come back spread over this, so that they do not all come at once


@dataclass(frozen=True, slots=True)
class Ear:
    """The NOC's ear at one broker, and when it last heard anything there, its own test message included."""

    broker: str
    last_sign_ms: int


@dataclass(frozen=True, slots=True)
class Deafness:
    """A broker is not heard since ``since_ms``; ``heard_ms`` is when it was heard again, None while it is not."""

    since_ms: int
    heard_ms: int | None = None


def listen(before: Mapping[str, Deafness], ears: Iterable[Ear], now_ms: int) -> dict[str, Deafness]:
    """Say which brokers are not heard, or so lately that their hubs may still be on the way back."""
    found: dict[str, Deafness] = {}
    for ear in ears:
        known = before.get(ear.broker)
        if now_ms - ear.last_sign_ms > DEAF_AFTER_MS:
            # Deaf again before all were back: silence counts from the first time.
            found[ear.broker] = Deafness(ear.last_sign_ms if known is None else known.since_ms)
        elif known is not None:
            heard_ms = now_ms if known.heard_ms is None else known.heard_ms
            if now_ms - heard_ms < RECONNECT_MS:
                found[ear.broker] = replace(known, heard_ms=heard_ms)
    return found


def heard_until_ms(deafness: Deafness | None, now_ms: int) -> int:
    """Say up to when the silence of a hub counts (`noc.fleet.judge` takes it): not while nobody could hear it."""
    return now_ms if deafness is None else deafness.since_ms
