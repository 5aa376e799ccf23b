"""The leak detector finds every leak that is planted, and minds neither the clean code nor harmless changes of it."""

from collections.abc import Iterator

import pytest

from include.local.postgres import EmbeddedPostgres
from tests.architecture.project import PROJECT_DIR
from tests.leaks.__main__ import PAGE
from tests.leaks.checks import CHECKS
from tests.leaks.closing_hours import ClosingHours, open_closing_hours
from tests.leaks.hours import Hours, open_hours
from tests.leaks.night_hours import NightHours, open_night_hours
from tests.leaks.planting import Plant, look_for
from tests.leaks.plants import HARMLESS, PLANTS
from tests.leaks.plants_calendar import CALENDAR_PLANTS
from tests.leaks.plants_night import NIGHT_PLANTS
from tests.leaks.plants_scale import SCALE_STORE_PLANTS
from tests.leaks.plants_store import STORE_PLANTS


@pytest.fixture(scope="module")
def hours(migrated_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hours]:
    """Two tickers onboarded once; each check copies their database."""
    with open_hours(migrated_server, tmp_path_factory.mktemp("leaks")) as opened:
        yield opened


@pytest.fixture(scope="module")
def closing_hours(
    migrated_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ClosingHours]:
    """Three tickers onboarded once; each check copies their database."""
    with open_closing_hours(migrated_server, tmp_path_factory.mktemp("closings")) as opened:
        yield opened


@pytest.fixture(scope="module")
def night_hours(migrated_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NightHours]:
    """A company onboarded after a session's close; each check copies its database."""
    with open_night_hours(migrated_server, tmp_path_factory.mktemp("nights")) as opened:
        yield opened


def name_of(plant: Plant) -> str:
    return plant.name


@pytest.mark.parametrize("plant", PLANTS, ids=name_of)
def test_a_leak_in_what_computes_is_caught(plant: Plant) -> None:
    assert look_for(plant) is not None


@pytest.mark.integration
@pytest.mark.parametrize("plant", [*STORE_PLANTS, *SCALE_STORE_PLANTS], ids=name_of)
def test_a_leak_in_what_is_stored_is_caught(plant: Plant, hours: Hours) -> None:
    assert look_for(plant, hours) is not None


@pytest.mark.integration
@pytest.mark.parametrize("plant", CALENDAR_PLANTS, ids=name_of)
def test_a_leak_in_what_an_hour_finds_in_its_past_is_caught(plant: Plant, closing_hours: ClosingHours) -> None:
    assert look_for(plant, closing_hours, tries=2) is not None


@pytest.mark.integration
@pytest.mark.parametrize("plant", NIGHT_PLANTS, ids=name_of)
def test_a_leak_in_what_a_night_knows_is_caught(plant: Plant, night_hours: NightHours) -> None:
    assert look_for(plant, night_hours, tries=2) is not None


@pytest.mark.integration
def test_clean_nights_raise_no_alarm(night_hours: NightHours) -> None:
    assert {table for table, rows in night_hours.on_time().items() if not rows} == set()
    assert [night_hours.check(seed) for seed in range(1000, 1002)] == [None] * 2


@pytest.mark.integration
def test_clean_hours_find_the_same_in_their_past(closing_hours: ClosingHours) -> None:
    assert [closing_hours.check(seed) for seed in range(1000, 1002)] == [None] * 2


@pytest.mark.parametrize("check", CHECKS)
def test_the_clean_code_raises_no_alarm(check: str) -> None:
    assert [CHECKS[check](seed) for seed in range(1000, 1008)] == [None] * 8


@pytest.mark.integration
def test_clean_hours_raise_no_alarm(hours: Hours) -> None:
    on_time = hours.on_time()
    assert {table for table, rows in on_time.items() if not rows} == set()
    assert [hours.check_against(on_time, seed) for seed in range(1000, 1003)] == [None] * 3


@pytest.mark.parametrize("plant", [plant for plant in HARMLESS if not plant.in_store], ids=name_of)
def test_a_harmless_change_of_what_computes_is_not_taken_for_a_leak(plant: Plant) -> None:
    assert look_for(plant, tries=3) is None


@pytest.mark.integration
@pytest.mark.parametrize("plant", [plant for plant in HARMLESS if plant.in_store], ids=name_of)
def test_a_harmless_change_of_what_is_stored_is_not_taken_for_a_leak(plant: Plant, hours: Hours) -> None:
    assert look_for(plant, hours, tries=1) is None


def test_the_page_tells_of_every_planted_leak() -> None:
    page = (PROJECT_DIR / PAGE).read_text(encoding="utf-8")
    assert [
        plant.name
        for plant in (*PLANTS, *STORE_PLANTS, *CALENDAR_PLANTS, *NIGHT_PLANTS)
        if f"| {plant.name} |" not in page
    ] == []
