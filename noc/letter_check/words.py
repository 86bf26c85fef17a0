"""What the page says, in Indonesian and, below it, in English."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from flask_babel import gettext, lazy_gettext

from noc.letter_check.rules import Verdict

_MONTHS: Final = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November",
    "Desember",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Words:
    """``look`` is a colour and a symbol of the faces; each text stands beside its ``english``."""

    look: str
    title: Any
    advice: Any
    english: str


OF: Final[Mapping[Verdict, Words]] = MappingProxyType(
    {
        Verdict.VALID: Words(
            "good",
            lazy_gettext("Surat ini sah"),
            lazy_gettext("Cocokkan jenis dan tanggal di bawah dengan kertas yang Anda pegang."),
            "This letter is valid. Compare kind and date below with the paper you hold.",
        ),
        Verdict.VOID: Words(
            "bad",
            lazy_gettext("Surat ini sudah dibatalkan"),
            lazy_gettext("Jangan dipakai lagi. Tanyakan kepada kantor yang menerbitkannya."),
            "This letter has been declared void by the office that issued it.",
        ),
        Verdict.EXPIRED: Words(
            "warn",
            lazy_gettext("Masa berlaku surat ini sudah habis"),
            lazy_gettext("Surat ini dulu sah. Mintalah surat yang baru."),
            "This letter was valid and has expired. Ask for a new one.",
        ),
        Verdict.UNKNOWN: Words(
            "unknown",
            lazy_gettext("Surat ini tidak dikenal"),
            lazy_gettext(
                "Mungkin belum ditandatangani, mungkin kabar dari desanya belum sampai ke sini, mungkin palsu. "
                "Tanyakan kepada kantor yang namanya ada di surat."
            ),
            "This letter is unknown here: not signed yet, not reported yet by its village, or forged. Ask the office "
            "named on it.",
        ),
        Verdict.PRACTICE: Words(
            "bad",
            lazy_gettext("Ini surat latihan"),
            lazy_gettext("Dibuat untuk belajar, dengan warga rekaan. Tidak berlaku di mana pun."),
            "This is a practice letter about a made-up person. It is valid nowhere.",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of what is known: its name in both languages, and its value."""

    label: str
    english: str
    value: str


def day(date: datetime.date) -> str:
    """``17 Agustus 2026 (2026-08-17)``: the second for who does not read Indonesian."""
    return f"{date.day} {_MONTHS[date.month - 1]} {date.year} ({date.isoformat()})"


def manner(*, is_electronic: bool) -> str:
    """How a letter was signed, and what is to be looked at therefore."""
    if is_electronic:
        return str(gettext("Elektronik, dengan sertifikat. Yang ditandatangani berkas PDF-nya; cetakannya salinan."))
    return str(gettext("Dengan tangan. Lihat tanda tangan dan cap di kertas aslinya."))


def manner_english(*, is_electronic: bool) -> str:
    """The same in English."""
    if is_electronic:
        return "Signed electronically: the PDF file carries the signature, a printout is a copy."
    return "Signed by hand: look at signature and stamp on the original paper."
