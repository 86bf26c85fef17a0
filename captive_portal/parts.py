"""What the composition point gave the portal, and who asks: kept with the application, never in a module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app, g, request

from appliance.core.config import Config
from appliance.core.config.networks import Access, Network
from appliance.faces.origin import device_address
from appliance.gate.protocol import Client, Gate
from appliance.system.uplink_state import UplinkState
from captive_portal import local_time, rules
from captive_portal.accounts import Accounts
from captive_portal.grants import Grants
from captive_portal.marks import Marks
from captive_portal.now import Now
from captive_portal.pulse import Pulse
from captive_portal.ready_pages import ReadyPages
from captive_portal.rules import Decision, Device, Grant, Known, Policy, Standing, Verdict
from captive_portal.vouchers.redeeming import Vouchers

EXTENSION = "portal"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who sent this request, as the kernel and dnsmasq know it, and what is known of that device.

    ``client`` is None where ``verdict`` is not ADMIT: it is nobody of ours.
    """

    device: Device
    network: Network | None
    verdict: Verdict
    client: Client | None
    known: Known
    now: Now

    @property
    def has_terms(self) -> bool:
        """May one get online here by accepting the terms?"""
        return self.network is not None and Access.TERMS in self.network.access

    @property
    def has_vouchers(self) -> bool:
        """May one get online here with a voucher?"""
        return self.network is not None and Access.VOUCHER in self.network.access

    @property
    def has_accounts(self) -> bool:
        """May one get online here with an account of one's own?"""
        return self.network is not None and Access.ACCOUNT in self.network.access


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What `captive_portal.views.create_app` was given."""

    config: Config
    grants: Grants
    vouchers: Vouchers
    accounts: Accounts
    gate: Gate
    mac_of: Callable[[str, str], str | None]
    leased_mac_of: Callable[[str], str | None]
    uplink: Callable[[], UplinkState]
    clock: Callable[[], Now]
    policy: Policy
    over_unix_socket: bool
    marks: Marks
    pulse: Pulse
    ready: ReadyPages

    def asker(self) -> Asker:
        """Who sent this request; looked up once."""
        if "asker" not in g:
            g.asker = self._asker()
        found: Asker = g.asker
        return found

    def _asker(self) -> Asker:
        address = device_address(request, over_unix_socket=self.over_unix_socket)
        now = self.clock()
        network = rules.network_of(self.policy, address)
        macs = (self.mac_of(address, network.interface), self.leased_mac_of(address)) if network else (None, None)
        device = Device(address, *macs)
        verdict, client = rules.identify(self.policy, device)
        if verdict is Verdict.NO_LEASE and device.mac is not None:
            # Anybody can give a lease back in another's name. Who has a grant is known by it, and may see and end it.
            held = self.grants.of(Client(address, device.mac), now)
            verdict, client = (Verdict.ADMIT, held.client) if held else (verdict, None)
        known = self.known(client.mac, now) if client is not None else rules.NOTHING_KNOWN
        return Asker(device, network, verdict, client, known, now)

    def known(self, mac: str, now: Now) -> Known:
        """What a device used today, and whether the office keeps it out."""
        return self.grants.known(mac, local_time.day(now, self.policy.timezone), now)

    def decide(self) -> Decision:
        """Decide about the device that asks, should it accept the terms."""
        asker = self.asker()
        return rules.decide(self.policy, asker.device, asker.now, asker.known)

    def standing(self, grant: Grant) -> Standing:
        """What a grant of the device that asks gives from now on."""
        asker = self.asker()
        if grant.way is not Access.ACCOUNT:
            return rules.standing(self.policy, grant, asker.known, asker.now)
        subject = rules.day_subject(grant.way, grant.client.mac, grant.voucher)
        day = local_time.day(asker.now, self.policy.timezone)
        known = self.grants.known(grant.client.mac, day, asker.now, subject)
        return rules.standing(self.policy, grant, known, asker.now)


def parts() -> Parts:
    """The parts of the application that answers."""
    found: Parts = current_app.extensions[EXTENSION]
    return found
