"""Asks the kiosk whether the accounts by which somebody is online still hold, and ends what does not.

Nobody has to tell the portal that an account ended, a PIN was renewed or its owner moved away: a message could be lost
while one of the two was away. While the kiosk is away who is online stays so.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from typing import Final

from appliance.core.errors import AccountsUnavailable, GateError
from appliance.gate.protocol import Gate
from appliance.wifi.accounts import ResidentAccounts
from captive_portal import account_store
from captive_portal.grants import Grants
from captive_portal.now import Now

WATCH_SECONDS: Final = 5.0

log = logging.getLogger("desahub.keeper")


class AccountWatch:
    """One thread calls `look`, every `WATCH_SECONDS`.

    Args:
        grants: who is online.
        register: says which accounts hold no more.
        gate: shuts out whose account ended.
        clock: reads the clocks.
        hurry: asks the keeper for a round now.
    """

    def __init__(
        self,
        grants: Grants,
        register: ResidentAccounts,
        gate: Gate,
        clock: Callable[[], Now],
        hurry: Callable[[], None] = lambda: None,
    ) -> None:
        self._grants, self._register, self._gate, self._clock, self._hurry = grants, register, gate, clock, hurry
        self._is_away = False

    def look(self) -> None:
        """Ask, and end what holds no more, durably. Raises `StoreError`: the next look tries again."""
        with self._grants.store.reading() as db:
            held = account_store.in_use(db)
        if not held:
            return  # nobody is asked where nobody has come in by an account
        try:
            ended = self._register.ended(held)
        except AccountsUnavailable as error:
            self._tell(str(error))
            return
        self._tell("")
        if not ended:
            return
        now = self._clock()
        gone = self._grants.write(lambda db: account_store.end(db, ended, now))
        with contextlib.suppress(GateError):  # the next round revokes them too
            for client in gone:
                self._gate.revoke(client)
        self._hurry()

    def _tell(self, trouble: str) -> None:
        """Log that the kiosk is away, once, and that it is back."""
        if trouble and not self._is_away:
            log.warning("accounts cannot be looked after, asking again: %s", trouble)
        elif not trouble and self._is_away:
            log.info("accounts are looked after again")
        self._is_away = bool(trouble)
