"""What a stored forecast says: targets by the calendar, anchors by what was known, widths by the ticker's own past."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from include.contracts import HORIZON_COUNT, QUANTILE_COLUMNS, QUANTILE_LEVELS, ModelRef
from include.evaluation.walkforward import Fold
from include.model.calibration import widen_calm
from include.model.transformer import reference_quantiles
from include.pipeline.data import featuring
from include.pipeline.data.histories import history_of
from include.pipeline.models import forecasting, networks
from include.pipeline.models.ahead import Ahead
from include.pipeline.models.anchors import Anchor, ModelForecast
from include.pipeline.models.forecasting import LARGEST_LOG_RETURN
from include.pipeline.pretraining.backbone_forecaster import BackboneForecaster
from include.store.bars import load_bars
from include.store.engine import transaction
from include.store.models import serving_versions
from tests.support.products import AT, HOUR, NEW_YORK, ROUND_THE_CLOCK, Product

pytestmark = pytest.mark.integration
NOVA = ROUND_THE_CLOCK[0]
ALFA = NEW_YORK[0]


def test_fridays_last_bar_forecasts_mondays_first(product: Product) -> None:
    friday = datetime(2025, 4, 4, 20, 35, tzinfo=UTC)
    product.onboard(ALFA, as_of=friday)
    rows = product.query("select target_at, anchored_at from forecast.prediction_by_horizon order by horizon")
    assert {anchored for _, anchored in rows} == {datetime(2025, 4, 4, 20, tzinfo=UTC)}
    monday = datetime(2025, 4, 7, 14, 30, tzinfo=UTC)
    assert [target for target, _ in rows] == [
        *(monday + timedelta(hours=hour) for hour in range(6)),
        datetime(2025, 4, 7, 20, tzinfo=UTC),
    ]


def test_a_forecast_over_good_friday_steps_over_it(product: Product) -> None:
    thursday = datetime(2025, 4, 17, 20, 35, tzinfo=UTC)
    product.onboard(ALFA, as_of=thursday)
    ((target,),) = product.query("select target_at from forecast.prediction_by_horizon where horizon = 1")
    assert target == datetime(2025, 4, 21, 14, 30, tzinfo=UTC)


def test_no_forecast_starts_from_a_bar_that_closed_after_its_instant(product: Product) -> None:
    product.onboard(NOVA, ALFA)
    for hours in range(1, 4):
        product.run_hour(AT + hours * HOUR)
    assert product.query("select count(*) from forecast.prediction_by_horizon where anchored_at > as_of") == [(0,)]
    assert product.query("select count(*) from forecast.prediction_by_horizon where target_at <= anchored_at") == [(0,)]


def test_widths_are_calibrated_once_enough_of_the_tickers_own_forecasts_have_matured(product: Product) -> None:
    product.onboard(NOVA)
    for hours in range(1, 30):
        product.run_hour(AT + hours * HOUR)
    ((first,),) = product.query(
        "select width_factor from forecast.prediction_by_horizon where as_of = %s and horizon = 1", AT
    )
    ((last,),) = product.query(
        "select width_factor from forecast.prediction_by_horizon where as_of = %s and horizon = 1", AT + 29 * HOUR
    )
    assert first == 1.0
    assert last != 1.0


def test_a_first_forecast_is_the_networks_and_wider_in_a_calm_hour(product: Product) -> None:
    calm_at = datetime(2025, 3, 19, 18, 35, tzinfo=UTC)
    product.onboard(NOVA, as_of=calm_at)
    ((level,),) = product.query("select level from forecast.feature order by closed_at desc limit 1")
    stored = product.query(
        f"select last_close, {', '.join(QUANTILE_COLUMNS)} from forecast.prediction_by_horizon order by horizon"
    )
    with transaction(product.services.engine) as connection:
        bars = load_bars(connection, [NOVA], calm_at)
        (version,) = serving_versions(connection, [NOVA], calm_at)[NOVA]
    history = history_of(bars.reset_index(drop=True), product.market.describe([NOVA], calm_at)[0][NOVA])
    newest = history.closed_at[-1]
    state = networks.load_models(product.services, {NOVA: [version.ref]}).state
    assert state is not None
    forecaster = BackboneForecaster(state, is_calibrated=False)
    (network,) = forecaster({NOVA: history}, Fold(0, newest, newest, newest + np.timedelta64(1, "us")))[NOVA]
    prices = np.array(stored, dtype=np.float64)
    found = np.log(prices[:, 1:] / prices[:, :1])
    assert level < -0.2
    np.testing.assert_allclose(found, widen_calm(network, np.array(level)), rtol=1e-4, atol=1e-7)


def forecast_again(product: Product, as_of: datetime) -> tuple[str, str | None]:
    """The ticker's outcome and its reason if the forecast of ``as_of`` is made again from what is stored now."""
    product.query("delete from forecast.prediction; delete from forecast.baseline_prediction; commit")
    profiles = list(product.market.describe([NOVA], as_of)[0].values())
    ((status, reason),) = forecasting.forecast(product.services, profiles, as_of, written_by="hourly").values()
    return status.value, reason


