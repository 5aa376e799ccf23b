"""Whatever a person types into a form or on the command line is a request, or one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta, timezone
from io import StringIO
from pathlib import Path

import psycopg2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from include.cli import main
from include.contracts import TICKER_PATTERN, require_utc
from include.errors import DataContractError, HourcastError, InvalidRequestError
from include.market.simulated import SimulatedSource
from include.market.source import SOURCE_NAMES, normalise_ticker, source_of
from include.pipeline import onboarding
from include.pipeline.data.rescaling import parse_decision
from include.pipeline.exporting.request import ExportRequest
from include.pipeline.onboarding_form import Request
from include.pipeline.pretraining.requests import BackboneRequest
from include.pipeline.replay import parse_prediction
from include.pipeline.services import Services
from include.settings import load_settings
from include.store.engine import create_store_engine
from tests.fuzz.profile import examples, require_sentence
from tests.support.databases import plain_url

AS_OF = datetime(2025, 3, 31, 15, 35, tzinfo=UTC)
TICKER = re.compile(TICKER_PATTERN)
NAMES = st.text(max_size=30) | st.sampled_from(
    [
        "AAPL",
        "^GSPC",
        "EURUSD=X",
        "btc-usd",
        " 2330.TW ",
        "\u00df.SIM",
        "A.SIM",
        "\u0130.SIM",
        "-1",
        "../x",
        "A" * 25,
        "\0",
    ]
)
WORDS = st.lists(
    NAMES
    | st.sampled_from(
        [
            *("onboard", "retire", "run-hour", "replay", "export", "rescale", "pretrain", "earnings", "prune"),
            *("--as-of", "--history-days", "--held-out-days", "--sample", "--factor", "--opened-at", "--source"),
            *("2025-03-31T15:35:00+00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2025-03-31"),
            *("1", "-1", "0", "999999999999", "1e999", "nan", "A@2025-03-31T15:35:00+00:00", "--seed", "--months"),
        ]
    ),
    max_size=7,
)
INSTANTS = st.sampled_from(
    [
        *("2025-03-31T15:35:00+00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2025-03-31", ""),
        *("2025-11-17T08:00Z", "20251117T0800+0100", "2025-W01-1", "2025-03-31T15:35:00+23:59"),
    ]
) | st.text(max_size=20)


@examples(300)
@given(NAMES)
def test_a_name_is_a_ticker_or_is_refused(name: str) -> None:
    try:
        ticker = normalise_ticker(name)
    except InvalidRequestError as error:
        require_sentence(error)
    else:
        assert TICKER.fullmatch(ticker)
        assert ticker.isascii()
        assert normalise_ticker(ticker) == ticker
        assert source_of(ticker, None) in SOURCE_NAMES


@examples(100)
@given(st.lists(NAMES, max_size=4))
def test_the_simulated_market_describes_or_refuses_each_name(names: list[str]) -> None:
    profiles, failures = SimulatedSource().describe(names, AS_OF)
    assert set(profiles) | {failure.ticker for failure in failures} == set(names)


@examples(300)
@given(
    text=st.builds(
        " ".join, st.tuples(NAMES, INSTANTS, st.sampled_from(["4", "move", "0", "-1", "nan", "1e999", "unit", "x"]))
    )
    | st.text(max_size=40)
)
@example(text="AAPL 0001-01-01T00:00:00+14:00 4")
def test_a_decision_is_read_or_is_refused(text: str) -> None:
    try:
        decision = parse_decision(text)
    except InvalidRequestError as error:
        require_sentence(error)
    else:
        assert decision.opened_at.utcoffset() == timedelta(0)
        assert decision.factor is None or isinstance(decision.factor, float)


@examples(200)
@given(st.datetimes(timezones=st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))))
@example(datetime.fromisoformat("0001-01-01T00:00:00+14:00"))
@example(datetime.fromisoformat("9999-12-31T23:59:59-14:00"))
def test_an_instant_is_in_utc_or_is_refused(moment: datetime) -> None:
    try:
        assert require_utc(moment, "as_of") == moment
    except DataContractError as error:
        require_sentence(error, "as_of")


@examples(200)
@given(st.text(max_size=40) | st.builds("{}@{}".format, NAMES, INSTANTS))
def test_a_forecast_of_a_replay_is_read_or_is_refused(text: str) -> None:
    try:
        _, as_of = parse_prediction(text)
    except InvalidRequestError as error:
        require_sentence(error)
    else:
        assert as_of.utcoffset() == timedelta(0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
TEXTS = st.none() | st.lists(NAMES, max_size=3)


@examples(200)
@given(
    params=st.fixed_dictionaries(
        {},
        optional={
            "tickers": TEXTS,
            "retire_tickers": TEXTS,
            "source": st.sampled_from(["automatic", *SOURCE_NAMES]),
            "history_days": st.none() | st.integers(1, 7300),
            "retrain": st.booleans(),
            "rescale": TEXTS,
            "as_of": st.none() | INSTANTS,
            "ticker": JSON,
        },
    )
)
def test_an_onboarding_form_is_a_request_or_is_refused(params: dict[str, object]) -> None:
    try:
        request = Request.from_params("run", AS_OF, params)
        request.require_purpose()
    except InvalidRequestError as error:
        require_sentence(error)
    else:
        assert all(request.tickers)
        assert request.tickers or request.retire_tickers or request.decisions


@examples(100)
@given(
    params=st.fixed_dictionaries(
        {},
        optional={
            "views": TEXTS,
            "months": TEXTS | st.lists(st.sampled_from(["2026-11", "2026-13", "2026-1"])),
            "target": st.none() | st.text(max_size=10),
            "view": JSON,
        },
    )
)
def test_an_export_form_is_a_request_or_is_refused(params: dict[str, object]) -> None:
    try:
        request = ExportRequest.from_params(params)
    except InvalidRequestError as error:
        require_sentence(error)
    else:
        assert request.views


@examples(100)
@given(
    simulated=st.none() | st.integers(-5, 300), days=st.none() | st.integers(-5, 10**10), seed=st.none() | st.integers()
)
def test_a_form_for_a_backbone_is_a_request_or_is_refused(
    simulated: int | None, days: int | None, seed: int | None
) -> None:
    params = {"simulated_tickers": simulated, "held_out_days": days, "seed": seed}
    try:
        request = BackboneRequest.from_params("run", AS_OF, params)
    except InvalidRequestError as error:
        require_sentence(error)
    else:
        assert request.as_of - timedelta(days=request.held_out_days) < request.as_of
        assert request.simulated_count is None or request.simulated_count >= 0
        assert request.seed is None or 0 <= request.seed < 2**63


@pytest.fixture(scope="module")
def services(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """A product without a model, whose only source is the simulated market."""
    chosen = load_settings(
        {
            "HOURCAST_DATABASE_URL": module_database_url,
            "HOURCAST_MODELS_DIR": str(tmp_path_factory.mktemp("models")),
            "HOURCAST_BACKBONE_DIR": str(tmp_path_factory.mktemp("backbone")),
        }
    )
    engine = create_store_engine(module_database_url)
    yield Services(settings=chosen, engine=engine, sources={"simulated": SimulatedSource()})
    engine.dispose()


@pytest.mark.integration
@examples(25)
@given(names=st.lists(NAMES, max_size=3), retired=st.lists(NAMES, max_size=2), number=st.integers(0, 10**9))
def test_only_tickers_are_stored_of_a_request(
    services: Services, names: list[str], retired: list[str], number: int
) -> None:
    form = {"tickers": names, "retire_tickers": retired}
    try:
        request = Request.from_params(f"run {number} {names} {retired}".replace("\0", ""), AS_OF, form)
        onboarding.validate(services, request)
    except HourcastError as error:
        require_sentence(error)
    url = plain_url(str(services.settings.store.database_url))
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("select ticker from forecast.ticker")
        assert [ticker for (ticker,) in cursor.fetchall() if not TICKER.fullmatch(ticker)] == []
        cursor.execute("select count(*) from forecast.onboarding where result is null and stage = 'requested'")
        assert cursor.fetchone() == (0,)


@pytest.mark.integration
@examples(60)
@given(words=WORDS)
@example(words=["onboard", "A.SIM", "--history-days", "999999999999"])
@example(words=["onboard", "A.SIM", "--history-days", "-1"])
@example(words=["onboard", "A.SIM", "--as-of", "0001-01-01T00:00:00+14:00"])
@example(words=["pretrain", "--held-out-days", "999999999999"])
@example(words=["pretrain", "--simulated", "-1"])
@example(words=["replay", "--sample", "-1"])
def test_any_command_line_ends_with_a_status_and_a_sentence(
    services: Services, tmp_path: Path, words: list[str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOURCAST_DATABASE_URL", str(services.settings.store.database_url))
        patch.setenv("HOURCAST_MODELS_DIR", str(services.settings.model.models_dir))
        patch.setenv("HOURCAST_EXPORT_URI", str(tmp_path / "exports"))
        patch.setattr("include.pipeline.services.open_sources", lambda *_: {"simulated": SimulatedSource()})
        errors = StringIO()
        with redirect_stderr(errors), redirect_stdout(StringIO()):
            try:
                status = main(words)
            except SystemExit as ended:
                status = int(ended.code or 0)
    assert status in {0, 1, 2}
    assert status == 0 or errors.getvalue().strip()
