"""Memory of the box and of the agent itself. Source: proc_meminfo and smaps_rollup in proc(5)."""

from __future__ import annotations

from agent.collectors import Around, Samples


def parse(text: str) -> dict[str, int]:
    """Read lines of ``Name:   123 kB`` into bytes; other lines are passed over."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(":")
        fields = rest.split()
        if len(fields) == 2 and fields[1] == "kB":
            found[name.strip()] = int(fields[0]) * 1024
    return found


def collect(around: Around) -> Samples:
    """Tell total and available bytes, and the agent's own share (PSS)."""
    memory = parse((around.roots.proc / "meminfo").read_text())
    samples: dict[str, int | None] = {
        "memory_total_bytes": memory["MemTotal"],
        "memory_available_bytes": memory["MemAvailable"],
    }
    own = around.roots.proc / "self/smaps_rollup"
    if own.exists():
        samples["agent_memory_bytes"] = parse(own.read_text()).get("Pss")
    return samples
