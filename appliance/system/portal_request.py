"""The portal's certificate from the NOC: the key is made here, a request goes out, a chain comes back and is judged.

Root makes key and request and judges what comes; the agent's user carries the request out and the chain in, and never
sees a portal's key. What it carries is no more believed than a file on a memory stick::

    certificate/next-privkey.pem                     root's alone: the key that waits for its chain
    rendered/portal-request.pem                      for the agent, as long as something is asked for
    /run/desahub-portal-request/fullchain.pem        from the agent
    /run/desahub-portal-request/answer.json          from the agent: what the NOC said last
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.core.clock import WallQuality
from appliance.core.config import Config
from appliance.core.config.portal import PRIVATE_NAMES, CertificateFrom
from appliance.core.enrolment import KEY_REUSED, NAME_REFUSED, PORTAL_NAMES_MAX, renewal_due_s
from appliance.system import certificate, files
from appliance.system.certificate import CHAIN_FILE, KEY_FILE, Delivered, Judgement, WallClock
from appliance.system.roots import REAL, Roots

NEXT_KEY_FILE: Final = "next-privkey.pem"
# The digest of the chain that the NOC delivered; of another chain it says nothing.
ORIGIN_FILE: Final = "from-noc"
REQUEST_FILE: Final = "portal-request.pem"
ANSWER_FILE: Final = "answer.json"
FOLDER: Final = "desahub-portal-request"
# A key whose chain is no good is not replaced by another sooner: authorities count, and allow five a week.
KEY_LASTS: Final = datetime.timedelta(days=7)
_PRIVATE_MODE: Final = 0o600


@dataclass(frozen=True, slots=True)
class Said:
    """What the NOC said last, for this very request: a `PortalState`, or the code of a refusal; in words."""

    code: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """How it stands, for `desahub doctor`.

    ``is_from_noc`` is of the certificate that was delivered, ``refused`` why the one that came is not used, "" if none.
    """

    is_from_noc: bool
    is_asked: bool
    said: Said = Said()
    refused: str = ""


def names(config: Config) -> tuple[str, ...]:
    """What is asked for: the portal's name, and what else of this box's names a public authority may vouch for."""
    others = (name for name in certificate.other_names(config) if not name.endswith(PRIVATE_NAMES))
    return (config.portal.host, *others)[:PORTAL_NAMES_MAX]


def take(config: Config, clock: WallClock, roots: Roots = REAL) -> Judgement | None:
    """Put what the NOC delivered into the certificate's place, if phones will trust it; None where nothing came.

    Raises:
        OperationError: a file cannot be written; what was in use still is.
    """
    found = _came(config, clock, roots)
    if found is None:
        return None
    delivered, judgement = found
    if judgement.is_usable:
        folder = certificate.folder(roots)
        # The next key stays until both are there: cut short here, the next run does all of it again.
        files.write_durably(folder / KEY_FILE, delivered.key.decode("ascii"), _PRIVATE_MODE)
        files.write_durably(folder / CHAIN_FILE, delivered.chain.decode("ascii"), 0o644)
        files.write_durably(folder / ORIGIN_FILE, _digest(delivered.chain), 0o644)
        _drop(roots)
    return judgement


def keep_up(config: Config, clock: WallClock, roots: Roots = REAL) -> bool:
    """Ask for a certificate while one is due, and for none otherwise; returns whether one is asked for.

    Raises:
        OperationError: a file cannot be written.
    """
    key, path = _next_key(roots), _request_path(roots)
    asked = _read(path)
    is_from_noc = config.portal.certificate is CertificateFrom.NOC
    if not is_from_noc or not _is_due(config, clock, roots):
        if is_from_noc and asked and clock.quality is WallQuality.UNKNOWN:
            # A clock that nobody set is behind: what was due then is due. With another key all would be obtained again.
            return True
        _drop(roots)
        return False
    before = _asked_names(asked)
    said = _said(asked, roots)
    wanted = _given(names(config), before, said)
    is_other = before not in ((), wanted) and said.code != NAME_REFUSED
    if key is None or is_other or _is_worn(config, clock, said, roots):
        # Another key is another request; with one key nobody asks for two things.
        key = _make_key(roots)
    # Also where a cut left a request for the key before this one: its chain would fit nothing.
    if before != wanted or not _is_by(asked, key):
        files.write_durably(path, _request(key, wanted), 0o644)
    return True


def facts(config: Config, clock: WallClock, roots: Roots = REAL) -> Facts | None:
    """Look how it stands; None where the NOC delivers no certificate. Raises nothing."""
    if config.portal.certificate is not CertificateFrom.NOC:
        return None
    folder = certificate.folder(roots)
    asked = _read(_request_path(roots))
    found = _came(config, clock, roots)
    return Facts(
        is_from_noc=_read(folder / ORIGIN_FILE).decode("ascii", "replace") == _digest(_read(folder / CHAIN_FILE)),
        is_asked=bool(asked),
        said=_said(asked, roots),
        refused=found[1].because if found is not None and not found[1].is_usable else "",
    )


def request_digest(request_pem: bytes) -> str:
    """Name a request, so that an answer says which one it is of."""
    return hashlib.sha256(request_pem).hexdigest()


def _came(config: Config, clock: WallClock, roots: Roots) -> tuple[Delivered, Judgement] | None:
    """What the agent brought for the next key, judged exactly as one that a technician delivers."""
    key = _read(certificate.folder(roots) / NEXT_KEY_FILE)
    chain = _read_foreign(_answers(roots) / CHAIN_FILE)
    # A chain for another key is of an earlier request.
    if not key or not chain or not chain.isascii() or not _is_of(chain, key):
        return None
    delivered = Delivered(chain, key, _PRIVATE_MODE)
    also = certificate.other_names(config)
    trusted, margin = certificate.trust_store(roots), certificate.margin(config)
    return delivered, certificate.judge(delivered, config.portal.host, trusted, clock, margin, also=also)


def _is_of(chain: bytes, key_pem: bytes) -> bool:
    try:
        own = x509.load_pem_x509_certificates(chain)[0]
        return own.public_key() == serialization.load_pem_private_key(key_pem, None).public_key()
    except (ValueError, TypeError, x509.InvalidVersion):
        return False


def _is_due(config: Config, clock: WallClock, roots: Roots) -> bool:
    """Is there none that phones trust, or is a third of its life left?"""
    if not certificate.look(config, roots, clock).is_usable:
        return True
    own = x509.load_pem_x509_certificates(_read(certificate.folder(roots) / CHAIN_FILE))[0]
    begin, end = (int(each.timestamp()) for each in (own.not_valid_before_utc, own.not_valid_after_utc))
    return clock.now.timestamp() >= renewal_due_s(begin, end, own.serial_number)


def _is_worn(config: Config, clock: WallClock, said: Said, roots: Roots) -> bool:
    """Will nothing good come of the key that waits? Of one whose chain is no good: not before `KEY_LASTS`."""
    if said.code == KEY_REUSED:
        return True
    found = _came(config, clock, roots)
    if found is None or found[1].is_usable:
        return False
    with contextlib.suppress(OSError):
        made_s = (certificate.folder(roots) / NEXT_KEY_FILE).stat().st_mtime
        return not 0 <= clock.now.timestamp() - made_s < KEY_LASTS.total_seconds()
    return True


def _given(wanted: tuple[str, ...], before: tuple[str, ...], said: Said) -> tuple[str, ...]:
    """Leave out what the NOC does not give this box: where all villages' letters are checked, the others' names stay.

    The portal's name is the one that matters, and comes first.
    """
    if said.code != NAME_REFUSED:
        # What was left out stays left out, as long as this is asked for.
        return before if before[:1] == wanted[:1] and set(before) < set(wanted) else wanted
    refused = said.message.partition(":")[0]
    if refused not in before[1:]:
        return wanted[:1]
    return tuple(name for name in before if name != refused)


def _next_key(roots: Roots) -> ec.EllipticCurvePrivateKey | None:
    try:
        found = serialization.load_pem_private_key(_read(certificate.folder(roots) / NEXT_KEY_FILE), None)
    except (ValueError, TypeError):
        return None
    return found if isinstance(found, ec.EllipticCurvePrivateKey) else None


def _make_key(roots: Roots) -> ec.EllipticCurvePrivateKey:
    made = ec.generate_private_key(ec.SECP256R1())
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    files.write_durably(certificate.folder(roots) / NEXT_KEY_FILE, pem.decode("ascii"), _PRIVATE_MODE)
    return made


def _request(key: ec.EllipticCurvePrivateKey, wanted: tuple[str, ...]) -> str:
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in wanted])
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    made = builder.add_extension(alternatives, critical=False).sign(key, hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode("ascii")


def _asked_names(request_pem: bytes) -> tuple[str, ...]:
    try:
        found = x509.load_pem_x509_csr(request_pem)
        alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return ()
    return tuple(alternatives.get_values_for_type(x509.DNSName))


def _is_by(request_pem: bytes, key: ec.EllipticCurvePrivateKey) -> bool:
    try:
        return x509.load_pem_x509_csr(request_pem).public_key() == key.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False


def _said(request_pem: bytes, roots: Roots) -> Said:
    """What the NOC said of this request; the agent wrote it, so nothing of it is sure."""
    try:
        found = json.loads(_read_foreign(_answers(roots) / ANSWER_FILE))
    except (ValueError, RecursionError):
        return Said()
    if not request_pem or not isinstance(found, dict) or found.get("request") != request_digest(request_pem):
        return Said()
    code, message = (str(found.get(name, "")) for name in ("code", "message"))
    shown = "".join(character if character.isprintable() else " " for character in message)[:300]
    return Said(code if code.isidentifier() else "", shown)


def _drop(roots: Roots) -> None:
    # The request first: without its key it would be one for nothing.
    for path in (_request_path(roots), certificate.folder(roots) / NEXT_KEY_FILE):
        if path.exists():
            files.remove_durably(path)


def _request_path(roots: Roots) -> Path:
    return roots.etc / "desahub/rendered" / REQUEST_FILE


def _answers(roots: Roots) -> Path:
    return roots.run / FOLDER


def _digest(chain: bytes) -> str:
    return hashlib.sha256(chain).hexdigest()


def _read(path: Path) -> bytes:
    """A file of root's own; b"" where there is none."""
    with contextlib.suppress(OSError):
        return path.read_bytes()
    return b""


def _read_foreign(path: Path) -> bytes:
    """A file in another user's folder: no link out of there, nothing that blocks, not too much; else b""."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return b""
        content = os.read(descriptor, certificate.BYTES_MAX + 1)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
    return content if len(content) <= certificate.BYTES_MAX else b""
