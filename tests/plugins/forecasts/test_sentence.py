"""The sentence at the top of the scoreboard: it never says more than the numbers do."""

import pytest

from plugins.forecasts.sentence import honest_sentence


def row(method: str, skill: float | None, error: float | None, days: int = 30) -> dict[str, object]:
    return {"method": method, "crps_skill_ratio": skill, "crps_skill_error": error, "day_count": days}


@pytest.mark.parametrize(
    ("skill", "error", "days", "expected"),
    [
        (
            0.004,
            0.003,
            30,
            "Over 30 days our CRPS is 0.4 ± 0.6 % lower than the random walk's in XNYS: no edge shown yet.",
        ),
        (
            0.02,
            0.003,
            30,
            "Over 30 days our CRPS is 2.0 ± 0.6 % lower than the random walk's in XNYS: an edge on these days.",
        ),
        (
            -0.02,
            0.003,
            30,
            "Over 30 days our CRPS is 2.0 ± 0.6 % higher than the random walk's in XNYS: worse on these days.",
        ),
        (
            0.02,
            0.003,
            19,
            "Over 19 days our CRPS is 2.0 ± 0.6 % lower than the random walk's in XNYS: too few days to say more.",
        ),
        (0.02, None, 1, "Over 1 day our CRPS is 2.0 % lower than the random walk's in XNYS: too few days to say more."),
    ],
    ids=["within-the-error", "beyond-the-error", "worse", "too-few-days", "one-day"],
)
def test_the_words_follow_from_the_skill_and_its_error(skill, error, days, expected) -> None:
    ours = row("hourcast", None, None, days)
    assert honest_sentence([ours, row("random_walk", skill, error, days)], "XNYS") == expected


def test_har_has_a_sentence_of_its_own() -> None:
    sentence = honest_sentence([row("random_walk", 0.01, 0.001), row("seasonal_har", -0.001, 0.004)], "all markets")
    assert sentence.endswith("It is 0.1 ± 0.8 % higher than HAR's: no edge shown yet.")


def test_without_scores_nothing_is_compared() -> None:
    assert honest_sentence([], "XNYS") == "No forecast has been scored yet, so nothing can be compared."
