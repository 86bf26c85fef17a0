"""What the pages of residents say: columns, what is wrong with a cell or a file, values as people read them."""

from __future__ import annotations

import datetime
from typing import Any, Final

from flask_babel import gettext, lazy_gettext

from appliance.kiosk.residents import nik
from appliance.kiosk.residents.codes import StatusDasar
from appliance.kiosk.residents.columns import BY_NAME, Kind, ValueWrong, Wrong
from appliance.kiosk.residents.importing import Outcome
from appliance.kiosk.residents.nik import Oddity
from appliance.kiosk.residents.person import STATUS_DATE, STATUS_NOTE, long_date
from appliance.kiosk.residents.workbook import FileInvalid, FileWrong

_COLUMNS: Final = {
    "alamat": lazy_gettext("Alamat di KK"),
    "dusun": lazy_gettext("Dusun"),
    "rw": lazy_gettext("RW"),
    "rt": lazy_gettext("RT"),
    "nama": lazy_gettext("Nama lengkap"),
    "no_kk": lazy_gettext("No. KK"),
    "nik": lazy_gettext("NIK"),
    "sex": lazy_gettext("Jenis kelamin"),
    "tempatlahir": lazy_gettext("Tempat lahir"),
    "tanggallahir": lazy_gettext("Tanggal lahir"),
    "agama_id": lazy_gettext("Agama"),
    "pendidikan_kk_id": lazy_gettext("Pendidikan di KK"),
    "pendidikan_sedang_id": lazy_gettext("Pendidikan sekarang"),
    "pekerjaan_id": lazy_gettext("Pekerjaan"),
    "status_kawin": lazy_gettext("Status perkawinan"),
    "kk_level": lazy_gettext("Hubungan dalam keluarga"),
    "warganegara_id": lazy_gettext("Kewarganegaraan"),
    "ayah_nik": lazy_gettext("NIK ayah"),
    "nama_ayah": lazy_gettext("Nama ayah"),
    "ibu_nik": lazy_gettext("NIK ibu"),
    "nama_ibu": lazy_gettext("Nama ibu"),
    "golongan_darah_id": lazy_gettext("Golongan darah"),
    "akta_lahir": lazy_gettext("No. akta lahir"),
    "dokumen_pasport": lazy_gettext("No. paspor"),
    "tanggal_akhir_paspor": lazy_gettext("Paspor berlaku sampai"),
    "dokumen_kitas": lazy_gettext("No. KITAS/KITAP"),
    "akta_perkawinan": lazy_gettext("No. akta perkawinan"),
    "tanggalperkawinan": lazy_gettext("Tanggal perkawinan"),
    "akta_perceraian": lazy_gettext("No. akta perceraian"),
    "tanggalperceraian": lazy_gettext("Tanggal perceraian"),
    "cacat_id": lazy_gettext("Disabilitas"),
    "cara_kb_id": lazy_gettext("Cara KB"),
    "hamil": lazy_gettext("Kehamilan"),
    "ktp_el": lazy_gettext("KTP-el"),
    "status_rekam": lazy_gettext("Status rekam KTP"),
    "alamat_sekarang": lazy_gettext("Alamat sekarang"),
    "status_dasar": lazy_gettext("Status dasar"),
    "suku": lazy_gettext("Suku"),
    "tag_id_card": lazy_gettext("Tag ID card"),
    "id_asuransi": lazy_gettext("Asuransi kesehatan"),
    "no_asuransi": lazy_gettext("No. asuransi"),
    "lat": lazy_gettext("Lintang rumah"),
    "lng": lazy_gettext("Bujur rumah"),
    STATUS_DATE: lazy_gettext("Status sejak"),
    STATUS_NOTE: lazy_gettext("Catatan status"),
}
_WRONG: Final = {
    Wrong.TOO_LONG: lazy_gettext("terlalu panjang; paling banyak %(limit)s huruf"),
    Wrong.UNREADABLE: lazy_gettext("ada tanda yang tidak terbaca; ketik ulang isinya"),
    Wrong.UNKNOWN_CODE: lazy_gettext("kodenya tidak dikenal; pakai angka atau kata dari daftar OpenSID"),
    Wrong.NO_DATE: lazy_gettext("bukan tanggal; tulis seperti 17-08-1990"),
    Wrong.DATE_OUT_OF_RANGE: lazy_gettext("tahunnya tidak masuk akal; periksa empat angka tahun"),
    Wrong.IN_FUTURE: lazy_gettext("tanggalnya belum tiba; periksa tahunnya"),
    Wrong.NO_NUMBER: lazy_gettext("bukan angka derajat dalam batas %(limit)s"),
    Wrong.REQUIRED: lazy_gettext("harus diisi"),
    Wrong.FORMULA: lazy_gettext("berisi rumus; ganti rumus dengan nilainya (Salin, Tempel nilai)"),
    Wrong.ERROR_VALUE: lazy_gettext("berisi tanda galat lembar kerja; isi nilainya"),
    Wrong.SPREADSHEET_DATE: lazy_gettext("diubah lembar kerja menjadi tanggal atau jenis lain; jadikan teks"),
    Wrong.NIK_EMPTY: lazy_gettext("harus diisi"),
    Wrong.NIK_ZERO: lazy_gettext("belum ada NIK; daftarkan setelah NIK terbit"),
    Wrong.NIK_SPREADSHEET: lazy_gettext(
        "diubah lembar kerja menjadi bilangan, angka terakhirnya hilang; jadikan kolom teks lalu ketik ulang"
    ),
    Wrong.NIK_LETTERS: lazy_gettext("hanya boleh berisi angka"),
    Wrong.NIK_LENGTH: lazy_gettext("harus 16 angka, ini %(limit)s"),
    Wrong.NIK_AREA: lazy_gettext("enam angka pertama bukan kode wilayah"),
    Wrong.NIK_DATE: lazy_gettext("angka ke-7 sampai ke-12 bukan tanggal lahir"),
    Wrong.NIK_SERIAL: lazy_gettext("empat angka terakhir tidak boleh 0000"),
    Wrong.TWICE: lazy_gettext("ada dua kali di berkas ini, juga di baris %(limit)s; perbaiki salah satu"),
    Wrong.TAKEN: lazy_gettext("sudah ada di data warga"),
}
_FILE: Final = {
    FileWrong.EMPTY: lazy_gettext("Berkas kosong. Pilih berkas lalu kirim lagi."),
    FileWrong.TOO_LARGE: lazy_gettext(
        "Berkas lebih dari %(detail)s MB. Hapus gambar atau bagi menjadi beberapa berkas."
    ),
    FileWrong.OLD_EXCEL: lazy_gettext(
        "Ini berkas .xls lama atau berkata sandi. Simpan sebagai .xlsx tanpa kata sandi."
    ),
    FileWrong.OPEN_DOCUMENT: lazy_gettext("Ini berkas .ods. Simpan sebagai .xlsx, lalu kirim lagi."),
    FileWrong.OTHER_KIND: lazy_gettext("Isi berkas ini bukan lembar kerja .xlsx atau CSV."),
    FileWrong.UNPACKS_TOO_LARGE: lazy_gettext(
        "Isi berkas ini terlalu besar setelah dibuka. Bagi menjadi beberapa berkas."
    ),
    FileWrong.STRANGE_PARTS: lazy_gettext("Susunan berkas ini janggal. Salin isinya ke lembar kerja baru."),
    FileWrong.DAMAGED: lazy_gettext("Berkas ini rusak. Buka di program lembar kerja lalu simpan ulang."),
    FileWrong.NO_HEADER: lazy_gettext("Tidak ada baris judul dengan kolom %(detail)s. Pakai format impor OpenSID."),
    FileWrong.COLUMN_TWICE: lazy_gettext("Kolom %(detail)s ada dua kali. Hapus salah satu."),
    FileWrong.TOO_MANY_ROWS: lazy_gettext("Lebih dari %(detail)s baris. Bagi menjadi beberapa berkas."),
    FileWrong.TOO_MANY_COLUMNS: lazy_gettext("Lebih dari %(detail)s kolom. Hapus kolom yang tidak dipakai."),
    FileWrong.TOO_SLOW: lazy_gettext("Berkas ini tidak selesai dibaca. Bagi menjadi beberapa berkas, lalu coba lagi."),
}
_OUTCOMES: Final = {
    Outcome.ADDED: (lazy_gettext("Ditambah"), "good"),
    Outcome.CHANGED: (lazy_gettext("Diubah"), "good"),
    Outcome.CONFLICT: (lazy_gettext("Perlu diputuskan"), "warn"),
    Outcome.UNCHANGED: (lazy_gettext("Tetap"), "off"),
    Outcome.REFUSED: (lazy_gettext("Ditolak"), "bad"),
}
_ODDITIES: Final = {
    Oddity.AREA: lazy_gettext("NIK dari wilayah lain atau sebelum pemekaran"),
    Oddity.SEX: lazy_gettext("jenis kelamin tidak sama dengan NIK"),
    Oddity.BIRTH_DATE: lazy_gettext("tanggal lahir tidak sama dengan NIK"),
}
STATUSES: Final = {
    StatusDasar.HIDUP: lazy_gettext("Hidup, tinggal di sini"),
    StatusDasar.MATI: lazy_gettext("Meninggal"),
    StatusDasar.PINDAH: lazy_gettext("Pindah"),
    StatusDasar.HILANG: lazy_gettext("Hilang"),
    StatusDasar.PERGI: lazy_gettext("Pergi, belum kembali"),
    StatusDasar.TIDAK_VALID: lazy_gettext("Data tidak sah"),
}


