"""``[portal]`` and ``[kiosk]``: what residents meet."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from appliance.core.config.values import HOST, HOST_OR_ADDRESS, is_address
from appliance.core.errors import Problem
from appliance.core.probes import PROBE_HOSTS
from appliance.core.schema import Rule, between, length, option

DEFAULT_TERMS = (
    "Gunakan internet ini dengan bijak dan sopan.",
    "Dilarang membuka situs judi, pornografi dan yang melanggar hukum.",
    "Jangan membagikan data pribadi di situs yang tidak Anda kenal.",
    "Kami mencatat waktu sambung dan jumlah data perangkat ini, bukan isi yang Anda buka.",
)
# What no village may leave out where it records connections: whoever is recorded has to know (UU 27/2022, pasal 5).
RECORDS_TERM = "Karena diwajibkan aturan, alamat yang dituju setiap sambungan juga dicatat dan disimpan terkunci."


class CertificateFrom(enum.StrEnum):
    """Who delivers the portal's certificate."""

    HAND = "hand"
    NOC = "noc"


# Names that nobody outside can prove to have: no public authority gives a certificate for one.
PRIVATE_NAMES = (".internal", ".local", ".lan", ".home.arpa")


@dataclass(frozen=True, slots=True)
class Portal:
    """``[portal]``"""

    MOVED: ClassVar = {"session_seconds": "write it into [[networks]], whose own it is now"}

    host: str = option(
        about="The name under which phones see the portal.",
        example="masuk.desa.internal",
        rule=HOST,
        default="masuk.desa.internal",
    )
    certificate: CertificateFrom = option(
        about=(
            "Who delivers the certificate with which phones open the portal by themselves: hand (a technician, with "
            "desahub certificate install, or nobody) or noc (the NOC obtains and renews it; portal.host is then the "
            "name that the NOC gave this box)."
        ),
        example="noc",
        default=CertificateFrom.HAND,
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
        return tuple(one for one in self.walled_garden if is_address(one))

    @property
    def garden_names(self) -> tuple[str, ...]:
        """The names of the walled garden."""
        return tuple(one for one in self.walled_garden if not is_address(one))

    def problems(self) -> Iterator[Problem]:
        """Say if the name is one that phones ask: each section by itself, whatever else is wrong."""
        yield from _probe_host(self.host)
        if self.certificate is CertificateFrom.NOC and self.host.endswith(PRIVATE_NAMES):
            yield Problem(
                "host",
                f'is {self.host}, for which nobody can have a certificate, with certificate = "noc"',
                "allowed is the name that the NOC gave this box, such as hub-7k2m9q.hub.kabupaten.go.id",
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
    screen: bool = option(
        about=(
            "Does this box show the kiosk on a screen of its own, in the hall? Needs Debian's cage, xwayland and "
            "chromium; on a box without a screen they are not started."
        ),
        example=True,
        default=False,
    )
    screen_turn: int = option(
        about="By how many degrees the picture is turned clockwise, for a screen that stands upright.",
        example=90,
        rule=Rule("allowed are 0, 90, 180 and 270", lambda degrees: degrees in (0, 90, 180, 270)),
        default=0,
    )

    @property
    def practice_host(self) -> str:
        """The name of the practice mode, which only the office's networks reach: a name apart, with cookies apart."""
        return f"latihan.{self.host}"

    def problems(self) -> Iterator[Problem]:
        """Say if the name is one that phones ask: each section by itself, whatever else is wrong."""
        yield from _probe_host(self.host)


def _probe_host(host: str) -> Iterator[Problem]:
    if host in PROBE_HOSTS:
        yield Problem("host", f"is {host}, which phones ask to find a portal", "allowed is a name of your own")
