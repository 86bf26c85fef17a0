"""A certificate authority of the tests' own, as public ones make them: root, intermediate, server."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime.datetime(2026, 6, 1, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)
_KEY_USES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip


def key_pem(key: ec.EllipticCurvePrivateKey, passphrase: bytes = b"") -> bytes:
    protection = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, protection)


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def _key_usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{use: use in allowed for use in _KEY_USES})


@dataclass
class Authority:
    """A root that a test may trust, and an intermediate that signs."""

    now: datetime.datetime = NOW
    root_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    middle_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def __post_init__(self) -> None:
        self.root = self._authority("Test Root", self.root_key, "Test Root", self.root_key)
        self.middle = self._authority("Test Intermediate", self.middle_key, "Test Root", self.root_key)

    def trust(self, etc: Path) -> None:
        """Put the root into the trust store below ``etc``, and nothing else."""
        store = etc / "ssl/certs/ca-certificates.crt"
        store.parent.mkdir(parents=True, exist_ok=True)
        store.write_bytes(pem(self.root))

    def server(
        self,
        *hosts: str,
        begins: datetime.timedelta = -DAY,
        ends: datetime.timedelta = 90 * DAY,
        self_signed: bool = False,
    ) -> tuple[bytes, bytes]:
        """Chain and key of a server, in PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, signer = ("Test Intermediate", self.middle_key) if not self_signed else (hosts[0], key)
        builder = (
            self._begin(hosts[0], key.public_key(), issuer, signer.public_key(), self.now + begins, self.now + ends)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage("digital_signature"), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        )
        own = builder.sign(signer, hashes.SHA256())
        return (pem(own) if self_signed else pem(own, self.middle)), key_pem(key)

    def _authority(
        self, name: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey
    ) -> x509.Certificate:
        begins, ends = self.now - 365 * DAY, self.now + 3650 * DAY
        return (
            self._begin(name, key.public_key(), issuer, signer.public_key(), begins, ends)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_key_usage("key_cert_sign", "crl_sign"), critical=True)
            .sign(signer, hashes.SHA256())
        )

    @staticmethod
    def _begin(
        name: str,
        key: ec.EllipticCurvePublicKey,
        issuer: str,
        signer: ec.EllipticCurvePublicKey,
        begins: datetime.datetime,
        ends: datetime.datetime,
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begins)
            .not_valid_after(ends)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
        )
