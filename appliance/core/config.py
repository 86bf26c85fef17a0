"""The schema of ``hub.toml``: everything one village's box is told, in one file.

`parse` is the only way in. ``docs/config.md`` is written from this module by ``desahub config-docs``.
"""

from __future__ import annotations

import dataclasses
import enum
import ipaddress
import itertools
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.core import area, hours, schema
from appliance.core.errors import ConfigError, Problem
from appliance.core.probes import PROBE_HOSTS
from appliance.core.schema import Rule, between, length, option, section

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# The last label begins with a letter: browsers read 127.0.0.1, and any name that ends in a number, as an address.
_HOST = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)+(?=[a-z]){_LABEL}")
# "lo" is the machine's own, and ap-NETWORK is made by the box for a network in the air.
_INTERFACE = re.compile(r"(?!lo$|ap-)[a-z][a-z0-9-]{0,14}")
_TARGET = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})", re.ASCII)
NETWORKS_MAX = 8
# Addresses that no network of a village can have (RFC 6890): this machine, loopback, link-local, multicast, reserved.
_NEVER_A_NETWORK = tuple(
    ipaddress.IPv4Network(text) for text in ("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4")
)


def _is_interface_address(text: str) -> bool:
    try:
        made = ipaddress.IPv4Interface(text)
    except ValueError:
        return False
    # Written as it is meant: no netmask, no hostmask, which would read as another network than people think.
    if made.with_prefixlen != text or not 8 <= made.network.prefixlen <= 29:
        return False
    if any(made.network.overlaps(never) for never in _NEVER_A_NETWORK):
        return False
    return made.ip not in (made.network.network_address, made.network.broadcast_address)


def _is_address(text: str) -> bool:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def _is_target(text: str) -> bool:
    match = _TARGET.fullmatch(text)
    return match is not None and _is_address(match[1]) and 0 < int(match[2]) < 65536


HOST = Rule(
    "allowed is a lower-case host name with a dot, its last part a word, such as masuk.desa.internal",
    lambda v: bool(_HOST.fullmatch(v)),
)
INTERFACE = Rule(
    "allowed are 1 to 15 characters: a letter, then letters, digits and hyphens, lower case; not lo, not ap-...",
    lambda v: bool(_INTERFACE.fullmatch(v)),
)
INTERFACE_ADDRESS = Rule(
    "allowed is the box's own IPv4 address with its prefix, /8 to /29, such as 10.20.0.1/20; "
    "not loopback, link-local, multicast or reserved",
    _is_interface_address,
)
ADDRESS = Rule("allowed is an IPv4 address such as 192.0.2.1", _is_address)
TARGET = Rule("allowed is an IPv4 address and a port, such as 1.1.1.1:443", _is_target)
HOST_OR_ADDRESS = Rule(f"{HOST.allowed}, or an IPv4 address", lambda v: HOST.holds(v) or ADDRESS.holds(v))
AREA_CODE = Rule("allowed is PP.KK.CC.DDDD, such as 51.03.01.2001", lambda v: bool(area.PATTERN.fullmatch(v)))
HUB_ID = Rule(
    "allowed are 4 to 32 lower-case letters, digits and hyphens, such as hub-7k2m9q",
    lambda v: bool(re.fullmatch(r"[a-z0-9][a-z0-9-]{2,30}[a-z0-9]", v)),
)
FILE = Rule(
    "allowed is an absolute path",
    lambda v: v.startswith("/") and v.isprintable() and ".." not in v.split("/"),
)


def _is_hours(text: str) -> bool:
    try:
        hours.parse(text)
    except ValueError:
        return False
    return True


