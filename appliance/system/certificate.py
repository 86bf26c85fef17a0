"""The portal's certificate: delivered into ``/etc/desahub/certificate``, judged here, never made up.

Only one that phones will trust is used. With any doubt the portal goes on without TLS, and phones find it by their
probes, as on any other box: RFC 8910 section 2.1 and RFC 8908 section 4 leave nothing in between.
"""

from __future__ import annotations

import datetime
import enum
import stat
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from appliance.core.clock import WallQuality
from appliance.core.config import Config
from appliance.core.errors import OperationError
from appliance.system.clock import wall_quality
from appliance.system.roots import REAL, Roots

CHAIN_FILE: Final = "fullchain.pem"
KEY_FILE: Final = "privkey.pem"
BYTES_MAX: Final = 65_536
# How often the box looks again (desahub-certificate.timer).
LOOKS_EVERY: Final = datetime.timedelta(days=1)
_END = b"-----END CERTIFICATE-----"
_INSTALL = "sudo desahub certificate install FULLCHAIN KEY"
# What the library raises where a certificate is damaged; not all of it is a ValueError.
_DAMAGED: Final = (
    ValueError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)


class State(enum.StrEnum):
    """What came of a look."""

    ABSENT = "absent"  # nobody delivered one
    REFUSED = "refused"  # one is there that phones would not trust
    USABLE = "usable"


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was delivered: a chain with the portal's own certificate first, and its key; ``key_mode`` as in stat(2)."""

    chain: bytes
    key: bytes
    key_mode: int


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether the portal may speak TLS, and why.

    ``because`` and ``remedy`` are for a person. ``pem`` holds key and chain as nginx takes them, "" unless usable.
    ``names`` are those of this box's names that it is for, the portal's among them; () unless usable.
    """

    state: State
    because: str
    remedy: str = ""
    pem: str = ""
    ends: datetime.datetime | None = None
    names: tuple[str, ...] = ()

    @property
    def is_usable(self) -> bool:
        """Will phones trust it?"""
        return self.state is State.USABLE


@dataclass(frozen=True, slots=True)
class WallClock:
    """The wall clock as it stands, with its zone, and how far it can be believed."""

    now: datetime.datetime
    quality: WallQuality


class _RefusedError(Exception):
    """Internal to this file: the certificate is no good; the text says why, ``remedy`` what to do."""

    def __init__(self, because: str, remedy: str) -> None:
        super().__init__(because)
        self.remedy = remedy


def folder(roots: Roots = REAL) -> Path:
    """Where a certificate is delivered."""
    return roots.etc / "desahub/certificate"


def look(config: Config, roots: Roots = REAL, clock: WallClock | None = None) -> Judgement:
    """Judge what was delivered for ``config``'s portal. Raises nothing: what cannot be read is refused."""
    if clock is None:
        clock = WallClock(datetime.datetime.now(datetime.UTC), wall_quality(roots))
    try:
        delivered = read(folder(roots) / CHAIN_FILE, folder(roots) / KEY_FILE)
    except OperationError as error:
        return Judgement(State.REFUSED, str(error), f"run as root; or deliver it again: {_INSTALL}")
    if delivered is None:
        return Judgement(
            State.ABSENT,
            f"no certificate was delivered for {config.portal.host}",
            f"phones find the portal without one; to use RFC 8908: {_INSTALL}",
        )
    return judge(delivered, config.portal.host, trust_store(roots), clock, margin(config), also=other_names(config))


def other_names(config: Config) -> tuple[str, ...]:
    """The names beside the portal's that are served by TLS where the certificate is for them too."""
    return tuple(name for name in (config.kiosk.host, config.letters.verification_host) if name)


def read(chain: Path, key: Path) -> Delivered | None:
    """Read two files; None where neither exists.

    Raises:
        OperationError: one is missing, too long, or cannot be read.
    """
    try:
        if not chain.exists() and not key.exists():
            return None
        return Delivered(_read(chain), _read(key), key.stat().st_mode)
    except OSError as error:
        raise OperationError(f"{error.filename or key}: cannot be read: {error.strerror}") from None


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(BYTES_MAX + 1)
    if len(content) > BYTES_MAX:
        raise OperationError(f"{path}: has more than {BYTES_MAX} bytes, which no certificate needs")
    return content


def trust_store(roots: Roots = REAL) -> bytes:
    """Debian's ca-certificates, in one PEM file; empty where there are none."""
    try:
        return (roots.etc / "ssl/certs/ca-certificates.crt").read_bytes()
    except OSError:
        return b""


def margin(config: Config) -> datetime.timedelta:
    """How long before its end a certificate stops being used.

    A phone keeps what DHCP told it for as long as its lease, and the box looks once a day.
    """
    longest = max(network.lease_seconds for network in config.resident_networks)
    return LOOKS_EVERY + datetime.timedelta(seconds=longest)


