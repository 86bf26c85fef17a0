"""What the NOC has of both villages after all that the tests before did to them.

The cuts themselves are held against the NOC's record by script/server --check, which test_server.py runs.
"""

from __future__ import annotations

import pytest

from script.village.outages import Trial
from script.village.village import Village

pytestmark = [pytest.mark.root, pytest.mark.village, pytest.mark.timeout(600)]


def test_every_record_came_once(village: Village) -> None:
    trial = Trial(village, can_cut_power=False)
    assert trial.both_known()
    assert trial.complete()
