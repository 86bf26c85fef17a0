"""``desahub office``: the accounts of the village office, made on the box by whoever may be root there."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from appliance.core.errors import StoreError
from appliance.kiosk.app import open_database, services
from appliance.kiosk.office.rules import Role
from appliance.kiosk.office.store import open_accounts
from appliance.store.accounts import Accounts

STATE_DIRECTORY: Final = Path("/var/lib/desahub-kiosk")


def register(subparsers: Any) -> None:
    """Add ``office`` to ``desahub``; each command sets ``run``, a function of the parsed options to an exit status."""
    office = subparsers.add_parser("office", help="accounts of the village office")
    commands = office.add_subparsers(required=True, metavar="COMMAND")
    add = commands.add_parser("add", help="make an account; prints a one-time password once")
    add.add_argument("name", metavar="NAME", help="2 to 32 lower-case letters, digits, dots, hyphens, underscores")
    add.add_argument("--role", required=True, choices=[role.value for role in Role])
    reset = commands.add_parser("reset", help="give an account a new one-time password")
    reset.add_argument("name", metavar="NAME")
    disable = commands.add_parser("disable", help="let nobody in with an account; reset opens it again")
    disable.add_argument("name", metavar="NAME")
    listing = commands.add_parser("list", help="list the accounts")
    for command, run in ((add, _add), (reset, _reset), (disable, _disable), (listing, _list)):
        command.add_argument(
            "--state-directory", type=Path, default=STATE_DIRECTORY, help="where kiosk.db is, by default %(default)s"
        )
        command.set_defaults(run=run)


def _add(options: argparse.Namespace) -> int:
    with _accounts(options) as accounts:
        password = accounts.add(options.name, options.role, int(time.time()))
    return _tell(options.name, password)


def _reset(options: argparse.Namespace) -> int:
    with _accounts(options) as accounts:
        password = accounts.reset(options.name)
    return _tell(options.name, password)


def _disable(options: argparse.Namespace) -> int:
    with _accounts(options) as accounts:
        accounts.disable(options.name)
    return 0


def _list(options: argparse.Namespace) -> int:
    with _accounts(options) as accounts:
        for each in accounts.all():
            state = "disabled" if each.disabled else "one-time password" if each.must_change else "active"
            sys.stdout.write(f"{each.name}\t{each.role}\t{state}\n")
    return 0


def _tell(name: str, password: str) -> int:
    sys.stdout.write(
        f"One-time password for {name}: {password}\nIt is shown only now, and must be changed at the first login.\n"
    )
    return 0


@contextlib.contextmanager
def _accounts(options: argparse.Namespace) -> Iterator[Accounts]:
    with as_owner_of(options.state_directory):
        store = open_database(options.state_directory, services())
        try:
            yield open_accounts(store)
        finally:
            store.close()


@contextlib.contextmanager
def as_owner_of(folder: Path) -> Iterator[None]:
    """Let root write as the kiosk's own user: a database made as root is one the kiosk cannot open."""
    try:
        owner = folder.stat()
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}; start desahub-kiosk once, or name --state-directory") from None
    if os.geteuid() != 0 or owner.st_uid == 0:
        yield
        return
    group, mask = os.getegid(), os.umask(0o077)
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.umask(mask)
