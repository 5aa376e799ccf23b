"""The sections of the report about forecasts and scores, as HTML. Pure functions over rows of the store.

Where next: ``operations.py`` for incidents and trainings, ``diagnosis.py`` for residuals, ``page.py`` for the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from include.pipeline.weekly import figures
from include.pipeline.weekly.numbers import LEVELS, Margin, Row, Score, horizon_scores, margin_of, market_scores
from include.pipeline.weekly.words import count, number, paragraph, percent, signed, table, text

Facts = Mapping[str, Sequence[Row]]

MOST_MARKETS = 14
"""Markets in the table and the figure: those with the most forecasts."""
_RANKED = 5


def summary(facts: Facts, until: datetime) -> str:
    """What a reader with one minute needs."""
    scores = market_scores(facts["market_days"])
    real = [score for score in scores if not score.is_simulated]
    sentences = [_made(facts), _good(scores), _edge(real or scores)]
    if scores and not real:
        sentences.append("<b>All markets of this report are simulated.</b>")
    week = market_scores(facts["market_days"], since=(until - timedelta(days=7)).date())
    if week:
        share = sum(score.coverage[90] * score.forecast_count for score in week) / sum(s.forecast_count for s in week)
        sentences.append(f"This week {percent(share)} of the closes lay inside the 90 % interval.")
    return f'<div class="lead">{paragraph(sentences)}</div>'


def by_market(facts: Facts) -> str:
    """Skill and coverage of each market in 90 days, as a table and a figure."""
    scores = sorted(market_scores(facts["market_days"]), key=lambda score: (score.is_simulated, -score.forecast_count))
    shown = scores[:MOST_MARKETS]
    rows = [
        [
            _market(score),
            number(score.forecast_count),
            str(score.day_count),
            signed(score.skill, score.skill_error),
            signed(score.har_skill, score.har_skill_error),
            percent(score.coverage[90]),
            score.verdict(),
            score.har_verdict(),
        ]
        for score in shown
    ]
    columns = ["market", "forecasts", "days", "saved of the random walk", "saved of HAR", "in 90 %", "edge", "over HAR"]
    figure = figures.intervals(
        "Share of a baseline's loss that is saved, one bar ahead, 90 days",
        [_market(score) for score in shown],
        {
            "of the random walk": [(score.skill, score.skill_error) for score in shown],
            "of HAR": [(score.har_skill, score.har_skill_error) for score in shown],
        },
    )
    words = (
        "The loss is the CRPS: the average error of the whole forecast range. The random walk is the last close with "
        "the usual moves around it; HAR is the best simple forecast of volatility. ± is two standard errors, for which "
        "a day counts as one observation. An edge is a saving of more than that."
    )
    left = (
        f"<p class=soft>{len(scores) - len(shown)} smaller markets are not shown.</p>" if scores[MOST_MARKETS:] else ""
    )
    return (
        f"<h2>How good, by market</h2>{paragraph([words])}{table(columns, rows, 7)}{left}{figure}" if rows else _none()
    )


def by_horizon(facts: Facts) -> str:
    """Skill and coverage by bars ahead in 90 days."""
    rows = [
        [
            score.name,
            number(score.forecast_count),
            signed(score.skill, score.skill_error),
            signed(score.har_skill, score.har_skill_error),
            *(percent(score.coverage[level]) for level in LEVELS),
        ]
        for score in horizon_scores(facts["market_days"])
    ]
    columns = ["bars ahead", "forecasts", "saved of the random walk", "saved of HAR", *(f"in {n} %" for n in LEVELS)]
    words = "A share of closes near the interval's own number is right; below it the intervals are too narrow."
    return f"<h2>By bars ahead, and coverage</h2>{paragraph([words])}{table(columns, rows, 7)}" if rows else ""


def edges(facts: Facts) -> str:
    """Where there is an edge and where none: markets, directions, the best and the worst tickers."""
    scores = market_scores(facts["market_days"])
    judged = [score for score in scores if score.har_verdict() != "too few days"]
    tickers = [row for row in facts["tickers"] if row["verdict"] != "too few days"]
    sentences = [
        _named("An edge over HAR is shown in", judged, "edge"),
        _named("None is shown in", judged, "no edge shown"),
        _named("HAR is better in", judged, "worse"),
        "" if judged else "No market has scores of 20 days yet, so no edge can be shown or denied.",
        _direction(scores),
        _ticker_counts(tickers),
    ]
    columns = ["ticker", "market", "forecasts", "saved of the random walk", "saved of HAR", "in 90 %"]
    best, worst = tickers[:_RANKED], tickers[_RANKED:][-_RANKED:]
    ranked = table(columns, [_ticker(row) for row in best], 4)
    last = f"<h3>The last</h3>{table(columns, [_ticker(row) for row in worst], 4)}" if worst else ""
    head = "<h3>The first tickers, of 90 days</h3>" if best else ""
    return f"<h2>Where an edge is, and where none</h2>{paragraph(sentences)}{head}{ranked}{last}"


def worth(facts: Facts) -> str:
    """What the interval is worth to a decision, and that there is no edge in direction."""
    margin = margin_of(facts["margins"])
    return f"<h2>What the interval is worth to a decision</h2>{_margin(margin)}" if margin else ""


def _none() -> str:
    return "<h2>How good, by market</h2><p>No forecast has matured in 90 days.</p>"


def _market(score: Score) -> str:
    return f"{score.name} (simulated)" if score.is_simulated else score.name


def _made(facts: Facts) -> str:
    by_status = {row["status"]: row for row in facts["outcomes"]}
    made = sum(by_status[name]["outcome_count"] for name in ("forecast", "refreshed") if name in by_status)
    tickers = max(
        (by_status[name]["ticker_count"] for name in ("forecast", "refreshed") if name in by_status), default=0
    )
    hours = facts["hours"][0]["hour_count"]
    fallbacks = by_status.get("fallback", {}).get("outcome_count", 0)
    return (
        f"In {count(hours, 'hour')}, {count(tickers, 'ticker')} got {count(made, 'forecast')} of seven bars each by a "
        f"model, and {count(fallbacks, 'labelled fallback')}."
    )


def _good(scores: Sequence[Score]) -> str:
    if not scores:
        return "No forecast has matured yet."
    best = max(scores, key=lambda score: score.forecast_count)
    return (
        f"In {text(_market(best))}, the market with the most forecasts, they saved "
        f"{signed(best.skill, best.skill_error)} of the random walk's loss in 90 days, and "
        f"{signed(best.har_skill, best.har_skill_error)} of HAR's."
    )


def _edge(scores: Sequence[Score]) -> str:
    judged = [score.har_verdict() for score in scores if score.har_verdict() != "too few days"]
    if not judged:
        return "There are too few days to say where an edge is."
    return (
        f"{judged.count('edge')} of {count(len(judged), 'market')} show an edge over HAR, the strongest simple method."
    )


def _named(start: str, scores: Sequence[Score], verdict: str) -> str:
    names = [text(_market(score)) for score in scores if score.har_verdict() == verdict]
    return f"{start} {', '.join(names)}." if names else ""


def _direction(scores: Sequence[Score]) -> str:
    known = [score for score in scores if score.hit_ratio == score.hit_ratio]
    if not known:
        return ""
    largest = max(known, key=lambda score: score.forecast_count)
    return (
        f"The side of the median was right in {percent(largest.hit_ratio)} of the cases in {text(_market(largest))}: "
        "the forecasts are about the size of moves, and no edge in direction is claimed."
    )


def _ticker_counts(tickers: Sequence[Row]) -> str:
    if not tickers:
        return ""
    has_edge = sum(row["verdict"] == "edge" for row in tickers)
    return f"Against the random walk, {has_edge} of {count(len(tickers), 'ticker')} with 20 days show an edge."


def _ticker(row: Row) -> list[str]:
    def known(name: str) -> float:
        return float("nan") if row[name] is None else float(row[name])

    return [
        str(row["ticker"]),
        f"{row['calendar']} (simulated)" if row["is_simulated"] else str(row["calendar"]),
        number(row["forecast_count"]),
        signed(known("crps_skill_ratio"), known("crps_skill_error")),
        signed(known("har_crps_skill_ratio"), known("har_crps_skill_error")),
        percent(known("coverage_90_ratio")),
    ]


def _margin(margin: Margin) -> str:
    low, high = (margin.gain_bp + side * 2 * margin.gain_error_bp for side in (-1, 1))
    verdict = (
        "Any cost above that makes it a loss." if low > 0 else "That is not more than chance: it is no reason to trade."
    )
    return paragraph(
        [
            "An example: somebody holds one unit of each ticker and sets aside a margin that should cover the loss of "
            "the next bar in 19 of 20 cases. Idle margin costs something, and a loss beyond it costs 19 times as much.",
            f"Over 28 days and {number(margin.forecast_count)} forecasts, our 5 % quantile asks for a margin of "
            f"{margin.margin_bp:.1f} basis points on average and is exceeded in {percent(margin.breach_ratio)} of the "
            f"cases; the random walk's asks for {margin.walk_margin_bp:.1f} and is exceeded in "
            f"{percent(margin.walk_breach_ratio)}.",
            f"The cost of both together is <b>{signed(margin.saved_ratio, margin.saved_error)}</b> lower with ours "
            "(below 0: higher).",
            f"A position by the side of the median, held for one bar, breaks even at a trading cost of "
            f"{margin.gain_bp:.2f} basis points ({low:.2f} to {high:.2f}). {verdict}",
        ]
    )
