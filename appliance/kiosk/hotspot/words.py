"""What the hotspot's pages say in words: ways in, ends, states, limits, actions. In the request's language."""

from __future__ import annotations

import datetime
from typing import Final
from zoneinfo import ZoneInfo

from flask_babel import format_datetime, gettext

from appliance.core.config import Config
from appliance.core.config.networks import Access
from appliance.core.errors import HotspotRefused
from appliance.faces import formats
from appliance.hotspot.protocol import (
    BATCH_COUNT_MAX,
    TITLE_LENGTH_MAX,
    Action,
    ActionKind,
    Batch,
    EndReason,
    RefusalCode,
    VoucherState,
)
from appliance.kiosk.hotspot.batches import DAY_SECONDS, Problem, Wish
from appliance.kiosk.hotspot.rules import NO_REASON

_MEGABYTE: Final = 1_000_000
_OPENING_LENGTH_MAX: Final = 64


def opening(config: Config, ssid: str) -> str:
    """When a network opens and closes, in one line of a slip; "" where it is always open."""
    entries = next((network.open_hours for network in config.networks if network.ssid == ssid), ())
    text = formats.opening_hours(entries, ZoneInfo(config.village.timezone))
    if len(text) > _OPENING_LENGTH_MAX:
        return str(gettext("Ada jam buka: lihat di halaman masuk."))
    return str(gettext("Dibuka %(hours)s.", hours=text)) if text else ""


def way(access: Access) -> str:
    """How a device got online."""
    texts = {
        Access.TERMS: gettext("Setuju aturan"),
        Access.VOUCHER: gettext("Voucher"),
        Access.ACCOUNT: gettext("Akun warga"),
    }
    return str(texts[access])


def end(reason: EndReason | None) -> str:
    """Why a connection ended."""
    if reason is None:
        return str(gettext("Selesai"))
    texts = {
        EndReason.TIME: gettext("Waktu habis"),
        EndReason.DATA: gettext("Data habis"),
        EndReason.IDLE: gettext("Lama diam"),
        EndReason.CLOSED: gettext("Jam tutup"),
        EndReason.DAILY_TIME: gettext("Jatah waktu hari itu habis"),
        EndReason.DAILY_DATA: gettext("Jatah data hari itu habis"),
        EndReason.BLOCKED: gettext("Diblokir kantor"),
        EndReason.NETWORK: gettext("Jaringannya tidak ada lagi"),
        EndReason.LOGOUT: gettext("Diputus sendiri"),
        EndReason.OFFICE: gettext("Dihentikan kantor"),
        EndReason.VOUCHER: gettext("Voucher dibatalkan atau dipakai perangkat lain"),
        EndReason.ACCOUNT: gettext("Akun diakhiri, PIN diganti, atau dipakai perangkat lain"),
        EndReason.REPLACED: gettext("Diganti perangkat lain"),
        EndReason.RENEWED: gettext("Disambung lagi"),
    }
    return str(texts[reason])


def refusal(error: HotspotRefused) -> tuple[str, str]:
    """A refusal as the kind of a status and a sentence."""
    texts = {
        RefusalCode.NOT_ONLINE: ("warn", gettext("Perangkat itu sudah tidak tersambung. Tidak ada yang diubah.")),
        RefusalCode.NOT_FOUND: ("warn", gettext("Yang diminta sudah tidak ada. Tidak ada yang diubah.")),
        RefusalCode.GATE_SILENT: (
            "warn",
            gettext("Sudah dicatat, tetapi gerbang internet tidak menjawab. Berlaku begitu gerbang kembali."),
        ),
        RefusalCode.UNKNOWN_SPEED: (
            "bad",
            gettext("Kelas kecepatan itu belum dikenal hotspot. Minta teknisi menjalankan desahub apply."),
        ),
        RefusalCode.NOT_ALLOWED: (
            "bad",
            gettext("Kios ini tidak diizinkan mengatur hotspot. Beri tahu teknisi. Tidak ada yang diubah."),
        ),
        RefusalCode.MALFORMED: ("bad", gettext("Permintaan tidak dapat dibaca. Tidak ada yang diubah.")),
    }
    failed = ("bad", gettext("Hotspot tidak dapat melakukannya. Tidak ada yang diubah. Coba lagi sebentar."))
    try:
        return texts.get(RefusalCode(error.code), failed)
    except ValueError:  # a code of a newer release
        return failed


def voucher_state(state: VoucherState) -> tuple[str, str]:
    """A voucher's state as the look of a status and a word."""
    return {
        VoucherState.UNUSED: ("off", gettext("Belum dipakai")),
        VoucherState.ACTIVE: ("good", gettext("Sedang berlaku")),
        VoucherState.USED_UP: ("unknown", gettext("Habis")),
        VoucherState.EXPIRED: ("unknown", gettext("Lewat masa")),
        VoucherState.VOID: ("bad", gettext("Dibatalkan")),
    }[state]


def preset(key: str) -> str:
    """The title of one of `batches.PRESETS`."""
    texts = {
        "sehari": gettext("1 hari, 1 perangkat"),
        "sejam": gettext("1 jam, 1 perangkat"),
        "seminggu": gettext("7 hari, 1 perangkat"),
        "keluarga": gettext("Keluarga, 7 hari, 4 perangkat"),
        "hemat": gettext("Hemat, 1 hari, 500 MB"),
    }
    return str(texts[key])


