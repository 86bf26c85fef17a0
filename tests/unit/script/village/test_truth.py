"""Reading the NOC's timeline, and holding it against the truth: what must not be taken for right."""

from __future__ import annotations

import itertools
from zoneinfo import ZoneInfo

import pytest

from noc.rules.sla import SlaClass
from noc.rules.states import Condition
from script.village.truth import Found, Said, Truth, faults, find, read_timeline

ZONE = ZoneInfo("Asia/Jakarta")
TOLD = """2026-11-22 19:35:48 WIB\t00.00.21\tBerfungsi\t\t\t
2026-11-22 19:36:09 WIB\t00.00.30\tJaringan putus\tkabel atau radio ke jaringan mati\tterukur\tkeadaan jaringan
2026-11-22 19:36:39 WIB\t1 hari 00.00.02\tJaringan putus\tjaringan tidak memberi alamat\tterukur\tkeadaan jaringan
2026-11-23 19:36:41 WIB\t00.00.05\tBerfungsi\t\t\t
2026-11-23 19:36:46 WIB\t00.00.03\tTidak diketahui\t\t\ttidak ada catatan
"""
BEGAN, ENDED = 1_795_350_969, 1_795_437_401


def test_what_staff_read_is_read() -> None:
    said = read_timeline(TOLD, ZONE)
    assert [each.condition for each in said] == [
        Condition.UP, Condition.LINK, Condition.LINK, Condition.UP, Condition.UNKNOWN,
    ]  # fmt: skip
    assert (said[1].start, said[2].end) == (BEGAN, ENDED)
    assert all(one.end == other.start for one, other in itertools.pairwise(said))


def test_an_outage_is_found_whole_and_only_once_its_end_is_told() -> None:
    said, truth = read_timeline(TOLD, ZONE), Truth("cut", Condition.LINK, BEGAN + 0.4, ENDED - 0.4)
    found = find(said, truth)
    assert found == Found(BEGAN, BEGAN, ENDED, Condition.LINK, "kabel atau radio ke jaringan mati")
    assert faults(truth, found) == []
    assert find(said[:3], truth) is None, "nothing tells that it is over"
    assert find([*said[:3], said[4]], truth) is None
    assert find(said, Truth("cut", Condition.POWER, BEGAN, ENDED)) is None
    assert find(said, Truth("cut", Condition.LINK, ENDED + 60, ENDED + 90)) is None, "another one"


@pytest.mark.parametrize(
    ("began", "ended", "words"),
    [(-2, 0, "began -2 s away"), (2, 0, "began +2 s away"), (0, -2, "ended -2 s away"), (0, 2, "ended +2 s away")],
)
def test_two_seconds_are_a_fault(began: int, ended: int, words: str) -> None:
    found = Found(1_000, 1_000, 1_040, Condition.LINK, "")
    truth = Truth("cut", Condition.LINK, 1_000 + began, 1_040 + ended)
    assert words in "".join(faults(truth, found))


def test_the_wrong_class_is_a_fault() -> None:
    truth = Truth("cut", Condition.LINK, 1_000, 1_301)
    assert truth.sla_class is SlaClass.LINK_LONG
    (fault,) = faults(truth, Found(1_000, 1_000, 1_300, Condition.LINK, ""))
    assert "link_short" in fault


def test_a_power_cut_lies_where_nobody_knows() -> None:
    said = [
        Said(900, 1_000, Condition.UP, ""), Said(1_000, 1_010, Condition.UNKNOWN, ""),
        Said(1_010, 1_030, Condition.POWER, "listrik padam"), Said(1_030, 1_033, Condition.LINK, ""),
        Said(1_033, 1_060, Condition.UP, ""),
    ]  # fmt: skip
    for began, is_right in ((998, False), (999, True), (1_005, True), (1_011, True), (1_012, False)):
        truth = Truth("power cut", Condition.POWER, began, 1_030)
        found = find(said, truth)
        assert found is not None
        assert (found.begin_from, found.begin_to, found.end) == (1_000, 1_010, 1_030)
        assert (faults(truth, found) == []) is is_right
