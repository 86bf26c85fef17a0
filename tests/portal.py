"""A portal on real SQLite, with the twin of the gate and a clock in the test's hands."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from appliance.core import config as hub_config
from appliance.core.config import Config
from appliance.core.errors import GateRefused, GateUnavailable
from appliance.gate.protocol import UNLIMITED, Admitted, Client, GateStatus, Limits, RefusalCode
from appliance.gate.twin import TwinGate
from captive_portal.accounts import Accounts
from captive_portal.grants import Grants, open_grants
from captive_portal.now import Now
from captive_portal.vouchers.keys import VoucherKeys, open_keys
from captive_portal.vouchers.redeeming import Vouchers
from tests.contract.resident_accounts_twin import TwinResidentAccounts

WALL = 1_790_000_000  # 2026-09-21
# Ends within its one network, so that a test can say more of it, or begin another table.
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
address = "10.20.0.1/20"
ssid = "Desa Sukamaju"
"""
SPEEDS = """
[[speeds]]
name = "pelan"
title = "Pelan"
download_kbit = 1000
upload_kbit = 500
[[speeds]]
name = "cepat"
title = "Cepat"
download_kbit = 4000
upload_kbit = 1000
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
class Portal:
    """Its database, its keys, its gate, and the time."""

    config: Config
    folder: Path
    now: Now = field(default_factory=lambda: Now("a" * 32, 1_000, WALL))

    def __post_init__(self) -> None:
        self.grants: Grants = open_grants(self.folder / "grants.db")
        self.keys: VoucherKeys = open_keys(self.folder)
        self.vouchers = Vouchers(self.grants, self.config, self.keys)
        self.register = TwinResidentAccounts(lambda: self.now)
        self.accounts = Accounts(self.grants, self.config, self.register)
        self.new_gate()

    def new_gate(self) -> None:
        """The gate after a reboot: nobody is let through."""
        self.gate = Gate(TwinGate(self.config, lambda: float(self.now.boot_seconds)))

    def wait(self, seconds: int) -> None:
        """Time passes."""
        now = self.now
        self.now = replace(now, boot_seconds=now.boot_seconds + seconds, wall_seconds=now.wall_seconds + seconds)

    def close(self) -> None:
        """Close the database."""
        self.grants.store.close()


def configured(more: str = "") -> Config:
    """The village's configuration with ``more`` at its end."""
    return hub_config.parse(HUB_TOML + more)
