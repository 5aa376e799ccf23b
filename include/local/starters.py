"""Which tickers ``make run`` asks for: those the person named, or the starters; simulated ones where Yahoo is away."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from include.contracts import TickerStatus
from include.market.source import SIMULATED_SUFFIX, YAHOO, normalise_ticker, source_of

REAL_STARTERS = ("AAPL", "MSFT", "NVDA", "SPY", "BTC-USD")
SIMULATED_STARTERS = ("ALFA.SIM", "BRAVO.SIM", "CHARLIE.SIM", "NOVA-USD.SIM", "ORION-USD.SIM")


@dataclass(frozen=True)
class Choice:
    """The tickers to onboard, in order, and a sentence for the person where it is not what they would expect."""

    tickers: tuple[str, ...]
    note: str | None


def parse_tickers(text: str) -> tuple[str, ...]:
    """The tickers in a person's words: split at spaces, commas and semicolons, in capitals, each once.

    Raises:
        InvalidRequestError: one of them cannot be a ticker.
    """
    words = [word for word in re.split(r"[\s,;]+", text) if word]
    return tuple(dict.fromkeys(normalise_ticker(word) for word in words))


def choose_tickers(
    requested: Sequence[str],
    source: str | None,
    tracked: Mapping[str, TickerStatus],
    is_yahoo_reachable: Callable[[], bool],
) -> Choice:
    """What to onboard, given what is ``tracked``. Yahoo is asked for a sign of life only when a ticker needs it.

    Without a request, an installation that forecasts something already is left as it is: its hours go on, and try
    pending tickers again. The real tickers are asked for without Yahoo too, so that they wait as pending.

    Raises:
        InvalidRequestError: a requested ticker cannot come from ``source``.
    """
    active = {ticker for ticker, status in tracked.items() if status is TickerStatus.ACTIVE}
    if not requested and active:
        return Choice((), None)
    wanted = [ticker for ticker in requested or REAL_STARTERS if ticker not in active]
    real = [ticker for ticker in wanted if source_of(ticker, source) == YAHOO]
    if not real or is_yahoo_reachable():
        return Choice(tuple(wanted), None)
    has_others = bool(active) or len(real) < len(wanted)
    stand_ins = () if has_others else SIMULATED_STARTERS
    going_on = (
        "simulated tickers"
        if any(ticker.endswith(SIMULATED_SUFFIX) for ticker in (*wanted, *stand_ins))
        else "the others"
    )
    note = (
        f"Yahoo cannot be reached from here, so {', '.join(real)} stay pending until it can, "
        f"and we go on with {going_on}."
    )
    return Choice((*wanted, *stand_ins), note)