HOURS = Rule(hours.ALLOWED, _is_hours)
SHORT_NAME = Rule(
    "allowed are 1 to 11 lower-case letters and digits", lambda v: bool(re.fullmatch("[a-z][a-z0-9]{0,10}", v))
)
LINE_KBIT = between(64, 10_000_000, "kbit/s")
LIST_SOURCE = Rule(
    "allowed is an absolute path, or an https:// or http:// address of at most 300 characters",
    lambda v: (
        FILE.holds(v)
        or (len(v) <= 300 and bool(re.fullmatch(r"https?://[A-Za-z0-9.:-]+(/[\w./?=&%+~,;@-]*)?", v, re.ASCII)))
    ),
)
HTTP_URL = Rule(
    "allowed is an http:// address of at most 200 characters",
    lambda v: bool(re.fullmatch(r"http://[a-z0-9.:-]+(/[\w./?=&%-]*)?", v, re.ASCII)) and len(v) <= 200,
)


class VillageKind(enum.StrEnum):
    """What the unit is by law; it drives the titles on every screen."""

    DESA = "desa"
    KELURAHAN = "kelurahan"
    DESA_ADAT = "desa_adat"


class Timezone(enum.StrEnum):
    """The three zones of Indonesia: WIB, WITA, WIT."""

    WIB = "Asia/Jakarta"
    WITA = "Asia/Makassar"
    WIT = "Asia/Jayapura"


class NetworkKind(enum.StrEnum):
    """Who a network is for: residents pass the portal, the office does not."""

    RESIDENT = "resident"
    OFFICE = "office"


class UplinkMethod(enum.StrEnum):
    """How the box gets its address towards the internet."""

    DHCP = "dhcp"
    STATIC = "static"


class Access(enum.StrEnum):
    """A way for residents to get online."""

    TERMS = "terms"
    VOUCHER = "voucher"
    ACCOUNT = "account"


class Shaper(enum.StrEnum):
    """What shares the line among the residents."""

    HTB = "htb"
    CAKE = "cake"


class RadioBand(enum.StrEnum):
    """The radio's band in GHz."""

    GHZ_2_4 = "2.4"
    GHZ_5 = "5"


@dataclass(frozen=True, slots=True)
class Village:
    """``[village]``"""

    name: str = option(
        about="The village's name as its people write it, without the word desa.",
        example="Sukamaju",
        rule=length(1, 64),
    )
    kode_wilayah: str = option(about="The ministry's area code.", example="51.03.01.2001", rule=AREA_CODE)
    kecamatan: str = option(about="The kecamatan's name.", example="Kuta", rule=length(1, 64))
    kabupaten: str = option(
        about="The kabupaten's or kota's name, with that word.",
        example="Kabupaten Badung",
        rule=length(1, 64),
    )
    provinsi: str = option(about="The province's name.", example="Bali", rule=length(1, 64))
    timezone: Timezone = option(about="The village's time zone: WIB, WITA or WIT.", example="Asia/Makassar")
    kind: VillageKind = option(about="What the unit is by law.", example="desa", default=VillageKind.DESA)
    head_title: str = option(
        about="The title of the village's head.",
        example="Perbekel",
        rule=length(1, 40),
        default="Kepala Desa",
    )
    head_name: str = option(
        about="The head's name, shown on the kiosk. Empty shows none.",
        example="I Made Contoh",
        rule=length(0, 80),
        default="",
    )
    office_address: str = option(
        about="Where the office is. Empty shows none.",
        example="Jalan Raya 1",
        rule=length(0, 160),
        default="",
    )
    office_hours: str = option(
        about="When the office is open. Empty shows none.",
        example="Senin-Jumat 08.00-15.00",
        rule=length(0, 120),
        default="",
    )
    office_phone: str = option(
        about="The office's telephone. Empty shows none.",
        example="0361 000000",
        rule=length(0, 40),
        default="",
    )
    population: int | None = option(
        about="Number of residents, as last published.",
        example=4210,
        rule=between(1, 1_000_000),
        default=None,
    )
    households: int | None = option(
        about="Number of families (KK), as last published.",
        example=1180,
        rule=between(1, 500_000),
        default=None,
    )
    area_hectares: int | None = option(
        about="Area of the village in hectares.", example=640, rule=between(1, 3_000_000), default=None
    )


