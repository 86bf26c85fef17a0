"""Checks names and PINs for the portal, and says which accounts hold no more. Keeps `ResidentAccounts`.

A PIN has a million values, and is read by who listens in the open air. What keeps it from being guessed is that nobody
may try many: wrong tries are counted for the name and the device in the database, in seconds of the boot.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from appliance.core.clock import Moment as ClockReading
from appliance.core.errors import StoreBusy
from appliance.gate.protocol import Client
from appliance.kiosk.wifi import accounts, rules
from appliance.kiosk.wifi.accounts import WifiAccounts
from appliance.store.boot_brake import BootBrake, Moment
from appliance.store.database import Database
from appliance.wifi.accounts import HELD_MAX, AccountAnswer, AccountOutcome, Holding

# Devices that are remembered for each account; a telephone that makes itself a new MAC takes one more.
DEVICES_KEPT: Final = 8
# Who moves away is no hurry; who ends an account is heard at the next question.
LIVING_SECONDS: Final = 60
_BRAKE: Final = BootBrake("wifi_tries")


@dataclass(frozen=True, slots=True)
class BootSecond:
    """A second of one boot."""

    boot_id: str
    boot_seconds: int

    @classmethod
    def of(cls, moment: ClockReading) -> BootSecond:
        """As the kernel's clock says."""
        return cls(moment.boot_id, moment.boottime_ms // 1_000)


class Checks:
    """Answers the portal.

    Args:
        held: the accounts.
        is_living: says of a resident's number whether somebody with it lives here.
        clock: the boot's own clock.
    """

    def __init__(self, held: WifiAccounts, is_living: Callable[[int], bool], clock: Callable[[], Moment]) -> None:
        self._held, self._is_living, self._clock = held, is_living, clock
        # From the wait to the count nobody else comes between: a brake that several pass at once is none.
        self._one_at_a_time = threading.Lock()
        self._living: dict[int, tuple[int, bool]] = {}

    def check(self, name: str, pin: str, client: Client) -> AccountAnswer:
        """As `ResidentAccounts.check`. Raises `StoreError`."""
        try:
            with self._held.hashing.place(), self._one_at_a_time:
                return self._check(rules.normal_name(name), rules.normal_pin(pin), client)
        except StoreBusy:
            return AccountAnswer(AccountOutcome.BUSY)

    def ended(self, held: frozenset[Holding]) -> frozenset[Holding]:
        """As `ResidentAccounts.ended`. Raises `StoreError`."""
        with self._held.store.reading() as db:
            rows = {one: accounts.referred(db, one.reference) for one in held}
        return frozenset(one for one, row in rows.items() if not self._holds_still(row, one.generation))

    def _check(self, name: str, pin: str, client: Client) -> AccountAnswer:
        now = self._clock()
        with self._held.store.reading() as db:
            row = accounts.named(db, name)
            subjects = self._subjects(db, row, name, client)
            wait_seconds = _BRAKE.wait_seconds(db, subjects, now)
        if wait_seconds:
            return AccountAnswer(AccountOutcome.WAIT, wait_seconds=wait_seconds)
        digest = row["pin_hash"] if row else self._held.hashing.nobody
        is_right = self._held.hashing.matches(digest, self._held.peppered(row["reference"] if row else "", pin))
        is_right = is_right and self._holds(row)
        with self._held.store.transaction() as db:
            # While it was judged its owner may have got a new PIN.
            if row is None or not is_right or accounts.named(db, name) != row:
                return AccountAnswer(AccountOutcome.WRONG, wait_seconds=_BRAKE.count_wrong(db, subjects, now))
            self._remember(db, row["reference"], client)
            _BRAKE.forgive(db, self._by_name(name))
        return AccountAnswer(AccountOutcome.WELCOME, Holding(row["reference"], row["generation"]))

    def _holds_still(self, row: dict[str, Any] | None, generation: int) -> bool:
        if row is None or row["generation"] != generation or not row["is_open"]:
            return False
        return self._was_living(row["resident_id"])

    def _was_living(self, resident_id: int) -> bool:
        """As the register said it within the last `LIVING_SECONDS`: to look somebody up costs a seal to be opened."""
        now = self._clock().boot_seconds
        asked_at, is_living = self._living.get(resident_id, (now - LIVING_SECONDS, False))
        if now - asked_at < LIVING_SECONDS:
            return is_living
        if len(self._living) >= HELD_MAX:
            self._living.clear()
        is_living = self._is_living(resident_id)
        self._living[resident_id] = (now, is_living)
        return is_living

    def _holds(self, row: dict[str, Any] | None) -> bool:
        return row is not None and bool(row["is_open"]) and self._is_living(row["resident_id"])

    def _subjects(
        self, db: Database, row: dict[str, Any] | None, name: str, client: Client
    ) -> tuple[tuple[str, str], ...]:
        """For whom a try counts. Where the account was used from this device before, others' mistakes do not."""
        device = (("mac", client.mac), ("address", client.address))
        known = (
            row is not None
            and db.execute(
                "SELECT 1 FROM wifi_devices WHERE reference = ? AND device = ?",
                [row["reference"], self._device(row["reference"], client)],
            ).fetchone()
        )
        return device if known else (*device, self._by_name(name))

    def _by_name(self, name: str) -> tuple[str, str]:
        # As a digest: people type into the wrong field what is nobody's business.
        return "name", self._held.digest(name).hex()

    def _device(self, reference: str, client: Client) -> bytes:
        return self._held.digest("device", reference, client.mac)

    def _remember(self, db: Database, reference: str, client: Client) -> None:
        device = self._device(reference, client)
        db.execute("DELETE FROM wifi_devices WHERE reference = ? AND device = ?", [reference, device])
        db.execute("INSERT INTO wifi_devices (reference, device) VALUES (?, ?)", [reference, device])
        db.execute(
            "DELETE FROM wifi_devices WHERE number IN"
            " (SELECT number FROM wifi_devices WHERE reference = ? ORDER BY number DESC LIMIT -1 OFFSET ?)",
            [reference, DEVICES_KEPT],
        )
