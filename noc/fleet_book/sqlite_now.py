"""The fleet book's methods for the inventory and for how the fleet is."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from noc.fleet_book import areas, cards, finding, headlines, lookup, standings
from noc.fleet_book.contract import (
    AreaLine,
    Asset,
    Card,
    Contact,
    Found,
    Query,
    Scope,
    Standing,
    Visit,
)
from noc.fleet_book.transactions import Transactions
from noc.rules.alert_state import Deed
from noc.rules.outages import Headline
from noc.store.contract import Hub

EVERYWHERE: Final = Scope()


class InventoryBook(Transactions):
    """Cards, names of areas, contacts, assets, visits."""

    def take_over(self, hubs: Sequence[Hub]) -> frozenset[str]:
        """Bring cards up to the inventory; return whose card is new or another now."""
        with self.writing() as db:
            return cards.take_over(db, hubs)

    def put_cards(self, changed: Sequence[Card], deed: Deed) -> None:
        """Add or replace cards."""
        with self.writing(deed) as db:
            cards.put(db, changed)

    def card(self, hub_id: str) -> Card | None:
        """Read a card; None where there is none."""
        with self.reading() as db:
            return cards.one(db, hub_id)

    def cards(self, scope: Scope = EVERYWHERE, area: str = "") -> tuple[Card, ...]:
        """Read the cards of an area, by code."""
        with self.reading() as db:
            return cards.several(db, scope, area)

    def put_area_names(self, names: Mapping[str, str], deed: Deed) -> None:
        """Add or replace names of areas."""
        with self.writing(deed) as db:
            cards.put_area_names(db, names)

    def area_name(self, code: str) -> str:
        """Name an area, "" where nobody did."""
        return self.area_names((code,)).get(code, "")

    def area_names(self, codes: Collection[str]) -> Mapping[str, str]:
        """Name areas; those without a name are not among them."""
        with self.reading() as db:
            return lookup.area_names(db, codes)

    def put_inventory(self, changed: Sequence[Card], contacts: Sequence[Contact], deed: Deed) -> None:
        """Add or replace cards and contacts; all or nothing."""
        with self.writing(deed) as db:
            cards.put(db, changed)
            for contact in contacts:
                cards.put_contact(db, contact)

    def contacts(self, hub_id: str) -> tuple[Contact, ...]:
        """List whom to call, first the one to call first."""
        return self.contacts_of((hub_id,)).get(hub_id, ())

    def contacts_of(self, hub_ids: Collection[str]) -> Mapping[str, tuple[Contact, ...]]:
        """List whom to call at each of these hubs; those without a card are not among them."""
        with self.reading() as db:
            numbers = lookup.numbers(db, hub_ids)
            found = cards.contacts(db, numbers.values())
            return {hub_id: found[number] for hub_id, number in numbers.items()}

    def put_contact(self, contact: Contact, deed: Deed) -> int:
        """Add a contact (its id is 0) or change it; return its id."""
        with self.writing(deed) as db:
            return cards.put_contact(db, contact)

    def drop_contact(self, contact_id: int, deed: Deed) -> None:
        """Delete a contact."""
        with self.writing(deed) as db:
            cards.drop_contact(db, contact_id)

    def assets(self, hub_id: str) -> tuple[Asset, ...]:
        """List what stands at a hub."""
        with self.reading() as db:
            return cards.assets(db, hub_id)

    def put_asset(self, asset: Asset, deed: Deed) -> int:
        """Add an asset (its id is 0) or change it; return its id."""
        with self.writing(deed) as db:
            return cards.put_asset(db, asset)

    def visits(self, hub_id: str) -> tuple[Visit, ...]:
        """List visits, newest first."""
        with self.reading() as db:
            return cards.visits(db, hub_id)

    def put_visit(self, visit: Visit, deed: Deed) -> int:
        """Add a visit (its id is 0) or change it; return its id."""
        with self.writing(deed) as db:
            return cards.put_visit(db, visit)


class StandingBook(Transactions):
    """How the fleet is now."""

    def put_standings(self, changed: Sequence[Standing], now_ms: int) -> None:
        """Replace standings, and note when the fleet was judged."""
        with self.writing() as db:
            standings.put(db, changed)
            lookup.keep(db, "judged_ms", now_ms)

    def judged_ms(self) -> int | None:
        """Say when the fleet was judged last."""
        with self.reading() as db:
            found = lookup.kept(db, "judged_ms")
        return None if found is None else int(found)

    def standing(self, hub_id: str) -> Standing | None:
        """Read how a hub is; None where it has no card."""
        return self.standings((hub_id,)).get(hub_id)

    def standings(self, hub_ids: Collection[str]) -> Mapping[str, Standing]:
        """Read how hubs are; those without a card are not among them."""
        with self.reading() as db:
            return standings.by_id(db, hub_ids)

    def find(self, query: Query) -> Found:
        """Find a page of hubs."""
        with self.reading() as db:
            return finding.find(db, query)

    def areas(self, scope: Scope, parent: str) -> tuple[AreaLine, ...]:
        """Sum up the areas right below one, by code."""
        with self.reading() as db:
            return areas.children(db, scope, parent)

    def area(self, scope: Scope, code: str) -> AreaLine | None:
        """Sum up one area, as far as an account sees it; None where it sees no hub there."""
        with self.reading() as db:
            return areas.one(db, scope, code)

    def make_headlines(self, now_ms: int) -> None:
        """Make the headline of every area anew."""
        with self.reading() as db:
            made = headlines.of_all(db, now_ms)
        with self.writing() as db:
            headlines.keep(db, made.items(), now_ms)

    def headline(self, scope: Scope, area: str, now_ms: int) -> Headline:
        """Read the headline of an area, as far as an account sees it."""
        with self.reading() as db:
            return headlines.one(db, scope, area, now_ms)
