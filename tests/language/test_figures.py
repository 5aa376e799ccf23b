"""Figures of cells and answers, read exactly."""

from decimal import Decimal

import pytest

from language.figures import answered_figure, as_text, cell_value, citations_in, figures_in, growth, is_percent


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("391,035", "391035"),
        ("$26,601", "26601"),
        ("(3,080)", "-3080"),
        ("$(298)", "-298"),
        ("24.1%", "24.1"),
        ("(2.5)%", "-2.5"),
        ("-12", "-12"),
        ("△1,234", "-1234"),
        ("₩ 15", "15"),
        (".5", "0.5"),
        ("—", None),
        ("", None),
        ("2024 and 2023", None),
        ("1,23", None),
        ("Level 2", None),
    ],
)
def test_a_cell_is_its_number_or_none(text, value):
    assert cell_value(text) == (None if value is None else Decimal(value))


def test_a_percentage_is_told_from_a_number():
    assert [is_percent(text) for text in ("24.1%", "(2.5%)", "(2.5)%", "24.1")] == [True, True, True, False]


def test_figures_of_a_text_leave_its_citations_out():
    assert figures_in("It fell by (3,080), or 2.5 %, to $17 [2].") == [Decimal(-3080), Decimal("2.5"), Decimal(17)]
    assert citations_in("Both say so [1][3].") == {1, 3}


def test_a_range_of_years_has_no_negative_figure():
    assert figures_in("2023-2024") == [Decimal(2023), Decimal(2024)]


@pytest.mark.parametrize(
    ("answer", "figure"),
    [
        ("In 2024 it was 391,035 [2].", "391035"),
        ("391,035 - 383,285 = 7,750 [1]", "7750"),
        ("2024", "2024"),
        ("(465 - 535) / 535 = (13.1)% [1]", "-13.1"),
        ("The filings do not say.", None),
        ("5 = nothing", None),
    ],
)
def test_the_answered_figure_is_the_result_and_not_the_year_that_was_asked(answer, figure):
    found = answered_figure(answer, "What were net sales in 2024?")
    assert found == (None if figure is None else Decimal(figure))


def test_growth_is_rounded_to_one_decimal_and_halves_go_to_even():
    assert growth(Decimal(1000), Decimal("1000.5")) == Decimal("0.0")
    assert growth(Decimal(1000), Decimal("1001.5")) == Decimal("0.2")
    assert growth(Decimal(535), Decimal(465)) == Decimal("-13.1")


def test_a_number_is_written_as_filings_do():
    assert [as_text(Decimal(text)) for text in ("7750", "-3080", "0.5")] == ["7,750", "(3,080)", "0.5"]
