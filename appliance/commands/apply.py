"""Apply a ``hub.toml`` from the command line, with the certificate as it is judged now, and say what was done."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import signal
from collections.abc import Iterator
from typing import Any

from appliance.core.config import Config
from appliance.core.errors import OperationError
from appliance.gate.client import GateClient
from appliance.system import apply as applying
from appliance.system import portal_request
from appliance.system.certificate import Judgement, State, WallClock
from appliance.system.clock import wall_quality
from appliance.system.operations import RealOperations
from appliance.system.roots import REAL, Roots


def apply(config: Config, text: str, certificate: Judgement) -> int:
    """Make this machine what ``config``, read from ``text``, says. Returns 0; raises `OperationError`."""
    operations = RealOperations(gate_fingerprint=lambda: GateClient().status().ruleset_fingerprint)
    with alone(), _taken_back_when_told_to_end():
        done = applying.apply(
            config, text, operations, certificate_pem=certificate.pem, certificate_names=certificate.names
        )
    for path in done.changed:
        print(f"changed  {path}")
    for path in done.passphrases:
        print(f"made     {path}  (the passphrase of an office network is in it)")
    for unit in done.stopped:
        print(f"stopped  {unit}")
    for unit in done.started:
        print(f"started  {unit}  (and at each start of this box)")
    for unit in done.reloaded:
        print(f"reloaded {unit}")
    if not (done.changed or done.started or done.reloaded):
        print("Nothing had changed.")
    if certificate.state is not State.ABSENT:
        say(certificate)
    ask_noc(config)
    return 0


def ask_noc(config: Config, roots: Roots = REAL) -> None:
    """Ask the NOC for the portal's certificate, where hub.toml wants that and it is time; it comes within the hour."""
    clock = WallClock(datetime.datetime.now(datetime.UTC), wall_quality(roots))
    try:
        with alone():
            is_asked = portal_request.keep_up(config, clock, roots)
        if is_asked:
            print(f"asked    the NOC for a certificate of {config.portal.host}")
    except OperationError as error:
        # What was applied stands: the timer tries this again each day.
        print(f"The NOC was not asked for a certificate: {error}")


def say(certificate: Judgement) -> None:
    """Print what was found about the portal's certificate."""
    word = "used" if certificate.is_usable else "not used"
    print(f"The portal's certificate is {word}: {certificate.because}.")
    if certificate.remedy:
        print(f"  {certificate.remedy}")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Apply one thing after the other: the technician's, a renewed certificate, the NOC's wish. Source: flock(2)."""
    try:
        descriptor = os.open(REAL.etc / "desahub", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield  # there is nothing yet that two could change
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _taken_back_when_told_to_end() -> Iterator[None]:
    """Let SIGTERM and Ctrl-C become an error, so that what was begun is put back; a lost terminal ends nothing."""

    def end(number: int, _: object) -> None:
        for one in (signal.SIGTERM, signal.SIGINT):
            signal.signal(one, signal.SIG_IGN)
        raise OperationError(f"told to end by {signal.Signals(number).name}")

    wanted: dict[signal.Signals, Any] = {signal.SIGTERM: end, signal.SIGINT: end, signal.SIGHUP: signal.SIG_IGN}
    previous = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
