"""``desahub letters``: check a village's own kinds of letters, and list what can be asked for."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from appliance.kiosk.letters import kinds, series_commands
from appliance.kiosk.letters.kinds import Kind, KindError


def register(subparsers: Any) -> None:
    """Add ``letters`` to ``desahub``; each command sets ``run``, a function of the parsed options to an exit status."""
    letters = subparsers.add_parser("letters", help="kinds of letters that the village gives")
    commands = letters.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="say everything that is wrong in a kind's file")
    check.add_argument("file", type=Path, metavar="FILE", help="a .toml; its name is the kind's slug")
    check.set_defaults(run=_check)
    listing = commands.add_parser("list", help="list the kinds, the village's own too")
    listing.add_argument("--own", type=Path, default=kinds.OWN, metavar="DIR", help="by default %(default)s")
    listing.set_defaults(run=_list)
    series_commands.register(commands)


def _check(options: argparse.Namespace) -> int:
    file: Path = options.file
    try:
        kind = kinds.read_kind(file)
    except KindError as error:
        return _tell(file, error)
    shipped = kinds.SHIPPED / f"{kind.slug}.toml"
    place = (
        f" It takes the place of the shipped {kind.slug}." if shipped.exists() and not _is_same(shipped, file) else ""
    )
    sys.stdout.write(f"{file}: right. {kind.title}, {_questions(kind)}.{place}\n")
    return 0


def _is_same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _tell(file: Path, error: KindError) -> int:
    for problem in error.problems:
        sys.stderr.write(f"{file}: {problem}\n")
    count = len(error.problems)
    sys.stderr.write(f"{count} {'problem' if count == 1 else 'problems'}.\n")
    return 1


def _questions(kind: Kind) -> str:
    count = len(kind.fields)
    return f"{count} {'question' if count == 1 else 'questions'}"


def _list(options: argparse.Namespace) -> int:
    loaded = kinds.load_all(options.own)
    for slug, kind in sorted(loaded.kinds.items()):
        origin = (
            "own" if (options.own / f"{slug}.toml").exists() and f"{slug}.toml" not in loaded.refused else "shipped"
        )
        sys.stdout.write(f"{slug}\t{kind.code}\t{kind.title}\t{kind.result}\t{origin}\n")
    for name, error in loaded.refused.items():
        _tell(options.own / name, error)
    return 1 if loaded.refused else 0
