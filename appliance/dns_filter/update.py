"""Bring the family filter's lists up to date, and let the filter take them.

Each list is kept by itself in the form of the index, so that a source that fails loses nothing. Ends with 0 when all
went well, 1 when a list was refused (the old one stays), 75 when a source could not be reached (systemd tries again).
"""

from __future__ import annotations

import argparse
import datetime
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from appliance.core.config import Config
from appliance.core.config.filter import FilterList
from appliance.core.errors import DesahubError, OperationError
from appliance.dns_filter import index, lists, sources
from appliance.dns_filter.places import INDEX_NAME
from appliance.dns_filter.sources import Limits, Unreachable, Version
from appliance.system import files, filter_state
from appliance.system.filter_state import ListState, State
from appliance.unit.config import APPLIED_PATH, read_config
from appliance.unit.state import state_directory

log = logging.getLogger("desahub.filter")
REFUSED: Final = 1
TRY_AGAIN: Final = 75  # EX_TEMPFAIL, sysexits.h(3head)
_TAKEN_SECONDS: Final = 20.0
# Another hub.toml starts this while apply is still restarting what resolves names and routes packets.
_PAUSES_SECONDS: Final = (3.0, 10.0)


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m appliance.dns_filter.update", description=__doc__)
    parser.add_argument("--config", type=Path, default=APPLIED_PATH, metavar="FILE")
    parser.add_argument("--state-directory", type=Path, metavar="DIR", help="default: $STATE_DIRECTORY")
    parser.add_argument("--held", type=Path, default=Path("/run/desahub-filter/held.json"), metavar="FILE",
                        help="where the running filter says what it holds")  # fmt: skip
    return parser


