"""Files that `desahub-noc init` writes once and a later release writes otherwise.

One that still begins with the mark is brought up, and what it was stays beside it, so that what somebody added can be
taken over. Without the mark it is somebody's own, and is left alone.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from noc.enrol import write_once

MARK: Final = "# Written by desahub-noc init"
_LISTENER: Final = re.compile(r"^listener (\d{1,5})(?: (\S+))?$", re.MULTILINE)


def keep_up(path: Path, text: str, mode: int) -> str | None:
    """Make a file or bring it up; say what was done, None where nothing was. Raises OSError."""
    if not path.exists():
        write_once(path, text.encode(), mode)
        return str(path)
    found = path.read_text(encoding="utf-8", errors="replace")
    if found == text or not found.startswith(MARK):
        return None
    before = path.with_name(f"{path.name}.before")
    _replace(before, path.read_bytes(), mode)
    _replace(path, text.encode(), mode)
    return f"{path} anew, for this release; what it was is in {before.name}"


def listener(path: Path) -> tuple[int, str] | None:
    """Port and address of the broker whose configuration is there, None where there is none. Raises OSError."""
    found = _LISTENER.search(path.read_text(encoding="utf-8", errors="replace")) if path.exists() else None
    return None if found is None else (int(found[1]), found[2] or "")


def _replace(path: Path, content: bytes, mode: int) -> None:
    made = path.with_name(f"{path.name}.new")
    made.unlink(missing_ok=True)
    write_once(made, content, mode)
    made.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
