"""States of letters in plain words for the resident who waits: where it is, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import lazy_gettext

from appliance.kiosk.letters.flow import State
from appliance.kiosk.letters.state_words import state_look, state_word

__all__ = ["SPOKEN", "advice", "state_look", "state_word"]

_ADVICE: Final[Mapping[State, Any]] = {
    State.DRAFT: lazy_gettext("Surat ini belum dikirim."),
    State.SUBMITTED: lazy_gettext("Permohonan sudah diterima. Petugas akan memeriksanya."),
    State.NEEDS_CORRECTION: lazy_gettext("Ada yang perlu Anda perbaiki. Baca pesan petugas, lalu perbaiki."),
    State.REFUSED: lazy_gettext("Permohonan tidak dapat dipenuhi. Baca pesan petugas."),
    State.WAITS_FOR_RT: lazy_gettext("Bawa surat pengantar dari RT/RW ke kantor."),
    State.VERIFIED: lazy_gettext("Sudah diperiksa. Sekarang menunggu persetujuan."),
    State.APPROVED: lazy_gettext("Sudah disetujui dan diberi nomor. Sekarang menunggu tanda tangan."),
    State.WAITS_FOR_CAMAT: lazy_gettext(
        "Sudah ditandatangani di sini. Sekarang surat dibawa ke kecamatan untuk ditandatangani juga di sana."
    ),
    State.SIGNED: lazy_gettext("Sudah ditandatangani. Petugas sedang menyiapkannya."),
    State.READY: lazy_gettext("Surat bisa diambil di kantor. Bawa KTP."),
    State.COLLECTED: lazy_gettext("Surat sudah diambil."),
    State.VOID: lazy_gettext("Surat ini dibatalkan dan tidak berlaku lagi."),
    State.WITHDRAWN: lazy_gettext("Permohonan sudah ditarik kembali."),
}

# What `script.prompts` speaks beside the pages' own questions; it asks outside of any page, so these are Indonesian.
SPOKEN: Final = tuple(str(text) for text in _ADVICE.values())


def advice(state: State) -> str:
    """What that means for the resident."""
    return str(_ADVICE[state])
