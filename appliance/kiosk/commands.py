"""``desahub office``: the accounts of the village office, made on the box by whoever may be root there."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from appliance.core.errors import StoreError
from appliance.kiosk.app import open_database, open_keys, services
from appliance.kiosk.office.desk import ROOT, AccountDesk
from appliance.kiosk.office.rules import Role
from appliance.kiosk.office.store import open_accounts, open_factors
from appliance.store.audit import Audit
from appliance.store.database import Store

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
    factor = commands.add_parser("reset-factor", help="take an account's telephone away; its sessions end")
    factor.add_argument("name", metavar="NAME")
    listing = commands.add_parser("list", help="list the accounts")
    audit = commands.add_parser("audit", help="who looked at whose records and did what, the newest first")
    which = audit.add_mutually_exclusive_group()
    which.add_argument("--verify", action="store_true", help="check the whole chain; 1 where it is broken")
    which.add_argument("--who", metavar="NAME", default="", help="what one account saw and did")
    which.add_argument("--about", metavar="ID", type=int, default=0, help="who saw or changed one record")
    audit.add_argument("--limit", metavar="N", type=int, default=100, help="at most so many, by default %(default)s")
    for command, run in (
        (add, _add), (reset, _reset), (disable, _disable), (factor, _reset_factor), (listing, _list), (audit, _audit),
    ):  # fmt: skip
        command.add_argument(
            "--state-directory", type=Path, default=STATE_DIRECTORY, help="where kiosk.db is, by default %(default)s"
        )
        command.set_defaults(run=run)


def _add(options: argparse.Namespace) -> int:
    with _desk(options) as desk:
        password = desk.add(options.name, options.role)
    return _tell(options.name, password)


def _reset(options: argparse.Namespace) -> int:
    with _desk(options) as desk:
        password = desk.reset_password(options.name, keep_disabled=False)
    return _tell(options.name, password)


def _disable(options: argparse.Namespace) -> int:
    with _desk(options) as desk:
        desk.disable(options.name)
    return 0


def _reset_factor(options: argparse.Namespace) -> int:
    with _desk(options) as desk:
        desk.reset_factor(options.name)
    return 0


def _list(options: argparse.Namespace) -> int:
    with _store(options) as store:
        for each in open_accounts(store).all():
            state = "disabled" if each.disabled else "one-time password" if each.must_change else "active"
            sys.stdout.write(f"{each.name}\t{each.role}\t{state}\n")
    return 0


def _audit(options: argparse.Namespace) -> int:
    with _store(options) as store:
        audit = Audit(store, time.time)
        if options.verify:
            return _verify(audit)
        if options.who:
            found = audit.by_actor(options.who, options.limit)
        else:
            found = audit.about(options.about, options.limit) if options.about else audit.latest(options.limit)
    for each in found:
        at = datetime.datetime.fromtimestamp(each.at_seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        about = " ".join(map(str, each.subjects)) or "-"
        sys.stdout.write(f"{each.position}\t{at}\t{each.name}\t{each.role}\t{each.what}\t{about}\t{each.detail}\n")
    return 0


def _verify(audit: Audit) -> int:
    broken, (count, link) = audit.verify(), audit.end()
    if broken is not None:
        sys.stderr.write(
            f"audit: the chain is broken at entry {broken}: it, or one before it, was changed or removed after it was "
            "written; keep a copy of kiosk.db and find out who can write there\n"
        )
        return 1
    sys.stdout.write(f"{count} entries, whole; the last one's hash is {link}\n")
    return 0


def _tell(name: str, password: str) -> int:
    sys.stdout.write(
        f"One-time password for {name}: {password}\nIt is shown only now, and must be changed at the first login.\n"
    )
    return 0


@contextlib.contextmanager
def _store(options: argparse.Namespace) -> Iterator[Store]:
    with as_owner_of(options.state_directory):
        store = open_database(options.state_directory, services())
        try:
            yield store
        finally:
            store.close()


@contextlib.contextmanager
def _desk(options: argparse.Namespace) -> Iterator[AccountDesk]:
    with _store(options) as store:
        vault, _ = open_keys(options.state_directory, store)
        accounts = open_accounts(store)
        factors = open_factors(accounts, vault, "")
        yield AccountDesk(accounts, factors, Audit(store, time.time), ROOT, int(time.time()))


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
