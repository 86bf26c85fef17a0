"""Collectors that remember something between two records."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from agent.collectors import Around, Samples, find, glance, interfaces, measure, power, radio, units
from agent.seldom import Seldom
from appliance.core import config
from appliance.core.errors import OperationError
from appliance.system.processes import Completed
from appliance.system.radio import Air, Survey
from tests.unit.agent.around import TOML, later, make_around

_FIRMWARE = "devices/platform/soc/soc:firmware/get_throttled"
_ZEROS = "0 0 0 0 0 0"


@pytest.fixture
def around(tmp_path: Path) -> Around:
    return make_around(tmp_path)


def count(around: Around, received: int, sent: int, *, interface: str = "eth0") -> None:
    (around.roots.proc / "net/dev").write_text(
        f"{interface}: {received} {received // 1000} {_ZEROS} {sent} {sent // 1000} {_ZEROS}\n"
    )


def put(around: Around, name: str, text: str) -> None:
    path = around.roots.sys / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_counters_by_role_and_none_for_what_is_missing(around: Around) -> None:
    samples = interfaces.make()(around)
    assert (samples["interface_received_bytes.uplink"], samples["interface_sent_bytes.uplink"]) == (5_000_000, 700_000)
    assert (samples["interface_received_packets.uplink"], samples["interface_sent_bytes.net_warga"]) == (1, 77)
    assert samples["interface_received_peak_kbit.uplink"] is None, "one reading has no rate"
    (around.roots.proc / "net/dev").write_text("one\ntwo\n")
    assert set(interfaces.make()(around).values()) == {None}


def test_the_busiest_ten_seconds_of_the_minute(around: Around) -> None:
    collect = interfaces.make()
    count(around, 1_000_000, 0)
    collect(around)
    total = 1_000_000
    for ten, step in enumerate((100_000, 2_500_000, 0, 0, 50_000), 1):
        total += step
        count(around, total, 0)
        now = later(around, 10 * ten)
        assert collect.glance(now.config, now.roots, now.moment) == {}
    samples = collect(later(around, 51))
    assert samples["interface_received_bytes.uplink"] == total
    assert samples["interface_received_peak_kbit.uplink"] == 2_000
    assert samples["interface_sent_peak_kbit.uplink"] == 0
    assert collect(later(around, 111))["interface_received_peak_kbit.uplink"] == 0


def test_a_modem_that_is_plugged_in_again_makes_no_spike(around: Around) -> None:
    collect = interfaces.make()
    count(around, 3_999_000_000, 0)
    collect(around)
    count(around, 5, 5, interface="other")
    assert collect(later(around, 60))["interface_received_bytes.uplink"] is None
    count(around, 40_000, 0)
    assert collect(later(around, 120))["interface_received_bytes.uplink"] == 3_999_040_000


def test_power_without_sensors_is_said_not_to_be_known(around: Around) -> None:
    assert power.make()(around) == {"power_source_known": 0}


def test_the_mains_go_and_come_and_the_voltage_falls(around: Around) -> None:
    collect = power.make()

    def seen(throttled: str, online: str) -> Samples:
        put(around, _FIRMWARE, throttled)
        put(around, "class/power_supply/ac/type", "Mains\n")
        put(around, "class/power_supply/ac/online", online)
        put(around, "class/power_supply/ups/type", "UPS\n")
        return collect.glance(around.config, around.roots, around.moment)

    assert seen("0", "1") == {}
    assert seen("0", "1") == {}
    assert seen("0", "0") == {"event.power_lost": 1, "power_on_battery": 1}
    assert seen("50005", "0") == {"event.under_voltage": 1, "power_under_voltage": 1}
    assert seen("50005", "1") == {"event.power_back": 1, "power_on_battery": 0}
    assert seen("50000", "1") == {}
    assert seen("50005", "1") == {"event.under_voltage": 1, "power_under_voltage": 1}
    assert collect(around) == {
        "power_source_known": 1, "power_on_battery": 0, "power_under_voltage": 1, "power_under_voltage_count": 2,
        "throttled": 0x50005,
    }  # fmt: skip


def test_what_the_firmware_saw_before_the_first_look_counts_once(around: Around) -> None:
    put(around, _FIRMWARE, "50000\n")
    assert power.make()(around)["power_under_voltage_count"] == 1


def test_a_glance_that_fails_stops_nobody(around: Around) -> None:
    put(around, _FIRMWARE, "nonsense")
    collectors = find()
    assert glance(collectors, around.config, around.roots, around.moment) == []
    samples = measure(collectors, around, lambda: 0.0)
    assert {name for name, value in samples.items() if name.startswith("collector_success") and not value} == {
        "collector_success.power"
    }


def test_units_that_are_not_as_they_should_be(around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "\n\n".join(
        f"Id={name}\nType={kind}\nActiveState={state}\nNRestarts={restarts}"
        for name, kind, state, restarts in (
            ("desahub-gate.service", "notify", "active", 4),
            ("desahub-filtered-dns.service", "exec", "failed", 1),
            ("desahub-portal.service", "notify", "activating", 0),
            ("desahub-radio@warga.service", "simple", "maintenance", 0),
            ("desahub-certificate.service", "oneshot", "inactive", 0),
        )
    )
    monkeypatch.setattr("appliance.system.units.run", lambda argv, **_: Completed(tuple(argv), 0, text, ""))
    assert units.make()(around) == {
        "unit_failed_count": 1, "unit_restarts": 5, "unit_state.filtered_dns": 3, "unit_state.portal": 1,
        "unit_state.radio_warga": 4,
    }  # fmt: skip


def test_the_air_of_networks_in_it(around: Around, monkeypatch: pytest.MonkeyPatch) -> None:
    airs = {"wlan0": Air(6, Survey(2437, -95, 1_000, 100), 3)}

    def look(interface: str) -> Air:
        if interface not in airs:
            raise OperationError("No such device")
        return airs[interface]

    monkeypatch.setattr("appliance.system.radio.look", look)
    collect = radio.make()
    assert collect(around) == {}, "this box has no radio"
    with_radio = f'{TOML}\n[radio]\ninterface = "wlan0"\nchannel = 6\n'
    around = dataclasses.replace(around, config=config.parse(with_radio))
    collect = radio.make()
    assert collect(around) == {
        "radio_stations.net_warga": 3, "radio_channel.net_warga": 6, "radio_noise_dbm.net_warga": -95,
        "radio_busy_permille.net_warga": None,
    }  # fmt: skip
    airs["wlan0"] = Air(6, Survey(2437, None, 2_000, 400), 4)
    assert collect(later(around, 60))["radio_stations.net_warga"] == 3, "asked every five minutes"
    assert collect(later(around, 300)) == {
        "radio_stations.net_warga": 4, "radio_channel.net_warga": 6, "radio_busy_permille.net_warga": 300
    }  # fmt: skip
    airs["wlan0"] = Air(None, None, 0)
    assert collect(later(around, 600)) == {"radio_stations.net_warga": 0, "radio_channel.net_warga": None}
    del airs["wlan0"]
    for seconds in (900, 960):
        with pytest.raises(OperationError, match="No such device"):
            collect(later(around, seconds))


def test_what_is_asked_seldom_is_never_older_than_told_and_no_old_value_hides_a_failure(around: Around) -> None:
    asked: list[int] = []
    answers: list[Samples | Exception] = [{"a": 1}, ZeroDivisionError("gone"), {"a": 2}]

    def read(now: Around) -> Samples:
        asked.append(now.moment.boottime_ms)
        answer = answers[len(asked) - 1]
        if isinstance(answer, Exception):
            raise answer
        return answer

    collect = Seldom(300, read)
    assert [collect(later(around, seconds)) for seconds in (0, 60, 299)] == [{"a": 1}] * 3
    with pytest.raises(ZeroDivisionError):
        collect(later(around, 300))
    with pytest.raises(OperationError, match="as before: gone"):
        collect(later(around, 360))
    assert collect(later(around, 600)) == {"a": 2}
    assert len(asked) == 3
