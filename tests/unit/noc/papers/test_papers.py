"""The month on paper: a table that can be read back, and one page that people can read."""

from __future__ import annotations

import csv
import datetime
import io
import re
import zlib

import pytest

from appliance.core.errors import OperationError
from noc.papers import commands, sla_csv, sla_pdf, words
from noc.papers.months import HubMonth, hub_month
from noc.rules.reading import Terms
from noc.rules.sla import Month, SlaClass
from noc.store.contract import ArrivedRecord, Hub
from tests.unit.noc.rules.making import A, B, minutes, record

AUGUST = Month(2026, 8)
HUB = Hub("hub-0001", "Sukamaju", "51.03.01.2001", "Asia/Makassar")
BEGIN_MS, END_MS = AUGUST.bounds_ms(HUB.timezone)
MADE_AT = datetime.datetime(2026, 9, 1, 1, tzinfo=datetime.UTC)
MADE_MS = int(MADE_AT.timestamp() * 1000)


def story(missing: range = range(0)) -> list[ArrivedRecord]:
    """Three days: a cut of 20 minutes on the first, the power gone for the second night."""
    one = minutes(A, BEGIN_MS, 0, 2_880, number=1)
    one = [
        record(A, r.record.sequence + (i > 600) + (i > 620), r.record.boottime_ms, wall_ms=r.record.wall_ms,
               said={**r.record.samples, "uplink_state": 3 if 600 < i <= 620 else 5})
        for i, r in enumerate(one)
    ]  # fmt: skip
    cut = [
        record(A, 60_000 + sequence, at_ms, wall_ms=BEGIN_MS + at_ms, event=event, uplink_state=state)
        for sequence, at_ms, event, state in (
            (600, 600 * 60_000 + 1_000, "uplink_down", 3), (621, 620 * 60_000 + 5_000, "uplink_up", 5),
        )
    ]  # fmt: skip
    other = minutes(B, BEGIN_MS + 3_300 * 60_000, 1, 900, number=2, boot_reason=2)
    return [r for i, r in enumerate([*one, *cut, *other]) if i not in missing]


def month_of(records: list[ArrivedRecord], hub: Hub = HUB, **named: object) -> HubMonth:
    return hub_month(hub, records, AUGUST, terms=Terms(), now_ms=MADE_MS, **named)  # type: ignore[arg-type] # passed on


def written(pdf: bytes) -> str:
    """The page's text, as its drawing operators carry it."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    drawn = b"\n".join(_inflated(stream) for stream in streams)
    return "\n".join(
        re.sub(r"\\([()\\])", r"\1", text) for text in re.findall(r"\(((?:[^()\\]|\\.)*)\) Tj", drawn.decode("latin-1"))
    )


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_the_month_says_what_happened() -> None:
    sla = month_of(story()).version.sla
    assert sla.seconds[SlaClass.LINK_LONG] == 20 * 60 + 4
    assert sla.long_cuts == 1
    assert sla.seconds[SlaClass.POWER] == 421 * 60 - 65
    assert sla.total_seconds == 31 * 86_400


def test_the_table_can_be_read_back_and_continued() -> None:
    first = month_of(story(missing=range(100, 200)))
    table = sla_csv.write([first])
    assert table.startswith("\ufeffkode_wilayah,hub,")
    (row,) = csv.DictReader(io.StringIO(table.removeprefix("\ufeff")))
    assert (row["hub"], row["bulan"], row["versi"], row["perubahan"]) == ("hub-0001", "2026-08", "1", "")
    assert sum(int(value) for name, value in row.items() if name.endswith("_detik") and name != "jumlah_detik") == int(
        row["jumlah_detik"]
    )
    kept = sla_csv.versions(table)[HUB.hub_id]
    assert kept.sla == first.version.sla
    assert month_of(story(missing=range(100, 200)), before=kept).version == kept
    second = month_of(story(), before=kept)
    assert second.version.number == 2
    (row,) = csv.DictReader(io.StringIO(sla_csv.write([second]).removeprefix("\ufeff")))
    assert re.search(r"berfungsi_detik \+\d+; tidak_diketahui_detik -\d+", row["perubahan"])


def test_a_name_is_never_a_formula() -> None:
    table = sla_csv.write([month_of(story(), Hub("hub-0001", "=1+1", HUB.kode_wilayah, HUB.timezone))])
    assert ",'=1+1," in table


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "\ufeff"])
def test_another_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no table of desahub-noc sla"):
        sla_csv.versions(text)


def test_a_broken_line_is_named() -> None:
    table = sla_csv.write([month_of(story())]).replace("2026-08,1,", "2026-08,eins,")
    with pytest.raises(ValueError, match="line 2 of the earlier table"):
        sla_csv.versions(table)


def test_the_page_of_a_hub() -> None:
    pdf = sla_pdf.hub_page(month_of(story()), MADE_AT)
    assert pdf.startswith(b"%PDF-")
    assert pdf.count(b"/Type /Page\n") == 1
    text = written(pdf)
    for expected in (
        "Sukamaju (51.03.01.2001)", "Agustus 2026, waktu WITA", "Jaringan putus lebih dari 300 detik", "00.20.04",
        "1 Agu 2026 10.00.01", "internet tidak menjawab (terukur)", "listrik padam (disimpulkan)", "31 hari 00.00.00",
    ):  # fmt: skip
        assert expected in text, text


def test_the_page_of_an_area_names_the_worst_first_and_stays_one_page() -> None:
    good = [month_of([], Hub(f"hub-{i:04d}", f"Desa {i}", "51.03.02.2001", HUB.timezone)) for i in range(2, 90)]
    pdf = sla_pdf.area_page("51.03", [*good, month_of(story())], AUGUST, MADE_AT)
    assert pdf.count(b"/Type /Page\n") == 1
    text = written(pdf)
    assert text.index("Sukamaju") < text.index("Desa 2 ")
    assert "dan 57 hub lain; semuanya ada di tabel CSV" in text


def test_names_that_the_letters_cannot_write_do_not_stop_a_page() -> None:
    assert sla_pdf.hub_page(month_of([], Hub("hub-0001", "ᬩᬮᬶ – Désa", HUB.kode_wilayah, HUB.timezone)), MADE_AT)


def test_everything_has_a_word() -> None:
    for table in (words.classes(), words.conditions(), words.causes(), words.bases(), words.evidence()):
        kind = type(next(iter(table)))
        assert set(table) == set(kind)
    assert words.percent(9_999, 10_000) == "99,99 %"
    assert words.percent(99_999, 100_000) == "99,99 %", "never rounded up to a whole"
    assert words.duration(2 * 86_400 + 3 * 3_600 + 4 * 60 + 5) == "2 hari 03.04.05"


def test_maintenance_is_read_in_the_hubs_own_time() -> None:
    (window,) = commands._windows(["2026-08-01T00:00/2026-08-01T02:00"], HUB.timezone)
    assert (window.start_ms, window.end_ms) == (BEGIN_MS, BEGIN_MS + 7_200_000)
    for text in ("", "2026-08-01", "2026-08-01T02:00/2026-08-01T01:00", "2026-08-01T00:00Z/2026-08-01T01:00Z"):
        with pytest.raises(OperationError, match="allowed is begin/end"):
            commands._windows([text], HUB.timezone)
