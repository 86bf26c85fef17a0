"""``[letters]``: how letters are numbered, and where anybody checks them."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from appliance.core import letter_number
from appliance.core.config.values import HOST
from appliance.core.errors import Problem
from appliance.core.probes import PROBE_HOSTS
from appliance.core.schema import Rule, option


class NumberScope(enum.StrEnum):
    """What is counted together."""

    KIND = "kind"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Letters:
    """``[letters]``"""

    number_format: str = option(
        about="How a letter's number is written, with OpenSID's placeholders.",
        example="[kode]/[nomor, 3]/[kode_desa]/[bulan_romawi]/[tahun]",
        rule=Rule(letter_number.ALLOWED, letter_number.is_format),
        default="[kode]/[nomor, 3]/[kode_desa]/[bulan_romawi]/[tahun]",
    )
    number_scope: NumberScope = option(
        about="What is counted together: the letters of each code, or all letters. Each year begins at 1.",
        example="kind",
        default=NumberScope.KIND,
    )
    verification_host: str = option(
        about=(
            "The name at which anybody checks a letter by its QR code: the box answers it in the village, the NOC "
            "outside. Empty prints no QR code; a letter is then checked by its code at the kiosk's /cek."
        ),
        example="cek.desa-sukamaju.example.go.id",
        rule=Rule(HOST.allowed, lambda v: v == "" or HOST.holds(v)),
        default="",
    )

    def problems(self) -> Iterator[Problem]:
        """Say what would give two letters one number, or no phone its portal."""
        if self.number_scope is NumberScope.KIND and not letter_number.names_the_kind(self.number_format):
            yield Problem(
                "number_format",
                f"is {self.number_format!r} without [kode], and each kind is counted by itself: "
                "two letters would get one number",
                'add [kode], or choose number_scope = "all"',
            )
        if self.verification_host in PROBE_HOSTS:
            yield Problem(
                "verification_host",
                f"is {self.verification_host}, which phones ask to find a portal",
                "allowed is a name of your own",
            )
