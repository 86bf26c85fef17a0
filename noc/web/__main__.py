"""``python -m noc.web``: the process of desahub-noc-web.service."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from appliance.core.errors import DesahubError
from appliance.unit.serve import serve
from noc.setup import Places
from noc.store.opening import add_database_option, open_store_for
from noc.web import create_app


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; 1 when the store or the secrets cannot be used."""
    state = Path(os.environ.get("STATE_DIRECTORY", "/var/lib/desahub-noc").split(":")[0])
    parser = argparse.ArgumentParser(prog="python -m noc.web", description="The NOC's pages.")
    parser.add_argument("--bind", action="append", default=[], metavar="ADDRESS", help="such as 127.0.0.1:8080")
    parser.add_argument("--state", type=Path, default=state, help="folder with noc.db and web/ (%(default)s)")
    parser.add_argument(
        "--behind-proxy", action="store_true",
        help="a proxy on this machine speaks TLS and sets X-Real-IP: believed from loopback; Secure cookies and HSTS",
    )  # fmt: skip
    add_database_option(parser, "the store's PostgreSQL database (as /etc/desahub-noc/database.env says, else SQLite)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    places = Places(state=options.state)
    try:
        store = open_store_for(places, options.database_url, reading=True)
        serve(create_app(places, store, behind_proxy=options.behind_proxy), *options.bind)
    except (DesahubError, OSError) as error:
        logging.getLogger("noc.web").error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
