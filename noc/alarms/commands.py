"""``desahub-noc alarms``, ``incident`` and ``window``: who is told, what is open, what is kept silent and planned."""

from __future__ import annotations

import argparse
import contextlib
import datetime
import os
import pwd
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from appliance.core.config.village import Timezone
from appliance.core.errors import OperationError
from noc import setup
from noc.alarms import channels, deeds, words
from noc.alarms.deeds import Desk, group_of_area, moment, subject
from noc.fleet_book.contract import FleetBook, IncidentQuery, Query, Scope
from noc.fleet_book.sqlite import open_fleet_book, open_fleet_book_reading
from noc.rules.groups import Group, GroupKind
from noc.rules.problems import Problem
from noc.rules.states import Window

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    Parsers = _SubParsersAction[argparse.ArgumentParser]

_DAY_MS = 86_400_000


def register(commands: Parsers, common: argparse.ArgumentParser) -> None:
    """Add the commands; each sets ``command(options, places) -> exit code`` and raises DesahubError."""
    alarms = commands.add_parser("alarms", help="who is told of alarms").add_subparsers(
        required=True, metavar="COMMAND"
    )
    check = alarms.add_parser("check", parents=[common], help="say everything that is wrong in alarms.toml")
    check.set_defaults(command=_check)
    test = alarms.add_parser("test", parents=[common], help="send a message that only shows that a channel works")
    test.add_argument("channel", metavar="CHANNEL", help="its name in alarms.toml")
    test.set_defaults(command=_test)
    _register_incident(commands, common)
    _register_window(commands, common)


def _register_incident(commands: Parsers, common: argparse.ArgumentParser) -> None:
    incident = commands.add_parser("incident", help="what is wrong").add_subparsers(required=True, metavar="COMMAND")
    listing = incident.add_parser(
        "list", parents=[common], help="list what is open, longest waiting first, and silences"
    )
    listing.add_argument("--ended", action="store_true", help="what ended within 30 days instead")
    listing.set_defaults(command=_list)
    acknowledge = incident.add_parser("acknowledge", parents=[common], help="say that you take care of an incident")
    acknowledge.add_argument("number", type=int, metavar="NUMBER")
    acknowledge.add_argument("--who", default=_who(), help="who (%(default)s)")
    acknowledge.set_defaults(command=_acknowledge)
    for name, command, text in (
        ("silence", _silence, "send no messages about something for a while"),
        ("lift", _lift, "end a silence before its time"),
    ):
        made = incident.add_parser(name, parents=[common], help=text)
        which = made.add_mutually_exclusive_group(required=True)
        which.add_argument(
            "--incident", type=int, metavar="NUMBER", help="what this incident is about, and its problem"
        )
        which.add_argument("--hub", metavar="HUB")
        which.add_argument("--area", metavar="KODE", help="a province, kabupaten or kecamatan, such as 51.03")
        which.add_argument("--upstream", metavar="NAME", help="a line that hubs share, as on their cards")
        which.add_argument("--broker", metavar="NAME", help="a broker, as on the cards; '' where there is one")
        made.add_argument("--problem", choices=list(Problem), metavar="PROBLEM", help="only this problem (all)")
        made.add_argument("--who", default=_who(), help="who (%(default)s)")
        made.set_defaults(command=command)
        if name == "silence":
            made.add_argument("--hours", type=float, default=4.0, help="for how long, up to 336 (%(default)s)")
            made.add_argument("--why", required=True, help="the reason, for the others")


