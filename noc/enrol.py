"""The NOC's own certificate authority: it vouches for the broker, for the NOC's services and for each hub.

Keys of hubs are made on the hubs and never travel. The authority's key stays in a folder that only the enrolment
service and root read. All keys are P-256 (ECDSA): small enough for a box, known to every TLS library in use.

A hub's certificate is short-lived and renewed in time. Those of the NOC's own services stand beside the authority's
key and live as long as the authority. They begin when the authority began, whenever they were made: a box that does not
know the date, but knows the authority, would otherwise refuse one that is newer than its clock.

Source: RFC 5280 (certificates, revocation lists), RFC 2986 (requests), RFC 6125 (host names in certificates).
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from appliance.core.config.village import HUB_ID
from appliance.core.errors import OperationError

# Each ingest worker its own name: two clients of one name throw each other out of the broker.
INGEST_WORKERS_MAX: Final = 16
COMMANDS_NAME: Final = "noc-commands"
AUTHORITY_DAYS: Final = 3_650
CERTIFICATE_DAYS: Final = 90
CERTIFICATE_DAYS_MIN: Final = 1
CERTIFICATE_DAYS_MAX: Final = 825
_EARLIER: Final = datetime.timedelta(days=1)
_RESERVED: Final = re.compile(r"(ingest|noc)(-.*)?")
_HOST: Final = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*"
)


def ingest_name(worker: int) -> str:
    """Name the certificate of an ingest worker, counted from 1 to `INGEST_WORKERS_MAX`."""
    if not 1 <= worker <= INGEST_WORKERS_MAX:
        raise ValueError(f"ingest worker {worker}: allowed are 1 to {INGEST_WORKERS_MAX}")
    return f"ingest-{worker}"


INGEST_NAME: Final = ingest_name(1)


def require_hub_name(name: str) -> None:
    """Refuse what no hub can be called: the broker lets the NOC's own services do more.

    Raises:
        OperationError: the name is no hub id, or one of the NOC's own.
    """
    if not HUB_ID.holds(name):
        raise OperationError(f"{name[:60]!r} is no hub id; {HUB_ID.allowed}")
    if _RESERVED.fullmatch(name):
        raise OperationError(f"{name!r} is kept for the NOC's own services; allowed is a name without ingest- or noc-")


@dataclass(frozen=True, slots=True)
class Authority:
    """The authority's key and certificate. The key never leaves this object but into its own file."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def certificate_pem(self) -> bytes:
        """The certificate, as hubs and broker are given it."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def open_authority(directory: Path, now: datetime.datetime, *, make: bool = True) -> Authority:
    """Read the authority in ``directory``; ``make`` it at first run (``ca.key`` 0600 in a 0700 folder).

    Raises:
        OperationError: the folder holds half an authority, files that are none, or nothing and nothing is to be made.
    """
    key_file, certificate_file = directory / "ca.key", directory / "ca.crt"
    if not key_file.exists() and not certificate_file.exists():
        if not make:
            raise OperationError(f"{directory}: no authority here; run desahub-noc init first, as root")
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
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


def server_certificate(authority: Authority, public_key: ec.EllipticCurvePublicKey, hosts: Sequence[str]) -> bytes:
    """Vouch for a server under each of ``hosts`` (names or IP addresses); return the certificate as PEM.

    Raises:
        OperationError: a host is neither a name nor an address, or there is none.
    """
    if not hosts:
        raise OperationError("a server needs at least one host name: the one hubs have in noc.host")
    names = [_general_name(host) for host in hosts]
    builder = _builder(authority, public_key, hosts[0][:64], *_life_of(authority)).add_extension(
        x509.SubjectAlternativeName(names), critical=False
    )
    return _pem(_sign(builder, authority, ExtendedKeyUsageOID.SERVER_AUTH))


def service_certificate(authority: Authority, public_key: ec.EllipticCurvePublicKey, common_name: str) -> bytes:
    """Vouch for a service of the NOC towards the broker, under its MQTT user name; return the certificate as PEM."""
    builder = _builder(authority, public_key, common_name, *_life_of(authority))
    return _pem(_sign(builder, authority, ExtendedKeyUsageOID.CLIENT_AUTH))


def hub_certificate(
    authority: Authority,
    public_key: ec.EllipticCurvePublicKey,
    hub_id: str,
    now: datetime.datetime,
    lifetime: datetime.timedelta,
) -> x509.Certificate:
    """Vouch for a hub, whose id becomes its MQTT user name, from now for ``lifetime``."""
    end = min(now + lifetime, authority.certificate.not_valid_after_utc)
    return _sign(_builder(authority, public_key, hub_id, _before(now), end), authority, ExtendedKeyUsageOID.CLIENT_AUTH)


def read_request(request_pem: bytes) -> tuple[str, ec.EllipticCurvePublicKey]:
    """Read a hub's request: the hub id and the public key, which is all that is taken from it.

    Raises:
        OperationError: the request is damaged, of another kind of key, or names what no hub can be called.
    """
    try:
        request = x509.load_pem_x509_csr(request_pem)
        if not request.is_signature_valid:
            raise InvalidSignature
        key = request.public_key()
        names = [str(each.value) for each in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        raise OperationError(
            "this is no certificate request, or it is damaged; run desahub enrol request again"
        ) from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise OperationError("the request's key is not P-256; make the request with desahub enrol request")
    if len(names) != 1:
        raise OperationError(f"the request names {len(names)} hubs; a request is of one")
    require_hub_name(names[0])
    return names[0], key


def sign_request(
    authority: Authority,
    request_pem: bytes,
    is_in_inventory: Callable[[str], bool],
    now: datetime.datetime,
    hub_id: str | None = None,
    *,
    days: int = CERTIFICATE_DAYS,
) -> tuple[str, bytes]:
    """Sign a hub's request; return the hub id and the certificate as PEM.

    Nothing but the public key and the common name is taken from the request.

    Raises:
        OperationError: the request is damaged, of another kind of key, asks for another name than ``hub_id``, or
            asks for a hub that is not in the inventory.
    """
    name, key = read_request(request_pem)
    if hub_id is not None and name != hub_id:
        raise OperationError(f"the request is of {name}, not of {hub_id}; nothing was signed")
    if not is_in_inventory(name):
        raise OperationError(f"{name} is not in the inventory; add it first: desahub-noc hub add --hub-id {name} …")
    return name, _pem(hub_certificate(authority, key, name, now, datetime.timedelta(days=days)))


def is_of(authority: Authority, certificate: x509.Certificate) -> bool:
    """Tell whether this authority signed the certificate, whatever its dates."""
    try:
        certificate.verify_directly_issued_by(authority.certificate)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def made_s(certificate: x509.Certificate) -> int:
    """Say when a hub's certificate was made, in seconds of UTC since 1970."""
    return int((certificate.not_valid_before_utc + _EARLIER).timestamp())


