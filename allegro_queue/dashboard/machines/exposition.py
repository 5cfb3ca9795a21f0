"""Prometheus' text format: names, help, labels and values as lines. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from allegro_queue.metrics.histograms import Histogram, upper_bound

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

BOUNDS = tuple(range(14, 58, 4))
"""Buckets whose upper bounds are told: each four times the one before, from 12.8 ms to 3.7 hours."""

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Family:
    """One metric with its samples."""

    name: str
    kind: str
    """``gauge``, ``counter`` or ``histogram``."""
    words: str
    samples: Sequence[tuple[Labels, float]] = ()
    histograms: Sequence[tuple[Labels, Histogram, float]] = field(default=())
    """Labels, counts by bucket, and the sum of all durations in seconds."""


def exposition(families: Iterable[Family]) -> str:
    """The whole answer."""
    return "".join(f"{line}\n" for family in families for line in lines_of(family))


def lines_of(family: Family) -> Iterator[str]:
    """One metric; nothing when it has no sample."""
    if not family.samples and not family.histograms:
        return
    yield f"# HELP {family.name} {escaped(family.words, quotes=False)}"
    yield f"# TYPE {family.name} {family.kind}"
    for labels, value in family.samples:
        yield line(family.name, labels, value)
    for labels, histogram, total in family.histograms:
        for bucket in BOUNDS:
            below = sum(count for each, count in histogram.items() if each <= bucket)
            yield line(f"{family.name}_bucket", {**labels, "le": number(upper_bound(bucket))}, below)
        whole = sum(histogram.values())
        yield line(f"{family.name}_bucket", {**labels, "le": "+Inf"}, whole)
        yield line(f"{family.name}_sum", labels, total)
        yield line(f"{family.name}_count", labels, whole)


def line(name: str, labels: Labels, value: float) -> str:
    pairs = ",".join(f'{label}="{escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{pairs}}} {number(value)}" if pairs else f"{name} {number(value)}"


def number(value: float) -> str:
    """Whole ones without a point."""
    if math.isfinite(value) and value == int(value):
        return str(int(value))
    return "NaN" if math.isnan(value) else repr(round(value, 6))


def escaped(text: str, *, quotes: bool = True) -> str:
    text = text.replace("\\", r"\\").replace("\n", r"\n")
    return text.replace('"', r"\"") if quotes else text
