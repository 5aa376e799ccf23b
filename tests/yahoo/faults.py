"""What can go wrong between Yahoo and us, by ticker, a number of times or with a probability.

A rule is written ``TARGET:KIND[:TIMES][@SECONDS]``: the target is a ticker, ``*`` (every chart request), ``cookie``,
``crumb``, ``calendar`` (reports to come), ``earnings`` (all reports), or one ticker's, as ``calendar-AAPL``; TIMES is a
count (``3``) or a share (``25%``), and left out it means always; SECONDS is how long a hang or a delay lasts, what
Retry-After says, or how long a refusing window stays open after the last request. The kinds ``stale`` and
``stale-unmarked`` may have an age in seconds, as in ``stale-420``; without one they are two days old. A ticker's rules
are about all its charts; ``extended`` and ``extended-AAPL`` mean requests for 5-minute bars only.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.yahoo.extended_faults import EXTENDED_KINDS

Document = dict[str, Any]

STATUS_KINDS = {"429": 429, "429-after": 429, "429-window": 429, "401": 401, "404": 404, "500": 500, "502": 502}
TRANSPORT_KINDS = frozenset({"reset", "closed", "hang", "slow", "truncated"})
BODY_KINDS: dict[str, bytes] = {
    "html": b"<!DOCTYPE html><html><head><title>Yahoo</title></head><body>Please wait</body></html>",
    "down": b"<html><body>Will be right back...</body></html>",
    "broken-json": b'{"chart":{"result":[{"meta":{"currency":"USD","symbol":"AA',
    "empty-body": b"",
    "empty-result": b'{"chart":{"result":[],"error":null}}',
    "null-result": b'{"chart":{"result":null,"error":null}}',
}


def _quote(result: Document) -> dict[str, list[Any]]:
    return result["indicators"]["quote"][0]


def _columns(result: Document) -> list[list[Any]]:
    return [result["timestamp"], *_quote(result).values()]


def _take(result: Document, order: Iterable[int]) -> None:
    """Replaces the rows by those at the given positions, in that order."""
    positions = list(order)
    for column in _columns(result):
        column[:] = [column[position] for position in positions]


def _scale(result: Document, position: int, factor: float) -> None:
    for name in ("open", "high", "low", "close"):
        value = _quote(result)[name][position]
        _quote(result)[name][position] = None if value is None else value * factor


_STRUCK = (2, -2)
"""Rows that a bad number befalls: one that was told before, and in trading hours the newest that has closed, which the
bar in progress follows."""


def _is_kept(position: int) -> bool:
    return position % 7 != 3


def _no_quotes(result: Document) -> None:
    result.pop("timestamp", None)
    result["indicators"] = {"quote": [{}]}


def _null_rows(result: Document) -> None:
    for column in _quote(result).values():
        column[:] = [value if _is_kept(position) else None for position, value in enumerate(column)]


def _null_closes(result: Document) -> None:
    _quote(result)["close"][-3:] = [None] * min(3, len(result["timestamp"]))


def _duplicate_last(result: Document) -> None:
    _take(result, [*range(len(result["timestamp"])), len(result["timestamp"]) - 1])


def _out_of_order(result: Document) -> None:
    _take(result, reversed(range(len(result["timestamp"]))))


def _missing_bars(result: Document) -> None:
    _take(result, [row for row in range(len(result["timestamp"])) if _is_kept(row)])


def _off_grid(result: Document) -> None:
    result["timestamp"][:] = [value + 1 for value in result["timestamp"]]


def _future(result: Document) -> None:
    _duplicate_last(result)
    result["timestamp"][-1] += 3 * 86_400


def _zero(result: Document) -> None:
    for position in (1, *_STRUCK):
        _scale(result, position, 0.0)


def _negative(result: Document) -> None:
    for position in _STRUCK:
        _scale(result, position, -1.0)


def _spike(result: Document) -> None:
    for position in _STRUCK:
        _scale(result, position, 100.0)


def _high_below_low(result: Document) -> None:
    quote = _quote(result)
    for position in _STRUCK:
        quote["high"][position], quote["low"][position] = quote["low"][position] * 0.99, quote["high"][position]


def _infinity(result: Document) -> None:
    for position in _STRUCK:
        _quote(result)["close"][position] = float("inf")


def _short_array(result: Document) -> None:
    _quote(result)["close"].pop()


def _huge_volume(result: Document) -> None:
    for position in _STRUCK:
        _quote(result)["volume"][position] = 9_000_000_000_000_000


def _zero_volume(result: Document) -> None:
    _quote(result)["volume"][:] = [0] * len(result["timestamp"])


def _other_symbol(result: Document) -> None:
    result["meta"]["symbol"] = "OTHER"


def _other_currency(result: Document) -> None:
    result["meta"]["currency"] = "XXX"


def _other_zone(result: Document) -> None:
    result["meta"]["exchangeTimezoneName"] = "Asia/Kolkata"


def _no_trading_periods(result: Document) -> None:
    result["meta"].pop("tradingPeriods", None)


def _cut(result: Document) -> None:
    _take(result, range(max(0, len(result["timestamp"]) - 5), len(result["timestamp"])))


def _withdrawn_day(result: Document) -> None:
    """Leaves out the day before the newest one, as Yahoo did with whole sessions in July and August 2026."""
    offset = result["meta"]["gmtoffset"]
    days = [(value + offset) // 86_400 for value in result["timestamp"]]
    older = sorted(set(days))[:-1]
    if older:
        _take(result, [row for row, day in enumerate(days) if day != older[-1]])


def _revised(result: Document) -> None:
    for position in range(len(result["timestamp"])):
        _scale(result, position, 1.01)


DATA_KINDS: dict[str, Callable[[Document], None]] = {
    "no-quotes": _no_quotes,
    "null-rows": _null_rows,
    "null-closes": _null_closes,
    "duplicate-last": _duplicate_last,
    "out-of-order": _out_of_order,
    "missing-bars": _missing_bars,
    "off-grid": _off_grid,
    "future": _future,
    "zero": _zero,
    "negative": _negative,
    "spike": _spike,
    "high-below-low": _high_below_low,
    "infinity": _infinity,
    "short-array": _short_array,
    "huge-volume": _huge_volume,
    "zero-volume": _zero_volume,
    "other-symbol": _other_symbol,
    "other-currency": _other_currency,
    "other-zone": _other_zone,
    "no-trading-periods": _no_trading_periods,
    "cut": _cut,
    "withdrawn-day": _withdrawn_day,
    "revised": _revised,
}
"""Kinds that change the numbers of an answer; each gets one result of the chart document with at least 5 bars."""

STALE_KINDS = frozenset({"stale", "stale-unmarked"})
"""Kinds that serve the market as it stood some time ago, as a cache does: with its headers, or with none of them."""

KINDS = frozenset({*STATUS_KINDS, *TRANSPORT_KINDS, *BODY_KINDS, *DATA_KINDS, *STALE_KINDS})

_STALE_SECONDS = 2 * 86_400


@dataclass
class Fault:
    """One rule: what happens to which requests, and how often still (None: for ever).

    ``age_seconds``: how long ago the market stood as a stale kind serves it.
    """

    target: str
    kind: str
    times: int | None = None
    probability: float = 1.0
    seconds: float | None = None
    age_seconds: int = _STALE_SECONDS

    def __post_init__(self) -> None:
        known = KINDS | EXTENDED_KINDS.keys()
        if self.kind not in known:
            message = f"{self.kind!r} is no fault; known are {', '.join(sorted(known))}"
            raise ValueError(message)


def changed(document: Document, kind: str) -> Document:
    """The chart document with its numbers changed as this kind does, where it is about answers like this one."""
    result = document["chart"]["result"][0]
    count = len(result.get("timestamp", ()))
    if kind in DATA_KINDS and count >= 5:
        DATA_KINDS[kind](result)
    if kind in EXTENDED_KINDS and count and result["meta"]["dataGranularity"] == "5m":
        EXTENDED_KINDS[kind](result)
    return document


def targets_of(kind: str, ticker: str) -> tuple[str, str | None]:
    """The name under which a rule means one request, and the name of all of its group."""
    if kind in {"calendar", "earnings"}:
        return f"{kind}-{ticker}", kind
    return (ticker if kind == "chart" else kind), None if kind in {"cookie", "crumb"} else "*"


def parse_fault(text: str) -> Fault:
    """The rule written as ``TARGET:KIND[:TIMES][@SECONDS]``."""
    rule, _, seconds = text.partition("@")
    target, kind, *rest = rule.split(":")
    named, _, age = kind.rpartition("-")
    is_aged = named in STALE_KINDS and age.isdecimal()
    fault = Fault(target=target, kind=named if is_aged else kind, seconds=float(seconds) if seconds else None)
    if is_aged:
        fault.age_seconds = int(age)
    if rest and rest[0].endswith("%"):
        fault.probability = float(rest[0][:-1]) / 100
    elif rest:
        fault.times = int(rest[0])
    return fault


@dataclass
class FaultPlan:
    """The rules in force. Thread-safe; chance follows from the seed and from how often a target was asked for.

    So that it is the same whichever of several threads comes first.
    """

    rules: list[Fault] = field(default_factory=list)
    seed: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: Counter[str] = Counter()
        self._window_ends_at = 0.0

    def add(self, text: str) -> None:
        """Puts one more rule in force, as ``parse_fault`` reads it."""
        with self._lock:
            self.rules.append(parse_fault(text))

    def clear(self) -> None:
        """Takes every rule away."""
        with self._lock:
            self.rules.clear()

    def draw(self, target: str, group: str | None = "*") -> Fault | None:
        """The fault that befalls the next request to ``target``, one of ``group``; counts it."""
        with self._lock:
            self._asked[target] += 1
            chance = random.Random(f"{self.seed}|{target}|{self._asked[target]}")
            for rule in self.rules:
                is_meant = rule.target in {target, group}
                if is_meant and self._strikes(rule, chance):
                    return rule
        return None

    def _strikes(self, rule: Fault, chance: random.Random) -> bool:
        if rule.times == 0 or chance.random() >= rule.probability:
            return False
        if rule.kind == "429-window":
            return self._is_in_window(rule)
        if rule.times is not None:
            rule.times -= 1
        return True

    def _is_in_window(self, rule: Fault) -> bool:
        """TIMES requests open the window; then every request inside it prolongs it, until the client keeps quiet."""
        now, length = time.monotonic(), rule.seconds or 1.0
        if self._window_ends_at == 0.0 or now < self._window_ends_at:
            self._window_ends_at = now + length
            return True
        return False
