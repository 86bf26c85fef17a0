"""How busy the box is."""

from __future__ import annotations

import psutil

from agent.collectors import Around, Samples


def collect(_around: Around) -> Samples:
    """Tell the load over one minute and the number of processors."""
    return {"load_one_minute": round(psutil.getloadavg()[0], 2), "processors": psutil.cpu_count()}
