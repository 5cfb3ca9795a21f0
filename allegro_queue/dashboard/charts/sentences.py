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
    peak_at, peak = max(known, key=lambda each: each[1])
    text = measured_text(
        is_known_now=values[-1] is not None, is_level=peak == min(value for _, value in known), has_times=bool(times)
    )
    said = worded(
        text,
        name=name,
        last=shown(known[-1][1]),
        value=shown(peak),
        time=times[peak_at] if times else "",
    )
    missing = len(values) - len(known)
    if not missing or not gaps:
        return said
    gap = worded(gettext("{n} of {all} intervals were not measured."), n=missing, all=len(values))
    return f"{said} {gap}"


def measured_text(*, is_known_now: bool, is_level: bool, has_times: bool) -> str:
    """The sentence, whole, as each language orders it."""
    if is_level:
        return (
            gettext("{name}: {value} throughout.") if is_known_now else gettext("{name}: unknown now, {value} before.")
        )
    if has_times:
        return (
            gettext("{name}: {last} now, highest {value} at {time}.")
            if is_known_now
            else gettext("{name}: unknown now, highest {value} at {time}.")
        )
    return (
        gettext("{name}: {last} now, highest {value}.")
        if is_known_now
        else gettext("{name}: unknown now, highest {value}.")
    )
