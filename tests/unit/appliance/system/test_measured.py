"""What is read of /proc, /sys, iw and systemctl: their documented forms, and garbage in their place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance.core.errors import OperationError
from appliance.system import counters, power, radio, storage, units
from appliance.system.processes import Completed
from appliance.system.radio import Air, Survey
from appliance.system.roots import Roots

FIRMWARE = "devices/platform/soc/soc:firmware/get_throttled"
NET_DEV = """\
Inter-|   Receive                                        |  Transmit
 face |bytes packets errs drop fifo frame compr multicast|bytes packets errs drop fifo colls carrier compressed
    lo: 2776770 11307    0    0    0     0    0         0  2776770 11307  0    0    0     0       0          0
  eth0: 1215645  2751    0    0    0     0    0         0  1782404  4324  0    0    0   427       0          0
wlan0:4294967296 18446744073709551615 0 0 0 0 0 0 7 8 0 0 0 0 0 0
"""
# As iw(8) 5.19 prints them.
INFO = """\
Interface wlan0
	ifindex 3
	wdev 0x1
	addr dc:a6:32:00:00:01
	ssid Desa Sukamaju
	type AP
	wiphy 0
	channel 6 (2437 MHz), width: 20 MHz, center1: 2437 MHz
	txpower 31.00 dBm
"""
SURVEY = """\
Survey data from wlan0
	frequency:			2412 MHz
	noise:				-90 dBm
	channel active time:		60 ms
	channel busy time:		12 ms
Survey data from wlan0
	frequency:			2437 MHz [in use]
	noise:				-95 dBm
	channel active time:		1000000 ms
	channel busy time:		250000 ms
	channel receive time:		140000 ms
	channel transmit time:		90000 ms
"""
STATIONS = """\
Station 02:de:5a:00:00:01 (on wlan0)
	inactive time:	304 ms
	rx bytes:	18816
	signal:  	-18 dBm
Station 02:de:5a:00:00:02 (on wlan0)
	inactive time:	1 ms
"""
UNITS = """\
Type=notify
Restart=always
NRestarts=3
Result=success
Id=desahub-gate.service
ActiveState=active
UnitFileState=enabled
ConditionResult=yes

Type=oneshot
NRestarts=0
Result=exit-code
Id=desahub-filter-update.service
ActiveState=failed
UnitFileState=static
ConditionResult=yes

Type=exec
NRestarts=0
Result=success
Id=desahub-filter.service
ActiveState=inactive
UnitFileState=enabled
ConditionResult=no

Type=notify
NRestarts=0
Result=success
Id=desahub-records.service
ActiveState=inactive
UnitFileState=disabled
ConditionResult=no

