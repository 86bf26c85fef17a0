"""What was ordered of a hub and what became of it, in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from flask_babel import gettext

from appliance.core.actions import ActionName
from appliance.core.command_results import Reason, Status
from noc.fleet_book.contract import GivenCommand

COMMANDS_SHOWN: Final = 20


def action_text(given: GivenCommand) -> str:
    """Say what was ordered."""
    action: Mapping[str, Any] = json.loads(given.action)
    name = str(action.get("do"))
    if name not in set(ActionName):
        return str(gettext("Perintah dari versi lain: %(name)s", name=name[:40]))
    unit, lines = action.get("unit", ""), action.get("lines", "")
    texts = {
        ActionName.RESTART: gettext("Mulai ulang %(unit)s", unit=unit),
        ActionName.LOGS: gettext("Kirim %(lines)s baris catatan %(unit)s", lines=lines, unit=unit),
        ActionName.CONFIGURATION: gettext("Kirim konfigurasi"),
        ActionName.REBOOT: gettext("Mulai ulang kotak"),
        ActionName.CONFIGURE: gettext("Ubah konfigurasi: %(keys)s", keys=", ".join(action.get("changes", ()))),
        ActionName.KEEP: gettext("Pertahankan perubahan konfigurasi"),
        ActionName.SPEED_TEST: gettext(
            "Uji kecepatan, paling banyak %(megabytes)s MB", megabytes=action.get("megabytes", "")
        ),
    }
    return str(texts[ActionName(name)])


def answer_text(given: GivenCommand, now_ms: int) -> str:
    """Say what became of it."""
    if not given.status:
        return str(gettext("Tidak dijawab") if now_ms > given.expires_ms else gettext("Menunggu jawaban"))
    texts = {
        Status.DONE: gettext("Selesai"),
        Status.FAILED: gettext("Gagal"),
        Status.REFUSED: gettext("Ditolak"),
        Status.BEGUN: gettext("Dimulai"),
    }
    return str(texts[Status(given.status)]) if given.status in set(Status) else given.status


def answer_look(given: GivenCommand, now_ms: int) -> str:
    """Say how an answer looks: what is done is calm, what nobody knows is hatched."""
    if not given.status:
        return "unknown" if now_ms > given.expires_ms else "calm"
    return "bad" if given.status in (Status.FAILED, Status.REFUSED) else "calm"


def reason_words() -> dict[str, str]:
    """Why a hub did not do it (docs/wire.md, ``reason``)."""
    return {
        Reason.NONE: "",
        Reason.MALFORMED: gettext("perintahnya rusak"),
        Reason.UNKNOWN: gettext("versi hub tidak mengenalnya"),
        Reason.NO_KEY: gettext("hub belum diberi kunci NOC"),
        Reason.BAD_SIGNATURE: gettext("tanda tangannya bukan dari kunci yang dipercaya hub"),
        Reason.RETAINED: gettext("broker menyimpannya, padahal tidak boleh"),
        Reason.OTHER_HUB: gettext("untuk hub lain"),
        Reason.EXPIRED: gettext("waktunya sudah lewat"),
        Reason.FROM_THE_FUTURE: gettext("waktunya belum tiba: periksa jam NOC dan hub"),
        Reason.CLOCK_UNKNOWN: gettext("hub tidak tahu tanggal dan baru menyala lagi"),
        Reason.OLD_COUNTER: gettext("perintah yang lebih baru sudah datang"),
        Reason.NOT_KEPT: gettext("kartu hub tidak bisa ditulisi"),
        Reason.OPERATION: gettext("tidak berhasil dikerjakan"),
        Reason.INTERRUPTED: gettext("listrik putus di tengahnya"),
    }
