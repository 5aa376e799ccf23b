"""All runs in one table, best first: what each model scores, and whether it was promoted.

Standard library only.
"""

from __future__ import annotations

from typing import Any, Final

from language.folders import read_json
from language.runs import Home, Run, open_run, promoted, run_names

_HEADINGS: Final = (
    "run",
    "base",
    "data",
    "figures before",
    "figures after",
    "citations before",
    "citations after",
    "word F1 before",
    "word F1 after",
    "perplexity before",
    "perplexity after",
    "promoted",
)


def comparison(home: Home) -> list[dict[str, str]]:
    """A row for each run, those with the most exact figures first; a score that is not there is a dash."""
    champion = promoted(home)
    runs = [open_run(home, name) for name in run_names(home)]
    ranked = sorted(runs, key=lambda run: (-_mean(_scores(run), "tuned", "figure"), run.name))
    return [dict(zip(_HEADINGS, _cells(run, champion), strict=True)) for run in ranked]


def as_table(rows: list[dict[str, str]]) -> str:
    """The rows as a Markdown table."""
    lines = [list(_HEADINGS), *([row[name] for name in _HEADINGS] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(_HEADINGS))]
    shown = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    ]
    return "\n".join([shown[0], "| " + " | ".join("-" * width for width in widths) + " |", *shown[1:]])


def _cells(run: Run, champion: str | None) -> list[str]:
    scores = _scores(run)
    means = [
        _share(scores.get(role, {}).get(name)) for name in ("figure", "citation", "words") for role in ("base", "tuned")
    ]
    perplexities = [_number(scores.get(role, {}).get("perplexity")) for role in ("base", "tuned")]
    decision = "-"
    if run.verdict.exists():
        decision = (
            "no" if not read_json(run.verdict)["is_promoted"] else "serves" if run.name == champion else "earlier"
        )
    return [run.name, run.settings.base_model, run.data_version, *means, *perplexities, decision]


def _scores(run: Run) -> dict[str, Any]:
    return dict(read_json(run.evaluation)) if run.evaluation.exists() else {}


def _mean(scores: dict[str, Any], role: str, name: str) -> float:
    return float(scores.get(role, {}).get(name, {}).get("mean", -1.0))


def _share(estimate: dict[str, float] | None) -> str:
    return "-" if estimate is None else f"{estimate['mean']:.3f} ± {estimate['error']:.3f}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
