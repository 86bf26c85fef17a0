"""Who is where in the village: names, addresses and folders. Pure; everything else reads it from here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PHONES_MAX: Final = 300
PHONES_DEFAULT: Final = 3
PHONES_OF_SECOND: Final = 2

# How often the NOC's watch takes the hubs to measure: the longest that one of them does.
WATCH_SECONDS: Final = 5

STATE: Final = Path("/run/desa-village")
REPOSITORY: Final = Path(__file__).resolve().parents[2]

HUB: Final = "desa-hub"
HUB_2: Final = "desa-hub-2"
NET: Final = "desa-net"

# The uplink has documentation addresses (RFC 5737); the internet itself those for tests (RFC 2544), since dnsmasq takes
# answers with documentation addresses for DNS rebinding.
UPLINK_GATEWAY: Final = "198.51.100.1"
UPLINK_RANGE: Final = "198.51.100.100,198.51.100.150"
WEB_ADDRESS: Final = "198.18.0.80"
DNS_ADDRESS: Final = "198.18.0.53"
NOC_ADDRESS: Final = "198.18.0.10"

NOC_HOST: Final = "noc.desa.internal"
CHECK_HOST: Final = "cek.desa.internal"
HUB_ID: Final = "hub-village-1"
HUB_ADDRESS: Final = "10.20.0.1"
BRIDGE: Final = "br-warga"
# A second network for residents, with the family filter; tests plug phones of their own into it.
FAMILY_BRIDGE: Final = "br-keluarga"
FAMILY_ADDRESS: Final = "10.40.0.1"
LISTS_HOST: Final = "daftar.example"
SAFE_SEARCH_ADDRESS: Final = "198.18.0.38"
PORTAL_HOST: Final = "masuk.desa.internal"
KIOSK_HOST: Final = "layanan.desa.internal"
VILLAGE_NAME: Final = "Sukamaju"
KODE_WILAYAH: Final = "51.03.01.2001"


@dataclass(frozen=True, slots=True)
class Place:
    """A village: who it is, and how its hub is connected. Inside, all hubs have the same addresses, as boxes do.

    ``cable`` is the internet's end of its line, ``gateway`` the provider's address there. ``interval_seconds`` is how
    often it measures and reports; the second one's lies further apart than a question to a dead line takes, as on a
    real box.
    """

    number: int
    machine: str
    hub_id: str
    village_name: str
    kode_wilayah: str
    kecamatan: str
    kabupaten: str
    provinsi: str
    timezone: str
    zone: str
    head_title: str
    cable: str
    gateway: str
    uplink_range: str
    interval_seconds: int

    @property
    def boots_by_itself(self) -> bool:
        """Has its machine a boot id and a boot clock of its own, as after a power cut they must begin anew?

        The first has those of this machine: its tests compare both.
        """
        return self.number > 1


FIRST: Final = Place(
    1, HUB, HUB_ID, VILLAGE_NAME, KODE_WILAYAH, "Kuta", "Kabupaten Badung", "Bali", "Asia/Makassar", "WITA", "Perbekel",
    "hub0", UPLINK_GATEWAY, UPLINK_RANGE, 2,
)  # fmt: skip
SECOND: Final = Place(
    2, HUB_2, "hub-village-2", "Wonosari", "35.07.01.2001", "Donomulyo", "Kabupaten Malang", "Jawa Timur",
    "Asia/Jakarta", "WIB", "Kepala Desa", "hub2", "192.0.2.1", "192.0.2.100,192.0.2.150", WATCH_SECONDS,
)  # fmt: skip
PLACES: Final = (FIRST, SECOND)


@dataclass(frozen=True, slots=True)
class Phone:
    """One resident's phone, counted from 1 in each village."""

    number: int
    place: int = 1

    @property
    def name(self) -> str:
        """How a developer calls it: 3, or 2-1 for the first one of the second village."""
        return f"{self.number}" if self.place == 1 else f"{self.place}-{self.number}"

    @property
    def namespace(self) -> str:
        """The network namespace that is this phone."""
        return f"desa-phone-{self.name}"

    @property
    def mac(self) -> str:
        """A locally administered MAC, the same at each run."""
        return f"02:de:5a:{self.place - 1:02x}:{self.number // 256:02x}:{self.number % 256:02x}"

    @property
    def port(self) -> str:
        """The hub's end of this phone's cable, which stands for its place in the air."""
        return f"phone{self.number}"


def phones(count: int, place: Place = FIRST) -> tuple[Phone, ...]:
    """List ``count`` phones of a village."""
    return tuple(Phone(number, place.number) for number in range(1, count + 1))
