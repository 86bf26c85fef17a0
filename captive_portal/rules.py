"""Who may be online, and until when. Pure: nothing here asks a clock, the kernel or a database."""

from __future__ import annotations

import enum
import ipaddress
from dataclasses import dataclass

from appliance.core.config import Config, Network
from appliance.gate.protocol import Client


@dataclass(frozen=True, slots=True)
class Now:
    """One reading of the clocks: boot id, whole seconds of CLOCK_BOOTTIME, and wall time, which is only a label."""

    boot_id: str
    boot_seconds: int
    wall_seconds: int


@dataclass(frozen=True, slots=True)
class Policy:
    """What the village allows."""

    networks: tuple[Network, ...]

    @classmethod
    def of(cls, config: Config) -> Policy:
        """Take the portal's part of ``hub.toml``."""
        return cls(config.resident_networks)


@dataclass(frozen=True, slots=True)
class Device:
    """Who asks: an address ("" for none), the MAC that answers for it now, and the MAC it was given to."""

    address: str
    mac: str | None
    leased_mac: str | None


class Verdict(enum.StrEnum):
    """What is decided about a device."""

    ADMIT = "admit"
    NOT_A_RESIDENT = "not_a_resident"  # its address is in no network of residents
    NO_MAC = "no_mac"  # the kernel has no neighbour entry for it
    NO_LEASE = "no_lease"  # the address was not given to this device


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict; with ADMIT the client, and its lease in seconds and until which second of this boot."""

    verdict: Verdict
    client: Client | None = None
    lease_seconds: int = 0
    ends_boot_seconds: int = 0


def decide(policy: Policy, device: Device, now: Now) -> Decision:
    """Decide about one device that asks to be connected. Who is connected already gets the full time again."""
    network = network_of(policy, device.address)
    if network is None:
        return Decision(Verdict.NOT_A_RESIDENT)
    if device.mac is None:
        return Decision(Verdict.NO_MAC)
    # Anyone in the air can answer for an address; only whom it was given to may use it, and take its grant over.
    if device.mac != device.leased_mac:
        return Decision(Verdict.NO_LEASE)
    return Decision(
        Verdict.ADMIT,
        Client(device.address, device.mac),
        network.session_seconds,
        now.boot_seconds + network.session_seconds,
    )


def network_of(policy: Policy, address: str) -> Network | None:
    """The resident network in which a device has ``address``; None for the box's own addresses, and others."""
    try:
        asked = ipaddress.IPv4Address(address)
    except ValueError:
        return None
    for network in policy.networks:
        own = network.interface_address
        if asked in own.network and asked not in (own.ip, own.network.network_address, own.network.broadcast_address):
            return network
    return None


@dataclass(frozen=True, slots=True)
class Grant:
    """What was granted to a client: a lease that began at a second of one boot.

    ``left_seconds`` was left at the last checkpoint; ``wall_seconds`` says to a person when it was granted.
    """

    client: Client
    lease_seconds: int
    boot_id: str
    boot_seconds: int
    left_seconds: int
    wall_seconds: int


def remaining_seconds(grant: Grant, now: Now) -> int:
    """How much of a grant is left: never less than 0, never more than its lease.

    In the same boot the lease less what has passed. In another boot nobody knows how long the box was off: what was
    left at the last checkpoint, in the resident's favour.
    """
    if grant.boot_id == now.boot_id:
        left = grant.lease_seconds - (now.boot_seconds - grant.boot_seconds)
    else:
        left = grant.left_seconds
    return max(0, min(left, grant.lease_seconds))
