"""What the watch remembers of the inventory between its turns: where each hub stands, and by what it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from noc.fleet_book.contract import Card, KeptWindow
from noc.rules.groups import Fleet, Place
from noc.rules.reading import INTERVAL_MS, Terms
from noc.watch.following import NoCardError
from noc.watch.past import Reading


class Inventory:
    """Cards and windows of planned work as they were read last.

    Args:
        interval_ms: how often hubs make a record that did not say it themselves.
        said_ms: how often this hub does, as it said itself; None where it did not.
    """

    def __init__(self, interval_ms: int = INTERVAL_MS, said_ms: Callable[[str], int | None] = lambda _: None) -> None:
        self._interval_ms, self._said_ms = interval_ms, said_ms
        self._cards: dict[str, Card] = {}
        self._windows: tuple[KeptWindow, ...] = ()
        self.fleet = Fleet(())

    def take(self, cards: Iterable[Card], windows: Iterable[KeptWindow]) -> list[str]:
        """Take what there is now; return whose past must be told otherwise than before."""
        before, before_windows = self._cards, set(self._windows)
        self._cards = {card.hub_id: card for card in cards}
        self._windows = tuple(sorted(windows, key=lambda each: each.window_id))
        changed = [card for card in self._cards.values() if before.get(card.hub_id) != card]
        if changed or len(before) != len(self._cards):
            self.fleet = Fleet(
                Place(each.hub_id, each.kode_wilayah, each.upstream, each.broker) for each in self._cards.values()
            )
        touched = self._hubs_of(before_windows.symmetric_difference(self._windows)) if before else ()
        # A card that was not here before is a hub's that is new, or of a watch that just began: the book knows better.
        told_otherwise = [
            card.hub_id for card in changed if card.hub_id in before and _terms(before[card.hub_id]) != _terms(card)
        ]
        return [*told_otherwise, *touched]

    def broker(self, hub_id: str) -> str:
        """Name the broker through which a hub speaks."""
        card = self._cards.get(hub_id)
        return "" if card is None else card.broker

    @property
    def size(self) -> int:
        """How many hubs there are."""
        return len(self._cards)

    def reading(self, hub_id: str) -> Reading:
        """Say by what a hub's past is told. Raises `NoCardError`."""
        card = self._cards.get(hub_id)
        if card is None:
            raise NoCardError(hub_id)
        windows = tuple(each.window for each in self._windows if _is_for(each, card))
        interval_ms = self._said_ms(hub_id) or self._interval_ms
        return Reading(card.timezone, Terms(interval_ms, card.download_kbit, card.upload_kbit), windows)

    def excused(self, now_ms: int) -> frozenset[str]:
        """Name the hubs on which work is planned now."""
        now = [each for each in self._windows if each.window.start_ms <= now_ms < each.window.end_ms]
        return frozenset(self._hubs_of(now))

    def _hubs_of(self, windows: Iterable[KeptWindow]) -> tuple[str, ...]:
        every = tuple(windows)
        if not every:
            return ()
        return tuple(card.hub_id for card in self._cards.values() if any(_is_for(each, card) for each in every))


def _terms(card: Card) -> tuple[str, int, int]:
    return card.timezone, card.download_kbit, card.upload_kbit


def _is_for(window: KeptWindow, card: Card) -> bool:
    if window.hub_id:
        return window.hub_id == card.hub_id
    return not window.area or f"{card.kode_wilayah}.".startswith(f"{window.area}.")
