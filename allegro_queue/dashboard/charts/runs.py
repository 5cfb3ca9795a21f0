"""The last runs of a cron entry or a function, oldest first: height is duration, the shape says how it went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from django.utils.safestring import SafeString

from allegro_queue.dashboard.charts.parts import element, number

STEP, WIDTH, FLOOR, SHORTEST, LONGEST = 7, 5, 22, 4, 14

Result = Literal["done", "late", "failed", "missed"]


@dataclass(frozen=True, slots=True)
class Run:
    """One run. ``seconds`` is ``None`` where its length is not known; it is then drawn at its shortest."""

    result: Result
    seconds: float | None = None
    current: bool = False
    """Whether it is the run that the page is about."""


def runs(given: Sequence[Run], sentence: str) -> SafeString:
    """The strip. Late: a dot above. Failed: a notch in its foot. Missed: an empty frame. The current one: underlined."""
    return kept_runs(tuple(given), sentence)


@lru_cache(maxsize=500)
def kept_runs(given: tuple[Run, ...], sentence: str) -> SafeString:
    """The same, drawn once: a list has dozens, and a refresh has them again."""
    longest = max((run.seconds for run in given if run.seconds is not None), default=0.0)
    shapes = [shape for index, run in enumerate(given) for shape in run_shapes(run, index * STEP, longest)]
    return element(
        "svg",
        *shapes,
        class_="hz-runs",
        role="img",
        aria_label=sentence,
        width=max(len(given) * STEP - (STEP - WIDTH), WIDTH),
        height=FLOOR + 4,
    )


def run_shapes(run: Run, x: int, longest: float) -> list[SafeString]:
    shapes: list[SafeString] = []
    if run.result == "missed":
        shapes.append(element("rect", class_="hz-run-missed", x=x + 0.5, y=4.5, width=WIDTH - 1, height=FLOOR - 5))
    else:
        share = (run.seconds or 0.0) / longest if longest else 0.0
        tall = SHORTEST + LONGEST * share
        kind = "failed" if run.result == "failed" else "done"
        shapes.append(element("rect", class_=f"hz-run-{kind}", x=x, y=FLOOR - tall, width=WIDTH, height=tall))
        if run.result == "late":
            shapes.append(element("circle", class_="hz-run-late", cx=x + WIDTH / 2, cy=FLOOR - tall - 3.5, r=1.5))
        if run.result == "failed":
            half = number(WIDTH / 2)
            shapes.append(element("path", class_="hz-run-notch", d=f"M{x} {FLOOR}l{half} -4l{half} 4z"))
    if run.current:
        shapes.append(element("rect", class_="hz-run-under", x=x, y=FLOOR + 2, width=WIDTH, height=2))
    return shapes
