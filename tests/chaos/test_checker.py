"""The checker names every planted violation, and nothing in what an undisturbed hour stored."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.chaos.__main__ import Series
from tests.chaos.checker import DOUBLED, HALF, LOST, WRONG, check
from tests.chaos.comparison import Content, compare, content_of
from tests.chaos.installation import NEXT_HOUR, Installation
from tests.chaos.runs import Run, hour_stages
from tests.support.databases import plain_url

pytestmark = pytest.mark.integration
NOVA = "ticker = 'NOVA-USD.SIM'"
HOUR = f"as_of = '{NEXT_HOUR.isoformat()}'"


@dataclass(frozen=True)
class Planted:
    """A violation: its kind, words that the finding has, and what makes it."""

    name: str
    kind: str
    words: str
    sql: str = ""
    spoil: Callable[[Path], None] | None = None


def _doubled(table: str) -> str:
    """A row twice, which the table's key would refuse."""
    return (
        f"alter table forecast.{table} drop constraint {table}_pkey cascade; "
        f"insert into forecast.{table} select * from forecast.{table} limit 1"
    )


def _flip(folder: Path) -> None:
    for path in folder.glob("shard-*.safetensors"):
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(bytes(content))


def _truncate(folder: Path) -> None:
    for path in folder.glob("shard-*.safetensors"):
        path.write_bytes(path.read_bytes()[:-4])


def _delete_base(folder: Path) -> None:
    for path in folder.glob("base-*.safetensors"):
        path.unlink()


PLANTED = (
    Planted(
        "no outcome", LOST, "has no result", f"update forecast.outcome set status = 'planned' where {NOVA} and {HOUR}"
    ),
    Planted("left out", LOST, "left NOVA-USD.SIM out", f"delete from forecast.outcome where {NOVA} and {HOUR}"),
    Planted("no plan left", LOST, "has no outcome", f"delete from forecast.outcome where {HOUR}"),
    Planted(
        "no reason",
        LOST,
        "without a reason",
        f"update forecast.outcome set status = 'failed', reason = null where {NOVA} and {HOUR}",
    ),
    Planted("no forecast", LOST, "not stored", f"delete from forecast.prediction where {NOVA} and {HOUR}"),
    Planted(
        "no result of a request",
        LOST,
        "has no result for NOVA-USD.SIM",
        f"update forecast.onboarding set result = null where {NOVA}",
    ),
    Planted(
        "no first forecast",
        LOST,
        "has no first forecast",
        f"delete from forecast.prediction where {NOVA} and as_of = (select min(as_of) from forecast.prediction)",
    ),
    Planted(
        "stuck", LOST, "is left at the status training", f"update forecast.ticker set status = 'training' where {NOVA}"
    ),
    Planted("no score", LOST, "no score", f"delete from forecast.score where {NOVA} and horizon = 1"),
    Planted("two forecasts", DOUBLED, "prediction has more than one", _doubled("prediction")),
    Planted("two outcomes", DOUBLED, "outcome has more than one", _doubled("outcome")),
    Planted("two scores", DOUBLED, "score has more than one", _doubled("score")),
    Planted("two bars", DOUBLED, "bar has more than one", _doubled("bar")),
    Planted("two models", DOUBLED, "model_version has more than one", _doubled("model_version")),
    Planted(
        "orphan",
        HALF,
        "belongs to no outcome",
        f"update forecast.outcome set status = 'skipped', reason = '-' where {NOVA} and {HOUR}",
    ),
    Planted("no baseline", HALF, "not both", f"delete from forecast.baseline_prediction where {NOVA} and {HOUR}"),
    Planted(
        "six horizons",
        HALF,
        "seven horizons",
        "update forecast.prediction set target_at = target_at[:6], quantiles = quantiles[:6], "
        f"width_factor = width_factor[:6], tail_width_factor = tail_width_factor[:6] where {NOVA} and {HOUR}",
    ),
    Planted(
        "unlabelled", HALF, "says fallback", f"update forecast.outcome set status = 'fallback' where {NOVA} and {HOUR}"
    ),
    Planted(
        "stage behind", HALF, "stage trained", f"update forecast.outcome set stage = 'trained' where {NOVA} and {HOUR}"
    ),
    Planted(
        "no features",
        HALF,
        "has no features",
        f"delete from forecast.feature where {NOVA} and closed_at = "
        f"(select max(closed_at) - interval '9 hours' from forecast.feature where {NOVA})",
    ),
    Planted(
        "bar of the future",
        WRONG,
        "not anchored at the newest bar",
        f"update forecast.bar set known_at = known_at + interval '2 days' where {NOVA} and closed_at = "
        f"(select max(closed_at) from forecast.bar where {NOVA})",
    ),
    Planted(
        "other close",
        WRONG,
        "not anchored at the newest bar",
        f"update forecast.prediction set last_close = last_close * 1.01 where {NOVA} and {HOUR}",
    ),
    Planted(
        "model of the future",
        WRONG,
        "a model of a later instant",
        "update forecast.model_version set as_of = as_of + interval '1 day' where "
        f"{NOVA} and decode(model_version, 'hex') in (select model_version from forecast.prediction)",
    ),
    Planted(
        "close of the future",
        WRONG,
        "knew its close after its hour",
        "alter table forecast.score drop constraint actual_was_known; "
        f"update forecast.score set actual_known_at = actual_known_at + interval '2 days' where {NOVA}",
    ),
    Planted(
        "lost parent",
        WRONG,
        "not stored",
        f"update forecast.model_version set parent_version = repeat('a', 64) where {NOVA} and kind = 'fine_tune'",
    ),
    Planted("loss", WRONG, "the loss of", f"update forecast.score set pinball = pinball * 1.01 where {NOVA}"),
    Planted(
        "interval", WRONG, "the error or the intervals", f"update forecast.score set inside = inside # 1 where {NOVA}"
    ),
    *(
        Planted(f"sums of {table}", WRONG, f"{table} has", f"update forecast.{table} set crps = crps + 1")
        for table in ("accuracy_day", "accuracy_total", "accuracy_market_day")
    ),
    Planted("missing sum", WRONG, "accuracy_day should have", f"delete from forecast.accuracy_day where {NOVA}"),
    Planted("squares", WRONG, "squares", "update forecast.accuracy_total set har_crps_square = har_crps_square + 1"),
    Planted("flipped", WRONG, "has another content than its name", spoil=_flip),
    Planted("truncated", WRONG, "has another content than its name", spoil=_truncate),
    Planted("no base", WRONG, "cannot be read", spoil=_delete_base),
    Planted(
        "other weights",
        WRONG,
        "other weights than",
        "update forecast.model_version set artefact_row = 0, artefact = ("
        "select min(artefact) from forecast.model_version where ticker = 'ALFA.SIM' and kind = 'first_training'"
        f") where {NOVA} and is_promoted",
    ),
    Planted(
        "not promoted", WRONG, "was not promoted", f"update forecast.model_version set is_promoted = false where {NOVA}"
    ),
)


