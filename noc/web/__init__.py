"""The NOC's pages: a list of hubs, a page for each, and the same as JSON."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from flask import Flask
from flask_babel import lazy_gettext

from appliance.faces import login
from appliance.faces.secret import load_or_make
from appliance.faces.web import Face, install
from noc.accounts.opening import open_accounts, open_factors
from noc.fleet_book.contract import FleetBook
from noc.fleet_book.sqlite import open_fleet_book
from noc.portal_certificates.spool import Spool
from noc.setup import Places
from noc.store.contract import NocStore
from noc.web import (
    access,
    api,
    areas,
    hub,
    hub_people,
    incidents,
    map,
    metrics,
    people,
    runbook,
    shifts,
    sla,
    wall,
    windows,
    words,
)
from noc.web.parts import Parts

TIMEZONE: Final = "Asia/Jakarta"  # of the pages; each hub's own page speaks in the hub's local time


def create_app(
    places: Places,
    store: NocStore,
    book: FleetBook | None = None,
    *,
    clock: Callable[[], float] = time.time,
    behind_proxy: bool = False,
) -> Flask:
    """Make the application.

    Args:
        places: where accounts, the session key and the token are; made by ``desahub-noc init``.
        store: what the ingest keeps.
        book: what the watch and people know of the fleet; None for the file that the watch writes.
        clock: seconds, wall time.
        behind_proxy: a proxy on this machine speaks TLS and says in ``X-Real-IP`` who asks: Secure cookies, HSTS.

    Raises:
        StoreError: accounts or secrets cannot be read.
    """
    app = Flask(__name__, static_folder="static", static_url_path="/noc")
    keeper = lazy_gettext("pengelola server NOC")
    face = Face(
        name="Internet Desa Hub", part="Pusat kendali jaringan (NOC)", helper=keeper, keeper=keeper, is_open=False
    )
    install(app, face, timezone=TIMEZONE, catalogues=Path(__file__).parent / "translations", https=behind_proxy)
    accounts = open_accounts(places)
    login.install(
        app,
        accounts,
        secret=load_or_make(places.web / "session.key"),
        clock=clock,
        home_endpoint="hubs.index",
        over_unix_socket=False,
        behind_proxy=behind_proxy,
        tell=access.tell,
    )
    portals = Spool(places.portal_requests, places.portal)
    app.extensions["noc"] = Parts(store, book or open_fleet_book(places.fleet_book), portals, clock)
    access.install(app, accounts, open_factors(places, accounts))
    app.add_template_filter(words.share)
    for pages in (
        hub.pages, map.pages, areas.pages, people.pages, hub_people.pages, incidents.pages, wall.pages, shifts.pages,
        windows.pages, sla.pages, runbook.pages,
    ):  # fmt: skip
        app.register_blueprint(pages)
    wall.install(app, places.web / "wall.key")
    api.install(app, api.read_token(places.web / "api.token"))
    metrics.install(app, places, behind_proxy=behind_proxy)
    return app
