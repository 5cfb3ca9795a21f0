"""What a chart shows, in one sentence, from the same values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.utils.translation import gettext

from allegro_queue.dashboard.charts.parts import Value
from allegro_queue.wording import worded


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
        return worded(gettext("{name}: nothing measured."), name=name)
    last = gettext("unknown now") if values[-1] is None else worded(gettext("{value} now"), value=shown(known[-1][1]))
    peak_at, peak = max(known, key=lambda each: each[1])
    lowest = min(value for _, value in known)
    if peak == lowest:
        story = (
            worded(gettext("{value} throughout"), value=shown(peak))
            if values[-1] is not None
            else worded(gettext("{last}, {value} before"), last=last, value=shown(peak))
        )
    elif times:
        story = worded(gettext("{last}, highest {value} at {time}"), last=last, value=shown(peak), time=times[peak_at])
    else:
        story = worded(gettext("{last}, highest {value}"), last=last, value=shown(peak))
    missing = len(values) - len(known)
    if not missing or not gaps:
        return f"{name}: {story}."
    gap = worded(gettext("{n} of {all} intervals were not measured"), n=missing, all=len(values))
    return f"{name}: {story}; {gap}."
