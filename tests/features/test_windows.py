import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.contracts import HORIZON_COUNT, SCALE_COLUMNS, Dividend
from include.errors import DataContractError
from include.features.frame import WARM_UP_BARS, build_features
from include.features.windows import (
    CALENDAR_INPUTS,
    INPUT_LIMIT,
    INPUT_NAMES,
    MODEL_INPUT_COUNT,
    latest_window,
    make_series,
    model_inputs,
    window_ends,
)
from tests.features.fakes import constant_bars, random_bars


def series_of(bars):
    return make_series(build_features(bars), bars)


@given(seed=st.integers(0, 10_000), slot_count=st.sampled_from([7, 9, 24]), holes=st.sampled_from([0.0, 0.05]))
@settings(max_examples=12, deadline=None)
def test_scaling_round_trips_to_the_target_bars_close(seed, slot_count, holes):
    bars = random_bars(600, slot_count, seed, hole_ratio=holes)
    series = series_of(bars)
    close_at = dict(zip(bars["bar_number"], bars["close"], strict=True))
    number_at = dict(zip(bars["closed_at"].dt.tz_localize(None).to_numpy(), bars["bar_number"], strict=True))
    for row, horizon in np.argwhere(np.ones_like(series.has_target))[:: 1 + seed % 7]:
        target = close_at.get(number_at[series.closed_at[row]] + horizon + 1)
        assert series.has_target[row, horizon] == (target is not None)
        if target is None:
            assert series.y[row, horizon] == 0.0
        else:
            back = series.close[row] * np.exp(np.float64(series.y[row, horizon]) * series.scale[row, horizon])
            assert back == pytest.approx(target, rel=1e-6)


def test_arrays_have_the_stated_shapes_and_types():
    bars = random_bars(500, unknown_ratio=0.3)
    series = series_of(bars)
    row_count = len(bars) - WARM_UP_BARS
    assert (series.x.shape, series.x.dtype) == ((row_count, MODEL_INPUT_COUNT), np.float32)
    assert (series.y.shape, series.y.dtype) == ((row_count, HORIZON_COUNT), np.float32)
    assert (series.has_target.shape, series.has_target.dtype) == ((row_count, HORIZON_COUNT), np.bool_)
    assert (series.scale.shape, series.scale.dtype) == ((row_count, HORIZON_COUNT), np.float32)
    assert (series.close.shape, series.close.dtype) == ((row_count,), np.float64)
    assert series.closed_at.dtype == "datetime64[us]"


@given(seed=st.integers(0, 10_000), slot_count=st.sampled_from([7, 9, 24]))
@settings(max_examples=10, deadline=None)
def test_inputs_are_finite_and_clipped_and_most_lie_well_inside(seed, slot_count):
    x = series_of(random_bars(700, slot_count, seed, hole_ratio=0.01, unknown_ratio=0.3)).x
    assert np.isfinite(x).all()
    assert np.abs(x).max() <= INPUT_LIMIT
    assert np.mean(np.abs(x) == INPUT_LIMIT) < 0.01


def test_an_input_depends_on_its_feature_row_only():
    bars = random_bars(500)
    features = build_features(bars)
    whole, part = make_series(features, bars), make_series(features.iloc[100:110], bars)
    np.testing.assert_array_equal(part.x, whole.x[100:110])


def test_a_constant_price_gives_finite_inputs_and_targets_of_zero():
    series = series_of(constant_bars(400))
    assert np.isfinite(series.x).all()
    np.testing.assert_array_equal(series.y, 0.0)


def test_the_newest_rows_have_no_targets_nor_have_rows_whose_target_bar_is_missing():
    bars = random_bars(400)
    whole = series_of(bars)
    np.testing.assert_array_equal(whole.has_target[-1], False)
    np.testing.assert_array_equal(whole.has_target[-8], True)
    hole = make_series(build_features(bars), bars.drop(index=350))
    rows_before = np.array([row in (349, 348) for row in range(WARM_UP_BARS, 400) if row != 350])
    np.testing.assert_array_equal(hole.has_target[rows_before][:, :2], [[True, False], [False, True]])


def test_rows_without_a_bar_or_without_features_are_left_out():
    bars = random_bars(400)
    features = build_features(bars)
    series = make_series(features.iloc[5:], bars.iloc[:390])
    assert len(series.x) == len(features) - 15
    assert len(make_series(features.iloc[:0], bars).x) == 0
    assert len(make_series(features, bars.iloc[:0]).x) == 0


def test_a_window_ends_where_it_is_full_and_a_target_is_known():
    series = series_of(random_bars(WARM_UP_BARS + 100))
    np.testing.assert_array_equal(window_ends(series, 32), np.arange(31, 99))
    assert len(window_ends(series, 101)) == 0


def test_the_latest_window_ends_at_the_newest_row():
    series = series_of(random_bars(WARM_UP_BARS + 100))
    np.testing.assert_array_equal(latest_window(series, 32), series.x[-32:])
    assert latest_window(series, 100).shape == (100, MODEL_INPUT_COUNT)


def test_too_short_a_history_for_a_window_is_an_error():
    with pytest.raises(DataContractError, match="64 feature rows, but there are 10"):
        latest_window(series_of(random_bars(WARM_UP_BARS + 10)), 64)


def test_rows_out_of_order_are_refused():
    bars = random_bars(300)
    with pytest.raises(DataContractError, match="out of order"):
        make_series(build_features(bars), bars.iloc[::-1])


def test_targets_are_in_units_of_the_rows_scale():
    bars = random_bars(600, slot_count=24)
    features = build_features(bars)
    doubled = features.assign(**{name: features[name] * 2.0 for name in SCALE_COLUMNS})
    np.testing.assert_allclose(make_series(doubled, bars).y * 2.0, make_series(features, bars).y, rtol=1e-6)


def test_dividends_are_in_the_features_and_not_among_the_networks_inputs():
    bars = random_bars(400)
    features = build_features(bars, [Dividend("TEST", bars["opened_at"].iloc[350].to_pydatetime(), 0.4)])
    assert (features["dividend_gap"] != 0).sum() == 1
    assert make_series(features, bars).x.tobytes() == series_of(bars).x.tobytes()


def test_each_input_has_its_name_and_is_the_same_without_bars():
    bars = random_bars(500, unknown_ratio=0.3)
    features, series = build_features(bars), series_of(bars)
    assert np.array_equal(model_inputs(features), series.x)
    assert len(set(INPUT_NAMES)) == MODEL_INPUT_COUNT
    assert set(CALENDAR_INPUTS) <= set(INPUT_NAMES)
    inputs = dict(zip(INPUT_NAMES, series.x.T, strict=True))
    for name, gain in (("surprise", 1.0), ("level", 2.0), ("is_session_first", 1.0)):
        expected = np.clip(gain * features[name].to_numpy(np.float64), -INPUT_LIMIT, INPUT_LIMIT)
        assert np.allclose(inputs[name], expected, atol=1e-6)
    assert np.allclose(inputs["still_ratio"], 2.0 * features["still_ratio"], atol=1e-6)
    assert np.allclose(inputs["session_length"], np.log(24.0 / features["slot_count"]), atol=1e-6)
    assert np.allclose(inputs["bars_to_break"], features["bars_to_break"] / 4.0 - 1.0, atol=1e-6)
