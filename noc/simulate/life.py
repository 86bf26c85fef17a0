"""The life of one simulated hub, minute by minute: people, cuts of the line, cuts of the power. Pure.

The same seed gives the same life. `Life.troubles` is the truth that a NOC's record of it can be held to.
"""

from __future__ import annotations

import enum
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from appliance.core.clock import WallQuality
from appliance.core.report import Number, Record
from noc.simulate.village import Village

MINUTE_MS: Final = 60_000
_BOOT_MS: Final = 34_000  # from power to the first measurement
_NO_LINK, _NO_INTERNET, _UP = 0, 3, 5
_UNCLEAN: Final = 2


class TroubleKind(enum.StrEnum):
    """What a village suffers."""

    LINE = "line"
    POWER = "power"


@dataclass(slots=True)
class Trouble:
    """A cut, from its first ms to that of its end; ``end_ms`` is None while it lasts."""

    kind: TroubleKind
    begin_ms: int
    end_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Rates:
    """How many cuts a day a hub has on average, and how many minutes the middle one lasts."""

    lines_per_day: float = 0.5
    line_minutes: float = 12.0
    powers_per_day: float = 0.15
    power_minutes: float = 40.0

    def times(self, factor: float) -> Rates:
        """More of both, or fewer."""
        return Rates(self.lines_per_day * factor, self.line_minutes, self.powers_per_day * factor, self.power_minutes)


@dataclass(frozen=True, slots=True)
class Minute:
    """What a minute brought: records, and whether the box could tell anybody at its end."""

    records: tuple[Record, ...]
    is_reachable: bool


class Life:
    """One hub from ``start_ms`` (UTC) on. ``utc_hours`` is its local time's difference, which people live by."""

    def __init__(self, seed: int, start_ms: int, *, utc_hours: int = 7, rates: Rates | None = None) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - no secret
        self._rates = rates or Rates()
        self._utc_ms = utc_hours * 3_600_000
        self._village = Village(self._chance)
        self._boots = self._chance.randrange(2, 60)
        self._boot(start_ms - self._chance.randrange(10**7, 10**9))
        self._sequence = start_ms - self._boot_ms
        self._state = _UP
        self._left = 0  # minutes until the trouble ends
        self.now_ms = start_ms
        self.troubles: list[Trouble] = []

    @property
    def boottime_ms(self) -> int:
        """Ms since the boot began, by the box's clock."""
        return self.now_ms - self._boot_ms

    def minute(self, waiting: int = 0) -> Minute:
        """Let a minute pass. ``waiting`` is how many records the box has that nobody acknowledged."""
        self.now_ms += MINUTE_MS
        records: list[Record] = []
        trouble = self._trouble()
        if trouble is None:
            self._begin(records)
        elif self._left == 0:
            self._end(trouble, records)
        else:
            self._left -= 1
        trouble = self._trouble()
        if trouble is not None and trouble.kind is TroubleKind.POWER:
            return Minute((), is_reachable=False)
        records.append(self._record(self._samples(waiting)))
        return Minute(tuple(records), is_reachable=trouble is None)

    def _trouble(self) -> Trouble | None:
        return self.troubles[-1] if self.troubles and self.troubles[-1].end_ms is None else None

    def _begin(self, records: list[Record]) -> None:
        rates, drawn = self._rates, self._chance.random() * 1_440
        if drawn < rates.powers_per_day:
            self._left = self._minutes(rates.power_minutes)
            self.troubles.append(Trouble(TroubleKind.POWER, self.now_ms))
        elif drawn < rates.powers_per_day + rates.lines_per_day:
            self._left = self._minutes(rates.line_minutes)
            self._state = self._chance.choice((_NO_LINK, _NO_INTERNET))
            self.troubles.append(Trouble(TroubleKind.LINE, self.now_ms))
            records.append(self._record({"event.uplink_down": 1, "uplink_state": self._state}))

    def _end(self, trouble: Trouble, records: list[Record]) -> None:
        trouble.end_ms = self.now_ms
        if trouble.kind is TroubleKind.LINE:
            self._state = _UP
            records.append(self._record({"event.uplink_up": 1, "uplink_state": _UP}))
        else:
            self._boots += 1
            self._boot(self.now_ms - _BOOT_MS)
            self._village.restart()
            records.append(self._record({"event.boot": 1, "boot_reason": _UNCLEAN}))

    def _minutes(self, middle: float) -> int:
        return max(1, round(self._chance.lognormvariate(math.log(middle), 0.9)))

    def _boot(self, began_ms: int) -> None:
        self.boot_id = self._chance.getrandbits(128).to_bytes(16, "big").hex()
        self._boot_ms = began_ms
        self._sequence = _BOOT_MS

    def _record(self, samples: Mapping[str, Number | None]) -> Record:
        self._sequence += 1
        return Record(self.boot_id, self._sequence, self.boottime_ms, self.now_ms, WallQuality.NTP, samples)

    def _samples(self, waiting: int) -> dict[str, Number | None]:
        of_day = (self.now_ms + self._utc_ms) // MINUTE_MS % 1_440
        samples = self._village.minute(of_day, self.boottime_ms)
        samples |= {"boots": self._boots, "outbox_waiting_records": waiting}
        if self._state != _UP:
            samples |= dict.fromkeys(("dns_ms", "http_ms"))
            samples |= {name: None for name in samples if name.startswith(("uplink_latency", "uplink_jitter"))}
            samples |= {name: 1_000 for name in samples if name.startswith("uplink_loss")}
            samples |= {"uplink_up": 0, "uplink_state": self._state, "uplink_has_link": int(self._state != _NO_LINK)}
        return samples
