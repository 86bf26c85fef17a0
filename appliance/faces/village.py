"""What a village is called on its screens: desa, kelurahan and desa adat differ by law."""

from __future__ import annotations

from flask_babel import gettext

from appliance.core.config.village import Village, VillageKind


def kind_word(village: Village) -> str:
    """``Desa``, ``Kelurahan`` or ``Desa Adat``. Needs no request: the words are names by law, not translated."""
    return {
        VillageKind.DESA: "Desa",
        VillageKind.KELURAHAN: "Kelurahan",
        VillageKind.DESA_ADAT: "Desa Adat",
    }[village.kind]


def title(village: Village) -> str:
    """``Desa Sukamaju``."""
    return f"{kind_word(village)} {village.name}"


def office(village: Village) -> str:
    """``Kantor Desa``, in the request's language."""
    return str(gettext("Kantor %(kind)s", kind=kind_word(village)))
