"""What a chart shows, in one sentence, from the same values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from allegro_queue.dashboard.charts.parts import Value


def plain_number(value: float) -> str:
    """A number as people write it: 12,431, and one decimal only below ten."""
    if abs(value) >= 10 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}"


def describe(
    name: str,
    values: Sequence[Value],
    times: Sequence[str] = (),
    shown: Callable[[float], str] = plain_number,
    gaps: bool = True,
) -> str:
    """One measure in words: its last value, its peak and when, and what was not measured.

    Args:
        times: the label of each bucket's start; without them the peak has no time.
        shown: how a value is written.
        gaps: whether to say what was not measured.
    """
    known = [(index, value) for index, value in enumerate(values) if value is not None]
    if not known:
        return f"{name}: nothing measured."
    last = "unknown now" if values[-1] is None else f"{shown(known[-1][1])} now"
    peak_at, peak = max(known, key=lambda each: each[1])
    lowest = min(value for _, value in known)
    if peak == lowest:
        story = f"{shown(peak)} throughout" if values[-1] is not None else f"{last}, {shown(peak)} before"
    else:
        when = f" at {times[peak_at]}" if times else ""
        story = f"{last}, highest {shown(peak)}{when}"
    missing = len(values) - len(known)
    gap = f"; {missing} of {len(values)} intervals were not measured" if missing and gaps else ""
    return f"{name}: {story}{gap}."
