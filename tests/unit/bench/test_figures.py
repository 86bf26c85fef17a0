"""Figures of a bench."""

from __future__ import annotations

import pytest

from tests.bench import figures


def test_what_came_once_is_no_trend() -> None:
    assert figures.trend([164.6] * 5 + [166.5] * 10) == 0
    assert abs(figures.trend([50.0, 50.2, 49.9, 50.1, 50.0, 49.8, 50.1])) < 0.05


@pytest.mark.parametrize("step", [1, 5, 7])
def test_what_comes_again_and_again_is_a_trend_also_in_steps(step: int) -> None:
    sizes = [50 + 0.3 * step * (i // step) for i in range(22)]
    assert figures.trend(sizes) == pytest.approx(0.3, abs=0.1)