def _register_window(commands: Parsers, common: argparse.ArgumentParser) -> None:
    window = commands.add_parser("window", help="planned work: what is down meanwhile is excused").add_subparsers(
        required=True, metavar="COMMAND"
    )
    add = window.add_parser("add", parents=[common], help="plan work on a hub or an area")
    which = add.add_mutually_exclusive_group(required=True)
    which.add_argument("--hub", default="", metavar="HUB")
    which.add_argument("--area", default="", metavar="KODE", help="all hubs there, such as 51.03.01")
    add.add_argument("--from", dest="begin", required=True, metavar="TIME", help="as 2026-08-17T10:00, in local time")
    add.add_argument("--until", required=True, metavar="TIME", help="the same")
    add.add_argument(
        "--timezone", choices=list(Timezone), help="whose local time (that of the hub, or of the area's first)"
    )
    add.add_argument("--why", required=True, help="what is done, for the others")
    add.add_argument("--who", default=_who(), help="who (%(default)s)")
    add.set_defaults(command=_plan)
    listing = window.add_parser("list", parents=[common], help="list what is planned, and what ended within 30 days")
    listing.set_defaults(command=_windows)
    end = window.add_parser("end", parents=[common], help="end planned work early, or call it off")
    end.add_argument("number", type=int, metavar="NUMBER")
    end.add_argument("--who", default=_who(), help="who (%(default)s)")
    end.set_defaults(command=_end)


def _check(_: argparse.Namespace, places: setup.Places) -> int:
    found = channels.read(places.alarms)
    if not found.channels:
        print(f"{places.alarms}: is right, but names no channel: nobody is told of alarms")
        return 1
    for each in found.channels:
        only = ", ".join(each.only) or "every problem"
        quiet = f", quiet {each.quiet_from} to {each.quiet_until} {found.timezone}" if each.quiet_from else ""
        print(f"{each.name}: {type(each).__name__.lower()}, {', '.join(each.areas) or 'everywhere'}, {only}{quiet}")
    if unheard := found.unheard():
        print(f"of these nobody is told: {', '.join(unheard)}")
    return 0


def _test(options: argparse.Namespace, places: setup.Places) -> int:
    from noc.alarms.sending import send  # noqa: PLC0415 - Apprise is large, and wanted by this command alone

    found = channels.read(places.alarms)
    named = {each.name: each for each in found.channels}
    if options.channel not in named:
        raise OperationError(f"{options.channel!r}: channels are: {', '.join(named) or 'none'}")
    send(named[options.channel], words.trial(found, _now_ms()))
    print(f"{options.channel}: taken by its server; look whether it arrived")
    return 0


def _list(options: argparse.Namespace, places: setup.Places) -> int:
    now_ms = _now_ms()
    with _reading(places) as book:
        query = IncidentQuery(is_open=not options.ended, from_ms=now_ms - 30 * _DAY_MS, limit=200)
        lines, count = book.incident_lines(query)
        for each in lines:
            end = "" if each.ended_ms is None else f"\tuntil {moment(each.ended_ms, each.timezone)}"
            hubs = f"{each.hubs} of {each.everyone} hubs"
            about = f"{each.problem}\t{each.group.kind} {each.group.name}\t{hubs}"
            since = moment(each.since_ms, each.timezone)
            print(f"{each.number}\t{about}\tsince {since}{end}\t{each.acknowledged_by or 'nobody'}")
        if count > len(lines):
            print(f"and {count - len(lines)} more")
        for silence in book.silences(now_ms):
            print(f"silent\t{subject(silence)}\tuntil {moment(silence.until_ms)}\t{silence.by}\t{silence.why}")
        for channel in book.channels():
            if channel.failing_since_ms is not None:
                print(f"failing\t{channel.name}\tsince {moment(channel.failing_since_ms)}\t{channel.error}")
    return 0


def _acknowledge(options: argparse.Namespace, places: setup.Places) -> int:
    with _writing(places) as book:
        line = Desk(book, options.who, _now_ms()).acknowledge(options.number)
    before = f"; before it was {line.acknowledged_by}" if line.acknowledged_by not in ("", options.who) else ""
    print(f"incident {options.number}: {options.who} takes care{before}")
    return 0


