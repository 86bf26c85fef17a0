"""Who is where in the village: names, addresses and folders. Pure; everything else reads it from here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

PHONES_MAX: Final = 300
PHONES_DEFAULT: Final = 3

STATE: Final = Path("/run/desa-village")
REPOSITORY: Final = Path(__file__).resolve().parents[2]

HUB: Final = "desa-hub"
NET: Final = "desa-net"

# The uplink has documentation addresses (RFC 5737); the internet itself those for tests (RFC 2544), since dnsmasq takes
# answers with documentation addresses for DNS rebinding.
UPLINK_GATEWAY: Final = "198.51.100.1"
UPLINK_RANGE: Final = "198.51.100.100,198.51.100.150"
WEB_ADDRESS: Final = "198.18.0.80"
DNS_ADDRESS: Final = "198.18.0.53"
NOC_ADDRESS: Final = "198.18.0.10"

NOC_HOST: Final = "noc.desa.internal"
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
class Phone:
    """One resident's phone, counted from 1."""

    number: int

    @property
    def namespace(self) -> str:
        """The network namespace that is this phone."""
        return f"desa-phone-{self.number}"

    @property
    def mac(self) -> str:
        """A locally administered MAC, the same at each run."""
        return f"02:de:5a:00:{self.number // 256:02x}:{self.number % 256:02x}"

    @property
    def port(self) -> str:
        """The hub's end of this phone's cable, which stands for its place in the air."""
        return f"phone{self.number}"


def phones(count: int) -> tuple[Phone, ...]:
    """List ``count`` phones."""
    return tuple(Phone(number) for number in range(1, count + 1))
