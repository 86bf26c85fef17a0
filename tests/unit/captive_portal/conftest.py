"""A portal with the twin of the gate, a clock and a neighbour table in the test's hands."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.core import config as hub_config
from appliance.core.config import Config
from appliance.core.errors import GateRefused, GateUnavailable
from appliance.gate.protocol import UNLIMITED, Admitted, Client, GateStatus, Limits, RefusalCode
from appliance.gate.twin import TwinGate
from appliance.system.uplink_state import UNKNOWN, UplinkState
from captive_portal.grants import Grants, open_grants
from captive_portal.now import Now
from captive_portal.views import create_app
from captive_portal.vouchers.keys import VoucherKeys, open_keys
from captive_portal.vouchers.redeeming import Vouchers

PHONE = Client("10.20.0.7", "02:00:00:00:00:01")
HUB_TOML = """
[village]
name = "Sukamaju"
kode_wilayah = "51.03.01.2001"
kecamatan = "Kuta"
kabupaten = "Kabupaten Badung"
provinsi = "Bali"
timezone = "Asia/Makassar"
[hub]
id = "hub-7k2m9q"
[uplink]
interface = "eth0"
download_kbit = 20000
upload_kbit = 5000
[[networks]]
name = "warga"
kind = "resident"
interface = "br-warga"
address = "10.20.0.1/24"
ssid = "Desa Sukamaju"
"""


@dataclass
class Gate:
    """The twin, which can be taken away or told to refuse."""

    twin: TwinGate
    is_down: bool = False
    refuses: RefusalCode | None = None

    def admit(self, client: Client, lease_seconds: int, limits: Limits = UNLIMITED) -> None:
        self._fail()
        if self.refuses:
            raise GateRefused(self.refuses, "no")
        self.twin.admit(client, lease_seconds, limits)

    def revoke(self, client: Client) -> None:
        self._fail()
        self.twin.revoke(client)

    def clients(self) -> tuple[Admitted, ...]:
        self._fail()
        return self.twin.clients()

    def admitted(self, client: Client) -> Admitted | None:
        self._fail()
        return self.twin.admitted(client)

    def status(self) -> GateStatus:
        self._fail()
        return self.twin.status()

    def _fail(self) -> None:
        if self.is_down:
            raise GateUnavailable("the gate does not answer")


@dataclass
class World:
    """What the portal sees of the machine."""

    config: Config
    folder: Path
    now: Now = field(default_factory=lambda: Now("a" * 32, 1_000, 1_790_000_000))
    neighbours: dict[str, str] = field(default_factory=lambda: {PHONE.address: PHONE.mac})
    leases: dict[str, str] | None = None  # by default everybody has a lease for what the neighbour table says
    uplink: UplinkState = UNKNOWN

    def __post_init__(self) -> None:
        self.grants: Grants = open_grants(self.folder / "grants.db")
        self.keys: VoucherKeys = open_keys(self.folder)
        self.new_gate()

    def new_gate(self) -> None:
        """The gate after a reboot: nobody is let through."""
        self.gate = Gate(TwinGate(self.config, lambda: float(self.now.boot_seconds)))

    def leased_mac_of(self, address: str) -> str | None:
        return (self.neighbours if self.leases is None else self.leases).get(address)

    def wait(self, seconds: int) -> None:
        now = self.now
        self.now = replace(now, boot_seconds=now.boot_seconds + seconds, wall_seconds=now.wall_seconds + seconds)

    def app(self, *, over_unix_socket: bool = True) -> Flask:
        return create_app(
            self.config,
            grants=self.grants,
            vouchers=Vouchers(self.grants, self.config, self.keys),
            gate=self.gate,
            mac_of=self.neighbours.get,
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
    made = World(hub_config.parse(HUB_TOML), tmp_path)
    yield made
    made.grants.store.close()


@pytest.fixture
def app(world: World) -> Flask:
    return world.app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def phone(client: FlaskClient) -> Phone:
    return Phone(client)
