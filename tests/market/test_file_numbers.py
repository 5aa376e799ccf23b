from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.errors import DataContractError
from include.market.file_numbers import ReadNumbers, read_numbers
from include.market.file_text import TextFile
from tests.market.file_samples import write


def numbers(folder: Path, *columns: list[str] | pa.Array, delimiter: str = ";") -> ReadNumbers:
    file = TextFile(write(folder, delimiter.join(["ts", "open", "close"]) + "\n" + f"1{delimiter}1{delimiter}1\n" * 9))
    values = {number: pa.array(column) for number, column in enumerate(columns, start=1)}
    return read_numbers(file, {f"c{number}": number for number in values}, values)


@pytest.mark.parametrize(
    ("written", "value", "how"),
    [
        ("146.47", 146.47, None),
        ("1234", 1234, None),
        ("+.5", 0.5, None),
        ("9.27E+05", 927_000, None),
        ("0,5", 0.5, "a decimal comma"),
        ("146,4793", 146.4793, "a decimal comma"),
        ("9,27e5", 927_000, "a decimal comma"),
        ("1,234.50", 1234.5, "marks between thousands"),
        ("1,234,567", 1_234_567, "marks between thousands"),
        ("1.234.567", 1_234_567, "a decimal comma and marks between thousands"),
        ("-1.234,5", -1234.5, "a decimal comma and marks between thousands"),
        ("1'234.5", 1234.5, "marks between thousands"),
        ("1\u202f234,5", 1234.5, "a decimal comma and marks between thousands"),
        (" 12.5 ", 12.5, None),
    ],
)
def test_a_number_that_can_be_read_in_one_way_is_read(
    tmp_path: Path, written: str, value: float, how: str | None
) -> None:
    found = numbers(tmp_path, [written])
    assert found.values["c1"].tolist() == [value]
    assert found.how == (how and f"numbers with {how}")


def test_one_clear_number_settles_the_others(tmp_path: Path) -> None:
    assert numbers(tmp_path, ["1,234"], ["12.5"]).values["c1"].tolist() == [1234]
    assert numbers(tmp_path, ["1,234"], ["12,5"]).values["c1"].tolist() == [1.234]
    assert numbers(tmp_path, ["1.234"], ["12,5"]).values["c1"].tolist() == [1234]


@pytest.mark.parametrize(("written", "delimiter"), [("1,234", ";"), ("1.234", ";"), ("1,234", ",")])
def test_a_file_of_numbers_that_can_be_read_in_two_ways_is_refused(
    tmp_path: Path, written: str, delimiter: str
) -> None:
    with pytest.raises(DataContractError, match=rf"column 'open', line 2: '{written}' .* thousands or as decimals"):
        numbers(tmp_path, [written, "12"], delimiter=delimiter)


def test_between_commas_a_point_is_a_decimal_point(tmp_path: Path) -> None:
    assert numbers(tmp_path, ["1.234"], delimiter=",").values["c1"].tolist() == [1.234]


def test_points_and_commas_in_one_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataContractError, match=r"column 'close', line 3: '2,5' has a decimal comma, but 1.5 on line 2"
    ):
        numbers(tmp_path, ["1.5", "2.5"], ["1", "2,5"])


@pytest.mark.parametrize("written", ["x", "1.2.3", "1,23,4", "inf", "12.5M", "$5", "1_000", "0x1", "--1", "01,234.5.6"])
def test_what_is_no_number_is_refused_with_its_place(tmp_path: Path, written: str) -> None:
    with pytest.raises(DataContractError, match=r"column 'open', line 3: .* is no number"):
        numbers(tmp_path, ["1", written])


def test_what_stands_for_nothing_is_missing(tmp_path: Path) -> None:
    found = numbers(tmp_path, ["", "nan", "NaN", "null", "None", "N/A", "-", "  "]).values["c1"]
    assert np.isnan(found).all()


def test_typed_numbers_are_taken_as_they_are(tmp_path: Path) -> None:
    found = numbers(tmp_path, pa.array([1, None], pa.int64()), pa.array([Decimal("1.25"), Decimal(2)])).values
    assert found["c2"].tolist() == [1.25, 2]
    np.testing.assert_array_equal(found["c1"], [1, np.nan])
    with pytest.raises(DataContractError, match="column 'open' holds bool; write numbers"):
        numbers(tmp_path, pa.array([True]))


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_text_gives_the_nearest_number(tmp_path_factory: pytest.TempPathFactory, value: float) -> None:
    found = numbers(tmp_path_factory.getbasetemp(), [repr(value), "0.5"], delimiter=",")
    assert found.values["c1"].tolist() == [value, 0.5]
