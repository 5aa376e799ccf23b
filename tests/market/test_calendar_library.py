from __future__ import annotations

import numpy as np
import pytest
from exchange_calendars.pandas_extensions.offsets import OrthodoxEaster
from pandas.tseries.holiday import AbstractHolidayCalendar

from include.errors import DataContractError
from include.market.calendar_library import NOT_A_TIME, library_sessions


def test_a_pause_is_where_the_library_has_one() -> None:
    hong_kong, new_york = library_sessions("XHKG"), library_sessions("XNYS")
    assert (hong_kong.pauses != NOT_A_TIME).mean() > 0.9
    assert (new_york.pauses == NOT_A_TIME).all()
    assert new_york.timezone == "America/New_York"


def test_sessions_stop_where_the_exchange_has_published_no_further() -> None:
    shanghai = library_sessions("XSHG")
    assert shanghai.days[-1] == shanghai.published == np.datetime64("2026-12-31").astype("datetime64[D]").astype(int)


def test_tel_avivs_week_changes_in_january_2026() -> None:
    sessions = library_sessions("XTAE")
    assert (np.diff(sessions.days) > 0).all()
    weekdays = (sessions.days + 3) % 7
    change = np.datetime64("2026-01-05").astype("datetime64[D]").astype(int)
    assert set(weekdays[sessions.days < change]) == {0, 1, 2, 3, 6}
    assert set(weekdays[sessions.days >= change]) == {0, 1, 2, 3, 4}
    assert sessions.week == "1111100"


def test_orthodox_easter_is_found_because_the_offset_has_the_name_that_pandas_asks_for() -> None:
    assert OrthodoxEaster.__dict__["_add_datetime"] is OrthodoxEaster.__dict__["_apply"]
    assert len(library_sessions("ASEX").days) > 4000


def test_the_years_of_pandas_holidays_are_as_before() -> None:
    library_sessions("XLJU")
    assert (AbstractHolidayCalendar.start_date.year, AbstractHolidayCalendar.end_date.year) == (1970, 2200)


def test_an_unknown_calendar_is_refused() -> None:
    with pytest.raises(DataContractError, match="There is no calendar 'MOON'"):
        library_sessions("MOON")
