"""What a unit runs with: ``hub.toml`` as ``desahub apply`` installed it, not as somebody edits it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.core.config import Config, parse
from appliance.core.errors import OperationError

APPLIED_PATH: Final = Path("/etc/desahub/rendered/hub.toml")


def read_config(path: Path) -> Config:
    """Read a ``hub.toml``.

    Raises:
        ConfigError: with every problem.
        OperationError: the file cannot be read.
    """
    try:
        return parse(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise OperationError(f"{path}: cannot be read: {error}") from None
