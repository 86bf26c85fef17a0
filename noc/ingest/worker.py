"""Batches of messages into the store: commit, then let the broker and the hubs know, never the other way round."""

from __future__ import annotations

import logging
import queue
import threading
import time
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


def run(link: Link, store: NocStore, stopping: threading.Event, alive: Callable[[], None]) -> None:
    """Ingest until ``stopping``; ``alive`` is called with each turn, for the watchdog."""
    epoch = ""
    while not stopping.is_set():
        alive()
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
    for aside in arrivals.aside:
        # Topics that matched no rule are the broker's text; %r keeps a line of the log a line.
        _log.warning("kept aside (%s) from %r: %s", aside.kind, aside.topic, aside.reason)
    _log.debug("committed %d records, %d of them new", len(arrivals.records), new)
    return arrivals
