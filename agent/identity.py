"""A box's identity towards the NOC: its key is made here and never leaves; a certificate comes back.

Source: RFC 2986 (certificate requests).
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.core.errors import OperationError


def request(directory: Path, hub_id: str) -> bytes:
    """Make the key where there is none (0600 in a 0700 folder), and a certificate request for ``hub_id`` as PEM.

    Raises:
        OperationError: the folder cannot be written, or holds a key that cannot be read.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = directory / "hub.key"
        if not path.exists():
            made = ec.generate_private_key(ec.SECP256R1())
            pem = made.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            _write(path, pem, 0o600)
        key = _key(path)
    except OSError as error:
        raise OperationError(f"{error.filename}: {error.strerror}") from None
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hub_id)])
    made_request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made_request.public_bytes(serialization.Encoding.PEM)


def install(directory: Path, hub_id: str, certificate_pem: bytes, authority_pem: bytes) -> None:
    """Put the signed certificate beside the key, the authority's first, so that a half-installed identity is none.

    Raises:
        OperationError: the certificate is not of this key, not of ``hub_id``, or not signed by this authority;
            nothing was changed.
    """
    try:
        certificate = x509.load_pem_x509_certificate(certificate_pem)
        authority = x509.load_pem_x509_certificate(authority_pem)
    except ValueError:
        raise OperationError("one of the two files is no certificate in PEM; nothing was changed") from None
    path = directory / "hub.key"
    if not path.exists():
        raise OperationError(f"{path}: no key here; run desahub enrol request first")
    if certificate.public_key() != _key(path).public_key():
        raise OperationError("the certificate was made for another key; ask the NOC to sign this box's newest request")
    names = [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [hub_id]:
        raise OperationError(f"the certificate is of {', '.join(names) or 'nobody'}; this box is {hub_id}")
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        raise OperationError("the certificate was not signed by this authority; nothing was changed") from None
    try:
        _write(directory / "ca.crt", authority_pem, 0o644)
        _write(directory / "hub.crt", certificate_pem, 0o644)
    except OSError as error:
        raise OperationError(f"{error.filename}: {error.strerror}") from None


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise OperationError(f"{path}: is no P-256 key; move it away and run desahub enrol request again")
    return key


def _write(path: Path, content: bytes, mode: int) -> None:
    """Replace a file in one step, durably, with the owner of its folder (the agent's user, when root runs this)."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new", delete=False) as file:
        file.write(content)
        file.flush()
        os.fchmod(file.fileno(), mode)
        if os.geteuid() == 0:
            owner = path.parent.stat()
            os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
        os.fsync(file.fileno())
    Path(file.name).replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
