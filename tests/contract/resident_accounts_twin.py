"""A register of residents in memory. Keeps `appliance.wifi.accounts.ResidentAccounts`."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable

from appliance.core.errors import AccountsUnavailable
from appliance.gate.protocol import Client
from appliance.store.boot_brake import Moment, wait_after
from appliance.wifi.accounts import AccountAnswer, AccountOutcome, Holding


class TwinResidentAccounts:
    """Accounts by name, each with a PIN and its holding; no account and no wrong PIN outlives the object.

    Args:
        clock: the boot's clock.
    """

    def __init__(self, clock: Callable[[], Moment]) -> None:
        self._clock = clock
        self._accounts: dict[str, tuple[bytes, Holding]] = {}
        self._known: set[tuple[str, str]] = set()
        self._wrong: Counter[str] = Counter()
        self._since: dict[str, tuple[str, int]] = {}
        self.is_away = False
        self.checks = 0

    def add(self, name: str, pin: str, reference: str = "A-1") -> Holding:
        """Open an account, or give it another PIN."""
        _, before = self._accounts.get(name, (b"", Holding(reference, 0)))
        holding = Holding(reference, before.generation + 1)
        self._accounts[name] = (_digest(pin), holding)
        self._known = {one for one in self._known if one[0] != name}
        return holding

    def close_account(self, name: str) -> None:
        """End an account."""
        del self._accounts[name]

    def check(self, name: str, pin: str, client: Client) -> AccountAnswer:
        self._answer()
        self.checks += 1
        name, pin = (typed.replace(" ", "").replace("-", "").lower() for typed in (name, pin))
        subjects = [f"mac {client.mac}", f"address {client.address}"]
        if (name, client.mac) not in self._known:
            subjects.append(f"name {name}")
        wait = max(self._wait(subject) for subject in subjects)
        if wait:
            return AccountAnswer(AccountOutcome.WAIT, wait_seconds=wait)
        digest, holding = self._accounts.get(name, (b"", Holding("", 0)))
        if not hmac.compare_digest(digest, _digest(pin)):
            now = self._clock()
            for subject in subjects:
                self._wrong[subject] += 1
                self._since[subject] = (now.boot_id, now.boot_seconds)
            longest = max(wait_after(self._wrong[subject]) for subject in subjects)
            return AccountAnswer(AccountOutcome.WRONG, wait_seconds=longest)
        self._known.add((name, client.mac))
        self._wrong.pop(f"name {name}", None)
        return AccountAnswer(AccountOutcome.WELCOME, holding)

    def ended(self, held: frozenset[Holding]) -> frozenset[Holding]:
        self._answer()
        return held - {holding for _, holding in self._accounts.values()}

    def _answer(self) -> None:
        if self.is_away:
            raise AccountsUnavailable("the kiosk does not answer")

    def _wait(self, subject: str) -> int:
        now = self._clock()
        boot_id, boot_seconds = self._since.get(subject, (now.boot_id, 0))
        passed = now.boot_seconds - (boot_seconds if boot_id == now.boot_id else 0)
        return max(0, wait_after(self._wrong[subject]) - passed)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
