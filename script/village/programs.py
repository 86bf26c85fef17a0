"""Run and start programs for the village, and wait for what they bring about."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

Process = subprocess.Popen[bytes]


class VillageError(Exception):
    """The village could not be made or a step of it failed; the text is for the developer."""


def run(argv: Sequence[str], *, timeout_seconds: float = 60, text: str | None = None) -> str:
    """Run a program to its end and return what it printed.

    Raises:
        VillageError: it failed or took too long; the message holds its output.
    """
    try:
        done = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=timeout_seconds, check=False)
    except subprocess.TimeoutExpired:
        raise VillageError(f"{' '.join(argv)}: no end after {timeout_seconds:.0f} s") from None
    if done.returncode != 0:
        raise VillageError(f"{' '.join(argv)}: exit {done.returncode}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout


def succeeds(argv: Sequence[str], *, timeout_seconds: float = 10) -> bool:
    """Run a program to its end; say whether it found what it was asked for."""
    try:
        run(argv, timeout_seconds=timeout_seconds)
    except VillageError:
        return False
    return True


# A PID namespace ends as a whole when its first process does: children that a program forks go with it.
FAMILY = ("unshare", "--pid", "--fork", "--kill-child=KILL", "--")


def start(argv: Sequence[str], *, log: Path | None = None, environment: dict[str, str] | None = None) -> Process:
    """Start a program that runs until it is ended, or until this process ends in whatever way.

    Args:
        argv: the program; it gets a session of its own, so that Ctrl-C reaches only the village's own process. One
            that forks is started with `FAMILY` in front.
        log: a file for what it says; by default nobody hears it.
        environment: its whole environment; by default this process's.
    """
    with (log or Path(os.devnull)).open("wb") as output:
        return subprocess.Popen(
            # Parent-death signal (prctl(2)): kill -9 of the village takes this with it.
            ["setpriv", "--pdeathsig", "KILL", "--", *argv],
            stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, start_new_session=True,
        )  # fmt: skip


def wait_until(holds: Callable[[], bool], what: str, *, seconds: float = 30, pause_seconds: float = 0.05) -> None:
    """Wait for a condition.

    Raises:
        VillageError: it did not come true in time; ``what`` names it.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise VillageError(f"waited {seconds:.0f} s in vain for: {what}")
        time.sleep(pause_seconds)


def secret_in(said: str) -> str:
    """Find the one-time password in what a first-run command printed.

    Raises:
        VillageError: it printed none.
    """
    match = re.search(r"(?im)(?:kata sandi|password)[^:\n]*:\s*(\S+)", said)
    if match is None:
        raise VillageError(f"the first-run command printed no password:\n{said}")
    return match[1]
