"""What the hub's own processes cost: memory as the kernel shares it out (PSS), and processor time."""

from __future__ import annotations

import os
import re
from pathlib import Path

from script.village import plan
from script.village.machine import Machine
from script.village.programs import run

_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


def processes() -> dict[int, str]:
    """The hub's own processes: process id and unit; systemd itself and networkd are the machine's, not ours."""
    found = {}
    for text in run(["ip", "netns", "pids", plan.HUB]).split():
        try:
            groups = Path(f"/proc/{text}/cgroup").read_text("ascii")
        except OSError:
            continue
        unit = re.search(r"(desahub-[\w@-]+)\.service", groups)
        if unit:
            found[int(text)] = unit[1]
    return found


def memory_megabytes() -> dict[str, float]:
    """Proportional set size of each unit, in MB (1,000,000 bytes). Source: proc(5), smaps_rollup."""
    sizes: dict[str, float] = {}
    for pid, unit in processes().items():
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii")
        except OSError:
            continue
        match = re.search(r"(?m)^Pss: +(\d+) kB", text)
        sizes[unit] = sizes.get(unit, 0.0) + (int(match[1]) * 1024 / 1e6 if match else 0.0)
    return sizes


def processor_seconds() -> float:
    """User and system time that the processes that run now have taken so far. Source: proc(5), stat."""
    ticks = 0
    for pid in processes():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / _CLOCK_TICKS


def process_starts() -> int:
    """How many processes and threads this machine has started since its boot. Source: proc(5), stat."""
    match = re.search(r"(?m)^processes (\d+)", Path("/proc/stat").read_text("ascii"))
    return int(match[1]) if match else 0


def hub_process_starts(hub: Machine) -> int:
    """How many processes and threads the hub has started since its boot. Source: proc(5), ns_last_pid."""
    return int(hub.inside(["cat", "/proc/sys/kernel/ns_last_pid"]))
