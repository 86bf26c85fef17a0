"""The fleet book's methods for what the alerts remember and what is still to be sent."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from noc.fleet_book import alerting
from noc.fleet_book.transactions import Transactions
from noc.rules.alert_state import ChannelState, Letter, People, State


class AlertBook(Transactions):
    """The alerts' memory and their outbox."""

    def alert_state(self, now_ms: int) -> State:
        """Read all that the alerts remember."""
        with self.reading() as db:
            return alerting.load(db, now_ms)

    def people(self, now_ms: int) -> People:
        """Read what people decided about what is open."""
        with self.reading() as db:
            return alerting.people(db, now_ms)

    def put_alerts(self, before: State, after: State, letters: Sequence[Letter], now_ms: int) -> None:
        """Keep what became of a state that was kept, with the letters that follow from it."""
        with self.writing() as db:
            alerting.put(db, before, after, letters, now_ms)

    def waiting_letters(self, channel: str) -> tuple[Letter, ...]:
        """Read what a channel has not sent, oldest first."""
        with self.reading() as db:
            return alerting.waiting(db, channel)

    def put_sent(self, letters: Collection[Letter], state: ChannelState, now_ms: int) -> None:
        """Note that a channel has sent letters, or given them up, and how it is."""
        with self.writing() as db:
            alerting.put_sent(db, letters, state, now_ms)

    def channels(self) -> tuple[ChannelState, ...]:
        """Read how each channel is, by name."""
        with self.reading() as db:
            return alerting.channels(db)

    def keep_channels(self, names: Collection[str]) -> None:
        """Let the channels be these; what waits for others is dropped."""
        with self.writing() as db:
            alerting.keep_channels(db, names)
