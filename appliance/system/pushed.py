"""A configuration that the NOC pushed: applied, kept when the NOC says so in time, and else taken back.

What the hub had is written down before anything is changed, so that a power cut at any moment leaves a hub that goes
back by itself. ``hub.toml`` is edited where it stands: the technician's comments and order stay.
"""

from __future__ import annotations

import contextlib
import enum
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError

from appliance.core import config as hub
from appliance.core.config import Config
from appliance.core.errors import CommandMalformed, ConfigError, OperationError
from appliance.core.pushing import RETURN_SECONDS, Change, changes_of, document_of
from appliance.system.files import write_durably

DIRECTORY: Final = Path("/var/lib/desahub-configuration")
DETAIL_CHARACTERS_MAX: Final = 600
_PRIVATE: Final = 0o600


class PushedState(enum.StrEnum):
    """What became of a pushed configuration."""

    APPLIED = "applied"  # and waits for the NOC to say that it shall be kept
    REFUSED = "refused"
    KEPT = "kept"
    RETURNED = "returned"
    OVERTAKEN = "overtaken"  # somebody at the box applied something else meanwhile, and that stays


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the change that a command asked for, and why."""

    command: str
    state: PushedState
    detail: str


@dataclass(frozen=True, slots=True)
class Folder:
    """The files that one change after the other goes through; root's alone."""

    directory: Path = DIRECTORY

    @property
    def wanted(self) -> Path:
        """What shall be changed, by which command."""
        return self.directory / "wanted.json"

    @property
    def before(self) -> Path:
        """``hub.toml`` as it was. Where it is, a change waits to be kept."""
        return self.directory / "before.toml"

    @property
    def pending(self) -> Path:
        """Which command's change waits; written last, and first to go."""
        return self.directory / "pending.json"

    @property
    def last(self) -> Path:
        """What became of the last change."""
        return self.directory / "last.json"


def ask(folder: Folder, command: str, changes: Sequence[Change]) -> None:
    """Write down what a command wants changed, for `change`. Raises `OperationError`, also while another waits."""
    if (waiting := pending(folder)) is not None:
        raise OperationError(
            f"the change of command {waiting} waits to be kept; keep it, or let {RETURN_SECONDS} s pass, then try again"
        )
    _write(folder.wanted, {"command": command, "changes": document_of(changes)})


def change(
    folder: Folder, hub_toml: Path, applied: Path, arm: Callable[[], None], apply: Callable[[Config, str], object]
) -> Outcome:
    """Do what was asked for.

    Args:
        folder: where the wish is, and what the hub had is kept.
        hub_toml: the technician's file.
        applied: what runs; where both differ the technician is in the middle of something.
        arm: starts the time after which `go_back` is called.
        apply: makes the machine what a configuration says, or raises `OperationError` with all as it was.

    Raises:
        OperationError: there is no wish, or a file cannot be read or written; nothing was changed.
    """
    with _alone(folder):
        return _change(folder, hub_toml, applied, arm, apply)


def _change(
    folder: Folder, hub_toml: Path, applied: Path, arm: Callable[[], None], apply: Callable[[Config, str], object]
) -> Outcome:
    wish = _read(folder.wanted)
    command = str(wish.get("command", ""))
    if (waiting := pending(folder)) is not None:
        raise OperationError(f"the change of command {waiting} waits to be kept")
    text = _text(hub_toml)
    if text != _text(applied):
        why = f"{hub_toml} holds changes that were not applied; somebody at the box is at work"
        return _end(folder, Outcome(command, PushedState.REFUSED, why))
    try:
        wanted = edited(text, changes_of(wish.get("changes")))
        config = hub.parse(wanted)
    except (CommandMalformed, ConfigError) as error:
        return _end(folder, Outcome(command, PushedState.REFUSED, str(error)))
    if config == hub.parse(text):
        return _end(folder, Outcome(command, PushedState.KEPT, "it was so already; nothing was changed"))
    write_durably(folder.before, text, _PRIVATE)
    _write(folder.pending, {"command": command, "sha256": _digest(wanted)})
    try:
        arm()
        write_durably(hub_toml, wanted, hub_toml.stat().st_mode & 0o777)
        apply(config, wanted)
    except OperationError as error:
        write_durably(hub_toml, text, hub_toml.stat().st_mode & 0o777)
        _forget(folder)
        return _end(folder, Outcome(command, PushedState.REFUSED, f"it could not be applied: {error}"))
    detail = f"applied; the hub goes back to what it had unless it is told within {RETURN_SECONDS} s to keep this"
    return _end(folder, Outcome(command, PushedState.APPLIED, detail))


