"""How busy the box is. Source: proc_loadavg in proc(5)."""

from __future__ import annotations

import os

from agent.collectors import Around, Samples


def collect(around: Around) -> Samples:
    """Tell the load over one minute and the number of processors."""
    text = (around.roots.proc / "loadavg").read_text()
    return {"load_one_minute": float(text.split()[0]), "processors": os.cpu_count()}
