"""Where a unit keeps what must last."""

from __future__ import annotations

import os
from pathlib import Path

from appliance.core.errors import OperationError


def state_directory(named: Path | None) -> Path:
    """The folder of what is kept: as named, or systemd's ``STATE_DIRECTORY`` (systemd.exec(5)).

    Raises:
        OperationError: neither is given.
    """
    found = named or (Path(os.environ["STATE_DIRECTORY"]) if os.environ.get("STATE_DIRECTORY") else None)
    if found is None:
        raise OperationError("no folder to keep data in: set STATE_DIRECTORY or give --state-directory")
    return found
