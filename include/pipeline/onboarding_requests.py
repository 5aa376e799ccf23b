"""What a request names, stored ticker by ticker: accepted names, rejected ones, and those to retire.

Where next: ``onboarding.py`` for what becomes of them.
"""

from __future__ import annotations

from include.contracts import TickerStatus
from include.errors import InvalidRequestError
from include.market.source import normalise_ticker, source_of
from include.pipeline.onboarding_form import Request
from include.pipeline.services import Services
from include.store import onboarding as request_store
from include.store import registry
from include.store.engine import transaction


def store_request(services: Services, request: Request) -> None:
    """Stores one row for each ticker, names normalised and without duplicates; a malformed name is rejected at once."""
    default_days = services.settings.market.history_days
    accepted: dict[str, str] = {}
    rejected: dict[str, str] = {}
    for text in request.tickers:
        try:
            ticker = normalise_ticker(text)
            accepted[ticker] = source_of(ticker, request.source)
        except InvalidRequestError as error:
            rejected[_as_typed(text)] = str(error)
    with transaction(services.engine) as connection:
        tracked = {item.ticker: item for item in registry.get_tickers(connection, tickers=sorted(accepted))}
        for ticker, source in accepted.items():
            days = request.history_days or (tracked[ticker].history_days if ticker in tracked else default_days)
            kept_source = tracked[ticker].source if ticker in tracked and request.source is None else source
            request_store.open_ticker(
                connection,
                request.request_id,
                ticker,
                as_of=request.as_of,
                source=kept_source,
                history_days=days,
                requested_by=request.requested_by,
            )
        for text, reason in rejected.items():
            request_store.open_ticker(
                connection,
                request.request_id,
                text,
                as_of=request.as_of,
                source=request.source,
                history_days=0,
                requested_by=request.requested_by,
            )
            request_store.close(connection, request.request_id, text, TickerStatus.REJECTED.value, reason)


def _as_typed(text: str) -> str:
    """The typed text, shortened and without unprintable characters, so that it can be stored."""
    return "".join(letter for letter in text if letter.isprintable()).strip()[:64]


def retire_tickers(services: Services, request: Request) -> None:
    """Retires the named tickers; a name that is not tracked gets a result that says so."""
    for text in request.retire_tickers:
        typed = _as_typed(text)
        name = typed.upper() if typed.isascii() else typed  # the upper case of ß is SS, another ticker
        with transaction(services.engine) as connection:
            retired = registry.retire(connection, [name], request.as_of)
            request_store.open_ticker(
                connection,
                request.request_id,
                name,
                as_of=request.as_of,
                source=None,
                history_days=0,
                requested_by=request.requested_by,
            )
            result = (TickerStatus.RETIRED.value, None) if retired else ("not_tracked", f"{name} is not tracked")
            request_store.close(connection, request.request_id, name, *result)
