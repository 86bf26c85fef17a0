"""The air of each network in it: channel, airtime, noise, stations, as far as the driver tells. Asked seldom."""

from __future__ import annotations

from typing import Final

from agent.collectors import Around, Samples
from agent.seldom import Seldom
from appliance.system import radio
from appliance.system.radio import Survey

SECONDS: Final = 300


class _Air:
    """Remembers the last survey of each network: airtime is what lies between two."""

    def __init__(self) -> None:
        self._surveys: dict[str, Survey] = {}

    def read(self, around: Around) -> Samples:
        samples: dict[str, int | None] = {}
        for name, interface in radio.interfaces(around.config).items():
            air, role = radio.look(interface), f"net_{name}"
            samples[f"radio_stations.{role}"] = air.stations
            samples[f"radio_channel.{role}"] = air.channel
            if air.survey is None:
                self._surveys.pop(role, None)
                continue
            if air.survey.noise_dbm is not None:
                samples[f"radio_noise_dbm.{role}"] = air.survey.noise_dbm
            if air.survey.active_ms is not None:
                samples[f"radio_busy_permille.{role}"] = radio.busy_permille(self._surveys.get(role), air.survey)
            self._surveys[role] = air.survey
        return samples


def make() -> Seldom:
    """Begin to listen."""
    return Seldom(SECONDS, _Air().read)
