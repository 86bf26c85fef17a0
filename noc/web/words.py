"""The words and looks of what the NOC knows, in the reader's language. Every page says the same thing the same way."""

from __future__ import annotations

from typing import Any, Final

from flask_babel import gettext

from appliance.faces import charts as drawing
from noc import fleet

LOOKS: Final = {
    # Grey is normal; colour is for what is not.
    fleet.HubState.ONLINE: "calm",
    fleet.HubState.ATTENTION: "warn",
    fleet.HubState.NO_CONTACT: "bad",
    fleet.HubState.NEVER: "unknown",
}


def state_words() -> dict[fleet.HubState, str]:
    """Each state in the reader's language."""
    return {
        fleet.HubState.NO_CONTACT: gettext("Tidak ada kontak"),
        fleet.HubState.ATTENTION: gettext("Perlu perhatian"),
        fleet.HubState.NEVER: gettext("Belum pernah terhubung"),
        fleet.HubState.ONLINE: gettext("Terhubung"),
    }


def reason_words() -> dict[fleet.Reason, str]:
    """Each reason in the reader's language."""
    return {
        fleet.Reason.UPLINK_DOWN: gettext("Internet tidak menjawab"),
        fleet.Reason.GATE_SILENT: gettext("Gerbang tidak menjawab"),
        fleet.Reason.GATE_OPEN: gettext("Gerbang terbuka untuk semua"),
        fleet.Reason.DISK_FULL: gettext("Penyimpanan hampir penuh"),
        fleet.Reason.MEMORY_FULL: gettext("Memori hampir habis"),
        fleet.Reason.HOT: gettext("Terlalu panas"),
        fleet.Reason.RECORDS_DROPPED: gettext("Data pengukuran terbuang"),
    }


def page_words() -> dict[str, Any]:
    """What templates of hubs need beside their figures."""
    return {"state_words": state_words(), "reason_words": reason_words(), "looks": LOOKS, "rate": drawing.rate}
