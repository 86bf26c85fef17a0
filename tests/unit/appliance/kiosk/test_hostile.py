"""Hostile text in every field of every form, by who may send it: an answer in words, nothing that runs, no fault."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from appliance.kiosk.letters.flow import Step
from appliance.kiosk.residents.office_pages import EDITABLE
from tests.unit.appliance.kiosk.access_table import ENDING, TABLE, Row, Whom
from tests.unit.appliance.kiosk.test_access import (
    ANNA,
    BELA,
    VISITS,
    Village,
    _expected,
    _text,
    village,  # noqa: F401 - a fixture
)

HOSTILE: Final = {
    "markup": '"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}{nama.__class__}',
    "formula": '=HYPERLINK("http://x")\u202e\r\nSet-Cookie: x=1',
    "unseen": "\u200b",
    "control": "a\0b\x1b[2J",
    "long": "N" * 10_000,
    "digits": "9" * 5_000,
}
FIELDS: Final = (
    "text", "do", "step", "role", "versi", "version", "until", "nik", "name", "mac", "kode", "hal", "token",
    "to_whom", "status", "seen", "seconds", "pin", "passphrase", "official", "note", "mode", "kunci", "key",
    "jenis", "dusun", "date", "dari", "count", "alasan", "address", "account", "hari", "bulan", "tahun", "old",
    "new", "again", "on", "title", "nip", "through_title", "jawaban", "password", "code", "semua", "why",
    "speed", "duration", "devices", "quota", "days", "owner", "scope", "ends_on", "number", "orang-nama",
    "orang-nik", "orang-tanggal_lahir", "orang-tempat_lahir", "orang-alamat_lengkap", "isi-pekerjaan_sekarang",
    "isi-penghasilan", "isi-tanggungan", "isi-keperluan",
)  # fmt: skip
QUERY: Final = (
    "bagian", "hal", "oleh", "tentang", "sebelum", "keadaan", "jenis", "dari", "siap", "cetak", "bahasa",
    "periksa", "sesudah",
)  # fmt: skip
LOGS_IN_OR_OUT: Final = ENDING | {"POST /kantor/masuk", "POST /masuk-warga", "POST /pin", "POST /kantor/sandi"}


def _forms(row: Row, path: str, text: str, official: str) -> Iterator[dict[str, str]]:
    """Forms that come deeper than one which is wrong from its first field on."""
    every = dict.fromkeys([*FIELDS, *EDITABLE], text)
    yield every
    if path.endswith("/langkah"):
        for step in Step:
            yield {**every, "step": step.value, "versi": "3", "official": official}
    if path.endswith(("/ubah", "/status")):
        yield {**every, "version": "1", "status": "mati"}
    if "/pejabat" in path:
        yield {**every, "mode": "ub", "account": "", "nik": "", "versi": "1"}
    if "/surat/baru/" in path:
        yield {**every, "key": "k" * 22, "send": "1"}
    if "/kantor/pin/" in path:
        yield {**every, "do": "give", "seen": "yes"}
    if "/petugas/" in path or path.endswith("/alat"):
        for what in ("role", "password", "grant", "take", "end"):
            yield {**every, "do": what}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_whatever_is_typed_is_answered(
    village: Village,  # noqa: F811 - the fixture
    caplog: pytest.LogCaptureFixture,
    text: str,
) -> None:
    village.begin_anew()
    for row in TABLE:
        who = next((who for place, who in VISITS if place == "office" and _expected(row, place, who) == "in"), "")
        if not who or row.whom is Whom.TOKEN or row.path.endswith("<path:filename>"):
            continue
        path = village.path(row, "anna")
        sent = _forms(row, path, text, village.objects["all"]["official_id"]) if row.method == "POST" else iter([{}])
        for form in sent:
            query = dict.fromkeys(QUERY, text[:500]) if row.method == "GET" else {}
            answer = village.ask(row.method, path, "office", who, form=form, query=query)
            said = f"{row.name} with {form.get('step', '')}{form.get('do', '')[:20]}: {answer.status_code}"
            assert answer.status_code < 500, said
            assert "<script>alert" not in _text(answer) and "<img src=x" not in _text(answer), said
            assert all("x=1" not in each for each in answer.headers.getlist("Set-Cookie")), said
            if row.name in LOGS_IN_OR_OUT:
                village.begin_anew()
    for secret in (ANNA, BELA, text[:40].strip()):
        assert not secret.strip("\u200b") or secret not in caplog.text
