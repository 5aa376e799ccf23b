"""The sentence about a held ticker: its command does what it says when it is typed as it stands."""

from datetime import UTC, datetime

import pytest

from include.pipeline.data.scale_notes import held
from include.store.engine import Connection, create_store_engine, transaction
from include.store.scale_questions import STEP, ScaleQuestion, open_question

pytestmark = pytest.mark.integration

OPENED_AT = datetime(2025, 3, 31, 14, 0, tzinfo=UTC)


def sentence(connection: Connection, factor: float, evidence: dict[str, bool]) -> str:
    open_question(connection, ScaleQuestion("AAPL", OPENED_AT, STEP, factor, dict(evidence)), OPENED_AT)
    return held(connection, ["AAPL"], OPENED_AT)["AAPL"]


@pytest.mark.parametrize("factor", [2.0, 1 / 3, 4 / 3])
def test_the_factor_has_every_digit(database_url: str, factor: float) -> None:
    engine = create_store_engine(database_url)
    with transaction(engine) as connection:
        words = sentence(connection, factor, {})
    engine.dispose()
    assert float(words.partition("--factor ")[2].split()[0]) == factor
    assert "--opened-at 2025-03-31T14:00Z" in words
    assert "--unit" not in words


def test_a_change_of_unit_is_decided_with_unit(database_url: str) -> None:
    engine = create_store_engine(database_url)
    with transaction(engine) as connection:
        words = sentence(connection, 100.0, {"is_volume_scaled": False})
    engine.dispose()
    assert "--factor 100.0 --unit (or --move)" in words
