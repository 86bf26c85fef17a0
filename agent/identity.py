"""A box's identity towards the NOC: its key is made here and never leaves; a certificate comes back.

Files in its folder: ``hub.key``, ``hub.crt`` and ``ca.crt``. A new identity is prepared beside them under ``.next``,
the certificate last: once that is there the new one is whole, and `settle` puts it in place, also after a power cut
between two renames. ``hub.key.next`` alone is a key that waits for an answer; the NOC gives one key the same answer
twice.

The modification time of ``hub.crt`` is the begin of its validity, by the NOC's clock: `appliance.system.clock_floor`
takes it for a moment that has passed.

Source: RFC 2986 (certificate requests).
"""

from __future__ import annotations

import base64
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance.core.enrolment import renewal_due_s, renewal_text
from appliance.core.errors import OperationError

KEY, CERTIFICATE, AUTHORITY = "hub.key", "hub.crt", "ca.crt"
_NEXT = ".next"


def request(directory: Path, hub_id: str) -> bytes:
    """Make the key where there is none (0600 in a 0700 folder), and a certificate request for ``hub_id`` as PEM.

    Raises:
        OperationError: the folder cannot be written, or holds a key that cannot be read.
    """
    return _request(directory, KEY, hub_id)


def request_next(directory: Path, hub_id: str) -> bytes:
    """Make a request for ``hub_id`` with a new key, which waits beside the one in use; asked again, with the same one.

    Raises:
        OperationError: as `request`.
    """
    return _request(directory, KEY + _NEXT, hub_id)


def install(directory: Path, hub_id: str, certificate_pem: bytes, authority_pem: bytes) -> None:
    """Put the certificate for the key of `request` in use.

    Raises:
        OperationError: the certificate is not of this key, not of ``hub_id``, or not signed by this authority;
            nothing was changed.
    """
    _check(directory / KEY, hub_id, certificate_pem, authority_pem)
    _prepare(directory, certificate_pem, authority_pem)


def install_next(directory: Path, hub_id: str, certificate_pem: bytes, authority_pem: bytes) -> None:
    """Put the certificate for the key of `request_next` in use, with that key.

    Raises:
        OperationError: as `install`.
    """
    _check(directory / (KEY + _NEXT), hub_id, certificate_pem, authority_pem)
    _prepare(directory, certificate_pem, authority_pem)


def settle(directory: Path) -> None:
    """Finish what a power cut left half done.

    Raises:
        OperationError: the folder cannot be written.
    """
    try:
        if not (directory / (CERTIFICATE + _NEXT)).exists():
            return
        for name in (AUTHORITY, KEY, CERTIFICATE):
            waiting = directory / (name + _NEXT)
            if waiting.exists():
                waiting.replace(directory / name)
        _sync(directory)
    except OSError as error:
        raise OperationError(f"{error.filename}: {error.strerror}") from None


def certificate(directory: Path) -> x509.Certificate | None:
    """Read the certificate in use; None where there is none.

    Raises:
        OperationError: the file cannot be read, or is no certificate.
    """
    path = directory / CERTIFICATE
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise OperationError(f"{path}: {error.strerror}") from None
    except ValueError:
        raise OperationError(f"{path}: is no certificate; ask the NOC for a claim code: sudo desahub claim") from None


def name_of(found: x509.Certificate) -> str:
    """Say whose certificate it is, "" if that is not one name."""
    names = [str(each.value) for each in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return names[0] if len(names) == 1 else ""


def due_s(found: x509.Certificate) -> int:
    """Say from when on a certificate is to be renewed, in seconds of UTC since 1970."""
    begin, end = found.not_valid_before_utc, found.not_valid_after_utc
    return renewal_due_s(int(begin.timestamp()), int(end.timestamp()), found.serial_number)


def prove(directory: Path, nonce: str, request_pem: bytes, text: Callable[[str, bytes], bytes] = renewal_text) -> str:
    """Sign, with the key in use, that it asks for this request; in base64. ``text`` makes what is signed.

    Raises:
        OperationError: the key cannot be read.
    """
    made = _key(directory / KEY).sign(text(nonce, request_pem), ec.ECDSA(hashes.SHA256()))
    return base64.b64encode(made).decode("ascii")


def _request(directory: Path, name: str, hub_id: str) -> bytes:
    try:
        _make(directory)
        path = directory / name
        if not path.exists():
            made = ec.generate_private_key(ec.SECP256R1())
            pem = made.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            write(path, pem, 0o600)
        key = _key(path)
    except OSError as error:
        raise OperationError(f"{error.filename}: {error.strerror}") from None
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, hub_id)])
    made_request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made_request.public_bytes(serialization.Encoding.PEM)


def _check(key_path: Path, hub_id: str, certificate_pem: bytes, authority_pem: bytes) -> None:
    try:
        found = x509.load_pem_x509_certificate(certificate_pem)
        authority = x509.load_pem_x509_certificate(authority_pem)
    except ValueError:
        raise OperationError("one of the two files is no certificate in PEM; nothing was changed") from None
    if not key_path.exists():
        raise OperationError(f"{key_path}: no key here; run desahub enrol request first")
    if found.public_key() != _key(key_path).public_key():
        raise OperationError("the certificate was made for another key; ask the NOC to sign this box's newest request")
    if name_of(found) != hub_id:
        raise OperationError(f"the certificate is of {name_of(found) or 'nobody'}; this box is {hub_id}")
    try:
        found.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        raise OperationError("the certificate was not signed by this authority; nothing was changed") from None


def _prepare(directory: Path, certificate_pem: bytes, authority_pem: bytes) -> None:
    write(directory / (AUTHORITY + _NEXT), authority_pem, 0o644)
    begin_s = int(x509.load_pem_x509_certificate(certificate_pem).not_valid_before_utc.timestamp())
    write(directory / (CERTIFICATE + _NEXT), certificate_pem, 0o644, begin_s)
    settle(directory)


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError):
        key = None
    except OSError as error:
        raise OperationError(f"{path}: {error.strerror}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise OperationError(f"{path}: is no P-256 key; move it away and run desahub enrol request again")
    return key


def _make(directory: Path) -> None:
    if directory.is_dir():
        return
    directory.mkdir(mode=0o700, parents=True)
    # The folder around it is the agent's: what has this name by now must be what was made, and no link out of there.
    made = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _give(made, directory.parent)
    finally:
        os.close(made)


def _give(descriptor: int, like: Path) -> None:
    """Give an open file to the owner of ``like``: root may run this, the agent must read it."""
    if os.geteuid() == 0:
        owner = like.stat()
        os.chown(descriptor, owner.st_uid, owner.st_gid)


def write(path: Path, content: bytes, mode: int, modified_s: int | None = None) -> None:
    """Replace a file of the agent's in one step, durably, with the owner of its folder.

    Raises:
        OperationError: it cannot be written; the old one is untouched.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new", delete=False) as file:
            try:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), mode)
                _give(file.fileno(), path.parent)
                if modified_s is not None:
                    os.utime(file.fileno(), (modified_s, modified_s))
                os.fsync(file.fileno())
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
        _sync(path.parent)
    except OSError as error:
        raise OperationError(f"{path}: {error.strerror}") from None


def _sync(directory: Path) -> None:
    folder = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
