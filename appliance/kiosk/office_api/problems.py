"""What can go wrong at the API, each with a type that stays the same, and words that a person understands.

Source: RFC 9457 (problem details), RFC 6585 (428, 429).
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, jsonify, make_response
from flask_babel import lazy_gettext

from appliance.kiosk.inside import OFFICE_PREFIX
from appliance.kiosk.office_api.shapes import Fault, Record, Rows, Text, Whole, optional, record

HOME: Final = f"{OFFICE_PREFIX}/api/"
CONTENT_TYPE: Final = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Words:
    """A problem's status, what it is, and what to do."""

    status: int
    title: Any
    advice: Any


class Problem(enum.StrEnum):
    """By what a program tells problems apart; the end of their ``type``."""

    NOT_FROM_HERE = "jaringan-terbuka"
    TOKEN_MISSING = "token-tidak-ada"  # noqa: S105 - the name of a problem
    TOKEN_WRONG = "token-salah"  # noqa: S105
    TOKEN_REVOKED = "token-dicabut"  # noqa: S105
    TOKEN_EXPIRED = "token-berakhir"  # noqa: S105
    TOKEN_RESTS = "token-istirahat"  # noqa: S105
    NOT_IN_SCOPE = "lingkup-kurang"
    REFUSED = "ditolak"
    NOT_THERE = "alamat-tidak-ada"
    NO_RESIDENT = "warga-tidak-ada"
    NO_LETTER = "surat-tidak-ada"
    METHOD = "cara-salah"
    MALFORMED = "permintaan-keliru"
    NOT_JSON = "bukan-json"
    TOO_LARGE = "terlalu-besar"
    NOT_TAKEN = "isi-ditolak"
    NIK_TAKEN = "nik-terdaftar"
    STEP_REFUSED = "langkah-ditolak"
    KIND_GONE = "jenis-hilang"
    VERSION_MISSING = "versi-tidak-ada"
    VERSION_OLD = "versi-lama"
    KEY_USED = "kunci-terpakai"
    TOO_OFTEN = "terlalu-sering"
    TOO_MANY_WRONG = "terlalu-banyak-salah"
    STORE_FULL = "penyimpanan-penuh"
    STORE_BUSY = "sedang-ramai"
    STORE_FAILS = "data-tidak-terbaca"
    FAULT = "kesalahan"

    @property
    def status(self) -> int:
        """HTTP's."""
        return WORDS[self].status

    @property
    def heading(self) -> str:
        """What happened."""
        return str(WORDS[self].title)

    @property
    def advice(self) -> str:
        """What to do."""
        return str(WORDS[self].advice)