def column(name: str) -> str:
    """A column as people call it."""
    return str(_COLUMNS[name])


def wrong(problem: ValueWrong) -> str:
    """What is wrong with a value, and what to do; begins small, to follow the column's name."""
    return str(_WRONG[problem.wrong]) % {"limit": problem.limit}


def sentence(problem: ValueWrong) -> str:
    """The same as a sentence of its own."""
    text = wrong(problem)
    return f"{text[:1].upper()}{text[1:]}."


def file_wrong(error: FileInvalid) -> str:
    """Why a file is not read, and what to do."""
    return str(_FILE[error.wrong]) % {"detail": error.detail}


def outcome(what: Outcome) -> str:
    """What becomes of a row."""
    return str(_OUTCOMES[what][0])


def outcome_state(what: Outcome) -> str:
    """The look of that word."""
    return _OUTCOMES[what][1]


def oddity(what: Oddity) -> str:
    """What does not fit a NIK."""
    return str(_ODDITIES[what])


def status(what: StatusDasar | str) -> str:
    """What has become of somebody."""
    return str(STATUSES[StatusDasar(what)])


def value(name: str, text: str, *, is_whole: bool = False) -> str:
    """A column's value as people read it: words for codes, dates in words, NIKs masked unless ``is_whole``."""
    known = BY_NAME.get(name)
    if not text or known is None:
        return long_date(datetime.date.fromisoformat(text)) if name == STATUS_DATE and text else text
    if known.kind in (Kind.NIK, Kind.FAMILY):
        return text if is_whole else nik.mask(text)
    if known.kind is Kind.DATE:
        return long_date(datetime.date.fromisoformat(text))
    if known.table is not None:
        return known.table.words.get(int(text), text)
    return text


def choices(name: str) -> list[tuple[str, str]]:
    """The codes of a column with their words, the blank first."""
    table = BY_NAME[name].table
    return (
        [("", str(gettext("Belum diisi"))), *((str(code), word) for code, word in table.words.items())] if table else []
    )


def when(seconds: float, zone: Any) -> str:
    """A moment as date and time of day."""
    local = datetime.datetime.fromtimestamp(seconds, zone)
    return f"{long_date(local.date())} {local:%H.%M}"
