"""``python -m noc.portal_certificates``: the process of desahub-noc-portal.service, started by its timer."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from appliance.core.errors import DesahubError, OperationError
from noc.places import DIRECTORY, STATE_DIRECTORY, Places
from noc.portal_certificates import plan as planning
from noc.portal_certificates.lego import PROGRAM, Lego, parse_credentials
from noc.portal_certificates.spool import Spool
from noc.portal_certificates.turn import run

_log = logging.getLogger("noc.portal_certificates")


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one run: 0 done or nothing to do, 1 when the plan or a folder cannot be used."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    # lego makes the account's key for everybody to read (Debian 12's does); the mask forbids it.
    os.umask(0o077)
    places = Places(options.directory, options.state)
    try:
        plan = planning.read(places.portal_plan)
        if plan is None:
            _log.info("%s is not there: this NOC gets no certificates for portals", places.portal_plan)
            return 0
        credentials = read_credentials(options.credentials or places.portal_credentials)
        source = Lego(plan, credentials, places.portal / "lego", program=options.program)
        run(Spool(places.portal_requests, places.portal), plan, source, lambda: int(time.time()))
    except DesahubError as error:
        _log.error("%s", error)
        return 1
    return 0


def read_credentials(path: Path) -> dict[str, str]:
    """Read the words of the DNS provider.

    Raises:
        OperationError: the file cannot be read, or is none; what is in it is not told.
    """
    try:
        return parse_credentials(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise OperationError(f"{path}: cannot be read: {getattr(error, 'strerror', 'it is no text')}") from None


def _parser() -> argparse.ArgumentParser:
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    parser = argparse.ArgumentParser(
        prog="python -m noc.portal_certificates", description="Gets the certificates of hubs' portals."
    )
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="with portal.toml (%(default)s)")
    parser.add_argument("--state", type=Path, default=STATE_DIRECTORY, help="what came is beside it: STATE-portal")
    parser.add_argument(
        "--credentials", type=Path, default=Path(folder) / "portal.env" if folder else None,
        help="words of the DNS provider (DIRECTORY/portal.env)",
    )  # fmt: skip
    parser.add_argument("--program", default=PROGRAM, help="the ACME client (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
