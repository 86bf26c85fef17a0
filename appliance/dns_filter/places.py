"""What the filter and its update both read, and where."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.core import config as hub
from appliance.core.errors import OperationError

INDEX_NAME: Final = "index"  # in the state folder
HELD_NAME: Final = "held.json"  # in the runtime folder: what the running filter holds


def read_config(path: Path) -> hub.Config:
    """Read ``hub.toml``.

    Raises:
        ConfigError: with every problem.
        OperationError: the file cannot be read.
    """
    try:
        return hub.parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise OperationError(f"{path}: cannot be read: {error}") from None
