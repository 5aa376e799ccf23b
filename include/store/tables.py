"""Names, keys and columns of the tables that the store writes; ``sql/migrations`` defines them.

A test compares every name here with the migrated database.
"""

from __future__ import annotations

from dataclasses import dataclass

from include.contracts import BAR_COLUMNS, FEATURE_COLUMNS, PRICE_COLUMNS, QUANTILE_COLUMNS

BAR_KINDS = {
    "opened_at": "time",
    "closed_at": "time",
    **dict.fromkeys((*PRICE_COLUMNS, "volume"), "f8"),
    "known_at": "time",
}
"""Columns of a bar after the ticker, in the order of ``contracts.BAR_COLUMNS``; kinds as in ``binary.py``."""

FEATURE_KINDS = {"closed_at": "time", "known_at": "time", **dict.fromkeys(FEATURE_COLUMNS, "f4")}
"""Columns of a feature row after the ticker."""


@dataclass(frozen=True)
class Table:
    """A table of schema ``forecast``: key columns, other written columns, and columns that every change sets anew.

    The default of a ``touched`` column is the time of the change, or a number that counts the changes.
    """

    name: str
    keys: tuple[str, ...]
    values: tuple[str, ...]
    touched: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The keys, then the values."""
        return (*self.keys, *self.values)


BAR = Table("bar", ("ticker", "opened_at"), ("closed_at", *PRICE_COLUMNS, "volume", "known_at"))
BAR_REJECTED = Table(
    "bar_rejected",
    ("ticker", "opened_at", "reason"),
    ("as_of", *BAR_COLUMNS[2:]),
)
SPLIT = Table(
    "split",
    ("ticker", "known_at", "effective_at"),
    ("factor", "is_announced", "is_volume_scaled", "evidence"),
)
DIVIDEND = Table("dividend", ("ticker", "ex_at"), ("amount", "known_at"))
EXPECTED_DAY = Table(
    "expected_day",
    ("ticker", "day_exchange"),
    ("first_opened_at", "last_closed_at", "expected_count", "as_of"),
)
EXTENDED_CLOSE = Table("extended_close", ("ticker", "closed_at", "known_at"), ("close",))
EXTENDED_REJECTED = Table("extended_rejected", ("ticker", "closed_at", "reason"), ("as_of", "close"))
EARNINGS_DATE = Table(
    "earnings_date",
    ("ticker", "reported_on", "known_at"),
    ("timing", "is_confirmed", "is_expected", "source"),
)
FEATURE = Table("feature", ("ticker", "closed_at", "known_at"), FEATURE_COLUMNS)
MODEL_VERSION = Table(
    "model_version",
    ("ticker", "as_of"),
    (
        "model_version",
        "parent_version",
        "kind",
        "is_promoted",
        "artefact",
        "artefact_row",
        "config",
        "seed",
        "code_version",
        "window_count",
        "loss_before",
        "loss_after",
        "sequential_test",
    ),
    touched=("created_at",),
)
BASELINES = ("random_walk", "seasonal_har")
"""Names of the baselines: each is a column of ``forecast.baseline_prediction``."""
OURS = "hourcast"
"""Name of the product's forecasts among the methods of scores."""
PREDICTION = Table(
    "prediction",
    ("ticker", "as_of", "horizon"),
    (
        "target_at",
        "anchored_at",
        "last_close",
        *QUANTILE_COLUMNS,
        "model_version",
        "width_factor",
        "tail_width_factor",
        "is_fallback",
        "fallback_reason",
        "source",
        "written_by",
        "is_refresh",
        "believed_price",
        "believed_at",
        "reasons",
    ),
    touched=("made_at",),
)
"""A forecast by horizon, as ``forecasts.py`` takes and returns it."""
BASELINE_PREDICTION = Table(
    "baseline_prediction",
    ("ticker", "as_of", "horizon", "baseline"),
    QUANTILE_COLUMNS,
    touched=("made_at",),
)
"""A baseline's forecast by horizon."""
SCORE = Table(
    "score",
    ("ticker", "as_of", "horizon", "method"),
    (
        "actual_close",
        "actual_known_at",
        "pinball",
        "crps",
        "absolute_error",
        "is_inside_50",
        "is_inside_80",
        "is_inside_90",
        "is_inside_95",
        "dividend_gap",
        "scored_as_of",
        "is_refresh",
    ),
)
"""A score by method."""
STORED_PREDICTION = Table(
    "prediction",
    ("ticker", "as_of"),
    (
        "anchored_at",
        "last_close",
        "believed_at",
        "believed_price",
        "target_at",
        "quantiles",
        "width_factor",
        "tail_width_factor",
        "is_fallback",
        "is_refresh",
        "source",
        "written_by",
        "model_version",
        "fallback_reason",
        "reasons",
    ),
    touched=("made_at", "written_number"),
)
"""A forecast as it is stored: one row with arrays over the horizons; ``by_horizon.py`` makes it from PREDICTION."""
STORED_BASELINE = Table(
    "baseline_prediction",
    ("ticker", "as_of"),
    BASELINES,
    touched=("made_at",),
)
"""The same for BASELINE_PREDICTION: one array for each baseline."""
STORED_SCORE = Table(
    "score",
    ("ticker", "horizon", "as_of"),
    (
        "actual_close",
        "actual_known_at",
        "scored_as_of",
        "dividend_gap",
        "is_refresh",
        "pinball",
        "absolute_error",
        "crps",
        *(f"{name}_crps" for name in BASELINES),
        "inside",
    ),
)
"""The same for SCORE: one row for all methods."""
TICKER = Table("ticker", ("ticker",), ("source", "history_days", "status", "status_reason", "status_at"))
OUTCOME = Table(
    "outcome",
    ("as_of", "ticker"),
    ("source", "shard_index", "shard_count", "stage", "status", "reason"),
    touched=("updated_at",),
)
ONBOARDING = Table(
    "onboarding",
    ("request_id", "ticker"),
    ("as_of", "source", "history_days", "requested_by", "shard_index", "shard_count", "stage", "result", "reason"),
    touched=("updated_at",),
)
TABLES = (
    BAR,
    BAR_REJECTED,
    SPLIT,
    DIVIDEND,
    EXPECTED_DAY,
    EARNINGS_DATE,
    EXTENDED_CLOSE,
    EXTENDED_REJECTED,
    FEATURE,
    MODEL_VERSION,
    STORED_PREDICTION,
    STORED_BASELINE,
    STORED_SCORE,
    TICKER,
    OUTCOME,
    ONBOARDING,
)

PREDICTION_COLUMNS = PREDICTION.columns
"""Input of ``forecasts.save_predictions``: prices in the ticker's currency, times in UTC."""
BASELINE_COLUMNS = BASELINE_PREDICTION.columns
"""Input of ``forecasts.save_baselines``, in the same units."""
SCORE_COLUMNS = SCORE.columns
"""Input of ``forecasts.save_scores``: losses in basis points of log return, errors in the ticker's currency."""
