"""The outbox of a box whose disk may fail: it goes on, says so, and comes back."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

from appliance.core.clock import Moment
from appliance.core.errors import StoreError
from appliance.core.report import Ack, Number, Record
from appliance.store.outbox import DurableOutbox, MemoryOutbox, Waiting, is_damaged, open_outbox, set_aside

_log = logging.getLogger(__name__)
MEMORY_RECORDS_MAX: Final = 1_440


class SteadyOutbox:
    """The durable outbox while it works, memory while it does not; says each change once and tries again each time.

    A full or read-only disk must not silence a box: what happens now is the news its keeper needs. A damaged file is
    set aside, and a new one begun.
    """

    def __init__(self, path: Path, capacity_bytes: int) -> None:
        self._path, self._capacity_bytes = path, capacity_bytes
        self._durable: DurableOutbox | None = None
        self._memory = MemoryOutbox(MEMORY_RECORDS_MAX)
        self._said = ""
        self._is_urgent = False

    def close(self) -> None:
        """Close the database; the next call opens it again."""
        if self._durable is not None:
            self._durable.close()
            self._durable = None

    def take_urgent(self) -> bool:
        """Say whether an event was kept since this was last asked: it should not wait for its batch."""
        urgent, self._is_urgent = self._is_urgent, False
        return urgent

    def append(self, moment: Moment, samples: Mapping[str, Number | None]) -> Record:
        """Keep a record: durably where that is possible."""
        record = self._append(moment, samples)
        self._is_urgent = self._is_urgent or record.is_event
        return record

    def _append(self, moment: Moment, samples: Mapping[str, Number | None]) -> Record:
        # Twice: where the file was damaged, there is a new one after the first try.
        for _ in range(2):
            durable = self._open()
            if durable is None:
                break
            try:
                return durable.append(moment, samples, above=self._memory.last_sequence(moment.boot_id))
            except StoreError as error:
                self._lost(error)
        return self._memory.append(moment, samples)

    def newest(self, limit: int, without: Collection[tuple[str, int]] = ()) -> list[Record]:
        """List up to ``limit`` waiting records, newest first; those only in memory go before those on disk."""
        found = self._memory.newest(limit, without)
        durable = self._open()
        if durable is not None and len(found) < limit:
            try:
                found += durable.newest(limit - len(found), without)
            except StoreError as error:
                self._lost(error)
        return found

    def release(self, ack: Ack) -> int:
        """Let go of what the NOC has committed."""
        count = self._memory.release(ack)
        durable = self._open()
        if durable is not None:
            try:
                count += durable.release(ack)
            except StoreError as error:
                self._lost(error)
        return count

    def waiting(self) -> Waiting | None:
        """Count what waits and what was dropped, None while the disk does not tell."""
        durable = self._open()
        if durable is None:
            return None
        try:
            found, memory = durable.waiting(), self._memory.waiting()
        except StoreError as error:
            self._lost(error)
            return None
        return Waiting(
            found.waiting_records + memory.waiting_records,
            found.dropped_records + memory.dropped_records,
            found.thinned_records,
        )

    def boots(self) -> int | None:
        """Count the boots in which this box measured, None while the disk does not tell."""
        durable = self._open()
        try:
            return durable.boots() if durable is not None else None
        except StoreError as error:
            self._lost(error)
            return None

    def _open(self) -> DurableOutbox | None:
        if self._durable is None:
            try:
                self._durable = self._opened()
            except StoreError as error:
                self._lost(error)
            else:
                if self._said:
                    _log.info("the outbox works again: %s", self._path)
                self._said = ""
        return self._durable

    def _opened(self) -> DurableOutbox:
        try:
            return open_outbox(self._path, self._capacity_bytes)
        except StoreError as error:
            if not is_damaged(error):
                raise
            self._begin_anew(error)
            return open_outbox(self._path, self._capacity_bytes)

    def _begin_anew(self, error: StoreError) -> None:
        aside = set_aside(self._path)
        _log.error("the outbox is damaged, set aside as %s and begun anew; what waited in it is lost: %s", aside, error)

    def _lost(self, error: StoreError) -> None:
        if self._durable is not None:
            self.close()
            if is_damaged(error):
                try:
                    self._begin_anew(error)
                except StoreError as trouble:
                    error = trouble
                else:
                    return
        if str(error) != self._said:
            self._said = str(error)
            _log.error("the outbox does not keep records; they are held in memory and still sent: %s", error)
