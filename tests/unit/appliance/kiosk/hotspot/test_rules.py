"""What the pages decide by themselves."""

import datetime
import unicodedata
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.config.networks import Access
from appliance.gate.protocol import Client
from appliance.hotspot.protocol import Block, MakeBatch, OnlineClient, UsagePoint
from appliance.kiosk.hotspot import batches, charts, rules
from appliance.kiosk.hotspot.rules import BlockFor, Order

ZONE = ZoneInfo("Asia/Makassar")
NOON = datetime.datetime(2026, 11, 23, 12, 0, 30, tzinfo=ZONE)  # a Monday


def _one(number: int = 1, **values: Any) -> OnlineClient:
    none: dict[str, Any] = {
        "client": Client(f"10.20.0.{number}", f"02:00:00:00:00:{number:02x}"), "host_name": "", "network": "warga",
        "way": Access.TERMS, "voucher": "", "since_wall_seconds": 0, "remaining_seconds": 60, "is_let_through": True,
        "sent_bytes": 0, "received_bytes": 0, "sent_bits_per_second": 0, "received_bits_per_second": 0,
        "idle_seconds": 0, "speed": "", "quota_left_bytes": None,
    }  # fmt: skip
    return OnlineClient(**none | values)


@given(st.text())
def test_a_name_is_one_short_line_of_visible_characters(text: str) -> None:
    name = rules.clean_name(text)
    assert len(name) <= rules.NAME_LENGTH_MAX
    assert not any(unicodedata.category(each)[0] == "C" or each in "\n\r\u2028\u2029" for each in name)
    assert rules.clean_name(name) == name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("hp\u202egpj.exe", "hpgpj.exe"),  # no letter may turn the line around
        ("a\u0301\u0301\u0301\u0301\u0301\u0301", "á\u0301\u0301"),  # no tower of accents over the row above
        ("a\nb\tc\x00", "abc"),
        ("  Bu   Ketut ", "Bu Ketut"),
        ("x" * 64, "x" * 39 + "…"),
        ("\u200b\ufeff", ""),
    ],
)
def test_hostile_names_are_tamed(text: str, shown: str) -> None:
    assert rules.clean_name(text) == shown


def test_the_list_is_in_order_and_does_not_dance() -> None:
    rows = [
        _one(3, host_name="b", received_bytes=5, since_wall_seconds=9),
        _one(2, host_name="", sent_bytes=9, sent_bits_per_second=1),
        _one(1, host_name="A", received_bytes=5, received_bits_per_second=7),
    ]
    order = {each: [one.client.address[-1] for one in rules.in_order(rows, each)] for each in Order}
    assert order == {
        Order.USE: ["2", "1", "3"],
        Order.SPEED: ["1", "2", "3"],
        Order.NEWEST: ["3", "1", "2"],
        Order.NAME: ["1", "3", "2"],
    }


@pytest.mark.parametrize(
    ("number", "first", "length"), [(1, 0, 50), (5, 200, 50), (0, 0, 50), (99, 200, 50), (-3, 0, 50)]
)
def test_250_rows_come_by_pages(number: int, first: int, length: int) -> None:
    rows = [_one(i % 250) for i in range(250)]
    shown = rules.page_of(rows, number)
    assert (shown.pages_count, shown.rows_count, len(shown.rows)) == (5, 250, length)
    assert shown.rows[0] is rows[first]
    assert rules.page_of([], 3) == rules.Shown([], 1, 1, 0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ketut", True), ("KETUT", True), ("02:DE:5a", True), ("02-de-5a", True), ("02de.5a", True), ("de5a", True),
        ("10.20.0.7", True), ("12-7", True), ("", False), ("   ", False), ("12-70", False), ("putu", False),
        ("u", True), ("d", False), ("ff", False), ("%", False), ("_", False),
    ],
)  # fmt: skip
def test_finding(text: str, found: bool) -> None:
    assert rules.matches(text, Client("10.20.0.7", "02:de:5a:00:00:01"), "Bu Ketut", "12-7") is found


@given(st.text(max_size=70))
def test_finding_takes_any_text(text: str) -> None:
    assert rules.matches(text, Client("10.20.0.7", "02:de:5a:00:00:01"), "x", "") in (True, False)


@pytest.mark.parametrize(
    ("hours", "left"),
    [
        ((), None),
        (("mon-sun 06:00-22:00",), 10 * 3_600 - 30),
        (("mon-sun 13:00-22:00",), None),  # closed now
        (("mon-sun 00:00-24:00",), None),  # never closes
        (("mon-sun 22:00-12:01",), 30),
    ],
)
def test_until_closing(hours: tuple[str, ...], left: int | None) -> None:
    assert rules.seconds_until_closing(hours, NOON) == left


