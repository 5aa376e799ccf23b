"""The chart document as Yahoo serves it: bars up to the clock, the bar in progress, metadata, events, refusals."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from tests.yahoo.exchanges import Exchange, exchange_of
from tests.yahoo.faults import Document
from tests.yahoo.five_minutes import EVENING_BARS, MORNING_BARS, STEP, five_minutes_of
from tests.yahoo.providers import PRICES, Listing

DAY = 86_400
OLDEST_HOURLY_DAYS = 730
OLDEST_DAYS = {"5m": 60, "1h": OLDEST_HOURLY_DAYS, "60m": OLDEST_HOURLY_DAYS}
VALID_RANGES = ["1d", "5d", "1mo", "3mo", "6mo", "1y", "2y", "5y", "10y", "ytd", "max"]
_DAYS_BY_UNIT = {"d": 1, "wk": 7, "mo": 31, "y": 365}


@dataclass(frozen=True)
class Rows:
    """Bars ready to be written down: seconds, prices [n, 4], volume."""

    opened: npt.NDArray[np.int64]
    prices: npt.NDArray[np.float64]
    volume: npt.NDArray[np.float64]


def not_found(ticker: str) -> tuple[int, Document]:
    """Yahoo's answer about a symbol that it does not know."""
    return _refusal(404, "Not Found", "No data found, symbol may be delisted")


def answer(ticker: str, listing: Listing, query: Mapping[str, str], clock: datetime) -> tuple[int, Document]:
    """Status and document of one chart request at an instant of the emulator's clock."""
    now = int(clock.timestamp())
    interval = query.get("interval", "1d")
    if interval not in {*OLDEST_DAYS, "1d"}:
        return _refusal(422, "Unprocessable Entity", f"Invalid input - interval={interval} is not supported")
    since, until = _bounds(query, now)
    if interval != "1d" and since < now - OLDEST_DAYS[interval] * DAY:
        text = (
            f"{interval.replace('60m', '1h')} data not available for startTime={since} and endTime={until}. "
            f"The requested range must be within the last {OLDEST_DAYS[interval]} days."
        )
        return _refusal(422, "Unprocessable Entity", text)
    exchange = exchange_of(ticker)
    traded = listing
    if interval == "5m":
        has_extended_hours = _has_extended_hours(exchange) and query.get("includePrePost", "").lower() == "true"
        traded = five_minutes_of(listing, since, until, has_extended_hours=has_extended_hours)
    seen = _as_seen(traded, now - 60 * exchange.delay_minutes)
    if exchange.has_auction and interval in {"1h", "60m"}:
        seen = _with_auctions(seen, listing, now - 60 * exchange.delay_minutes)
    rows = _daily(seen, exchange) if interval == "1d" else seen
    is_asked = (rows.opened >= since) & (rows.opened < until)
    rows = Rows(rows.opened[is_asked], rows.prices[is_asked], rows.volume[is_asked])
    result: Document = {"meta": _meta(ticker, exchange, listing, seen, rows, query, clock)}
    if len(rows.opened):
        result["timestamp"] = rows.opened.tolist()
    events = _events(listing, since, min(until, now))
    if events:
        result["events"] = events
    result["indicators"] = {"quote": [_quote(rows)]}
    if interval == "1d" and len(rows.opened):
        result["indicators"]["adjclose"] = [{"adjclose": rows.prices[:, 3].tolist()}]
    return 200, {"chart": {"result": [result], "error": None}}


def _refusal(status: int, code: str, text: str) -> tuple[int, Document]:
    return status, {"chart": {"result": None, "error": {"code": code, "description": text}}}


def _bounds(query: Mapping[str, str], now: int) -> tuple[int, int]:
    if "period1" in query:
        return int(query["period1"]), int(query.get("period2", now + 1))
    found = re.fullmatch(r"(\d+)(d|wk|mo|y)", query.get("range", "1d"))
    days = int(found[1]) * _DAYS_BY_UNIT[found[2]] if found else OLDEST_HOURLY_DAYS - 1
    # Yahoo counts trading days: weekends and holidays come on top of a short range.
    days = min(days + (4 if days < 10 else 0), OLDEST_HOURLY_DAYS) if days <= OLDEST_HOURLY_DAYS else days
    return now - days * DAY, now + 1


