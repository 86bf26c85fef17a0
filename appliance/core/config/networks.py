"""``[[networks]]`` and ``[radio]``: what the box offers, and how residents get online there."""

from __future__ import annotations

import dataclasses
import enum
import functools
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.core.config.values import FILE, HOURS, INTERFACE, INTERFACE_ADDRESS, SHORT_NAME
from appliance.core.errors import Problem
from appliance.core.schema import Rule, between, option

NETWORKS_MAX = 8


class NetworkKind(enum.StrEnum):
    """Who a network is for: residents pass the portal, the office does not."""

    RESIDENT = "resident"
    OFFICE = "office"


class Access(enum.StrEnum):
    """A way for residents to get online."""

    TERMS = "terms"
    VOUCHER = "voucher"
    ACCOUNT = "account"


class RadioBand(enum.StrEnum):
    """The radio's band in GHz."""

    GHZ_2_4 = "2.4"
    GHZ_5 = "5"


@dataclass(frozen=True, slots=True)
class Radio:
    """``[radio]``"""

    interface: str = option(about="The wireless interface.", example="wlan0", rule=INTERFACE)
    band: RadioBand = option(about="The band in GHz.", example="2.4", default=RadioBand.GHZ_2_4)
    channel: int = option(about="The channel; 0 lets the driver choose.", example=6, rule=between(0, 165), default=6)
    country_code: str = option(
        about="The regulatory country.",
        example="ID",
        rule=Rule("allowed are two upper-case letters", lambda v: bool(re.fullmatch("[A-Z]{2}", v))),
        default="ID",
    )

    def problems(self) -> Iterator[Problem]:
        """Channels belong to their band (KepDirjen SDPPI; 802.11-2020 annex E)."""
        allowed = (
            {*range(0, 14)}
            if self.band is RadioBand.GHZ_2_4
            else {0, 36, 40, 44, 48, 52, 56, 60, 64, 149, 153, 157, 161}
        )
        if self.channel not in allowed:
            yield Problem(
                "channel",
                f"is {self.channel}",
                f"allowed at {self.band} GHz are {', '.join(map(str, sorted(allowed)))}",
            )


# Each request asks in which network its device is; reading the text again takes longer than comparing.
_interface = functools.lru_cache(maxsize=4 * NETWORKS_MAX)(ipaddress.IPv4Interface)


