"""OpenSID's numbers for what a resident is: religion, schooling, work, and the rest. Pure.

A register keeps the numbers, as the workbook does; people read the words. Words are written as they stand in a letter,
and read however a spreadsheet has them.

Source: OpenSID's tables tweb_penduduk_* and its app/Enums (release 2026); the words of Permendagri 109/2019 where
OpenSID misspells them.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final


class Sex(enum.StrEnum):
    """As it stands on an identity card."""

    MALE = "L"
    FEMALE = "P"

    @property
    def code(self) -> int:
        """OpenSID's number."""
        return 1 if self is Sex.MALE else 2


class StatusDasar(enum.StrEnum):
    """What has become of somebody; the register forgets nobody."""

    HIDUP = "hidup"
    MATI = "mati"
    PINDAH = "pindah"
    HILANG = "hilang"
    PERGI = "pergi"
    TIDAK_VALID = "tidak_valid"

    @property
    def code(self) -> int:
        """OpenSID's number."""
        return _STATUS_CODES[self]


_STATUS_CODES: Final = {
    StatusDasar.HIDUP: 1,
    StatusDasar.MATI: 2,
    StatusDasar.PINDAH: 3,
    StatusDasar.HILANG: 4,
    StatusDasar.PERGI: 6,
    StatusDasar.TIDAK_VALID: 9,
}
STATUS_OF_CODE: Final = {code: status for status, code in _STATUS_CODES.items()}


@dataclass(frozen=True)
class Table:
    """The numbers of one column with their words, and other words that mean the same."""

    words: Mapping[int, str]
    others: Mapping[str, int]

    @cached_property
    def _codes(self) -> Mapping[str, int]:
        spoken = {_folded(word): code for code, word in self.words.items()}
        return {**{_folded(word): code for word, code in self.others.items()}, **spoken}

    def code_of(self, text: str) -> int | None:
        """The number that a number or a word means; None where it means none of these."""
        if re.fullmatch(r"[0-9]{1,3}", text, re.ASCII):
            return int(text) if int(text) in self.words else None
        return self._codes.get(_folded(text))


def _folded(text: str) -> str:
    return re.sub(r"[^0-9a-z+-]+", "", text.casefold())


def _table(words: str | Mapping[int, str], **others: int) -> Table:
    """A table from its words by "; " in the order of their numbers, from 1."""
    if isinstance(words, str):
        words = dict(enumerate(words.split("; "), start=1))
    return Table(words, others)


