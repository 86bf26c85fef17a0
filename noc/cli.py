"""``desahub-noc``: set a NOC up, keep its inventory, enrol hubs, look into a message."""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from appliance.core import area, report
from appliance.core.config.village import HUB_ID, Timezone
from appliance.core.errors import DesahubError, OperationError
from noc import enrol, setup
from noc.store.contract import Hub
from noc.store.sqlite import open_noc_store

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
    done = setup.initialise(places, options.broker_host, _now(), bind_address=options.bind_address, port=options.port)
    for line in done.made:
        print(f"made {line}")
    if not done.made:
        print("everything is there already; nothing was changed")
    if done.admin_password is not None:
        print(f"account: admin\npassword, shown this once, to be changed at the first login: {done.admin_password}")
    return 0


def _hub_add(options: argparse.Namespace, places: setup.Places) -> int:
    if not HUB_ID.holds(options.hub_id):
        raise OperationError(f"--hub-id is {options.hub_id!r}, {HUB_ID.allowed}")
    if not 0 < len(options.name) <= 64 or not options.name.isprintable():
        raise OperationError("--name: allowed are 1 to 64 characters without control characters")
    area.AreaCode.parse(options.kode_wilayah)
    store = open_noc_store(places.store)
    store.add_hub(Hub(options.hub_id, options.name, options.kode_wilayah, options.timezone))
    store.close()
    print(f"{options.hub_id} is in the inventory; sign its request with desahub-noc enrol sign")
    return 0


def _hub_list(_options: argparse.Namespace, places: setup.Places) -> int:
    store = open_noc_store(places.store)
    for hub in store.hubs():
        print(f"{hub.hub_id}\t{hub.kode_wilayah}\t{hub.timezone}\t{hub.name}")
    store.close()
    return 0


def _enrol_sign(options: argparse.Namespace, places: setup.Places) -> int:
    if not (places.directory / "authority" / "ca.key").exists():
        raise OperationError(
            f"{places.directory / 'authority'}: no authority here; run desahub-noc init first, as root"
        )
    authority = enrol.open_authority(places.directory / "authority", _now())
    store = open_noc_store(places.store)
    known = {hub.hub_id for hub in store.hubs()}
    store.close()
    name, certificate = enrol.sign_request(
        authority, options.request.read_bytes(), known.__contains__, _now(), options.hub_id
    )
    enrol.write_once(options.out, certificate, 0o644)
    print(f"signed {name}: carry {options.out} and {places.directory / 'authority' / 'ca.crt'} to the hub")
    return 0


def _decode(options: argparse.Namespace, _places: setup.Places) -> int:
    message = report.decode(options.file.read_bytes())
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
    init.set_defaults(command=_init)

    hub = commands.add_parser("hub", help="the inventory").add_subparsers(required=True, metavar="COMMAND")
    add = hub.add_parser("add", parents=[common], help="put a hub into the inventory")
    add.add_argument("--hub-id", required=True, help=HUB_ID.allowed)
    add.add_argument("--name", required=True, help="the village's name")
    add.add_argument("--kode-wilayah", required=True, help="PP.KK.CC.DDDD")
    add.add_argument(
        "--timezone", default=Timezone.WIB.value, choices=[zone.value for zone in Timezone],
        help="for the charts of this hub (%(default)s)",
    )  # fmt: skip
    add.set_defaults(command=_hub_add)
    hub.add_parser("list", parents=[common], help="list the inventory").set_defaults(command=_hub_list)

    enrolment = commands.add_parser("enrol", help="certificates of hubs").add_subparsers(
        required=True, metavar="COMMAND"
    )
    sign = enrolment.add_parser("sign", parents=[common], help="sign the request of a hub in the inventory")
    sign.add_argument("request", type=Path, metavar="CSR", help="what desahub enrol request wrote")
    sign.add_argument("--out", type=Path, required=True, metavar="CRT", help="where the certificate goes")
    sign.add_argument("--hub-id", help="refuse a request of any other hub")
    sign.set_defaults(command=_enrol_sign)

    account = commands.add_parser("account", help="who may log in").add_subparsers(required=True, metavar="COMMAND")
    for name, command in (("add", _account_add), ("reset", _account_reset)):
        each = account.add_parser(name, parents=[common], help=f"{name} an account and print its one-time password")
        each.add_argument("name")
        each.set_defaults(command=command)
        if name == "add":
            each.add_argument("--role", default="operator", choices=["admin", "operator"], help="(%(default)s)")

    decode = commands.add_parser("decode", parents=[common], help="print a message of a hub as JSON")
    decode.add_argument("file", type=Path, metavar="FILE")
    decode.set_defaults(command=_decode)
    return parser


if __name__ == "__main__":
    sys.exit(main())
