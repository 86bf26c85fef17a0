"""``desahub practice``: start, end and begin anew the practice mode, without a browser."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Final

from appliance.kiosk.commands import as_owner_of
from appliance.kiosk.practice import book
from appliance.system.processes import run

STATE_DIRECTORY: Final = Path("/var/lib/desahub-practice")
_UNIT: Final = "desahub-practice.service"
_SECONDS: Final = 120.0


def register(subparsers: Any) -> None:
    """Add ``practice`` to ``desahub``; each command sets ``run``, a function of the parsed options to a status."""
    practice = subparsers.add_parser("practice", help="the practice mode: a made-up village to train in")
    commands = practice.add_subparsers(required=True, metavar="COMMAND")
    start = commands.add_parser("start", help="start it now; the first visitor from the office does the same")
    start.set_defaults(run=lambda _: _systemctl("start"))
    stop = commands.add_parser("stop", help="end it now; it ends by itself 15 minutes after the last page")
    stop.set_defaults(run=lambda _: _systemctl("stop"))
    reset = commands.add_parser("reset", help="throw the made-up village away; the next start makes another one")
    reset.add_argument(
        "--state-directory", type=Path, default=STATE_DIRECTORY, help="its folder, by default %(default)s"
    )
    reset.set_defaults(run=_reset)


def _systemctl(what: str) -> int:
    run(("systemctl", what, _UNIT), timeout_seconds=_SECONDS)
    return 0


def _reset(options: argparse.Namespace) -> int:
    if not options.state_directory.exists():
        return 0  # nobody has trained here so far
    with as_owner_of(options.state_directory):
        book.ask_anew(options.state_directory)
    return _systemctl("try-restart")
