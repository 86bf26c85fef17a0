"""``desahub operator``: whose commands this box takes, and what was commanded."""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from appliance.core.clock import WallQuality
from appliance.core.errors import OperationError

BOOK = Path("/var/lib/desahub-operator/operator.db")
KEY = Path("/etc/desahub/noc-command.pub")


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``operator trust`` and ``operator audit``; each sets ``run(options) -> exit code``, raises DesahubError."""
    operator = subparsers.add_parser("operator", help="whose commands this box takes, and what was commanded")
    commands = operator.add_subparsers(required=True, metavar="COMMAND")
    trust = commands.add_parser("trust", help="take commands that this key signed, and no others")
    trust.add_argument("key", type=Path, metavar="FILE", help="what desahub-noc command key wrote")
    trust.add_argument("--to", type=Path, default=KEY, help="where it is kept (%(default)s)")
    trust.set_defaults(run=_trust)
    audit = commands.add_parser("audit", help="print what was commanded, and check that nothing was taken out")
    audit.add_argument("--book", type=Path, default=BOOK, help="(%(default)s)")
    audit.set_defaults(run=_audit)


def _trust(options: argparse.Namespace) -> int:
    from appliance.operator import keys  # noqa: PLC0415 - cryptography, which other commands do without

    try:
        content = options.key.read_bytes()
    except OSError as error:
        raise OperationError(f"{options.key}: {error.strerror}") from None
    print(f"fingerprint: {keys.install_key(options.to, content)}")
    print("Compare it with what desahub-noc command key prints at the NOC. From now on this box takes commands of it.")
    return 0


def _audit(options: argparse.Namespace) -> int:
    from appliance.operator.book import check, open_book  # noqa: PLC0415 - SQLite, likewise

    if not options.book.exists():
        print("nothing was ever commanded")
        return 0
    book = open_book(options.book)
    try:
        for each in book.entries():
            when = datetime.datetime.fromtimestamp(each.wall_ms / 1000, datetime.UTC).isoformat(timespec="seconds")
            doubt = "" if each.wall_quality == WallQuality.NTP else "?"
            print(f"{each.position}\t{when}{doubt}\t{each.event}\t{each.said}")
        rows = check(book.entries())
    except ValueError as error:
        raise OperationError(f"{options.book}: {error}") from None
    finally:
        book.close()
    print(f"{rows} rows, each follows the one before it")
    return 0
