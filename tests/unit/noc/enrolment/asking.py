"""A box that asks for certificates, as the tests of the service see it."""

from __future__ import annotations

import base64
import datetime
import json
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.core.enrolment import renewal_text
from noc import enrol
from noc.enrolment import claims
from noc.enrolment.desk import EnrolmentDesk
from noc.enrolment.ledger import Ledger, open_ledger
from noc.enrolment.portal_desk import PortalDesk
from noc.portal_certificates.spool import Spool

START = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def request(hub_id: str, key: ec.EllipticCurvePrivateKey) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hub_id)])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


@dataclass
class Noc:
    """A desk whose clock stands until it is told."""

    folder: Path
    now: datetime.datetime = START
    lifetime: datetime.timedelta = datetime.timedelta(days=90)
    authority: enrol.Authority = field(init=False)
    ledger: Ledger = field(init=False)
    desk: EnrolmentDesk = field(init=False)
    spool: Spool = field(init=False)
    portal_desk: PortalDesk = field(init=False)

    def __post_init__(self) -> None:
        self.authority = enrol.open_authority(self.folder / "authority", self.now)
        self.ledger = open_ledger(self.folder / "enrolment.db", lambda: int(self.now.timestamp()))
        self.desk = EnrolmentDesk(self.authority, self.ledger, self.lifetime, lambda: self.now, self._seconds)
        self.spool = Spool(self.folder / "portal-requests", self.folder / "portal")
        self.portal_desk = PortalDesk(
            self.authority, self.ledger, self.desk.nonces, self.spool, self.folder / "portal.toml"
        )

    def _seconds(self) -> float:
        return self.now.timestamp()

    def pass_days(self, days: float) -> None:
        self.now += datetime.timedelta(days=days)

    def code(self, hub_id: str, days: int = 30) -> str:
        """Make a claim code; its secret part is what the service is asked with."""
        return claims.make(self.ledger, self.authority, hub_id, days).replace("-", "")[:8]

    def claim(self, hub_id: str, code: str, key: ec.EllipticCurvePrivateKey, address: str = "a") -> bytes:
        body = {"hub": hub_id, "code": code, "request": request(hub_id, key)}
        return certificate_in(self.desk.claim(json.dumps(body).encode(), address))

    def renew(
        self, certificate: bytes, old: ec.EllipticCurvePrivateKey, new: ec.EllipticCurvePrivateKey, **changed: str
    ) -> bytes:
        body = self.renewal(certificate, old, new) | changed
        return certificate_in(self.desk.renew(json.dumps(body).encode(), "a"))

    def renewal(
        self, certificate: bytes, old: ec.EllipticCurvePrivateKey, new: ec.EllipticCurvePrivateKey
    ) -> dict[str, str]:
        name = x509.load_pem_x509_certificate(certificate).subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0]
        asked, nonce = request(str(name.value), new), self.desk.nonces.make()
        signature = old.sign(renewal_text(nonce, asked.encode()), ec.ECDSA(hashes.SHA256()))
        return {
            "certificate": certificate.decode(),
            "request": asked,
            "nonce": nonce,
            "signature": base64.b64encode(signature).decode(),
        }


def certificate_in(pem: bytes) -> bytes:
    """Check that it is one, and hand it on."""
    x509.load_pem_x509_certificate(pem)
    return pem