WORDS: Final = {
    Problem.NOT_FROM_HERE: Words(
        403,
        lazy_gettext("API kantor tidak dibuka di Wi-Fi warga"),
        lazy_gettext("Wi-Fi warga tidak terkunci: orang lain bisa membaca token di udara. Pakai jaringan kantor."),
    ),
    Problem.TOKEN_MISSING: Words(
        401,
        lazy_gettext("Token belum disertakan"),
        lazy_gettext("Kirim kepala Authorization: Bearer TOKEN. Token dibuat kantor di halaman Alat dan token."),
    ),
    Problem.TOKEN_WRONG: Words(
        401,
        lazy_gettext("Token ini tidak dikenal"),
        lazy_gettext("Periksa tokennya, atau ambil lagi di halaman Alat dan token."),
    ),
    Problem.TOKEN_REVOKED: Words(
        401, lazy_gettext("Token ini sudah dicabut"), lazy_gettext("Minta token baru kepada kantor.")
    ),
    Problem.TOKEN_EXPIRED: Words(
        401, lazy_gettext("Masa token ini sudah lewat"), lazy_gettext("Minta token baru kepada kantor.")
    ),
    Problem.TOKEN_RESTS: Words(
        401,
        lazy_gettext("Token ini menunggu pemiliknya"),
        lazy_gettext("Akun, kata sandi atau telepon pemiliknya berubah. Pemilik masuk lalu mengambil token lagi."),
    ),
    Problem.NOT_IN_SCOPE: Words(
        403,
        lazy_gettext("Token ini tidak berlaku untuk pekerjaan ini"),
        lazy_gettext("Lingkup token atau peran pemiliknya kurang. Minta token lain kepada kantor."),
    ),
    Problem.REFUSED: Words(
        403, lazy_gettext("Permintaan ini ditolak"), lazy_gettext("Kirim dari alat sendiri, bukan dari situs lain.")
    ),
    Problem.NOT_THERE: Words(
        404, lazy_gettext("Alamat ini tidak ada"), lazy_gettext("Lihat daftar alamat di halaman API kantor.")
    ),
    Problem.NO_RESIDENT: Words(
        404, lazy_gettext("Warga ini tidak ditemukan"), lazy_gettext("Cari lagi dengan nama atau NIK.")
    ),
    Problem.NO_LETTER: Words(
        404, lazy_gettext("Surat ini tidak ditemukan"), lazy_gettext("Cari lagi dengan kode atau nomornya.")
    ),
    Problem.METHOD: Words(
        405,
        lazy_gettext("Cara ini tidak tersedia di alamat ini"),
        lazy_gettext("Pakai GET atau POST seperti tertulis."),
    ),
    Problem.MALFORMED: Words(
        400, lazy_gettext("Permintaan tidak dapat dibaca"), lazy_gettext("Perbaiki yang disebut di errors.")
    ),
    Problem.NOT_JSON: Words(
        415, lazy_gettext("Kiriman ini bukan JSON"), lazy_gettext("Kirim Content-Type: application/json.")
    ),
    Problem.TOO_LARGE: Words(
        413, lazy_gettext("Kiriman terlalu besar"), lazy_gettext("Kirim paling banyak 64 kB.")
    ),
    Problem.NOT_TAKEN: Words(
        422, lazy_gettext("Isinya tidak dapat diterima"), lazy_gettext("Perbaiki yang disebut di errors.")
    ),
    Problem.NIK_TAKEN: Words(
        409,
        lazy_gettext("NIK ini sudah ada di data warga"),
        lazy_gettext("Buka data itu, lalu ubah di sana kalau perlu."),
    ),
    Problem.STEP_REFUSED: Words(
        409, lazy_gettext("Langkah ini tidak bisa dilakukan"), lazy_gettext("Baca surat itu lagi dan lihat keadaannya.")
    ),
    Problem.KIND_GONE: Words(
        409,
        lazy_gettext("Jenis surat ini sudah tidak ada"),
        lazy_gettext("Berkas jenis surat ini hilang atau keliru. Beri tahu teknisi."),
    ),
    Problem.VERSION_MISSING: Words(
        428,
        lazy_gettext("Versi yang dibaca belum disebut"),
        lazy_gettext("Kirim kepala If-Match dengan ETag dari bacaan terakhir."),
    ),
    Problem.VERSION_OLD: Words(
        412,
        lazy_gettext("Data ini sudah diubah orang lain"),
        lazy_gettext("Tidak ada yang disimpan. Baca lagi, lalu putuskan."),
    ),
    Problem.KEY_USED: Words(
        422,
        lazy_gettext("Kunci ini sudah dipakai untuk permintaan lain"),
        lazy_gettext("Pakai Idempotency-Key baru untuk setiap permintaan yang berbeda."),
    ),
    Problem.TOO_OFTEN: Words(
        429,
        lazy_gettext("Terlalu banyak permintaan"),
        lazy_gettext("Tunggu selama Retry-After, lalu lanjutkan lebih pelan."),
    ),
    Problem.TOO_MANY_WRONG: Words(
        429,
        lazy_gettext("Terlalu banyak token yang salah"),
        lazy_gettext("Tunggu selama Retry-After, lalu periksa tokennya."),
    ),
    Problem.STORE_FULL: Words(
        503, lazy_gettext("Penyimpanan penuh"), lazy_gettext("Tidak ada yang tersimpan. Beri tahu teknisi.")
    ),
    Problem.STORE_BUSY: Words(
        503, lazy_gettext("Sedang ramai"), lazy_gettext("Tunggu sepuluh detik, lalu coba lagi.")
    ),
    Problem.STORE_FAILS: Words(
        503, lazy_gettext("Data belum bisa dibaca"), lazy_gettext("Tunggu satu menit, lalu coba lagi.")
    ),
    Problem.FAULT: Words(
        500,
        lazy_gettext("Ada kesalahan pada layanan ini"),
        lazy_gettext("Coba lagi sebentar. Kalau tetap begini, beri tahu teknisi."),
    ),
}  # fmt: skip
_WAIT_SECONDS: Final = {Problem.STORE_FULL: 60, Problem.STORE_FAILS: 60, Problem.STORE_BUSY: 10}
SHAPE: Final[Record] = optional(
    "RFC 9457",
    needed=("type", "title", "status", "detail"),
    type=Text("tetap; alamat penjelasannya"),
    title=Text("apa yang terjadi"),
    status=Whole("kode HTTP", 400, 599),
    detail=Text("apa yang harus dilakukan", length_max=400),
    errors=Rows(record("satu hal yang salah", at=Text("di mana"), detail=Text("apa", length_max=1000)), 200),
    reason=Text("pada langkah-ditolak: sebabnya, untuk program"),
    resident_id=Whole("pada nik-terdaftar: data yang sudah ada", 1),
)


class ProblemError(Exception):
    """A problem found by a view, on its way to the answer."""

    def __init__(
        self,
        problem: Problem,
        *,
        faults: Sequence[Fault] = (),
        title: str = "",
        detail: str = "",
        status: int = 0,
        wait_seconds: int = 0,
        **more: object,
    ) -> None:
        self.problem, self.faults, self.title, self.detail, self.more = problem, tuple(faults), title, detail, more
        self.status = status or problem.status
        self.wait_seconds = wait_seconds or _WAIT_SECONDS.get(problem, 0)
        super().__init__(problem.value)


def type_of(problem: Problem) -> str:
    """The problem's ``type``: an address on this box that explains it."""
    return f"{HOME}#{problem.value}"


def answer(error: ProblemError) -> Response:
    """Tell a problem."""
    body: dict[str, object] = {
        "type": type_of(error.problem),
        "title": error.title or error.problem.heading,
        "status": error.status,
        "detail": error.detail or error.problem.advice,
        **error.more,
    }
    if error.faults:
        body["errors"] = [{"at": fault.at, "detail": fault.text} for fault in error.faults[:200]]
    response = make_response(jsonify(body), error.status)
    response.content_type = CONTENT_TYPE
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.wait_seconds:
        response.headers["Retry-After"] = str(error.wait_seconds)
    return response
