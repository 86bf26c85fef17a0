"""The office's accounts in the kiosk's database."""

from __future__ import annotations

from typing import Final

from appliance.store import accounts, audit, second_factor
from appliance.store.accounts import Accounts
from appliance.store.database import Store

MIGRATIONS: Final = (accounts.MIGRATIONS, second_factor.MIGRATIONS, audit.MIGRATIONS)
# A clerk is interrupted often and works a day; the screen in the hall must not stay logged in over lunch.
IDLE_SECONDS: Final = 1_800
ABSOLUTE_SECONDS: Final = 36_000


def open_accounts(store: Store) -> Accounts:
    """The accounts in ``store``, which was opened with `MIGRATIONS`."""
    return Accounts(store, idle_seconds=IDLE_SECONDS, absolute_seconds=ABSOLUTE_SECONDS)
