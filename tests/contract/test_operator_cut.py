"""The operator killed at each step of a command: nothing is done twice, and what it says afterwards is true."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from appliance.core.command_results import Reason, Status
from appliance.operator import book
from tests.orders import DNS, Box, a_command

# Which call, whether before or after it, what is then the end of the command, and how often it was done.
STEPS = [
    ("book", "accept", "before", Status.DONE, 1),
    ("book", "accept", "after", Status.FAILED, 0),
    ("machine", "restart", "before", Status.FAILED, 0),
    ("machine", "restart", "after", Status.FAILED, 1),
    ("book", "finish", "before", Status.FAILED, 1),
    ("book", "finish", "after", Status.DONE, 1),
]


def deadly(call: Callable[..., Any], moment: str) -> Callable[..., Any]:
    def made(*given: object) -> object:
        if moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        call(*given)
        os.kill(os.getpid(), signal.SIGKILL)
        return None

    return made


def box_that_leaves_traces(folder: Path) -> Box:
    """Its machine writes what it does into a file, which outlives the process."""
    made = Box(folder)

    def restart(unit: str) -> None:
        with (folder / "done").open("a") as file:
            file.write(f"restart {unit}\n")

    made.machine.restart = restart  # type: ignore[method-assign]
    return made


@pytest.mark.parametrize(("part", "call", "moment", "status", "times"), STEPS, ids=str)
def test_killed(tmp_path: Path, part: str, call: str, moment: str, status: Status, times: int) -> None:
    (tmp_path / "done").touch()
    child = os.fork()
    if child == 0:
        try:
            box = box_that_leaves_traces(tmp_path)
            owner = getattr(box, part)
            setattr(owner, call, deadly(getattr(owner, call), moment))
            box.say(a_command())
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL

    box = box_that_leaves_traces(tmp_path)
    first, again = box.say(a_command()), box.say(a_command())
    assert first == again
    assert first.status is status
    assert first.reason is (Reason.INTERRUPTED if status is Status.FAILED else Reason.NONE)
    assert (tmp_path / "done").read_text() == f"restart {DNS}\n" * times
    assert book.check(box.book.entries()) == len(box.events())
    # It goes on with the next one.
    assert box.say(a_command(counter=2)).status is Status.DONE
