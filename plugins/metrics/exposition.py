"""Metrics in Prometheus' text format, version 0.0.4.

It is written by hand: there are gauges and counters only, no client library is needed for them, and none has to be
kept up to date. Source: https://prometheus.io/docs/instrumenting/exposition_formats
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from include.store.metrics import Sample, kind_of

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def render(samples: Iterable[Sample], descriptions: Mapping[str, str]) -> str:
    """The samples as text, one block a metric, in the order of the names."""
    blocks = []
    for metric, group in groupby(sorted(samples, key=lambda sample: sample.metric), key=lambda sample: sample.metric):
        head = f"# HELP {metric} {_escaped(descriptions[metric])}\n# TYPE {metric} {kind_of(metric)}\n"
        blocks.append(head + "".join(_line(sample) for sample in group))
    return "".join(blocks)


def _line(sample: Sample) -> str:
    labels = ",".join(f'{name}="{_escaped(value, is_quoted=True)}"' for name, value in sorted(sample.labels.items()))
    return f"{sample.metric}{f'{{{labels}}}' if labels else ''} {sample.value:.17g}\n"


def _escaped(text: str, *, is_quoted: bool = False) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if is_quoted else escaped