@dataclass(frozen=True, slots=True)
class Hub:
    """``[hub]``"""

    id: str = option(
        about="This box's opaque id, given by the NOC. It names no place and no person.",
        example="hub-7k2m9q",
        rule=HUB_ID,
    )


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
        about="How residents get online here: terms (they accept the terms), voucher (they type a code), or both.",
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
        about="How much one acceptance of the terms allows, sent and received together; 0 for no limit.",
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
        return ipaddress.IPv4Interface(self.address)

    def problems(self) -> Iterator[Problem]:
        """An office network is encrypted; a resident one is open, since everybody would know its passphrase."""
        yield from self._access_problems()
        if self.kind is NetworkKind.OFFICE and not self.passphrase_file:
            yield Problem("passphrase_file", "is missing", "needed for an office network: people log in there")
        if self.kind is NetworkKind.RESIDENT and self.passphrase_file:
            yield Problem("passphrase_file", "is set on a resident network", "leave it out: resident networks are open")

    def _access_problems(self) -> Iterator[Problem]:
        """The office does not pass the portal; an account needs a register that does not exist yet."""
        if self.kind is NetworkKind.OFFICE:
            for name in _RESIDENT_ONLY:
                if getattr(self, name) != _network_default(name):
                    yield Problem(
                        name, "is set on an office network", "leave it out: the office does not pass the portal"
                    )
            return
        if not self.access:
            yield Problem("access", "is empty", "allowed are terms, voucher, or both")
        if len(set(self.access)) != len(self.access):
            yield Problem("access", "names a way twice", "allowed is each way once")
        if Access.ACCOUNT in self.access:
            yield Problem(
                "access", "names account", "allowed are terms and voucher: this release has no register of residents"
            )
        if Access.TERMS not in self.access:
            for name in ("session_seconds", "daily_seconds", "session_megabytes", "daily_megabytes"):
                if getattr(self, name) != _network_default(name):
                    yield Problem(
                        name, "is set where the terms are no way in", "leave it out: a voucher says this itself"
                    )
        if self.filter_hours and not self.filter:
            yield Problem("filter_hours", "is set without filter = true", "set filter = true, or leave it out")


def _network_default(name: str) -> object:
    return next(field.default for field in dataclasses.fields(Network) if field.name == name)


