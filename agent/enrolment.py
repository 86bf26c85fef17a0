"""``python -m agent.enrolment claim|renew|portal``: the short-lived process that gets what the NOC vouches for.

A process of its own, since certificates and HTTP take more memory than the agent itself. Timers start it
(desahub-claim.timer, desahub-renew.timer, desahub-portal-request.timer); ``desahub claim`` does the same by hand.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from agent import identity, portal_certificate
from agent.enrolment_link import EnrolmentLink, Refused, Unreachable
from appliance.core import claim
from appliance.core import config as schema
from appliance.core.clock import Moment, WallQuality
from appliance.core.config import Config
from appliance.core.config.reporting import Noc
from appliance.core.enrolment import CLAIM_PATH, NONCE_PATH, RENEW_PATH, PortalState
from appliance.core.errors import DesahubError, OperationError
from appliance.system import clock_floor
from appliance.system.clock import kernel_clock
from appliance.system.files import remove_durably
from appliance.unit.config import APPLIED_PATH

_log = logging.getLogger("agent.enrolment")
STATE: Final = Path("/var/lib/desahub-agent")
# Kept by desahub claim; or written by a technician's own computer onto the card, of which it sees this partition.
KEPT_CODE: Final = "claim"
CARD_CODES: Final = (Path("/boot/firmware/desahub-claim.txt"), Path("/boot/desahub-claim.txt"))
_REFUSED_CODE: Final = "claim-refused"
CODE_FILE_BYTES_MAX: Final = 1_000
# To be tried again: systemd starts the unit anew, see desahub-renew.service.
TEMPORARY: Final = 75  # EX_TEMPFAIL, sysexits(3)
# What does not become another by asking again.
_FINAL: Final = frozenset({"claim_wrong", "claim_blocked", "claim_used", "claim_expired", "malformed"})

Tell = Callable[[str], None]


def claim_identity(
    directory: Path, hub_id: str, noc: Noc, code: claim.ClaimCode, *, moment: Moment, tell: Tell
) -> None:
    """Exchange a claim code for an identity, and put it in use.

    Raises:
        Unreachable: later it may work.
        Refused: the NOC says no.
        OperationError: another NOC, or a folder that cannot be written; what was in use still is.
    """
    with EnrolmentLink(noc, moment) as link:
        authority = link.trust_code(code)
        tell(f"the NOC answers at {link.name}, and it is the one of this claim code")
        request = identity.request_next(directory, hub_id)
        tell(f"the key of {hub_id} is made; it stays on this box")
        fields = {"hub": hub_id, "code": code.secret, "request": request.decode("ascii")}
        answer = link.ask("POST", CLAIM_PATH, fields)
    identity.install_next(directory, hub_id, answer.get("certificate", "").encode(), authority)


def renew_identity(directory: Path, hub_id: str, noc: Noc, moment: Moment) -> bool:
    """Renew the certificate if that is due; False if it is not.

    Where no time server set the clock, the NOC says what time it is; that is kept for `appliance.system.clock_floor`.

    Raises:
        Unreachable, Refused, OperationError: as `claim_identity`.
    """
    identity.settle(directory)
    current = identity.certificate(directory)
    if current is None:
        raise OperationError(f"no identity in {directory}; get one with desahub claim")
    if identity.name_of(current) != hub_id:
        raise OperationError(
            f"the certificate is of {identity.name_of(current)}, this box is {hub_id} by hub.toml; ask the NOC for a "
            "claim code"
        )
    knows_the_date = moment.wall_quality is WallQuality.NTP
    if knows_the_date and moment.wall_ms < identity.due_s(current) * 1000:
        return False
    try:
        authority = (directory / identity.AUTHORITY).read_bytes()
        shown = (directory / identity.CERTIFICATE).read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise OperationError(f"{directory}: {error}") from None
    with EnrolmentLink(noc, moment) as link:
        link.trust_authority(authority)
        told = link.ask("GET", NONCE_PATH)
        if not knows_the_date:
            now_s = _seconds(told.get("time", ""))
            identity.write(directory / clock_floor.NOC_TIME, b"", 0o644, now_s)
            if now_s < identity.due_s(current):
                return False
        nonce = told.get("nonce", "")
        request = identity.request_next(directory, hub_id)
        fields = {
            "certificate": shown,
            "request": request.decode("ascii"),
            "nonce": nonce,
            "signature": identity.prove(directory, nonce, request),
        }
        answer = link.ask("POST", RENEW_PATH, fields)
    identity.install_next(directory, hub_id, answer.get("certificate", "").encode(), authority)
    return True


def _seconds(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 11):
        raise OperationError("the NOC does not say what time it is; is it of an older release?")
    return int(text)


def find_code(places: Iterable[Path]) -> tuple[Path, claim.ClaimCode] | None:
    """Find the first claim code in ``places``; what cannot be read or is none is said and passed over."""
    for path in places:
        try:
            with path.open("rb") as file:
                text = file.read(CODE_FILE_BYTES_MAX).decode("utf-8-sig", "replace")
            # The code may stand on a line of its own, among words for people.
            lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
            return path, claim.parse(lines[0] if lines else "")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            _log.warning("%s: %s", path, error.strerror)
        except OperationError as error:
            _log.warning("%s: %s", path, error)
    return None


def keep_code(state: Path, code: claim.ClaimCode) -> None:
    """Keep a code for the timer, for the agent's user alone. Raises `OperationError`."""
    identity.write(state / KEPT_CODE, code.text().encode() + b"\n", 0o600)


