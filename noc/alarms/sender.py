"""Takes letters out of the outbox to their channels: a thread for each channel, so that one that hangs delays no other.

A letter is noted as sent after its channel took it: a kill in between sends it once more, never not at all. What was
sent and cannot be noted, because the disk is full, is remembered here until it can be.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable
from typing import Final

from appliance.core.errors import DesahubError, StoreError
from noc.alarms import outbox, words
from noc.alarms.channels import Alarms, Channel
from noc.fleet_book.contract import FleetBook
from noc.rules.alert_state import ChannelState, Letter
from noc.rules.groups import Group, GroupKind

_log = logging.getLogger(__name__)
LOOK_SECONDS: Final = 30.0
HANGS_AFTER_SECONDS: Final = 120.0
Send = Callable[[Channel, words.Message], None]


def send_by_apprise(channel: Channel, message: words.Message) -> None:
    """Send a message. Loads Apprise, which is large, only where there is something to be sent."""
    from noc.alarms.sending import send  # noqa: PLC0415 - Apprise is large, and only the first message wants it

    send(channel, message)


class Postman:
    """One channel's thread.

    Args:
        book: the outbox.
        alarms: language, time zone and links of messages.
        channel: where to.
        clock_ms: ms of UTC.
        send: takes a message there, or raises `DesahubError`.
        before: who served the channel until now; what it is just sending is not sent by both.
    """

    def __init__(
        self,
        book: FleetBook,
        alarms: Alarms,
        channel: Channel,
        clock_ms: Callable[[], int],
        send: Send,
        *,
        before: Postman | None = None,
    ) -> None:
        self.alarms, self.channel = alarms, channel
        self._book, self._clock_ms, self._send = book, clock_ms, send
        self._state: ChannelState | None = None
        self._extra: dict[tuple[object, ...], Letter] = {}
        self._told: dict[tuple[object, ...], Letter] = {}
        self._busy_since: float | None = None  # counts on, whatever the date is set to
        self._before = before
        self._wake, self._ending, self._lock = threading.Event(), threading.Event(), threading.Lock()
        # A daemon: the end of the watch waits for no server of somebody else's.
        self._thread = threading.Thread(target=self._run, name=f"alarms-{channel.name}", daemon=True)
        self._thread.start()

    def hand(self, letters: Iterable[Letter]) -> None:
        """Give letters that the book could not keep, and look for those that it has."""
        with self._lock:
            self._extra |= {each.key: each for each in letters if each.channel == self.channel.name}
        self._wake.set()

    def end(self, timeout_seconds: float = 0.0) -> None:
        """Let what is being sent be the last."""
        self._ending.set()
        self._wake.set()
        if timeout_seconds:
            self._thread.join(timeout_seconds)

    def hanging(self, now_ms: int) -> ChannelState | None:
        """How the channel is when it answers nothing, None while that is not so."""
        since = self._busy_since
        seconds = 0.0 if since is None else time.monotonic() - since
        if seconds < HANGS_AFTER_SECONDS:
            return None
        since_ms, sent_ms = now_ms - int(seconds * 1000), None if self._state is None else self._state.sent_ms
        return ChannelState(self.channel.name, sent_ms, since_ms, 1, None, f"no answer for {seconds:.0f} s")

    def _run(self) -> None:
        if self._before is not None:
            self._before.end(HANGS_AFTER_SECONDS)
            self._before = None
        while not self._ending.is_set():
            self._wake.clear()
            try:
                self._turn(self._clock_ms())
            except StoreError as error:
                _log.error("alarms to %s: %s", self.channel.name, error)
            self._wake.wait(LOOK_SECONDS)

    def _turn(self, now_ms: int) -> None:
        state = self._state = self._state or self._known()
        waiting = self._waiting()
        stale = [each for each in waiting if outbox.is_stale(each, now_ms)]
        fresh = [each for each in waiting if not outbox.is_stale(each, now_ms)]
        if stale:
            _log.error("alarms to %s: %d lines are a day old and are given up", self.channel.name, len(stale))
            self._note(stale, state, now_ms)
        if not outbox.due(fresh, self.alarms, self.channel, state, now_ms):
            self._note((), state, now_ms)
            return
        message = words.message(outbox.shorten(fresh), self.alarms, self._place)
        self._busy_since = time.monotonic()
        try:
            self._send(self.channel, message)
        except DesahubError as error:
            ended_ms = self._clock_ms()
            _log.warning("alarms to %s: not taken: %s", self.channel.name, error)
            self._note((), outbox.failed(state, str(error), ended_ms), ended_ms)
        except Exception as error:  # noqa: BLE001 - a library of others: it must not end the channel, nor show a secret
            ended_ms = self._clock_ms()
            _log.error("alarms to %s: %s", self.channel.name, type(error).__name__)
            self._note((), outbox.failed(state, f"failed inside: {type(error).__name__}", ended_ms), ended_ms)
        else:
            ended_ms = self._clock_ms()
            _log.info("alarms to %s: %d lines sent", self.channel.name, len(fresh))
            self._note(fresh, outbox.sent(state, ended_ms), ended_ms)
        finally:
            self._busy_since = None

    def _known(self) -> ChannelState:
        try:
            found = {each.name: each for each in self._book.channels()}
        except StoreError:
            return ChannelState(self.channel.name)
        return found.get(self.channel.name, ChannelState(self.channel.name))

    def _waiting(self) -> list[Letter]:
        with self._lock:
            found = dict(self._extra)
        try:
            found |= {each.key: each for each in self._book.waiting_letters(self.channel.name)}
        except StoreError as error:
            _log.error("alarms to %s: the outbox cannot be read: %s", self.channel.name, error)
        return sorted((each for key, each in found.items() if key not in self._told), key=lambda each: each.at_ms)

    def _note(self, letters: Collection[Letter], state: ChannelState, now_ms: int) -> None:
        """Write down what is sent or given up, and how the channel is; what cannot be written is not forgotten."""
        self._told |= {each.key: each for each in letters}
        with self._lock:
            for key in self._told:
                self._extra.pop(key, None)
        if not self._told and state == self._state:
            return
        self._state = state
        self._book.put_sent(tuple(self._told.values()), state, now_ms)
        self._told.clear()

    def _place(self, group: Group) -> words.Place:
        try:
            if group.kind is GroupKind.HUB:
                card = self._book.card(group.name)
                return words.Place() if card is None else words.Place(card.name, card.kode_wilayah, card.timezone)
            if group.kind in (GroupKind.DISTRICT, GroupKind.REGENCY, GroupKind.PROVINCE):
                return words.Place(self._book.area_name(group.name), group.name)
        except StoreError:
            _log.error("alarms to %s: names cannot be read", self.channel.name)
        return words.Place()


class Sender:
    """The postmen of all channels."""

    def __init__(self, book: FleetBook, clock_ms: Callable[[], int], send: Send = send_by_apprise) -> None:
        self._book, self._clock_ms, self._send = book, clock_ms, send
        self._postmen: dict[str, Postman] = {}
        self._hanging: set[str] = set()

    def configure(self, alarms: Alarms) -> None:
        """Let the channels be these, also where the book cannot note it. Raises `StoreError` then."""
        wanted = {each.name: each for each in alarms.channels}
        if any(alarms != each.alarms for each in self._postmen.values()) or wanted.keys() != self._postmen.keys():
            before, self._postmen = self._postmen, {}
            for postman in before.values():
                postman.end()
            for name, channel in wanted.items():
                self._postmen[name] = Postman(
                    self._book, alarms, channel, self._clock_ms, self._send, before=before.get(name)
                )
        self._say_dropped(wanted)
        self._book.keep_channels(wanted.keys())

    def _say_dropped(self, wanted: Collection[str]) -> None:
        """Log how much waits for channels that are there no more."""
        for name in [each.name for each in self._book.channels() if each.name not in wanted]:
            if waiting := self._book.waiting_letters(name):
                _log.warning("alarms to %s: is no channel any more: %d lines are dropped", name, len(waiting))

    def hand(self, letters: Collection[Letter]) -> None:
        """Let the postmen look, and give them what the book could not keep."""
        for postman in self._postmen.values():
            postman.hand(letters)

    def look(self, now_ms: int) -> None:
        """Write down which channels hang, once for each time. Raises `StoreError`."""
        for name, postman in self._postmen.items():
            state = postman.hanging(now_ms)
            if state is None:
                self._hanging.discard(name)
            elif name not in self._hanging:
                _log.error("alarms to %s: %s", name, state.error)
                self._book.put_sent((), state, now_ms)
                self._hanging.add(name)

    def close(self, timeout_seconds: float = 5.0) -> None:
        """End every channel; wait that long for what is being sent."""
        for postman in self._postmen.values():
            postman.end()
        for postman in self._postmen.values():
            postman.end(timeout_seconds)
        self._postmen.clear()
