"""``[village]`` and ``[hub]``: where the box stands, and which one it is."""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass

from appliance.core import area
from appliance.core.schema import Rule, between, length, option

AREA_CODE = Rule("allowed is PP.KK.CC.DDDD, such as 51.03.01.2001", lambda v: bool(area.PATTERN.fullmatch(v)))
HUB_ID = Rule(
    "allowed are 4 to 32 lower-case letters, digits and hyphens, such as hub-7k2m9q",
    lambda v: bool(re.fullmatch(r"[a-z0-9][a-z0-9-]{2,30}[a-z0-9]", v)),
)


class VillageKind(enum.StrEnum):
    """What the unit is by law; it drives the titles on every screen."""

    DESA = "desa"
    KELURAHAN = "kelurahan"
    DESA_ADAT = "desa_adat"


class Timezone(enum.StrEnum):
    """The three zones of Indonesia: WIB, WITA, WIT."""

    WIB = "Asia/Jakarta"
    WITA = "Asia/Makassar"
    WIT = "Asia/Jayapura"


@dataclass(frozen=True, slots=True)
class Village:
    """``[village]``"""

    name: str = option(
        about="The village's name as its people write it, without the word desa.",
        example="Sukamaju",
        rule=length(1, 64),
    )
    kode_wilayah: str = option(about="The ministry's area code.", example="51.03.01.2001", rule=AREA_CODE)
    kecamatan: str = option(about="The kecamatan's name.", example="Kuta", rule=length(1, 64))
    kabupaten: str = option(
        about="The kabupaten's or kota's name, with that word.",
        example="Kabupaten Badung",
        rule=length(1, 64),
    )
    provinsi: str = option(about="The province's name.", example="Bali", rule=length(1, 64))
    timezone: Timezone = option(about="The village's time zone: WIB, WITA or WIT.", example="Asia/Makassar")
    kind: VillageKind = option(about="What the unit is by law.", example="desa", default=VillageKind.DESA)
    head_title: str = option(
        about="The title of the village's head.",
        example="Perbekel",
        rule=length(1, 40),
        default="Kepala Desa",
    )
    head_name: str = option(
        about="The head's name, shown on the kiosk. Empty shows none.",
        example="I Made Contoh",
        rule=length(0, 80),
        default="",
    )
    office_address: str = option(
        about="Where the office is. Empty shows none.",
        example="Jalan Raya 1",
        rule=length(0, 160),
        default="",
    )
    office_hours: str = option(
        about="When the office is open. Empty shows none.",
        example="Senin-Jumat 08.00-15.00",
        rule=length(0, 120),
        default="",
    )
    office_phone: str = option(
        about="The office's telephone. Empty shows none.",
        example="0361 000000",
        rule=length(0, 40),
        default="",
    )
    population: int | None = option(
        about="Number of residents, as last published.",
        example=4210,
        rule=between(1, 1_000_000),
        default=None,
    )
    households: int | None = option(
        about="Number of families (KK), as last published.",
        example=1180,
        rule=between(1, 500_000),
        default=None,
    )
    area_hectares: int | None = option(
        about="Area of the village in hectares.", example=640, rule=between(1, 3_000_000), default=None
    )


@dataclass(frozen=True, slots=True)
class Hub:
    """``[hub]``"""

    id: str = option(
        about="This box's opaque id, given by the NOC. It names no place and no person.",
        example="hub-7k2m9q",
        rule=HUB_ID,
    )
