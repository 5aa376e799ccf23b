"""The README fits on one screen, and uses no term that it has not explained."""

import re

import pytest

from include.local.forecasts import forecast_table
from tests.architecture.project import PROJECT_DIR

README = (PROJECT_DIR / "README.md").read_text(encoding="utf-8")
LONGEST = 150
TERMS_OF_LATER_PAGES = (
    "backbone", "calibration", "challenger", "edge", "e-value", "fallback", "HAR", "matured", "serves", "shard", "slot",
    "wager", "wealth",
)  # fmt: skip


def test_the_readme_is_short():
    assert len(README.splitlines()) <= LONGEST


@pytest.mark.parametrize("term", TERMS_OF_LATER_PAGES)
def test_the_readme_uses_no_term_that_only_later_pages_explain(term):
    assert re.findall(rf"\b{term}\b", README) == []


def test_the_readme_names_no_setting():
    assert re.findall(r"\bHOURCAST_[A-Z_]+", README) == []


def test_the_picture_has_the_columns_of_the_table_that_is_printed():
    head = README.split("```")[1].strip().splitlines()[0]
    assert head.split() == [word for column in forecast_table([]).columns for word in str(column.header).split()]
