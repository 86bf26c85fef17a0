"""What residents are told whose name and PIN did not lead in: what is wrong, and what to do. Needs a request."""

from __future__ import annotations

from flask_babel import gettext

from appliance.faces import formats
from captive_portal import local_time
from captive_portal.accounts import Entrance, Outcome
from captive_portal.now import Now
from captive_portal.rules import Decision, Policy, Verdict
from captive_portal.words import after


def of_entrance(done: Entrance, policy: Policy, now: Now) -> tuple[int, str, str]:
    """Why a name and a PIN did not lead in: HTTP's status, what is wrong, and what to do."""
    wait = formats.duration_up(done.wait_seconds)
    if done.outcome is Outcome.WAIT:
        return (
            429,
            gettext("Terlalu banyak percobaan yang salah"),
            gettext("Tunggu %(duration)s, lalu coba lagi. Akun Anda tetap berlaku.", duration=wait),
        )
    if done.outcome is Outcome.WRONG:
        advice = gettext("Periksa keduanya. Lupa? Buat PIN baru di layar balai, atau minta petugas kantor.")
        if done.wait_seconds:
            again = gettext("Percobaan berikutnya bisa dalam %(duration)s.", duration=wait)
            advice = f"{advice} {again}"
        return 429 if done.wait_seconds else 403, gettext("Nama akun atau PIN salah"), advice
    if done.outcome is Outcome.BUSY:
        return (
            503,
            gettext("Banyak yang sedang masuk"),
            gettext("Tunggu sebentar, lalu tekan tombolnya lagi."),
        )
    if done.outcome is Outcome.PLACES_TAKEN:
        return (
            403,
            gettext("Akun ini sedang dipakai perangkat lain"),
            gettext("Putuskan dulu di perangkat itu, atau tunggu dua menit setelah perangkat itu berhenti dipakai."),
        )
    verdict = done.decision.verdict if done.decision is not None else None
    is_time = verdict is Verdict.DAILY_TIME_USED
    again = after(local_time.seconds_left_today(now, policy.timezone), policy, now)
    return (
        403,
        gettext("Waktu akun ini hari ini sudah habis") if is_time else gettext("Data akun ini hari ini sudah habis"),
        gettext("Akun ini bisa dipakai lagi %(moment)s.", moment=again),
    )


def is_used_today(decision: Decision) -> bool:
    """Is it the day's share that is used up?"""
    return decision.verdict in (Verdict.DAILY_TIME_USED, Verdict.DAILY_DATA_USED)


def accounts_away() -> tuple[int, str, str]:
    """The kiosk, which knows the accounts, does not answer."""
    return (
        503,
        gettext("Akun belum bisa diperiksa"),
        gettext("Bukan salah Anda: layanan desa sedang berhenti. Coba lagi sebentar, atau pakai cara lain di bawah."),
    )
