"""Whether the NOC hears at all: pure. A hub is silent only when somebody was listening."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

DEAF_AFTER_MS: Final = 90_000
STALLED_MS: Final = 600_000  # of a watch that stood still for longer the operator hears, once it goes on
WATCH: Final = "noc-watch"  # the ear's name for the watch itself; no broker is called so
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
            # Heard later than now is heard when the date was wrong.
            heard_ms = now_ms if known.heard_ms is None else min(now_ms, known.heard_ms)
            if now_ms - heard_ms < RECONNECT_MS:
                found[ear.broker] = replace(known, heard_ms=heard_ms)
    return found


def deafness_of(broker: str, ears: Collection[str], deafness: Mapping[str, Deafness]) -> Deafness | None:
    """Say how deaf the NOC is to a broker. One at which it has no ear may be any of those at which it has one."""
    if broker in ears:
        return deafness.get(broker)
    return min((each for name, each in deafness.items() if name != WATCH), key=lambda d: d.since_ms, default=None)


def heard_until_ms(deafness: Deafness | None, now_ms: int) -> int:
    """Say up to when the silence of a hub counts (`noc.fleet.judge` takes it): not while nobody could hear it."""
    return now_ms if deafness is None else min(now_ms, deafness.since_ms)
