"""Leaks in what a night knows: closes, the believed price, refreshes, and the days of reports. Each a small patch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from include.market import believed
from include.pipeline import hour
from include.pipeline.data import nights, reports
from include.pipeline.models import forecasting
from include.store import bars, earnings, extended, forecasts
from include.store.engine import execute
from tests.leaks.material import HOUR
from tests.leaks.planting import Plant
from tests.leaks.plants_store import EVER, unbounded

Patch = pytest.MonkeyPatch
_MINUTE = timedelta(minutes=1)


def around(patch: Patch, owner: Any, name: str, change: Callable[..., Any]) -> None:
    """Replaces a function by ``change(original, *its arguments)``."""
    original = getattr(owner, name)
    patch.setattr(owner, name, lambda *args, **kwargs: change(original, *args, **kwargs))


def closes_are_corrected_in_place(patch: Patch) -> None:
    def corrected(original: Any, connection: Any, closes: pd.DataFrame) -> Any:
        for row in closes[["ticker", "closed_at", "close"]].to_dict("records"):
            statement = (
                "update forecast.extended_close set close = :close where ticker = :ticker and closed_at = :closed_at"
            )
            execute(connection, statement, row)
        return original(connection, closes)

    around(patch, extended, "save_closes", corrected)


def closes_are_dated_by_their_end(patch: Patch) -> None:
    def dated(original: Any, connection: Any, closes: pd.DataFrame) -> Any:
        return original(connection, closes.assign(known_at=closes["closed_at"] + 2 * _MINUTE))

    around(patch, extended, "save_closes", dated)


def closes_in_progress(patch: Patch) -> None:
    def lenient(original: Any, closes: Any, splits: Any, profiles: Any, last: Any, as_of: datetime) -> Any:
        return original(closes, splits, profiles, last, as_of + 5 * _MINUTE)

    def later(original: Any, closes: Any, refreshes: Any, delay: timedelta) -> Any:
        return original(closes, [(at + 5 * _MINUTE, night) for at, night in refreshes], delay)

    around(patch, nights, "reject_closes", lenient)
    around(patch, nights, "needed_closes", later)
    patch.setattr(nights.extended_store, "save_closes", _known_when_closed(nights.extended_store.save_closes))


def _known_when_closed(original: Any) -> Any:
    """The constraint on ``known_at`` would refuse a close in progress; a careless product would not have it."""

    def save(connection: Any, closes: pd.DataFrame) -> Any:
        execute(connection, "alter table forecast.extended_close drop constraint if exists extended_close_was_known")
        return original(connection, closes)

    return save


def closes_before_their_delay_is_over(patch: Patch) -> None:
    def lenient(original: Any, closes: Any, splits: Any, profiles: Any, last: Any, as_of: datetime) -> Any:
        return original(closes, splits, profiles, last, as_of + 2 * _MINUTE)

    def at_once(original: Any, closes: Any, refreshes: Any, _delay: timedelta) -> Any:
        return original(closes, refreshes, timedelta(0))

    around(patch, nights, "reject_closes", lenient)
    around(patch, nights, "needed_closes", at_once)


def a_print_that_only_later_ones_confirm(patch: Patch) -> None:
    def confirmed(original: Any, closes: pd.DataFrame, splits: Any, profiles: Any, last: Any, as_of: datetime) -> Any:
        logs = np.log(closes["close"])
        is_odd = (logs - logs.shift(-1)).abs() > 0.005
        return original(closes.loc[~is_odd], splits, profiles, last, as_of)

    around(patch, nights, "reject_closes", confirmed)


def the_scale_of_a_later_close(patch: Patch) -> None:
    def newest(connection: Any, tickers: Any, _as_of: datetime, **rest: Any) -> pd.DataFrame:
        found = bars.load_bars(connection, tickers, EVER, **rest)
        return found.assign(closed_at=found["closed_at"] - timedelta(days=3))

    def scaled(original: Any, closes: Any, splits: Any, profiles: Any, last: pd.DataFrame, as_of: datetime) -> Any:
        factor = float(last["close"].iloc[-1]) / 10.0
        accepted, rejected = original(closes, splits, profiles, last.iloc[:0], as_of)
        return accepted.assign(close=accepted["close"] * factor), rejected

    known = {name: getattr(bars, name) for name in dir(bars)}
    patch.setattr(nights, "bar_store", SimpleNamespace(**(known | {"load_bars": newest})))
    around(patch, nights, "reject_closes", scaled)


def a_backfill_knew_its_closes_at_once(patch: Patch) -> None:
    def at_once(_original: Any, _connection: Any, _profile: Any, closes: pd.DataFrame, _as_of: datetime) -> Any:
        return closes["closed_at"] + 2 * _MINUTE

    around(patch, nights, "_served_at", at_once)


def the_next_bar_is_the_price(patch: Patch) -> None:
    def opened(original: Any, services: Any, connection: Any, profiles: Any, newest: Any, as_of: datetime) -> Any:
        found = original(services, connection, profiles, newest, as_of)
        rows = bars.load_bars(connection, list(found), EVER)
        for ticker, price in found.items():
            coming = rows[(rows["ticker"] == ticker) & (rows["opened_at"] >= price.night.opens_at)]
            if not coming.empty:
                value = float(coming["open"].iloc[0])
                known = believed.BelievedPrice(value, price.believed.priced_at, price.believed.closed_at)
                found[ticker] = nights.NightPrice(price.night, known)
        return found

    around(patch, nights, "believed_at", opened)


def a_refresh_of_some_minutes_later(patch: Patch) -> None:
    unbounded(nights, "fetch", moment=20 * _MINUTE)(patch)
    unbounded(nights, "believed_at", position=4, moment=20 * _MINUTE)(patch)
    patch.setattr(forecasts, "save_predictions", _without_the_check(forecasts.save_predictions))


def _without_the_check(original: Any) -> Any:
    """The constraint on ``believed_at`` would refuse such a price; a careless product would not have it."""

    def save(connection: Any, predictions: pd.DataFrame) -> Any:
        execute(connection, "alter table forecast.prediction drop constraint if exists believed_price_was_known")
        return original(connection, predictions)

    return save


def the_width_of_what_came(patch: Patch) -> None:
    def known(original: Any, services: Any, profiles: Any, as_of: datetime, **rest: Any) -> Any:
        made = original(services, profiles, as_of, **rest)
        with forecasting.transaction(services.engine) as connection:
            rows = bars.load_bars(connection, [profile.ticker for profile in profiles], EVER)
        for frame in made.predictions:
            actual = rows.set_index("closed_at")["close"].reindex(frame["target_at"]).to_numpy()
            is_hit = frame["is_refresh"].to_numpy() & np.isfinite(actual)
            frame["width_factor"] = np.where(is_hit, frame["width_factor"] * 0.9, frame["width_factor"])
        return made

    around(patch, forecasting, "make_forecasts", known)


def refreshed_forecasts_are_scored_early(patch: Patch) -> None:
    def early(original: Any, connection: Any, as_of: datetime, *rest: Any) -> pd.DataFrame:
        regular = original(connection, as_of, *rest)
        later = original(connection, as_of + 26 * HOUR, *rest)
        return pd.concat([regular[~regular["is_refresh"]], later[later["is_refresh"]]], ignore_index=True)

    around(patch, forecasts, "matured_unscored", early)
    around(patch, forecasts, "save_scores", _without_the_constraint)


def _without_the_constraint(original: Any, connection: Any, scores: pd.DataFrame) -> Any:
    execute(connection, "alter table forecast.score drop constraint if exists actual_was_known")
    return original(connection, scores)


def a_later_forecast_is_the_last(patch: Patch) -> None:
    unbounded(forecasts, "last_anchored", moment=EVER)(patch)
    assert hour.forecast_store is forecasts


def reports_are_confirmed_by_later_rows(patch: Patch) -> None:
    def confirmed(original: Any, connection: Any, tickers: Any, as_of: datetime, since: Any) -> Any:
        known, later = original(connection, tickers, as_of, since), original(connection, tickers, EVER, since)
        named = {(ticker, item.reported_on) for ticker, items in later.items() for item in items}
        return {
            ticker: [item for item in items if (ticker, item.reported_on) in named] for ticker, items in known.items()
        }

    around(patch, reports, "known_earnings", confirmed)


def sides_are_learnt_from_later_rows(patch: Patch) -> None:
    def learnt(original: Any, connection: Any, tickers: Any, as_of: datetime, since: Any) -> Any:
        known, later = original(connection, tickers, as_of, since), original(connection, tickers, EVER, since)
        return {
            ticker: [item for item in later.get(ticker, []) if item.reported_on < as_of.date() - timedelta(days=1)]
            + [item for item in items if item.reported_on >= as_of.date() - timedelta(days=1)]
            for ticker, items in known.items()
        }

    around(patch, reports, "known_earnings", learnt)


def withdrawn_in_place(patch: Patch) -> None:
    def in_place(original: Any, connection: Any, dates: Any, said_at: Any) -> Any:
        found = original(connection, dates, said_at)
        execute(
            connection,
            "update forecast.earnings_date as old set is_expected = false from forecast.earnings_date as new "
            "where new.ticker = old.ticker and new.reported_on = old.reported_on and not new.is_expected",
        )
        return found

    around(patch, earnings, "save_earnings", in_place)


def a_report_is_known_since_a_month(patch: Patch) -> None:
    patch.setattr(earnings, "_NOT_BEFORE", "cast('-infinity' as timestamptz)")

    def backdated(original: Any, connection: Any, dates: Any, said_at: Any) -> Any:
        named = [type(item)(**{**vars(item), "known_at": item.known_at - timedelta(days=30)}) for item in dates]
        return original(connection, named, said_at)

    around(patch, earnings, "save_earnings", backdated)


def splits_of_later_days_scale_the_night(patch: Patch) -> None:
    def scaled(original: Any, connection: Any, query: str, parameters: Any, *rest: Any) -> Any:
        return original(
            connection, query.replace("newest.known_at, %(as_of)s,", "newest.known_at, 'infinity',"), parameters, *rest
        )

    around(patch, extended, "fetch_frame", scaled)


def _at_night(name: str, plant: Callable[[Patch], None]) -> Plant:
    return Plant(name, plant, in_store=True)


NIGHT_PLANTS = (
    _at_night("5-minute closes are read without as_of", unbounded(extended, "closes_since")),
    _at_night("a corrected 5-minute close replaces what was read", closes_are_corrected_in_place),
    _at_night("a corrected 5-minute close counts as known since its end", closes_are_dated_by_their_end),
    _at_night("the 5-minute bar in progress is accepted", closes_in_progress),
    _at_night("a 5-minute close is accepted before the feed's delay is over", closes_before_their_delay_is_over),
    _at_night("a print counts only if a later one confirms it", a_print_that_only_later_ones_confirm),
    _at_night("a night's scale is that of a later session's close", the_scale_of_a_later_close),
    _at_night(
        "an onboarding's nights were known before hours that ran without them", a_backfill_knew_its_closes_at_once
    ),
    _at_night("the open of the coming session is the night's price", the_next_bar_is_the_price),
    _at_night("a refresh is as of minutes later than its hour", a_refresh_of_some_minutes_later),
    _at_night("a refreshed forecast is narrower where its target is known", the_width_of_what_came),
    _at_night("refreshed forecasts are scored with bars to come", refreshed_forecasts_are_scored_early),
    _at_night("a later forecast counts as the last one before a refresh", a_later_forecast_is_the_last),
    _at_night("a split of a later day moves the night's closes", splits_of_later_days_scale_the_night),
    _at_night("days of reports are read without as_of", unbounded(reports, "known_earnings")),
    _at_night("a report that moves later is not expected before", reports_are_confirmed_by_later_rows),
    _at_night("a company's side is learnt from what was said later", sides_are_learnt_from_later_rows),
    _at_night("a day that is withdrawn was never expected", withdrawn_in_place),
    _at_night("what a source says of reports today was known a month ago", a_report_is_known_since_a_month),
)
