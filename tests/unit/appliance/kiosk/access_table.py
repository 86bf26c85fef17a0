"""Who may open which page of the kiosk, and from where: written down once more, apart from the code that decides it.

A new route is refused by `test_access` until it stands here. Choose who it is for from `Whom`, or the roles of the
office that may; where its address or form names an object, name the object in braces as `test_access.Village.objects`
has it, and say which of them are a resident's own.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Final


class Whom(enum.Enum):
    """Who is not asked for a role of the office."""

    EVERYBODY = "everybody"  # wherever they are: nothing personal is there
    OFFICE_DOOR = "office_door"  # everybody inside: the login and what stands round it
    ACCOUNT = "account"  # everybody of the office, inside
    RESIDENT_DOOR = "resident_door"  # everybody where personal pages may be shown
    RESIDENT = "resident"  # whoever is logged in with NIK and PIN
    OWNER = "owner"  # the resident whose object it is; to others it is not there
    TOKEN = "token"  # a program of the office with a token; nobody's cookie opens it


Roles = frozenset[str]
OPERATOR, SEKRETARIS, HEAD, TEKNISI, BPD = "operator", "sekretaris", "kepala_desa", "teknisi", "bpd"
CLERKS: Final[Roles] = frozenset({OPERATOR, SEKRETARIS})
OVERSIGHT: Final[Roles] = frozenset({SEKRETARIS, HEAD})
LETTERS: Final[Roles] = frozenset({OPERATOR, SEKRETARIS, HEAD})
RESIDENTS: Final[Roles] = frozenset({OPERATOR, SEKRETARIS, HEAD})
TOTALS: Final[Roles] = frozenset({OPERATOR, SEKRETARIS, HEAD, BPD})
HOTSPOT: Final[Roles] = frozenset({OPERATOR, SEKRETARIS, HEAD, TEKNISI})


@dataclass(frozen=True, slots=True)
class Row:
    """One route: ``path`` as the application has it, and who may."""

    method: str
    path: str
    whom: Whom | Roles

    @property
    def name(self) -> str:
        """For reports."""
        return f"{self.method} {self.path}"


def _rows(whom: Whom | Roles, text: str) -> tuple[Row, ...]:
    """Lines of methods and a path."""
    found = []
    for line in text.strip().splitlines():
        methods, _, path = line.strip().partition(" ")
        found += [Row(method, path, whom) for method in methods.split("|")]
    return tuple(found)


_LETTER: Final = "<int(max=9007199254740991):letter_id>"
_API_LETTER: Final = "<int:letter_id>"
_API_RESIDENT: Final = "<int:resident_id>"
_IMPORT: Final = "<int(max=9007199254740991):import_id>"
_RESIDENT: Final = "<int(max=9007199254740991):resident_id>"
TABLE: Final[tuple[Row, ...]] = (
    *_rows(
        Whom.EVERYBODY,
        """
        GET /
        GET|POST /cek
        GET /cek/<token>
        GET /desa
        GET /internet
        GET /surat
        GET /surat/<slug>
        GET|POST /surat/lacak
        GET|POST /keluar-warga
        GET|POST /layar/masih
        GET|POST /layar/panggil
        GET /layar/suara/<name>
        POST /layar/tutup
        GET /faces/<path:filename>
        GET /layar/berkas/<path:filename>
        GET /masuk-warga/berkas/<path:filename>
        """,
    ),
    *_rows(
        Whom.OFFICE_DOOR,
        """
        GET|POST /kantor/masuk
        GET|POST /kantor/masuk/kode
        GET|POST /kantor/masuk/telepon
        POST /kantor/keluar
        GET /kantor/api/
        GET /kantor/api/openapi.json
        GET /kantor/surat/gaya/<path:filename>
        GET /kantor/warga/gaya/<path:filename>
        """,
    ),
    *_rows(
        Whom.ACCOUNT,
        """
        GET /kantor/
        GET|POST /kantor/akun
        GET|POST /kantor/alat
        GET|POST /kantor/sandi
        GET|POST /kantor/masuk/lagi
        GET /kantor/panggilan
        POST /kantor/panggilan/<int(max=9007199254740991):call_id>
        """,
    ),
    *_rows(
        Whom.RESIDENT_DOOR,
        """
        GET|POST /masuk-warga
        """,
    ),
    *_rows(
        Whom.RESIDENT,
        """
        GET|POST /pin
        GET /surat/<slug>/isi
        GET|POST /surat/<slug>/isi/<name>
        GET|POST /surat/<slug>/periksa
        GET /surat/saya
        GET|POST /wifi
        """,
    ),
    *_rows(
        Whom.OWNER,
        f"""
        GET /surat/saya/{_LETTER}
        GET|POST /surat/saya/{_LETTER}/bukti
        GET|POST /surat/saya/{_LETTER}/cetak
        POST /surat/saya/{_LETTER}/perbaiki
        GET|POST /surat/saya/{_LETTER}/tarik
        """,
    ),
    *_rows(
        RESIDENTS,
        """
        GET /kantor/warga/
        GET|POST /kantor/warga/<int:id_>
        POST /kantor/warga/cari
        """,
    ),
    *_rows(
        Whom.TOKEN,
        f"""
        GET /kantor/api/v1/aggregates/letters
        GET /kantor/api/v1/aggregates/residents
        GET /kantor/api/v1/kinds
        GET /kantor/api/v1/kinds/<kind>
        GET|POST /kantor/api/v1/letters
        GET /kantor/api/v1/letters/{_API_LETTER}
        GET /kantor/api/v1/letters/{_API_LETTER}/history
        GET /kantor/api/v1/letters/{_API_LETTER}/pdf
        POST /kantor/api/v1/letters/{_API_LETTER}/ask-correction
        POST /kantor/api/v1/letters/{_API_LETTER}/refuse
        POST /kantor/api/v1/letters/{_API_LETTER}/verify
        POST /kantor/api/v1/letters/search
        GET /kantor/api/v1/officials
        GET|POST /kantor/api/v1/residents
        GET|POST /kantor/api/v1/residents/{_API_RESIDENT}
        POST /kantor/api/v1/residents/{_API_RESIDENT}/full
        POST /kantor/api/v1/residents/by-nik
        POST /kantor/api/v1/residents/search
        GET /kantor/api/v1/state
        """,
    ),
    *_rows(TOTALS, "GET /kantor/warga/jumlah"),
    *_rows(
        CLERKS,
        f"""
        GET|POST /kantor/warga/tambah
        GET|POST /kantor/warga/<int:id_>/ubah
        GET|POST /kantor/warga/<int:id_>/status
        POST /kantor/warga/ekspor
        GET|POST /kantor/warga/impor
        GET /kantor/warga/impor/{_IMPORT}
        POST /kantor/warga/impor/{_IMPORT}/putuskan
        POST /kantor/warga/impor/{_IMPORT}/terapkan
        POST /kantor/warga/impor/{_IMPORT}/buang
        GET|POST /kantor/pin/
        GET|POST /kantor/pin/<int:resident_id>
        GET|POST /kantor/wifi/{_RESIDENT}
        GET|POST /kantor/surat/baru/
        GET /kantor/surat/baru/{_RESIDENT}
        GET|POST /kantor/surat/baru/{_RESIDENT}/<slug>
        """,
    ),
    *_rows(
        LETTERS,
        f"""
        GET /kantor/surat/
        POST /kantor/surat/cari
        GET /kantor/surat/{_LETTER}
        GET /kantor/surat/{_LETTER}/pdf
        GET|POST /kantor/surat/{_LETTER}/cetak
        POST /kantor/surat/{_LETTER}/cetak/berhenti
        POST /kantor/surat/{_LETTER}/isi
        POST /kantor/surat/{_LETTER}/langkah
        """,
    ),
    *_rows(
        OVERSIGHT,
        """
        GET /kantor/jejak/
        GET|POST /kantor/pejabat/
        GET|POST /kantor/pejabat/<int(max=2147483647):official_id>
        GET|POST /kantor/petugas
        POST /kantor/petugas/kebijakan
        GET|POST /kantor/petugas/<name>
        """,
    ),
    *_rows(
        HOTSPOT,
        """
        GET /kantor/hotspot/
        GET /kantor/hotspot/gaya/<path:filename>
        POST /kantor/hotspot/cari
        GET /kantor/hotspot/catatan
        GET /kantor/hotspot/diblokir
        POST /kantor/hotspot/diblokir/buka
        GET /kantor/hotspot/pemakaian
        GET /kantor/hotspot/pemakaian/<any(unduh, unggah, perangkat):which>.svg
        POST /kantor/hotspot/perangkat
        POST /kantor/hotspot/perangkat/blokir
        POST /kantor/hotspot/perangkat/hentikan
        POST /kantor/hotspot/perangkat/tambah
        GET /kantor/hotspot/riwayat
        POST /kantor/hotspot/riwayat/cari
        GET /kantor/hotspot/voucher
        GET|POST /kantor/hotspot/voucher/buat
        GET /kantor/hotspot/voucher/<int:batch_id>
        GET|POST /kantor/hotspot/voucher/<int:batch_id>/batalkan
        GET|POST /kantor/hotspot/voucher/<int:batch_id>/batalkan/<int:serial>
        GET /kantor/hotspot/voucher/<int:batch_id>/kode
        GET /kantor/hotspot/voucher/<int:batch_id>/lembar
        """,
    ),
)
# Forms that need no mark, and why (see `appliance.kiosk.hall.views`): all they do is end or keep one's own session.
WITHOUT_MARK: Final = frozenset({"POST /layar/masih", "POST /layar/tutup"})
# What ends the session of whoever sends it.
ENDING: Final = frozenset({"POST /kantor/keluar", "POST /keluar-warga", "POST /layar/tutup"})
# Asked of whoever is logged in, whatever else they still have to do.
BEFORE_ALL_ELSE: Final = frozenset({"/kantor/sandi", "/kantor/masuk/lagi", "/pin"})
