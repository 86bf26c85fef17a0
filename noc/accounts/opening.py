"""Open the accounts of the pages with all that the NOC keeps beside them."""

from __future__ import annotations

from typing import Final

from appliance.faces.secret import load_or_make
from appliance.store import accounts, second_factor
from appliance.store.database import open_store
from appliance.store.second_factor import SecondFactors
from noc.accounts import areas
from noc.places import Places

ISSUER: Final = "Internet Desa NOC"  # beside the code on a telephone


def open_accounts(places: Places) -> accounts.Accounts:
    """Open the accounts of the pages. Raises `StoreError`."""
    migrations = [accounts.MIGRATIONS, second_factor.MIGRATIONS, areas.MIGRATIONS]
    return accounts.Accounts(open_store(places.web / "accounts.db", migrations))


def open_factors(places: Places, people: accounts.Accounts) -> SecondFactors:
    """Open their second factors, with the key that opens the secrets. Raises `StoreError`."""
    return SecondFactors(people, load_or_make(places.web / "second-factor.key"), ISSUER)
