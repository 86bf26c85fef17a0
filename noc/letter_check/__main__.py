"""``python -m noc.letter_check``: the process of desahub-noc-letter-check.service."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from appliance.core.errors import DesahubError
from appliance.unit.serve import serve
from noc.letter_check import create_app
from noc.places import Places
from noc.store.opening import add_database_option, open_store_for


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM; 1 when the store cannot be used."""
    state = Path(os.environ.get("STATE_DIRECTORY", "/var/lib/desahub-noc").split(":")[0])
    parser = argparse.ArgumentParser(prog="python -m noc.letter_check", description="Where anybody checks a letter.")
    parser.add_argument("--bind", action="append", default=[], metavar="ADDRESS", help="such as 127.0.0.1:8091")
    parser.add_argument("--state", type=Path, default=state, help="folder with noc.db (%(default)s)")
    add_database_option(parser, "the store's PostgreSQL database (as /etc/desahub-noc/database.env says, else SQLite)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        store = open_store_for(Places(state=options.state), options.database_url, reading=True)
        serve(create_app(store), *options.bind)
    except (DesahubError, OSError) as error:
        logging.getLogger("noc.letter_check").error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
