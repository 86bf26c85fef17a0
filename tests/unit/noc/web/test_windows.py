"""Maintenance windows: in the place's own time, refused with an exact reason, ended early, and only where one may."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noc.fleet_book.contract import Found, KeptWindow, Query
from noc.rules.alert_state import Deed
from noc.rules.planned import Flaw, concerns, flaw, meets
from noc.rules.states import Window
from noc.web import times
from tests.unit.noc.seed import NOW_MS
from tests.unit.noc.web.visiting import Visit, send

HOUR_MS = 3_600_000
BADUNG = "51.03"
FORM = "/pemeliharaan?untuk=51.03"


def at(hours: float, zone: str = "Asia/Makassar") -> str:
    """A moment so many hours from now, as a browser sends it."""
    return times.field(int(NOW_MS + hours * HOUR_MS), zone)


def plan(visit: Visit, start: str, end: str, why: str = "ganti antena", for_: str = BADUNG) -> tuple[int, str]:
    answer = send(
        visit.client, f"/pemeliharaan?untuk={for_}", "/pemeliharaan", untuk=for_, start=start, end=end, why=why
    )
    return answer.status_code, answer.text


def test_a_window_is_planned_in_the_time_of_its_place(operator: Visit) -> None:
    assert "waktu WITA" in operator.client.get(FORM).text and "mengenai 10 hub" in operator.client.get(FORM).text
    assert "waktu WIT" in operator.client.get("/pemeliharaan?untuk=94.01").text
    assert plan(operator, at(2), at(4))[0] == 303
    (kept,) = operator.book.windows(NOW_MS, NOW_MS + 24 * HOUR_MS)
    assert (kept.area, kept.by, kept.why) == (BADUNG, "petugas", "ganti antena")
    assert abs(kept.window.start_ms - (NOW_MS + 2 * HOUR_MS)) < 60_000
    page = operator.client.get("/pemeliharaan").text
    assert "Badung (51.03)" in page and "WITA" in page and "Akan datang" in page
    assert operator.book.deeds(1)[0].what == "window"


@pytest.mark.parametrize(
    ("start", "end", "why", "said"),
    [
        (at(4), at(2), "x", "Selesainya harus sesudah mulainya"),
        (at(2), at(2), "x", "Selesainya harus sesudah mulainya"),
        (at(-3), at(-2), "x", "Sudah lewat: sekarang 29 Mei 2026"),
        (at(-1), at(2), "x", "lebih dari 15 menit"),
        (at(2), at(2 + 0.05), "x", "sedikitnya 5 menit"),
        (at(2), at(2 + 15 * 24), "x", "paling lama 14 hari"),
        (at(400 * 24), at(400 * 24 + 2), "x", "paling lama setahun"),
        ("", at(2), "x", "Tulis tanggal dan jam"),
        ("2026-02-31T10:00", at(2), "x", "Tulis tanggal dan jam"),
        ("0001-01-01T00:00", at(2), "x", "Tulis tanggal dan jam"),
        (at(2), "9999-12-31T23:59", "x", "Tulis tanggal dan jam"),
        (at(2), "2999-12-31T23:59", "x", "paling lama 14 hari"),
        (at(2), at(4), " ", "Tulis pekerjaannya"),
        (at(2), at(4), "x" * 201, "paling banyak 200 huruf"),
        (at(2), at(4), "a\x07b", "huruf kendali"),
    ],
)
def test_absurd_times_are_refused_exactly_and_what_was_typed_stays(
    operator: Visit, start: str, end: str, why: str, said: str
) -> None:
    status, page = plan(operator, start, end, why)
    assert status == 400 and said in page
    assert f'value="{start}"' in page and f'value="{end}"' in page
    assert operator.book.windows(0, 1 << 60) == ()


@pytest.mark.parametrize(
    ("target", "is_refused"),
    [
        (BADUNG, True),
        ("51", True),
        ("51.03.01", True),
        ("hub-51030101", True),
        ("51.07", False),
        ("hub-33010101", False),
    ],
)
def test_windows_of_the_same_hubs_do_not_overlap(operator: Visit, target: str, is_refused: bool) -> None:
    assert plan(operator, at(2), at(4))[0] == 303
    zone = "Asia/Jakarta" if "33" in target else "Asia/Makassar"
    status, page = plan(operator, at(3, zone), at(5, zone), for_=target)
    assert (status == 400) is is_refused
    assert not is_refused or "Bertabrakan dengan jadwal Badung" in page
    assert not is_refused or plan(operator, at(4, zone), at(5, zone), for_=target)[0] == 303


def test_many_windows_stand_on_pages_and_each_target_is_asked_for_once(
    operator: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    deed = Deed(NOW_MS, "kepala", "uji", "uji")
    for number in range(1, 131):
        begin_ms = NOW_MS + number * HOUR_MS
        operator.book.put_window(KeptWindow(0, BADUNG, "", Window(begin_ms, begin_ms + 600_000), "kepala", "x"), deed)
    asked: list[str] = []
    find = operator.book.find

    def counted(query: Query) -> Found:
        asked.append(query.area)
        return find(query)

    monkeypatch.setattr(operator.book, "find", counted)
    pages = [operator.client.get(f"/pemeliharaan?hal={number}").text for number in (1, 2, 99)]
    assert [page.count('<tr><th scope="row">') for page in pages] == [100, 30, 30]
    assert asked == [BADUNG] * 3


def test_a_window_is_ended_early_and_one_to_come_is_called_off(operator: Visit) -> None:
    plan(operator, at(0), at(4))
    plan(operator, at(2, "Asia/Jakarta"), at(4, "Asia/Jakarta"), for_="33.01")
    page = operator.client.get("/pemeliharaan").text
    running, coming = re.findall(r'action="(/pemeliharaan/\d+/akhiri)"', page)
    assert "Akhiri sekarang" in page and "Batalkan" in page
    operator.fleet.now_ms = NOW_MS + HOUR_MS // 4
    for each in (running, coming):
        assert send(operator.client, FORM, each).status_code == 303
    (kept,) = operator.book.windows(0, 1 << 60)
    assert kept.area == BADUNG and kept.window.end_ms == NOW_MS + HOUR_MS // 4
    assert send(operator.client, FORM, running).status_code == 303  # it is over: said, and nothing changes
    assert send(operator.client, FORM, coming).status_code == 404


@pytest.mark.parametrize("target", ["51.99", "99", "x", "hub-nix", "51.03.", "<b>", "33.01", "51", "hub-33010101"])
def test_a_district_plans_for_what_it_sees_and_nothing_else(district: Visit, target: str) -> None:
    asked = district.client.get("/pemeliharaan", query_string={"untuk": target})
    assert asked.status_code == 404 and "bukan hub atau wilayah yang Anda lihat" in asked.text
    sent = send(district.client, FORM, "/pemeliharaan", untuk=target, start=at(2), end=at(4), why="x")
    assert sent.status_code == 400 and district.book.windows(0, 1 << 60) == ()


def test_a_district_ends_no_window_of_others(district: Visit) -> None:
    other = KeptWindow(0, "51", "", Window(NOW_MS, NOW_MS + HOUR_MS), "admin", "serat optik")
    number = district.book.put_window(other, Deed(NOW_MS, "admin", "plan", "51"))
    page = district.client.get("/pemeliharaan").text
    assert "serat optik" in page and "/akhiri" not in page  # it holds for its hubs too
    assert send(district.client, FORM, f"/pemeliharaan/{number}/akhiri").status_code == 404


def test_a_viewer_reads_and_plans_nothing(viewer: Visit) -> None:
    assert "Jadwalkan" not in viewer.client.get("/pemeliharaan").text
    assert (
        send(viewer.client, "/sandi", "/pemeliharaan", untuk=BADUNG, start=at(2), end=at(4), why="x").status_code == 403
    )


spans = st.tuples(st.integers(0, 100), st.integers(1, 50)).map(lambda pair: Window(pair[0], pair[0] + pair[1]))


@given(spans, spans)
def test_windows_meet_where_they_have_a_moment_in_common(one: Window, other: Window) -> None:
    common = set(range(one.start_ms, one.end_ms)) & set(range(other.start_ms, other.end_ms))
    assert meets(one, other) is meets(other, one) is bool(common)


codes = st.sampled_from(["51", "51.03", "51.03.01", "51.07", "51.0", "33"])
hubs = st.sampled_from([("hub-a", "51.03.01.2001"), ("hub-b", "51.07.01.2001"), ("hub-c", "33.01.01.2001")])


@given(st.one_of(codes.map(lambda code: ("", code)), hubs), st.one_of(codes.map(lambda code: ("", code)), hubs))
def test_who_is_concerned_is_so_from_both_sides(one: tuple[str, str], other: tuple[str, str]) -> None:
    def ask(a: tuple[str, str], b: tuple[str, str]) -> bool:
        return concerns(a[1], a[0], "" if b[0] else b[1], b[0], b[1] if b[0] else "")

    assert ask(one, other) is ask(other, one)
    assert ask(one, one)


def test_flaws_are_named_in_the_order_in_which_one_mends_them() -> None:
    hour = HOUR_MS
    assert flaw(Window(10 * hour, 9 * hour), 20 * hour) is Flaw.ENDS_BEFORE_BEGIN
    assert flaw(Window(10 * hour, 11 * hour), 20 * hour) is Flaw.OVER
    assert flaw(Window(20 * hour - 900_001, 21 * hour), 20 * hour) is Flaw.BEGAN
    assert flaw(Window(20 * hour - 900_000, 21 * hour), 20 * hour) is None
