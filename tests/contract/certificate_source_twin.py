"""A `CertificateSource` in memory: it signs by itself, remembers what it was asked, and fails when it is told to."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from noc.portal_certificates import csr
from noc.portal_certificates.source import Failed, Trouble
from tests.authority import DAY, Authority, pem


class CertificateSourceTwin:
    """``zones`` are where names can be proved; ``trouble`` is in the way of all, until it is None again."""

    def __init__(self, authority: Authority, zones: Sequence[str], life: datetime.timedelta = 90 * DAY) -> None:
        self.authority, self.zones, self.life = authority, tuple(zones), life
        self.trouble: Trouble | None = None
        self.asked: list[tuple[str, ...]] = []

    def obtain(self, request_pem: bytes) -> bytes:
        found = csr.read_request(request_pem)
        self.asked.append(found.names)
        if self.trouble is not None:
            raise Failed(self.trouble, "as told")
        if not all(any(name.endswith(f".{zone}") for zone in self.zones) for name in found.names):
            raise Failed(Trouble.DNS_UPDATE, "no zone")
        key = x509.load_pem_x509_csr(request_pem).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        return self.sign(key, *found.names)

    def sign(self, key: ec.EllipticCurvePublicKey, *names: str) -> bytes:
        authority, now = self.authority, self.authority.now
        builder = (
            authority._begin(
                names[0], key, "Test Intermediate", authority.middle_key.public_key(), now - DAY, now + self.life
            )
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        )
        return pem(builder.sign(authority.middle_key, hashes.SHA256()), authority.middle)
