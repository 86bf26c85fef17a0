"""A kiosk in a village whose Wi-Fi takes accounts; residents with a PIN, and somebody at the screen in the hall."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from appliance.core import config as hub_config
from appliance.gate.protocol import Client
from appliance.hotspot.protocol import InstallDistrictKey
from appliance.kiosk.wifi.access import open_accounts
from appliance.kiosk.wifi.accounts import WifiAccounts
from appliance.kiosk.wifi.checks import BootSecond, Checks
from appliance.wifi.accounts import AccountOutcome
from tests.unit.appliance.kiosk.citizen.conftest import Hall, hall, words
from tests.unit.appliance.kiosk.citizen.people import WAYAN
from tests.unit.appliance.kiosk.conftest import ACCOUNTS_TOML, HUB_TOML, Visitor

__all__ = ["hall", "words"]

PHONE = Client("10.20.0.7", "02:00:00:00:00:01")


@dataclass
class Wifi:
    """What pages made, as the portal would find it."""

    hall: Hall
    accounts: WifiAccounts

    @property
    def id(self) -> int:
        return self.hall.ids[WAYAN]

    def check(self, name: str, pin: str) -> AccountOutcome:
        checks = Checks(self.accounts, lambda _: True, lambda: BootSecond("a" * 32, 1_000))
        return checks.check(name, pin, PHONE).outcome

    def make(self, do: str = "make") -> Any:
        return self.hall.send("/wifi", {"do": do})

    def take_key(self) -> None:
        self.hall.world.hotspot.ask(InstallDistrictKey("5" * 64, "root"))


def slip(page: Any) -> tuple[str, str]:
    """Name and PIN as a page shows them."""
    found = re.findall(r'class="slip">([^<]+)<', page.get_data(as_text=True))
    assert len(found) == 2, words(page)
    return found[0], found[1]


@pytest.fixture
def world(world: Any) -> Any:
    world.config = hub_config.parse(HUB_TOML + ACCOUNTS_TOML)
    return world


@pytest.fixture
def wifi(hall: Hall, world: Any) -> Iterator[Wifi]:
    hall.enter()
    yield Wifi(hall, open_accounts(world.kiosk()))


@pytest.fixture
def office(wifi: Wifi, world: Any) -> Hall:
    """Somebody of the office at the desk, in a browser of their own."""
    clerk = Hall(Visitor(world.app().test_client(), "office"), world, wifi.hall.pins, wifi.hall.ids)
    clerk.put_in_front("siti", "operator")
    return clerk
