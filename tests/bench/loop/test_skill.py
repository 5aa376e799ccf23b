"""The skill over days, and its standard error."""

import math

import pytest

from bench.loop.skill import skill_of


def test_the_skill_is_the_share_of_hars_crps_that_is_saved() -> None:
    found = skill_of([(8.0, 10.0, 0.9), (16.0, 20.0, 0.8), (24.0, 30.0, 1.0)])
    assert found is not None
    assert found.ratio == pytest.approx(0.2)
    assert found.error == pytest.approx(0.0, abs=1e-12), "every day saved the same share"
    assert found.coverage_90 == pytest.approx(0.9)
    assert found.day_count == 3


def test_the_error_is_that_of_the_mean_over_days() -> None:
    found = skill_of([(9.0, 10.0, 0.9), (11.0, 10.0, 0.9), (9.0, 10.0, 0.9), (11.0, 10.0, 0.9)])
    assert found is not None
    assert found.ratio == pytest.approx(0.0)
    assert found.error == pytest.approx(math.sqrt(4.0 / 3.0) / 2.0 / 10.0)
    assert found.in_words == "+0.0 ± 5.8 %"


def test_one_day_says_nothing() -> None:
    assert skill_of([(1.0, 1.0, 1.0)]) is None
