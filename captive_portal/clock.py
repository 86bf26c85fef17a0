"""The portal's clock: the kernel's, in whole seconds."""

from __future__ import annotations

from collections.abc import Callable

from appliance.system import clock
from appliance.system.roots import REAL, Roots
from captive_portal.now import Now


def kernel_clock(roots: Roots = REAL) -> Callable[[], Now]:
    """Make a clock that reads all at once. Raises `OperationError` where the kernel tells no boot id."""
    read = clock.kernel_clock(roots)

    def now() -> Now:
        moment = read()
        return Now(moment.boot_id, moment.boottime_ms // 1000, moment.wall_ms // 1000, moment.wall_quality)

    return now