_RESIDENT_ONLY = (
    "access", "session_seconds", "idle_seconds", "daily_seconds", "session_megabytes", "daily_megabytes", "speed",
    "open_hours", "filter", "filter_hours",
)  # fmt: skip


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
        rule=Rule(INTERFACE_ADDRESS.allowed, lambda v: v == "" or _is_interface_address(v)),
        default="",
    )
    gateway: str = option(
        about="With method static: the gateway.",
        example="192.0.2.1",
        rule=Rule(ADDRESS.allowed, lambda v: v == "" or _is_address(v)),
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


DEFAULT_TERMS = (
    "Gunakan internet ini dengan bijak dan sopan.",
    "Dilarang membuka situs judi, pornografi dan yang melanggar hukum.",
    "Jangan membagikan data pribadi di situs yang tidak Anda kenal.",
    "Kami mencatat waktu sambung dan jumlah data perangkat ini, bukan isi yang Anda buka.",
)


@dataclass(frozen=True, slots=True)
class Portal:
    """``[portal]``"""

    host: str = option(
        about="The name under which phones see the portal.",
        example="masuk.desa.internal",
        rule=HOST,
        default="masuk.desa.internal",
    )
    terms: tuple[str, ...] = option(
        about="The terms of use, one sentence each.",
        example=list(DEFAULT_TERMS[:2]),
        rule=length(1, 300),
        at_most=20,
        default=DEFAULT_TERMS,
    )
    walled_garden: tuple[str, ...] = option(
        about=(
            "Addresses and names that residents reach without login, besides the kiosk; a name with everything below "
            "it. Probe hosts are refused here: a phone that gets its true answer shows no login window."
        ),
        example=["192.0.2.53", "bansos.example.go.id"],
        rule=HOST_OR_ADDRESS,
        at_most=64,
        default=(),
    )
    history_days: int = option(
        about="How many days the office sees who was connected, by device.",
        example=30,
        rule=between(1, 365, "days"),
        default=30,
    )

    @property
    def garden_addresses(self) -> tuple[str, ...]:
        """The addresses of the walled garden."""
        return tuple(one for one in self.walled_garden if _is_address(one))

    @property
    def garden_names(self) -> tuple[str, ...]:
        """The names of the walled garden."""
        return tuple(one for one in self.walled_garden if not _is_address(one))


@dataclass(frozen=True, slots=True)
class FilterList:
    """One of ``[[filter.lists]]``: a list of domains, kept up to date by the box."""

    name: str = option(about="A short name for the list.", example="judi", rule=SHORT_NAME)
    source: str = option(
        about="Where it comes from: a file on the box, or an address that is asked once a day.",
        example="https://lists.example.go.id/judi.txt",
        rule=LIST_SOURCE,
    )


@dataclass(frozen=True, slots=True)
class Filter:
    """``[filter]``: what the family filter keeps away in networks that have ``filter = true``."""

    blocked_domains: tuple[str, ...] = option(
        about="Domains that are blocked, with everything below them, besides those of the lists.",
        example=["judi.example"],
        rule=HOST,
        at_most=10_000,
        default=(),
    )
    allowed_domains: tuple[str, ...] = option(
        about="Domains that are never blocked, with everything below them, whatever a list says.",
        example=["desa.id"],
        rule=HOST,
        at_most=10_000,
        default=(),
    )
    lists: tuple[FilterList, ...] = section(about="Lists of domains.", at_most=16, default=())
    safe_search: bool = option(
        about="Whether search engines and YouTube show their safe results.", example=True, default=True
    )
    refuse_encrypted_dns: bool = option(
        about="Whether known servers of encrypted DNS (DoH, DoT), which go around the filter, are refused.",
        example=True,
        default=True,
    )

    def problems(self) -> Iterator[Problem]:
        """Each list has its own name."""
        names = [one.name for one in self.lists]
        for i, name in enumerate(names):
            if name in names[:i]:
                yield Problem(
                    f"lists[{i}].name", f"is {name!r}, as lists[{names.index(name)}].name", "allowed is each once"
                )


@dataclass(frozen=True, slots=True)
class Records:
    """``[records]``: connection records, where the law asks for them. Off by default."""

    enabled: bool = option(about="Whether connections are recorded.", example=False, default=False)
    public_key_file: str = option(
        about="The public key that records are encrypted to; who holds the private key reads them.",
        example="/etc/desahub/records.pub",
        rule=Rule(f"{FILE.allowed}, or empty", lambda v: v == "" or FILE.holds(v)),
        default="",
    )
    keep_days: int = option(
        about="After how many days records are dropped.", example=90, rule=between(1, 1_825, "days"), default=90
    )

    def problems(self) -> Iterator[Problem]:
        """Records are never kept unencrypted."""
        if self.enabled and not self.public_key_file:
            yield Problem(
                "public_key_file", "is missing", "needed where enabled = true: records are kept encrypted only"
            )


@dataclass(frozen=True, slots=True)
class Agent:
    """``[agent]``"""

    interval_seconds: int = option(
        about="How often the box measures itself.", example=60, rule=between(1, 3600, "seconds"), default=60
    )
    batch_seconds: int = option(
        about="How long records wait to be sent together.",
        example=300,
        rule=between(1, 3600, "seconds"),
        default=300,
    )
    targets: tuple[str, ...] = option(
        about="Addresses whose answer proves that the uplink works; each is asked by opening a TCP connection.",
        example=["1.1.1.1:443", "9.9.9.9:443"],
        rule=TARGET,
        at_most=8,
        default=("1.1.1.1:443", "9.9.9.9:443"),
    )
    outbox_days: int = option(
        about="How many days of unsent records are kept.",
        example=30,
        rule=between(1, 365, "days"),
        default=30,
    )

    def problems(self) -> Iterator[Problem]:
        """Without a target nothing could be said about the uplink."""
        if not self.targets:
            yield Problem("targets", "is empty", "allowed is at least one address with its port")
        if self.batch_seconds < self.interval_seconds:
            yield Problem(
                "batch_seconds",
                f"is {self.batch_seconds}",
                f"allowed is at least interval_seconds, {self.interval_seconds}",
            )


@dataclass(frozen=True, slots=True)
class Kiosk:
    """``[kiosk]``"""

    host: str = option(
        about="The name under which phones see the village's services.",
        example="layanan.desa.internal",
        rule=HOST,
        default="layanan.desa.internal",
    )


@dataclass(frozen=True, slots=True)
class Noc:
    """``[noc]``: leave the whole section out for a box that reports to nobody."""

    host: str = option(
        about="The NOC's MQTT broker, by name or IPv4 address; its certificate must carry it.",
        example="noc.example.go.id",
        rule=HOST_OR_ADDRESS,
    )
    port: int = option(about="The broker's port for MQTT over TLS.", example=8883, rule=between(1, 65535), default=8883)


@dataclass(frozen=True, slots=True)
class Config:
    """The whole of ``hub.toml``."""

    village: Village = section(about="The village itself.")
    hub: Hub = section(about="This box.")
    uplink: Uplink = section(about="The way to the internet.")
    networks: tuple[Network, ...] = section(
        about="The networks the box offers, at least one for residents.", at_most=NETWORKS_MAX
    )
    speeds: tuple[Speed, ...] = section(
        about="Classes of speed that networks and vouchers name.", at_most=8, default=()
    )
    radio: Radio | None = section(
        about="The radio. Leave it out where access points hang on the bridge by cable.", default=None
    )
    portal: Portal = section(about="What residents meet first.", default=Portal())
    filter: Filter = section(about="What the family filter keeps away.", default=Filter())
    records: Records = section(about="Connection records, where the law asks for them.", default=Records())
    agent: Agent = section(about="What the box measures and how often.", default=Agent())
    kiosk: Kiosk = section(about="The village's local services.", default=Kiosk())
    noc: Noc | None = section(about="Where the box reports.", default=None)

    @property
    def resident_networks(self) -> tuple[Network, ...]:
        """The networks whose people pass the portal."""
        return tuple(network for network in self.networks if network.kind is NetworkKind.RESIDENT)

    @property
    def office_networks(self) -> tuple[Network, ...]:
        """The encrypted networks of the village office."""
        return tuple(network for network in self.networks if network.kind is NetworkKind.OFFICE)

    def problems(self) -> Iterator[Problem]:
        """Check what only shows between sections: names, interfaces and addresses used twice, probe hosts."""
        if not self.resident_networks:
            yield Problem("networks", "holds no network of kind resident", "allowed is at least one")
        yield from self._doubles()
        yield from self._speed_problems()
        for (i, one), (j, other) in itertools.combinations(enumerate(self.networks), 2):
            if one.interface_address.network.overlaps(other.interface_address.network):
                yield Problem(
                    f"networks[{j}].address",
                    f"is {other.address}, which overlaps networks[{i}].address {one.address}",
                    "allowed are networks apart from each other",
                )
        if self.uplink.address:
            wide = ipaddress.IPv4Interface(self.uplink.address).network
            for i, network in enumerate(self.networks):
                if network.interface_address.network.overlaps(wide):
                    yield Problem(
                        f"networks[{i}].address",
                        f"is {network.address}, which overlaps uplink.address {self.uplink.address}",
                        "allowed are networks apart from each other",
                    )
        if self.portal.host == self.kiosk.host:
            yield Problem("kiosk.host", f"is {self.kiosk.host}, as portal.host", "allowed are two different names")
        for path, host in (("portal.host", self.portal.host), ("kiosk.host", self.kiosk.host)):
            if host in PROBE_HOSTS:
                yield Problem(path, f"is {host}, which phones ask to find a portal", "allowed is a name of your own")
        for i, name in enumerate(self.portal.walled_garden):
            # A name stands for everything below it, and dnsmasq gives it no other answer.
            for host in sorted(PROBE_HOSTS):
                if host == name or host.endswith(f".{name}"):
                    yield Problem(
                        f"portal.walled_garden[{i}]",
                        f"is {name!r}, which lets {host} through: phones ask it to find the portal, and no "
                        "login window would open",
                        "leave it out, or name a narrower host",
                    )
                    break
        yield from self._blocked_by_mistake()

    def _speed_problems(self) -> Iterator[Problem]:
        names = [speed.name for speed in self.speeds]
        for i, name in enumerate(names):
            if name in names[:i]:
                yield Problem(
                    f"speeds[{i}].name", f"is {name!r}, as speeds[{names.index(name)}].name", "allowed is each once"
                )
        for i, network in enumerate(self.networks):
            if network.speed and network.speed not in names:
                known = ", ".join(names) or "none is defined"
                yield Problem(
                    f"networks[{i}].speed", f"is {network.speed!r}", f"allowed is a name of [[speeds]]: {known}"
                )
        if self.uplink.shaper is Shaper.CAKE and self.speeds:
            yield Problem(
                "uplink.shaper", "is cake with [[speeds]]", "leave [[speeds]] out, or choose htb: cake knows no classes"
            )

    def _blocked_by_mistake(self) -> Iterator[Problem]:
        """Names the box itself needs answered; a domain is blocked with everything below it."""
        needed = dict.fromkeys(sorted(PROBE_HOSTS), "phones ask it to find the portal: no login window would open")
        needed |= {self.portal.host: "it is portal.host", self.kiosk.host: "it is kiosk.host"}
        if self.noc is not None:
            needed[self.noc.host] = "it is noc.host"
        for i, domain in enumerate(self.filter.blocked_domains):
            for host in needed:
                if host == domain or host.endswith(f".{domain}"):
                    yield Problem(
                        f"filter.blocked_domains[{i}]",
                        f"is {domain!r}, which blocks {host} ({needed[host]})",
                        "leave it out, or block a narrower domain",
                    )
                    break

    def _doubles(self) -> Iterator[Problem]:
        for key in ("name", "interface", "ssid"):
            seen: dict[str, int] = {}
            for i, network in enumerate(self.networks):
                value = getattr(network, key)
                if value in seen:
                    yield Problem(
                        f"networks[{i}].{key}",
                        f"is {value!r}, as networks[{seen[value]}].{key}",
                        "allowed is each value once",
                    )
                seen.setdefault(value, i)
        taken = {"uplink.interface": self.uplink.interface}
        if self.radio is not None:
            if self.radio.interface == self.uplink.interface:
                yield Problem(
                    "radio.interface",
                    f"is {self.radio.interface!r}, as uplink.interface",
                    "allowed is another one",
                )
            taken["radio.interface"] = self.radio.interface
        for i, network in enumerate(self.networks):
            for path, interface in taken.items():
                if network.interface == interface:
                    yield Problem(
                        f"networks[{i}].interface",
                        f"is {interface!r}, as {path}",
                        "allowed is a bridge of its own",
                    )


def parse(text: str) -> Config:
    """Read the text of a ``hub.toml``.

    Raises:
        ConfigError: with every problem, each as ``path.to.key: what is wrong, what is allowed``.
    """
    try:
        # Windows' editor puts an invisible mark in front (BOM), which TOML does not know.
        document = tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise ConfigError([Problem("hub.toml", "is nested too deeply", "see docs/config.md")]) from None
    except ValueError as error:  # TOMLDecodeError is one; Python's own limits, as on digits, are others
        said = str(error) if str(error).isprintable() else repr(str(error))
        raise ConfigError([Problem("hub.toml", f"is not TOML: {said[:200]}", "see https://toml.io")]) from None
    return schema.load(Config, document)
