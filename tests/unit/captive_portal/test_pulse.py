"""Whether the gate answers: asked again in time, and a silence is never taken for granted."""

from __future__ import annotations

from appliance.core.config import parse
from appliance.core.errors import GateUnavailable
from appliance.gate.protocol import Admitted, Client
from appliance.gate.twin import TwinGate
from captive_portal.pulse import FRESH_SECONDS, Pulse
from tests.portal import HUB_TOML

CLIENT = Client("10.20.0.9", "02:00:00:00:00:09")


class _Gate(TwinGate):
    """Counts what it is asked, and may be silent."""

    is_silent, asked = False, 0

    def admitted(self, client: Client) -> Admitted | None:
        self.asked += 1
        if self.is_silent:
            raise GateUnavailable("the gate does not answer")
        return super().admitted(client)


def test_an_answer_holds_for_a_moment_and_a_silence_never() -> None:
    gate, now = _Gate(parse(HUB_TOML)), [100.0]
    pulse = Pulse(gate, lambda: now[0])
    assert [pulse.is_silent(CLIENT) for _ in range(9)] == [False] * 9
    assert gate.asked == 1
    gate.is_silent = True
    now[0] += FRESH_SECONDS
    assert [pulse.is_silent(CLIENT) for _ in range(3)] == [True] * 3
    gate.is_silent = False
    assert not pulse.is_silent(CLIENT)
