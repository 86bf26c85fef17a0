"""A village, a resident and answers to every question, all made up."""

from __future__ import annotations

import datetime
from typing import Final

from appliance.core import config as hub_config
from appliance.core.config.village import Village
from appliance.kiosk.letters import answers, paper
from appliance.kiosk.letters.kinds import Field, FieldType, Kind, When
from appliance.kiosk.letters.paper import Paper, Signing
from tests.unit.appliance.kiosk.conftest import HUB_TOML

TODAY: Final = datetime.date(2026, 8, 17)
FACTS: Final = {
    "nama": "Ni Luh Ayu Contoh",
    "nik": "5103016508900001",
    "no_kk": "5103010101080001",
    "tempat_lahir": "Badung",
    "tanggal_lahir": "25 Agustus 1990",
    "umur": "35 tahun",
    "jenis_kelamin": "Perempuan",
    "agama": "Hindu",
    "pekerjaan": "Petani/Pekebun",
    "status_kawin": "Kawin",
    "kewarganegaraan": "WNI",
    "pendidikan": "SLTA/Sederajat",
    "alamat": "Jalan Melati 7",
    "dusun": "Banjar Tengah",
    "rt": "001",
    "rw": "002",
    "alamat_lengkap": "Jalan Melati 7, Dusun Banjar Tengah, RT 001/RW 002",
    "nama_ayah": "I Wayan Contoh",
    "nama_ibu": "Ni Ketut Contoh",
    "golongan_darah": "O",
    "hubungan_keluarga": "Istri",
}
HEAD: Final = Signing("I Made Contoh, S.Sos.", "Perbekel Sukamaju", "19720817 199803 1 004")
_BY_TYPE: Final = {
    FieldType.PARAGRAPH: "Satu keterangan\nyang panjangnya dua baris.",
    FieldType.LIST: "Ni Putu Contoh, 12 tahun, anak\nI Komang Contoh, 8 tahun, anak",
    FieldType.DATE: "17-08-2026",
    FieldType.TIME: "8.05",
    FieldType.NUMBER: "12",
    FieldType.RUPIAH: "Rp 1.500.000",
    FieldType.NIK: "5103011708700002",
    FieldType.PHONE: "0812 3456 7890",
}


def village(**changes: str) -> Village:
    """The test's village, with some words of it changed."""
    section, hub, rest = HUB_TOML.partition("[hub]")
    for key, value in changes.items():
        lines = [line for line in section.splitlines() if not line.startswith(f"{key} =")]
        section = "\n".join([*lines, f'{key} = "{value}"', ""])
    return hub_config.parse(section + hub + rest).village


def typed(field: Field) -> str:
    """An answer as somebody types it; for texts what the help gives as an example."""
    if field.type is FieldType.CHOICE:
        return field.choices[0]
    if field.type is FieldType.DATE and field.when is not When.FUTURE:
        return "2026-08-01"
    if field.type is not FieldType.TEXT:
        return _BY_TYPE[field.type]
    example = field.help.partition("Misalnya: ")[2].partition(", atau")[0].rstrip(".")
    return (example or f"Contoh {field.label.lower()}")[: field.max or 120]


def raw(kind: Kind, *, only_required: bool = False) -> dict[str, str]:
    """Answers to all questions of a kind."""
    return {field.name: typed(field) for field in kind.fields if field.required or not only_required}


def letter(kind: Kind, **changes: object) -> Paper:
    """A letter of a kind, signed by the head."""
    given: dict[str, object] = {
        "kind": kind,
        "village": village(),
        "facts": FACTS,
        "answers": answers.check(kind, raw(kind), TODAY),
        "signing": HEAD,
        "number": f"{kind.code}/007/2001/VIII/2026",
        "date": TODAY,
        "countersign": kind.countersigned_by_camat,
        "verification_address": "https://surat.sukamaju.desa.id/NRVMKl3nS1C8b6ZcQ2xwTA",
        "verification_code": "7K2M-9QXD",
        "valid_until": TODAY + datetime.timedelta(days=kind.validity_days) if kind.validity_days else None,
    }
    return paper.Paper(**{**given, **changes})  # type: ignore[arg-type] # each test says what it changes
