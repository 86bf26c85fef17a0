"""script/server itself: it says what is up, leaves nothing behind, and survives its own violent death."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from script.village import village as running
from script.village.outages import Trial
from script.village.programs import wait_until
from script.village.village import Village
from script.village.walk import Walk

pytestmark = [pytest.mark.root, pytest.mark.village]

SERVER = str(Path(__file__).resolve().parents[2] / "script" / "server")


def _server(*options: str, timeout_seconds: float = 120) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SERVER, *options], capture_output=True, text=True, timeout=timeout_seconds, check=False)


@pytest.mark.parametrize("options", [(), ("--detach",), ("--check",)])
def test_a_second_village_is_refused_with_the_way_out(village: Village, options: tuple[str, ...]) -> None:
    said = _server(*options)
    assert said.returncode == 1
    assert "already up" in said.stderr
    assert "script/server --stop" in said.stderr
    assert village.phone(1, "true") == ""


@pytest.mark.parametrize(
    ("options", "expected"),
    [(("--phones", "0"), "1 to 300"), (("--phones", "301"), "1 to 300"), (("--phones", "x"), "1 to 300"),
     (("--detach", "--check"), "choose one"), (("--keep-going",), "--check"), (("--long",), "--check"),
     (("--check", "--long", "--hubs", "1"), "two hubs"), (("--hubs", "3"), "choose from 1, 2")],
)  # fmt: skip
def test_wrong_options_are_explained(options: tuple[str, ...], expected: str) -> None:
    said = _server(*options)
    assert said.returncode == 2
    assert expected in said.stderr


@pytest.mark.parametrize("script", ["phone", "hub", "net", "server", "test", "bench", "lint"])
def test_each_script_explains_itself(script: str) -> None:
    said = subprocess.run(
        [str(Path(SERVER).parent / script), "--help"], capture_output=True, text=True, timeout=30, check=False
    )
    assert said.returncode == 0
    assert "Usage" in said.stdout + said.stderr


def test_a_command_runs_on_the_second_hub(village: Village) -> None:
    assert village.neighbour is not None
    hub = str(Path(SERVER).parent / "hub")
    names = [
        subprocess.run(
            [hub, *options, "hostname"], capture_output=True, text=True, timeout=30, check=True
        ).stdout.strip()
        for options in ((), ("--hub", "1"), ("--hub", "2"))
    ]
    assert names == ["desa-hub", "desa-hub", "desa-hub-2"]
    refused = subprocess.run([hub, "--hub", "3", "true"], capture_output=True, text=True, timeout=30, check=False)
    assert refused.returncode == 2
    assert "allowed is 1 or 2" in refused.stderr
    phone = str(Path(SERVER).parent / "phone")
    command = [phone, "2-1", "curl", "-sL", "http://masuk.desa.internal/"]  # on to its status, once it is online
    assert "Wonosari" in subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout


def test_addresses_answer_on_loopback(village: Village) -> None:
    for title, address in village.addresses.items():
        assert address.startswith("http://127.0.0.1:"), title
        page = subprocess.run(["curl", "-sSL", address], capture_output=True, text=True, timeout=20, check=True).stdout
        assert "<html" in page, title


def test_no_secret_of_the_run_is_readable_by_others(village: Village) -> None:
    assert running.is_ready()
    assert Path("/run/desa-village/village.json").stat().st_mode & 0o077 == 0
    assert village.made_secrets.noc_password


def _processes_of(pid: int) -> set[int]:
    found: set[int] = set()
    queue = [pid]
    while queue:
        parent = queue.pop()
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            children = {int(child) for child in task.read_text(encoding="ascii").split()}
            queue += children - found
            found |= children
    return found


def _gone(pids: set[int]) -> bool:
    return not any(_runs(pid) for pid in pids)


def _runs(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rpartition(")")[2].split()[0] != "Z"  # one that only waits for its parent to notice has ended


@pytest.mark.alone
class TestAlone:
    """These take villages up and down themselves, so they run last, when nobody needs the shared one any more."""

    @pytest.fixture(autouse=True)
    def _no_village(self) -> None:
        stopped = _server("--stop")
        assert stopped.returncode == 0, stopped.stderr

    def test_stop_leaves_nothing_behind(self) -> None:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8")
        interfaces = sorted(path.name for path in Path("/sys/class/net").iterdir())
        assert _server("--detach").returncode == 0
        pid = running.running_pid()
        assert pid
        processes = {pid} | _processes_of(pid)
        assert len(processes) > 20
        assert _server("--stop").returncode == 0
        wait_until(lambda: _gone(processes), "every process of the village to end", seconds=5)
        assert running.leftovers() == []
        assert not Path("/etc/netns").exists() or not list(Path("/etc/netns").glob("desa-*"))
        assert sorted(path.name for path in Path("/sys/class/net").iterdir()) == interfaces
        after = Path("/proc/self/mounts").read_text(encoding="utf-8")
        assert [line for line in after.splitlines() if "desa" in line] == [
            line for line in mounts.splitlines() if "desa" in line
        ]
        assert "No village is up" in _server("--stop").stdout

    @pytest.mark.timeout(900)
    def test_kill_of_the_run_ends_every_process_and_the_next_check_holds(self) -> None:
        assert _server("--detach").returncode == 0
        pid = running.running_pid()
        assert pid
        processes = _processes_of(pid)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: _gone(processes), "the processes of the killed village to end", seconds=20)
        assert running.leftovers() != [], "a killed village leaves namespaces for the next run to clear"
        checked = _server("--check", timeout_seconds=600)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        steps = Walk(None).steps() + Trial(None, can_cut_power=True).steps()  # type: ignore[arg-type] # the titles
        held = [line for line in checked.stdout.splitlines() if line.startswith("ok ")]
        assert len(held) == len(steps) == len({title for title, _ in steps})
        for (title, _), line in zip(steps, held, strict=True):
            assert f" {title}: " in line
        assert running.leftovers() == []

    def test_kill_in_the_middle_of_coming_up_is_cleared_too(self) -> None:
        process = subprocess.Popen([SERVER], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(lambda: Path("/run/desa-village/desa-hub/console.log").exists(), "the hub to boot", seconds=60)
        processes = _processes_of(process.pid)
        process.kill()
        process.wait()
        wait_until(lambda: _gone(processes), "the processes of the killed village to end", seconds=20)
        assert _server("--stop").returncode == 0
        assert running.leftovers() == []
