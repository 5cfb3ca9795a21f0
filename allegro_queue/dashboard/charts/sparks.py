"""Small marks beside a number that says the same; decoration for the eye, hidden from readers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from django.utils.safestring import SafeString

from allegro_queue.dashboard.charts.curves import curve, upright_bars
from allegro_queue.dashboard.charts.parts import STRETCH, Value, element, percent
from allegro_queue.dashboard.charts.scales import Scale

SPARK_HEIGHT = 24


def spark(values: Sequence[Value], look: str = "hz-done", area: bool = True, high: float | None = None) -> SafeString:
    """A line without axes. ``high`` sets the top of its scale, so that several can be compared."""
    return element(
        "svg",
        *curve(values, spark_scale(values, high), look, area),
        class_="hz-spark",
        aria_hidden="true",
        viewBox=f"0 0 {STRETCH} {SPARK_HEIGHT}",
        preserveAspectRatio="none",
    )


def bars(values: Sequence[Value], look: str = "hz-done", high: float | None = None) -> SafeString:
    """Bars without axes, for what happens now and then."""
    return kept_bars(tuple(values), look, high)


@lru_cache(maxsize=1_000)
def kept_bars(values: tuple[Value, ...], look: str, high: float | None) -> SafeString:
    """The same, drawn once: a list has dozens, and a refresh has them again."""
    return element(
        "svg",
        upright_bars(values, spark_scale(values, high), 0, look),
        class_="hz-spark",
        aria_hidden="true",
        width="100%",
        height=SPARK_HEIGHT,
    )


def spark_scale(values: Sequence[Value], high: float | None) -> Scale:
    largest = max((value for value in values if value is not None), default=0.0)
    return Scale(high=high or largest * 1.1 or 1.0, height=SPARK_HEIGHT)


def share_bar(share: float, look: str = "hz-done") -> SafeString:
    """A share of a column's largest value, from 0 to 1."""
    return element(
        "svg",
        element("rect", class_="hz-share-track", width="100%", height=6, rx=1),
        element("rect", class_=f"hz-share-fill {look}", width=percent(min(max(share, 0.0), 1.0)), height=6, rx=1),
        class_="hz-share",
        aria_hidden="true",
        width="100%",
        height=6,
    )
