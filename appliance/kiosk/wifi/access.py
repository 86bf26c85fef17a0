"""The kiosk's one set of accounts for the Wi-Fi, over what services are given."""

from __future__ import annotations

from typing import Final

from flask import current_app

from appliance.kiosk.services import Kiosk
from appliance.kiosk.wifi.accounts import WifiAccounts
from appliance.store.audit import Audit

EXTENSION: Final = "kiosk_wifi"


def open_accounts(kiosk: Kiosk) -> WifiAccounts:
    """The accounts over what services are given."""
    return WifiAccounts(kiosk.store, Audit(kiosk.store, kiosk.clock), kiosk.hashing, kiosk.pepper)


def current_accounts() -> WifiAccounts:
    """The accounts of the kiosk whose page is being made."""
    accounts: WifiAccounts = current_app.extensions[EXTENSION]
    return accounts


def has_accounts(kiosk: Kiosk) -> bool:
    """Is there anything to have an account for? What is made in the practice mode opens nothing."""
    return kiosk.config.has_accounts and not kiosk.is_practice


def wall_seconds(kiosk: Kiosk) -> int:
    """Since when a PIN is: 0 where the box does not know the date, rather than one that is wrong."""
    return int(kiosk.clock()) if kiosk.clock_is_known() else 0
