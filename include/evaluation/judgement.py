"""Whether a new backbone may serve: the rule, from its scores against others on weeks that trained none of them.

The new backbone is compared with the present one, with the scale alone and with HAR, in each market and in all of them
together. A comparison is a mean over days with its standard error (``trial.py``), so hours of one day and tickers of
one hour may depend on each other. The new backbone is *better* or *worse* than another forecaster if its CRPS is lower
or higher by enough: more than one standard error in all markets together, more than two in a single market, because
there are several. It passes if all of this holds:

1. All markets together have at least ``LEAST_DAYS`` days.
2. In all markets together it is better than the present backbone. If drift of the present backbone's forecasts is
   proven in any market, it is enough that it is not worse.
3. In no market is it worse than the present backbone.
4. Neither in all markets together nor in a single one is it worse than the scale alone or HAR. This does not count
   where it is better than the present backbone: that would serve instead, and is worse still.

Without a present backbone, the second and the third do not apply. Pure functions. Where next:
``pipeline/pretraining/promotions.py``, which applies the rule.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from include.evaluation.trial import LEAST_DAYS, Comparison

ALL_MARKETS: Final = "all"
PRESENT, SCALE, HAR = "present backbone", "scale alone", "HAR"
_ERRORS: Final = 1.0
_MARKET_ERRORS: Final = 2.0
"""Standard errors from which on a difference counts, in all markets together and in a single one."""


@dataclass(frozen=True)
class MarketScore:
    """The new backbone against one forecaster (``PRESENT``, ``SCALE`` or ``HAR``) in one market or ``ALL_MARKETS``.

    ``comparison`` is above 0 where the new backbone has the higher CRPS; its unit is the random walk's CRPS.
    ``is_drifted`` says whether drift of the present backbone's forecasts is proven in this market.
    """

    calendar: str
    compared_with: str
    comparison: Comparison
    is_drifted: bool

    @property
    def verdict(self) -> str:
        """``better``, ``worse`` or ``equal``; ``too few days`` if nothing can be said."""
        found = self.comparison
        if not found.is_decided:
            return "too few days"
        limit = found.error * (_ERRORS if self.calendar == ALL_MARKETS else _MARKET_ERRORS)
        if found.difference > limit:
            return "worse"
        return "better" if found.difference < -limit else "equal"

    @property
    def in_words(self) -> str:
        """The difference with its standard error, in percent of the random walk's CRPS."""
        found = self.comparison
        other = self.compared_with if self.compared_with == HAR else f"the {self.compared_with}"
        place = "all markets together" if self.calendar == ALL_MARKETS else self.calendar
        return f"CRPS {100.0 * found.difference:+.3f} ± {100.0 * found.error:.3f} % against {other} in {place}"


@dataclass(frozen=True)
class Judgement:
    """Whether the new backbone may serve, and why or why not, in words."""

    is_passed: bool
    reason: str


def judge(scores: Sequence[MarketScore]) -> Judgement:
    """The judgement on a new backbone from all its comparisons; those of ``ALL_MARKETS`` must be among them."""
    whole = {score.compared_with: score for score in scores if score.calendar == ALL_MARKETS}
    day_count = whole[SCALE].comparison.day_count
    if day_count < LEAST_DAYS:
        return Judgement(False, f"{day_count} days were scored, and {LEAST_DAYS} are needed; hold out more days")
    drifted = sorted({score.calendar for score in scores if score.is_drifted})
    faults = [fault for score in scores if (fault := _fault(score, scores, is_drifted=bool(drifted)))]
    if faults:
        return Judgement(False, "; ".join(faults))
    leading = whole.get(PRESENT, whole[SCALE])
    words = "better" if leading.verdict == "better" else "not worse"
    beside = f"; drift is proven in {', '.join(drifted)}, so not worse is enough" if drifted else ""
    return Judgement(True, f"{words}: {leading.in_words}; worse in no market{beside}")


def _fault(score: MarketScore, scores: Sequence[MarketScore], *, is_drifted: bool) -> str | None:
    """Why this comparison alone stops the new backbone; None if it does not."""
    if score.compared_with == PRESENT:
        must_be_better = score.calendar == ALL_MARKETS and not is_drifted
        if must_be_better and score.verdict == "equal":
            return f"not better: {score.in_words}"
        return f"worse: {score.in_words}" if score.verdict == "worse" else None
    if score.verdict != "worse" or _beats_the_present_one(score.calendar, scores):
        return None
    return f"worse: {score.in_words}"


def _beats_the_present_one(calendar: str, scores: Sequence[MarketScore]) -> bool:
    return any(
        score.calendar == calendar and score.compared_with == PRESENT and score.verdict == "better" for score in scores
    )
