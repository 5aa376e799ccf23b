"""Forecasts by a backbone from a frame of bars alone."""

import numpy as np
import pandas as pd
import pytest

from include.contracts import QUANTILE_COLUMNS
from include.errors import InvalidRequestError
from include.features.windows import MODEL_INPUT_COUNT
from include.market import sessions
from include.model.backbone import load_backbone
from include.model.config import model_config
from include.settings import ModelSettings
from tests.evaluation.fakes import returns
from tracking.latest import forecast_latest

STATE = load_backbone(model_config(ModelSettings(), MODEL_INPUT_COUNT)).state


def bars(ticker: str, calendar: str, days: int = 200) -> pd.DataFrame:
    since = pd.Timestamp("2025-03-03", tz="UTC")
    grid = sessions.bar_grid(calendar, since.to_pydatetime(), (since + pd.Timedelta(days=days)).to_pydatetime())
    close = 40.0 * np.exp(np.cumsum(returns(len(grid), 3)))
    prices = {"open": close, "high": close * 1.001, "low": close * 0.999, "close": close}
    return pd.DataFrame({"ticker": ticker, "opened_at": grid["opened_at"], **prices, "volume": 5.0})


def test_each_ticker_gets_quantiles_in_order_at_the_next_seven_closes() -> None:
    given = pd.concat([bars("AAPL", "XNYS"), bars("BTC-USD", "24/7", 40)])

    found = forecast_latest(STATE, given)

    assert list(found["ticker"]) == ["AAPL"] * 7 + ["BTC-USD"] * 7
    quantiles = found[list(QUANTILE_COLUMNS)].to_numpy()
    assert (np.diff(quantiles, axis=1) > 0).all()
    share = found[found["ticker"] == "AAPL"]
    anchored_at = share["anchored_at"].iloc[0]
    assert list(share["target_at"]) == sessions.next_closes("XNYS", anchored_at.to_pydatetime(), 7)
    assert anchored_at == sessions.closed_at_of(given.loc[given["ticker"] == "AAPL", "opened_at"], "XNYS").iloc[-1]
    last = given.loc[given["ticker"] == "AAPL", "close"].iloc[-1]
    assert share["q50"].to_numpy() == pytest.approx(last, rel=0.01)
    assert (share["q05"] < last).all() and (share["q95"] > last).all()  # noqa: PT018  # one claim
    widths = (share["q95"] - share["q05"]).to_numpy()
    assert widths[-1] > widths[0]


def test_a_forecast_does_not_depend_on_the_order_of_the_bars_or_on_other_tickers() -> None:
    share = bars("AAPL", "XNYS")

    alone = forecast_latest(STATE, share)
    mixed = forecast_latest(STATE, pd.concat([bars("BTC-USD", "24/7", 40), share.iloc[::-1]]))

    pd.testing.assert_frame_equal(alone, mixed[mixed["ticker"] == "AAPL"].reset_index(drop=True))


def test_too_few_bars_give_no_number() -> None:
    assert forecast_latest(STATE, bars("AAPL", "XNYS").head(20))["q50"].isna().all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.drop(columns="close"), "missing: close"),
        (lambda frame: frame.head(0), "missing: rows"),
        (lambda frame: frame.assign(opened_at=frame["opened_at"] + pd.Timedelta(minutes=7)), "none of"),
    ],
    ids=["without a column", "without a row", "off the calendar"],
)
def test_what_is_no_bar_is_refused_with_the_reason(change, said) -> None:
    with pytest.raises(InvalidRequestError, match=said):
        forecast_latest(STATE, change(bars("AAPL", "XNYS", 30)))
