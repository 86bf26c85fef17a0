"""What a speed test found, once: in the first record after it."""

from __future__ import annotations

import json
from typing import Any, Final

from agent.collectors import Around, Collector, Samples
from appliance.core.report import Number

FILE: Final = "desahub-speed-test/result.json"
FILE_BYTES_MAX: Final = 4_096
_NAMES: Final = ("download_kbit", "upload_kbit", "bytes")


def make() -> Collector:
    """Remember which test was told."""
    told: list[tuple[str, int]] = []

    def collect(around: Around) -> Samples:
        """Tell speed both ways in kbit a second and bytes used; nothing where no test of this boot is new.

        Raises:
            OSError, ValueError: the file cannot be read.
        """
        path = around.roots.run / FILE
        if not path.exists() or path.stat().st_size > FILE_BYTES_MAX:
            return {}
        said: dict[str, Any] = json.loads(path.read_text("utf-8"))
        boot_id, at_ms = said.get("boot_id"), said.get("boottime_ms")
        if boot_id != around.moment.boot_id or not isinstance(at_ms, int) or "error" in said:
            return {}
        if [(boot_id, at_ms)] == told:
            return {}
        # After a restart of the agent an old test is no news.
        is_first, told[:] = not told, [(boot_id, at_ms)]
        if is_first and around.moment.boottime_ms - at_ms > 2_000 * around.config.agent.interval_seconds:
            return {}
        found: dict[str, Number | None] = {f"speed_test_{name}": said.get(name) for name in _NAMES}
        return found

    return collect