Type=notify
NRestarts=0
Result=success
Id=desahub-portal.service
ActiveState=inactive
UnitFileState=enabled
ConditionResult=yes
"""


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    return Roots.under(tmp_path)


def test_interfaces_and_their_counters() -> None:
    found = counters.parse(NET_DEV)
    assert found["eth0"] == counters.Counters(1_215_645, 2_751, 1_782_404, 4_324)
    assert found["wlan0"] == counters.Counters(2**32, 2**64 - 1, 7, 8)
    assert set(found) == {"lo", "eth0", "wlan0"}


@given(st.text(max_size=300))
def test_no_text_harms_the_readers(text: str) -> None:
    for each in counters.parse(text).values():
        assert each.received_bytes >= 0
    radio.parse_channel(text)
    radio.parse_survey(f"Survey data from x\n{text}")
    assert radio.parse_stations(text) >= 0
    units.parse(text)
    units.parse(f"Id=desahub-x.service\nActiveState=active\n{text}")
    assert units.parse_ending(text) in ("", "reboot", "poweroff")
    storage.parse_read_only(text, PurePosixPath("/var/lib"))
    for parse in (power.parse_throttled, storage.parse_life, storage.parse_spare, storage.parse_count):
        try:
            assert parse(text) >= 0
        except ValueError:
            continue


def test_a_box_that_measures_no_power_says_so(roots: Roots) -> None:
    assert power.read(roots) == power.Power(None, None, None, None)


@pytest.mark.parametrize(
    ("text", "now", "ever"), [("0\n", False, False), ("50005\n", True, True), ("0x50000\n", False, True)]
)
def test_the_firmwares_word(roots: Roots, text: str, now: bool, ever: bool) -> None:
    put(roots.sys, FIRMWARE, text)
    assert power.read(roots) == power.Power(now, ever, None, int(text, 16))


@pytest.mark.parametrize("text", ["", "x", "-1", "123456789", "5 0", "\0\0"])
def test_what_is_no_word_of_the_firmware_is_a_failure(roots: Roots, text: str) -> None:
    put(roots.sys, FIRMWARE, text)
    with pytest.raises(ValueError, match="get_throttled"):
        power.read(roots)


def test_the_alarm_of_the_voltage_sensor(roots: Roots) -> None:
    put(roots.sys, "class/hwmon/hwmon0/name", "cpu_thermal\n")
    put(roots.sys, "class/hwmon/hwmon1/name", "rpi_volt\n")
    put(roots.sys, "class/hwmon/hwmon1/in0_lcrit_alarm", "1\n")
    assert power.read(roots).under_voltage is True
    put(roots.sys, "class/hwmon/hwmon1/in0_lcrit_alarm", "maybe")
    with pytest.raises(ValueError, match="in0_lcrit_alarm"):
        power.read(roots)


@pytest.mark.parametrize(
    ("supplies", "on_battery"),
    [
        ({"AC": {"type": "Mains", "online": "1"}, "BAT0": {"type": "Battery", "status": "Charging"}}, False),
        ({"AC": {"type": "Mains", "online": "0"}, "BAT0": {"type": "Battery", "status": "Unknown"}}, True),
        ({"AC": {"type": "Mains", "online": "1"}}, None),
        ({"ups": {"type": "UPS", "status": "Discharging"}}, True),
        ({"ups": {"type": "UPS", "status": "Full"}}, False),
        ({"bat": {"type": "Battery", "status": "Unknown"}}, None),
        ({"bat": {"type": "Battery"}}, None),
        ({"mouse": {"type": "Battery", "status": "Discharging", "scope": "Device"}}, None),
        ({"ucsi": {"type": "USB", "online": "0"}, "BAT": {"type": "Battery", "status": "Full"}}, False),
        ({"odd": {"type": "\x00\x01"}}, None),
    ],
)
def test_supplies(roots: Roots, supplies: dict[str, dict[str, str]], on_battery: bool | None) -> None:
    for name, files in supplies.items():
        for file, text in files.items():
            put(roots.sys, f"class/power_supply/{name}/{file}", f"{text}\n")
    assert power.read(roots).on_battery is on_battery


def test_a_disk_without_words_of_its_own(roots: Roots, tmp_path: Path) -> None:
    assert storage.life_used_permille(roots) is None
    assert storage.error_count(roots) is None
    with pytest.raises(OSError, match="mountinfo"):
        storage.is_read_only(tmp_path, roots)


@pytest.mark.parametrize(
    ("life", "spare", "permille"),
    [("0x02 0x01", "0x01", 200), ("0x00 0x00", "0x00", 0), ("0x0b 0x0a", "0x01", 1100), ("0x01 0x01", "0x03", 1000)],
)
def test_the_age_of_a_card(roots: Roots, life: str, spare: str, permille: int) -> None:
    put(roots.sys, "block/mmcblk0/device/life_time", f"{life}\n")
    put(roots.sys, "block/mmcblk0/device/pre_eol_info", f"{spare}\n")
    put(roots.sys, "block/sda/device/life_time", "not a card's\n")
    assert storage.life_used_permille(roots) == permille


def test_errors_of_ext4_are_added_up(roots: Roots) -> None:
    put(roots.sys, "fs/ext4/mmcblk0p2/errors_count", "2\n")
    put(roots.sys, "fs/ext4/mmcblk0p3/errors_count", "5\n")
    put(roots.sys, "fs/ext4/features/lazy_itable_init", "supported\n")
    assert storage.error_count(roots) == 7
    put(roots.sys, "fs/ext4/mmcblk0p3/errors_count", "many")
    with pytest.raises(ValueError, match="not a count"):
        storage.error_count(roots)


def test_the_file_system_itself_counts_not_the_mount() -> None:
    mounts = (
        "22 1 179:2 / / ro,noatime shared:1 - ext4 /dev/mmcblk0p2 rw,errors=remount-ro\n"
        "30 22 179:3 / /var/lib\\040x rw - ext4 /dev/mmcblk0p3 ro,errors=remount-ro\n"
        "31 22 179:3 / /var/lib rw - ext4 /dev/mmcblk0p3 ro\n"
        "junk\n"
    )
    assert storage.parse_read_only(mounts, PurePosixPath("/etc")) is False
    assert storage.parse_read_only(mounts, PurePosixPath("/var/lib/desahub-agent")) is True
    assert storage.parse_read_only(mounts, PurePosixPath("/var/lib x/y")) is True
    assert storage.parse_read_only("", PurePosixPath("/")) is None


def test_the_air_as_iw_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {("info",): INFO, ("survey", "dump"): SURVEY, ("station", "dump"): STATIONS}

    def run(argv: Sequence[str], **_: object) -> Completed:
        assert argv[:3] == ["iw", "dev", "wlan0"]
        if tuple(argv[3:]) not in answers:
            raise OperationError("command failed: Operation not supported (-95)")
        return Completed(tuple(argv), 0, answers[tuple(argv[3:])], "")

    monkeypatch.setattr(radio, "run", run)
    assert radio.look("wlan0") == Air(6, Survey(2437, -95, 1_000_000, 250_000), 2)
    answers[("info",)] = "Interface wlan0\n\ttype managed\n"
    del answers["survey", "dump"]
    answers[("station", "dump")] = ""
    assert radio.look("wlan0") == Air(None, None, 0)
    del answers[("info",)]
    with pytest.raises(OperationError):
        radio.look("wlan0")


@pytest.mark.parametrize(
    ("before", "now", "permille"),
    [
        (Survey(2437, -95, 1_000, 100), Survey(2437, -95, 2_000, 350), 250),
        (None, Survey(2437, -95, 2_000, 350), None),
        (Survey(2412, -95, 1_000, 100), Survey(2437, -95, 2_000, 350), None),
        (Survey(2437, -95, 9_000, 100), Survey(2437, -95, 2_000, 350), None),
        (Survey(2437, -95, 1_000, 100), Survey(2437, -95, 2_000, 5_000), None),
        (Survey(2437, -95, 1_000, 100), Survey(2437, -95, None, None), None),
        (Survey(2437, -95, None, 1), Survey(2437, -95, 1, 1), None),
    ],
)
def test_airtime_lies_between_two_surveys(before: Survey | None, now: Survey, permille: int | None) -> None:
    assert radio.busy_permille(before, now) == permille


def test_units_as_systemd_tells_them() -> None:
    found = {unit.name: unit for unit in units.parse(UNITS)}
    assert found["desahub-gate"] == units.Unit("desahub-gate", "active", 3, True)
    wanted = {name for name, unit in found.items() if unit.is_wanted and unit.state != "active"}
    assert wanted == {"desahub-filter-update", "desahub-portal"}


@pytest.mark.parametrize(
    ("jobs", "ending"),
    [
        ("", ""),
        ("123 desahub-agent.service stop running\n", ""),
        ("9 reboot.target start waiting\n123 desahub-agent.service stop running\n", "reboot"),
        ("9 poweroff.target start waiting\n", "poweroff"),
        ("9 halt.target start waiting\n", "poweroff"),
    ],
)
def test_how_the_machine_ends(jobs: str, ending: str) -> None:
    assert units.parse_ending(jobs) == ending


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.binary(max_size=60))
def test_garbage_in_the_files_is_a_failure_or_nothing(tmp_path: Path, junk: bytes) -> None:
    roots = Roots.under(tmp_path)
    names = (
        FIRMWARE, "class/hwmon/hwmon0/name", "class/power_supply/x/type", "class/power_supply/x/status",
        "block/mmcblk0/device/life_time", "block/mmcblk0/device/pre_eol_info", "fs/ext4/a/errors_count",
    )  # fmt: skip
    for name in names:
        put(roots.sys, name, "")
        (roots.sys / name).write_bytes(junk)
    put(roots.proc, "self/mountinfo", "")
    (roots.proc / "self/mountinfo").write_bytes(junk)
    put(roots.proc, "net/dev", "")
    (roots.proc / "net/dev").write_bytes(junk)
    for read in (power.read, storage.life_used_permille, storage.error_count):
        try:
            read(roots)
        except (ValueError, OSError):
            continue
    storage.is_read_only(tmp_path, roots)
    assert counters.read(roots) == {}
