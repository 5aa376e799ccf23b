"""The types that packages exchange, and the names of their columns.

Standard library only, so that a DAG file may import this module while it is parsed. Where next: ``include/pipeline``,
which creates these types in the order of an hour.

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
"""Natural-spline weights of the nine pinball losses. CRPS is twice the weighted mean; a plain mean is too small."""

WIDTH_POWERS = ((0, 1), (0, 1), (1, 0), (0.5, 0), (0, 0), (0.5, 0), (1, 0), (0, 1), (0, 1))
"""Calibration multiplies each quantile's distance from the median by these powers of the factor of the 80 % interval
(``width_factor``) and of the factor of the 90 % interval (``tail_width_factor``)."""

AUTOMATIC = "automatic"
"""Value of a form's field ``source``: the source follows from the ticker's name."""

TICKER_PATTERN = r"\^?[A-Z0-9][A-Z0-9.&=-]{0,23}"
"""Regular expression of a ticker in capitals; it says how one is spelt, not that it exists."""

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
"""Calendar columns of a bar, known in advance: its number on the calendar's grid (so that bar_number + h is
the bar a horizon is about), its slot (0-based position in the session), the session's number of bars, minutes
from the bar's close to the session's, whether it opens a session, hours from its close to those of the next bar and
of the last horizon's (nights, weekends and holidays show here), and the slots of the H bars ahead."""

ANNOUNCEMENT_COLUMNS = tuple(f"next_announcement_{horizon}" for horizon in range(1, HORIZON_COUNT + 1))
"""The ``Announcement`` that is due during each of the H bars ahead, as a number."""


class Announcement(IntEnum):
    """Events whose minute is known long before and that move prices; a bar has one of these values."""

    NONE = 0
    DECISION = 1
    """The Federal Reserve's decision on interest rates, and the start of the press conference on it."""
    AFTERMATH = 2
    """The rest of that press conference and the bar after it."""
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
"""Inputs of the network beside the indicators: the session ahead, and each bar relative to its expected size."""

FEATURE_COLUMNS = (*INDICATOR_COLUMNS, *STATE_COLUMNS, *SCALE_COLUMNS)
"""A FeatureFrame's columns beside (ticker, closed_at): float32, in this order, without NaN."""


class TickerStatus(StrEnum):
    """The status of a ticker, from the request to its retirement."""

    PENDING = "pending"
    BACKFILLING = "backfilling"
    TRAINING = "training"
    ACTIVE = "active"
    STALE = "stale"
    REJECTED = "rejected"
    FAILED = "failed"
    RETIRED = "retired"


class OutcomeStatus(StrEnum):
    """The outcome of one ticker in one hour."""

    PLANNED = "planned"
    FORECAST = "forecast"
    REFRESHED = "refreshed"
    FALLBACK = "fallback"
    SKIPPED = "skipped"
    FAILED = "failed"


class Stage(StrEnum):
    """The stages of an hour, in order; a planned ticker has reached one of them."""

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
    """A ticker's description by its source, stored when it is onboarded.

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
    """A ticker's row in the registry: its profile (None while pending) and its status."""

    ticker: str
    source: str
    status: TickerStatus
    status_reason: str | None
    history_days: int
    profile: TickerProfile | None


@dataclass(frozen=True)
class BarRequest:
    """A request for one ticker's bars that open at or after ``since`` and are known at the call's ``as_of``."""

    profile: TickerProfile
    since: datetime


@dataclass(frozen=True)
class Split:
    """A split: from the bar that opens at ``effective_at`` on, ``factor`` new units replace one old unit.

    Older prices are divided by ``factor`` to be on the new scale, and older volumes multiplied by it. A change of the
    unit of the price (pence to pounds) leaves the volumes as they are: ``is_volume_scaled`` is False.
    """

    ticker: str
    effective_at: datetime
    factor: float
    is_volume_scaled: bool = True

    @property
    def volume_factor(self) -> float:
        """What older volumes are multiplied by."""
        return self.factor if self.is_volume_scaled else 1.0


@dataclass(frozen=True)
class Dividend:
    """A dividend of ``amount`` per unit, in the ticker's currency, on the scale of the bars of the same response.

    The session that opens at ``ex_at`` (UTC) is the first that trades without it.
    """

    ticker: str
    ex_at: datetime
    amount: float


@dataclass(frozen=True)
class TickerFailure:
    """Why a source returned nothing for a ticker. It is a value, not an exception, so that other tickers go on."""

    ticker: str
    reason: str
    is_retryable: bool


@dataclass(frozen=True)
class Shard:
    """The tickers of one task: shard ``index`` of the hour's ``count``. XCom holds it as a dict."""

    as_of: datetime
    index: int
    count: int

    def to_dict(self) -> dict[str, str | int]:
        """The shard as plain JSON values."""
        return {"as_of": self.as_of.isoformat(), "index": self.index, "count": self.count}

    @classmethod
    def from_dict(cls, value: dict[str, str | int]) -> Shard:
        """The shard that ``to_dict`` wrote."""
        as_of = require_utc(datetime.fromisoformat(str(value["as_of"])), "as_of")
        return cls(as_of=as_of, index=int(value["index"]), count=int(value["count"]))


@dataclass(frozen=True)
class Freshness:
    """A ticker's newest bar and the newest that was due (UTC, closed at; None for none), and its status.

    ``note``: what was assumed of its sessions, in words; None for nothing.
    """

    newest_at: datetime | None
    due_at: datetime | None
    status: TickerStatus
    note: str | None = None

    @property
    def late_reason(self) -> str | None:
        """That the newest due bar is missing, in words; None where it is stored."""
        if self.due_at is None or (self.newest_at is not None and self.newest_at >= self.due_at):
            return None
        return self._with_note(f"late: the bar that closed at {self.due_at.isoformat()} has not come")

    @property
    def status_reason(self) -> str | None:
        """Why the ticker is not active, in words; None where it is."""
        if self.status is TickerStatus.ACTIVE or self.newest_at is None:
            return None
        newest = self.newest_at.isoformat()
        return self._with_note(f"stale: the newest bar closed at {newest}; it comes back by itself with the next")

    @property
    def nothing_new_reason(self) -> str:
        """That no bar was due after the newest, in words."""
        newest = "none" if self.newest_at is None else self.newest_at.isoformat()
        return self._with_note(f"no new closed bar since {newest}")

    def _with_note(self, reason: str) -> str:
        return reason if self.note is None else f"{reason}; {self.note}"


@dataclass(frozen=True)
class PlannedTicker:
    """One ticker of one hour: its profile, the stage it has reached, its outcome so far, and its freshness."""

    as_of: datetime
    profile: TickerProfile
    stage: Stage
    status: OutcomeStatus
    reason: str | None
    freshness: Freshness | None = None
    """None until the hour has fetched the ticker."""
    is_refresh: bool = False
    """Whether the hour renews its forecast from a price of extended hours, without a new bar."""


@dataclass(frozen=True)
class ModelRef:
    """Where one ticker's weights are stored: row ``row`` of a stacked file. ``model_version`` is their hash."""

    ticker: str
    model_version: str
    artefact: str
    row: int


def require_utc(value: datetime, name: str) -> datetime:
    """The same instant in UTC.

    Raises:
        DataContractError: the datetime is naive, or in UTC before the year 1 or after the year 9999.
    """
    if value.tzinfo is None:
        message = f"{name}={value.isoformat()} has no time zone; give an aware datetime, for example in UTC."
        raise DataContractError(message)
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        message = f"{name}={value.isoformat()} is in UTC not between the years 1 and 9999; give another instant."
        raise DataContractError(message) from error