def keep(folder: Folder, command: str) -> Outcome:
    """Let the change of a command stay.

    Raises:
        OperationError: it is not there to be kept; the text says what became of it.
    """
    with _alone(folder):
        if pending(folder) == command:
            _forget(folder)
            return _end(folder, Outcome(command, PushedState.KEPT, "what the command changed stays"))
        last = outcome(folder)
    if last is None or last.command != command:
        raise OperationError(f"no change of command {command} waits here")
    if last.state is PushedState.KEPT:
        return last
    raise OperationError(f"the change of command {command} was {last.state}: {last.detail}")


def go_back(
    folder: Folder, hub_toml: Path, applied: Path, apply: Callable[[Config, str], object], why: str
) -> Outcome | None:
    """Return to what the hub had before the change that waits; None where none does.

    What somebody at the box wrote meanwhile is left as it is: where it is applied already the hub has nothing to go
    back to, and where it is not, it goes on waiting in ``hub_toml`` to be applied.

    Raises:
        OperationError: it could not be applied; the change still waits, to be tried again.
    """
    with _alone(folder):
        command = pending(folder)
        if command is None:
            return None
        before, now, runs = _text(folder.before), _text(hub_toml), _text(applied)
        wanted = str(_read(folder.pending).get("sha256", ""))
        if _digest(now) != wanted and now != before:
            if _digest(runs) != wanted and runs != before:
                _forget(folder)
                told = "somebody at the box applied another hub.toml meanwhile, which stays"
                return _end(folder, Outcome(command, PushedState.OVERTAKEN, told))
        elif now != before:
            write_durably(hub_toml, before, hub_toml.stat().st_mode & 0o777)
        try:
            config = hub.parse(before)
        except ConfigError as error:
            raise OperationError(f"{folder.before}: {error}") from None
        apply(config, before)
        _forget(folder)
        return _end(folder, Outcome(command, PushedState.RETURNED, why))


def pending(folder: Folder) -> str | None:
    """Name the command whose change waits to be kept, None where none does."""
    if not folder.pending.exists() or not folder.before.exists():
        return None
    return str(_read(folder.pending).get("command", ""))


def outcome(folder: Folder) -> Outcome | None:
    """Tell what became of the last change, None where there never was one."""
    if not folder.last.exists():
        return None
    said = _read(folder.last)
    try:
        return Outcome(str(said["command"]), PushedState(said["state"]), str(said["detail"]))
    except (KeyError, ValueError):
        raise OperationError(f"{folder.last}: is not what this release writes") from None


def edited(text: str, changes: Sequence[Change]) -> str:
    """Set keys in a ``hub.toml``; everything else of it stays as it is.

    Raises:
        CommandMalformed: it has no table of that name.
    """
    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise CommandMalformed(f"hub.toml cannot be edited: {error}") from None
    for each in changes:
        at = each.place
        table = _named(document, at.section, at.name) if at.name else document.get(at.section)
        if table is None:
            table = document[at.section] = tomlkit.table()
        if not isinstance(table, dict):
            raise CommandMalformed(f"{each.path}: {at.section} is not one table here; name one, as in [name]")
        if each.value is None:
            table.pop(at.key, None)
            if not at.name and not tomlkit.dumps(table).strip():
                # A section that the NOC brought goes with its last key; one with a comment in it stays.
                document.pop(at.section, None)
        else:
            table[at.key] = list(each.value) if isinstance(each.value, tuple) else each.value
    return tomlkit.dumps(document)


def _named(document: Any, section: str, name: str) -> Any:
    found = [each for each in document.get(section, ()) if isinstance(each, dict) and each.get("name") == name]
    if len(found) != 1:
        raise CommandMalformed(f"{section}[{name}]: this hub has none of this name")
    return found[0]


@contextlib.contextmanager
def _alone(folder: Folder) -> Iterator[None]:
    """Let nobody keep a change while it is taken back, nor the other way round. Source: flock(2)."""
    try:
        descriptor = os.open(folder.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        yield  # nobody ever asked for a change here
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _end(folder: Folder, said: Outcome) -> Outcome:
    cut = Outcome(said.command, said.state, said.detail[:DETAIL_CHARACTERS_MAX])
    _write(folder.last, {"command": cut.command, "state": cut.state, "detail": cut.detail})
    return cut


def _forget(folder: Folder) -> None:
    for path in (folder.pending, folder.before):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OperationError(f"{path}: cannot be removed: {error.strerror}") from None


def _write(path: Path, document: object) -> None:
    write_durably(path, json.dumps(document, ensure_ascii=False), _PRIVATE)


def _read(path: Path) -> dict[str, Any]:
    try:
        said = json.loads(_text(path))
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise OperationError(f"{path}: is not what this release writes")
    return said


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise OperationError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise OperationError(f"{path}: is not UTF-8 text") from None
