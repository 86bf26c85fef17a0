"""``python -m noc.enrolment``: the process of desahub-noc-enrolment.service, and the only one that has the CA's key."""

from __future__ import annotations

import argparse
import asyncio
import datetime
import logging
import re
import ssl
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from appliance.core.enrolment import PORT
from appliance.core.errors import DesahubError
from appliance.unit.listening import until_told
from noc import enrol
from noc.enrolment.desk import EnrolmentDesk
from noc.enrolment.door import BrokerDoor
from noc.enrolment.ledger import open_ledger
from noc.enrolment.portal_desk import PortalDesk
from noc.enrolment.revoking import Revoking
from noc.enrolment.wire import Limits, Server
from noc.places import DIRECTORY, STATE_DIRECTORY, Places
from noc.portal_certificates.spool import Spool

_log = logging.getLogger("noc.enrolment")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM; 1 when authority, ledger or certificate cannot be used."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    places = Places(options.directory, options.state)
    try:
        authority = enrol.open_authority(places.authority, _now(), make=False)
        ledger = open_ledger(places.claims, _now_s)
        context = server_context(places.directory / "enrolment")
    except (DesahubError, OSError) as error:
        _log.error("%s", error)
        return 1
    stopping = threading.Event()
    brokers = options.broker or [("localhost", 8883)]
    doors = [BrokerDoor(host, port, places.authority / "ca.crt") for host, port in brokers]
    revoking = Revoking(authority, ledger, places.revocation_list, doors, _now)
    thread = threading.Thread(target=revoking.run, args=[stopping], name="revoking", daemon=True)
    thread.start()
    desk = EnrolmentDesk(authority, ledger, datetime.timedelta(days=options.days), _now, time.monotonic)
    spool = Spool(places.portal_requests, places.portal)
    portal_desk = PortalDesk(authority, ledger, desk.nonces, spool, places.portal_plan)
    try:
        asyncio.run(
            until_told(Server(desk, portal_desk, Limits()).serve(options.bind_address or None, options.port, context))
        )
    except OSError as error:
        _log.error("port %d: %s", options.port, error.strerror or error)
        return 1
    finally:
        stopping.set()
    thread.join(2)
    ledger.close()
    return 0


def server_context(folder: Path) -> ssl.SSLContext:
    """Make the TLS of a server whose key and certificate are in ``folder``. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    return context


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _now_s() -> int:
    return int(time.time())


def _days(text: str) -> int:
    least, most = enrol.CERTIFICATE_DAYS_MIN, enrol.CERTIFICATE_DAYS_MAX
    if not re.fullmatch("[0-9]{1,4}", text) or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed are whole days from {least} to {most}")
    return int(text)


def _broker(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not re.fullmatch("[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise argparse.ArgumentTypeError(f"{text!r}: allowed is HOST:PORT, such as localhost:8883")
    return host, int(port)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m noc.enrolment", description="Gives hubs their certificates, and takes them away."
    )
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="keys (%(default)s)")
    parser.add_argument(
        "--state",
        type=Path,
        default=STATE_DIRECTORY,
        help="the ledger is beside it: STATE-enrolment (%(default)s)",
    )
    parser.add_argument("--bind-address", default="", help="where it listens (every address)")
    parser.add_argument("--port", type=int, default=PORT, help="(%(default)s)")
    parser.add_argument(
        "--broker", type=_broker, action="append", metavar="HOST:PORT",
        help="each broker that reads the list of revoked certificates (localhost:8883)",
    )  # fmt: skip
    parser.add_argument(
        "--days", type=_days, default=enrol.CERTIFICATE_DAYS, help="how long a hub's certificate lasts (%(default)s)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
