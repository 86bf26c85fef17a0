"""What conditions, causes and classes are called, in the reader's language."""

from __future__ import annotations

import datetime
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal
from flask_babel import get_locale, gettext

from noc.rules.sla import Month, SlaClass
from noc.rules.states import Basis, Cause, Condition, Evidence

_ZONES: Final = {"Asia/Jakarta": "WIB", "Asia/Makassar": "WITA", "Asia/Jayapura": "WIT"}


def classes() -> dict[SlaClass, str]:
    """Each class of an SLA."""
    return {
        SlaClass.UP: gettext("Berfungsi"),
        SlaClass.LINK_LONG: gettext("Jaringan putus lebih dari 300 detik"),
        SlaClass.LINK_SHORT: gettext("Jaringan putus sampai 300 detik"),
        SlaClass.UNUSABLE: gettext("Tersambung tetapi tidak layak pakai"),
        SlaClass.POWER: gettext("Listrik padam atau perangkat dimatikan"),
        SlaClass.MAINTENANCE: gettext("Pemeliharaan"),
        SlaClass.UNKNOWN: gettext("Tidak diketahui"),
        SlaClass.AHEAD: gettext("Belum berlalu"),
    }


def conditions() -> dict[Condition, str]:
    """Each condition of a timeline."""
    return {
        Condition.UP: gettext("Berfungsi"),
        Condition.LINK: gettext("Jaringan putus"),
        Condition.UNUSABLE: gettext("Tidak layak pakai"),
        Condition.POWER: gettext("Tanpa listrik"),
        Condition.MAINTENANCE: gettext("Pemeliharaan"),
        Condition.UNKNOWN: gettext("Tidak diketahui"),
    }


def causes() -> dict[Cause, str]:
    """Each cause."""
    return {
        Cause.NONE: "",
        Cause.NO_LINK: gettext("kabel atau radio ke jaringan mati"),
        Cause.NO_ADDRESS: gettext("jaringan tidak memberi alamat"),
        Cause.NO_GATEWAY: gettext("tidak ada jalan keluar"),
        Cause.NO_INTERNET: gettext("internet tidak menjawab"),
        Cause.LINK_DOWN: gettext("jaringan mati"),
        Cause.CAPTIVE: gettext("dihadang halaman penyedia, atau hanya terbuka separuh"),
        Cause.LOSS: gettext("terlalu banyak paket hilang"),
        Cause.SLOW: gettext("jauh di bawah kecepatan kontrak"),
        Cause.POWER_LOST: gettext("listrik padam"),
        Cause.MODEM_WITHOUT_POWER: gettext("modem tanpa listrik"),
        Cause.SWITCHED_OFF: gettext("perangkat dimatikan dengan tertib"),
        Cause.REBOOT: gettext("dimulai ulang atas permintaan"),
        Cause.PLANNED: gettext("pekerjaan terencana"),
    }


def bases() -> dict[Basis, str]:
    """How a cause is known."""
    return {Basis.NONE: "", Basis.MEASURED: gettext("terukur"), Basis.INFERRED: gettext("disimpulkan")}


def evidence() -> dict[Evidence, str]:
    """What a cause rests on, or why nothing is known."""
    return {
        Evidence.UPLINK_STATE: gettext("keadaan jaringan menurut hub"),
        Evidence.LOSS: gettext("paket yang hilang"),
        Evidence.SPEED_TEST: gettext("uji kecepatan"),
        Evidence.ON_BATTERY: gettext("hub memakai baterai"),
        Evidence.UNDER_VOLTAGE: gettext("tegangan kurang"),
        Evidence.BOOT_GAP: gettext("hub mati lalu hidup lagi"),
        Evidence.UNCLEAN_SHUTDOWN: gettext("mati tanpa pamit"),
        Evidence.CLEAN_SHUTDOWN: gettext("dimatikan dengan tertib"),
        Evidence.REBOOT_ASKED: gettext("diminta mulai ulang"),
        Evidence.WINDOW: gettext("jadwal pemeliharaan"),
        Evidence.NO_RECORD: gettext("catatan tidak sampai"),
        Evidence.NOT_TOLD: gettext("hub tidak dapat mengukur"),
        Evidence.CHANGED_UNSEEN: gettext("berubah di antara dua catatan"),
        Evidence.LAST_MOMENTS: gettext("detik terakhir sebelum mati"),
        Evidence.NOT_EXPLAINED: gettext("tidak ada catatan"),
    }


def zone(timezone: str) -> str:
    """``WITA`` for ``Asia/Makassar``; the IANA name of any other zone."""
    return _ZONES.get(timezone, timezone)


def month(value: Month) -> str:
    """``Agustus 2026``."""
    return str(format_date(datetime.date(value.year, value.month, 1), "MMMM yyyy", locale=get_locale() or "id"))


def moment(time_ms: int, timezone: str) -> str:
    """``3 Agu 2026 14.05.07``, in a hub's own time."""
    local = datetime.datetime.fromtimestamp(time_ms / 1000, ZoneInfo(timezone))
    return f"{format_date(local.date(), 'd MMM yyyy', locale=get_locale() or 'id')} {local:%H.%M.%S}"


def duration(seconds: int) -> str:
    """``2 hari 03.04.05``: days, hours, minutes and seconds, none of them rounded."""
    days, rest = divmod(seconds, 86_400)
    clock = f"{rest // 3600:02d}.{rest // 60 % 60:02d}.{rest % 60:02d}"
    return gettext("%(days)d hari %(clock)s", days=days, clock=clock) if days else clock


def percent(part: float, whole: float) -> str:
    """``99,31 %``, rounded down: a promise that was kept, not one that nearly was."""
    hundredths = int(10_000 * part / whole) if whole else 0
    return f"{format_decimal(hundredths / 100, format='0.00', locale=get_locale() or 'id')} %"
