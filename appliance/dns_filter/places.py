"""What the filter and its update both read, and where."""

from __future__ import annotations

from typing import Final

INDEX_NAME: Final = "index"  # in the state folder
HELD_NAME: Final = "held.json"  # in the runtime folder: what the running filter holds
