"""The kiosk's one set of PINs, over what services are given."""

from __future__ import annotations

from typing import Final

from flask import current_app, request

from appliance.faces.origin import braked_address
from appliance.kiosk.citizen import session
from appliance.kiosk.citizen.pins import People, Pins, Try
from appliance.kiosk.residents.access import open_register
from appliance.kiosk.services import Kiosk, current_kiosk
from appliance.store.audit import Audit

EXTENSION: Final = "kiosk_pins"


def open_pins(kiosk: Kiosk) -> Pins:
    """The PINs over what services are given."""
    register = open_register(kiosk)
    people = People(register.id_of_nik, register.is_living)
    return Pins(kiosk.store, people, Audit(kiosk.store, kiosk.clock), kiosk.hashing, kiosk.pepper)


def current_pins() -> Pins:
    """The PINs of the kiosk whose page is being made."""
    pins: Pins = current_app.extensions[EXTENSION]
    return pins


def present_try(nik: str, pin: str) -> Try:
    """A try from where the present request comes from, now."""
    kiosk = current_kiosk()
    device = braked_address(request, over_unix_socket=kiosk.over_unix_socket)
    return Try(nik, pin, device, session.where_now(), int(kiosk.clock()))
