"""Whether it is time, whose it is, and what may leave the box."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.core.clock import Moment, WallQuality
from appliance.core.command_results import Reason
from appliance.core.commands import BootDeadline, Command, Reboot
from appliance.operator import rules
from tests.orders import BOOT, HUB, NEXT_BOOT, NOW_MS

COMMAND = Command(HUB, 9, NOW_MS, NOW_MS + 600_000, "sari", Reboot())
BOUND = replace(COMMAND, boot=BootDeadline(BOOT, 5_000))
KNOWN = Moment(BOOT, 1_000, NOW_MS + 1_000, WallQuality.NTP)
IN_1970 = Moment(BOOT, 1_000, 30_000, WallQuality.UNKNOWN)


def reason(command: Command, now: Moment) -> Reason | None:
    refusal = rules.timely(command, now)
    return None if refusal is None else refusal.reason


@pytest.mark.parametrize(
    ("command", "now", "expected"),
    [
        (COMMAND, KNOWN, None),
        (COMMAND, replace(KNOWN, wall_ms=NOW_MS + 599_999), None),
        (COMMAND, replace(KNOWN, wall_ms=NOW_MS + 600_000), Reason.EXPIRED),
        (COMMAND, replace(KNOWN, wall_ms=NOW_MS + 10**11), Reason.EXPIRED),
        # A clock a little behind the NOC's is no reason; one a day behind is.
        (COMMAND, replace(KNOWN, wall_ms=NOW_MS - 299_000), None),
        (COMMAND, replace(KNOWN, wall_ms=NOW_MS - 86_400_000), Reason.FROM_THE_FUTURE),
        # Nobody set this clock: what it says counts for nothing, either way.
        (COMMAND, IN_1970, Reason.CLOCK_UNKNOWN),
        (COMMAND, replace(KNOWN, wall_quality=WallQuality.UNKNOWN), Reason.CLOCK_UNKNOWN),
        (COMMAND, replace(KNOWN, wall_quality=WallQuality.RTC), Reason.CLOCK_UNKNOWN),
        (BOUND, IN_1970, None),
        (BOUND, replace(IN_1970, wall_ms=NOW_MS + 10**11), None),
        (BOUND, replace(IN_1970, boottime_ms=4_999), None),
        (BOUND, replace(IN_1970, boottime_ms=5_000), Reason.EXPIRED),
        (BOUND, replace(IN_1970, boot_id=NEXT_BOOT), Reason.CLOCK_UNKNOWN),
        # Both clocks are there: neither alone makes an ended command good again.
        (BOUND, replace(KNOWN, boottime_ms=5_000), Reason.EXPIRED),
        (BOUND, replace(KNOWN, wall_ms=NOW_MS + 600_000), Reason.EXPIRED),
        (BOUND, replace(KNOWN, boot_id=NEXT_BOOT, boottime_ms=9_000), None),
    ],
)
def test_time(command: Command, now: Moment, expected: Reason | None) -> None:
    assert reason(command, now) is expected


@given(st.integers(0, 10**13), st.integers(0, 10**9), st.sampled_from(WallQuality), st.booleans())
def test_after_its_end_by_any_clock_that_is_believed_nothing_is_done(
    wall_ms: int, boottime_ms: int, quality: WallQuality, same_boot: bool
) -> None:
    now = Moment(BOOT if same_boot else NEXT_BOOT, boottime_ms, wall_ms, quality)
    if reason(BOUND, now) is None:
        assert quality is not WallQuality.NTP or wall_ms < BOUND.expires_ms
        assert not same_boot or boottime_ms < 5_000
        assert quality is WallQuality.NTP or same_boot


def test_a_command_is_for_one_hub_and_never_retained() -> None:
    assert rules.addressed(COMMAND, HUB, retained=False) is None
    other, kept = rules.addressed(COMMAND, "hub-dua2", retained=False), rules.addressed(COMMAND, HUB, retained=True)
    assert other is not None
    assert kept is not None
    assert (other.reason, kept.reason) == (Reason.OTHER_HUB, Reason.RETAINED)


def test_a_counter_only_grows() -> None:
    assert rules.newer(COMMAND, 8) is None
    for last in (9, 10, 2**52):
        refusal = rules.newer(COMMAND, last)
        assert refusal is not None
        assert refusal.reason is Reason.OLD_COUNTER


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("lease 10.20.0.7 for 02:00:00:aa:BB:01", "lease (hidden) for (hidden)"),
        ("from fe80::1 and 2001:db8::7: no", "from (hidden) and (hidden): no"),
        ("mac 02-00-00-aa-bb-01.", "mac (hidden)."),
        (
            "2026-06-01T10:20:30+0000 desa dnsmasq[12]: at 10:20:30",
            "2026-06-01T10:20:30+0000 desa dnsmasq[12]: at 10:20:30",
        ),
        ("nft 1.0.6, 300 MB, ratio 1:2", "nft 1.0.6, 300 MB, ratio 1:2"),
    ],
)
def test_addresses_do_not_leave_with_a_log(line: str, shown: str) -> None:
    assert rules.without_addresses(line) == shown


def test_a_configuration_is_sent_without_comments_and_secrets() -> None:
    toml = (
        "# the office's password is kelapa\n[hub]\nid = 'hub-satu'\n[office]\nwifi_passphrase = 'kelapa'\n"
        "[[filter.lists]]\nsource = 'https://desa:kelapa@lists.example/x'\nsince = 2026-01-01\n"
    )
    shown = rules.shown_configuration(toml)
    assert "kelapa" not in shown
    assert json.loads(shown) == {
        "hub": {"id": "hub-satu"},
        "office": {"wifi_passphrase": "(hidden)"},
        "filter": {"lists": [{"source": "https://(hidden)@lists.example/x", "since": "2026-01-01"}]},
    }
