"""Run a program: the only place in this project that does (a lint rule bans ``subprocess`` elsewhere).

An argument list, never a shell; a timeout, always; the answer as text.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import IO

from appliance.core.errors import OperationError

# Programs of the system are found here, wherever the caller's own PATH points.
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHOWN_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True)
class Completed:
    """How a program ended: its exit status and what it wrote."""

    argv: tuple[str, ...]
    status: int
    output: str
    errors: str


def run(
    argv: Sequence[str],
    *,
    timeout_seconds: float,
    input_text: str = "",
    environment: Mapping[str, str] | None = None,
    accepted: Sequence[int] = (0,),
) -> Completed:
    """Run ``argv`` to its end and return what it said.

    Args:
        argv: the program and its arguments; nothing is expanded.
        timeout_seconds: after this the program is killed.
        input_text: what it reads on its standard input.
        environment: its whole environment; by default a small fixed one, in English so that answers can be read.
        accepted: exit statuses that are no error.

    Raises:
        OperationError: the program is missing, took too long, or ended with another status.
    """
    command = " ".join(argv)
    try:
        done = subprocess.run(
            list(argv),
            input=input_text,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=timeout_seconds,
            check=False,
            env=dict(environment) if environment is not None else {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired:
        raise OperationError(f"{command}: no end after {timeout_seconds:g} seconds; it was stopped") from None
    except (OSError, ValueError) as error:
        raise OperationError(f"{command}: could not be started: {error}") from None
    if done.returncode not in accepted:
        said = (done.stderr.strip() or done.stdout.strip() or "it said nothing")[-_SHOWN_CHARACTERS:]
        raise OperationError(f"{command}: ended with status {done.returncode}: {said}")
    return Completed(tuple(argv), done.returncode, done.stdout, done.stderr)


def convert(
    argv: Sequence[str],
    *,
    source: IO[bytes],
    target: IO[bytes],
    timeout_seconds: float,
    environment: Mapping[str, str] | None = None,
) -> None:
    """Run ``argv`` from one open file into another, neither of which comes into this process's memory.

    What it says on its standard error is in no message: it may repeat what was in the file.

    Args:
        argv: as for `run`.
        source: has a descriptor, and is read from where that stands.
        target: likewise written to.
        timeout_seconds: after this the program is killed.
        environment: as for `run`.

    Raises:
        OperationError: as `run`.
    """
    command = " ".join(argv)
    try:
        done = subprocess.run(
            list(argv),
            stdin=source,
            stdout=target,
            stderr=subprocess.DEVNULL,
            timeout=timeout_seconds,
            check=False,
            env=dict(environment) if environment is not None else {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired:
        raise OperationError(f"{command}: no end after {timeout_seconds:g} seconds; it was stopped") from None
    except (OSError, ValueError) as error:
        raise OperationError(f"{command}: could not be started: {error}") from None
    if done.returncode:
        raise OperationError(f"{command}: ended with status {done.returncode}")
