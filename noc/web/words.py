"""The words and looks of hubs, in the reader's language. Every page says the same thing the same way."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import gettext

from appliance.faces import charts as drawing
from noc.fleet import HubState
from noc.fleet_book.contract import Order
from noc.papers import words

LOOKS: Final = {
    # Grey is normal; colour is for what is not.
    HubState.ONLINE: "calm",
    HubState.ATTENTION: "warn",
    HubState.NO_CONTACT: "bad",
    HubState.NEVER: "unknown",
}


def state_words() -> dict[HubState, str]:
    """Each state in the reader's language."""
    return {
        HubState.NO_CONTACT: gettext("Tidak ada kontak"),
        HubState.ATTENTION: gettext("Perlu perhatian"),
        HubState.NEVER: gettext("Belum pernah terhubung"),
        HubState.ONLINE: gettext("Terhubung"),
    }


def order_words() -> dict[Order, str]:
    """By what a list is sorted."""
    return {
        Order.URGENCY: gettext("Yang perlu ditangani dahulu"),
        Order.NAME: gettext("Nama"),
        Order.AREA: gettext("Kode wilayah"),
        Order.CONTACT: gettext("Kontak terlama dahulu"),
        Order.RESIDENTS: gettext("Penduduk terbanyak dahulu"),
    }


def share(part: float) -> str:
    """``0.9931`` -> ``99,31 %``, rounded down: a promise that was kept, not one that nearly was."""
    return words.percent(round(part, 9), 1).replace(" %", "\u00a0%")


def page_words() -> dict[str, Any]:
    """What templates of hubs need beside their figures."""
    return {"state_words": state_words(), "looks": LOOKS, "rate": drawing.rate}
