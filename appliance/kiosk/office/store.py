"""The office's accounts in the kiosk's database."""

from __future__ import annotations

from typing import Final

from appliance.kiosk.office import policy
from appliance.store import accounts, audit, second_factor, slow_hash
from appliance.store.accounts import Accounts
from appliance.store.database import Store
from appliance.store.second_factor import SecondFactors
from appliance.store.slow_hash import SlowHash
from appliance.store.vault import Vault

MIGRATIONS: Final = (accounts.MIGRATIONS, second_factor.MIGRATIONS, audit.MIGRATIONS, policy.MIGRATIONS)
# A clerk is interrupted often and works a day; the screen in the hall must not stay logged in over lunch.
IDLE_SECONDS: Final = 1_800
ABSOLUTE_SECONDS: Final = 36_000


def open_accounts(store: Store, hashing: SlowHash = slow_hash.SHARED) -> Accounts:
    """The accounts in ``store``, which was opened with `MIGRATIONS`."""
    return Accounts(store, idle_seconds=IDLE_SECONDS, absolute_seconds=ABSOLUTE_SECONDS, hashing=hashing)


def open_factors(people: Accounts, vault: Vault, issuer: str) -> SecondFactors:
    """Their second factors; ``issuer`` is what a telephone shows beside the code."""
    return SecondFactors(people, vault.derived_key("office: second factor"), issuer)
