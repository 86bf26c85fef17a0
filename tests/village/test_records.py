"""Connection records on a box: switched on by hub.toml, written by the unit that ships, read with the key elsewhere."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from io import BytesIO

import pytest

from appliance.records import keys, sealed
from script.village import plan
from script.village.programs import run as run_outside
from script.village.programs import wait_until
from script.village.village import Village
from script.village.walk import Walk

pytestmark = [pytest.mark.root, pytest.mark.village]
UNIT = "desahub-records.service"
# As systemd-sysctl does on a box; and what ended is told at once, not after two minutes.
KERNEL = {"acct": 1, "timestamp": 1, "tcp_timeout_time_wait": 1, "tcp_timeout_close": 1}
HUB_TOML = "/etc/desahub/hub.toml"


@pytest.fixture
def recording(village: Village) -> Iterator[bytes]:
    """A village that records; yields the private key. Afterwards the village is as it was."""

    def run(script: str, text: str) -> str:
        return village.hub.inside(["sh", "-euc", script], text=text)

    before = village.hub.inside(["cat", HUB_TOML])
    for name, value in KERNEL.items():
        script = f"echo {value} >/proc/sys/net/netfilter/nf_conntrack_{name}"
        run_outside(["ip", "netns", "exec", plan.HUB, "sh", "-euc", script])
    private, public = keys.make()
    run("cat >/etc/desahub/records.pub", public.decode())
    wanted = before + '\n[records]\nenabled = true\npublic_key_file = "/etc/desahub/records.pub"\n'
    run(f"cat >{HUB_TOML}; desahub apply", wanted)
    yield private
    run(f"cat >{HUB_TOML}; desahub apply; rm -rf /etc/desahub/records.pub /var/lib/desahub-records/*", before)
    assert village.hub.inside(["sh", "-c", f"systemctl is-active {UNIT} || true"]).strip() == "inactive"


def test_what_a_resident_reached_is_in_the_sealed_files_and_nowhere_else(village: Village, recording: bytes) -> None:
    village.hub.wait_active(UNIT, seconds=20)
    pid = village.hub.inside(["systemctl", "show", "--value", "-p", "MainPID", UNIT]).strip()
    status = dict(
        line.split(":\t", 1)
        for line in village.hub.inside(["cat", f"/proc/{pid}/status"]).splitlines()
        if ":\t" in line
    )
    user_id = village.hub.inside(["id", "-u", "desahub-records"]).strip()
    assert status["Uid"].split() == [user_id] * 4
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 1 << 12, "CAP_NET_ADMIN and nothing else"
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    walk = Walk(village, 3)
    walk.accept()
    walk.phone(
        "curl",
        "-s",
        "--fail",
        "--max-time",
        "5",
        "-o",
        "/dev/null",
        "--local-port",
        "41233",
        f"http://{plan.WEB_ADDRESS}:8123/",
    )
    table = "/proc/net/nf_conntrack"
    wait_until(
        lambda: "sport=41233 " not in village.hub.inside(["cat", table]),
        "the kernel to forget a connection", seconds=60,
    )  # fmt: skip
    village.hub.inside(["systemctl", "restart", UNIT])
    folder = "/var/lib/desahub-records"
    owner = village.hub.inside(["sh", "-euc", f"stat -c '%a %U' {folder} {folder}/*"]).split()
    assert owner[:2] == ["700", "desahub-records"]
    assert set(owner[2::2]) == {"600"}
    encoded = village.hub.inside(["sh", "-euc", f"for file in {folder}/*; do base64 -w0 $file; echo; done"])
    records = []
    for line in encoded.split():
        content = b"".join(sealed.read(BytesIO(base64.b64decode(line)), keys.private(recording, ""), sealed.Reading()))
        records += [json.loads(one) for one in content.decode().splitlines()]
    mine = [one for one in records if one["mac"] == plan.phones(3)[2].mac]
    assert any((one["destination"], one["destination_port"]) == (plan.WEB_ADDRESS, 8123) for one in mine)
    assert all(one["destination"] != plan.HUB_ADDRESS for one in records), "talk with the box itself is not kept"
    findings = village.hub.inside(["sh", "-c", "desahub doctor --json || true"])
    assert '"matter": "records", "level": "good"' in findings


# Written by the recorder's own shelf, as it would have stood there on those days.
_WRITE = """
import sys, pathlib
from appliance.core.clock import Moment, WallQuality
from appliance.records import keys
from appliance.records.shelf import Shelf
reader = keys.public(pathlib.Path("/etc/desahub/rendered/records.pub").read_bytes(), "records.pub")
for days in sys.argv[1:]:
    moment = Moment("ab" * 16, 1_000, int(float(NOW - 86_400 * float(days)) * 1_000), WallQuality.NTP)
    shelf = Shelf(pathlib.Path("/var/lib/desahub-records"), reader, 90)
    shelf.write('{"days": ' + days + '}', moment)
    shelf.close()
"""


def test_records_are_dropped_once_their_days_are_over(village: Village, recording: bytes) -> None:
    village.hub.wait_active(UNIT, seconds=20)
    folder = "/var/lib/desahub-records"
    program = _WRITE.replace("NOW", str(int(time.time())))
    user = ["setpriv", "--reuid=desahub-records", "--regid=desahub-records", "--clear-groups"]
    village.hub.inside([*user, "/opt/desahub/bin/python", "-c", program, "400", "90.1", "89.9", "1"])

    def kept() -> list[float]:
        """The age of each of those files that are there, read with the key elsewhere."""
        said = village.hub.inside(["sh", "-euc", f"for file in {folder}/*; do base64 -w0 $file; echo; done"])
        private, found = keys.private(recording, ""), []
        for line in said.split():
            content = b"".join(sealed.read(BytesIO(base64.b64decode(line)), private, sealed.Reading()))
            found += [json.loads(one)["days"] for one in content.splitlines() if b'"days"' in one]
        return sorted(found)

    assert kept() == [1, 89.9, 90.1, 400]
    known = "/run/systemd/timesync/synchronized"
    village.hub.inside(["sh", "-euc", f"rm -f {known}; systemctl restart {UNIT}"])
    village.hub.wait_active(UNIT, seconds=20)
    assert kept() == [1, 89.9, 90.1, 400], "a box that does not know the date drops nothing"
    village.hub.inside(["sh", "-euc", f"mkdir -p $(dirname {known}); touch {known}; systemctl restart {UNIT}"])
    try:
        wait_until(lambda: kept() == [1, 89.9], "the old ones to be dropped", seconds=20)
        said = village.hub.inside(["journalctl", "-u", UNIT, "-o", "cat", "--no-pager"])
        assert said.count("dropped, its days are over") == 2
    finally:
        village.hub.inside(["rm", "-f", known])
