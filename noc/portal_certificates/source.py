"""The seam to whoever gives certificates: the real one runs Debian's lego, the tests' twin signs by itself."""

from __future__ import annotations

import enum
from typing import Final, Protocol


class Trouble(enum.StrEnum):
    """What stands in the way, by whom it concerns."""

    BEGUN = "begun"
    RATE_LIMITED = "rate_limited"
    CA_AWAY = "ca_away"
    ACCOUNT = "account"
    PROVIDER = "provider"
    DNS_UPDATE = "dns_update"
    NOT_SEEN = "not_seen"
    REFUSED = "refused"
    OTHER = "other"


# With these the next hub would fare no better: all wait.
OF_ALL: Final = frozenset({Trouble.RATE_LIMITED, Trouble.CA_AWAY, Trouble.ACCOUNT, Trouble.PROVIDER})
SAID: Final = {
    Trouble.BEGUN: "it is being tried, or the last try was cut short",
    Trouble.RATE_LIMITED: "the authority wants to be asked less often; all wait",
    Trouble.CA_AWAY: "the authority cannot be reached, or is in trouble itself",
    Trouble.ACCOUNT: "the authority does not take this NOC's account: email and terms_agreed in portal.toml",
    Trouble.PROVIDER: "the DNS provider is not set up: provider in portal.toml, its words in portal.env",
    Trouble.DNS_UPDATE: "the DNS provider did not take the record: is the zone there, and are the words in portal.env "
    "right?",
    Trouble.NOT_SEEN: "the record was written, but is not seen: do the zone's name servers answer the world, and with "
    "what was written?",
    Trouble.REFUSED: "the authority gives nobody a certificate for this name: a CAA record, or no such zone",
    Trouble.OTHER: "something else is wrong",
}


class Failed(Exception):  # noqa: N818 - reads as the sentence it is where it is caught
    """No certificate this time. ``detail`` is what was said, for an operator, without secrets."""

    def __init__(self, trouble: Trouble, detail: str = "") -> None:
        self.trouble, self.detail = trouble, detail
        super().__init__(f"{SAID[trouble]} ({detail})" if detail else SAID[trouble])


class CertificateSource(Protocol):
    """Obtains certificates, one at a time."""

    def obtain(self, request_pem: bytes) -> bytes:
        """Prove the names of a request and return the chain, the own certificate first, as PEM.

        Raises:
            Failed: no certificate; nothing of the try is left in the DNS that could be taken away.
        """
        ...
