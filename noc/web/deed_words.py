"""What people did, in the reader's language: for the audit, and for an incident's own page."""

from __future__ import annotations

from flask_babel import gettext


def incident_deed_words() -> dict[str, str]:
    """What is done about an incident."""
    return {
        "acknowledge": gettext("menangani"),
        "silence": gettext("menahan pesan"),
        "lift": gettext("mengirim pesan lagi"),
        "dispatch": gettext("mengunduh daftar kirim"),
    }


def deed_words() -> dict[str, str]:
    """All that the audit shows; what a later release wrote stands there by its own word."""
    return {
        **incident_deed_words(),
        "window": gettext("menjadwalkan pemeliharaan"),
        "end_window": gettext("mengakhiri pemeliharaan"),
        "note": gettext("menulis catatan serah terima"),
        "wall_link": gettext("membuat tautan layar dinding"),
        "wall_shut_out": gettext("mencabut semua layar dinding"),
        "card": gettext("mengubah kartu hub di server"),
        "card_changed": gettext("mengubah kartu hub"),
        "contact_added": gettext("menambah kontak"),
        "contact_changed": gettext("mengubah kontak"),
        "contact_dropped": gettext("menghapus kontak"),
        "asset_added": gettext("mencatat aset"),
        "asset_taken_away": gettext("melepas aset"),
        "visit_added": gettext("mencatat kunjungan"),
        "visit_reversed": gettext("membatalkan kunjungan"),
        "import": gettext("mengimpor daftar hub"),
        "areas": gettext("mengimpor nama wilayah"),
        "log_in": gettext("masuk"),
        "log_in_refused": gettext("ditolak masuk"),
        "code_refused": gettext("kode kedua salah"),
        "password_refused": gettext("kata sandi salah"),
        "recovery_code_used": gettext("memakai kode cadangan"),
        "recovery_codes_renewed": gettext("membuat kode cadangan baru"),
        "password_changed": gettext("mengganti kata sandi"),
        "password_reset": gettext("memberi kata sandi sekali pakai"),
        "second_factor_taken": gettext("memakai telepon"),
        "second_factor_reset": gettext("melepas telepon"),
        "account_added": gettext("membuat akun"),
        "account_disabled": gettext("menutup akun"),
        "account_enabled": gettext("membuka akun"),
        "role_changed": gettext("mengubah peran"),
        "areas_changed": gettext("mengubah wilayah"),
        "sessions_ended": gettext("mengeluarkan dari semua perangkat"),
        "policy_changed": gettext("mengubah peran yang wajib memakai telepon"),
        "token_made": gettext("membuat token"),
        "token_revoked": gettext("mencabut token"),
    }
