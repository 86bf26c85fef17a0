"""From a revocation in the ledger to a hub that is outside: the list, the broker that holds to it, the open connection.

Each list carries the serial number of a certificate made for this list alone. As soon as the broker turns that one away
it has read the list, and only then is the place of each revoked hub taken: its next try meets the list.
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.core.errors import DesahubError, OperationError
from noc import enrol
from noc.enrolment.door import Door
from noc.enrolment.ledger import Ledger, Revocation

_log = logging.getLogger(__name__)
LOOK_SECONDS: Final = 5.0
RELOAD_SECONDS: Final = 30.0
# Of a name that no hub can have; it may do nothing at the broker.
PROBE_NAME: Final = "noc-probe"
_MINUTES: Final = datetime.timedelta(minutes=10)
_EARLIER: Final = datetime.timedelta(days=1)


def write_list(authority: enrol.Authority, path: Path, serials: Collection[int], now: datetime.datetime) -> None:
    """Put a new list of revoked certificates at ``path``, for every user to read.

    Raises:
        OperationError: it cannot be written; the old one stays.
    """
    before = _read(path)
    # OpenSSL refuses a list of the future, and the broker with it every hub: a clock that is set back a little must not
    # make it one. One that was made while the clock was far ahead is not followed there.
    begin = now - _EARLIER
    if before is not None and before.last_update_utc < now:
        # OpenSSL takes the later of two, and a list has whole seconds.
        begin = max(begin, before.last_update_utc + datetime.timedelta(seconds=1))
    content = enrol.revocation_list(authority, serials, begin)
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=".revoked", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(file.fileno(), 0o644)
                if os.geteuid() == 0:
                    owner = path.parent.stat()
                    os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(temporary).unlink()
            raise
    except OSError as error:
        raise OperationError(f"{path}: {error.strerror}") from None


class Revoking:
    """Carries revocations out, one round at a time. ``doors`` are the brokers that read the list."""

    def __init__(
        self,
        authority: enrol.Authority,
        ledger: Ledger,
        path: Path,
        doors: Sequence[Door],
        clock: Callable[[], datetime.datetime],
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._authority, self._ledger, self._path = authority, ledger, path
        self._doors, self._clock, self._sleep = doors, clock, sleep
        self._said = ""

    def run(self, stopping: threading.Event) -> None:
        """Look every few seconds, until ``stopping``; what goes wrong is said once and tried again."""
        while not stopping.is_set():
            try:
                self.turn()
                self._said = ""
            except (DesahubError, OSError) as error:
                if str(error) != self._said:
                    self._said = str(error)
                    _log.warning("revocations wait: %s", error)
            stopping.wait(LOOK_SECONDS)

    def turn(self) -> None:
        """Do what waits.

        Raises:
            DesahubError, OSError: ledger, list or broker cannot be used; nothing is forgotten.
        """
        revoked = self._ledger.revocations()
        waiting = [each for each in revoked if not each.is_carried_out]
        listed = _listed(self._path, self._clock())
        if not waiting and listed is not None and {int(each.serial, 16) for each in revoked} <= listed:
            return
        probe, probe_key = self._certificate(PROBE_NAME)
        write_list(
            self._authority,
            self._path,
            {int(each.serial, 16) for each in revoked} | {probe.serial_number},
            self._clock(),
        )
        if not waiting:
            return
        for door in self._doors:
            self._wait_for(door, _pem(probe), probe_key)
            self._throw_out(door, waiting)
        self._ledger.carried_out([each.serial for each in waiting])
        _log.info("%d certificates are revoked at the broker", len(waiting))

    def _wait_for(self, door: Door, probe_pem: bytes, key: ec.EllipticCurvePrivateKey) -> None:
        for _ in range(int(RELOAD_SECONDS)):
            if not door.lets_in(probe_pem, key):
                return
            self._sleep(1)
        raise OperationError(
            f"the broker still lets in what {self._path} revokes; reload it: systemctl reload desahub-noc-broker"
        )

    def _throw_out(self, door: Door, waiting: Sequence[Revocation]) -> None:
        for hub_id in sorted({each.hub_id for each in waiting}):
            certificate, key = self._certificate(hub_id)
            if not door.lets_in(_pem(certificate), key):
                raise OperationError(f"the broker did not let the NOC take the place of {hub_id}")

    def _certificate(self, name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        key = ec.generate_private_key(ec.SECP256R1())
        return enrol.hub_certificate(self._authority, key.public_key(), name, self._clock(), _MINUTES), key


def _read(path: Path) -> x509.CertificateRevocationList | None:
    try:
        return x509.load_pem_x509_crl(path.read_bytes())
    except (OSError, ValueError):
        return None


def _listed(path: Path, now: datetime.datetime) -> set[int] | None:
    found = _read(path)
    if found is None or found.last_update_utc > now:
        return None
    return {each.serial_number for each in found}


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
