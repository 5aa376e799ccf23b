"""The form of an export: names as a person types them, and a clear refusal of what cannot be meant."""

import pytest

from include.errors import InvalidRequestError
from include.pipeline.exporting.request import ExportRequest

ALL = {"bars": "bar", "features": "feature", "forecasts": "forecast"}


def test_an_empty_form_means_bars_features_and_forecasts_of_all_months() -> None:
    for form in ({}, {"views": None, "months": None, "target": None}, {"views": [""], "months": [""], "target": " "}):
        assert ExportRequest.from_params(form) == ExportRequest(ALL, (), None)


def test_names_and_months_may_be_separated_as_one_likes() -> None:
    form = {"views": ["bars, accuracy", "bi.accuracy"], "months": ["2026-11 2026-10", "2026-11"], "target": "s3://a"}

    assert ExportRequest.from_params(form) == ExportRequest(
        {"bars": "bar", "accuracy": "accuracy"}, ("2026-10", "2026-11"), "s3://a"
    )


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "november", "2026-11-01"])
def test_what_is_no_month_is_refused_with_an_example(month: str) -> None:
    with pytest.raises(InvalidRequestError, match=f"'{month}' is no month; write it like 2026-11"):
        ExportRequest.of([], [month], None)


def test_a_misspelt_parameter_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match=r"'view' is not a parameter; .* views, months, target"):
        ExportRequest.from_params({"view": ["bars"]})
