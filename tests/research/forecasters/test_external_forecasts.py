import numpy as np
import pandas as pd
import pytest

from include.contracts import HORIZON_COUNT, QUANTILE_COLUMNS
from include.errors import InvalidRequestError
from include.evaluation.har import har
from include.evaluation.walkforward import make_folds
from research.forecasters.external_forecasts import read_forecasts, write_requests
from tests.evaluation.fakes import day, made_up

HISTORIES = {"AAA": made_up(1500, 0, "AAA"), "BBB": made_up(1500, 1, "BBB")}
(FOLD,) = make_folds(day(150), day(160), 10)


@pytest.fixture
def file(tmp_path):
    """A file with HAR's forecasts for AAA, without the last bar."""
    quantiles = har(HISTORIES, FOLD)["AAA"][:-1]
    rows = FOLD.test_rows(HISTORIES["AAA"])
    closed_at = HISTORIES["AAA"].closed_at[rows][:-1]
    frame = pd.DataFrame(quantiles.reshape(-1, len(QUANTILE_COLUMNS)), columns=list(QUANTILE_COLUMNS))
    frame["ticker"] = "AAA"
    frame["closed_at"] = pd.DatetimeIndex(np.repeat(closed_at, HORIZON_COUNT)).tz_localize("UTC")
    frame["horizon"] = np.tile(np.arange(1, HORIZON_COUNT + 1), len(closed_at))
    path = tmp_path / "forecasts.parquet"
    frame.sample(frac=1.0, random_state=0).to_parquet(path)
    return path


def test_forecasts_are_read_for_their_bars_and_are_nan_for_other_bars(file):
    forecasts = read_forecasts(file)(HISTORIES, FOLD)
    assert list(forecasts) == ["AAA"]
    np.testing.assert_array_equal(forecasts["AAA"][:-1], har(HISTORIES, FOLD)["AAA"][:-1])
    assert np.isnan(forecasts["AAA"][-1]).all()


def test_the_requests_have_every_bar_its_fold_and_the_rows_of_the_training_set(tmp_path):
    folds = make_folds(day(150), day(160), 5)
    write_requests(HISTORIES, folds, tmp_path / "new" / "requests.parquet")
    requests = pd.read_parquet(tmp_path / "new" / "requests.parquet")
    assert len(requests) == sum(len(history) for history in HISTORIES.values())
    chosen = requests[requests["ticker"] == "BBB"].reset_index(drop=True)
    for fold in folds:
        rows = chosen[chosen["fold"] == fold.index]
        span = fold.test_rows(HISTORIES["BBB"])
        assert rows.index.tolist() == list(range(span.start, span.stop))
        known = chosen["closed_at"].dt.tz_localize(None) <= fold.cutoff
        assert set(rows["cutoff_row"]) == {int(known.sum())}


def test_a_file_that_is_missing_or_lacks_a_column_is_refused(tmp_path, file):
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        read_forecasts(tmp_path / "none.parquet")
    pd.read_parquet(file).drop(columns="q05").to_parquet(file)
    with pytest.raises(InvalidRequestError, match="lacks the columns q05"):
        read_forecasts(file)
