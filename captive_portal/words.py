"""What residents are told when they may not go online, or are not any more: what happened, and what to do.

Needs a request, for its language.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from flask_babel import gettext

from appliance.faces import formats
from captive_portal import local_time
from captive_portal.now import Now
from captive_portal.rules import Decision, End, Known, Policy, Verdict
from captive_portal.vouchers.redeeming import Outcome, Redemption

# A page that waits for an hour to come asks again by itself; a phone that lies in a pocket should not do so often.
_REFRESH_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Words:
    """One page: its HTTP status, what happened, what to do, and the code to tell the helper.

    ``is_wait``: only time helps, so that the page leads to the local services; ``voucher_helps``: so would a voucher;
    ``refresh_seconds``: when it asks again.
    """

    status: int
    title: str
    advice: str
    code: str
    is_wait: bool = False
    voucher_helps: bool = False
    refresh_seconds: int = 0


def of_decision(decision: Decision, known: Known, policy: Policy, now: Now) -> Words:
    """Why a device is not let online. Raises `ValueError`: it is."""
    if decision.verdict is Verdict.BLOCKED:
        return _blocked(known, policy, now)
    if decision.verdict is Verdict.CLOSED:
        return _closed(decision, policy, now)
    if decision.verdict in (Verdict.DAILY_TIME_USED, Verdict.DAILY_DATA_USED):
        return _used_today(decision.verdict, policy, now)
    found = _PLAIN.get(decision.verdict)
    if found is None:
        raise ValueError(f"{decision.verdict} needs no words")
    return found()


def of_end(end: End | None) -> tuple[str, str]:
    """Why a connection ended, and what to do; None for one of which nothing is known."""
    return (_ENDS.get(end, _not_connected) if end is not None else _not_connected)()


def of_code(done: Redemption) -> tuple[int, str, str]:
    """Why a code was not taken: HTTP's status, what is wrong with it, and what to do."""
    wait = formats.duration_up(done.wait_seconds)
    if done.outcome is Outcome.WAIT:
        return (
            429,
            gettext("Terlalu banyak kode yang salah"),
            gettext("Tunggu %(duration)s, lalu coba lagi. Kode Anda tetap berlaku.", duration=wait),
        )
    if done.outcome is Outcome.WRONG:
        advice = gettext("Periksa setiap huruf dan angka di kertas voucher. Huruf O dan angka 0 sama saja.")
        if done.wait_seconds:
            next_try = gettext("Kode berikutnya bisa dicoba dalam %(duration)s.", duration=wait)
            advice = f"{advice} {next_try}"
        return 429 if done.wait_seconds else 403, gettext("Kode ini tidak dikenal"), advice
    title, advice = _CODES[done.outcome]()
    return 403, title, advice


def _places_taken() -> tuple[str, str]:
    return (
        gettext("Voucher ini sedang dipakai perangkat lain"),
        gettext("Putuskan dulu di perangkat itu, atau tunggu dua menit setelah perangkat itu berhenti dipakai."),
    )


def _code_used_up() -> tuple[str, str]:
    return gettext("Voucher ini sudah habis"), gettext("Waktu atau datanya sudah terpakai. Mintalah voucher baru.")


def _code_expired() -> tuple[str, str]:
    return gettext("Masa berlaku voucher ini sudah lewat"), gettext("Mintalah voucher baru di kantor.")


def _code_void() -> tuple[str, str]:
    return gettext("Voucher ini sudah ditarik kantor"), gettext("Mintalah voucher baru di kantor.")


_CODES: Final = {
    Outcome.PLACES_TAKEN: _places_taken,
    Outcome.USED_UP: _code_used_up,
    Outcome.EXPIRED: _code_expired,
    Outcome.VOID: _code_void,
}


def _blocked(known: Known, policy: Policy, now: Now) -> Words:
    left = known.block.remaining_seconds if known.block is not None else None
    advice = gettext("Petugas kantor menutup internet untuk perangkat ini. Tanyakan ke kantor.")
    if left is not None:
        again = gettext("Terbuka lagi %(moment)s.", moment=after(left, policy, now))
        advice = f"{advice} {again}"
    return Words(403, gettext("Perangkat ini ditutup dari internet"), advice, "403 DITUTUP", is_wait=True)


def _closed(decision: Decision, policy: Policy, now: Now) -> Words:
    return Words(
        403,
        gettext("Internet desa sedang tutup"),
        gettext("Buka lagi %(moment)s.", moment=after(decision.opens_in_seconds, policy, now)),
        "403 JAM",
        is_wait=True,
        refresh_seconds=max(1, min(_REFRESH_SECONDS, decision.opens_in_seconds + 1)),
    )


def _used_today(verdict: Verdict, policy: Policy, now: Now) -> Words:
    again = after(local_time.seconds_left_today(now, policy.timezone), policy, now)
    is_time = verdict is Verdict.DAILY_TIME_USED
    return Words(
        403,
        gettext("Waktu internet hari ini sudah habis") if is_time else gettext("Data internet hari ini sudah habis"),
        gettext("Perangkat ini bisa menyambung lagi %(moment)s.", moment=again),
        "403 WAKTU-HARIAN" if is_time else "403 DATA-HARIAN",
        is_wait=True,
        voucher_helps=True,
    )


