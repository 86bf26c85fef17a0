"""What the practice mode keeps beside its made-up village: that it is whole, and with what people try it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from appliance.core.errors import StoreError
from appliance.system.files import write_durably

EXTENSION: Final = "practice"
# No secret: it is written on the page that explains the practice mode, and opens nothing but a made-up village.
PASSWORD: Final = "latihan-desa"  # noqa: S105 - as said
_PEOPLE: Final = "people.json"
_ANEW: Final = "anew"


@dataclass(frozen=True, slots=True)
class Practice:
    """What the pages of the practice mode do: ``people`` are NIK and first PIN; ``begin_anew`` ends the process."""

    people: tuple[tuple[str, str], ...]
    begin_anew: Callable[[], None]


def ask_anew(folder: Path) -> None:
    """Let the next start throw everything away. Raises `appliance.core.errors.OperationError`."""
    write_durably(folder / _ANEW, "", 0o600)


def read(folder: Path) -> tuple[tuple[str, str], ...] | None:
    """The people to try with; None where there is no whole village, or it is to be thrown away."""
    if (folder / _ANEW).exists():
        return None
    try:
        found = json.loads((folder / _PEOPLE).read_text("utf-8"))
        return tuple((str(nik), str(pin)) for nik, pin in found)
    except (OSError, ValueError, TypeError):
        return None


def clear(folder: Path) -> None:
    """Throw away what is in the folder, the sign that it was asked for last. Raises `StoreError`."""
    try:
        for path in sorted(folder.iterdir(), key=lambda path: (path.name == _ANEW, path.name != _PEOPLE)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
    except OSError as error:
        raise StoreError(f"{folder}: {error.strerror}; the practice village cannot be made anew") from None


def write(folder: Path, people: Sequence[tuple[str, str]]) -> None:
    """Say that the village is whole, after everything else. Raises `appliance.core.errors.OperationError`."""
    write_durably(folder / _PEOPLE, json.dumps(list(people)) + "\n", 0o600)
