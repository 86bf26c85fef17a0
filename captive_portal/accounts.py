"""Resident accounts as a way in: the port that a register of residents will keep.

The register lives with the kiosk's services and is never opened by the portal, which asks it over a local socket
whether a resident's PIN holds. Until a release brings that register, ``hub.toml`` may not name ``account`` as a way in:
``check-config`` refuses it. `tests/contract/test_resident_accounts.py` is what any register must pass.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

from appliance.gate.protocol import Client
from captive_portal.now import Now


class AccountOutcome(enum.StrEnum):
    """What came of a name and a PIN."""

    WELCOME = "welcome"
    WRONG = "wrong"  # name or PIN; which one is never said
    WAIT = "wait"  # too many wrong ones, by this device or for this name
    PLACES_TAKEN = "places_taken"  # as many devices as the account is for are using it


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """What an account gives, as a voucher does.

    Args:
        reference: names the account in the history, and tells nobody who it is; the same each time.
        duration_seconds: time on one day.
        quota_bytes: data on one day, None for no limit.
        speed: the name of a class in ``[[speeds]]``, "" for the network's own.
        devices: how many devices may use it at once.
    """

    reference: str
    duration_seconds: int
    quota_bytes: int | None
    speed: str
    devices: int


@dataclass(frozen=True, slots=True)
class AccountAnswer:
    """The answer to a name and a PIN: ``terms`` with WELCOME, ``wait_seconds`` with WAIT.

    ``moved_out`` is the device whose place the asking one took; its grant is to be ended.
    """

    outcome: AccountOutcome
    terms: AccountTerms | None = None
    wait_seconds: int = 0
    moved_out: Client | None = None


class ResidentAccounts(Protocol):
    """What the portal asks of a register of residents."""

    def check(self, name: str, pin: str, client: Client, silent: frozenset[Client], now: Now) -> AccountAnswer:
        """Check a name and its PIN, and give the device one of the account's places.

        An account belongs to a person, not to a MAC: when its places are taken, one of the ``silent`` devices makes
        room. Any text as name or PIN is answered; unknown names after the same work as wrong PINs.

        Args:
            name: as typed; case, and spaces around it, do not matter.
            pin: as typed.
            client: who asks, as the kernel knows it.
            silent: which devices make room: they left, or have sent nothing for two minutes.
            now: the clocks; waits are counted in the box's own time, and no reboot shortens one.

        Raises:
            OperationError: the register does not answer.
        """

    def leave(self, reference: str, client: Client) -> None:
        """Free a device's place. One that has none is no error. Raises `OperationError` as `check`."""
