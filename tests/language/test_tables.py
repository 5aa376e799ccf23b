"""Rows of tables as something to ask about."""

from decimal import Decimal

from language.tables import read_rows, year_of
from tests.language.made_up import SALES


def test_each_figure_stands_under_its_heading_beside_its_label():
    rows = {row.label: row for row in read_rows(SALES)}
    assert [cell.heading for cell in rows["Net sales"].cells] == ["2024", "2023"]
    assert [cell.value for cell in rows["Net sales"].cells] == [Decimal(391035), Decimal(383285)]
    assert rows["Net sales"].cells[0].text == "$391,035"


def test_a_heading_row_names_the_rows_below_it_up_to_their_total():
    assert [row.label for row in read_rows(SALES)] == [
        "Net sales",
        "Expenses: Materials",
        "Expenses: Wages",
        "Expenses: Total expenses",
        "Margin",
    ]


def test_a_label_that_stands_twice_is_not_asked_about():
    assert read_rows("|  | 2024 |\n| --- | --- |\n| Other | 5 |\n| Other | 7 |\n| Sales | 9 |")[0].label == "Sales"
    assert len(read_rows("|  | 2024 |\n| --- | --- |\n| Other | 5 |\n| Other | 7 |\n| Sales | 9 |")) == 1


def test_a_heading_that_stands_twice_or_is_empty_has_no_cells():
    (row,) = read_rows("|  | 2024 | 2024 |  | 2023 |\n| --- | --- | --- | --- | --- |\n| Sales | 1 | 2 | 3 | 4 |")
    assert [cell.text for cell in row.cells] == ["4"]


def test_labels_of_several_columns_are_one_label():
    (row,) = read_rows(
        "| 부문 | 품목 | 제60기 | 제59기 |\n| --- | --- | --- | --- |\n| 상사 | 철강 | 22,200 | 88,800 |"
    )
    assert row.label == "상사, 철강"
    assert [cell.year for cell in row.cells] == [60, 59]


def test_a_text_without_a_table_has_no_rows():
    assert read_rows("Sales rose by 5 | 7 of it in Ohio.") == []
    assert read_rows("| --- | --- |") == []


def test_a_heading_orders_periods_only_if_it_names_exactly_one():
    assert [year_of(text) for text in ("September 28, 2024", "2024 over 2023", "Level 2", "제 53 기말")] == [
        2024, None, None, 53,
    ]  # fmt: skip
