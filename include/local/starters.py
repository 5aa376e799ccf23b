"""Which tickers ``make run`` onboards: those a person typed, or a first few; simulated ones without Yahoo."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from include.contracts import TickerStatus
from include.errors import InvalidRequestError
from include.market.source import SIMULATED, SIMULATED_SUFFIX, SOURCE_NAMES, YAHOO, normalise_ticker, source_of

REAL_STARTERS = ("AAPL", "MSFT", "NVDA", "SPY", "BTC-USD")
SIMULATED_STARTERS = ("ALFA.SIM", "BRAVO.SIM", "CHARLIE.SIM", "NOVA-USD.SIM", "ORION-USD.SIM")

_SPELLING = (
    "a ticker starts with a letter, a digit or ^ and has at most 24 letters, digits, '.', '-', '=' or '&', "
    "as Yahoo spells it (AAPL, ^GSPC, 2330.TW, BTC-USD, EURUSD=X)"
)
_LONGEST_WORD = 40
_MOST_NAMES = 8


@dataclass(frozen=True)
class Request:
    """What a person typed: the tickers that can be onboarded, their source (None: by name), and the rest.

    ``refusals`` holds one sentence for all words that are refused for the same reason.
    """

    tickers: tuple[str, ...] = ()
    source: str | None = None
    refusals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """The tickers to onboard, in order, and a sentence where they are not simply those that were typed."""

    tickers: tuple[str, ...]
    note: str | None


def read_request(text: str, source: str = "") -> Request:
    """The tickers in ``text``, split at spaces, commas and semicolons, in capitals, each once; ``source`` may be empty.

    Raises:
        InvalidRequestError: there is no such source, or words were typed and none is a ticker of it.
    """
    chosen = _read_source(source)
    tickers, misspelt = _read_words(text)
    foreign = [ticker for ticker in tickers if not _is_of(ticker, chosen)]
    refusals = (*_refuse_spelling(misspelt), *_refuse_source(foreign, chosen))
    kept = tuple(ticker for ticker in tickers if ticker not in foreign)
    if refusals and not kept:
        raise InvalidRequestError(" ".join(refusals))
    return Request(kept, chosen, refusals)


def choose_tickers(
    request: Request, tracked: Mapping[str, TickerStatus], is_yahoo_reachable: Callable[[], bool]
) -> Choice:
    """What to onboard, given what is ``tracked``. ``is_yahoo_reachable`` is called only when a ticker needs Yahoo.

    Without a request, an installation with an active ticker stays as it is: every hour tries its pending tickers again.
    Real tickers are onboarded without Yahoo too: they wait as pending.
    """
    active = {ticker for ticker, status in tracked.items() if status is TickerStatus.ACTIVE}
    if active and not request.tickers:
        return Choice((), None)
    starters = SIMULATED_STARTERS if request.source == SIMULATED else REAL_STARTERS
    wanted = tuple(ticker for ticker in request.tickers or starters if ticker not in active)
    real = [ticker for ticker in wanted if source_of(ticker, request.source) == YAHOO]
    if not real or is_yahoo_reachable():
        return Choice(wanted, None)
    return _choose_without_yahoo(wanted, real, active)


def _choose_without_yahoo(wanted: tuple[str, ...], real: Sequence[str], active: Collection[str]) -> Choice:
    """The wanted tickers, and simulated ones where no other could be forecast."""
    has_others = bool(active) or len(real) < len(wanted)
    tickers = wanted if has_others else (*wanted, *SIMULATED_STARTERS)
    is_any_simulated = any(ticker.endswith(SIMULATED_SUFFIX) for ticker in tickers)
    others = "simulated tickers" if is_any_simulated else "the others"
    verb = "stays" if len(real) == 1 else "stay"
    note = f"Yahoo cannot be reached, so {_list(real)} {verb} pending until it can, and {others} are forecast."
    return Choice(tickers, note)


def _read_source(text: str) -> str | None:
    source = text.strip().lower() or None
    if source is not None and source not in SOURCE_NAMES:
        message = f"{_quote(text)} is not a source; the sources are {', '.join(SOURCE_NAMES)}."
        raise InvalidRequestError(message)
    return source


def _read_words(text: str) -> tuple[list[str], list[str]]:
    """The tickers, and the words that are no tickers, in quotes; each once, in order."""
    tickers: dict[str, None] = {}
    misspelt: dict[str, None] = {}
    for word in filter(None, re.split(r"[\s,;]+", text)):
        try:
            tickers[normalise_ticker(word)] = None
        except InvalidRequestError:
            misspelt[_quote(word)] = None
    return list(tickers), list(misspelt)


def _is_of(ticker: str, source: str | None) -> bool:
    try:
        source_of(ticker, source)
    except InvalidRequestError:
        return False
    return True


def _refuse_spelling(words: Sequence[str]) -> list[str]:
    if not words:
        return []
    return [f"{_list(words)} {'is not a ticker' if len(words) == 1 else 'are not tickers'}; {_SPELLING}."]


def _refuse_source(tickers: Sequence[str], source: str | None) -> list[str]:
    if not tickers:
        return []
    rule = f"exactly the tickers that end in {SIMULATED_SUFFIX} come from the source {SIMULATED}"
    return [f"{_list(tickers)} cannot come from the source {source}; {rule}."]


def _quote(word: str) -> str:
    """The word in quotes, its unprintable characters as escapes; a long one is cut."""
    return repr(word) if len(word) <= _LONGEST_WORD else f"{word[:_LONGEST_WORD]!r}..."


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    return shown if len(names) <= _MOST_NAMES else f"{shown} and {len(names) - _MOST_NAMES} more"
