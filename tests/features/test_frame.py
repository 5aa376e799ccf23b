import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.contracts import FEATURE_COLUMNS, PRICE_COLUMNS
from include.errors import DataContractError
from include.features.frame import WARM_UP_BARS, build_features, build_newest_features, lookback_bars
from tests.features.fakes import constant_bars, random_bars

SLOT_COUNTS = (7, 9, 24)
LOOKBACK_BARS = lookback_bars(7)


def bits(features):
    return features[list(FEATURE_COLUMNS)].to_numpy().tobytes()


@given(seed=st.integers(0, 10_000), slot_count=st.sampled_from(SLOT_COUNTS), holes=st.sampled_from([0.0, 0.02]))
@settings(max_examples=12, deadline=None)
def test_features_at_a_bar_do_not_change_when_later_bars_change(seed, slot_count, holes):
    bars = random_bars(700, slot_count, seed, hole_ratio=holes, unknown_ratio=0.2)
    cut = 300 + seed % 350
    changed = bars.copy()
    changed.loc[cut:, [*PRICE_COLUMNS, "volume"]] *= 3.0
    before, after = build_features(bars), build_features(changed)
    row_count = cut - WARM_UP_BARS
    assert bits(before.iloc[:row_count]) == bits(after.iloc[:row_count])
    assert bits(build_features(bars.iloc[:cut])) == bits(before.iloc[:row_count])


@given(
    seed=st.integers(0, 10_000),
    slot_count=st.sampled_from(SLOT_COUNTS),
    row_count=st.integers(0, 40),
    extra=st.integers(0, 900),
    holes=st.sampled_from([0.0, 0.02]),
)
@settings(max_examples=25, deadline=None)
def test_the_newest_rows_have_the_same_bits_from_their_look_back_as_from_the_whole_history(
    seed, slot_count, row_count, extra, holes
):
    look_back = lookback_bars(slot_count)
    bars = random_bars(look_back + 50 + extra, slot_count, seed, hole_ratio=holes, unknown_ratio=0.3)
    whole = build_features(bars)
    read = bars.iloc[max(len(bars) - look_back - row_count, 0) :]
    newest = build_newest_features(read, row_count)
    assert len(newest) == row_count
    pd.testing.assert_frame_equal(newest, whole.iloc[len(whole) - row_count :].reset_index(drop=True))
    assert bits(newest) == bits(whole.iloc[len(whole) - row_count :])


@given(seed=st.integers(0, 10_000), count=st.integers(0, LOOKBACK_BARS))
@settings(max_examples=12, deadline=None)
def test_a_young_ticker_gets_the_same_rows_hour_by_hour_as_all_at_once(seed, count):
    bars = random_bars(count, seed=seed)
    whole = build_features(bars)
    assert bits(build_newest_features(bars, 3)) == bits(whole.iloc[max(len(whole) - 3, 0) :])


def test_a_row_depends_on_the_oldest_bar_of_its_look_back_and_on_no_older_bar():
    bars = random_bars(LOOKBACK_BARS + 100, seed=5)
    oldest = len(bars) - LOOKBACK_BARS
    before, oldest_changed = bars.copy(), bars.copy()
    before.loc[: oldest - 1, list(PRICE_COLUMNS)] *= 2.0
    oldest_changed.loc[oldest, list(PRICE_COLUMNS)] *= 2.0
    newest = bits(build_features(bars).iloc[-1:])
    assert bits(build_features(before).iloc[-1:]) == newest
    assert bits(build_features(oldest_changed).iloc[-1:]) != newest


@pytest.mark.parametrize("slot_count", SLOT_COUNTS)
def test_features_are_finite_float32_in_the_contracts_order_after_the_warm_up(slot_count):
    bars = random_bars(900, slot_count, unknown_ratio=0.5)
    features = build_features(bars)
    assert list(features.columns) == ["ticker", "closed_at", *FEATURE_COLUMNS]
    assert (features[list(FEATURE_COLUMNS)].dtypes == np.float32).all()
    assert np.isfinite(features[list(FEATURE_COLUMNS)].to_numpy()).all()
    assert features["closed_at"].tolist() == bars["closed_at"].iloc[WARM_UP_BARS:].tolist()
    assert set(features["ticker"]) == {"TEST"}


@given(price=st.floats(1e-4, 1e6), slot_count=st.sampled_from(SLOT_COUNTS))
@settings(max_examples=15, deadline=None)
def test_a_constant_series_gives_finite_features_and_a_positive_scale(price, slot_count):
    values = build_features(constant_bars(400, price, slot_count))[list(FEATURE_COLUMNS)]
    assert np.isfinite(values.to_numpy()).all()
    assert (values.filter(like="scale_") > 0.0).all(axis=None)


def test_an_extreme_jump_gives_finite_features():
    bars = random_bars(600)
    bars.loc[500:, list(PRICE_COLUMNS)] *= 1e6
    bars.loc[400, "volume"] = 1e15
    assert np.isfinite(build_features(bars)[list(FEATURE_COLUMNS)].to_numpy()).all()


@pytest.mark.parametrize("count", [0, 1, 2, WARM_UP_BARS])
def test_too_few_bars_give_an_empty_frame_of_the_same_shape(count):
    features = build_features(random_bars(count))
    assert features.empty
    assert list(features.columns) == ["ticker", "closed_at", *FEATURE_COLUMNS]
    assert (features[list(FEATURE_COLUMNS)].dtypes == np.float32).all()
    assert str(features["closed_at"].dtype) == "datetime64[us, UTC]"


def test_features_of_the_day_lie_in_their_stated_ranges():
    features = build_features(random_bars(900, slot_count=24, unknown_ratio=0.2))
    assert features["minutes_to_close_ratio"].between(0.0, 1.0).all()
    assert features["rsi_14"].between(0.0, 100.0).all()
    assert features["stochastic_k_14"].between(0.0, 100.0).all()
    assert features["obv_ratio_20"].between(-1.0, 1.0).all()
    assert (features.loc[features["has_volume"] == 0.0, "volume_ratio_20"] == 0.0).all()
    np.testing.assert_allclose(features["slot_sin"] ** 2 + features["slot_cos"] ** 2, 1.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda bars: bars.drop(columns="next_slot_3"), "next_slot_3"),
        (lambda bars: bars.iloc[::-1], "out of order"),
        (lambda bars: pd.concat([bars, bars.iloc[-1:]]), "doubled"),
        (lambda bars: bars.assign(ticker=["A", *["B"] * (len(bars) - 1)]), "one ticker at a time"),
        (lambda bars: bars.assign(low=0.0), "not a positive number"),
        (lambda bars: bars.assign(close=np.nan), "not a positive number"),
    ],
)
def test_bars_of_several_tickers_out_of_order_or_with_wrong_prices_are_refused(spoil, message):
    with pytest.raises(DataContractError, match=message):
        build_features(spoil(random_bars(300)))


def test_a_negative_number_of_rows_is_refused():
    with pytest.raises(DataContractError, match="-1"):
        build_newest_features(random_bars(300), -1)
