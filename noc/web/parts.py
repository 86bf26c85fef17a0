"""What every page group of the NOC is given, and how it is made one: a blueprint whose pages need a login."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from flask import Blueprint, current_app

from appliance.core.config.village import HUB_ID
from appliance.faces.login import turn_away
from noc.fleet_book.contract import FleetBook
from noc.portal_certificates.spool import Spool
from noc.store.contract import HubFacts, NocStore


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pages are given: what hubs said, what follows from it and what people wrote, and the time.

    ``portals`` has what came of hubs' requests for their portals' certificates.
    """

    store: NocStore
    book: FleetBook
    portals: Spool
    clock: Callable[[], float]

    def now_ms(self) -> int:
        """Now, in ms of UTC."""
        return int(self.clock() * 1000)


def parts() -> Parts:
    """What `noc.web.create_app` gave this application."""
    return cast(Parts, current_app.extensions["noc"])


def facts_of(hub_id: str) -> HubFacts | None:
    """What a hub said; None of one that is not there. What cannot be a hub's id is asked of no store."""
    return next(iter(parts().store.facts(hub_id)), None) if HUB_ID.holds(hub_id) else None


def blueprint(name: str, import_name: str) -> Blueprint:
    """Make the blueprint of a page group: `noc.web.create_app` registers it, and strangers are led to the login.

    Its endpoints are ``name.view``; templates are in ``noc/web/templates/noc/``.
    """
    made = Blueprint(name, import_name, template_folder="templates")
    made.before_request(turn_away)
    return made
