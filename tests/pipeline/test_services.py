"""Seeds, the code's version, and a clear word where no database is named."""

from datetime import UTC, datetime

import pytest

from include.errors import SettingsError
from include.pipeline.services import code_version, open_services, seed_of
from include.settings import load_settings

NOON = datetime(2025, 3, 31, 12, tzinfo=UTC)


def test_a_seed_is_the_same_every_time_and_another_for_every_ticker_hour_and_root() -> None:
    assert seed_of(1, "AAPL", NOON) == seed_of(1, "AAPL", NOON)
    others = {seed_of(2, "AAPL", NOON), seed_of(1, "MSFT", NOON), seed_of(1, "AAPL", NOON.replace(hour=13))}
    assert len(others | {seed_of(1, "AAPL", NOON)}) == 4
    assert all(0 <= seed < 2**63 for seed in others)


def test_the_codes_version_is_twelve_hexadecimal_digits() -> None:
    assert len(code_version()) == 12
    assert int(code_version(), 16) >= 0


def test_without_a_database_the_message_says_what_to_do() -> None:
    with pytest.raises(SettingsError, match="make run"):
        open_services(load_settings({}))
