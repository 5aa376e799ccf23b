"""The judge of a trial: reads tables and artefacts with SQL and code of its own, and names what is not as it must be.

It imports nothing of the product. A finding is of one of four kinds: ``lost`` (a result is missing without a word),
``doubled``, ``half`` (a part of what belongs together), ``wrong`` (a value, a hash, a sum, the future). Where next:
``artefacts.py`` for the files of weights, ``recounts.py`` for the sums, ``comparison.py`` for the comparison with an
undisturbed run.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions

from tests.chaos.artefacts import Broken, verify_backbone, verify_model

Rows = list[tuple[Any, ...]]
Query = Callable[[str], Rows]

LOST, DOUBLED, HALF, WRONG = "lost", "doubled", "half", "wrong"


@dataclass(frozen=True)
class Finding:
    """What is not as it must be: one of four kinds, and the words."""

    kind: str
    words: str


KEYS = {
    "ticker": "ticker",
    "bar": "ticker, opened_at",
    "bar_revision": "ticker, opened_at, known_at",
    "feature": "ticker, closed_at, known_at",
    "model_version": "ticker, as_of",
    "prediction": "ticker, as_of",
    "baseline_prediction": "ticker, as_of",
    "score": "ticker, horizon, as_of",
    "outcome": "ticker, as_of",
    "planned_hour": "as_of",
    "onboarding": "request_id, ticker",
    "backbone": "request_id",
    "backbone_choice": "as_of",
    "accuracy_day": "ticker, horizon, is_refresh, day_exchange",
    "accuracy_total": "ticker, horizon, is_refresh",
    "accuracy_market_day": "is_simulated, calendar, horizon, is_refresh, day_exchange",
}
"""What may be there once, by table."""

_RULES = (
    (
        LOST,
        "the hour {0} planned {1} and has no result for it",
        "select as_of, ticker from forecast.outcome where status = 'planned'",
    ),
    (
        LOST,
        "the hour {0} has no outcome although tickers are tracked",
        """
        select as_of, 1 from forecast.planned_hour as planned
        where not exists (select from forecast.outcome where outcome.as_of = planned.as_of)
            and exists (select from forecast.ticker where activated_as_of < planned.as_of)
        """,
    ),
    (
        LOST,
        "the hour {0} left {1} out, which is tracked",
        """
        select planned.as_of, ticker.ticker from forecast.planned_hour as planned
        inner join forecast.ticker
            on ticker.activated_as_of < planned.as_of
            and (ticker.retired_as_of is null or ticker.retired_as_of > planned.as_of)
            -- not those whose activation came after the plan
            and exists (select from forecast.outcome where outcome.ticker = ticker.ticker)
        where not exists (
            select from forecast.outcome where outcome.as_of = planned.as_of and outcome.ticker = ticker.ticker
        )
        """,
    ),
    (
        LOST,
        "{1} was skipped or failed at {0} without a reason",
        """
        select as_of, ticker from forecast.outcome
        where status in ('skipped', 'failed') and coalesce(reason, '') = ''
        """,
    ),
    (
        LOST,
        "the outcome of {1} at {0} names a forecast that is not stored",
        """
        select as_of, ticker from forecast.outcome left join forecast.prediction using (ticker, as_of)
        where outcome.status in ('forecast', 'refreshed', 'fallback') and prediction.ticker is null
        """,
    ),
    (
        LOST,
        "request {0} has no result for {1}",
        "select request_id, ticker from forecast.onboarding where result is null",
    ),
    (
        LOST,
        "{1}, active by request {0}, has no first forecast",
        """
        select request_id, ticker from forecast.onboarding left join forecast.prediction using (ticker, as_of)
        where onboarding.result = 'active' and prediction.ticker is null
        """,
    ),
    (
        LOST,
        "{1} is left at the status {0}",
        "select status, ticker from forecast.ticker where status in ('backfilling', 'training')",
    ),
    (
        LOST,
        "the forecast of {1} at {0} has a target that the last hour knew, and no score",
        """
        select prediction.as_of, prediction.ticker
        from forecast.prediction
        cross join lateral unnest(target_at) with ordinality as ahead (target_at, horizon)
        inner join forecast.bar on bar.ticker = prediction.ticker and bar.closed_at = ahead.target_at
        where bar.known_at <= (
                select max(planned.as_of) from forecast.planned_hour as planned
                where planned.as_of >= prediction.as_of
            )
            and prediction.as_of < (select max(as_of) from forecast.planned_hour)
            and not exists (
                select from forecast.score
                where score.ticker = prediction.ticker and score.as_of = prediction.as_of
                    and score.horizon = ahead.horizon
            )
        """,
    ),
    (
        HALF,
        "the forecast of {1} at {0} belongs to no outcome and to no request",
        """
        select as_of, ticker from forecast.prediction
        where not exists (
            select from forecast.outcome
            where outcome.ticker = prediction.ticker and outcome.as_of = prediction.as_of
                and outcome.status in ('forecast', 'refreshed', 'fallback')
        ) and not exists (
            select from forecast.onboarding
            where onboarding.ticker = prediction.ticker and onboarding.as_of = prediction.as_of
                and onboarding.result in ('active', 'already_active')
        )
        """,
    ),
    (
        HALF,
        "{1} at {0} has a forecast or its baselines, not both",
        """
        select as_of, ticker from forecast.prediction full join forecast.baseline_prediction using (ticker, as_of)
        where prediction.ticker is null or baseline_prediction.random_walk is null
        """,
    ),
    (
        HALF,
        "the forecast of {1} at {0} has not all seven horizons",
        "select as_of, ticker from forecast.prediction where cardinality(target_at) <> 7",
    ),
    (
        HALF,
        "the outcome of {1} at {0} says {2}, its forecast does not",
        """
        select as_of, ticker, outcome.status from forecast.outcome inner join forecast.prediction using (ticker, as_of)
        where (outcome.status = 'fallback') <> prediction.is_fallback
            or (outcome.status = 'refreshed' and not prediction.is_refresh)
            or outcome.status in ('skipped', 'failed', 'planned')
        """,
    ),
    (
        HALF,
        "the outcome of {1} at {0} is at stage {2}",
        """
        select as_of, ticker, stage from forecast.outcome
        where status in ('forecast', 'refreshed', 'fallback') and stage <> 'predicted'
        """,
    ),
    (
        HALF,
        "a bar of {1} that closed at {0} has no features although a later one has",
        """
        select bar.closed_at, bar.ticker from forecast.bar
        where bar.closed_at > (
                select min(feature.closed_at) from forecast.feature where feature.ticker = bar.ticker
            )
            and bar.closed_at < (
                select max(feature.closed_at) from forecast.feature where feature.ticker = bar.ticker
            )
            and not exists (
                select from forecast.feature
                where feature.ticker = bar.ticker and feature.closed_at = bar.closed_at
            )
        """,
    ),
    (
        WRONG,
        "the forecast of {1} at {0} is not anchored at the newest bar known then",
        """
        select prediction.as_of, prediction.ticker from forecast.prediction
        where not is_refresh and (anchored_at, last_close) is distinct from (
            select (known.closed_at, known.close) from (
                select closed_at, close from forecast.bar
                where bar.ticker = prediction.ticker and known_at <= prediction.as_of
                union all
                select closed_at, close from forecast.bar_revision as old
                where old.ticker = prediction.ticker and known_at <= prediction.as_of
                    and superseded_at > prediction.as_of
            ) as known
            order by closed_at desc limit 1
        )
        """,
    ),
    (
        WRONG,
        "the forecast of {1} at {0} has a model of a later instant",
        """
        select prediction.as_of, prediction.ticker
        from forecast.prediction
        inner join forecast.model_version
            on model_version.ticker = prediction.ticker
            and decode(model_version.model_version, 'hex') = prediction.model_version
        where model_version.as_of > prediction.as_of
        """,
    ),
    (
        WRONG,
        "a score of {1} at {0} knew its close after its hour, or not as stored",
        """
        select score.as_of, score.ticker from forecast.score
        inner join forecast.prediction using (ticker, as_of)
        left join forecast.bar
            on bar.ticker = score.ticker and bar.closed_at = prediction.target_at[score.horizon]
        where score.actual_known_at > score.scored_as_of
            or score.actual_close is distinct from bar.close
            or score.scored_as_of <= score.as_of
        """,
    ),
    (
        WRONG,
        "the model of {1} at {0} continues from a model that is not stored",
        """
        select child.as_of, child.ticker from forecast.model_version as child
        where child.kind <> 'first_training' and not exists (
            select from forecast.model_version as parent
            where parent.ticker = child.ticker and parent.model_version = child.parent_version
                and parent.as_of < child.as_of
        )
        """,
    ),
    (
        WRONG,
        "the promoted backbone of {0} has no weights ({1})",
        "select request_id, reason from forecast.backbone where is_promoted and model_version is null",
    ),
)
"""Kind, words with the columns of a row, and a query: each row that it returns is a finding."""


def check(url: str, models_dir: Path) -> list[Finding]:
    """Everything in a database and its folder of artefacts that is not as it must be."""
    from tests.chaos.recounts import recount

    with closing(psycopg2.connect(url)) as connection:

        def query(sql: str) -> Rows:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall()

        query("set time zone 'UTC'; select 1")
        found = [Finding(DOUBLED, words) for words in _doubles(query)]
        for kind, words, sql in _RULES:
            found += [Finding(kind, words.format(*row)) for row in query(sql)]
        found += [Finding(WRONG, words) for words in _models(query, models_dir)]
        return found + [Finding(WRONG, words) for words in recount(query)]


def _doubles(query: Query) -> list[str]:
    """Rows of which there may be one and there are several."""
    found = []
    for table, keys in KEYS.items():
        sql = f"select {keys} from forecast.{table} group by {keys} having count(*) > 1"
        found += [f"{table} has more than one row of {', '.join(map(str, row))}" for row in query(sql)]
    return found


def _models(query: Query, models_dir: Path) -> list[str]:
    """Forecasts whose model is not stored, may not serve, or has other weights than it names."""
    found = []
    rows = query(
        """
        select prediction.ticker, prediction.as_of, encode(prediction.model_version, 'hex'), version.artefact,
            version.artefact_row, version.is_promoted, version.is_pruned
        from forecast.prediction
        left join forecast.model_version as version
            on version.ticker = prediction.ticker
            and decode(version.model_version, 'hex') = prediction.model_version
        where not prediction.is_fallback
        """
    )
    for ticker, as_of, model_version, artefact, row, is_promoted, is_pruned in rows:
        try:
            if artefact is None:
                verify_backbone(models_dir, model_version)
            elif not is_promoted:
                found.append(f"the model of {ticker}'s forecast at {as_of} was not promoted")
            elif not is_pruned:
                verify_model(models_dir, artefact, row, model_version)
        except Broken as error:
            found.append(f"the model of {ticker}'s forecast at {as_of}: {error}")
    return found