def revocation_list(authority: Authority, serials: Collection[int], now: datetime.datetime) -> bytes:
    """Sign the list of certificates that are revoked, as PEM; an empty one is a list too.

    It is good until the authority ends: the broker reads it from its own disk, and one that had run out would lock
    every hub out. Of two lists OpenSSL takes the later, so each must be made at a later second than the one before.
    """
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.certificate.subject)
        .last_update(now)
        .next_update(authority.certificate.not_valid_after_utc)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()), critical=False)
        .add_extension(x509.CRLNumber(int(now.timestamp())), critical=False)
    )
    for serial in sorted(serials):
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(now)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(authority.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


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


def _life_of(authority: Authority) -> tuple[datetime.datetime, datetime.datetime]:
    return authority.certificate.not_valid_before_utc, authority.certificate.not_valid_after_utc


def _builder(
    authority: Authority,
    public_key: ec.EllipticCurvePublicKey,
    common_name: str,
    begin: datetime.datetime,
    end: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(authority.certificate.subject)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _sign(builder: x509.CertificateBuilder, authority: Authority, usage: x509.ObjectIdentifier) -> x509.Certificate:
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    return (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(authority.key, hashes.SHA256())
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


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
    return now - _EARLIER


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not _HOST.fullmatch(host):
        raise OperationError(f"{host!r} is neither a host name nor an IP address")
    return x509.DNSName(host)
