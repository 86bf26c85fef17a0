"""``desahub-noc account``: make accounts, bind them to areas, help those who are locked out. For root at the NOC."""

from __future__ import annotations

import argparse
import contextlib
import os
import pwd
import time
from collections.abc import Callable, Iterator

from noc import setup
from noc.accounts import areas, policy
from noc.accounts.desk import AccountDesk
from noc.accounts.opening import open_factors
from noc.accounts.roles import Role
from noc.fleet_book.sqlite import open_fleet_book
from noc.places import Places


def register(account: argparse._SubParsersAction[argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    """Add the commands to ``desahub-noc account``."""

    def add(name: str, about: str, command: Callable[[argparse.Namespace, Places], int]) -> argparse.ArgumentParser:
        made = account.add_parser(name, parents=[common], help=about, description=f"{about}.")
        made.set_defaults(command=command)
        return made

    def of_one(name: str, about: str, command: Callable[[argparse.Namespace, Places], int]) -> argparse.ArgumentParser:
        made = add(name, about, command)
        made.add_argument("name", help="the account's name")
        return made

    made = of_one("add", "make an account and print its one-time password", _add)
    made.add_argument("--role", default=Role.OPERATOR.value, choices=list(Role), help="(%(default)s)")
    made.add_argument("--area", nargs="+", default=[], metavar="CODE", help="see these areas alone, such as 51.03")
    of_one("reset", "print a new one-time password; sessions and tokens end", _reset)
    of_one("reset-factor", "take the telephone away; sessions and tokens end", _reset_factor)
    of_one("disable", "let nobody in with an account", _disable)
    of_one("enable", "let an account in again", _enable)
    made = of_one("role", "give an account another role", _role)
    made.add_argument("role", choices=list(Role))
    made = of_one("areas", "bind an account to areas, or with none to the whole country", _areas)
    made.add_argument("area", nargs="*", metavar="CODE", help="such as 51, 51.03 or 51.03.01")
    add("list", "list the accounts", _list)
    made = add("policy", "print or set which roles must have a second factor", _policy)
    made.add_argument(
        "--second-factor", nargs="*", choices=list(Role), metavar="ROLE", help=f"{', '.join(Role)}; none for nobody"
    )


@contextlib.contextmanager
def _desk(places: Places) -> Iterator[AccountDesk]:
    people = setup.open_accounts(places)
    factors = open_factors(places, people)
    by = os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name
    try:
        with contextlib.closing(open_fleet_book(places.fleet_book)) as book:
            yield AccountDesk(people, factors, book.write_deed, by, int(time.time()))
    finally:
        setup.own(places)


def _add(options: argparse.Namespace, places: Places) -> int:
    with _desk(places) as desk:
        _print_password(options.name, desk.add(options.name, options.role, options.area))
    return 0


def _reset(options: argparse.Namespace, places: Places) -> int:
    with _desk(places) as desk:
        _print_password(options.name, desk.reset_password(options.name))
    return 0


def _print_password(name: str, password: str) -> None:
    print(f"account: {name}\npassword, shown this once, to be changed at the first login: {password}")


def _reset_factor(options: argparse.Namespace, places: Places) -> int:
    with _desk(places) as desk:
        desk.reset_factor(options.name)
    return 0


def _disable(options: argparse.Namespace, places: Places) -> int:
    with _desk(places) as desk:
        desk.disable(options.name)
    return 0


def _enable(options: argparse.Namespace, places: Places) -> int:
    with _desk(places) as desk:
        desk.enable(options.name)
    return 0


def _role(options: argparse.Namespace, places: Places) -> int:
    with _desk(places) as desk:
        desk.set_role(options.name, options.role)
    return 0


def _areas(options: argparse.Namespace, places: Places) -> int:
    with _desk(places) as desk:
        desk.bind(options.name, options.area)
    return 0


def _list(_options: argparse.Namespace, places: Places) -> int:
    people = setup.open_accounts(places)
    bound, with_factor = areas.areas_of_all(people.store), open_factors(places, people).all()
    for each in people.all():
        words = [each.role, " ".join(bound.get(each.name, ())) or "whole country"]
        words += ["second factor"] if each.name in with_factor else []
        words += ["one-time password"] if each.must_change else []
        words += ["disabled"] if each.disabled else []
        print(f"{each.name}: {', '.join(words)}")
    setup.own(places)
    return 0


def _policy(options: argparse.Namespace, places: Places) -> int:
    if options.second_factor is None:
        roles = policy.roles_with_factor(setup.open_accounts(places).store)
    else:
        with _desk(places) as desk:
            roles = desk.require_factor(options.second_factor)
    print(f"second factor: {' '.join(roles) or 'nobody'}")
    return 0
