"""How a service joins the kiosk: one folder whose ``views.py`` holds a ``SERVICE``. Nothing else is touched."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from flask import Flask, current_app, request

from appliance.core.config import Config
from appliance.gate.protocol import Gate
from appliance.hotspot.protocol import Hotspot
from appliance.kiosk.places import Place, is_tls, place_of
from appliance.papers.printing import NO_PRINTER, Printer
from appliance.papers.signing import NO_SIGNER, Signer
from appliance.store import slow_hash
from appliance.store.database import Store
from appliance.store.migrations import Migrations
from appliance.store.slow_hash import SlowHash
from appliance.store.vault import Vault
from appliance.system.uplink_state import UplinkState


@dataclass(frozen=True, slots=True, kw_only=True)
class Kiosk:
    """What every service is given; made at the composition point.

    ``gate`` is the firewall, ``hotspot`` the portal's keeper, who knows devices by name and keeps vouchers. ``clock``
    gives seconds of wall time, and ``clock_is_known`` says whether to believe it; ``secret`` signs cookies, ``vault``
    seals personal data, ``pepper`` goes into PINs, ``hashing`` makes passwords and PINs slow to guess;
    ``over_unix_socket`` says that only nginx connects. ``is_practice``: people and letters are
    made up, and each paper says so. ``printer`` takes letters as PDF, ``ticket_printer`` what `appliance.papers.ticket`
    makes; ``signer`` signs electronically.
    """

    config: Config
    store: Store
    gate: Gate
    hotspot: Hotspot
    uplink: Callable[[], UplinkState]
    clock: Callable[[], float]
    secret: bytes
    vault: Vault
    pepper: bytes
    over_unix_socket: bool
    clock_is_known: Callable[[], bool] = lambda: True
    is_practice: bool = False
    hashing: SlowHash = slow_hash.SHARED
    printer: Printer = NO_PRINTER
    ticket_printer: Printer = NO_PRINTER
    signer: Signer = NO_SIGNER


@dataclass(frozen=True, slots=True)
class Tile:
    """A way into a service from a home page: where, the icon's name in the shared components, and the words."""

    href: str
    icon: str
    title: str
    text: str


def no_tiles(_: Kiosk) -> tuple[Tile, ...]:
    """A service that has nothing for the office."""
    return ()


@dataclass(frozen=True, slots=True)
class Service:
    """One service.

    Args:
        name: of its folder.
        order: tiles stand in this order, then by name.
        register: adds its pages to the application.
        tiles: what the home page shows of it at a place; called in a request.
        migrations: its tables in the kiosk's database.
        office_tiles: what the office's home shows of it to somebody who is logged in.
    """

    name: str
    order: int
    register: Callable[[Flask, Kiosk], None]
    tiles: Callable[[Kiosk, Place], tuple[Tile, ...]]
    migrations: tuple[Migrations, ...] = ()
    office_tiles: Callable[[Kiosk], tuple[Tile, ...]] = no_tiles


def discover(package: ModuleType) -> tuple[Service, ...]:
    """Find the services among the folders of ``package``.

    Raises:
        TypeError: a folder's ``views.py`` holds no ``SERVICE``, or one that names another folder.
    """
    found = []
    for folder in pkgutil.iter_modules(package.__path__):
        if not folder.ispkg:
            continue
        views = importlib.import_module(f"{package.__name__}.{folder.name}.views")
        service: Any = getattr(views, "SERVICE", None)
        if not isinstance(service, Service) or service.name != folder.name:
            raise TypeError(f"{views.__name__}: SERVICE must be a Service with the name {folder.name!r}")
        found.append(service)
    return tuple(sorted(found, key=lambda service: (service.order, service.name)))


def current_kiosk() -> Kiosk:
    """The kiosk whose page is being made."""
    kiosk: Kiosk = current_app.extensions["kiosk"]
    return kiosk


def current_services() -> tuple[Service, ...]:
    """The services of the kiosk whose page is being made."""
    found: tuple[Service, ...] = current_app.extensions["kiosk_services"]
    return found


def current_place() -> Place:
    """Where the present request comes from."""
    header = request.headers.get("X-Desa-Place")
    return place_of(header, request.remote_addr, over_unix_socket=current_kiosk().over_unix_socket)


def came_by_tls() -> bool:
    """Did the present request come by TLS, with a certificate that phones trust?"""
    return is_tls(request.headers.get("X-Desa-TLS"), over_unix_socket=current_kiosk().over_unix_socket)


def tls_is_offered() -> bool:
    """Does nginx serve the name that was asked for by TLS as well?"""
    return current_kiosk().over_unix_socket and request.headers.get("X-Desa-TLS") == "offered"
