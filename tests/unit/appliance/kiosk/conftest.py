"""A kiosk with the twin of the gate, and a clock in the test's hands."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from appliance.core import config as hub_config
from appliance.core.config import Config
from appliance.gate.protocol import Gate
from appliance.gate.twin import TwinGate
from appliance.hotspot.twin import TwinHotspot
from appliance.kiosk.app import create_app, open_database, services
from appliance.kiosk.office.store import open_accounts
from appliance.kiosk.services import Kiosk
from appliance.store.database import Store
from appliance.store.slow_hash import Cost, SlowHash
from appliance.store.vault import Vault
from appliance.system.uplink_state import UNKNOWN, UplinkState

# What a login costs is tested with the hashes; here people log in by the dozen.
CHEAP = SlowHash(Cost(memory_kibibytes=8, passes=1))
HUB_TOML = """
[village]
name = "Sukamaju"
kode_wilayah = "51.03.01.2001"
kecamatan = "Kuta"
kabupaten = "Kabupaten Badung"
provinsi = "Bali"
timezone = "Asia/Makassar"
head_title = "Perbekel"
head_name = "I Made Contoh"
office_address = "Jalan Raya 1"
office_hours = "Senin-Jumat 08.00-15.00"
office_phone = "0361 000000"
population = 4210
households = 1180
area_hectares = 640
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
ssid = "Desa <b>Sukamaju</b>"
"""
# Follows HUB_TOML within its network: residents get online by accounts, which the office may make too.
ACCOUNTS_TOML = """access = ["account"]
[[networks]]
name = "kantor"
kind = "office"
interface = "br-kantor"
address = "10.30.0.1/24"
ssid = "Kantor"
passphrase_file = "/etc/desahub/secrets/kantor.psk"
"""


@dataclass
class World:
    """What the kiosk sees of the machine."""

    config: Config
    store: Store
    gate: Gate
    hotspot: TwinHotspot
    now: float = 1_790_000_000.0
    uplink: UplinkState = UNKNOWN
    clock_is_known: bool = True

    def kiosk(self, *, over_unix_socket: bool = True) -> Kiosk:
        return Kiosk(
            config=self.config,
            store=self.store,
            gate=self.gate,
            hotspot=self.hotspot,
            uplink=lambda: self.uplink,
            clock=lambda: self.now,
            clock_is_known=lambda: self.clock_is_known,
            secret=b"s" * 32,
            vault=Vault(b"v" * 32),
            pepper=b"p" * 32,
            hashing=CHEAP,
            over_unix_socket=over_unix_socket,
        )

    def app(self, *, over_unix_socket: bool = True) -> Flask:
        return create_app(self.kiosk(over_unix_socket=over_unix_socket), services())

    def add(self, name: str, role: str) -> str:
        return open_accounts(self.store, CHEAP).add(name, role, int(self.now))


@dataclass
class Visitor:
    """Somebody who asks through nginx from a place."""

    client: FlaskClient
    place: str = "hall"

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers={"X-Desa-Place": self.place, "X-Real-IP": "10.21.0.9", **headers})

    def post(self, path: str, form: dict[str, str]) -> TestResponse:
        headers = {"X-Desa-Place": self.place, "X-Real-IP": "10.21.0.9"}
        return self.client.post(path, data=form, headers=headers)

    def forget(self) -> None:
        """Lose all cookies, as a browser that was closed."""
        for cookie in list(self.client._cookies.values() if self.client._cookies else ()):
            self.client.delete_cookie(cookie.key, domain=cookie.domain, path=cookie.path)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    config = hub_config.parse(HUB_TOML)
    store = open_database(tmp_path, services())
    made = World(config, store, TwinGate(config), TwinHotspot())
    zone = ZoneInfo(config.village.timezone)
    made.hotspot = TwinHotspot([speed.name for speed in config.speeds], lambda: int(made.now), zone)
    yield made
    store.close()


@pytest.fixture
def app(world: World) -> Flask:
    return world.app()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def visitor(client: FlaskClient) -> Visitor:
    return Visitor(client)
