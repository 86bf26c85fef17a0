"""``desahub-noc``: set a NOC up, keep its inventory, enrol hubs, look into a message."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from appliance.core import command_results, commands, report
from appliance.core.errors import DesahubError
from noc import enrol, setup
from noc.commands import cli as commanding
from noc.enrolment import commands as enrolling
from noc.papers import commands as papers

Command = Callable[[argparse.Namespace, setup.Places], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 1 with a sentence on standard error when it cannot be done."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options, setup.Places(options.directory, options.state))
    except (DesahubError, OSError, ValueError) as error:
        print(f"desahub-noc: {error}", file=sys.stderr)
        return 1


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _init(options: argparse.Namespace, places: setup.Places) -> int:
    done = setup.initialise(
        places, options.broker_host, _now(),
        bind_address=options.bind_address, port=options.port, ingest_workers=options.ingest_workers,
    )  # fmt: skip
    for line in done.made:
        print(f"made {line}")
    if not done.made:
        print("everything is there already; nothing was changed")
    if done.admin_password is not None:
        print(f"account: admin\npassword, shown this once, to be changed at the first login: {done.admin_password}")
    return 0


def _decode(options: argparse.Namespace, _places: setup.Places) -> int:
    payload = options.file.read_bytes()
    message: report.Message | commands.Command | command_results.Result
    if payload[3:4] == bytes((commands.COMMAND_SCHEMA,)):
        message = commands.read(commands.split(payload).body)
    elif payload[3:4] == bytes((command_results.RESULT_SCHEMA,)):
        message = command_results.decode_result(payload)
    else:
        message = report.decode(payload)
    print(json.dumps({"type": type(message).__name__.lower(), **dataclasses.asdict(message)}, indent=2))
    return 0


def _account_add(options: argparse.Namespace, places: setup.Places) -> int:
    password = setup.open_accounts(places).add(options.name, options.role, int(_now().timestamp()))
    setup.own(places)
    print(f"account: {options.name}\npassword, shown this once, to be changed at the first login: {password}")
    return 0


def _account_reset(options: argparse.Namespace, places: setup.Places) -> int:
    password = setup.open_accounts(places).reset(options.name)
    print(f"account: {options.name}\npassword, shown this once, to be changed at the first login: {password}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="desahub-noc", description="The network operations center of village hubs.")
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--directory", type=Path, default=setup.DIRECTORY, help="keys and configuration (%(default)s)")
    common.add_argument("--state", type=Path, default=setup.STATE_DIRECTORY, help="databases (%(default)s)")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    init = commands.add_parser("init", parents=[common], help="make authority, broker, ingest and the first account")
    init.add_argument(
        "--broker-host", nargs="+", required=True, metavar="NAME",
        help="names and addresses of the broker, first the one hubs have in noc.host; include localhost for the ingest",
    )  # fmt: skip
    init.add_argument("--bind-address", default="", help="where the broker listens (every address)")
    init.add_argument("--port", type=int, default=8883, help="the broker's port (%(default)s)")
    init.add_argument(
        "--ingest-workers", type=int, default=1, choices=range(1, enrol.INGEST_WORKERS_MAX + 1), metavar="NUMBER",
        help="how many ingest processes get an identity of their own (%(default)s)",
    )  # fmt: skip
    init.set_defaults(command=_init)

    hub = commands.add_parser("hub", help="the inventory").add_subparsers(required=True, metavar="COMMAND")
    enrolment = commands.add_parser("enrol", help="certificates of hubs").add_subparsers(
        required=True, metavar="COMMAND"
    )
    enrolling.register(hub, enrolment, common)

    account = commands.add_parser("account", help="who may log in").add_subparsers(required=True, metavar="COMMAND")
    for name, command in (("add", _account_add), ("reset", _account_reset)):
        each = account.add_parser(name, parents=[common], help=f"{name} an account and print its one-time password")
        each.add_argument("name")
        each.set_defaults(command=command)
        if name == "add":
            each.add_argument("--role", default="operator", choices=["admin", "operator"], help="(%(default)s)")

    commanding.register(commands, common)
    papers.register(commands, common)

    decode = commands.add_parser("decode", parents=[common], help="print a message of a hub as JSON")
    decode.add_argument("file", type=Path, metavar="FILE")
    decode.set_defaults(command=_decode)
    return parser


if __name__ == "__main__":
    sys.exit(main())
