"""The report as one HTML page of three to four printed pages: no script, no other file. Pure functions.

Where next: ``report.py``, which reads the facts and stores the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from include.pipeline.weekly import operations, sections
from include.pipeline.weekly.diagnosis import Sample, diagnosis
from include.pipeline.weekly.numbers import Row
from include.pipeline.weekly.words import instant

Facts = Mapping[str, Sequence[Row]]

_STYLE: Final = """
@page { size: A4; margin: 14mm 14mm 16mm; @bottom-right { content: counter(page) " / " counter(pages);
  font: 9px sans-serif; color: #57606a } }
* { box-sizing: border-box }
html { background: #eef1f4 }
body { max-width: 800px; margin: 0 auto; padding: 24px 36px; background: #fff; color: #1b1f24;
  font: 12.5px/1.45 system-ui, "Segoe UI", "DejaVu Sans", sans-serif }
h1 { font-size: 22px; margin: 0 0 2px; letter-spacing: -.01em }
h2 { font-size: 15px; margin: 20px 0 6px; padding-top: 8px; border-top: 1px solid #d8dee4; break-after: avoid }
h3 { font-size: 12.5px; margin: 10px 0 4px; break-after: avoid }
p, ul { margin: 4px 0 8px }
ul { padding-left: 18px }
.soft { color: #57606a }
.lead { font-size: 14px; border-left: 4px solid #1f5fa8; background: #f6f8fa; padding: 6px 14px; margin: 14px 0 }
table { border-collapse: collapse; width: 100%; margin: 6px 0 10px; font-size: 11px;
  font-variant-numeric: tabular-nums }
th, td { text-align: left; vertical-align: bottom; padding: 3px 6px; border-bottom: 1px solid #e1e5ea }
th { color: #57606a; font-weight: 600 }
td { vertical-align: top }
.number { text-align: right }
tr, svg, li { break-inside: avoid }
svg { display: block; width: 100%; margin: 6px 0 }
@media print { html { background: #fff } body { max-width: none; padding: 0 } .screen { display: none } }
"""


def make_page(facts: Facts, samples: Sequence[Sample], since: datetime, until: datetime) -> str:
    """The page about the time after ``since`` up to ``until`` (UTC)."""
    parts = [
        sections.summary(facts, until),
        sections.by_market(facts),
        sections.edges(facts),
        sections.by_horizon(facts),
        sections.worth(facts),
        operations.incidents(facts),
        operations.data_quality(facts),
        operations.drift(facts),
        operations.trainings(facts),
        diagnosis(samples),
    ]
    title = f"Hourcast, week to {until:%d %B %Y}"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        '<p class=screen><a href="../reports">All reports</a></p>\n'
        f"<h1>{title}</h1>\n<p class=soft>From {instant(since)} to {instant(until)}. Scores are of 90 days. No "
        "forecast uses what became known later.</p>\n" + "\n".join(parts) + "\n</body>\n</html>\n"
    )
