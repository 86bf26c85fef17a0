"""Somebody who looks at the pages of the made-up fleet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from noc.fleet_book.sqlite import SqliteFleetBook
from tests.unit.noc.web import staff

if TYPE_CHECKING:
    from tests.unit.noc.web.conftest import FleetApp


@dataclass(frozen=True)
class Visit:
    """The application, and the browser of somebody who has logged in, or of nobody."""

    fleet: FleetApp
    client: FlaskClient

    @property
    def book(self) -> SqliteFleetBook:
        """The fleet book behind the pages."""
        return self.fleet.book


def logged_in(fleet: FleetApp, role: str, *bound: str, name: str = "petugas") -> Visit:
    """Let somebody of this role log in; ``bound`` are the areas of a district's account."""
    return Visit(fleet, staff.log_in(fleet.app, fleet.places, role, *bound, name=name))


def send(client: FlaskClient, form: str, action: str, **fields: str) -> TestResponse:
    """Open the page with the form, and send it as a browser does."""
    return client.post(action, data={"csrf_token": staff.token_of(client.get(form).text), **fields})