def _silence(options: argparse.Namespace, places: setup.Places) -> int:
    with _writing(places) as book:
        desk = Desk(book, options.who, _now_ms())
        group, problem = _about(options, desk)
        if not 0 < options.hours <= deeds.SILENCE_MS_MAX / 3_600_000:
            raise OperationError(f"--hours: allowed are more than 0 and up to {deeds.SILENCE_MS_MAX // 3_600_000}")
        made = desk.silence(group, problem, desk.now_ms + int(options.hours * 3_600_000), options.why)
    print(f"{subject(made)}: nobody is told until {moment(made.until_ms)}")
    return 0


def _lift(options: argparse.Namespace, places: setup.Places) -> int:
    with _writing(places) as book:
        desk = Desk(book, options.who, _now_ms())
        lifted = desk.lift(*_about(options, desk))
    print(f"{subject(lifted)}: messages are sent again")
    return 0


def _about(options: argparse.Namespace, desk: Desk) -> tuple[Group, Problem | None]:
    problem = Problem(options.problem) if options.problem else None
    if options.incident is not None:
        line = desk.book.incident_line(options.incident, desk.scope) if options.incident > 0 else None
        if line is None:
            raise OperationError(f"incident {options.incident}: there is none")
        return line.group, problem or line.problem
    if options.hub is not None:
        desk.require_seen(options.hub, "")
        return Group(GroupKind.HUB, options.hub), problem
    if options.area is not None:
        group = group_of_area(options.area)
        desk.require_seen("", options.area)
        return group, problem
    if options.upstream is not None:
        return Group(GroupKind.UPSTREAM, options.upstream), problem
    return Group(GroupKind.BROKER, options.broker), problem


def _plan(options: argparse.Namespace, places: setup.Places) -> int:
    with _writing(places) as book:
        desk = Desk(book, options.who, _now_ms())
        desk.require_seen(options.hub, options.area)
        timezone = options.timezone or _timezone(book, options.hub, options.area)
        window = Window(_moment("--from", options.begin, timezone), _moment("--until", options.until, timezone))
        number = desk.plan(options.hub, options.area, window, options.why)
    span = f"{moment(window.start_ms, timezone)} to {moment(window.end_ms, timezone)}"
    print(f"window {number}: {options.hub or options.area}, {span}")
    return 0


def _windows(_: argparse.Namespace, places: setup.Places) -> int:
    now_ms = _now_ms()
    with _reading(places) as book:
        for each in book.windows(now_ms - 30 * _DAY_MS, now_ms + 400 * _DAY_MS):
            timezone = _timezone(book, each.hub_id, each.area)
            span = f"{moment(each.window.start_ms, timezone)} to {moment(each.window.end_ms, timezone)}"
            state = "ended" if each.window.end_ms <= now_ms else "now" if each.window.start_ms <= now_ms else "planned"
            print(f"{each.window_id}\t{state}\t{each.hub_id or each.area}\t{span}\t{each.by}\t{each.why}")
    return 0


def _end(options: argparse.Namespace, places: setup.Places) -> int:
    with _writing(places) as book:
        found = Desk(book, options.who, _now_ms()).end(options.number)
    print(f"window {options.number}: {found.hub_id or found.area}, ended")
    return 0


def _timezone(book: FleetBook, hub_id: str, area: str) -> str:
    if hub_id:
        card = book.card(hub_id)
        return Timezone.WIB if card is None else card.timezone
    rows = book.find(Query(Scope(), area, limit=1)).rows
    return rows[0].card.timezone if rows else Timezone.WIB


def _moment(name: str, text: str, timezone: str) -> int:
    try:
        local = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=ZoneInfo(timezone))
    except ValueError:
        raise OperationError(f"{name}: {text[:40]!r} is no time; allowed is such as 2026-08-17T10:00") from None
    return int(local.timestamp() * 1000)


@contextlib.contextmanager
def _writing(places: setup.Places) -> Iterator[FleetBook]:
    with contextlib.closing(open_fleet_book(places.fleet_book)) as book:
        yield book


@contextlib.contextmanager
def _reading(places: setup.Places) -> Iterator[FleetBook]:
    with contextlib.closing(open_fleet_book_reading(places.fleet_book)) as book:
        yield book


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _who() -> str:
    """Name the person behind sudo."""
    return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
