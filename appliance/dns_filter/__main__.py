"""The family filter's DNS server. SIGHUP reads configuration and index again; no question is lost meanwhile."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import gc
import json
import logging
import os
import signal
import sys
from pathlib import Path

from appliance.core import config as hub
from appliance.core.dns_block import FILTER_PORT
from appliance.core.errors import ConfigError, DesahubError, OperationError
from appliance.dns_filter.index import EMPTY, Index, open_index
from appliance.dns_filter.places import HELD_NAME, INDEX_NAME
from appliance.dns_filter.policy import Policy
from appliance.dns_filter.server import Filter, listening
from appliance.dns_filter.upstream import Upstream
from appliance.system import files
from appliance.unit.config import APPLIED_PATH, read_config
from appliance.unit.notify import notify
from appliance.unit.state import state_directory

log = logging.getLogger("desahub.filter")
_DNS_PORT = 53


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m appliance.dns_filter", description=__doc__)
    parser.add_argument("--config", type=Path, default=APPLIED_PATH, metavar="FILE")
    parser.add_argument("--state-directory", type=Path, metavar="DIR", help="default: $STATE_DIRECTORY")
    parser.add_argument("--runtime-directory", type=Path, metavar="DIR", help="default: $RUNTIME_DIRECTORY")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=FILTER_PORT)
    parser.add_argument("--upstream-port", type=int, default=_DNS_PORT, help="where uplink.dns_servers listen")
    return parser


@dataclasses.dataclass(frozen=True, slots=True)
class Places:
    """Where the filter finds what it is told, and where it says what it holds."""

    config: Path
    index: Path
    held: Path | None
    upstream_port: int


def read_index(path: Path) -> Index:
    """The index, or an empty one where no list has been fetched yet. Raises `OperationError` for a damaged one."""
    return open_index(path) if path.exists() else EMPTY


def take(filter_: Filter, places: Places, config: hub.Config, index: Index) -> None:
    """Let ``filter_`` hold this, and say so."""
    filter_.policy = Policy.of(config)
    filter_.upstream = Upstream([(server, places.upstream_port) for server in config.uplink.dns_servers])
    filter_.index = index
    log.info("%d domains of lists, %d of hub.toml are blocked", len(index), len(config.filter.blocked_domains))
    if places.held is not None:
        text = json.dumps({"pid": os.getpid(), "index": index.digest.hex(), "domains": len(index)})
        files.write_durably(places.held, text + "\n")


def begin(places: Places) -> Filter:
    """The filter as it starts; nothing else keeps what it holds, so that a replaced index leaves memory.

    Raises:
        ConfigError: with every problem of the configuration.
        OperationError: the configuration cannot be read.
    """
    config = read_config(places.config)
    try:
        index = read_index(places.index)
    except OperationError as error:
        # Names still have to be answered; the next update writes the index anew.
        log.error("%s; until then nothing of the lists is blocked", error)
        index = EMPTY
    filter_ = Filter(Policy.of(config), Upstream([]))
    take(filter_, places, config, index)
    return filter_


async def reload(filter_: Filter, places: Places) -> None:
    """Read both again; with any problem the filter holds what it held, and each one is logged."""
    try:
        # In threads: checking 16 MB takes a moment.
        config = await asyncio.to_thread(read_config, places.config)
        index = await asyncio.to_thread(read_index, places.index)
        take(filter_, places, config, index)
    except ConfigError as error:
        for problem in error.problems:
            log.error("%s: %s", places.config, problem)
    except DesahubError as error:
        log.error("nothing was changed: %s", error)


async def run(filter_: Filter, places: Places, address: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop, stop, again = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, again.set)

    async def reload_when_told() -> None:
        while True:
            await again.wait()
            again.clear()
            await reload(filter_, places)

    async with listening(filter_, address, port):
        reloading = loop.create_task(reload_when_told())
        notify("READY=1")
        await stop.wait()
        notify("STOPPING=1")
        reloading.cancel()


def main(argv: list[str] | None = None) -> int:
    """Run the filter; 1 when it cannot start, with the reason on standard error."""
    chosen = arguments().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    runtime = chosen.runtime_directory or (
        Path(os.environ["RUNTIME_DIRECTORY"]) if os.environ.get("RUNTIME_DIRECTORY") else None
    )
    try:
        index = state_directory(chosen.state_directory) / INDEX_NAME
        places = Places(chosen.config, index, runtime / HELD_NAME if runtime else None, chosen.upstream_port)
        filter_ = begin(places)
        gc.collect()
        asyncio.run(run(filter_, places, chosen.address, chosen.port))
    except (DesahubError, OSError) as error:
        log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