def _as_seen(listing: Listing, now: int) -> Rows:
    """What an exchange's feed shows at ``now``: closed bars, the bar in progress, and the live row after it."""
    count = int(np.searchsorted(listing.opened, now, side="right"))
    opened, closed = listing.opened[:count], listing.closed[:count]
    prices, volume = listing.prices[:count].copy(), np.nan_to_num(listing.volume[:count])
    for split in listing.splits:
        if split.at <= now:
            prices[opened < split.at] /= split.amount
            volume[opened < split.at] *= split.amount
    if count and closed[-1] > now:
        share = (now - opened[-1]) / (closed[-1] - opened[-1])
        prices[-1] = _in_progress(prices[-1], share)
        volume[-1] = np.floor(volume[-1] * share)
        if now > opened[-1]:
            opened = np.append(opened, now)
            prices = np.vstack([prices, np.full(4, prices[-1, 3])])
            volume = np.append(volume, 0.0)
    return Rows(opened, prices, volume)


def _with_auctions(seen: Rows, listing: Listing, now: int) -> Rows:
    """A row of volume 0 at the end of every session that is over: the price of the closing auction."""
    is_last = np.append(listing.opened[1:] > listing.closed[:-1] + 2 * 3600, True) & (listing.closed <= now)
    opened, closes = listing.closed[is_last], listing.prices[is_last, 3]
    order = np.argsort(np.concatenate([seen.opened, opened]), kind="stable")
    return Rows(
        np.concatenate([seen.opened, opened])[order],
        np.concatenate([seen.prices, np.repeat(closes[:, None], 4, axis=1)])[order],
        np.concatenate([seen.volume, np.zeros(len(opened))])[order],
    )


def _in_progress(prices: npt.NDArray[np.float64], share: float) -> npt.NDArray[np.float64]:
    """A bar when a share of its time has passed: its open, and the rest on the way to what it will be."""
    start, high, low, end = prices
    price = start + (end - start) * share
    upper, lower = max(start, price), min(start, price)
    return np.array([start, upper + (high - max(start, end)) * share, lower - (min(start, end) - low) * share, price])


