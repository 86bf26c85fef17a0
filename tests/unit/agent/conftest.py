"""What all tests of the agent have: a systemd that answers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from appliance.core.errors import OperationError
from appliance.system.processes import Completed

UNITS = """\
Id=desahub-agent.service
Type=notify
ActiveState=active
Result=success
NRestarts=2
ConditionResult=yes
UnitFileState=enabled

Id=desahub-filter-update.service
Type=oneshot
ActiveState=inactive
Result=success
NRestarts=0
ConditionResult=yes
UnitFileState=static
"""


@pytest.fixture(autouse=True)
def _programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """systemctl answers as on a box; no other program is there."""

    def run(argv: Sequence[str], **_: object) -> Completed:
        if argv[:2] == ("systemctl", "show"):
            return Completed(tuple(argv), 0, UNITS, "")
        raise OperationError(f"{argv[0]}: could not be started")

    monkeypatch.setattr("appliance.system.units.run", run)
    monkeypatch.setattr("appliance.system.radio.run", run)