def test_extensions_reach_until_closing_where_that_is_more() -> None:
    hours = ("mon-sun 06:00-22:00",)
    keys = [each.key for each in rules.extensions(3_600, hours, NOON)]
    assert keys == ["1800", "3600", "7200", "tutup"]
    assert rules.extensions(3_600, hours, NOON)[-1].seconds == 9 * 3_600 - 30
    for remaining in (10 * 3_600, 86_400):
        assert [each.key for each in rules.extensions(remaining, hours, NOON)] == keys[:3]


@given(st.datetimes(timezones=st.just(ZONE)))
def test_every_block_is_one_the_keeper_takes(now: datetime.datetime) -> None:
    for choice in BlockFor:
        Block("02:00:00:00:00:01", rules.block_seconds(choice, now), "siti", "x")


@given(st.text())
def test_every_reason_is_one_the_keeper_takes(text: str) -> None:
    why = rules.reason(text)
    if why:
        Block("02:00:00:00:00:01", None, "siti", why)


def test_a_reason_is_one_line_or_none() -> None:
    assert rules.reason(" banyak \n ulah ") == "banyak ulah"
    assert rules.reason("x" * 201) == rules.reason("  ") == rules.reason("a\x00b") == ""


GOOD = {
    "title": "Pasar malam", "count": "24", "devices": "1", "duration_seconds": "86400", "quota_megabytes": "0",
    "speed": "", "valid_days": "90",
}  # fmt: skip


def test_a_good_form_is_a_wish() -> None:
    assert batches.read(GOOD, ()) == batches.Read(batches.Wish("Pasar malam"), {})
    assert batches.read({**GOOD, "speed": "biasa"}, {"biasa"}).wish.speed == "biasa"


@pytest.mark.parametrize("field", list(GOOD))
@pytest.mark.parametrize(
    "value", ["", "-1", "1e9", "9" * 5_000, "١", "1_0", "0x1", "abc\x00", "99999999", "<b>", "1.5"]
)
def test_a_wrong_value_is_named_and_nothing_else(field: str, value: str) -> None:
    wrong = set(batches.read({**GOOD, field: value}, ()).problems)
    if field == "title":
        wanted = set() if value and len(value) <= 60 and value.isprintable() else {"title"}
    else:
        wanted = set() if (field, value) == ("speed", "") else {field}
    assert wrong == wanted


@given(st.dictionaries(st.sampled_from([*GOOD, "else"]), st.text() | st.integers().map(str), max_size=8))
def test_what_is_read_without_problems_is_what_the_keeper_takes(form: dict[str, str]) -> None:
    read = batches.read(form | {"speed": form.get("speed", "")}, ("biasa",))
    wish = read.wish
    title = wish.title or "x"
    MakeBatch(
        title,
        wish.count,
        wish.devices,
        wish.duration_seconds,
        wish.quota_megabytes,
        wish.speed,
        wish.valid_days,
        "siti",
    )
    assert read.problems or wish.title


@pytest.mark.parametrize("wish", batches.PRESETS.values())
def test_presets_are_choices_of_the_form(wish: batches.Wish) -> None:
    form = {name: str(getattr(wish, name)) for name in GOOD} | {"title": "x"}
    assert not batches.read(form, ()).problems


NOW = 1_790_000_000 // 1_200 * 1_200 + 137


def _point(seconds_ago: int, received: int = 37_500_000, online: int = 3) -> UsagePoint:
    start = (NOW - seconds_ago) // 300 * 300
    return UsagePoint(start, received, received // 10, online)


def test_use_becomes_rates_and_gaps_stay_gaps() -> None:
    found = charts.buckets([_point(600), _point(1_200, 75_000_000, 9)], NOW, 1, 300)
    assert len(found) == 12
    known = {bucket.start_seconds: bucket for bucket in found if bucket.received is not None}
    assert [(one.received, one.sent, one.online) for one in known.values()] == [(2e6, 2e5, 9), (1e6, 1e5, 3)]


def test_the_running_step_is_left_out() -> None:
    running = UsagePoint(NOW // 300 * 300, 1, 1, 1)
    assert all(bucket.received is None for bucket in charts.buckets([running], NOW, 1, 300))


@pytest.mark.parametrize("span", charts.SPANS)
def test_every_span_ends_now_and_has_its_length(span: charts.Span) -> None:
    points = [_point(300 * i) for i in range(1, 577)]
    found = charts.buckets(points, NOW, span.hours, span.step_seconds)
    assert len(found) * span.step_seconds == span.hours * 3_600
    assert found[-1].start_seconds <= NOW < found[-1].start_seconds + span.step_seconds + 300
    assert all(bucket.received == 1e6 for bucket in found[:-1])
    rows = charts.buckets(points, NOW, span.hours, span.row_seconds)
    assert len(rows) <= 24


@given(st.floats(-10, 1e12), st.floats(0, 1e9))
def test_a_share_is_a_share(part: float, whole: float) -> None:
    assert rules.percent(max(0, part), whole) in range(101)
