"""A resident's walk through a real village, step by step: the same steps as script/server --check."""

from __future__ import annotations

import pytest

from script.village.village import Village
from script.village.walk import Walk

pytestmark = [pytest.mark.root, pytest.mark.village]

TITLES = [title for title, _ in Walk(None).steps()]  # type: ignore[arg-type] # only the titles, nothing is run


@pytest.mark.parametrize("position", range(len(TITLES)), ids=TITLES)
def test_step_of_the_walk_holds(village: Village, position: int) -> None:
    _, step = Walk(village).steps()[position]
    assert step()