def problem(found: Problem) -> str:
    """What is wrong with a field of the form, and what is allowed."""
    texts = {
        Problem.TITLE: gettext(
            "Isi nama untuk lembar ini: satu baris, paling banyak %(count)d huruf.", count=TITLE_LENGTH_MAX
        ),
        Problem.COUNT: gettext("Isi jumlah dengan angka 1 sampai %(count)d.", count=BATCH_COUNT_MAX),
        Problem.CHOICE: gettext("Pilih salah satu yang ada di daftar."),
        Problem.UNKNOWN_SPEED: gettext(
            "Kelas kecepatan itu belum dikenal hotspot. Pilih yang lain, atau minta teknisi menjalankan desahub apply."
        ),
    }
    return str(texts[found])


def long(seconds: int) -> str:
    """A voucher's time: ``7 hari`` or ``12 jam``."""
    if seconds % DAY_SECONDS == 0:
        return str(gettext("%(count)d hari", count=seconds // DAY_SECONDS))
    return formats.duration(seconds)


def data(megabytes: int) -> str:
    """A voucher's data."""
    return formats.size(megabytes * _MEGABYTE) if megabytes else str(gettext("Data tanpa batas"))


def speed(name: str, config: Config) -> str:
    """A class of speed by its title and its figures."""
    if not name:
        return str(gettext("Dibagi rata"))
    found = next((one for one in config.speeds if one.name == name), None)
    if found is None:
        return name
    return f"{found.title} ({formats.number(round(found.download_kbit / 1000, 1))} Mbit/s)"


def worth(wish: Wish | Batch, config: Config) -> str:
    """What a voucher gives, in a line."""
    parts = [
        long(wish.duration_seconds),
        gettext("%(count)d perangkat", count=wish.devices),
        *([formats.size(wish.quota_megabytes * _MEGABYTE)] if wish.quota_megabytes else []),
        *([speed(wish.speed, config)] if wish.speed else []),
    ]
    return " · ".join(parts)


def day(iso: str) -> str:
    """``2026-12-31`` -> ``31 Desember 2026``; other text as it is."""
    return _date(iso, "d MMMM yyyy")


def short_day(iso: str) -> str:
    """``2026-12-31`` -> ``31 Des 2026``, for paper."""
    return _date(iso, "d MMM yyyy")


def weekday(iso: str) -> str:
    """``2026-12-31`` -> ``Kamis, 31 Desember 2026``."""
    return _date(iso, "EEEE, d MMMM yyyy")


def _date(iso: str, form: str) -> str:
    try:
        date = datetime.date.fromisoformat(iso)
    except ValueError:
        return iso
    return str(format_datetime(datetime.datetime.combine(date, datetime.time()), form, rebase=False))


def when(wall_seconds: int, now_seconds: float, zone: ZoneInfo) -> str:
    """A moment; 0 is one the box did not know, for want of a clock."""
    if wall_seconds <= 0:
        return str(gettext("waktu tidak diketahui"))
    moment = datetime.datetime.fromtimestamp(wall_seconds, zone)
    return formats.moment(moment, datetime.datetime.fromtimestamp(now_seconds, zone), zone)


def clock(wall_seconds: int, zone: ZoneInfo) -> str:
    """``07.12``; a dash where the box did not know."""
    return f"{datetime.datetime.fromtimestamp(wall_seconds, zone):%H.%M}" if wall_seconds > 0 else "—"


def action(one: Action) -> tuple[str, str, str]:
    """What was done, to what, and how much: three texts."""
    titles = {
        ActionKind.EXTEND: gettext("Menambah waktu"),
        ActionKind.STOP: gettext("Menghentikan sambungan"),
        ActionKind.BLOCK: gettext("Memblokir"),
        ActionKind.UNBLOCK: gettext("Membuka blokir"),
        ActionKind.MAKE_BATCH: gettext("Membuat voucher"),
        ActionKind.SHOW_CODES: gettext("Melihat kode voucher"),
        ActionKind.VOID_BATCH: gettext("Membatalkan voucher"),
        ActionKind.VOID_VOUCHER: gettext("Membatalkan satu voucher"),
        ActionKind.INSTALL_DISTRICT_KEY: gettext("Memasang kunci kabupaten"),
        ActionKind.MAKE_TRAVEL_CODE: gettext("Memberi warga kode untuk desa lain"),
    }
    on_device = one.kind in (ActionKind.EXTEND, ActionKind.STOP, ActionKind.BLOCK, ActionKind.UNBLOCK)
    is_number = one.detail.isascii() and one.detail.isdigit() and len(one.detail) < 10
    if one.kind in (ActionKind.EXTEND, ActionKind.BLOCK) and is_number:
        detail = formats.duration(int(one.detail))
    elif one.kind is ActionKind.BLOCK and not one.detail:
        detail = str(gettext("sampai dibuka"))
    else:
        detail = one.detail
    what = one.what if on_device or not one.what else str(gettext("Nomor %(what)s", what=one.what))
    return str(titles[one.kind]), what, detail


def why(text: str) -> str:
    """A reason that somebody wrote; empty where none was asked."""
    return "" if text == NO_REASON else text
