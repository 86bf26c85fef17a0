"""The villages of Indonesia for benches: real codes and names from the npm package idn-area-data, or made-up ones.

The package (https://github.com/fityannugroho/idn-area-data, code MIT, data ODbL) is fetched by npm when a bench
runs and is no part of this repository.
"""

from __future__ import annotations

import csv
import io
import itertools
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PACKAGE: Final = "idn-area-data@4.0.1"
VILLAGES: Final = 83_762
_PROVINCES: Final = 38
_FILES: Final = ("provinces", "regencies", "districts", "villages")


@dataclass(frozen=True, slots=True)
class Country:
    """Names by code, of areas and of villages; ``source`` says where from."""

    areas: dict[str, str]
    villages: dict[str, str]
    source: str


def country(say: Callable[[str], None]) -> Country:
    """Fetch the real list, or make one up where that fails."""
    with tempfile.TemporaryDirectory(prefix="desa-areas-") as name:
        try:
            return _fetched(Path(name))
        except (OSError, subprocess.SubprocessError, KeyError, StopIteration) as error:
            say(f"{PACKAGE} cannot be had ({type(error).__name__}): area codes are made up")
            return made_up()


def _fetched(folder: Path) -> Country:
    subprocess.run(
        ["npm", "pack", "--silent", PACKAGE], cwd=folder, check=True, timeout=120, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    found: list[dict[str, str]] = []
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        for each in _FILES:
            member = archive.extractfile(f"package/data/{each}.csv")
            if member is None:
                raise KeyError(each)
            rows = csv.DictReader(io.TextIOWrapper(member, encoding="utf-8"))
            found.append({row["code"]: row["name"] for row in rows})
    return Country(found[0] | found[1] | found[2], found[3], f"real area codes ({PACKAGE})")


def made_up() -> Country:
    """Make as many villages up as there are, in as many provinces, ten or eleven to a kecamatan."""
    villages = {code: f"Desa {number}" for number, code in enumerate(itertools.islice(_codes(), VILLAGES))}
    areas = {".".join(code.split(".")[:depth]): "" for code in villages for depth in (1, 2, 3)}
    return Country({code: f"Wilayah {code}" for code in areas}, villages, "made-up area codes")


def _codes() -> Iterator[str]:
    for regency, district, village in itertools.product(range(1, 15), range(1, 16), range(2_001, 2_012)):
        for province in range(11, 11 + _PROVINCES):
            yield f"{province}.{regency:02}.{district:02}.{village}"
