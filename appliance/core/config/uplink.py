"""``[uplink]`` and ``[[speeds]]``: the line, and how it is shared."""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.core.config.values import (
    ADDRESS,
    INTERFACE,
    INTERFACE_ADDRESS,
    LINE_KBIT,
    SHORT_NAME,
    is_address,
    is_interface_address,
)
from appliance.core.errors import Problem
from appliance.core.schema import Rule, length, option


class UplinkMethod(enum.StrEnum):
    """How the box gets its address towards the internet."""

    DHCP = "dhcp"
    STATIC = "static"


class Shaper(enum.StrEnum):
    """What shares the line among the residents."""

    HTB = "htb"
    CAKE = "cake"


@dataclass(frozen=True, slots=True)
class Speed:
    """One of ``[[speeds]]``: a bound for one device, in both directions."""

    name: str = option(about="A short name, used by networks and vouchers.", example="biasa", rule=SHORT_NAME)
    title: str = option(about="What residents read.", example="Biasa", rule=length(1, 40))
    download_kbit: int = option(about="Towards the device.", example=4000, rule=LINE_KBIT)
    upload_kbit: int = option(about="From the device.", example=1000, rule=LINE_KBIT)


@dataclass(frozen=True, slots=True)
class Uplink:
    """``[uplink]``"""

    interface: str = option(about="The interface towards the internet.", example="eth0", rule=INTERFACE)
    download_kbit: int = option(
        about=(
            "The line's speed towards the village, as measured at a quiet hour, less a tenth. The box shares it among "
            "the residents, which it can only if the queue is here and not at the provider."
        ),
        example=20000,
        rule=LINE_KBIT,
    )
    upload_kbit: int = option(
        about="The line's speed from the village, measured in the same way.", example=5000, rule=LINE_KBIT
    )
    shaper: Shaper = option(
        about="What shares the line: htb works everywhere and knows [[speeds]]; cake needs a kernel that has it.",
        example="htb",
        default=Shaper.HTB,
    )
    method: UplinkMethod = option(
        about="How the box gets its address there.", example="dhcp", default=UplinkMethod.DHCP
    )
    address: str = option(
        about="With method static: the address and prefix.",
        example="192.0.2.10/24",
        rule=Rule(INTERFACE_ADDRESS.allowed, lambda v: v == "" or is_interface_address(v)),
        default="",
    )
    gateway: str = option(
        about="With method static: the gateway.",
        example="192.0.2.1",
        rule=Rule(ADDRESS.allowed, lambda v: v == "" or is_address(v)),
        default="",
    )
    dns_servers: tuple[str, ...] = option(
        about="Where the box's own DNS asks.",
        example=["1.1.1.1", "9.9.9.9"],
        rule=ADDRESS,
        at_most=8,
        default=("1.1.1.1", "9.9.9.9"),
    )

    def problems(self) -> Iterator[Problem]:
        """A static uplink needs its address and gateway; DHCP brings them."""
        for name in ("address", "gateway"):
            value = getattr(self, name)
            if self.method is UplinkMethod.STATIC and not value:
                yield Problem(name, "is missing", "needed with method static")
            if self.method is UplinkMethod.DHCP and value:
                yield Problem(name, f"is {value!r} with method dhcp", "leave it out, or choose method static")
        if not self.dns_servers:
            yield Problem("dns_servers", "is empty", "allowed is at least one IPv4 address")
        if self.method is UplinkMethod.STATIC and self.address and self.gateway:
            network = ipaddress.IPv4Interface(self.address).network
            if ipaddress.IPv4Address(self.gateway) not in network:
                yield Problem("gateway", f"is {self.gateway!r}", f"allowed is an address in {network}")
