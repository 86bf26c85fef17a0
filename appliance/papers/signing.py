"""Sign papers with an official's electronic certificate: what may be asked, whoever does it.

The real one, `SignerClient`, asks the box's own `desahub-signer`, which has the network; `twin_signer` is in memory.
The passphrase is an argument of one call: nobody keeps it, and no text of an error or a log holds it.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final, Protocol

from appliance.core.errors import SignatureRefused, SignerAway

PDF_BYTES_MAX: Final = 4_000_000
PASSPHRASE_LENGTH_MAX: Final = 128


class Standing(enum.StrEnum):
    """What the service says of an official's certificate."""

    USABLE = "usable"
    UNKNOWN = "unknown"  # nobody with this NIK
    ENDED = "ended"  # expired, revoked or suspended
    NOT_YET = "not_yet"  # registered, and no certificate was issued so far


@dataclass(frozen=True, slots=True)
class SignerState:
    """Can papers be signed here? ``is_configured`` False: hub.toml has no [signature]. ``message`` is English."""

    is_configured: bool
    is_reachable: bool
    message: str = ""


class Signer(Protocol):
    """Signs with the certificate of an official, who is there and gives the passphrase."""

    def sign(self, pdf: bytes, nik_of_official: str, passphrase: str) -> bytes:
        """Return ``pdf`` with a signature. Takes up to `appliance.papers.signer_client.SIGN_SECONDS`.

        Raises:
            PassphraseWrong: ask again.
            CertificateEnded: the official must renew it with the certification authority.
            SignerUnknown: no certificate for this NIK.
            SignatureRefused: this paper is not signed.
            SignerAway: no answer; the letter waits, or is signed by hand.
        """
        ...

    def standing(self, nik_of_official: str) -> Standing:
        """What the service says of an official. Raises `SignerAway`, `SignatureRefused`."""
        ...

    def state(self) -> SignerState:
        """Can papers be signed here? Does not raise, and asks nobody outside the box."""
        ...


class NoSigner:
    """Letters are signed by hand here."""

    def sign(self, pdf: bytes, nik_of_official: str, passphrase: str) -> bytes:
        """Refuse. Raises `SignerAway`, and `SignatureRefused` as any signer."""
        check_request(pdf, nik_of_official, passphrase)
        raise SignerAway("hub.toml has no [signature]: letters are signed by hand, see docs/config.md")

    def standing(self, nik_of_official: str) -> Standing:
        """Refuse. Raises `SignerAway`, and `SignatureRefused` as any signer."""
        check_nik(nik_of_official)
        raise SignerAway("hub.toml has no [signature]")

    def state(self) -> SignerState:
        """Not configured."""
        return SignerState(is_configured=False, is_reachable=False)


NO_SIGNER: Final[Signer] = NoSigner()


def check_request(pdf: bytes, nik_of_official: str, passphrase: str) -> None:
    """Check what is to be signed before anybody is asked.

    Raises:
        SignatureRefused: with what is allowed; neither NIK nor passphrase stands in the text.
    """
    if not is_whole_pdf(pdf):
        raise SignatureRefused("this is no whole PDF")
    if len(pdf) > PDF_BYTES_MAX:
        raise SignatureRefused(f"the paper has {len(pdf)} bytes; allowed are at most {PDF_BYTES_MAX}")
    check_nik(nik_of_official)
    if not 0 < len(passphrase) <= PASSPHRASE_LENGTH_MAX or not passphrase.isprintable():
        raise SignatureRefused(f"a passphrase has 1 to {PASSPHRASE_LENGTH_MAX} printable characters")


def check_nik(nik: str) -> None:
    """Raise `SignatureRefused` for what cannot be a NIK."""
    if not (len(nik) == 16 and nik.isascii() and nik.isdigit()):
        raise SignatureRefused("the official's NIK has 16 digits: correct it in the list of officials")


def is_whole_pdf(data: bytes) -> bool:
    """Does it begin and end as a PDF does? A download that was cut does not. Source: ISO 32000-1, 7.5.2 and 7.5.5."""
    return data.startswith(b"%PDF-") and b"%%EOF" in data[-1024:]
