"""The nouns that travel between the rooms, and the names of their columns.

Standard library only, so that a DAG file may import this module at parse time. It knows no other module
of the project. Where next: ``include/pipeline`` for the order in which these nouns are made.

Axes, everywhere: ``K`` tickers in a shard, ``N`` windows, ``T`` context bars, ``F`` features,
``H`` horizons, ``Q`` quantile levels. Every datetime is aware and UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum, StrEnum

from include.errors import DataContractError

HORIZON_COUNT = 7
"""Horizons 1..H: bars ahead in the ticker's own session calendar."""

QUANTILE_LEVELS = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
QUANTILE_COLUMNS = ("q025", "q05", "q10", "q25", "q50", "q75", "q90", "q95", "q975")

CRPS_WEIGHTS = (0.0318, 0.0198, 0.0921, 0.2147, 0.2646, 0.2147, 0.0921, 0.0198, 0.0318)
"""Natural-spline weights of the nine pinball losses; CRPS is twice the weighted mean (a plain mean flatters)."""

WIDTH_POWERS = ((0, 1), (0, 1), (1, 0), (0.5, 0), (0, 0), (0.5, 0), (1, 0), (0, 1), (0, 1))
"""How calibration stretches each quantile's distance from the median: by these powers of the factor that it found for
the 80 % interval (``width_factor``) and of that for the 90 % interval (``tail_width_factor``)."""

AUTOMATIC = "automatic"
"""In a form, for a ticker's source: whichever its name stands for."""

PRICE_COLUMNS = ("open", "high", "low", "close")
BAR_COLUMNS = ("ticker", "opened_at", "closed_at", *PRICE_COLUMNS, "volume")
"""A BarFrame: one row a ticker and bar, UTC, ordered by both. Volume NaN means unknown; 0 is never stored."""

SLOT_COLUMNS = (
    "bar_number",
    "slot",
    "slot_count",
    "minutes_to_close",
    "is_session_first",
    "hours_to_next",
    "hours_to_last",
    *(f"next_slot_{horizon}" for horizon in range(1, HORIZON_COUNT + 1)),
)
"""What the calendar says of a bar, known in advance: its number on the calendar's grid (so that bar_number + h is
the bar a horizon is about), its slot (0-based position in the session), the session's number of bars, minutes
from the bar's close to the session's, whether it opens a session, hours from its close to those of the next bar and
of the last horizon's (nights, weekends and holidays show here), and the slots of the H bars ahead."""

ANNOUNCEMENT_COLUMNS = tuple(f"next_announcement_{horizon}" for horizon in range(1, HORIZON_COUNT + 1))
"""Whether something is due to be announced while each of the H bars ahead forms: an ``Announcement``, as a number."""


class Announcement(IntEnum):
    """What is known long before to move prices at a stated minute; a bar holds one of these."""

    NONE = 0
    DECISION = 1
    """The Federal Reserve's decision on interest rates, and the start of the press conference on it."""
    AFTERMATH = 2
    """The rest of that press conference, and what the market makes of it."""
    FIGURES = 3
    """The US consumer price index, or the US employment report."""


SCALE_COLUMNS = tuple(f"scale_{horizon}" for horizon in range(1, HORIZON_COUNT + 1))
"""Causal scale of the h-bar log return, known at the bar's close: targets are divided by it, quantiles multiplied."""

INDICATOR_COLUMNS = (
    "log_return_1",
    "log_return_3",
    "log_return_7",
    "log_return_14",
    "log_return_35",
    "overnight_gap",
    "dividend_gap",
    "rsi_14",
    "macd",
    "macd_signal",
    "bollinger_position_20",
    "atr_ratio_14",
    "stochastic_k_14",
    "stochastic_d_3",
    "volume_ratio_20",
    "has_volume",
    "obv_ratio_20",
    "realised_volatility_7",
    "realised_volatility_35",
    "realised_volatility_140",
    "slot_sin",
    "slot_cos",
    "weekday_sin",
    "weekday_cos",
    "minutes_to_close_ratio",
    "is_session_first",
)
STATE_COLUMNS = (
    "slot_count",
    "bars_to_break",
    "hours_to_next",
    "hours_to_last",
    "surprise",
    "gap_surprise",
    "body_surprise",
    "close_position",
    "range_surprise",
    "level",
    "level_ratio_1",
    "level_ratio_8",
    "level_ratio_32",
    "level_ratio_96",
    "return_range_8",
    "return_range_32",
    "night_ratio_32",
    "night_ratio_96",
    "still_ratio",
    "typical_log_return",
)
"""What the network reads beside the indicators: the session ahead, and each bar against what was expected of it."""

