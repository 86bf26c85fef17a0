"""``desahub-noc``: set a NOC up, keep its inventory, enrol hubs, look into a message."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from appliance.core import command_results, commands, letter_marks, letter_marks_wire, report
from appliance.core.errors import DesahubError
from noc import enrol, setup
from noc.accounts import commands as accounting
from noc.alarms import commands as alarming
from noc.commands import cli as commanding
from noc.enrolment import commands as enrolling
from noc.inventory import commands as inventory
from noc.papers import commands as papers
from noc.portal_certificates import commands as portal_certificates
from noc.simulate import commands as simulating
from noc.store.opening import add_database_option

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
        database_url=options.database_url,
    )  # fmt: skip
    for line in done.made:
        print(f"made {line}")
    if not done.made:
        print("everything is there already; nothing was changed")
    if done.admin_password is not None:
        print(f"account: admin\npassword, shown this once, to be changed at the first login: {done.admin_password}")
    return 0


@dataclasses.dataclass(frozen=True, slots=True)
class _Marks:
    """Marks of letters, as JSON has them."""

    letters: tuple[dict[str, object], ...]


def _shown(mark: letter_marks.Mark) -> dict[str, object]:
    return dataclasses.asdict(mark) | {"digest": mark.digest.hex(), "date": mark.date.isoformat()}


def _decode(options: argparse.Namespace, _places: setup.Places) -> int:
    payload = options.file.read_bytes()
    message: report.Message | commands.Command | command_results.Result | letter_marks_wire.Receipt | _Marks
    if payload[3:4] == bytes((commands.COMMAND_SCHEMA,)):
        message = commands.read(commands.split(payload).body)
    elif payload[3:4] == bytes((command_results.RESULT_SCHEMA,)):
        message = command_results.decode_result(payload)
    elif payload[3:4] == bytes((letter_marks_wire.MARKS_SCHEMA,)):
        message = _Marks(tuple(_shown(each) for each in letter_marks_wire.decode_marks(payload)))
    elif letter_marks_wire.is_receipt(payload):
        message = letter_marks_wire.decode_receipt(payload)
    else:
        message = report.decode(payload)
    print(json.dumps({"type": type(message).__name__.lower().strip("_"), **dataclasses.asdict(message)}, indent=2))
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
    init.add_argument("--bind-address", help="where the broker listens (as it did, or every address)")
    init.add_argument("--port", type=int, help="the broker's port (as it was, or 8883)")
    init.add_argument(
        "--ingest-workers", type=int, default=1, choices=range(1, enrol.INGEST_WORKERS_MAX + 1), metavar="NUMBER",
        help="how many ingest processes get an identity of their own (%(default)s)",
    )  # fmt: skip
    add_database_option(init, "keep the store in this PostgreSQL database (SQLite, or as database.env says already)")
    init.set_defaults(command=_init)

    hub = commands.add_parser("hub", help="the inventory").add_subparsers(required=True, metavar="COMMAND")
    enrolment = commands.add_parser("enrol", help="certificates of hubs").add_subparsers(
        required=True, metavar="COMMAND"
    )
    enrolling.register(hub, enrolment, common)
    inventory.register(commands, hub, common)

    account = commands.add_parser("account", help="who may log in").add_subparsers(required=True, metavar="COMMAND")
    accounting.register(account, common)

    commanding.register(commands, common)
    alarming.register(commands, common)
    papers.register(commands, common)
    portal_certificates.register(commands, common)
    simulating.register(commands, common)

    decode = commands.add_parser("decode", parents=[common], help="print a message of a hub as JSON")
    decode.add_argument("file", type=Path, metavar="FILE")
    decode.set_defaults(command=_decode)
    return parser


if __name__ == "__main__":
    sys.exit(main())
