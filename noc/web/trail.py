"""From the country down to an area: codes and names for the path above a page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask_babel import gettext

from noc.web.parts import parts

_PROVINCE: Final = 1


@dataclass(frozen=True, slots=True)
class Step:
    """An area of the path; "" is the country."""

    code: str
    name: str


def of(code: str) -> tuple[Step, ...]:
    """List the country and the areas down to ``code``, which is the last."""
    pieces = code.split(".") if code else []
    codes = [".".join(pieces[: depth + 1]) for depth in range(len(pieces))]
    return (Step("", gettext("Indonesia")), *(Step(each, name_of(each)) for each in codes))


def name_of(code: str) -> str:
    """What an area is called; its code where nobody wrote a name down."""
    return parts().book.area_name(code) or code


def level_word(code: str) -> str:
    """What the children of an area are."""
    words = (gettext("Provinsi"), gettext("Kabupaten/kota"), gettext("Kecamatan"), gettext("Desa/kelurahan"))
    return str(words[min(3, code.count(".") + 1 if code else 0)])
