"""The trial of the tests of drift: what changes, when, and what is found."""

import json

import numpy as np
import pytest

from research import drift_trial
from research.drift_trial import FIRST_DAYS, HOURS, QUIET_DAYS, market, trial

CHANGE = (FIRST_DAYS + QUIET_DAYS) * HOURS


def test_the_market_is_the_same_up_to_the_change_and_another_one_after_it() -> None:
    quiet, doubled = market(3, "quiet"), market(3, "volatility")
    assert np.array_equal(quiet[:CHANGE], doubled[:CHANGE])
    assert np.array_equal(2.0 * quiet[CHANGE:], doubled[CHANGE:])
    assert np.std(market(3, "tails")[CHANGE:]) == pytest.approx(np.std(quiet[CHANGE:]), rel=0.25)


def test_narrow_forecasts_are_found_and_a_quiet_market_gives_no_alarm(capsys: pytest.CaptureFixture[str]) -> None:
    assert drift_trial.main(["1", "--variants", "quiet", "narrow"]) == 0
    quiet, narrow = map(json.loads, capsys.readouterr().out.splitlines())
    alarms = [quiet[f"{kind}_{when}"] for kind in ("coverage", "pit", "shape", "skill") for when in ("false", "delay")]
    assert alarms == [None] * 8
    assert (narrow["coverage_false"], narrow["variant"]) == (None, "narrow")
    assert 10 <= narrow["coverage_delay"] <= 70


def test_a_moved_shape_of_the_day_is_found_by_its_own_test() -> None:
    found = trial(3, "shape")
    assert 20 <= found["shape_delay"] <= 95
    assert found["coverage_delay"] is None
