"""Tables as filings lay them out, and the rows that they mean."""

import pytest
from lxml import html

from include.filings.tables import Table, read_table


def table(rows: str) -> Table:
    return read_table(html.fromstring(f"<table>{rows}</table>"))


def test_a_number_in_four_cells_is_one_cell_below_its_heading() -> None:
    found = table(
        "<tr><td colspan='3'></td><td colspan='3'>2024</td><td></td><td colspan='3'>Change</td></tr>"
        "<tr><td colspan='3'>Americas</td><td>$</td><td>167,045</td><td></td>"
        "<td></td><td colspan='2'>(4</td><td>)%</td></tr>"
        "<tr><td colspan='3'>Europe</td><td colspan='2'>101,328</td><td></td>"
        "<td></td><td colspan='2'>7</td><td>%</td></tr>"
    )
    assert found.header == ("", "2024", "Change")
    assert found.rows == (("Americas", "$167,045", "(4)%"), ("Europe", "101,328", "7%"))


def test_headings_above_several_columns_stand_in_each_of_them() -> None:
    found = table(
        "<tr><td></td><td colspan='4'>Years ended June 30,</td></tr>"
        "<tr><td>(In millions)</td><td colspan='2'>2025</td><td colspan='2'>2024</td></tr>"
        "<tr><td>Revenue</td><td>$</td><td>5,843</td><td>$</td><td>5,638</td></tr>"
        "<tr><td>Cost</td><td></td><td>(335)</td><td></td><td>—</td></tr>"
    )
    assert found.header == ("(In millions)", "Years ended June 30, / 2025", "Years ended June 30, / 2024")
    assert found.rows == (("Revenue", "$5,843", "$5,638"), ("Cost", "(335)", "—"))


def test_a_name_above_rows_stays_among_the_rows() -> None:
    found = table(
        "<tr><td></td><td>Jul 27, 2025</td></tr><tr><td>Current assets:</td><td></td></tr>"
        "<tr><td>Cash</td><td>11,639</td></tr>"
    )
    assert found.header == ("", "Jul 27, 2025")
    assert found.rows == (("Current assets:", ""), ("Cash", "11,639"))


def test_what_stands_above_all_columns_is_the_caption() -> None:
    found = table(
        "<tr><td colspan='2'>Assets</td></tr><tr><td>Item</td><td>2024</td></tr><tr><td>Cash</td><td>1.5</td></tr>"
    )
    assert (found.caption, found.header) == ("Assets", ("Item", "2024"))


def test_a_cell_of_several_rows_is_in_each_of_them() -> None:
    found = table(
        "<thead><tr><th rowspan='2'>Kind</th><th colspan='2'>Shares</th></tr>"
        "<tr><td>common</td><td>preferred</td></tr></thead>"
        "<tr><td rowspan='2'>Issued</td><td>100</td><td>7</td></tr><tr><td>200</td><td>8</td></tr>"
    )
    assert found.header == ("Kind", "Shares / common", "Shares / preferred")
    assert found.rows == (("Issued", "100", "7"), ("Issued", "200", "8"))


def test_a_dash_across_a_row_joins_no_columns() -> None:
    found = table(
        "<tr><th>a</th><th>b</th><th>c</th></tr><tr><td>x</td><td>1</td><td>2</td></tr>"
        "<tr><td>y</td><td colspan='2'>-</td></tr>"
    )
    assert found.rows == (("x", "1", "2"), ("y", "-", ""))


def test_texts_beside_each_other_stay_apart() -> None:
    found = table(
        "<tr><td><b>Name</b></td><td><b>Office</b></td></tr><tr><td>Ann</td><td>Chair</td></tr>"
        "<tr><td colspan='2'>All of them were elected.</td></tr>"
    )
    assert found.header == ("Name", "Office")
    assert found.rows == (("Ann", "Chair"), ("All of them were elected.", ""))


def test_hidden_cells_and_empty_columns_are_left_out() -> None:
    found = table(
        "<tr><td>a</td><td> </td><td><span style='display: none'>secret</span>1</td></tr>"
        "<tr style='display:none'><td>secret</td></tr><tr><td>b</td><td></td><td>2</td></tr>"
    )
    assert found.rows == (("a", "1"), ("b", "2"))


@pytest.mark.parametrize("span", ["0", "-1", "many", "99999999", ""])
def test_a_span_without_sense_does_no_harm(span: str) -> None:
    assert table(f"<tr><td colspan='{span}' rowspan='{span}'>a</td><td>1</td></tr>").rows[0][0] == "a"


def test_a_table_without_text_has_no_rows() -> None:
    assert table("<tr><td></td></tr>") == Table("", (), ())


def test_a_cell_over_many_rows_is_in_each_of_them() -> None:
    rows = "".join(f"<tr><td>Company {number}</td><td>{number}.5</td></tr>" for number in range(2, 601))
    found = table(f"<tr><td rowspan='600'>Unlisted</td><td>Company 1</td><td>1.5</td></tr>{rows}")
    assert len(found.rows) == 600
    assert found.rows[-1] == ("Unlisted", "Company 600", "600.5")
