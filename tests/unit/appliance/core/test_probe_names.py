"""The hosts file that leads phones to the portal while the line is down."""

from __future__ import annotations

from appliance.core import probe_names
from appliance.core.config import parse
from appliance.core.probes import PROBES
from tests.unit.agent.around import TOML

_SECOND = """
[[networks]]
name = "pasar"
kind = "resident"
interface = "br-pasar"
address = "10.30.0.1/24"
ssid = "Pasar"
"""


def test_each_probe_has_in_each_network_the_boxs_address_there() -> None:
    comment, *lines = probe_names.text(parse(TOML.replace("[agent]", f"{_SECOND}[agent]"))).splitlines()
    assert comment.startswith("#")
    assert [line.split(" ")[0] for line in lines] == ["10.20.0.1", "10.30.0.1"]
    for line in lines:
        assert set(line.split(" ")[1:]) == {probe.host for probe in PROBES}
