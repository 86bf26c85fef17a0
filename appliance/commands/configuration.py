"""``desahub configuration``: what the NOC wants changed, and the way back to what the box had."""

from __future__ import annotations

import argparse

from appliance.commands import places
from appliance.commands.apply import apply
from appliance.core.config import Config
from appliance.system import certificate, pushed
from appliance.system.processes import run
from appliance.unit.config import APPLIED_PATH

RETURN_TIMER = "desahub-return.timer"
_ASK_SECONDS_MAX = 30.0


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``configuration change``, ``configuration return`` and ``configuration status``."""
    group = subparsers.add_parser("configuration", help="changes of hub.toml that the NOC asked for")
    commands = group.add_subparsers(required=True, metavar="COMMAND")
    for name, action, text in (
        ("change", run_change, "do what a command of the NOC asked for; desahub-configure.service does it"),
        ("return", run_return, "go back to what the box had before a change that waits to be kept"),
        ("status", run_status, "say what became of the last change"),
    ):
        commands.add_parser(name, help=text).set_defaults(run=action)


def run_change(_: argparse.Namespace) -> int:
    """``desahub configuration change``: what became of it is written down for the NOC; a refusal is an answer too."""
    said = pushed.change(pushed.Folder(), places.HUB_TOML, APPLIED_PATH, _arm, _apply)
    print(f"{said.state}: {said.detail}")
    return 0


def run_return(_: argparse.Namespace) -> int:
    """``desahub configuration return``"""
    why = "nobody said in time that it shall be kept"
    said = pushed.go_back(pushed.Folder(), places.HUB_TOML, APPLIED_PATH, _apply, why)
    print("No change waits to be kept." if said is None else f"{said.state}: {said.detail}")
    return 0


def run_status(_: argparse.Namespace) -> int:
    """``desahub configuration status``"""
    folder = pushed.Folder()
    waiting, last = pushed.pending(folder), pushed.outcome(folder)
    if waiting is not None:
        print(f"The change of command {waiting} waits to be kept; else the box goes back to what it had.")
    elif last is None:
        print("The NOC never changed hub.toml.")
    else:
        print(f"Command {last.command}: {last.state}, {last.detail}")
    return 0


def _arm() -> None:
    run(["systemctl", "restart", RETURN_TIMER], timeout_seconds=_ASK_SECONDS_MAX)


def _apply(config: Config, text: str) -> None:
    apply(config, text, certificate.look(config))
