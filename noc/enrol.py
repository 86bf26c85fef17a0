"""The NOC's own certificate authority: it vouches for the broker, for the ingest and for each hub of the inventory.

Keys of hubs are made on the hubs and never travel. The authority's key stays in a folder that only root reads.
All keys are P-256 (ECDSA): small enough for a box, known to every TLS library in use.

Source: RFC 5280 (certificates), RFC 2986 (requests), RFC 6125 (host names in certificates).
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.core.config.village import HUB_ID
from appliance.core.errors import OperationError

# No hub can be called so: hub ids hold no underscore (`appliance.core.config.village.HUB_ID`).
INGEST_NAME: Final = "noc_ingest"
AUTHORITY_DAYS: Final = 3_650
CERTIFICATE_DAYS: Final = 1_825
_HOST: Final = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority's key and certificate. The key never leaves this object but into its own file."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def certificate_pem(self) -> bytes:
        """The certificate, as hubs and broker are given it."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def open_authority(directory: Path, now: datetime.datetime) -> Authority:
    """Read the authority in ``directory``, making it at first run (``ca.key`` 0600 in a 0700 folder).

    Raises:
        OperationError: the folder holds half an authority, or files that are none.
    """
    key_file, certificate_file = directory / "ca.key", directory / "ca.crt"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not key_file.exists() and not certificate_file.exists():
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = _authority_certificate(key, now)
        write_once(certificate_file, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
        write_once(key_file, private_pem(key), 0o600)
    try:
        found = serialization.load_pem_private_key(key_file.read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
    except (OSError, ValueError, TypeError) as error:
        raise OperationError(
            f"{directory}: the authority cannot be read ({error}); put both ca.key and ca.crt back from the backup. "
            "A new authority would lock out every hub that is enrolled"
        ) from None
    if not isinstance(found, ec.EllipticCurvePrivateKey) or found.public_key() != certificate.public_key():
        raise OperationError(f"{directory}: ca.key and ca.crt do not belong together; put both back from the backup")
    return Authority(found, certificate)


def server_certificate(
    authority: Authority, public_key: ec.EllipticCurvePublicKey, hosts: Sequence[str], now: datetime.datetime
) -> bytes:
    """Vouch for the broker under each of ``hosts`` (names or IP addresses); return the certificate as PEM.

    Raises:
        OperationError: a host is neither a name nor an address, or there is none.
    """
    if not hosts:
        raise OperationError("the broker needs at least one host name: the one hubs have in noc.host")
    names = [_general_name(host) for host in hosts]
    builder = _builder(authority, public_key, hosts[0][:64], now).add_extension(
        x509.SubjectAlternativeName(names), critical=False
    )
    return _sign(builder, authority, ExtendedKeyUsageOID.SERVER_AUTH)


def client_certificate(
    authority: Authority, public_key: ec.EllipticCurvePublicKey, common_name: str, now: datetime.datetime
) -> bytes:
    """Vouch for a client called ``common_name``, which becomes its MQTT user name; return the certificate as PEM."""
    return _sign(_builder(authority, public_key, common_name, now), authority, ExtendedKeyUsageOID.CLIENT_AUTH)


def sign_request(
    authority: Authority,
    request_pem: bytes,
    is_in_inventory: Callable[[str], bool],
    now: datetime.datetime,
    hub_id: str | None = None,
) -> tuple[str, bytes]:
    """Sign a hub's request; return the hub id and the certificate as PEM.

    Nothing but the public key and the common name is taken from the request.

    Raises:
        OperationError: the request is damaged, of another kind of key, asks for another name than ``hub_id``, or
            asks for a hub that is not in the inventory.
    """
    try:
        request = x509.load_pem_x509_csr(request_pem)
        if not request.is_signature_valid:
            raise InvalidSignature
    except (ValueError, TypeError, InvalidSignature):
        raise OperationError(
            "this is no certificate request, or it is damaged; run desahub enrol request again"
        ) from None
    key = request.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise OperationError("the request's key is not P-256; make the request with desahub enrol request")
    names = [str(each.value) for each in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if len(names) != 1 or not HUB_ID.holds(names[0]):
        raise OperationError(f"the request names {names or 'nobody'}; a hub's name: {HUB_ID.allowed}")
    name = names[0]
    if hub_id is not None and name != hub_id:
        raise OperationError(f"the request is of {name}, not of {hub_id}; nothing was signed")
    if not is_in_inventory(name):
        raise OperationError(f"{name} is not in the inventory; add it first: desahub-noc hub add --hub-id {name} …")
    return name, client_certificate(authority, key, name, now)


def private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Write a key as PEM, without a passphrase: the file's mode guards it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def write_once(path: Path, content: bytes, mode: int) -> None:
    """Make a file that no one else could read for a moment; refuse to overwrite.

    Raises:
        OperationError: the file exists or cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OperationError(f"{path}: {error.strerror}") from None


def _authority_certificate(key: ec.EllipticCurvePrivateKey, now: datetime.datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Internet Desa Hub NOC")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_before(now))
        .not_valid_after(now + datetime.timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _builder(
    authority: Authority, public_key: ec.EllipticCurvePublicKey, common_name: str, now: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(authority.certificate.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_before(now))
        .not_valid_after(
            min(now + datetime.timedelta(days=CERTIFICATE_DAYS), authority.certificate.not_valid_after_utc)
        )
    )


def _sign(builder: x509.CertificateBuilder, authority: Authority, usage: x509.ObjectIdentifier) -> bytes:
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority.key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _before(now: datetime.datetime) -> datetime.datetime:
    # A box without a clock battery may live a little in the past when it first connects.
    return now - datetime.timedelta(days=1)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not _HOST.fullmatch(host):
        raise OperationError(f"{host!r} is neither a host name nor an IP address")
    return x509.DNSName(host)
