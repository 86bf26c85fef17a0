"""A signing service in memory, with the refusals of the real one. For tests and the practice mode."""

from __future__ import annotations

from dataclasses import dataclass, field

from appliance.core.errors import (
    CertificateEnded,
    PassphraseWrong,
    SignatureRefused,
    SignerAway,
    SignerUnknown,
)
from appliance.papers.signing import SignerState, Standing, check_nik, check_request


@dataclass
class TwinSigner:
    """One service.

    Args:
        passphrases: of officials, by NIK.
        ended: NIKs whose certificate is over.
        not_yet: NIKs that are registered and have no certificate.
    """

    passphrases: dict[str, str] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)
    not_yet: set[str] = field(default_factory=set)
    is_reachable: bool = True
    refuses: str = ""
    signed_count: int = 0

    def sign(self, pdf: bytes, nik_of_official: str, passphrase: str) -> bytes:
        """As `appliance.papers.signing.Signer.sign`; what it adds is a comment at the end of the PDF."""
        check_request(pdf, nik_of_official, passphrase)
        standing = self.standing(nik_of_official)
        if standing is Standing.UNKNOWN:
            raise SignerUnknown("the service knows nobody with this NIK")
        if standing is not Standing.USABLE:
            raise CertificateEnded("the certificate cannot be used")
        if self.passphrases[nik_of_official] != passphrase:
            raise PassphraseWrong("the service does not take this passphrase")
        if self.refuses:
            raise SignatureRefused(self.refuses)
        self.signed_count += 1
        return pdf + b"\n% signed /Type /Sig /ByteRange\n%%EOF\n"

    def standing(self, nik_of_official: str) -> Standing:
        """As `appliance.papers.signing.Signer.standing`."""
        check_nik(nik_of_official)
        if not self.is_reachable:
            raise SignerAway("the service does not answer")
        if nik_of_official in self.not_yet:
            return Standing.NOT_YET
        if nik_of_official in self.ended:
            return Standing.ENDED
        return Standing.USABLE if nik_of_official in self.passphrases else Standing.UNKNOWN

    def state(self) -> SignerState:
        """As `appliance.papers.signing.Signer.state`."""
        return SignerState(is_configured=True, is_reachable=True)
