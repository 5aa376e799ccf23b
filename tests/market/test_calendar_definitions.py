from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from include.errors import DataContractError, SettingsError
from include.market import sources
from include.market.calendar_definitions import calendars_file, definition_of, use_calendars_file
from include.market.grid import grid_of
from include.market.sessions import published_until
from include.settings import MarketSettings
from tests.market.test_calendars import hours_of

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    def use(text: str) -> Path:
        path = tmp_path / "calendars.toml"
        path.write_text(text, encoding="utf-8")
        return path

    yield use
    use_calendars_file(None)


def test_an_operators_holidays_and_hours_are_laid_over_ours(write: Write) -> None:
    before = hours_of("XBOM", "2026-11-18")
    use_calendars_file(
        write('[XBOM]\nclosed = ["2026-11-18"]\n[XBOM.days]\n"2026-11-17" = { open = "11:00", close = "13:00" }\n')
    )
    assert hours_of("XBOM", "2026-11-18") == []
    assert hours_of("XBOM", "2026-11-17") == ["11:00", "12:00", "13:00"]
    assert hours_of("XBOM", "2026-02-01") != []  # ours
    use_calendars_file(None)
    assert hours_of("XBOM", "2026-11-18") == before != []


def test_an_operators_holidays_reach_the_calendars_that_are_like_theirs(write: Write) -> None:
    use_calendars_file(write('[XHKG]\nclosed = ["2026-10-15"]\n'))
    assert hours_of("XHKG-unbroken", "2026-10-15") == []
    assert hours_of("XHKG-unbroken", "2026-10-16") != []


def test_an_operator_can_publish_a_further_year(write: Write) -> None:
    use_calendars_file(write('[XSHG]\npublished = "2027-12-31"\nclosed = ["2027-02-08"]\n'))
    assert published_until("XSHG") == date(2027, 12, 31)
    assert hours_of("XSHG", "2027-02-08") == []
    assert hours_of("XSHG", "2027-02-15") != []


def test_an_operator_can_add_a_calendar(write: Write) -> None:
    use_calendars_file(
        write(
            '[XCOL]\ntimezone = "Asia/Colombo"\nweek = "1111100"\nsince = "2020-01-01"\n'
            'hours = [{ open = "09:30", close = "14:30" }]\n'
        )
    )
    assert hours_of("XCOL", "2026-10-15") == ["09:30", "10:30", "11:30", "12:30", "13:30", "14:30"]
    assert hours_of("XCOL", "2019-10-15") == []
    use_calendars_file(None)
    with pytest.raises(DataContractError, match="XCOL"):
        grid_of("XCOL")


def test_opening_the_sources_uses_the_file_of_the_settings(write: Write) -> None:
    path = write('[XTAI]\nclosed = ["2026-10-15"]\n')
    sources.open_sources(MarketSettings(calendars_file=path))
    assert calendars_file() == path
    assert hours_of("XTAI", "2026-10-15") == []
    sources.open_sources(MarketSettings())
    assert calendars_file() is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[XNYS", "cannot be read"),
        ('[XNYS]\nholidays = ["2026-01-02"]', "holidays"),
        ('closed = ["2026-01-02"]', "closed"),
        ('[XNYS]\nclosed = ["2 January"]', "XNYS .* makes no sense"),
        ('[XNYS]\nhours = [{ open = "nine" }]', "XNYS .* makes no sense"),
        ('[XNYS]\nhours = [{ clock = "Nowhere/Land" }]', "XNYS .* makes no sense"),
        ('[XABC]\nweek = "11111"\ntimezone = "UTC"', "seven digits"),
        ('[XABC]\nweek = "1111100"', "seven digits"),
        ('[XABC]\nlike = "XDEF"\n[XDEF]\nlike = "XABC"', "leads back"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_and_not_used(text: str, reason: str, write: Write) -> None:
    with pytest.raises(SettingsError, match=reason):
        use_calendars_file(write(text))
    assert calendars_file() is None


def test_a_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        use_calendars_file(Path("/nowhere/calendars.toml"))


def test_a_name_that_no_file_has_is_the_librarys() -> None:
    assert definition_of("XLJU").library == "XLJU"
    assert definition_of("XHKG-unbroken").library == "XHKG"
    assert definition_of("XQAT").library is None