def after(seconds: int, policy: Policy, now: Now) -> str:
    """When something is so many seconds away: the hour where the box knows it, else how long."""
    if not local_time.is_known(now):
        return str(gettext("dalam %(duration)s", duration=formats.duration(seconds)))
    reading = datetime.datetime.fromtimestamp(now.wall_seconds, datetime.UTC)
    return formats.moment(reading + datetime.timedelta(seconds=seconds), reading, ZoneInfo(policy.timezone))


def _no_mac() -> Words:
    return Words(
        503,
        gettext("Perangkat Anda belum terlihat di jaringan"),
        gettext("Matikan Wi-Fi di perangkat, nyalakan lagi, lalu buka halaman ini."),
        "503 PERANGKAT",
    )


def _no_lease() -> Words:
    return Words(
        403,
        gettext("Alamat perangkat ini tidak otomatis"),
        gettext(
            "Di pengaturan Wi-Fi perangkat, pilih alamat IP otomatis (DHCP). "
            "Lalu matikan Wi-Fi, nyalakan lagi, dan buka halaman ini."
        ),
        "403 ALAMAT",
    )


def not_a_resident() -> Words:
    """The device is in no network of residents."""
    return Words(
        403,
        gettext("Perangkat ini tidak di jaringan warga"),
        gettext(
            "Sambungkan perangkat ke Wi-Fi warga, lalu buka halaman ini. "
            "Di jaringan kantor internet terbuka tanpa halaman ini."
        ),
        "403 JARINGAN",
    )


def full() -> Words:
    """The gate has no room for another device."""
    return Words(
        503,
        gettext("Jaringan sedang penuh"),
        gettext("Semua tempat sedang dipakai. Coba lagi dalam beberapa menit."),
        "503 PENUH",
    )


def kept() -> Words:
    """The grant is durable, and the gate did not take it."""
    return Words(
        503,
        gettext("Izin sudah tercatat, tetapi internet belum terbuka"),
        gettext(
            "Jalan ke internet belum bisa dibuka. Tunggu satu menit, lalu buka halaman depan: "
            "sambungan Anda dilanjutkan di sana."
        ),
        "503 GERBANG",
    )


def still_open() -> Words:
    """The grant is taken back, and the gate did not hear of it."""
    return Words(
        503,
        gettext("Sambungan belum dapat diputus"),
        gettext("Sambungan Anda masih terbuka. Tunggu satu menit: sambungan diputus begitu bisa."),
        "503 GERBANG",
    )


def _used_up() -> Words:
    return Words(
        403,
        gettext("Jatah sambungan ini sudah habis"),
        gettext("Buka halaman depan untuk menyambung lagi."),
        "403 HABIS",
    )


def _other_way() -> Words:
    return Words(
        403,
        gettext("Cara menyambung ini tidak tersedia di sini"),
        gettext("Buka halaman depan dan pakai tombol yang ada di sana."),
        "403 CARA",
    )


_PLAIN: Final = {
    Verdict.NOT_A_RESIDENT: not_a_resident,
    Verdict.NO_MAC: _no_mac,
    Verdict.NO_LEASE: _no_lease,
    Verdict.USED_UP: _used_up,
    Verdict.WAY_NOT_OFFERED: _other_way,
}


def _not_connected() -> tuple[str, str]:
    return gettext("Belum tersambung"), gettext("Perangkat ini belum boleh memakai internet.")


def _left() -> tuple[str, str]:
    return gettext("Sambungan sudah diputus"), gettext("Perangkat ini tidak lagi memakai internet desa.")


def _time() -> tuple[str, str]:
    return gettext("Waktu sambungan sudah habis"), gettext("Tekan tombol di bawah untuk menyambung lagi.")


def _data() -> tuple[str, str]:
    return gettext("Data sambungan sudah habis"), gettext("Tekan tombol di bawah untuk menyambung lagi.")


def _idle() -> tuple[str, str]:
    return (
        gettext("Sambungan ditutup karena lama tidak dipakai"),
        gettext("Tekan tombol di bawah untuk menyambung lagi."),
    )


def _office() -> tuple[str, str]:
    return gettext("Petugas kantor menghentikan sambungan ini"), gettext("Kalau ada pertanyaan, datanglah ke kantor.")


def _voucher() -> tuple[str, str]:
    return (
        gettext("Voucher ini tidak lagi berlaku di perangkat ini"),
        gettext("Perangkat lain memakai tempatnya, atau kantor menarik voucher ini."),
    )


def _account() -> tuple[str, str]:
    return (
        gettext("Akun ini tidak lagi dipakai di perangkat ini"),
        gettext("PIN-nya diganti, akunnya diakhiri, atau perangkat lain memakai tempatnya."),
    )


def _daily_time() -> tuple[str, str]:
    return gettext("Waktu internet hari ini sudah habis"), gettext("Besok ada jatah baru.")


def _daily_data() -> tuple[str, str]:
    return gettext("Data internet hari ini sudah habis"), gettext("Besok ada jatah baru.")


_ENDS: Final = {
    End.TIME: _time,
    End.DATA: _data,
    End.IDLE: _idle,
    End.LOGOUT: _left,
    End.OFFICE: _office,
    End.VOUCHER: _voucher,
    End.ACCOUNT: _account,
    End.DAILY_TIME: _daily_time,
    End.DAILY_DATA: _daily_data,
}
