"""Kode wilayah: the ministry's area codes, ``PP.KK.CC.DDDD``.

Source: Kepmendagri 300.2.2-2138/2025 (the list), 83,762 units: desa 2xxx, kelurahan 1xxx, desa adat 3xxx.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PATTERN = re.compile(r"\d\d\.\d\d\.\d\d\.[123]\d{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class AreaCode:
    """A village's code and those of the areas above it."""

    province: str
    regency: str
    district: str
    village: str

    @classmethod
    def parse(cls, text: str) -> AreaCode:
        """Split ``PP.KK.CC.DDDD``.

        Raises:
            ValueError: the text has another form.
        """
        if not PATTERN.fullmatch(text):
            raise ValueError(f"{text!r} is not of the form PP.KK.CC.DDDD with DDDD from 1000 to 3999")
        province, regency, district, _ = text.split(".")
        return cls(province, f"{province}.{regency}", f"{province}.{regency}.{district}", text)
