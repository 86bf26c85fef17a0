"""``python -m noc.speed``: the process of desahub-noc-speed.service."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from appliance.core.speed import PORT
from appliance.unit.listening import until_told
from noc.places import DIRECTORY, STATE_DIRECTORY, Places
from noc.speed.server import TESTS_MAX, SpeedServer, server_context

_log = logging.getLogger("noc.speed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM; 1 when certificate or port cannot be used."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    places = Places(options.directory, options.state)
    try:
        context = server_context(places.speed, places.revocation_list)
        asyncio.run(
            until_told(SpeedServer(options.tests_max).serve(options.bind_address or None, options.port, context))
        )
    except OSError as error:
        _log.error("%s: %s", error.filename or f"port {options.port}", error.strerror or error)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m noc.speed", description="The other end of hubs' speed tests.")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="keys (%(default)s)")
    parser.add_argument("--state", type=Path, default=STATE_DIRECTORY, help="beside it are the revoked (%(default)s)")
    parser.add_argument("--bind-address", default="", help="where it listens (every address)")
    parser.add_argument("--port", type=int, default=PORT, help="(%(default)s)")
    parser.add_argument("--tests-max", type=int, default=TESTS_MAX, help="how many hubs at once (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
