"""A portal with the twin of the gate, a clock and a neighbour table in the test's hands."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.gate.protocol import Client
from appliance.system.uplink_state import UNKNOWN, UplinkState
from captive_portal.views import create_app
from tests.portal import Portal, configured

PHONE = Client("10.20.0.7", "02:00:00:00:00:01")


@dataclass
class World(Portal):
    """What the portal sees of the machine."""

    neighbours: dict[str, str] = field(default_factory=lambda: {PHONE.address: PHONE.mac})
    leases: dict[str, str] | None = None  # by default everybody has a lease for what the neighbour table says
    uplink: UplinkState = UNKNOWN

    def leased_mac_of(self, address: str) -> str | None:
        return (self.neighbours if self.leases is None else self.leases).get(address)

    def app(self, *, over_unix_socket: bool = True) -> Flask:
        return create_app(
            self.config,
            grants=self.grants,
            vouchers=self.vouchers,
            accounts=self.accounts,
            gate=self.gate,
            mac_of=lambda address, _: self.neighbours.get(address),
            leased_mac_of=self.leased_mac_of,
            uplink=lambda: self.uplink,
            clock=lambda: self.now,
            over_unix_socket=over_unix_socket,
        )


@dataclass
class Phone:
    """A device that asks through nginx."""

    client: FlaskClient
    address: str = PHONE.address

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.open("GET", path, **headers)

    def post(self, path: str, **headers: str) -> TestResponse:
        return self.open("POST", path, **headers)

    def open(self, method: str, path: str, **headers: str) -> TestResponse:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.open(path, method=method, headers={"X-Real-IP": self.address, **sent})


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(configured(), tmp_path)
    yield made
    made.close()


@pytest.fixture
def app(world: World) -> Flask:
    return world.app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def phone(client: FlaskClient) -> Phone:
    return Phone(client)
