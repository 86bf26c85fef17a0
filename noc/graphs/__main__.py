"""``python -m noc.graphs``: the process of desahub-noc-graphs.service."""

from __future__ import annotations

import argparse
import logging
import os
import re
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from appliance.core.errors import DesahubError, OperationError
from appliance.unit.notify import notify
from noc.graphs.database import GraphsDatabase
from noc.graphs.writer import Writer
from noc.places import Places
from noc.store.opening import add_database_option, open_store_for

_log = logging.getLogger("noc.graphs")
_LINE = re.compile(r"\s*GRAPHS_URL\s*=\s*([\"']?)(\S+)\1\s*")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGTERM; 1 when the store or the URL cannot be used."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        database = GraphsDatabase(_url(options.settings))
        store = open_store_for(Places(state=options.state), options.database_url)
    except (DesahubError, OSError) as error:
        _log.error("%s", error)
        return 1
    notify("READY=1")
    writer = Writer(store, database)
    while not stopping.is_set():
        notify("WATCHDOG=1")
        stopping.wait(writer.turn())
    notify("STOPPING=1")
    database.close()
    store.close()
    return 0


def _url(path: Path) -> str:
    for line in path.read_text(encoding="utf-8").splitlines():
        match = _LINE.fullmatch(line)
        if match is not None:
            return match[2]
    raise OperationError(f"{path}: has no line GRAPHS_URL=http://HOST:8428")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m noc.graphs", description="From the store to VictoriaMetrics.")
    state = Path(os.environ.get("STATE_DIRECTORY", "/var/lib/desahub-noc").split(":")[0])
    parser.add_argument(
        "--settings", type=Path, default=Places().directory / "graphs.env", metavar="FILE",
        help="has the line GRAPHS_URL=http://HOST:8428 (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--state", type=Path, default=state, help="folder with noc.db (%(default)s)")
    add_database_option(parser, "a PostgreSQL store (as /etc/desahub-noc/database.env says, else SQLite)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
