"""Where a NOC's files are. Apart from `noc.setup`: the process with the authority's key loads nothing needless."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

DIRECTORY: Final = Path("/etc/desahub-noc")
STATE_DIRECTORY: Final = Path("/var/lib/desahub-noc")


@dataclass(frozen=True, slots=True)
class Places:
    """The two folders of a NOC."""

    directory: Path = DIRECTORY
    state: Path = STATE_DIRECTORY

    @property
    def store(self) -> Path:
        """The NOC's database."""
        return self.state / "noc.db"

    @property
    def fleet_book(self) -> Path:
        """What the watch and people know of the fleet."""
        return self.state / "fleet.db"

    @property
    def authority(self) -> Path:
        """The authority's key and certificate."""
        return self.directory / "authority"

    @property
    def enrolment(self) -> Path:
        """The enrolment service's own folder, beside the state that the others share."""
        return Path(f"{self.state}-enrolment")

    @property
    def claims(self) -> Path:
        """Claim codes, certificates and revocations."""
        return self.enrolment / "enrolment.db"

    @property
    def revocation_list(self) -> Path:
        """The list of revoked certificates that the broker reads."""
        return self.enrolment / "revoked.pem"

    @property
    def portal_requests(self) -> Path:
        """What hubs ask for: written by the enrolment service, read by whoever obtains their portals' certificates."""
        return self.enrolment / "portal-requests"

    @property
    def portal_plan(self) -> Path:
        """Zones, DNS provider and authority of the hubs' portal certificates; without it there are none."""
        return self.directory / "portal.toml"

    @property
    def portal_credentials(self) -> Path:
        """What the DNS provider wants to know of us; root's alone."""
        return self.directory / "portal.env"

    @property
    def portal(self) -> Path:
        """What came of the requests, and the account at the authority."""
        return Path(f"{self.state}-portal")

    def ingest(self, worker: int) -> Path:
        """The identity of one ingest worker, counted from 1."""
        return self.directory / ("ingest" if worker == 1 else f"ingest-{worker}")

    @property
    def commands(self) -> Path:
        """The key that signs commands, and the identity that brings them to the broker."""
        return self.directory / "commands"

    @property
    def command_book(self) -> Path:
        """What was commanded and answered, in a folder of its own."""
        return Path(f"{self.state}-commands") / "commands.db"

    @property
    def speed(self) -> Path:
        """Key and certificate of the other end of speed tests."""
        return self.directory / "speed"

    @property
    def alarms(self) -> Path:
        """Who is told of alarms, and how; with secrets of the channels."""
        return self.directory / "alarms.toml"

    @property
    def web(self) -> Path:
        """Accounts, the session key and the token of the pages."""
        return self.state / "web"