def test_a_shard_in_portions_of_one_ticker_stores_the_same_rows(
    product: Product, monkeypatch: pytest.MonkeyPatch
) -> None:
    product.onboard(*ROUND_THE_CLOCK)
    product.run_hour(AT + HOUR)
    rows = (
        "select to_jsonb(p) - 'made_at' - 'written_number' from forecast.prediction p "
        "where as_of = '{0}' order by ticker, as_of"
    )
    features = "select to_jsonb(f) from forecast.feature f order by ticker, closed_at"
    before = product.query(rows.format(AT + HOUR)), product.query(features)
    product.query(f"delete from forecast.prediction where as_of = '{AT + HOUR}'; commit")
    product.query(f"delete from forecast.feature where known_at = '{AT + HOUR}'; commit")
    profiles = list(product.market.describe(list(ROUND_THE_CLOCK), AT + HOUR)[0].values())
    sizes: list[int] = []
    made = forecasting.make_forecasts

    def counted(services, portion, *more, **named):
        sizes.append(len(portion))
        return made(services, portion, *more, **named)

    monkeypatch.setattr(forecasting, "make_forecasts", counted)
    monkeypatch.setattr(featuring, "PORTION_TICKERS", 1)
    count, problems = featuring.update_features(product.services.engine, profiles, AT + HOUR)
    results = forecasting.forecast(product.services, profiles, AT + HOUR, written_by="hourly")

    assert (count, problems, len(results), sizes) == (2, {}, 2, [1, 1])
    assert (product.query(rows.format(AT + HOUR)), product.query(features)) == before


def stored_fallback(product: Product) -> list[tuple[bool, str]]:
    return product.query("select distinct is_fallback, fallback_reason from forecast.prediction_by_horizon")


def test_without_features_of_the_newest_bar_the_forecast_is_a_fallback(product: Product) -> None:
    """The model's newest window then ends at an earlier bar, from which it could still forecast."""
    product.onboard(NOVA)
    assert forecast_again(product, AT) == ("forecast", None)
    product.query(
        "delete from forecast.feature where closed_at = (select max(closed_at) from forecast.feature); commit"
    )
    status, reason = forecast_again(product, AT)
    assert status == "fallback"
    assert reason == f"the newest bar, closed at {AT.replace(minute=0).isoformat()}, has no features"
    assert stored_fallback(product) == [(True, reason)]


def test_a_model_whose_quantiles_are_no_plausible_log_returns_is_replaced_by_a_fallback(product: Product) -> None:
    """The scale of one horizon is wrong by orders of magnitude, so are the quantiles that are multiplied by it."""
    product.onboard(NOVA)
    product.query("update forecast.feature set scale_7 = 5.0; commit")
    status, reason = forecast_again(product, AT)
    assert status == "fallback"
    assert reason is not None
    assert "gave quantiles that are no plausible log returns" in reason
    assert stored_fallback(product) == [(True, reason)]


@pytest.mark.parametrize(
    ("largest", "is_usable"),
    [
        (LARGEST_LOG_RETURN, True),
        (-LARGEST_LOG_RETURN, True),
        (LARGEST_LOG_RETURN * 1.001, False),
        (-LARGEST_LOG_RETURN * 1.001, False),
        (np.nan, False),
        (np.inf, False),
    ],
)
def test_a_quantile_must_be_finite_and_within_the_largest_log_return(largest: float, is_usable: bool) -> None:
    closed_at = AT.replace(minute=0)
    quantiles = np.tile(0.01 * np.asarray(reference_quantiles(QUANTILE_LEVELS)), (HORIZON_COUNT, 1))
    quantiles[3, -1 if largest > 0 else 0] = largest
    flat = np.zeros_like(quantiles)
    nothing = Ahead(np.ones(HORIZON_COUNT), np.ones(HORIZON_COUNT), [])
    anchor = Anchor(NOVA, AT, closed_at, 100.0, [], flat, flat, nothing)
    read_until = np.datetime64(closed_at.replace(tzinfo=None), "us")
    forecast = ModelForecast(quantiles, ModelRef(NOVA, "version", "file", 0), read_until, np.ones(HORIZON_COUNT))
    assert (forecasting._problem_of(forecast, anchor) is None) == is_usable
