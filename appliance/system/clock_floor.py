"""``python -m appliance.system.clock_floor``: bring a clock that is behind what must have passed up to that.

A board without a battery boots in 1970, or when systemd was built. Debian's systemd and systemd-timesyncd advance it to
the build of systemd and to the last time at which a time server was heard; neither knows when this release was packed,
or the box's certificate was made, and where the provider blocks NTP nobody ever tells. With a clock before the begin of
the NOC's certificates there is no TLS. So the modification times of a few files are taken for moments that have passed;
the clock is set forward to the latest of them, never back, and a time server corrects it later.

Source: clock_settime(2), systemd-timesyncd.service(8).
"""

from __future__ import annotations

import datetime
import logging
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

_log = logging.getLogger("clock")
IDENTITY: Final = Path("/var/lib/desahub-agent/identity")
# In the identity's folder: when the NOC last said what time it is.
NOC_TIME: Final = "noc-time"
# Its time is given by agent.identity: the begin of the certificate's validity, not when the file was written.
CERTIFICATE: Final = "hub.crt"
TIMESYNC: Final = Path("/var/lib/systemd/timesync/clock")
# A file from the far future would lock the box out of TLS for good. systemd draws the same line, from its build on.
YEARS_MAX: Final = 15


def release_s(code: Path = Path(__file__).parents[2]) -> int:
    """Say when the release was packed, in seconds of UTC since 1970; in a checkout, when this file was written."""
    records = [*code.glob("desahub-*.dist-info/METADATA"), Path(__file__)]
    return int(records[0].stat().st_mtime)


def floor_s(release: int, files: Iterable[Path]) -> int:
    """Say which moment has passed for certain, in seconds of UTC since 1970; files that are not there say nothing."""
    latest = release
    for path in files:
        try:
            found = int(path.stat().st_mtime)
        except OSError:
            continue
        if found <= release + YEARS_MAX * 365 * 86_400:
            latest = max(latest, found)
    return latest


def raise_to(floor: int, now_s: float, set_clock: Callable[[float], None]) -> bool:
    """Set a clock that is behind ``floor`` forward; tell whether it was. Raises OSError, from ``set_clock``."""
    if now_s >= floor:
        return False
    set_clock(float(floor))
    return True


def _set(seconds: float) -> None:
    time.clock_settime(time.CLOCK_REALTIME, seconds)


def main(set_clock: Callable[[float], None] = _set) -> int:
    """Do it once; 1 when the kernel does not let it."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    floor = floor_s(release_s(), (IDENTITY / CERTIFICATE, IDENTITY / NOC_TIME, TIMESYNC))
    try:
        if raise_to(floor, time.time(), set_clock):
            _log.info("the clock was behind; it is now %s", datetime.datetime.fromtimestamp(floor, datetime.UTC))
    except OSError as error:
        _log.error("the clock is behind and cannot be set: %s", error.strerror)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