@pytest.fixture(scope="module")
def whole(series: Series) -> Iterator[Installation]:
    """An installation after an undisturbed hour."""
    installation = series.machine.copy(series.template)
    run = Run("hour", hour_stages(NEXT_HOUR), installation.surroundings(), installation.logs_dir)
    while not run.step():
        time.sleep(0.006)
    assert run.failed == []
    yield installation
    series.machine.remove(installation)


@pytest.fixture
def copied(series: Series, whole: Installation) -> Iterator[Installation]:
    """A copy of it, to be spoilt."""
    installation = series.machine.copy(whole)
    yield installation
    series.machine.remove(installation)


def _content(installation: Installation) -> Content:
    return content_of(plain_url(installation.url), installation.models_dir)


def test_an_undisturbed_hour_has_no_finding(whole: Installation) -> None:
    assert check(plain_url(whole.url), whole.models_dir) == []
    assert compare(_content(whole), [_content(whole)]) == []


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_a_planted_violation_is_named(series: Series, copied: Installation, planted: Planted) -> None:
    if planted.sql:
        series.machine.execute_in(copied.database, planted.sql)
    if planted.spoil:
        planted.spoil(copied.models_dir)
    found = check(plain_url(copied.url), copied.models_dir)
    assert [finding.words for finding in found if finding.kind == planted.kind and planted.words in finding.words]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (f"update forecast.prediction set width_factor[1] = 1.5 where {NOVA} and {HOUR}", "width_factor"),
        (f"update forecast.feature set rsi_14 = rsi_14 + 0.01 where {NOVA}", "rsi_14"),
        (f"delete from forecast.model_version where {NOVA} and {HOUR}", "is missing"),
        ("insert into forecast.planned_hour (as_of) values ('2025-04-02T00:00Z')", "is new"),
    ],
    ids=["forecast", "feature", "missing row", "new row"],
)
def test_what_differs_from_an_undisturbed_hour_is_named(
    whole: Installation, copied: Installation, sql: str, words: str
) -> None:
    copied.query(sql)
    assert words in str(compare(_content(copied), [_content(whole)]))


def test_another_artefact_is_named(whole: Installation, copied: Installation) -> None:
    _flip(copied.models_dir)
    assert "has another hash" in str(compare(_content(copied), [_content(whole)]))
