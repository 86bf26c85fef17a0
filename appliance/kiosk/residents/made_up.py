"""Families that do not exist, for training and trials: the same for the same seed. Pure.

Nobody's: the serial part of each NIK and family number counts from 9001, where no civil registry has come to, and each
family lives in a dusun of the list. Rows are as in OpenSID's workbook, so that they come in the way real ones do.
"""

from __future__ import annotations

import datetime
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

_MEN: Final = (
    "Agus", "Ahmad", "Andi", "Arif", "Asep", "Bagus", "Bambang", "Bayu", "Budi", "Cahyo", "Dedi", "Deni", "Dwi", "Eko",
    "Fajar", "Gede", "Gilang", "Hadi", "Hendra", "Heru", "Imam", "Indra", "Iwan", "Joko", "Kadek", "Ketut", "Komang",
    "Lukman", "Made", "Mulyono", "Nengah", "Nyoman", "Putu", "Rahmat", "Rizki", "Rudi", "Slamet", "Sugeng", "Suparman",
    "Surya", "Sutrisno", "Taufik", "Tono", "Ujang", "Wahyu", "Wayan", "Widodo", "Yanto", "Yusuf", "Zainal",
)  # fmt: skip
_WOMEN: Final = (
    "Anita", "Ayu", "Citra", "Dewi", "Dian", "Eka", "Endang", "Erna", "Fitri", "Hartini", "Ida", "Indah", "Intan",
    "Kartika", "Lestari", "Lina", "Maya", "Mega", "Murni", "Nani", "Ningsih", "Novi", "Nur", "Nurul", "Puji", "Puspita",
    "Putri", "Rahayu", "Ratna", "Rina", "Rini", "Rohani", "Sari", "Siti", "Sri", "Sulastri", "Sumiati", "Suryani",
    "Tini", "Titik", "Tri", "Tuti", "Utami", "Wati", "Wulan", "Yanti", "Yuli", "Yulia", "Yuni", "Zahra",
)  # fmt: skip
_LAST: Final = (
    "Adiputra", "Anggraini", "Ardana", "Astawa", "Darmawan", "Firmansyah", "Gunawan", "Handayani", "Hartono", "Hidayat",
    "Irawan", "Kurniawan", "Kusuma", "Lestari", "Mahendra", "Maulana", "Nugraha", "Nugroho", "Permana", "Prasetyo",
    "Pratama", "Purnomo", "Putra", "Rahman", "Ramadhan", "Saputra", "Santoso", "Setiawan", "Sudarma", "Suharto",
    "Sukarta", "Suparta", "Suryadi", "Susanto", "Sutama", "Wibowo", "Widiastuti", "Wijaya", "Winarno", "Yulianto",
)  # fmt: skip
_TOWNS: Final = ("Denpasar", "Badung", "Gianyar", "Tabanan", "Banyuwangi", "Surabaya", "Mataram", "Singaraja")
_DUSUN: Final = ("Krajan", "Sumber Rejo", "Karang Anyar", "Mekar Sari", "Tegal Sari", "Suka Makmur")
_ROADS: Final = ("Jalan Melati", "Jalan Raya Desa", "Jalan Kenanga", "Gang Mawar", "Jalan Flamboyan", "Jalan Pasar")
# Of those who work; OpenSID's numbers: farmers, traders, labourers, employees, and others.
_WORK: Final = (9, 9, 9, 20, 19, 15, 88, 84, 26, 27, 81, 65, 8)
_RELIGIONS: Final = (1, 1, 1, 1, 4, 4, 2, 3)
_SERIAL_FIRST: Final = 9_001
_SERIAL_LAST: Final = 9_999

Row = Mapping[str, str]


@dataclass
class _Village:
    """What numbers are taken. ``district`` are the six digits with which a NIK begins."""

    chance: random.Random
    district: str
    today: datetime.date
    serials: Counter[str] = field(default_factory=Counter)

    def number(self, date: datetime.date, *, is_woman: bool = False) -> str:
        """A NIK, or with a card's date a family number, that nobody has yet."""
        while True:
            begin = f"{self.district}{date.day + (40 if is_woman else 0):02d}{date:%m%y}"
            serial = _SERIAL_FIRST + self.serials[begin]
            if serial <= _SERIAL_LAST:
                self.serials[begin] += 1
                return f"{begin}{serial:04d}"
            date -= datetime.timedelta(days=1)

    def born(self, youngest: int, oldest: int) -> datetime.date:
        """A birthday of somebody between two ages in years."""
        days = self.chance.randint(youngest * 365, oldest * 365 + 364)
        return self.today - datetime.timedelta(days=days)


