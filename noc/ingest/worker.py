"""Batches of messages into the store: commit, then let the broker and the hubs know, never the other way round."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from appliance.core.errors import StoreError
from appliance.core.letter_marks_wire import Receipt
from appliance.core.report import Ack
from noc.ingest import rules
from noc.ingest.acknowledging import EVERY_SECONDS, Acknowledging
from noc.ingest.brake import Brake
from noc.ingest.ear import OwnVoice
from noc.ingest.house import IDLE_SECONDS, House
from noc.store.contract import Arrivals, NocStore

_log = logging.getLogger(__name__)
BATCH_MESSAGES_MAX: Final = 1_000
BUSY_MESSAGES: Final = 200  # of a batch as large as this more is on its way
RETRY_SECONDS: Final = 2.0
Word = Ack | Receipt  # what a hub is told


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message and the broker's handle for it."""

    message: rules.Message
    mid: int
    qos: int
    is_own: bool = False  # what this worker said to itself


class Link(Protocol):
    """What the worker asks of the connection to the broker."""

    def take(self, timeout_seconds: float) -> Delivery: ...

    def done(self, delivery: Delivery) -> None: ...

    def acknowledge(self, hub_id: str, ack: Word) -> None: ...

    def keep(self) -> None: ...

    def say_to_itself(self, word: bytes) -> None: ...


def run(
    link: Link,
    store: NocStore,
    stopping: threading.Event,
    alive: Callable[[], None],
    house: House | None,
    *,
    acknowledge_seconds: float = EVERY_SECONDS,
    voice: OwnVoice | None = None,
) -> None:
    """Ingest until ``stopping``.

    Args:
        link: the connection to the broker.
        store: where batches go.
        stopping: set to end.
        alive: called with each turn, for the watchdog.
        house: what one of several workers does besides, between two batches.
        acknowledge_seconds: how long a hub whose records flow is told nothing.
        voice: what it says to itself, so that the watch knows that hubs are heard.
    """
    epoch, size, acknowledging, brake = "", 0, Acknowledging(acknowledge_seconds), Brake()
    while not stopping.is_set():
        alive()
        if voice is not None and (word := voice.word()) is not None:
            link.say_to_itself(word)
        wait = house.turn(is_busy=size >= BUSY_MESSAGES) if house else IDLE_SECONDS
        batch = gather(link, wait)
        size = len(batch)
        brake.begin(time.monotonic())
        while batch and not stopping.is_set():
            try:
                epoch = epoch or store.epoch()
                step(link, store, batch, epoch, acknowledging, brake=brake, voice=voice)
                break
            except StoreError as error:
                # Nothing is acknowledged: the broker keeps what follows, and each hub keeps what it sent.
                _log.error("nothing was stored, %d messages wait: %s", len(batch), error)
                alive()
                stopping.wait(RETRY_SECONDS)
                link.keep()


def gather(link: Link, wait_seconds: float = IDLE_SECONDS) -> list[Delivery]:
    """Wait for a message and take with it what else is there."""
    batch: list[Delivery] = []
    deadline = time.monotonic() + wait_seconds
    while len(batch) < BATCH_MESSAGES_MAX:
        try:
            batch.append(link.take(0.0 if batch else max(0.0, deadline - time.monotonic())))
        except queue.Empty:
            break
    return batch


def step(
    link: Link,
    store: NocStore,
    batch: list[Delivery],
    epoch: str,
    acknowledging: Acknowledging,
    *,
    brake: Brake | None = None,
    voice: OwnVoice | None = None,
) -> Arrivals:
    """Commit one batch, then acknowledge it to the broker, and to the hubs what is due."""
    own = [each.message.payload for each in batch if each.is_own]
    messages = [each.message for each in batch if not each.is_own]
    known = store.known({hub_id for each in messages if (hub_id := rules.hub_of(each.topic)) is not None})
    arrivals = rules.sort(messages, known, brake)
    new = store.commit(arrivals)
    if own and voice is not None:
        voice.heard(own[-1])
    for delivery in batch:
        link.done(delivery)
    for hub_id, acks in acknowledging.committed(arrivals.batches, epoch, time.monotonic()).items():
        for ack in acks:
            link.acknowledge(hub_id, ack)
    for each in arrivals.marks:
        if brake is not None:
            brake.letters(each.hub_id, len(each.marks))
        link.acknowledge(each.hub_id, Receipt(epoch, each.key))
    if arrivals.aside:
        # One line a batch: a flood must not drown the journal. Topics that matched no rule are the broker's text.
        counts = Counter(str(each.kind) for each in arrivals.aside)
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        topics, last = len({each.topic for each in arrivals.aside}), arrivals.aside[-1]
        _log.warning("kept aside: %s, from %d topics; the last from %r: %s", kinds, topics, last.topic, last.reason)
    _log.debug("committed %d batches, %d new records", len(arrivals.batches), new)
    return arrivals