SEX: Final = _table("Laki-laki; Perempuan", L=1, P=2, LK=1, PR=2, pria=1, wanita=2, lakilaki=1)
RELIGION: Final = _table(
    "Islam; Kristen; Katolik; Hindu; Buddha; Khonghucu; Kepercayaan terhadap Tuhan YME",
    katholik=3, budha=5, konghucu=6, kepercayaanterhadaptuhanymelainnya=7, kepercayaan=7, lainnya=7,
    kristenprotestan=2, protestan=2, kristenkatolik=3, konghuchu=6, alirankepercayaan=7,
)  # fmt: skip
EDUCATION: Final = _table(
    "Tidak/Belum Sekolah; Belum Tamat SD/Sederajat; Tamat SD/Sederajat; SLTP/Sederajat; SLTA/Sederajat; "
    "Diploma I/II; Akademi/Diploma III/Sarjana Muda; Diploma IV/Strata I; Strata II; Strata III",
    akademidiplomaiiismuda=7, tidakblmsekolah=1, tidaktamatsdsederajat=2,
)  # fmt: skip
CURRENT_EDUCATION: Final = _table(
    "Belum Masuk TK/Kelompok Bermain; Sedang TK/Kelompok Bermain; Tidak Pernah Sekolah; Sedang SD/Sederajat; "
    "Tidak Tamat SD/Sederajat; Sedang SLTP/Sederajat; Sedang SLTA/Sederajat; Sedang D-1/Sederajat; "
    "Sedang D-2/Sederajat; Sedang D-3/Sederajat; Sedang S-1/Sederajat; Sedang S-2/Sederajat; Sedang S-3/Sederajat; "
    "Sedang SLB A/Sederajat; Sedang SLB B/Sederajat; Sedang SLB C/Sederajat; "
    "Tidak Dapat Membaca dan Menulis Huruf Latin/Arab; Tidak Sedang Sekolah"
)
OCCUPATION: Final = _table(
    "Belum/Tidak Bekerja; Mengurus Rumah Tangga; Pelajar/Mahasiswa; Pensiunan; Aparatur Sipil Negara (ASN); "
    "Tentara Nasional Indonesia (TNI); Kepolisian RI (POLRI); Perdagangan; Petani/Pekebun; Peternak; "
    "Nelayan/Perikanan; Industri; Konstruksi; Transportasi; Karyawan Swasta; Karyawan BUMN; Karyawan BUMD; "
    "Karyawan Honorer; Buruh Harian Lepas; Buruh Tani/Perkebunan; Buruh Nelayan/Perikanan; Buruh Peternakan; "
    "Pembantu Rumah Tangga; Tukang Cukur; Tukang Listrik; Tukang Batu; Tukang Kayu; Tukang Sol Sepatu; "
    "Tukang Las/Pandai Besi; Tukang Jahit; Tukang Gigi; Penata Rias; Penata Busana; Penata Rambut; Mekanik; Seniman; "
    "Tabib; Paraji; Perancang Busana; Penterjemah; Imam Masjid; Pendeta; Pastor; Wartawan; Ustadz/Mubaligh; "
    "Juru Masak; Promotor Acara; Anggota DPR-RI; Anggota DPD; Anggota BPK; Presiden; Wakil Presiden; "
    "Anggota Mahkamah Konstitusi; Anggota Kabinet Kementerian; Duta Besar; Gubernur; Wakil Gubernur; Bupati; "
    "Wakil Bupati; Wali Kota; Wakil Wali Kota; Anggota DPRD Provinsi; Anggota DPRD Kabupaten/Kota; Dosen; Guru; Pilot; "
    "Pengacara; Notaris; Arsitek; Akuntan; Konsultan; Dokter; Bidan; Perawat; Apoteker; Psikiater/Psikolog; "
    "Penyiar Televisi; Penyiar Radio; Pelaut; Peneliti; Sopir; Pialang; Paranormal; Pedagang; Perangkat Desa; "
    "Kepala Desa; Biarawati; Wiraswasta; Lainnya",
    pegawainegerisipilpns=5, pegawainegerisipil=5, pns=5, asn=5, tni=6, tentaranasionalindonesia=6,
    polri=7, kepolisianri=7, petani=9, nelayan=11, supir=81,
)  # fmt: skip
MARITAL_STATUS: Final = _table(
    "Belum Kawin; Kawin; Cerai Hidup; Cerai Mati",
    kawintercatat=2, kawinbelumtercatat=2, ceraihiduptercatat=3, ceraihidupbelumtercatat=3, belummenikah=1, menikah=2,
    bk=1, k=2, ch=3, cm=4,
)  # fmt: skip
FAMILY_ROLE: Final = _table(
    "Kepala Keluarga; Suami; Istri; Anak; Menantu; Cucu; Orang Tua; Mertua; Famili Lain; Pembantu; Lainnya",
    isteri=3, famililainnya=9,
)  # fmt: skip
HEAD_OF_FAMILY: Final = 1
CITIZENSHIP: Final = _table("WNI; WNA; Dua Kewarganegaraan")
BLOOD_TYPE: Final = _table("A; B; AB; O; A+; A-; B+; B-; AB+; AB-; O+; O-; Tidak Tahu")
DISABILITY: Final = _table(
    "Cacat Fisik; Cacat Netra/Buta; Cacat Rungu/Wicara; Cacat Mental/Jiwa; Cacat Fisik dan Mental; Cacat Lainnya; "
    "Tidak Cacat"
)
BIRTH_CONTROL: Final = _table(
    {
        1: "Pil",
        2: "IUD",
        3: "Suntik",
        4: "Kondom",
        5: "Susuk KB",
        6: "Sterilisasi Wanita",
        7: "Sterilisasi Pria",
        99: "Lainnya",
    }
)
PREGNANT: Final = _table("Hamil; Tidak Hamil", ya=1, tidak=2)
CARD: Final = _table("Belum; KTP-EL; KIA")
CARD_STATE: Final = _table(
    "Belum Wajib; Belum Rekam; Sudah Rekam; Card Printed; Print Ready Record; Card Shipped; Sent For Card Printing; "
    "Card Issued"
)
STATUS: Final = _table({1: "Hidup", 2: "Mati", 3: "Pindah", 4: "Hilang", 6: "Pergi", 9: "Tidak Valid"}, meninggal=2)
INSURANCE: Final = _table(
    {
        1: "Tidak/Belum Punya",
        2: "BPJS Penerima Bantuan Iuran",
        3: "BPJS Non Penerima Bantuan Iuran",
        99: "Asuransi Lainnya",
    }
)