def rows(count: int, *, seed: int, kode_wilayah: str, today: datetime.date) -> Iterator[Row]:
    """Yield ``count`` residents, family by family, as rows of OpenSID's workbook by the names of its columns.

    Args:
        count: how many.
        seed: the same gives the same people.
        kode_wilayah: of the village, ``PP.KK.CC.DDDD``.
        today: nobody is born later, and ages are counted from here.
    """
    village = _Village(random.Random(seed), kode_wilayah.replace(".", "")[:6], today)  # noqa: S311 - made up, no secret
    left = count
    while left > 0:
        for row in _family(village)[:left]:
            left -= 1
            yield row


def _family(village: _Village) -> list[Row]:
    chance = village.chance
    home = {
        "alamat": f"{chance.choice(_ROADS)} No. {chance.randint(1, 180)}",
        "dusun": chance.choice(_DUSUN),
        "rw": f"{chance.randint(1, 4):03d}",
        "rt": f"{chance.randint(1, 6):03d}",
        "no_kk": village.number(village.born(0, 15)),
        "agama_id": str(chance.choice(_RELIGIONS)),
        "warganegara_id": "1",
        "status_dasar": "1",
    }
    head_birth = village.born(24, 78)
    is_widow = chance.random() < 0.12
    head = _person(
        village, head_birth, is_woman=is_widow, role=1, status=4 if is_widow else 2, work=chance.choice(_WORK)
    )
    family = [head]
    if not is_widow:
        years = chance.randint(-3, 8)
        wife_birth = min(head_birth + datetime.timedelta(days=365 * years), village.born(20, 22))
        family.append(
            _person(village, wife_birth, is_woman=True, role=3, status=2, work=chance.choice((2, 2, 2, 9, 88, 65)))
        )
    for number in range(chance.choice((0, 1, 1, 2, 2, 2, 3, 4))):
        parent = datetime.date.fromisoformat(family[-1 if len(family) == 1 else 1]["_birth"])
        birth = parent + datetime.timedelta(days=365 * (20 + 3 * number) + chance.randint(0, 700))
        if birth < village.today:
            family.append(_child(village, birth, head, family))
    return [{**home, **{key: value for key, value in row.items() if not key.startswith("_")}} for row in family]


def _person(
    village: _Village, birth: datetime.date, *, is_woman: bool, role: int, status: int, work: int
) -> dict[str, str]:
    chance = village.chance
    first = chance.choice(_WOMEN if is_woman else _MEN)
    second = chance.choice(_WOMEN if is_woman else _LAST)
    name = f"{first} {chance.choice(_LAST) if second == first or chance.random() < 0.5 else second}"
    return {
        "_birth": birth.isoformat(),
        "nama": name,
        "nik": village.number(birth, is_woman=is_woman),
        "sex": "2" if is_woman else "1",
        "tempatlahir": chance.choice(_TOWNS),
        "tanggallahir": birth.isoformat(),
        "kk_level": str(role),
        "status_kawin": str(status),
        "pekerjaan_id": str(work),
        "pendidikan_kk_id": str(chance.choice((3, 3, 3, 4, 4, 5, 5, 5, 8))),
        "golongan_darah_id": str(chance.choice((1, 2, 3, 4, 13, 13))),
        "nama_ayah": f"{chance.choice(_MEN)} {chance.choice(_LAST)}",
        "nama_ibu": f"{chance.choice(_WOMEN)} {chance.choice(_LAST)}",
    }


def _child(village: _Village, birth: datetime.date, head: Row, family: list[dict[str, str]]) -> dict[str, str]:
    years = (village.today - birth).days // 365
    work = 1 if years < 6 else 3 if years < 19 else village.chance.choice(_WORK)
    child = _person(village, birth, is_woman=village.chance.random() < 0.5, role=4, status=1, work=work)
    schooling = {"pendidikan_kk_id": str(1 if years < 7 else 2 if years < 13 else 3 if years < 16 else 5)}
    mother = next((row for row in family if row["kk_level"] == "3"), None)
    parents = {"nama_ibu": head["nama"], "ibu_nik": head["nik"]} if mother is None else {
        "nama_ayah": head["nama"], "ayah_nik": head["nik"], "nama_ibu": mother["nama"], "ibu_nik": mother["nik"],
    }  # fmt: skip
    return {**child, **schooling, **parents}
