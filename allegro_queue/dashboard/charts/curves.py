"""Lines, areas and bars over even buckets. A point stands in the middle of its bucket; a missing value lifts the pen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

from django.utils.safestring import SafeString

from allegro_queue.dashboard.charts.parts import STRETCH, Value, element, number, percent
from allegro_queue.dashboard.charts.scales import Scale

SHORTEST_DASH = 8
"""Units of a value without neighbours, so that it can be seen; it never leaves its bucket in a wide one."""


def measured_runs(values: Sequence[Value]) -> Iterator[list[tuple[int, float]]]:
    """Stretches of buckets without a gap between them, each bucket with its value."""
    run: list[tuple[int, float]] = []
    for index, value in enumerate(values):
        if value is not None:
            run.append((index, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


@lru_cache(maxsize=100)
def middles(count: int) -> tuple[str, ...]:
    """Where so many buckets have their middles: the same for each line of a page."""
    bucket = STRETCH / count
    return tuple(number((index + 0.5) * bucket) for index in range(count))


def points(run: Sequence[tuple[int, float]], count: int, scale: Scale) -> list[tuple[str, str]]:
    """Where a stretch's values stand, as they are written. A lone value becomes a short level dash."""
    if len(run) > 1:
        across = middles(count)
        return [(across[index], number(scale.y(value))) for index, value in run]
    [(index, value)] = run
    bucket = STRETCH / count
    x, y = (index + 0.5) * bucket, number(scale.y(value))
    half = max(bucket * 0.36, SHORTEST_DASH / 2)
    return [(number(x - half), y), (number(x + half), y)]


def line_path(values: Sequence[Value], scale: Scale) -> str:
    """The ``d`` of a line."""
    return "".join(
        "M" + "L".join(f"{x} {y}" for x, y in points(run, len(values), scale)) for run in measured_runs(values)
    )


def area_path(values: Sequence[Value], scale: Scale) -> str:
    """The ``d`` of the area under a line."""
    base = number(scale.height)
    parts = []
    for run in measured_runs(values):
        placed = points(run, len(values), scale)
        ridge = "L".join(f"{x} {y}" for x, y in placed)
        parts.append(f"M{placed[0][0]} {base}L{ridge}L{placed[-1][0]} {base}Z")
    return "".join(parts)


def curve(values: Sequence[Value], scale: Scale, look: str, area: bool = False) -> list[SafeString]:
    """A line, with the area under it if asked."""
    shapes = [element("path", class_=f"hz-area {look}", d=area_path(values, scale))] if area else []
    return [*shapes, element("path", class_=f"hz-line {look}", d=line_path(values, scale))]


def upright_bars(values: Sequence[Value], scale: Scale, top: float, look: str) -> SafeString:
    """A bar for each value above nought, with even gaps; one pixel high at least, for it did happen."""
    width = 1 / max(len(values), 1)
    shapes = []
    for index, value in enumerate(values):
        if value:
            tall = max(scale.height - scale.y(value), 1.0)
            shapes.append(
                element(
                    "rect",
                    x=percent((index + 0.14) * width),
                    y=top + scale.height - tall,
                    width=percent(width * 0.72),
                    height=tall,
                )
            )
    return element("g", *shapes, class_=f"hz-bars {look}")
