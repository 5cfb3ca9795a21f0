"""Charts as SVG text: plain values in, markup out. Pure; knows no store, no request and no template.

* Text never scales: positions across a chart are percentages and heights are pixels. Only curves live in a nested
  ``<svg>`` that stretches with the page while its strokes do not.
* No colour and no ``style`` here: shapes carry classes, the stylesheet paints them.
* What was not measured is a gap (``None``), never a zero. A bucket that is not over yet is hatched.
* Each chart says itself in one sentence computed from its values, and has a twin: a table of the same numbers.
"""

from __future__ import annotations

from allegro_queue.dashboard.charts.attempts import attempt_bar, attempt_scale
from allegro_queue.dashboard.charts.axes import Mark, Span, Tick, clock_label, day_label, time_ticks
from allegro_queue.dashboard.charts.lanes import lane, lane_scale, slots
from allegro_queue.dashboard.charts.lines import Series, durations
from allegro_queue.dashboard.charts.parts import Value
from allegro_queue.dashboard.charts.runs import Result as RunResult
from allegro_queue.dashboard.charts.runs import Run, runs
from allegro_queue.dashboard.charts.sentences import describe
from allegro_queue.dashboard.charts.sparks import bars, share_bar, spark
from allegro_queue.dashboard.charts.strips import Strip, strips
from allegro_queue.dashboard.charts.tables import Column, twin

__all__ = [
    "Column",
    "Mark",
    "Run",
    "RunResult",
    "Series",
    "Span",
    "Strip",
    "Tick",
    "Value",
    "attempt_bar",
    "attempt_scale",
    "bars",
    "clock_label",
    "day_label",
    "describe",
    "durations",
    "lane",
    "lane_scale",
    "runs",
    "share_bar",
    "slots",
    "spark",
    "strips",
    "time_ticks",
    "twin",
]
