"""How the disk is: errors that ext4 has met, the age of the flash, and whether a file system became read-only.

Source: Documentation/ABI/testing/sysfs-fs-ext4 (``errors_count``); Documentation/driver-api/mmc/mmc-dev-attrs.rst
(``life_time``, ``pre_eol_info``, JEDEC eMMC 5.0); proc(5), ``mountinfo``.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import Final

from appliance.system.roots import REAL, Roots

PERMILLE_OF_STEP: Final = 100
# The card's own word for its spare blocks: 80 % of them are used up, and nearly all. Then its age is nine tenths, at
# the least, and over.
_SPARE: Final = {1: 0, 2: 900, 3: 1000}


def parse_life(text: str) -> int:
    """Read ``life_time`` ("0x02 0x01": tenths used of either kind of flash); permille, over 1000 beyond its end.

    Raises:
        ValueError: it has another form.
    """
    if not re.fullmatch(r"\s*0x[0-9a-fA-F]{2} 0x[0-9a-fA-F]{2}\s*", text):
        raise ValueError(f"life_time holds not two numbers: {text[:40]!r}")
    return max(int(word, 16) for word in text.split()) * PERMILLE_OF_STEP


def parse_spare(text: str) -> int:
    """Read ``pre_eol_info``: the permille of its life that a card with so few spare blocks has used at the least.

    Raises:
        ValueError: it has another form.
    """
    if not re.fullmatch(r"\s*0x[0-9a-fA-F]{2}\s*", text):
        raise ValueError(f"pre_eol_info holds no number: {text[:40]!r}")
    return _SPARE.get(int(text, 16), 0)


def parse_count(text: str) -> int:
    """Read a count. Raises ValueError."""
    word = text.strip()
    if not re.fullmatch(r"[0-9]{1,19}", word, re.ASCII):
        raise ValueError(f"not a count: {word[:40]!r}")
    return int(word)


def parse_read_only(mountinfo: str, path: PurePosixPath) -> bool | None:
    """Is the file system that holds ``path`` read-only itself, whatever the mount says? None where none is listed.

    The options of the super block count: in a sandbox every mount is read-only.
    """
    best, answer = -1, None
    for line in mountinfo.splitlines():
        before, dash, after = line.partition(" - ")
        mount, kind = before.split(), after.split()
        if not dash or len(mount) < 6 or len(kind) < 3:
            continue
        point = PurePosixPath(re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), mount[4]))
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, answer = len(point.parts), "ro" in kind[2].split(",")
    return answer


def life_used_permille(roots: Roots = REAL) -> int | None:
    """How much of its life the most worn flash has used; None where none tells. Raises OSError, ValueError."""
    found = []
    for device in sorted((roots.sys / "block").glob("mmcblk*/device")):
        for name, parse in (("life_time", parse_life), ("pre_eol_info", parse_spare)):
            if (path := device / name).exists():
                found.append(parse(path.read_text("ascii", "replace")))
    return max(found) if found else None


def error_count(roots: Roots = REAL) -> int | None:
    """How many errors the ext4 file systems have met since they were made; None where there is none.

    Raises:
        OSError, ValueError: a count cannot be read.
    """
    found = [parse_count(path.read_text("ascii", "replace")) for path in (roots.sys / "fs/ext4").glob("*/errors_count")]
    return sum(found) if found else None


def is_read_only(directory: Path, roots: Roots = REAL) -> bool | None:
    """Is the file system below ``directory`` read-only? Raises OSError."""
    text = (roots.proc / "self/mountinfo").read_text("utf-8", "replace")
    return parse_read_only(text, PurePosixPath(directory.resolve()))
