"""The fleet book's methods for how it was."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from noc.fleet_book import lookup, months, past, sums
from noc.fleet_book.contract import AreaSum, Day, Followed, HubMonth, KeptOutage, MonthSum, Scope, Tail
from noc.fleet_book.transactions import Transactions
from noc.rules.history import History
from noc.rules.sla import Month, Version


class PastBook(Transactions):
    """Histories, outages, days and months."""

    def histories(self, hub_ids: Collection[str]) -> Mapping[str, History]:
        """Read all that hubs ever said of line and power; those without a history are not among them."""
        with self.reading() as db:
            return past.histories(db, hub_ids)

    def put_followed(self, followed: Sequence[Followed], mark: str, tails: Sequence[Tail] = ()) -> None:
        """Keep what the watch learned, the tails, and up to where it read."""
        with self.writing() as db:
            past.put(db, followed)
            past.put_tails(db, tails)
            lookup.keep(db, "followed_mark", mark)

    def tails(self, hub_ids: Collection[str]) -> Mapping[str, Tail]:
        """Read the tails of hubs; those without one are not among them."""
        with self.reading() as db:
            return past.tails(db, hub_ids)

    def stale(self, before_ms: int, limit: int) -> tuple[str, ...]:
        """Name hubs whose history was brought up before a moment, longest ago first."""
        with self.reading() as db:
            return past.stale(db, before_ms, limit)

    def forget(self, before_ms: int, limit: int) -> int:
        """Delete some of what is too old; return how many rows went, 0 when none is left."""
        with self.writing() as db:
            return past.forget(db, before_ms, limit)

    def followed_mark(self) -> str:
        """Say up to where records were read, "" when none were."""
        with self.reading() as db:
            return str(lookup.kept(db, "followed_mark") or "")

    def outages(self, scope: Scope, area: str, from_ms: int, to_ms: int, hub_id: str = "") -> tuple[KeptOutage, ...]:
        """List outages that lie within a time or reach into it, by code of the hub, then oldest first."""
        with self.reading() as db:
            return tuple(past.outages(db, scope, area, (from_ms, to_ms), hub_id))

    def days(self, scope: Scope, area: str, from_day: str, to_day: str, hub_id: str = "") -> tuple[Day, ...]:
        """List days from the first to the last, both included, by code of the hub, then oldest first."""
        with self.reading() as db:
            return tuple(past.days(db, scope, area, (from_day, to_day), hub_id))

    def area_days(self, scope: Scope, area: str, from_day: str, to_day: str) -> tuple[AreaSum, ...]:
        """Add up an area for each day, oldest first."""
        with self.reading() as db:
            return sums.days(db, scope, area, (from_day, to_day), by_day=True)

    def area_sums(self, scope: Scope, parent: str, from_day: str, to_day: str) -> tuple[AreaSum, ...]:
        """Add up all days for each area right below one, by code."""
        with self.reading() as db:
            return sums.days(db, scope, parent, (from_day, to_day), by_day=False)

    def versions(self, hub_ids: Collection[str], month: str) -> Mapping[str, Version]:
        """Read the latest version of a month; hubs without one are not among them."""
        with self.reading() as db:
            return months.versions(db, hub_ids, Month.parse(month))

    def all_versions(self, hub_id: str, month: str) -> tuple[Version, ...]:
        """Read every version of a month of a hub, oldest first."""
        with self.reading() as db:
            return months.all_versions(db, hub_id, Month.parse(month))

    def put_versions(self, versions: Mapping[str, Version]) -> None:
        """Keep versions, each the one after the last of its hub and month."""
        with self.writing() as db:
            months.put(db, versions.items())

    def month_sums(self, scope: Scope, area: str, month: str) -> tuple[MonthSum, ...]:
        """Add up a month for each area right below one, by code."""
        with self.reading() as db:
            return months.by_area(db, scope, area, Month.parse(month))

    def sla_of_area(self, scope: Scope, area: str, month: str) -> tuple[HubMonth, ...]:
        """Read the latest version of a month of each hub that has one, by code."""
        with self.reading() as db:
            return tuple(months.of_area(db, scope, area, Month.parse(month)))
