import numpy as np
import pandas as pd
import pytest

from include.contracts import HORIZON_COUNT, QUANTILE_COLUMNS
from include.errors import InvalidRequestError
from include.evaluation.har import har
from include.evaluation.walkforward import make_folds
from research.forecasters.external_forecasts import read_answers, write_questions
from tests.evaluation.fakes import day, made_up

HISTORIES = {"AAA": made_up(1500, 0, "AAA"), "BBB": made_up(1500, 1, "BBB")}
(FOLD,) = make_folds(day(150), day(160), 10)


@pytest.fixture
def file(tmp_path):
    """HAR's answers for AAA, without the last bar."""
    quantiles = har(HISTORIES, FOLD)["AAA"][:-1]
    rows = FOLD.test_rows(HISTORIES["AAA"])
    closed_at = HISTORIES["AAA"].closed_at[rows][:-1]
    frame = pd.DataFrame(quantiles.reshape(-1, len(QUANTILE_COLUMNS)), columns=list(QUANTILE_COLUMNS))
    frame["ticker"] = "AAA"
    frame["closed_at"] = pd.DatetimeIndex(np.repeat(closed_at, HORIZON_COUNT)).tz_localize("UTC")
    frame["horizon"] = np.tile(np.arange(1, HORIZON_COUNT + 1), len(closed_at))
    path = tmp_path / "answers.parquet"
    frame.sample(frac=1.0, random_state=0).to_parquet(path)
    return path


def test_answers_come_back_where_they_belong_and_are_unknown_elsewhere(file):
    answers = read_answers(file)(HISTORIES, FOLD)
    assert list(answers) == ["AAA"]
    np.testing.assert_array_equal(answers["AAA"][:-1], har(HISTORIES, FOLD)["AAA"][:-1])
    assert np.isnan(answers["AAA"][-1]).all()


def test_the_questions_hold_every_bar_and_say_which_are_asked_and_what_may_be_learnt_from(tmp_path):
    folds = make_folds(day(150), day(160), 5)
    write_questions(HISTORIES, folds, tmp_path / "new" / "questions.parquet")
    asked = pd.read_parquet(tmp_path / "new" / "questions.parquet")
    assert len(asked) == sum(len(history) for history in HISTORIES.values())
    own = asked[asked["ticker"] == "BBB"].reset_index(drop=True)
    for fold in folds:
        rows = own[own["fold"] == fold.index]
        span = fold.test_rows(HISTORIES["BBB"])
        assert rows.index.tolist() == list(range(span.start, span.stop))
        known = own["closed_at"].dt.tz_localize(None) <= fold.cutoff
        assert set(rows["cutoff_row"]) == {int(known.sum())}


def test_a_file_that_is_missing_or_lacks_a_column_is_refused(tmp_path, file):
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        read_answers(tmp_path / "none.parquet")
    pd.read_parquet(file).drop(columns="q05").to_parquet(file)
    with pytest.raises(InvalidRequestError, match="lacks the columns q05"):
        read_answers(file)