FEATURE_COLUMNS = (*INDICATOR_COLUMNS, *STATE_COLUMNS, *SCALE_COLUMNS)
"""A FeatureFrame's columns beside (ticker, closed_at): float32, in this order, without NaN."""


class TickerStatus(StrEnum):
    """A tracked ticker's life, as people read it."""

    PENDING = "pending"
    BACKFILLING = "backfilling"
    TRAINING = "training"
    ACTIVE = "active"
    STALE = "stale"
    REJECTED = "rejected"
    FAILED = "failed"
    RETIRED = "retired"


class OutcomeStatus(StrEnum):
    """What became of one ticker in one hour."""

    PLANNED = "planned"
    FORECAST = "forecast"
    FALLBACK = "fallback"
    SKIPPED = "skipped"
    FAILED = "failed"


class Stage(StrEnum):
    """How far a planned ticker has come within its hour; ordered."""

    PLANNED = "planned"
    FETCHED = "fetched"
    FEATURED = "featured"
    TRAINED = "trained"
    PREDICTED = "predicted"

    @property
    def rank(self) -> int:
        """Position in the order of the hour, 0 first."""
        return list(Stage).index(self)


@dataclass(frozen=True)
class TickerProfile:
    """What a source says of a ticker, stored once when it is onboarded.

    ``calendar`` is a name that ``include.market.sessions`` knows (XNYS, XTAI, 24/7, FX, ...); ``timezone`` is IANA;
    ``feed_delay_minutes`` is how long after a bar's end its last value can be known.
    """

    ticker: str
    source: str
    calendar: str
    timezone: str
    currency: str | None
    name: str | None
    feed_delay_minutes: int


@dataclass(frozen=True)
class TrackedTicker:
    """A ticker's row in the registry: its profile (None while pending) and where its life stands."""

    ticker: str
    source: str
    status: TickerStatus
    status_reason: str | None
    history_days: int
    profile: TickerProfile | None


@dataclass(frozen=True)
class BarRequest:
    """Bars wanted of one ticker: those that open at or after ``since`` and are known at the call's ``as_of``."""

    profile: TickerProfile
    since: datetime


@dataclass(frozen=True)
class Split:
    """``factor`` new units for one old, from the bar on that opens at ``effective_at``: prices are divided by it."""

    ticker: str
    effective_at: datetime
    factor: float


@dataclass(frozen=True)
class Dividend:
    """``amount`` a unit, in the ticker's currency; the session that opens at ``ex_at`` is the first without it.

    The amount is on the scale of the bars that it comes with.
    """

    ticker: str
    ex_at: datetime
    amount: float


@dataclass(frozen=True)
class TickerFailure:
    """Why one ticker got nothing from a source: a value, so that its neighbours go on."""

    ticker: str
    reason: str
    is_retryable: bool


@dataclass(frozen=True)
class Shard:
    """The tickers one task works on: number ``index`` of the hour's ``count``. Travels through XCom as a dict."""

    as_of: datetime
    index: int
    count: int

    def to_dict(self) -> dict[str, str | int]:
        """The shard as plain JSON values."""
        return {"as_of": self.as_of.isoformat(), "index": self.index, "count": self.count}

    @classmethod
    def from_dict(cls, value: dict[str, str | int]) -> Shard:
        """The shard that ``to_dict`` wrote down."""
        as_of = require_utc(datetime.fromisoformat(str(value["as_of"])), "as_of")
        return cls(as_of=as_of, index=int(value["index"]), count=int(value["count"]))


@dataclass(frozen=True)
class PlannedTicker:
    """One ticker of one hour: its profile, how far it has come, and what became of it so far."""

    as_of: datetime
    profile: TickerProfile
    stage: Stage
    status: OutcomeStatus
    reason: str | None


@dataclass(frozen=True)
class ModelRef:
    """Where one ticker's weights lie: row ``row`` of a stacked artefact, named by their content."""

    ticker: str
    model_version: str
    artefact: str
    row: int


def require_utc(value: datetime, name: str) -> datetime:
    """The same instant in UTC.

    Raises:
        DataContractError: the datetime is naive.
    """
    if value.tzinfo is None:
        message = f"{name}={value.isoformat()} has no time zone; give an aware datetime, for example in UTC."
        raise DataContractError(message)
    return value.astimezone(UTC)