@dataclass(frozen=True, slots=True)
class Network:
    """One of ``[[networks]]``: a bridge on the box, with its addresses and its name in the air."""

    name: str = option(
        about="A short name for this network, used in file names and by other sections.",
        example="warga",
        rule=SHORT_NAME,
    )
    kind: NetworkKind = option(
        about="Who it is for: residents pass the portal, the office does not.", example="resident"
    )
    interface: str = option(about="The bridge's name.", example="br-warga", rule=INTERFACE)
    address: str = option(
        about="The box's own address in this network, with the prefix.",
        example="10.20.0.1/20",
        rule=INTERFACE_ADDRESS,
    )
    ssid: str = option(
        about="The name in the air; at most 32 bytes.",
        example="Desa Sukamaju",
        rule=Rule(
            "allowed are 1 to 32 bytes without control characters",
            lambda v: 0 < len(v.encode()) <= 32 and v.isprintable(),
        ),
    )
    lease_seconds: int = option(
        about="How long a DHCP lease lasts. Short where phones show a new random MAC each day.",
        example=3600,
        rule=between(120, 604_800, "seconds"),
        default=3600,
    )
    passphrase_file: str = option(
        about="File with the WPA passphrase of an office network, made at first run. Resident networks are open.",
        example="/etc/desahub/secrets/kantor.psk",
        rule=FILE,
        default="",
    )

    access: tuple[Access, ...] = option(
        about=(
            "How residents get online here: terms (they accept the terms), voucher (they type a code), account (name "
            "and PIN of an account of their own, see [accounts]), or several of these."
        ),
        example=["terms"],
        at_most=3,
        default=(Access.TERMS,),
    )
    session_seconds: int = option(
        about="How long one acceptance of the terms lasts.",
        example=14400,
        rule=between(60, 2_592_000, "seconds"),
        default=14_400,
    )
    idle_seconds: int = option(
        about="A device that sends nothing for so long must connect again; 0 for never.",
        example=3600,
        rule=Rule("allowed is 0 or 120 to 86400 seconds", lambda v: v == 0 or 120 <= v <= 86_400),
        default=0,
    )
    daily_seconds: int = option(
        about="How long one device may be online on one day by accepting the terms; 0 for no limit.",
        example=7200,
        rule=Rule("allowed is 0 or 60 to 86400 seconds", lambda v: v == 0 or 60 <= v <= 86_400),
        default=0,
    )
    session_megabytes: int = option(
        about=(
            "How much one acceptance of the terms allows, sent and received together; 0 for no limit. Accepting again "
            "begins anew: what one device may use in a day is daily_megabytes."
        ),
        example=500,
        rule=between(0, 1_000_000, "megabytes (1,000,000 bytes)"),
        default=0,
    )
    daily_megabytes: int = option(
        about="How much one device may use on one day by accepting the terms; 0 for no limit.",
        example=2000,
        rule=between(0, 1_000_000, "megabytes (1,000,000 bytes)"),
        default=0,
    )
    speed: str = option(
        about="The name of a class in [[speeds]] that bounds each device here; empty for its fair share alone.",
        example="biasa",
        rule=Rule(f"{SHORT_NAME.allowed}, or empty", lambda v: v == "" or SHORT_NAME.holds(v)),
        default="",
    )
    open_hours: tuple[str, ...] = option(
        about="When residents may be online here, in the village's own time; empty for always.",
        example=["mon-fri 05:00-23:00", "sat-sun 00:00-24:00"],
        rule=HOURS,
        at_most=14,
        default=(),
    )
    filter: bool = option(about="Whether the family filter holds here.", example=True, default=False)
    filter_hours: tuple[str, ...] = option(
        about="When the filter holds here, in the village's own time; empty for always.",
        example=["mon-sun 05:00-21:00"],
        rule=HOURS,
        at_most=14,
        default=(),
    )

    @property
    def interface_address(self) -> ipaddress.IPv4Interface:
        """The box's own address in this network."""
        return _interface(self.address)

    def problems(self) -> Iterator[Problem]:
        """An office network is encrypted; a resident one is open, since everybody would know its passphrase."""
        yield from self._access_problems()
        if self.kind is NetworkKind.OFFICE and not self.passphrase_file:
            yield Problem("passphrase_file", "is missing", "needed for an office network: people log in there")
        if self.kind is NetworkKind.RESIDENT and self.passphrase_file:
            yield Problem("passphrase_file", "is set on a resident network", "leave it out: resident networks are open")

    def _access_problems(self) -> Iterator[Problem]:
        """The office does not pass the portal; what belongs to the terms stands only where they are a way in."""
        if self.kind is NetworkKind.OFFICE:
            for name in _RESIDENT_ONLY:
                if getattr(self, name) != _network_default(name):
                    yield Problem(
                        name, "is set on an office network", "leave it out: the office does not pass the portal"
                    )
            return
        if not self.access:
            yield Problem("access", "is empty", "allowed are terms, voucher, account, or several of these")
        if len(set(self.access)) != len(self.access):
            yield Problem("access", "names a way twice", "allowed is each way once")
        if Access.TERMS not in self.access:
            for name in ("session_seconds", "daily_seconds", "session_megabytes", "daily_megabytes"):
                if getattr(self, name) != _network_default(name):
                    yield Problem(
                        name,
                        "is set where the terms are no way in",
                        "leave it out: a voucher says this itself, and [accounts] does",
                    )
        if self.filter_hours and not self.filter:
            yield Problem("filter_hours", "is set without filter = true", "set filter = true, or leave it out")


def _network_default(name: str) -> object:
    return next(field.default for field in dataclasses.fields(Network) if field.name == name)


_RESIDENT_ONLY = (
    "access", "session_seconds", "idle_seconds", "daily_seconds", "session_megabytes", "daily_megabytes", "speed",
    "open_hours", "filter", "filter_hours",
)  # fmt: skip