def forget_code(state: Path) -> None:
    """Remove a kept code; one on the card stays where it is, and is worth nothing any more. Raises `OperationError`."""
    for name in (KEPT_CODE, _REFUSED_CODE):
        remove_durably(state / name)


def main(arguments: Sequence[str] | None = None, clock: Callable[[], Moment] | None = None) -> int:
    """Do one thing and end: 0 done or nothing to do, 1 somebody must act, 75 it is tried again."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        config = schema.parse(options.config.read_bytes().decode("utf-8", "replace"))
        if config.noc is None:
            _log.info("no [noc] section: this box reports to nobody and needs no identity")
            return 0
        moment = (clock or kernel_clock())()
        return {"claim": _claim, "renew": _renew, "portal": _portal}[options.what](options, config, config.noc, moment)
    except Unreachable as error:
        _log.warning("%s", error)
        return TEMPORARY
    except (DesahubError, OSError) as error:
        _log.error("%s", error)
        return 1


def _claim(options: argparse.Namespace, config: Config, noc: Noc, moment: Moment) -> int:
    directory = options.state / "identity"
    if directory.is_dir():
        identity.settle(directory)
    if (directory / identity.CERTIFICATE).exists():
        return 0
    found = find_code(options.codes or (options.state / KEPT_CODE, *CARD_CODES))
    if found is None:
        return 0
    path, code = found
    mark = {"code": hashlib.sha256(code.text().encode()).hexdigest(), "boot_id": moment.boot_id}
    if _read_mark(options.state / _REFUSED_CODE) == mark:
        return 0
    try:
        claim_identity(directory, config.hub.id, noc, code, moment=moment, tell=_log.info)
    except Refused as error:
        if error.code in _FINAL:
            # Each wrong try counts against the claim at the NOC: not again before the code or the boot is another.
            identity.write(options.state / _REFUSED_CODE, json.dumps(mark).encode(), 0o600)
        raise
    forget_code(options.state)
    _log.info("%s has its identity, by the claim code in %s", config.hub.id, path)
    return 0


def _renew(options: argparse.Namespace, config: Config, noc: Noc, moment: Moment) -> int:
    if not (options.state / "identity" / identity.KEY).exists():
        return 0
    if renew_identity(options.state / "identity", config.hub.id, noc, moment):
        _log.info("the certificate of %s is renewed", config.hub.id)
    return 0


def _portal(options: argparse.Namespace, _config: Config, noc: Noc, moment: Moment) -> int:
    directory, folder = options.state / "identity", options.answers
    state = portal_certificate.carry(directory, noc, moment, request=options.request, folder=folder)
    if state == PortalState.DONE:
        _log.info("the portal's certificate is here; desahub-certificate.service judges it")
    return TEMPORARY if state == PortalState.WAITING else 0


def _read_mark(path: Path) -> object:
    with suppress(OSError, ValueError):
        return json.loads(path.read_text("ascii"))
    return None


def _parser() -> argparse.ArgumentParser:
    state = Path(os.environ.get("STATE_DIRECTORY", str(STATE)).split(":")[0])
    parser = argparse.ArgumentParser(
        prog="python -m agent.enrolment", description="Gets and renews this box's identity and portal certificate."
    )
    parser.add_argument("what", choices=["claim", "renew", "portal"])
    parser.add_argument("--config", type=Path, default=APPLIED_PATH, help="the box's configuration (%(default)s)")
    parser.add_argument("--state", type=Path, default=state, help="the agent's folder (%(default)s)")
    parser.add_argument(
        "--codes", type=Path, nargs="+", help="where a claim code may be (STATE/claim, the card's boot partition)"
    )
    parser.add_argument(
        "--request", type=Path, default=portal_certificate.REQUEST, help="what is asked for the portal (%(default)s)"
    )
    parser.add_argument("--answers", type=Path, default=portal_certificate.FOLDER, help="what came of it (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