def now_wall() -> str:
    """The time as a label, ISO 8601 in UTC."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def kept(folder: Path, name: str) -> Path:
    """Where the copy of a list is."""
    return folder / "lists" / f"{name}.index"


def compile_list(chunks: Iterator[bytes], path: Path) -> tuple[int, int]:
    """Write what ``chunks`` list to ``path``, in the form of the index; returns domains and lines that are wrong.

    Raises:
        OperationError: it is no list of domains: nothing in it, more wrong lines than good ones, or too many domains.
    """
    builder, wrong, right = index.Builder(), 0, 0
    for raw in lists.lines(chunks):
        line = lists.read_line(raw)
        for name in line.names:
            builder.add(name)
        wrong += line.is_invalid
        right += bool(line.names) and not line.is_invalid
        if builder.added > index.DOMAINS_MAX:
            raise OperationError(f"holds more than {index.DOMAINS_MAX} domains; a smaller list is needed")
    if wrong > right:
        raise OperationError(f"is no list of domains: {wrong} lines of {wrong + right} cannot be read")
    if not builder.added:
        raise OperationError("holds no domain")
    path.parent.mkdir(parents=True, exist_ok=True)
    return index.write(path, builder.runs()), wrong


def update_list(one: FilterList, old: ListState | None, folder: Path, limits: Limits | None = None) -> ListState:
    """Bring one list up to date; on trouble the old copy stays and the state says why.

    Raises:
        Unreachable: nobody answered.
    """
    path = kept(folder, one.name)
    old = old or ListState(one.name, one.source)
    is_same = old.source == one.source and _is_whole(path)
    known = Version(old.etag, old.modified) if is_same else Version()
    made: list[ListState] = []

    def take(version: Version, chunks: Iterator[bytes]) -> None:
        domains, wrong = compile_list(chunks, path)
        when = now_wall()
        made.append(ListState(one.name, one.source, domains, wrong, when, when, "", version.etag, version.modified))

    try:
        sources.fetch(one.source, known, take, limits)
    except Unreachable:
        raise
    except OperationError as error:
        return replace(old, checked_wall=now_wall(), error=_since(f"{one.source}: {error}", path))
    return made[0] if made else replace(old, checked_wall=now_wall(), error="")


def _is_whole(path: Path) -> bool:
    """Is there a copy that can be read? A damaged one is taken away, so that it is fetched anew."""
    try:
        index.open_index(path)
    except OperationError:
        path.unlink(missing_ok=True)
        return False
    return True


def _since(text: str, path: Path) -> str:
    return f"{text}; the list of before stays" if path.exists() else f"{text}; nothing of it is blocked yet"


def update(config: Config, folder: Path, limits: Limits | None = None) -> tuple[State, int]:
    """Bring all lists up to date and write the index from what is kept. Returns the state and the exit status.

    Raises:
        OperationError: the folder cannot be written.
    """
    before = filter_state.read_at(folder) or State()
    found: list[ListState] = []
    status = 0
    for one in config.filter.lists:
        old = before.of(one.name)
        try:
            state = update_list(one, old, folder, limits)
            status = status or (REFUSED if state.error else 0)
        except Unreachable as error:
            state = replace(
                old or ListState(one.name, one.source), error=_since(f"{one.source}: {error}", kept(folder, one.name))
            )
            status = TRY_AGAIN
        log.info("%s: %s", one.name, state.error or f"{state.domains} domains, {state.invalid_lines} lines left out")
        found.append(state)
    _forget_others(config.filter.lists, folder)
    parts = [index.open_index(kept(folder, one.name)) for one in found if _is_whole(kept(folder, one.name))]
    try:
        domains, trouble = _write_index(folder / INDEX_NAME, parts), ""
    except OperationError as error:
        domains, trouble, status = before.domains, f"the index stays as it was: {error}", REFUSED
        log.error("%s", trouble)
    state_now = State(domains, now_wall(), trouble, tuple(found))
    files.write_durably(folder / filter_state.NAME, filter_state.encode(state_now))
    return state_now, status


def update_patiently(config: Config, folder: Path, pauses_seconds: Sequence[float] = _PAUSES_SECONDS) -> int:
    """Update; where a source cannot be reached, again after each of the pauses. Returns the exit status.

    Raises:
        OperationError: as `update`.
    """
    _, status = update(config, folder)
    for pause_seconds in pauses_seconds:
        if status != TRY_AGAIN:
            break
        time.sleep(pause_seconds)
        _, status = update(config, folder)
    return status


def _write_index(path: Path, parts: Sequence[index.Index]) -> int:
    """Write the index unless it is the same already; returns how many domains it holds."""
    try:
        old = index.open_index(path)
        if old.digest == index.digest_of(index.merged(parts)):
            return len(old)
    except OperationError:
        log.info("the index is written for the first time, or anew")
    return index.write(path, index.merged(parts))


def _forget_others(wanted: Sequence[FilterList], folder: Path) -> None:
    names = {kept(folder, one.name) for one in wanted}
    for path in (folder / "lists").glob("*.index"):
        if path not in names:
            path.unlink()


def let_filter_take(held: Path, digest: str, seconds: float = _TAKEN_SECONDS) -> bool:
    """Tell the running filter, if there is one, and wait until it holds the index with ``digest``.

    Raises:
        OperationError: it did not take it in time.
    """
    before = _held(held)
    if before is None or before[1] == digest:
        return before is not None
    try:
        os.kill(before[0], signal.SIGHUP)
    except OSError:
        return False  # it is not there; it reads the index when it starts
    deadline = time.monotonic() + seconds
    while True:
        now = _held(held)
        if now is not None and now[1] == digest:
            return True
        if time.monotonic() > deadline:
            raise OperationError("the filter did not take the new index; see journalctl -u desahub-filter")
        time.sleep(0.1)


def _held(path: Path) -> tuple[int, str] | None:
    try:
        document = json.loads(path.read_text("utf-8"))
        pid, digest = document["pid"], document["index"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return (pid, digest) if type(pid) is int and pid > 1 and isinstance(digest, str) else None


def main(argv: list[str] | None = None) -> int:
    """Run the update; see the module's own words for what it returns."""
    chosen = arguments().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        folder = state_directory(chosen.state_directory)
        status = update_patiently(read_config(chosen.config), folder)
        let_filter_take(chosen.held, index.open_index(folder / INDEX_NAME).digest.hex())
    except DesahubError as error:
        log.error("%s", error)
        return REFUSED
    return status


if __name__ == "__main__":
    sys.exit(main())
