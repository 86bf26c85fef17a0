"""The registry: numbers that never change, and how finely a box tells what it measures."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.samples import (
    LABELS,
    NAMES,
    NUMBER_OF_LABEL,
    NUMBER_OF_NAME,
    is_base_name,
    is_label,
    is_sample_name,
    told,
)


def test_numbers_and_names_belong_to_each_other() -> None:
    for numbers, names, is_name in ((NAMES, NUMBER_OF_NAME, is_base_name), (LABELS, NUMBER_OF_LABEL, is_label)):
        assert list(numbers) == list(range(1, len(numbers) + 1))
        assert {names[name]: name for name in names} == numbers, "no name stands twice"
        assert [name for name in names if not is_name(name)] == []


def test_numbers_are_those_of_the_page_on_the_wire() -> None:
    page = " ".join((Path(__file__).parents[4] / "docs/wire.md").read_text().split())
    assert ", ".join(f"{number} `{name}`" for number, name in NAMES.items()) in page
    assert ", ".join(f"{number} `{label}`" for number, label in LABELS.items()) in page


@pytest.mark.parametrize(
    ("name", "measured", "tells"),
    [
        ("uptime_seconds", 90_061.9, 90_061),
        ("interface_received_bytes.net_warga", 2_047, 1_024),
        ("memory_available_bytes", 2**20 - 1, 0),
        ("temperature_celsius", 51.62, 51.6),
        ("temperature_celsius", None, None),
        ("uplink_round_trip_seconds", 0.0421987, 0.042),
        ("interface_received_packets.uplink", 2_047, 2_047),
        ("rain_millimetres", 0.123456, 0.123456),
    ],
)
def test_what_is_told(name: str, measured: float | None, tells: float | None) -> None:
    found = told(name, measured)
    assert (found, type(found)) == (tells, type(tells))


@given(st.lists(st.integers(0, 2**62), min_size=2))
def test_a_counter_told_in_steps_never_goes_back(counts: list[int]) -> None:
    found = [told("interface_sent_bytes.uplink", count) for count in sorted(counts)]
    assert found == sorted(found, key=lambda each: each or 0)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("a", True), ("a_1.net_warga", True), ("a.1", True), ("", False), ("A", False), ("a.", False), ("a.b.c", False),
     ("a" * 49, False), ("a\n", False)],
)  # fmt: skip
def test_names_of_samples(text: str, is_one: bool) -> None:
    assert is_sample_name(text) is is_one
