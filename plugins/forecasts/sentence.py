"""What the scores show, in words that promise no more than the numbers do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

FEWEST_DAYS = 20
ERRORS = 2.0
"""Standard errors on each side of a skill: about 95 % of the cases."""
_NAMES = {"random_walk": "the random walk's", "seasonal_har": "HAR's"}

Row = Mapping[str, Any]


def honest_sentence(rows: Sequence[Row], market: str) -> str:
    """Our CRPS against each baseline's; ``rows`` are those of the leaderboard for one market and horizon."""
    compared = {row["method"]: row for row in rows if row["crps_skill_ratio"] is not None}
    walk, har = compared.get("random_walk"), compared.get("seasonal_har")
    if walk is None:
        return "No forecast has been scored yet, so nothing can be compared."
    sentences = [f"Over {_days(walk)} our CRPS is {_against(walk)} in {market}: {_verdict(walk)}."]
    if har is not None:
        sentences.append(f"It is {_against(har)}: {_verdict(har)}.")
    return " ".join(sentences)


def _days(row: Row) -> str:
    return f"{row['day_count']} {'day' if row['day_count'] == 1 else 'days'}"


def _against(row: Row) -> str:
    skill, error = row["crps_skill_ratio"], row["crps_skill_error"]
    spread = "" if error is None else f" ± {100 * ERRORS * error:.1f}"
    return f"{100 * abs(skill):.1f}{spread} % {'lower' if skill >= 0 else 'higher'} than {_NAMES[row['method']]}"


def _verdict(row: Row) -> str:
    skill, error = row["crps_skill_ratio"], row["crps_skill_error"]
    if error is None or row["day_count"] < FEWEST_DAYS:
        return "too few days to say more"
    if abs(skill) <= ERRORS * error:
        return "no edge shown yet"
    return "an edge on these days" if skill > 0 else "worse on these days"
