"""The nouns that travel: they survive the trip through XCom, and their columns fit together."""

from dataclasses import FrozenInstanceError, fields, is_dataclass
from datetime import UTC, datetime, timedelta, timezone
from inspect import getmembers, isclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include import contracts
from include.contracts import (
    BAR_COLUMNS,
    CRPS_WEIGHTS,
    FEATURE_COLUMNS,
    HORIZON_COUNT,
    INDICATOR_COLUMNS,
    QUANTILE_COLUMNS,
    QUANTILE_LEVELS,
    SCALE_COLUMNS,
    SLOT_COLUMNS,
    STATE_COLUMNS,
    OutcomeStatus,
    Shard,
    Stage,
    TickerStatus,
    require_utc,
)
from include.errors import DataContractError

AS_OF = datetime.fromisoformat("2025-03-31T20:35:00+00:00")
NOUNS = [kind for _, kind in getmembers(contracts, isclass) if is_dataclass(kind)]
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
instants = st.datetimes(
    min_value=datetime(1950, 1, 1),  # noqa: DTZ001  # made aware by the zones
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001  # made aware by the zones
    timezones=zones,
)


@given(as_of=instants, index=st.integers(0, 500), count=st.integers(1, 500))
def test_a_shard_comes_out_of_xcom_as_it_went_in(as_of, index, count):
    shard = Shard(as_of=as_of.astimezone(UTC), index=index, count=count)
    assert Shard.from_dict(shard.to_dict()) == shard


def test_a_shard_travels_as_plain_values():
    assert Shard(as_of=AS_OF, index=1, count=4).to_dict() == {
        "as_of": "2025-03-31T20:35:00+00:00",
        "index": 1,
        "count": 4,
    }


def test_a_shard_without_a_time_zone_is_refused():
    with pytest.raises(DataContractError, match="as_of=2025-03-31T20:35:00 has no time zone"):
        Shard.from_dict({"as_of": "2025-03-31T20:35:00", "index": 0, "count": 1})


@given(instants)
def test_an_aware_datetime_stays_the_same_instant_and_becomes_utc(moment):
    assert require_utc(moment, "as_of") == moment
    assert require_utc(moment, "as_of").tzinfo is UTC


@given(st.datetimes())
def test_naive_datetimes_are_refused(moment):
    with pytest.raises(DataContractError, match="closed_at"):
        require_utc(moment, "closed_at")


@pytest.mark.parametrize("noun", NOUNS)
def test_a_noun_cannot_be_changed_on_its_way(noun):
    made = noun(**{field.name: None for field in fields(noun)})
    with pytest.raises(FrozenInstanceError):
        setattr(made, fields(noun)[0].name, "other")


def test_the_stages_of_an_hour_are_ranked_in_their_order():
    assert [stage.rank for stage in Stage] == list(range(len(Stage)))
    assert Stage.PLANNED.rank < Stage.FETCHED.rank < Stage.FEATURED.rank < Stage.TRAINED.rank < Stage.PREDICTED.rank


def test_states_are_the_words_that_people_read():
    assert [status.value for status in TickerStatus] == [
        "pending",
        "backfilling",
        "training",
        "active",
        "stale",
        "rejected",
        "failed",
        "retired",
    ]
    assert f"{OutcomeStatus.FALLBACK}" == "fallback"


def test_quantile_levels_rise_and_mirror_each_other_about_the_median():
    assert all(low < high for low, high in pairwise(QUANTILE_LEVELS))
    assert [round(1 - level, 6) for level in reversed(QUANTILE_LEVELS)] == list(QUANTILE_LEVELS)
    assert QUANTILE_LEVELS[len(QUANTILE_LEVELS) // 2] == 0.5


def test_a_quantile_column_is_named_after_its_level():
    assert [float(f"0.{column.removeprefix('q')}") for column in QUANTILE_COLUMNS] == list(QUANTILE_LEVELS)


def test_crps_weights_nearly_cover_all_levels_and_are_the_same_on_both_sides():
    assert len(CRPS_WEIGHTS) == len(QUANTILE_LEVELS)
    assert 0.98 < sum(CRPS_WEIGHTS) < 1  # the rest lies beyond the outermost levels
    assert tuple(reversed(CRPS_WEIGHTS)) == CRPS_WEIGHTS


def test_there_is_a_scale_and_a_next_slot_for_every_horizon():
    horizons = range(1, HORIZON_COUNT + 1)
    assert list(SCALE_COLUMNS) == [f"scale_{horizon}" for horizon in horizons]
    assert list(SLOT_COLUMNS[-HORIZON_COUNT:]) == [f"next_slot_{horizon}" for horizon in horizons]


@pytest.mark.parametrize("columns", [BAR_COLUMNS, SLOT_COLUMNS, FEATURE_COLUMNS])
def test_no_column_is_named_twice(columns):
    assert len(set(columns)) == len(columns)


def test_features_are_the_indicators_then_the_state_then_the_scales():
    assert FEATURE_COLUMNS == INDICATOR_COLUMNS + STATE_COLUMNS + SCALE_COLUMNS
