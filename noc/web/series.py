"""What a hub said, gathered on one time axis for all its charts: pure. A span nobody reported is a gap, and stays one.

Three sources, by how far back one looks: minute records, the sums of hours, the days of the fleet book.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from zoneinfo import ZoneInfo

from noc import fleet
from noc.fleet_book.contract import Day
from noc.store.contract import ArrivedRecord, Hour

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
Values = tuple[float | None, ...]
_MEANS: Final = ("uplink_latency_ms", "uplink_jitter_ms", "uplink_loss_permille")
_HIGHEST: Final = (
    "interface_received_peak_kbit.uplink", "interface_sent_peak_kbit.uplink", "clients_online", "temperature_celsius",
)  # fmt: skip
_SHARES: Final = (
    ("memory_used", "memory_available_bytes", "memory_total_bytes"),
    ("disk_used", "disk_free_bytes", "disk_size_bytes"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Axis:
    """Time from ``from_ms`` in ``count`` equal steps, with labels at ``ticks`` equal parts of it."""

    from_ms: int
    step_ms: int
    count: int

    @property
    def to_ms(self) -> int:
        """Its end."""
        return self.from_ms + self.step_ms * self.count

    def place(self, time_ms: int) -> int | None:
        """In which step a moment lies, None outside."""
        place = (time_ms - self.from_ms) // self.step_ms
        return place if 0 <= place < self.count else None


def axis(zone: ZoneInfo, now_ms: int, hours: int, step_ms: int) -> Axis:
    """Lay an axis that ends at the hub's next whole hour, or where it shows days, at its next midnight."""
    local = datetime.datetime.fromtimestamp(now_ms / 1000, zone)
    if hours > 24:
        end = local.replace(hour=0, minute=0, second=0, microsecond=0) + datetime.timedelta(days=1)
    else:
        end = local.replace(minute=0, second=0, microsecond=0) + datetime.timedelta(hours=1)
    count = hours * HOUR_MS // step_ms
    return Axis(int(end.timestamp()) * 1000 - count * step_ms, step_ms, count)


@dataclass(slots=True)
class Gathered:
    """Values by name, each with a place for each step of an axis."""

    axis: Axis
    _found: dict[str, dict[int, list[float]]] = field(default_factory=dict)

    def add(self, name: str, time_ms: int, value: float | None) -> None:
        """Put a value where its moment is."""
        place = self.axis.place(time_ms)
        if value is None or place is None:
            return
        self._found.setdefault(name, {}).setdefault(place, []).append(float(value))

    def values(self, reduce: Mapping[str, Callable[[list[float]], float]]) -> dict[str, Values]:
        """Make one value of those of each step, by the first part of its name; the mean where none is named."""
        return {
            name: tuple(
                self._one(places, place, reduce.get(name.partition(".")[0], _mean)) for place in range(self.axis.count)
            )
            for name, places in self._found.items()
        }

    @staticmethod
    def _one(places: Mapping[int, list[float]], place: int, reduce: Callable[[list[float]], float]) -> float | None:
        return reduce(places[place]) if place in places else None


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


_REDUCE: Final[Mapping[str, Callable[[list[float]], float]]] = {
    "interface_received_peak_kbit": max, "interface_sent_peak_kbit": max, "clients_online": max,
    "temperature_celsius": max, "memory_used": max, "disk_used": max, "logins": sum,
}  # fmt: skip


def of_records(records: Sequence[ArrivedRecord], on: Axis) -> dict[str, Values]:
    """Gather minute records. Give some from before the axis too: what a counter moved is a difference."""
    found = Gathered(on)
    wanted: dict[str, bool] = {}
    for arrived in records:
        if arrived.time_ms is None or on.place(arrived.time_ms) is None:
            continue
        samples = arrived.record.samples
        for name in samples:
            if name not in wanted:
                wanted[name] = name in _HIGHEST or name.partition(".")[0] in _MEANS
            if wanted[name]:
                found.add(name, arrived.time_ms, samples[name])
        for name, part, whole in _SHARES:
            found.add(name, arrived.time_ms, _used(samples.get(part), samples.get(whole)))
    for one, other in itertools.pairwise(records):
        moved = _moved(one, other, "logins")
        if moved is not None and other.time_ms is not None:
            found.add("logins", other.time_ms, moved)
    return found.values(_REDUCE) | _rates(records, on)


def of_hours(hours: Iterable[Hour], on: Axis) -> dict[str, Values]:
    """Gather the sums of hours: means, and of what can be too high, the highest."""
    found = Gathered(on)
    for hour in hours:
        at_ms = hour.hour_ms
        for name, summary in hour.samples.items():
            if summary.count and name in _HIGHEST:
                found.add(name, at_ms, summary.greatest)
            elif summary.count and name.partition(".")[0] in _MEANS:
                found.add(name, at_ms, summary.total / summary.count)
        for name, part, whole in _SHARES:
            least, most = hour.samples.get(part), hour.samples.get(whole)
            if least is not None and most is not None:
                found.add(name, at_ms, _used(least.least, most.greatest))
        for name, counter in (("received", "received"), ("sent", "sent")):
            moved = hour.samples.get(f"interface_{counter}_bytes.uplink")
            found.add(name, at_ms, None if moved is None else 8 * moved.moved / (HOUR_MS / 1000))
        logins = hour.samples.get("logins")
        found.add("logins", at_ms, None if logins is None else logins.moved)
    return found.values(_REDUCE)


def of_days(days: Iterable[Day], on: Axis, zone: ZoneInfo) -> dict[str, Values]:
    """Gather days: the mean rate of what was moved, the most clients, the logins."""
    found = Gathered(on)
    for day in days:
        at_ms = int(datetime.datetime.fromisoformat(day.day).replace(tzinfo=zone).timestamp()) * 1000
        for name, moved in (("received", day.received_bytes), ("sent", day.sent_bytes)):
            found.add(name, at_ms, None if moved is None else 8 * moved / (DAY_MS / 1000))
        found.add("clients_online", at_ms, day.clients_peak)
        found.add("logins", at_ms, day.logins)
    return found.values(_REDUCE)


def _rates(records: Sequence[ArrivedRecord], on: Axis) -> dict[str, Values]:
    recent = [each for each in records if each.time_ms is not None]
    buckets = fleet.series(recent, on.from_ms, on.to_ms, on.count) if recent else ()
    received = tuple(None if each.rates is None else each.rates.received for each in buckets)
    sent = tuple(None if each.rates is None else each.rates.sent for each in buckets)
    return {
        name: values for name, values in (("received", received), ("sent", sent)) if any(v is not None for v in values)
    }


def _used(free: float | None, size: float | None) -> float | None:
    """What is used, in percent."""
    return None if free is None or not size else 100 * (1 - free / size)


def _moved(one: ArrivedRecord, other: ArrivedRecord, name: str) -> float | None:
    if one.record.boot_id != other.record.boot_id:
        return None
    before, after = one.record.samples.get(name), other.record.samples.get(name)
    return None if before is None or after is None or after < before else after - before
