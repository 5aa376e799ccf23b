from __future__ import annotations

from datetime import date, time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from include.errors import DataContractError
from include.market.file_text import TextFile
from include.market.file_times import ReadTimes, read_times
from tests.market.file_samples import write

AT = "2025-05-28 13:30:00"


def times(folder: Path, values: list[str] | pa.Array, clocks: list[str] | pa.Array | None = None) -> ReadTimes:
    file = TextFile(write(folder, "when,clock\n" + "1,1\n" * 9))
    columns = {0: pa.array(values)} if clocks is None else {0: pa.array(values), 1: pa.array(clocks)}
    return read_times(file, tuple(columns), columns)


def shown(found: ReadTimes) -> list[str]:
    return [str(value) for value in pd.DatetimeIndex(found.micros.view("datetime64[us]"))]


@pytest.mark.parametrize(
    "written",
    [
        "2025-05-28 13:30:00+00:00",
        "2025-05-28T13:30:00Z",
        "2025-05-28 09:30:00-04:00",
        "2025-05-28 09:30 -0400",
        "2025-05-28T15:30+02",
        "2025/05/28 13:30 UTC",
        "28.05.2025 13:30:00.000 GMT",
        "5/28/2025, 9:30:00 AM -04:00",
        "5/28/2025 1:30\u202fPM Z",
        "20250528 133000Z",
        "1748439000",
        "1748439000000",
        "1748439000000000",
        "1748439000000000000",
        "1748439000.0",
    ],
)
def test_a_time_with_its_zone_is_read(tmp_path: Path, written: str) -> None:
    found = times(tmp_path, [written])
    assert found.has_zone
    assert shown(found) == [AT]


@pytest.mark.parametrize(
    "written",
    ["2025-05-28 13:30", "2025-05-28 13:30:00.000000", "28/05/2025 13:30", "05/28/2025 01:30 PM", "20250528 1330"],
)
def test_a_time_without_a_zone_is_left_to_its_clock(tmp_path: Path, written: str) -> None:
    found = times(tmp_path, [written])
    assert not found.has_zone
    assert shown(found) == [AT]


def test_noon_and_midnight_of_a_twelve_hour_clock_are_read(tmp_path: Path) -> None:
    found = times(tmp_path, ["2025-05-28 12:30 AM", "2025-05-28 12:30 PM"])
    assert shown(found) == ["2025-05-28 00:30:00", "2025-05-28 12:30:00"]


def test_a_day_above_twelve_settles_the_order_of_all(tmp_path: Path) -> None:
    first = times(tmp_path, ["01/02/2025 09:30", "13/02/2025 09:30"])
    assert (shown(first)[0], first.how) == ("2025-02-01 09:30:00", "times (the day first)")
    second = times(tmp_path, ["01/02/2025 09:30", "01/13/2025 09:30"])
    assert (shown(second)[0], second.how) == ("2025-01-02 09:30:00", "times (the month first)")


def test_midnight_may_stand_without_its_zeros(tmp_path: Path) -> None:
    assert shown(times(tmp_path, ["2025-05-28", "2025-05-28 01:00"]))[0] == "2025-05-28 00:00:00"


def test_a_date_and_a_clock_time_are_put_together(tmp_path: Path) -> None:
    assert shown(times(tmp_path, ["2025-05-28"], ["13:30"])) == [AT]
    assert shown(times(tmp_path, pa.array([20250528]), pa.array([133000]))) == [AT]
    assert shown(times(tmp_path, pa.array([date(2025, 5, 28)]), pa.array([time(13, 30)]))) == [AT]
    with pytest.raises(DataContractError, match="column 'clock' holds bool"):
        times(tmp_path, ["2025-05-28"], pa.array([True]))
    with pytest.raises(DataContractError, match="column 'clock' is empty on line 3"):
        times(tmp_path, ["2025-05-28"] * 2, ["13:30", ""])


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_typed_times_are_taken_as_they_are(tmp_path: Path, unit: str) -> None:
    aware = times(tmp_path, pa.array([pd.Timestamp(AT, tz="UTC")], pa.timestamp(unit, "America/New_York")))
    assert (aware.has_zone, shown(aware), aware.how) == (True, [AT], "times in America/New_York")
    naive = times(tmp_path, pa.array([pd.Timestamp(AT)], pa.timestamp(unit)))
    assert (naive.has_zone, shown(naive)) == (False, [AT])


def test_epoch_numbers_need_no_text(tmp_path: Path) -> None:
    for values in (pa.array([1748439000]), pa.array([1748439000.0]), pa.array([1748439000000])):
        assert shown(times(tmp_path, values)) == [AT]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["2025-05-28 13:30", ""], "column 'when' is empty on line 3"),
        (pa.array([pd.Timestamp(AT), None]), "column 'when' is empty on line 3"),
        (pa.array([1748439000.0, float("nan")]), "column 'when' is empty on line 3"),
        (["2025-05-28 13:30", "soon"], "column 'when', line 3: 'soon' is no time"),
        (["2025-05-28 13:30", "2025-05-28 13:30 EST"], "line 3: '2025-05-28 13:30 EST' is no time"),
        (["28.05.25 13:30"], "line 2: '28.05.25 13:30' is no time"),
        (["2025-05-28 13:30Z", "2025-05-28 14:30"], "line 3: '2025-05-28 14:30' has no time zone, but other rows"),
        (["01/02/2025 13:30", "12/12/2025 13:30"], "line 2: '01/02/2025 13:30' may have the day or the month first"),
        (["13/02/2025 13:30", "02/13/2025 13:30"], "line 3: '02/13/2025 13:30' has the month first"),
        (["2025-02-29 13:30"], "is no day and time"),
        (["2025-13-01 13:30"], "is no day and time"),
        (["2025-05-28 24:00"], "is no day and time"),
        (["2025-05-28 13:60"], "is no day and time"),
        (["2025-05-28 13:30 PM"], "is no day and time"),
        (["1960-05-27 13:30"], "is no day and time of the years 1990 to 2099"),
        (["2125-05-27 13:30"], "is no day and time of the years 1990 to 2099"),
        (["2025-05-28 13:30+15:00"], "is no day and time"),
        (["2025-05-28", "2025-05-29"], "holds dates without a time, so the bars are daily"),
        (pa.array([date(2025, 5, 28)]), "holds dates without a time, so the bars are daily"),
        (pa.array([pd.Timestamp("1960-05-27")]), "1960-05-27T00:00:00.000000' is outside the years"),
        (pa.array([2**62], pa.timestamp("us")), "is outside the years 1990 to 2099"),
        (pa.array([1748439000, 1748439000000]), "line 3: '1748439000000' is no number of seconds since 1970"),
        (pa.array([45805.5625]), "line 2: '45805.5625' is no number of seconds, milliseconds"),
        (pa.array([True]), "holds bool; write times"),
    ],
)
def test_what_is_no_time_or_may_be_two_is_refused(tmp_path: Path, values: list[str] | pa.Array, reason: str) -> None:
    with pytest.raises(DataContractError) as caught:
        times(tmp_path, values)
    assert reason in str(caught.value)
