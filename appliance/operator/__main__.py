"""``python -m appliance.operator``: the process of desahub-operator.service. It ends when nobody asks any more."""

from __future__ import annotations

import argparse
import functools
import logging
import os
import pwd
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from appliance.core.errors import DesahubError, OperationError
from appliance.operator import keys
from appliance.operator.book import open_book
from appliance.operator.machine import SystemdMachine
from appliance.operator.server import Server, listener_of_systemd
from appliance.operator.service import Operator
from appliance.system.clock import kernel_clock
from appliance.unit.config import APPLIED_PATH, read_config

log = logging.getLogger("desahub.operator")
MESSENGER: Final = "desahub-agent"
STATE_DIRECTORY: Final = Path("/var/lib/desahub-operator")
BOOK: Final = "operator.db"


def main(arguments: Sequence[str] | None = None) -> int:
    """Answer the agent; 1 when it cannot, with the reason on standard error."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        listener = listener_of_systemd()
        key = keys.read_key(options.key)
        book = open_book(options.state / BOOK)
        operator = Operator(
            read_config(options.config).hub.id,
            None if key is None else functools.partial(keys.holds, key),
            book,
            SystemdMachine(options.config),
            kernel_clock(),
        )
        Server(listener, operator, [_messenger()]).serve()
        book.close()
    except DesahubError as error:
        log.error("%s", error)
        return 1
    return 0


def _messenger() -> int:
    try:
        return pwd.getpwnam(MESSENGER).pw_uid
    except KeyError:
        raise OperationError(f"there is no user {MESSENGER} on this machine; systemd-sysusers makes it") from None


def _parser() -> argparse.ArgumentParser:
    state = Path(os.environ.get("STATE_DIRECTORY", str(STATE_DIRECTORY)).split(":")[0])
    parser = argparse.ArgumentParser(prog="python -m appliance.operator", description="Carries out the NOC's commands.")
    parser.add_argument("--config", type=Path, default=APPLIED_PATH, help="the box's configuration (%(default)s)")
    parser.add_argument("--key", type=Path, default=keys.KEY_PATH, help="the NOC's public key (%(default)s)")
    parser.add_argument("--state", type=Path, default=state, help="folder of the book (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
