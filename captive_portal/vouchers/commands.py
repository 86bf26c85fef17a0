"""``desahub voucher``: sheets of vouchers from the command line, and the district's key and codes.

What concerns this box asks its keeper, as root. What a district does for all its hubs, its key and its sheets, needs no
hub: it works on any machine with the package.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import os
import re
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from appliance.core.errors import OperationError
from appliance.hotspot import protocol
from appliance.hotspot.client import SOCKET_PATH, HotspotClient
from captive_portal.vouchers import codes
from captive_portal.vouchers.keys import parse_key

_BY: Final = re.compile(r"[a-z][a-z0-9._-]{1,31}")
_NAME: Final = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,4}))?", re.ASCII)


def register(subparsers: Any) -> None:
    """Add ``voucher`` to ``desahub``; each command sets ``run``, a function of the parsed options to an exit status."""
    voucher = subparsers.add_parser("voucher", help="vouchers of this hub, and of a district")
    commands = voucher.add_subparsers(required=True, metavar="COMMAND")
    _register_local(commands)
    _register_district(commands)


def _register_local(commands: Any) -> None:
    make = commands.add_parser("make", help="make a batch of vouchers and print its codes")
    make.add_argument("title", metavar="TITLE", help="what the office reads, such as the day and for whom")
    _number(make, "--count", f"how many, 1 to {protocol.BATCH_COUNT_MAX}", required=True)
    _number(make, "--devices", f"how many devices may share one, 1 to {protocol.DEVICES_MAX}", default=1)
    _number(make, "--minutes", "time from the first use, up to 43200 (30 days)", required=True)
    _number(make, "--megabytes", "data, sent and received together; 0 for no limit", default=0)
    make.add_argument("--speed", default="", metavar="NAME", help="a name of [[speeds]]; by default the network's own")
    _number(make, "--valid-days", "days until the first use, by default %(default)s", default=90)
    make.add_argument("--csv", action="store_true", help="as comma-separated values")
    listing = commands.add_parser("list", help="list the batches")
    show = commands.add_parser("show", help="print a batch's codes again")
    show.add_argument("batch", type=int, metavar="BATCH")
    show.add_argument("--csv", action="store_true", help="as comma-separated values")
    void = commands.add_parser("void", help="withdraw a batch, or one voucher of it; its connections end")
    void.add_argument("name", metavar="BATCH[-SERIAL]", help="such as 12, or 12-7")
    void.add_argument("--why", required=True, metavar="TEXT", help="is written down with your name")
    key = commands.add_parser("district-key", help="accept the vouchers of a district on this hub")
    what = key.add_mutually_exclusive_group(required=True)
    what.add_argument("--install", type=Path, metavar="FILE", help="a key made with district-new-key")
    what.add_argument("--remove", action="store_true", help="accept none any more")
    for command, run in ((make, _make), (listing, _list), (show, _show), (void, _void), (key, _district_key)):
        command.add_argument("--socket", type=Path, default=SOCKET_PATH, help="the keeper's, by default %(default)s")
        command.set_defaults(run=run)


def _register_district(commands: Any) -> None:
    new_key = commands.add_parser("district-new-key", help="make a district's key; for the district, without a hub")
    new_key.add_argument("file", type=Path, metavar="FILE", help="must not exist; keep it as you keep money")
    new_key.set_defaults(run=_district_new_key)
    make = commands.add_parser("district-make", help="make a sheet of a district's codes; without a hub")
    make.add_argument("--key", type=Path, required=True, metavar="FILE", help="made with district-new-key")
    _number(make, "--batch", f"the sheet's number, 0 to {codes.DISTRICT_BATCH_MAX}; never twice", required=True)
    _number(make, "--count", "how many", required=True)
    _number(make, "--minutes", f"one of {', '.join(map(str, codes.DISTRICT_MINUTES))}", required=True)
    _number(make, "--megabytes", f"one of {', '.join(map(str, codes.DISTRICT_MEGABYTES))}", default=0)
    _number(make, "--devices", f"1 to {codes.DISTRICT_DEVICES_MAX}", default=1)
    _number(make, "--speed-level", "0 for the fair share, n for the n-th of each hub's [[speeds]]", default=0)
    make.add_argument(
        "--last-day", type=datetime.date.fromisoformat, required=True, metavar="YYYY-MM-DD", help="of the first use"
    )
    make.add_argument("--csv", action="store_true", help="as comma-separated values")
    make.set_defaults(run=_district_make)


def _number(parser: argparse.ArgumentParser, name: str, about: str, **more: Any) -> None:
    parser.add_argument(name, type=int, metavar="N", help=about, **more)


def _make(options: argparse.Namespace) -> int:
    wanted = protocol.MakeBatch(
        options.title, options.count, options.devices, options.minutes * 60, options.megabytes, options.speed,
        options.valid_days, _by(),
    )  # fmt: skip
    return _print_batch(HotspotClient(options.socket).ask(wanted), as_csv=options.csv)


def _show(options: argparse.Namespace) -> int:
    found = HotspotClient(options.socket).ask(protocol.GetBatch(options.batch, _by()))
    return _print_batch(found, as_csv=options.csv)


def _list(options: argparse.Namespace) -> int:
    for one in HotspotClient(options.socket).ask(protocol.ListBatches()).batches:
        sys.stdout.write(
            f"{one.id}\t{one.title}\t{one.count} vouchers\t{one.unused_count} unused\t{one.active_count} active\t"
            f"{one.used_up_count} used up\t{one.expired_count} expired\t{one.void_count} void\t"
            f"first use until {one.last_day or 'the date is known'}\n"
        )
    return 0


def _void(options: argparse.Namespace) -> int:
    match = _NAME.fullmatch(options.name)
    if match is None:
        raise OperationError(
            f"{options.name[:60]!r} names no voucher; allowed are 12 for a batch and 12-7 for one of it"
        )
    batch_id, serial = int(match[1]), match[2]
    request = (
        protocol.VoidVoucher(batch_id, int(serial), _by(), options.why)
        if serial
        else protocol.VoidBatch(batch_id, _by(), options.why)
    )
    HotspotClient(options.socket).ask(request)
    sys.stdout.write(f"{options.name}: withdrawn\n")
    return 0


def _district_key(options: argparse.Namespace) -> int:
    key = "" if options.remove else _key(options.install).hex()
    HotspotClient(options.socket).ask(protocol.InstallDistrictKey(key, _by()))
    sys.stdout.write(
        "This hub accepts its district's vouchers.\n" if key else "This hub accepts no district's vouchers.\n"
    )
    return 0


def _district_new_key(options: argparse.Namespace) -> int:
    try:
        file = os.open(options.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(file, "w", encoding="ascii") as written:
            written.write(f"{secrets.token_hex(codes.KEY_BYTES)}\n")
            written.flush()
            os.fsync(file)
    except OSError as error:
        raise OperationError(f"{options.file}: {error.strerror}; a key is never written over another file") from None
    sys.stdout.write(f"{options.file}: a new key. Who has it makes vouchers for every hub of the district.\n")
    return 0


def _district_make(options: argparse.Namespace) -> int:
    key = _key(options.key)
    if not 1 <= options.count <= codes.DISTRICT_SERIAL_MAX:
        raise OperationError(f"--count {options.count}: allowed is 1 to {codes.DISTRICT_SERIAL_MAX}")
    made = []
    for serial in range(1, options.count + 1):
        try:
            what = codes.DistrictCode(
                options.batch, serial, options.last_day, options.minutes, options.megabytes, options.devices,
                options.speed_level,
            )  # fmt: skip
        except ValueError as error:
            raise OperationError(f"no sheet was made: {error}") from None
        made.append((f"D{options.batch}-{serial}", codes.printed(codes.make_district(key, what))))
    return _print_codes(made, as_csv=options.csv)


def _print_batch(found: protocol.BatchCodes, *, as_csv: bool) -> int:
    batch = found.batch
    if not as_csv:
        data = f"{batch.quota_megabytes} MB" if batch.quota_megabytes else "no limit of data"
        sys.stdout.write(
            f"Batch {batch.id}, {batch.title}: {batch.count} vouchers, {batch.duration_seconds // 60} minutes, {data}, "
            f"devices for each: {batch.devices}, first use until {batch.last_day or 'the date is known'}\n"
        )
    return _print_codes(((f"{batch.id}-{one.serial}", one.code) for one in found.vouchers), as_csv=as_csv)


def _print_codes(made: Iterable[tuple[str, str]], *, as_csv: bool) -> int:
    if as_csv:
        rows = csv.writer(sys.stdout, lineterminator="\n")
        rows.writerow(("voucher", "code"))
        rows.writerows(made)
        return 0
    for name, code in made:
        sys.stdout.write(f"{name}\t{code}\n")
    return 0


def _key(path: Path) -> bytes:
    try:
        return parse_key(path.read_text("ascii"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise OperationError(f"{path}: cannot be read: {error}") from None


def _by() -> str:
    """Whose name goes into the list of actions: who called sudo, or root."""
    name = os.environ.get("SUDO_USER", "")
    return name if _BY.fullmatch(name) else "root"
