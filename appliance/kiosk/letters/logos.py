"""The village's arms on its letters: taken only as what it is, by content and size."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Final

NAMES: Final = ("lambang.png", "lambang.jpg")
BYTES_MAX: Final = 2 * 1024 * 1024
PIXELS_MAX: Final = 2000
# What the paper shows: 22 mm at 300 dots an inch. A larger picture makes each letter slow and long.
_PIXELS_DRAWN: Final = 260


def own(folder: Path) -> Path | None:
    """The arms in a village's folder of letters; None where there are none."""
    return next((file for name in NAMES if (file := folder / name).is_file()), None)


def read(path: Path) -> bytes | None:
    """The arms as a small PNG; None where there is no file, or none that can be used."""
    try:
        stamp = path.stat()
    except OSError:
        return None
    return _small(path, stamp.st_mtime_ns, stamp.st_size)


_kept: dict[tuple[Path, int, int], bytes | None] = {}


def _small(path: Path, modified_ns: int, size: int) -> bytes | None:
    key = (path, modified_ns, size)
    if key not in _kept:
        _kept.clear()
        _kept[key] = shrink(path.read_bytes()) if size <= BYTES_MAX else None
    return _kept[key]


def shrink(data: bytes) -> bytes | None:
    """A picture as a small PNG; None for what is no PNG or JPEG, broken, or too large to open safely."""
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - only letters need it

    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            if max(picture.size) > PIXELS_MAX:
                return None
            picture.load()
            small = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    small.thumbnail((_PIXELS_DRAWN, _PIXELS_DRAWN))
    made = io.BytesIO()
    small.save(made, "PNG")
    return made.getvalue()
