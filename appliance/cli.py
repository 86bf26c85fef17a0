"""``desahub``: what a technician types on the hub.

Exit codes: 0 done, 1 something is wrong and was said, 2 the command line itself is wrong.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from appliance.commands import apply as applying
from appliance.commands import places
from appliance.core import config as hub
from appliance.core import config_docs
from appliance.core.errors import ConfigError, DesahubError
from appliance.gate.client import GateClient
from appliance.network import nftables
from appliance.network.render import render
from appliance.system import certificate, files, links, uplink_state

HUB_TOML = places.HUB_TOML
APPLIED_TOML = places.APPLIED_TOML
# Rooms that bring commands of their own: a function register(subparsers) in each module, where there is one. A command
# sets ``run`` (argparse.Namespace -> exit code) with set_defaults.
_ROOMS = (
    "appliance.commands.certificate",
    "appliance.commands.configuration",
    "appliance.commands.doctor",
    "appliance.operator.commands",
    "appliance.records.commands",
    "appliance.kiosk.commands",
    "appliance.kiosk.demo_commands",
    "appliance.kiosk.letters.commands",
    "appliance.kiosk.practice.commands",
    "appliance.kiosk.residents.commands",
    "captive_portal.vouchers.commands",
    "agent.commands",
)

Command = Callable[[argparse.Namespace], int]
_ROOT = "Not run as root, so some things stay unknown that root would see: sudo desahub {}"


if TYPE_CHECKING:
    _Action = argparse._SubParsersAction[argparse.ArgumentParser]
else:
    _Action = argparse._SubParsersAction


class _Commands(_Action):
    """Begins each command's own help with what the list of commands says of it, unless it says more."""

    def add_parser(self, name: str, **named: Any) -> argparse.ArgumentParser:
        said: str = named.get("help", "")
        named.setdefault("description", f"{said[:1].upper()}{said[1:]}.")
        return super().add_parser(name, **named)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        self.register("action", "parsers", _Commands)


def parser() -> argparse.ArgumentParser:
    """The whole command line, with the commands of every room that is installed."""
    top = _Parser(prog="desahub", description="Set up and look after an Internet Desa Hub.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    check = commands.add_parser("check-config", help="say everything that is wrong in a hub.toml")
    check.add_argument("file", type=Path, metavar="FILE")
    check.set_defaults(run=check_config)

    draw = commands.add_parser("render", help="write what a hub.toml becomes into a folder, without applying it")
    draw.add_argument("file", type=Path, metavar="FILE", nargs="?", default=HUB_TOML, help=f"default: {HUB_TOML}")
    draw.add_argument("--out", type=Path, required=True, metavar="DIR")
    draw.set_defaults(run=render_files)

    act = commands.add_parser("apply", help="check hub.toml, install what it becomes, reload what changed")
    act.add_argument("--config", type=Path, default=HUB_TOML, metavar="FILE", help=f"default: {HUB_TOML}")
    act.set_defaults(run=apply)

    state = commands.add_parser(
        "status", help="say how this hub is",
        description="Say how this hub is, a line for each matter; what cannot be found out is unknown. Exits with 1 "
        "when the firewall is not known to be closed, or this box forwards nothing. What to do: desahub doctor.",
    )  # fmt: skip
    state.add_argument("--json", action="store_true", help="one JSON object")
    state.set_defaults(run=status)

    docs = commands.add_parser("config-docs", help="print docs/config.md")
    docs.set_defaults(run=config_documentation)

    for name in _ROOMS:
        if _exists(name):
            importlib.import_module(name).register(commands)
    return top


def _exists(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    chosen = parser().parse_args(argv)
    command: Command = chosen.run
    try:
        return command(chosen)
    except ConfigError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)
        count = len(error.problems)
        print(f"{count} {'problem' if count == 1 else 'problems'}; nothing was changed.", file=sys.stderr)
    except DesahubError as error:
        print(f"desahub: {error}", file=sys.stderr)
    return 1


def check_config(chosen: argparse.Namespace) -> int:
    """``desahub check-config``"""
    config = hub.parse(places.text(chosen.file))
    networks = len(config.networks)
    print(f"{chosen.file}: right. {config.village.name}, {networks} network{'s' if networks > 1 else ''}.")
    return 0


def render_files(chosen: argparse.Namespace) -> int:
    """``desahub render``"""
    for file in render(hub.parse(places.text(chosen.file))):
        path = chosen.out / file.path
        files.write_durably(path, file.text, file.mode)
        print(path)
    return 0


def apply(chosen: argparse.Namespace) -> int:
    """``desahub apply``"""
    text = places.text(chosen.config)
    config = hub.parse(text)
    return applying.apply(config, text, certificate.look(config))


def status(chosen: argparse.Namespace) -> int:
    """``desahub status``: 1 when the firewall is not known to be closed by default, or the box does not forward."""
    found: dict[str, Any] = {"hub_id": None, "village": None, "hub_toml_is_applied": None, "rules_match_hub_toml": None}
    config = None
    try:
        applied = places.text(APPLIED_TOML)
        config = hub.parse(applied)
        found |= {"hub_id": config.hub.id, "village": config.village.name}
        found["hub_toml_is_applied"] = places.text(HUB_TOML) == applied
    except DesahubError as error:
        found["config_problem"] = str(error)
    try:
        gate = GateClient().status()
        found |= {"closed_by_default": gate.closed_by_default, "devices_online": gate.admitted_count}
        if config is not None:
            found["rules_match_hub_toml"] = gate.ruleset_fingerprint == nftables.fingerprint(config)
    except DesahubError as error:
        found |= {"closed_by_default": None, "devices_online": None, "gate_problem": str(error)}
    found["forwards"] = links.forwards()
    uplink = uplink_state.read()
    found |= {"uplink_up": uplink.up, "uplink_since": uplink.since_wall}
    if config is not None:
        found |= _outside_and_inside(config)
    if chosen.json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        for name, value in found.items():
            shown = {"None": "unknown", "True": "yes", "False": "no"}.get(str(value), value)
            print(f"{name.replace('_', ' '):24}{shown}")
    if found["closed_by_default"] is None and os.geteuid() != 0:
        print(_ROOT.format("status"), file=sys.stderr)
    if found["hub_toml_is_applied"] is False:
        print(f"{HUB_TOML} was changed after it was applied: sudo desahub apply", file=sys.stderr)
    if found["forwards"] is False:
        print("This box forwards nothing, nobody gets online: sudo desahub apply", file=sys.stderr)
    return 0 if found["closed_by_default"] is True and found["forwards"] is True else 1


def _outside_and_inside(config: hub.Config) -> dict[str, Any]:
    """Look at the uplink's interface and ask the pages, as their visitors would."""
    from appliance.system import web_front  # noqa: PLC0415 - requests takes 0.1 s that no other command needs

    link = links.look(config.uplink.interface)
    return {
        "uplink_link": link.is_up,
        "uplink_address": link.address,
        "uplink_gateway": link.gateway,
        "portal_answers": web_front.answers(config.portal.host),
        "kiosk_answers": web_front.answers(config.kiosk.host),
    }


def config_documentation(_: argparse.Namespace) -> int:
    """``desahub config-docs``"""
    sys.stdout.write(config_docs.render())
    return 0


if __name__ == "__main__":
    sys.exit(main())