def _daily(seen: Rows, exchange: Exchange) -> Rows:
    offsets = np.array([_offset(int(second), exchange.timezone) for second in seen.opened], dtype=np.int64)
    _, first = np.unique((seen.opened + offsets) // DAY, return_index=True)
    parts = np.split(np.arange(len(seen.opened)), first[1:]) if len(first) else []
    prices = [
        (seen.prices[p[0], 0], seen.prices[p, 1].max(), seen.prices[p, 2].min(), seen.prices[p[-1], 3]) for p in parts
    ]
    volume = [seen.volume[part].sum() for part in parts]
    return Rows(seen.opened[first], np.array(prices, dtype=np.float64).reshape(-1, 4), np.array(volume))


def _quote(rows: Rows) -> Document:
    if not len(rows.opened):
        return {}
    is_known = np.isfinite(rows.prices)
    quote: Document = {
        name: [value if known else None for value, known in zip(column.tolist(), is_known[:, place], strict=True)]
        for place, (name, column) in enumerate(zip(PRICES, rows.prices.T, strict=True))
    }
    quote["volume"] = rows.volume.astype(np.int64).tolist()
    return quote


def _meta(
    ticker: str,
    exchange: Exchange,
    listing: Listing,
    seen: Rows,
    rows: Rows,
    query: Mapping[str, str],
    clock: datetime,
) -> Document:
    now = int(clock.timestamp())
    price = float(seen.prices[-1, 3]) if len(seen.opened) else None
    periods = _periods(now, exchange, listing)
    meta: Document = {
        "currency": exchange.currency,
        "symbol": ticker,
        "exchangeName": exchange.code,
        "fullExchangeName": exchange.full_name,
        "instrumentType": exchange.instrument_type,
        "firstTradeDate": int(listing.opened[0]) if len(listing.opened) else None,
        "regularMarketTime": _last_trade(listing, now - 60 * exchange.delay_minutes),
        "hasPrePostMarketData": _has_extended_hours(exchange),
        "gmtoffset": _offset(now, exchange.timezone),
        "timezone": clock.astimezone(ZoneInfo(exchange.timezone)).tzname(),
        "exchangeTimezoneName": exchange.timezone,
        "regularMarketPrice": price,
        "longName": f"{ticker} of {exchange.full_name}",
        "shortName": ticker,
        "chartPreviousClose": price,
        "previousClose": price,
        "scale": 3,
        "priceHint": 2,
        "currentTradingPeriod": periods,
        "dataGranularity": query.get("interval", "1d"),
        "range": query.get("range", ""),
        "validRanges": VALID_RANGES,
    }
    if query.get("interval") != "1d":
        zone = ZoneInfo(exchange.timezone)
        days = {datetime.fromtimestamp(second, zone).date(): int(second) for second in rows.opened}
        periods_of_days = [_periods(second, exchange, listing) for second in days.values()]
        if query.get("includePrePost", "").lower() == "true":
            meta["tradingPeriods"] = {name: [[day[name]] for day in periods_of_days] for name in ("pre", "post")}
            if periods_of_days:
                meta["tradingPeriods"]["regular"] = [[day["regular"]] for day in periods_of_days]
        else:
            meta["tradingPeriods"] = [[day["regular"]] for day in periods_of_days]
    return meta


def _has_extended_hours(exchange: Exchange) -> bool:
    return exchange.code == "NMS"


def _periods(second: int, exchange: Exchange, listing: Listing) -> dict[str, Document]:
    """The trading periods of the exchange's day that holds an instant: before, in and after regular hours."""
    regular = _period(second, exchange, listing)
    if not _has_extended_hours(exchange):
        return {name: dict(regular) for name in ("pre", "regular", "post")}
    before = regular | {"start": regular["start"] - STEP * MORNING_BARS, "end": regular["start"]}
    after = regular | {"start": regular["end"], "end": regular["end"] + STEP * EVENING_BARS}
    return {"pre": before, "regular": regular, "post": after}


def _last_trade(listing: Listing, now: int) -> int:
    """When the newest trade was that an exchange's feed shows at ``now``; bars are traded to their end."""
    count = int(np.searchsorted(listing.opened, now, side="right"))
    return min(now, int(listing.closed[count - 1])) if count else now


def _period(second: int, exchange: Exchange, listing: Listing) -> Document:
    """The regular trading period of the exchange's day that holds an instant."""
    zone = ZoneInfo(exchange.timezone)
    midnight = datetime.combine(datetime.fromtimestamp(second, UTC).astimezone(zone).date(), time(0), zone)
    start, end = int(midnight.timestamp()), int((midnight + timedelta(days=1)).timestamp())
    first, last = np.searchsorted(listing.opened, [start, end])
    if exchange.reported_close is not None:
        end = int(datetime.combine(midnight.date(), exchange.reported_close, zone).timestamp())
        start = start if exchange.reported_close == time(23, 59) or first == last else int(listing.opened[first])
    elif first < last:
        start, end = int(listing.opened[first]), int(listing.closed[last - 1])
    offset = _offset(second, exchange.timezone)
    return {"timezone": midnight.tzname(), "start": start, "end": end, "gmtoffset": offset}


def _offset(second: int, timezone: str) -> int:
    offset = datetime.fromtimestamp(second, UTC).astimezone(ZoneInfo(timezone)).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _events(listing: Listing, since: int, until: int) -> Document:
    dividends = {str(e.at): {"amount": e.amount, "date": e.at} for e in listing.dividends if since <= e.at <= until}
    splits = {
        str(e.at): {"date": e.at, "numerator": e.amount, "denominator": 1.0, "splitRatio": f"{e.amount:g}:1"}
        for e in listing.splits
        if since <= e.at <= until
    }
    named: dict[str, Any] = {"dividends": dividends, "splits": splits}
    return {name: events for name, events in named.items() if events}
