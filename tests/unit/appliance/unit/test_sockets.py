"""Taking one of systemd's sockets by its name, in a process of its own: descriptors from 3 on are everybody's."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# As systemd does it: descriptors 3, 4, … and the variables that tell of them.
PROGRAM = """
import json, os, socket, sys
sys.path.insert(0, {root!r})
names = {names!r}
made = [socket.socket(socket.AF_UNIX) for _ in names]
for number, one in enumerate(made):
    one.bind({folder!r} + "/" + names[number])
high = [os.dup2(one.fileno(), 60 + number) for number, one in enumerate(made)]
for one in made:
    one.detach()
for number, fd in enumerate(high):
    os.dup2(fd, 3 + number)
    os.close(fd)
os.environ |= {{"LISTEN_PID": str(os.getpid() + {stranger}), "LISTEN_FDS": str(len(names))}}
os.environ["LISTEN_FDNAMES"] = ":".join(names)
from appliance.unit.sockets import take
taken = [take(name) for name in {take!r}]
print(json.dumps({{
    "taken": [one and one.getsockname().rsplit("/", 1)[1] for one in taken],
    "left": [socket.socket(fileno=3 + n).getsockname().rsplit("/", 1)[1] for n in range(int(os.environ["LISTEN_FDS"]))],
    "names": os.environ["LISTEN_FDNAMES"],
}}))
"""


def run(folder: Path, names: list[str], take: list[str], *, stranger: int = 0) -> dict[str, object]:
    root = str(Path(__file__).parents[4])
    program = PROGRAM.format(root=root, folder=str(folder), names=names, take=take, stranger=stranger)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    said: dict[str, object] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize(
    ("names", "take", "left"),
    [
        (["pages", "accounts"], ["accounts"], ["pages"]),
        (["accounts", "pages"], ["accounts"], ["pages"]),
        (["marks", "pages", "accounts"], ["marks", "accounts"], ["pages"]),
        (["accounts", "marks", "pages"], ["marks", "accounts"], ["pages"]),
        (["accounts"], ["accounts"], []),
    ],
)
def test_what_is_left_stands_together_for_who_serves_pages(
    tmp_path: Path, names: list[str], take: list[str], left: list[str]
) -> None:
    assert run(tmp_path, names, take) == {"taken": take, "left": left, "names": ":".join(left)}


def test_a_name_that_is_not_there_takes_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, ["pages"], ["accounts"]) == {"taken": [None], "left": ["pages"], "names": "pages"}


def test_sockets_of_another_process_are_left_alone(tmp_path: Path) -> None:
    said = run(tmp_path, ["accounts", "pages"], ["accounts"], stranger=1)
    assert said == {"taken": [None], "left": ["accounts", "pages"], "names": "accounts:pages"}


def test_without_systemd_there_is_none() -> None:
    from appliance.unit.sockets import take

    assert os.environ.get("LISTEN_PID") is None and take("accounts") is None
