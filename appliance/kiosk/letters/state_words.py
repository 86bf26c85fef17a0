"""States, steps and refusals of letters in words for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask_babel import gettext, lazy_gettext

from appliance.kiosk.letters.flow import Reason, State, Step
from appliance.kiosk.letters.numbering import DateRefused
from appliance.kiosk.letters.words import tanggal

_STATES: Final[Mapping[State, Any]] = {
    State.DRAFT: lazy_gettext("Belum dikirim"),
    State.SUBMITTED: lazy_gettext("Menunggu diperiksa"),
    State.NEEDS_CORRECTION: lazy_gettext("Perlu diperbaiki"),
    State.REFUSED: lazy_gettext("Ditolak"),
    State.WAITS_FOR_RT: lazy_gettext("Menunggu pengantar RT/RW"),
    State.VERIFIED: lazy_gettext("Sudah diperiksa, menunggu persetujuan"),
    State.APPROVED: lazy_gettext("Disetujui, menunggu tanda tangan"),
    State.WAITS_FOR_CAMAT: lazy_gettext("Menunggu tanda tangan camat"),
    State.SIGNED: lazy_gettext("Sudah ditandatangani"),
    State.READY: lazy_gettext("Siap diambil"),
    State.COLLECTED: lazy_gettext("Sudah diambil"),
    State.VOID: lazy_gettext("Dibatalkan"),
    State.WITHDRAWN: lazy_gettext("Ditarik kembali"),
}
# As `status` and `word` of faces/components.html take it.
_LOOKS: Final[Mapping[State, str]] = {
    State.DRAFT: "off",
    State.SUBMITTED: "plain",
    State.NEEDS_CORRECTION: "warn",
    State.REFUSED: "bad",
    State.WAITS_FOR_RT: "warn",
    State.VERIFIED: "plain",
    State.APPROVED: "plain",
    State.WAITS_FOR_CAMAT: "warn",
    State.SIGNED: "good",
    State.READY: "good",
    State.COLLECTED: "good",
    State.VOID: "bad",
    State.WITHDRAWN: "off",
}
_STEPS: Final[Mapping[Step, Any]] = {
    Step.SUBMIT: lazy_gettext("Permohonan dikirim"),
    Step.CHANGE: lazy_gettext("Isi surat diubah"),
    Step.ASK_CORRECTION: lazy_gettext("Perbaikan diminta"),
    Step.ASK_RT_LETTER: lazy_gettext("Pengantar RT/RW diminta"),
    Step.GOT_RT_LETTER: lazy_gettext("Pengantar RT/RW diterima"),
    Step.REFUSE: lazy_gettext("Permohonan ditolak"),
    Step.WITHDRAW: lazy_gettext("Permohonan ditarik kembali"),
    Step.VERIFY: lazy_gettext("Isi surat diperiksa"),
    Step.APPROVE: lazy_gettext("Surat disetujui dan diberi nomor"),
    Step.SIGN_BY_HAND: lazy_gettext("Surat ditandatangani dengan tangan"),
    Step.SIGN_ELECTRONICALLY: lazy_gettext("Surat ditandatangani secara elektronik"),
    Step.COUNTERSIGN: lazy_gettext("Tanda tangan camat diterima"),
    Step.MAKE_READY: lazy_gettext("Surat siap diambil"),
    Step.HAND_OVER: lazy_gettext("Surat diserahkan"),
    Step.VOID: lazy_gettext("Surat dibatalkan"),
}
_REFUSALS: Final[Mapping[Reason, tuple[Any, Any]]] = {
    Reason.NOT_NOW: (
        lazy_gettext("Langkah ini tidak bisa dilakukan sekarang"),
        lazy_gettext("Muat ulang halaman surat dan lihat sudah sampai di mana."),
    ),
    Reason.NOT_ALLOWED: (
        lazy_gettext("Anda tidak berwenang melakukan langkah ini"),
        lazy_gettext("Minta petugas yang berwenang untuk melakukannya."),
    ),
    Reason.SAME_PERSON: (
        lazy_gettext("Surat ini tidak boleh Anda setujui sendiri"),
        lazy_gettext("Yang mengetik atau memeriksa surat dan yang menyetujui harus dua orang berbeda."),
    ),
    Reason.NOT_THIS_OFFICIAL: (
        lazy_gettext("Anda tidak bisa menyetujui atas nama pejabat ini"),
        lazy_gettext("Pilih pejabat lain, atau minta kepala menyetujuinya."),
    ),
    Reason.NOT_IN_OFFICE: (
        lazy_gettext("Pejabat ini tidak menjabat pada tanggal itu"),
        lazy_gettext("Lihat masa jabatannya di daftar pejabat, lalu pilih yang menjabat pada tanggal surat."),
    ),
    Reason.RT_LETTER_MISSING: (
        lazy_gettext("Pengantar RT/RW belum ada"),
        lazy_gettext("Surat jenis ini memerlukan pengantar RT/RW. Catat dulu kalau sudah diterima."),
    ),
    Reason.NO_ELECTRONIC_SIGNATURE: (
        lazy_gettext("Surat ini tidak bisa ditandatangani secara elektronik"),
        lazy_gettext("Orang lain juga membubuhkan tanda tangan. Cetak, lalu tanda tangani dengan tangan."),
    ),
    Reason.MAY_NOT_ASK: (
        lazy_gettext("Surat ini tidak bisa diajukan untuk orang ini"),
        lazy_gettext("Lihat siapa yang boleh meminta surat jenis ini, atau tanyakan kepada petugas."),
    ),
    Reason.TOO_MANY_WAIT: (
        lazy_gettext("Permohonan Anda sudah banyak"),
        lazy_gettext("Tunggu sampai sebagian selesai, atau datang ke kantor. Isian Anda tetap tersimpan."),
    ),
    Reason.CHANGED_MEANWHILE: (
        lazy_gettext("Surat ini baru saja diubah"),
        lazy_gettext("Ada yang lebih dulu mengubahnya. Muat ulang halaman surat, lalu putuskan lagi."),
    ),
    Reason.SENT_BEFORE: (
        lazy_gettext("Formulir ini sudah pernah dikirim"),
        lazy_gettext("Isinya berbeda dari yang pertama. Lihat surat yang sudah ada, atau mulai permohonan baru."),
    ),
}


def state_word(state: State) -> str:
    """Where a letter is, for everybody."""
    return str(_STATES[state])


def state_look(state: State) -> str:
    """How that looks: a word of ``faces/components.html``."""
    return _LOOKS[state]


def step_word(step: Step) -> str:
    """What was done."""
    return str(_STEPS[step])


def refusal(reason: Reason) -> tuple[str, str]:
    """What was refused, and what to do."""
    title, advice = _REFUSALS[reason]
    return str(title), str(advice)


def date_advice(error: DateRefused) -> str:
    """Which dates are allowed."""
    if error.earliest is not None and error.latest is not None:
        return str(
            gettext(
                "Tanggal surat boleh %(earliest)s sampai %(latest)s.",
                earliest=tanggal(error.earliest),
                latest=tanggal(error.latest),
            )
        )
    if error.earliest is not None:
        return str(
            gettext(
                "Tanggal surat tidak boleh sebelum %(earliest)s, tanggal nomor terakhir.",
                earliest=tanggal(error.earliest),
            )
        )
    return str(gettext("Periksa tahunnya, lalu tulis tanggal hari ini."))
