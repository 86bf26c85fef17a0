"""Cuts of the second village, held against the NOC's record: the steps of script/server --check, but the power cut."""

from __future__ import annotations

import pytest

from script.village.outages import Trial
from script.village.village import Village

pytestmark = [pytest.mark.root, pytest.mark.village, pytest.mark.timeout(600)]

TITLES = [title for title, _ in Trial(None, can_cut_power=False).steps()]  # type: ignore[arg-type] # only the titles


@pytest.fixture(scope="module")
def trial(village: Village) -> Trial:
    return Trial(village, can_cut_power=False)


@pytest.mark.parametrize("position", range(len(TITLES)), ids=TITLES)
def test_the_nocs_record_is_the_truth(trial: Trial, position: int) -> None:
    _, step = trial.steps()[position]
    assert step()
