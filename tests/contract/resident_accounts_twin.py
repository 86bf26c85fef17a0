"""A register of residents in memory. Keeps `captive_portal.accounts.ResidentAccounts`."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter

from appliance.gate.protocol import Client
from captive_portal.accounts import AccountAnswer, AccountOutcome, AccountTerms
from captive_portal.attempts import wait_after
from captive_portal.now import Now

_NOBODY = AccountTerms("", 1, None, "", 1)


class TwinResidentAccounts:
    """Accounts by name, each with a PIN and its terms; no account, no place and no wrong PIN outlives the object."""

    def __init__(self) -> None:
        self._accounts: dict[str, tuple[bytes, AccountTerms]] = {}
        self._places: dict[str, list[Client]] = {}
        self._wrong: Counter[str] = Counter()
        self._since: dict[str, tuple[str, int]] = {}

    def add(self, name: str, pin: str, terms: AccountTerms) -> None:
        """Open an account."""
        self._accounts[name.lower()] = (_digest(pin), terms)

    def check(self, name: str, pin: str, client: Client, silent: frozenset[Client], now: Now) -> AccountAnswer:
        name = name.strip().lower()
        subjects = (f"name {name}", f"mac {client.mac}")
        wait = max(self._wait(subject, now) for subject in subjects)
        if wait:
            return AccountAnswer(AccountOutcome.WAIT, wait_seconds=wait)
        digest, terms = self._accounts.get(name, (_digest(""), _NOBODY))
        if not hmac.compare_digest(digest, _digest(pin)) or terms is _NOBODY:
            for subject in subjects:
                self._wrong[subject] += 1
                self._since[subject] = (now.boot_id, now.boot_seconds)
            return AccountAnswer(AccountOutcome.WRONG)
        return self._give_place(terms, client, silent)

    def leave(self, reference: str, client: Client) -> None:
        held = self._places.get(reference, [])
        if client in held:
            held.remove(client)

    def _give_place(self, terms: AccountTerms, client: Client, silent: frozenset[Client]) -> AccountAnswer:
        held = self._places.setdefault(terms.reference, [])
        moved_out = next((one for one in held if one.mac == client.mac and one != client), None)
        if client not in held and moved_out is None and len(held) >= terms.devices:
            moved_out = next((one for one in held if one in silent), None)
            if moved_out is None:
                return AccountAnswer(AccountOutcome.PLACES_TAKEN)
        self._places[terms.reference] = [one for one in held if one not in (client, moved_out)] + [client]
        return AccountAnswer(AccountOutcome.WELCOME, terms, moved_out=moved_out)

    def _wait(self, subject: str, now: Now) -> int:
        boot_id, boot_seconds = self._since.get(subject, (now.boot_id, 0))
        passed = now.boot_seconds - (boot_seconds if boot_id == now.boot_id else 0)
        return max(0, wait_after(self._wrong[subject]) - passed)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
