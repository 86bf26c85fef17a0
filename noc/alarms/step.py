"""A turn of the alarms: what the rules say of what is wrong now becomes incidents, and letters in the outbox.

All that a step changes is kept in one transaction, and only then anything is sent. So a kill at any moment leads to a
state that was, from which the next start goes on: nothing is told twice, nothing is forgotten. Where the book takes
nothing (its disk is full, perhaps the very thing to be told) the steps go on in memory, their letters leave all the
same, and the book is brought up as soon as it can be.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from appliance.core.errors import DesahubError, StoreError
from noc.alarms import channels, outbox
from noc.alarms.channels import Alarms
from noc.alarms.sender import Send, Sender, send_by_apprise
from noc.fleet_book.contract import FleetBook
from noc.rules import alerts
from noc.rules.alert_state import ChannelState, Facts, Letter, People, State
from noc.rules.groups import Fleet

_log = logging.getLogger(__name__)


def now_ms() -> int:
    """Ms of UTC."""
    return time.time_ns() // 1_000_000


class AlarmDesk:
    """The alarms of one watch.

    Args:
        path: ``alarms.toml``, which is looked at each turn.
        clock_ms: ms of UTC, for the channels' threads.
        send: takes a message to a channel.
    """

    def __init__(self, path: Path, *, clock_ms: Callable[[], int] = now_ms, send: Send = send_by_apprise) -> None:
        self._path, self._clock_ms, self._send = path, clock_ms, send
        self._kept: State | None = None  # as the book has it
        self._state = State()
        self._letters: tuple[Letter, ...] = ()  # that the book does not have
        self._alarms = Alarms()
        self._read_as: tuple[int, int] | None = None
        self._sender: Sender | None = None

    def turn(self, book: FleetBook, facts: Facts, fleet: Fleet, now_ms: int) -> None:
        """Take note of what is wrong now, and tell who must be told.

        Raises nothing that a store or a configuration does wrong: it is logged, and tried again at the next turn.
        """
        try:
            if self._kept is None:
                self._kept = self._state = book.alert_state(now_ms)
        except StoreError as error:
            _log.error("alarms wait, what was told before cannot be read: %s", error)
            return
        sender = self._sender = self._sender or Sender(book, self._clock_ms, self._send)
        self._configure(book, sender, now_ms)
        self._state, notification = alerts.step(
            self._with_people(book, now_ms), facts, fleet, now_ms, has_listener=bool(self._alarms.channels)
        )
        if notification is not None:
            self._letters += outbox.address(notification, self._alarms.channels, fleet)
        try:
            book.put_alerts(self._kept, self._state, self._letters, now_ms)
            self._kept, self._letters = self._state, ()
            sender.look(now_ms)
        except StoreError as error:
            _log.error("alarms go on without the fleet book: %s", error)
        sender.hand(self._letters)

    def close(self) -> None:
        """End the channels' threads."""
        if self._sender is not None:
            self._sender.close()

    def _with_people(self, book: FleetBook, now_ms: int) -> State:
        """What is remembered, with what people decided since."""
        try:
            people = book.people(now_ms)
        except StoreError as error:
            _log.error("what people decided cannot be read: %s", error)
            return self._state
        return _decided(self._state, people)

    def _configure(self, book: FleetBook, sender: Sender, now_ms: int) -> None:
        """Take over a changed configuration; one that is wrong is told, and the last good one stays."""
        try:
            found = self._path.stat()
            read_as = (found.st_mtime_ns, found.st_mode)
        except OSError:
            read_as = (0, 0)
        if read_as == self._read_as:
            return
        try:
            self._alarms = channels.read(self._path)
            sender.configure(self._alarms)
            _log.info("alarms leave by: %s", ", ".join(each.name for each in self._alarms.channels) or "nothing")
        except StoreError as error:
            _log.error("%s: is taken over later: %s", self._path, error)
            return
        except DesahubError as error:
            _log.error("%s: not taken over: %s", self._path, error)
            self._say_broken(book, str(error), now_ms)
        self._read_as = read_as

    def _say_broken(self, book: FleetBook, error: str, now_ms: int) -> None:
        """Show on the pages, where channels are, that the configuration is not taken over."""
        state = ChannelState(channels.FILE_NAME, None, now_ms, 1, None, error.splitlines()[0][:300])
        try:
            book.put_sent((), state, now_ms)
        except StoreError as failure:
            _log.error("the pages cannot be told of it: %s", failure)


def _decided(state: State, people: People) -> State:
    incidents = tuple(
        each if cared is None else replace(each, acknowledged_by=cared[0], acknowledged_ms=cared[1])
        for each in state.incidents
        for cared in (people.cared.get(each.number),)
    )
    return replace(state, incidents=incidents, silences=people.silences)