def judge(
    delivered: Delivered,
    host: str,
    trusted: bytes,
    clock: WallClock,
    until_end: datetime.timedelta,
    *,
    also: Sequence[str] = (),
) -> Judgement:
    """Judge a certificate as a phone would. Pure.

    Where nobody set the wall clock, it may be behind: it is then taken to be no earlier than the certificate's begin.

    Args:
        delivered: chain and key.
        host: the name that phones ask for.
        trusted: PEM of the authorities that are believed.
        clock: the wall clock.
        until_end: the certificate must hold at least for so long.
        also: further names of this box; it need not be for them.
    """
    try:
        if stat.S_IMODE(delivered.key_mode) & 0o077:
            raise _RefusedError(
                f"{KEY_FILE} can be read by others than root (mode {stat.S_IMODE(delivered.key_mode):04o})",
                f"the key may be known to others: ask for a new one; then {_INSTALL}",
            )
        chain = _chain(delivered.chain)
        key = _key(delivered.key)
        own = chain[0]
        if key.public_key() != own.public_key():
            raise _RefusedError(
                f"{KEY_FILE} is not the key of the first certificate in {CHAIN_FILE}",
                f"deliver the two that belong together: {_INSTALL}",
            )
        _covers(own, host)
        assumed = _holds(own, clock, until_end)
        _leads_to(trusted, chain, host, clock, until_end)
    except _RefusedError as error:
        return Judgement(State.REFUSED, str(error), error.remedy)
    except _DAMAGED as error:
        # The library reads parts of a certificate only when it is asked for them.
        return Judgement(
            State.REFUSED,
            f"{CHAIN_FILE} is damaged or of a kind that is not known ({type(error).__name__})",
            f"deliver the file as it was issued: {_INSTALL}",
        )
    ends = own.not_valid_after_utc
    covered = (host, *(name for name in also if _is_for(own, name)))
    return Judgement(
        State.USABLE,
        f"valid for {', '.join(covered)} until {ends:%Y-%m-%d %H:%M} UTC{assumed}",
        pem=_pem(key, chain),
        ends=ends,
        names=covered,
    )


def _chain(text: bytes) -> list[x509.Certificate]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = x509.load_pem_x509_certificates(text)
    except _DAMAGED:
        found = []
    if not found:
        raise _RefusedError(
            f"{CHAIN_FILE} holds no certificate in PEM form", f"deliver the file as it was issued: {_INSTALL}"
        )
    return found


def _key(text: bytes) -> PrivateKeyTypes:
    try:
        return serialization.load_pem_private_key(text, None)
    except TypeError:
        wrong = "is protected by a passphrase, and nobody types one when a box starts"
    except (ValueError, UnsupportedAlgorithm) as error:
        wrong = f"is no private key in PEM form ({type(error).__name__})"
    raise _RefusedError(f"{KEY_FILE} {wrong}", f"deliver the key without a passphrase: {_INSTALL}")


def names(certificate: x509.Certificate) -> list[str]:
    """The host names a certificate is for (RFC 9525: the common name counts for nothing)."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, *_DAMAGED):
        return []
    return [name.lower() for name in extension.value.get_values_for_type(x509.DNSName)]


def _is_for(certificate: x509.Certificate, host: str) -> bool:
    found = names(certificate)
    return host in found or f"*.{host.partition('.')[2]}" in found


def _covers(certificate: x509.Certificate, host: str) -> None:
    found = names(certificate)
    if not _is_for(certificate, host):
        shown = ", ".join(found[:5]) or "no host name"
        raise _RefusedError(
            f"it is for {shown}, not for {host}",
            f"set portal.host to a name of the certificate, or get one for {host}",
        )


def _holds(own: x509.Certificate, clock: WallClock, until_end: datetime.timedelta) -> str:
    """Check the times; returns what was assumed, in words."""
    is_known = clock.quality is not WallQuality.UNKNOWN
    if clock.now >= own.not_valid_after_utc:
        raise _RefusedError(f"it ended at {own.not_valid_after_utc:%Y-%m-%d %H:%M} UTC", f"renew it: {_INSTALL}")
    if clock.now + until_end >= own.not_valid_after_utc:
        raise _RefusedError(
            f"it ends at {own.not_valid_after_utc:%Y-%m-%d %H:%M} UTC, sooner than phones forget what DHCP told them",
            f"renew it: {_INSTALL}",
        )
    if clock.now < own.not_valid_before_utc and is_known:
        raise _RefusedError(
            f"it begins at {own.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; here it is {clock.now:%Y-%m-%d %H:%M} UTC",
            "set the clock of this box, or wait",
        )
    return "" if is_known else "; assumed: nobody has set the clock of this box yet, and it is not far behind"


def _leads_to(
    trusted: bytes, chain: Sequence[x509.Certificate], host: str, clock: WallClock, until_end: datetime.timedelta
) -> None:
    roots = _authorities(trusted)
    if not roots:
        raise _RefusedError("this box knows no certificate authorities", "sudo apt-get install ca-certificates")
    moment = max(clock.now, chain[0].not_valid_before_utc) + until_end
    # Whole seconds, and without a zone: what the builder takes.
    policy = PolicyBuilder().store(Store(roots)).time(moment.replace(tzinfo=None, microsecond=0))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            policy.build_server_verifier(x509.DNSName(host)).verify(chain[0], list(chain[1:]))
    except (VerificationError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise _RefusedError(
            f"it does not lead to an authority that phones know ({said})",
            f"deliver the whole chain of a public authority, not a self-made certificate: {_INSTALL}",
        ) from None


def _authorities(text: bytes) -> list[x509.Certificate]:
    """Each by itself: one that this library does not read takes no other with it."""
    found = []
    for part in text.split(_END)[:-1]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.append(x509.load_pem_x509_certificate(part + _END + b"\n"))
        except ValueError:
            continue
    return found


def _pem(key: PrivateKeyTypes, chain: Sequence[x509.Certificate]) -> str:
    """Written anew from what was read: nothing else of the files reaches nginx."""
    parts = [
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    ]
    parts += [one.public_bytes(serialization.Encoding.PEM) for one in chain]
    return b"".join(parts).decode("ascii")
