"""``desahub-noc command``: order something of hubs, and look up what was ordered."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import fcntl
import os
import pwd
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from appliance.core.actions import (
    LOG_LINES_MAX,
    READABLE,
    RESTARTABLE,
    SPEED_TEST_MEGABYTES_MAX,
    Action,
    Configure,
    FetchConfiguration,
    Reboot,
    Restart,
    SendLogs,
    SpeedTest,
)
from appliance.core.command_results import Status
from appliance.core.commands import LIFE_SECONDS_MAX, LIFE_SECONDS_MIN
from appliance.core.errors import OperationError, StoreError
from appliance.core.pushing import Change, changes_of
from noc import setup
from noc.commands import keys, rules
from noc.commands.book import Book, Line, open_book
from noc.commands.desk import Desk, Order
from noc.commands.link import Link
from noc.commands.showing import showing
from noc.fleet_book.sqlite import open_fleet_book
from noc.store.opening import open_store_for

_COMMAND_LOCK: Final = "command.lock"
Subparsers = argparse._SubParsersAction


def register(commands: Subparsers[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    """Add ``command …``; each sets ``command(options, places) -> exit code`` and raises DesahubError."""
    command = commands.add_parser("command", help="order something of hubs").add_subparsers(
        required=True, metavar="COMMAND"
    )
    restart = _giving(command, common, "restart", "start a program of hubs anew")
    restart.add_argument("--unit", required=True, help=f"{', '.join(RESTARTABLE)} or desahub-radio@NETWORK.service")
    restart.set_defaults(action=lambda options: Restart(options.unit))
    logs = _giving(command, common, "logs", "let hubs send the newest lines of a program's log")
    logs.add_argument("--unit", required=True, choices=READABLE, metavar="UNIT", help=f"one of {', '.join(READABLE)}")
    logs.add_argument("--lines", type=int, default=100, help=f"1 to {LOG_LINES_MAX} (%(default)s)")
    logs.set_defaults(action=lambda options: SendLogs(options.unit, options.lines))
    fetch = _giving(command, common, "configuration", "let hubs send the configuration they run with")
    fetch.set_defaults(action=lambda _: FetchConfiguration())
    reboot = _giving(command, common, "reboot", "start whole hubs anew")
    reboot.set_defaults(action=lambda _: Reboot())

    configure = _giving(command, common, "configure", "set keys of hub.toml; hubs that cannot be reached then go back")
    configure.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="wanted",
        help="as in hub.toml: portal.history_days=30, 'networks[warga].speed=\"biasa\"'; may be given again",
    )  # fmt: skip
    configure.add_argument("--unset", action="append", default=[], metavar="KEY", help="let its default hold again")
    configure.set_defaults(action=lambda options: Configure(_changes(options.wanted, options.unset)))
    speed = _giving(command, common, "speed-test", "let hubs measure their line against this NOC")
    speed.add_argument(
        "--megabytes", type=int, default=10, metavar="MB",
        help=f"at most so many, 1 to {SPEED_TEST_MEGABYTES_MAX} (%(default)s)",
    )  # fmt: skip
    speed.set_defaults(action=lambda options: SpeedTest(options.megabytes))

    listing = command.add_parser("list", parents=[common], help="list what was ordered, newest first")
    listing.add_argument("--hub", metavar="HUB", help="of this hub alone")
    listing.add_argument("--limit", type=int, default=50, help="(%(default)s)")
    listing.set_defaults(command=_list)
    show = command.add_parser("show", parents=[common], help="print what a hub sent")
    show.add_argument("id", metavar="ID", help="as command list names it")
    show.set_defaults(command=_show)
    key = command.add_parser("key", parents=[common], help="write the public key, to be brought to hubs")
    key.add_argument("--out", type=Path, required=True, metavar="FILE")
    key.set_defaults(command=_key)


def _giving(
    command: Subparsers[argparse.ArgumentParser], common: argparse.ArgumentParser, name: str, text: str
) -> argparse.ArgumentParser:
    made = command.add_parser(name, parents=[common], help=text)
    which = made.add_mutually_exclusive_group(required=True)
    which.add_argument("--hub", nargs="+", metavar="HUB", help="these hubs")
    which.add_argument("--area", metavar="KODE", help="every hub whose kode wilayah begins so, such as 51.03")
    made.add_argument(
        "--first", type=int, default=rules.CANARIES,
        help="how many of many go first, and must have done it before the others are asked (%(default)s)",
    )  # fmt: skip
    made.add_argument(
        "--life-seconds", type=int, default=rules.LIFE_SECONDS,
        help=f"until when a hub takes it, {LIFE_SECONDS_MIN} to {LIFE_SECONDS_MAX} (%(default)s)",
    )  # fmt: skip
    made.add_argument("--who", default=_who(), help="whose order this is (%(default)s)")
    made.add_argument("--broker", default="localhost", help="(%(default)s)")
    made.add_argument("--port", type=int, default=8883, help="(%(default)s)")
    made.set_defaults(command=_give)
    return made


def _give(options: argparse.Namespace, places: setup.Places) -> int:
    make: Callable[[argparse.Namespace], Action] = options.action
    if not LIFE_SECONDS_MIN <= options.life_seconds <= LIFE_SECONDS_MAX:
        raise OperationError(f"--life-seconds: allowed are {LIFE_SECONDS_MIN} to {LIFE_SECONDS_MAX}")
    if options.first < 1:
        raise OperationError("--first: at least one hub goes first")
    sign = keys.signer(keys.read(places.commands / keys.KEY_NAME))
    contacts, hubs = _chosen(options, places)
    order = Order(make(options), options.who, options.life_seconds, options.first)
    with (
        _alone(places),
        _pages(places) as show,
        _book(places, show) as book,
        Link(options.broker, options.port, places.commands) as link,
    ):
        desk = Desk(book, sign, contacts, link, now_ms=lambda: time.time_ns() // 1_000_000, tell=_say)
        answers = desk.give(order, hubs)
    for hub in hubs:
        if hub in answers and answers[hub].output:
            print(f"# {hub}\n{answers[hub].output}")
    done = sum(hub in answers and answers[hub].status is Status.DONE for hub in hubs)
    print(f"{done} of {len(hubs)} hubs have done it", file=sys.stderr)
    return 0 if done == len(hubs) else 1


def _changes(wanted: Sequence[str], unset: Sequence[str]) -> tuple[Change, ...]:
    """Read KEY=VALUE, whose values are written as in TOML."""
    document: dict[str, object] = dict.fromkeys(unset)
    for each in wanted:
        key, equals, value = each.partition("=")
        try:
            document[key.strip()] = tomllib.loads(f"value = {value}")["value"] if equals else None
        except tomllib.TOMLDecodeError:
            raise OperationError(
                f'--set {each[:120]}: the value is written as in hub.toml: 30, true, "text" or ["one", "two"]'
            ) from None
        if not equals:
            raise OperationError(f"--set {each[:120]}: allowed is KEY=VALUE")
    return changes_of(document)


def _chosen(options: argparse.Namespace, places: setup.Places) -> tuple[Mapping[str, rules.Contact | None], list[str]]:
    store = open_store_for(places, reading=True)
    try:
        inventory = store.hubs()
        area = None if options.area is None else f"{options.area.rstrip('.')}."
        chosen = options.hub or [each.hub_id for each in inventory if f"{each.kode_wilayah}.".startswith(str(area))]
        known = {each.hub_id for each in inventory}
        contacts = {hub: rules.contact(next(iter(store.facts(hub)), None)) for hub in chosen if hub in known}
    finally:
        store.close()
    if not chosen:
        raise OperationError(f"--area {options.area}: no hub of the inventory is there")
    return contacts, list(dict.fromkeys(chosen))


def _list(options: argparse.Namespace, places: setup.Places) -> int:
    with _book(places) as book:
        for each in book.lines(options.limit, options.hub):
            print(_row(each))
    return 0


def _row(line: Line) -> str:
    when = datetime.datetime.fromtimestamp(line.ordered.issued_ms / 1000, datetime.UTC).isoformat(timespec="seconds")
    said = " ".join(str(each) for each in (line.status or "no answer", line.reason, line.detail) if each)
    return f"{line.ordered.id}\t{when}\t{line.ordered.hub_id}\t{line.ordered.who}\t{line.ordered.action}\t{said}"


def _show(options: argparse.Namespace, places: setup.Places) -> int:
    with _book(places) as book:
        output = book.output(options.id)
    if output is None:
        raise OperationError(f"{options.id}: no hub has answered such a command")
    print(output)
    return 0


def _key(options: argparse.Namespace, places: setup.Places) -> int:
    key = keys.read(places.commands / keys.KEY_NAME)
    options.out.write_bytes(keys.public_pem(key))
    print(f"fingerprint: {keys.fingerprint(key)}\nOn each hub: sudo desahub operator trust {options.out.name}")
    return 0


@contextlib.contextmanager
def _book(places: setup.Places, show: Callable[[Line], None] = lambda _: None) -> Iterator[Book]:
    places.command_book.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    book = open_book(places.command_book, show)
    places.command_book.chmod(0o600)
    try:
        yield book
    finally:
        book.close()


@contextlib.contextmanager
def _pages(places: setup.Places) -> Iterator[Callable[[Line], None]]:
    """Copy each line to where pages read it. A command is given also while that file cannot be used."""
    try:
        fleet_book = open_fleet_book(places.fleet_book)
    except StoreError as error:
        _say(f"the pages do not show this command: {error}")
        yield lambda _: None
        return
    with contextlib.closing(fleet_book):
        yield showing(fleet_book, _say)


@contextlib.contextmanager
def _alone(places: setup.Places) -> Iterator[None]:
    """Order one thing at a time: two of one certificate throw each other out of the broker."""
    descriptor = os.open(places.commands / _COMMAND_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OperationError("another order is under way on this machine; wait for its end") from None
        yield
    finally:
        os.close(descriptor)


def _who() -> str:
    """Name the person behind sudo."""
    return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name


def _say(text: str) -> None:
    print(text, file=sys.stderr)
