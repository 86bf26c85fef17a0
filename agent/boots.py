"""How the boot before this one ended: told by a mark on the disk that only an orderly end replaces.

What follows from the mark is inferred, not measured: a box whose power was cut, and one whose kernel hung, leave the
same mark.
"""

from __future__ import annotations

import enum
import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from appliance.core.clock import Moment
from appliance.core.errors import OperationError
from appliance.system.files import write_durably

_log = logging.getLogger(__name__)
_MARK: Final = re.compile(r"([0-9a-f]{32}) (running|agent|poweroff|reboot) ([0-3])\n")


class BootReason(enum.IntEnum):
    """Why the box was started; the numbers go over the wire (``boot_reason``)."""

    UNKNOWN = 0
    CLEAN = 1  # switched off in order, and on again
    UNCLEAN = 2  # power cut, hang or reset: nobody said goodbye
    REBOOT = 3  # a restart that was asked for


# "agent": the agent alone was stopped, and what came then nobody saw.
_REASONS: Final = {
    "running": BootReason.UNCLEAN,
    "agent": BootReason.UNKNOWN,
    "poweroff": BootReason.CLEAN,
    "reboot": BootReason.REBOOT,
}


class BootMark:
    """The mark at ``path``; ``ending`` says how the machine is about to end, "" when it is not."""

    def __init__(self, path: Path, ending: Callable[[], str]) -> None:
        self._path, self._ending = path, ending
        self._boot_id = ""
        self.reason = BootReason.UNKNOWN

    def begin(self, moment: Moment) -> bool:
        """Read how the last boot ended, and mark this one as running; say whether it is a new boot."""
        try:
            found = _MARK.fullmatch(self._path.read_text("ascii", "replace"))
        except OSError:
            found = None
        self._boot_id = moment.boot_id
        is_new = found is None or found[1] != moment.boot_id
        if found is not None:
            self.reason = _REASONS[found[2]] if is_new else BootReason(int(found[3]))
        self._write("running")
        return is_new

    def end(self) -> None:
        """Mark an orderly end of the agent, and of the machine if it is about to end."""
        try:
            ending = self._ending()
        except OperationError as error:
            _log.warning("systemd does not say whether the machine is about to end: %s", error)
            ending = ""
        self._write(ending or "agent")

    def _write(self, state: str) -> None:
        try:
            write_durably(self._path, f"{self._boot_id} {state} {int(self.reason)}\n", 0o600)
        except OperationError as error:
            _log.warning("the next start will not know how this one ended: %s", error)
