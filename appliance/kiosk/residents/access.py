"""The kiosk's one register: services that need residents ask for it here, and share its memory of names."""

from __future__ import annotations

from typing import Final

from flask import current_app

from appliance.kiosk.residents.register import Register
from appliance.kiosk.services import Kiosk
from appliance.store.audit import Audit

EXTENSION: Final = "kiosk_residents"


def open_register(kiosk: Kiosk) -> Register:
    """A register over what services are given."""
    audit = Audit(kiosk.store, kiosk.clock)
    return Register(kiosk.store, kiosk.vault, audit, kiosk.clock, kiosk.config.village.timezone)


def current_register() -> Register:
    """The register of the kiosk whose page is being made."""
    register: Register = current_app.extensions[EXTENSION]
    return register
