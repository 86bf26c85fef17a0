"""Where the configuration is, and how a command reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from appliance.core.errors import OperationError
from appliance.unit.config import APPLIED_PATH

HUB_TOML: Final = Path("/etc/desahub/hub.toml")
# What the programs read: the copy that `desahub apply` wrote.
APPLIED_TOML: Final = APPLIED_PATH


def text(path: Path) -> str:
    """The text of a file. Raises `OperationError`, saying what is wrong."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise OperationError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise OperationError(f"{path}: is not UTF-8 text; save it as UTF-8") from None
