"""The portal's clocks, read from the kernel. Source: clock_gettime(2), random(4)."""

from __future__ import annotations

import time
from collections.abc import Callable

from appliance.core.clock import parse_boot_id
from appliance.core.errors import OperationError
from appliance.system.clock import wall_quality
from appliance.system.roots import REAL, Roots
from captive_portal.now import Now


def kernel_clock(roots: Roots = REAL) -> Callable[[], Now]:
    """Make a clock that reads all at once.

    Raises:
        OperationError: the kernel tells no boot id.
    """
    path = roots.proc / "sys/kernel/random/boot_id"
    try:
        boot_id = parse_boot_id(path.read_text("ascii", "replace"))
    except (OSError, ValueError) as error:
        raise OperationError(f"{path}: {error}") from None
    return lambda: Now(boot_id, int(time.clock_gettime(time.CLOCK_BOOTTIME)), int(time.time()), wall_quality(roots))
