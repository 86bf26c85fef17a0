"""Residents see, make, renew and end their own account for the Wi-Fi, on their personal pages."""

from __future__ import annotations

from flask import Flask

from appliance.kiosk.places import Place
from appliance.kiosk.services import Kiosk, Service, Tile
from appliance.kiosk.wifi import store


def _register(app: Flask, kiosk: Kiosk) -> None:
    del app, kiosk


def _tiles(_kiosk: Kiosk, _place: Place) -> tuple[Tile, ...]:
    return ()


SERVICE = Service("wifi", 40, _register, _tiles, (store.MIGRATIONS,))
