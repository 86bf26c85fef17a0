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
from appliance.core.report import Ack
from noc.ingest import rules
from noc.store.contract import Arrivals, NocStore

_log = logging.getLogger(__name__)
BATCH_MESSAGES_MAX: Final = 500
RETRY_SECONDS: Final = 2.0
# Small steps, so that no hub waits for an acknowledgement: 2,000 records every second keep up with 100,000 hubs.
SWEEP_RECORDS: Final = 2_000
SWEEP_AGAIN_SECONDS: Final = 1.0
SWEEP_PAUSE_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message and the broker's handle for it."""

    message: rules.Message
    mid: int
    qos: int


class Link(Protocol):
    """What the worker asks of the connection to the broker."""

    def take(self, timeout_seconds: float) -> Delivery: ...

    def done(self, delivery: Delivery) -> None: ...

    def acknowledge(self, hub_id: str, ack: Ack) -> None: ...


def run(
    link: Link,
    store: NocStore,
    stopping: threading.Event,
    alive: Callable[[], None],
    *,
    keep_days: int,
    clock: Callable[[], float] = time.time,
) -> None:
    """Ingest until ``stopping``.

    Args:
        link: the connection to the broker.
        store: where records go.
        stopping: set to end.
        alive: called with each turn, for the watchdog.
        keep_days: records that came longer ago than this are deleted, a few with each turn.
        clock: seconds, wall time.
    """
    epoch = ""
    next_sweep = time.monotonic()
    while not stopping.is_set():
        alive()
        if time.monotonic() >= next_sweep:
            next_sweep = time.monotonic() + sweep(store, keep_days, clock())
        batch = gather(link)
        while batch and not stopping.is_set():
            try:
                epoch = epoch or store.epoch()
                step(link, store, batch, epoch)
                break
            except StoreError as error:
                # Nothing is acknowledged: the broker keeps what follows, and each hub keeps what it sent.
                _log.error("nothing was stored, %d messages wait: %s", len(batch), error)
                alive()
                stopping.wait(RETRY_SECONDS)


def sweep(store: NocStore, keep_days: int, now: float) -> float:
    """Delete a few records that are too old; say after how many seconds to look again."""
    try:
        gone = store.sweep(int((now - keep_days * 86_400) * 1000), SWEEP_RECORDS)
    except StoreError as error:
        _log.error("old records were not deleted: %s", error)
        return SWEEP_PAUSE_SECONDS
    return SWEEP_AGAIN_SECONDS if gone == SWEEP_RECORDS else SWEEP_PAUSE_SECONDS


def gather(link: Link, wait_seconds: float = 1.0) -> list[Delivery]:
    """Wait for a message and take with it what else is there."""
    batch: list[Delivery] = []
    deadline = time.monotonic() + wait_seconds
    while len(batch) < BATCH_MESSAGES_MAX:
        try:
            batch.append(link.take(0.0 if batch else max(0.0, deadline - time.monotonic())))
        except queue.Empty:
            break
    return batch


def step(link: Link, store: NocStore, batch: list[Delivery], epoch: str) -> Arrivals:
    """Commit one batch, then acknowledge it to the broker and to the hubs."""
    known = {hub.hub_id for hub in store.hubs()}
    arrivals = rules.sort((each.message for each in batch), known)
    new = store.commit(arrivals)
    for delivery in batch:
        link.done(delivery)
    for hub_id, acks in rules.acknowledgements(arrivals.records, epoch).items():
        for ack in acks:
            link.acknowledge(hub_id, ack)
    if arrivals.aside:
        # One line a batch: a flood must not drown the journal. Topics that matched no rule are the broker's text.
        counts = Counter(str(each.kind) for each in arrivals.aside)
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items()))
        topics, last = len({each.topic for each in arrivals.aside}), arrivals.aside[-1]
        _log.warning("kept aside: %s, from %d topics; the last from %r: %s", kinds, topics, last.topic, last.reason)
    _log.debug("committed %d records, %d of them new", len(arrivals.records), new)
    return arrivals
