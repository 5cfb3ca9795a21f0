"""The chart of the last hour, its sentence, and the table of its numbers. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone
from django.utils.safestring import SafeString

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.formats import plural
from allegro_queue.dashboard.minute_values import done_values, failed_values, waiting_values, was_measured
from allegro_queue.history.measured import Minute
from allegro_queue.stores.pulse import Pulse

UNNAMED_GAP = 5
"""Minutes without measurement below which the hatch has no words."""


def last_hour(pulse: Pulse, minutes: Sequence[Minute]) -> tuple[SafeString, str, SafeString]:
    """The chart of the last hour, its sentence, and the table of its numbers."""
    done, waiting, failed = done_values(minutes), waiting_values(minutes), failed_values(minutes)
    zone = timezone.get_current_timezone()
    start, end = minutes[0].starts_at, minutes[-1].starts_at + 60
    times = [charts.clock_label(each.starts_at, zone) for each in minutes]
    gaps = unmeasured(minutes, times)
    sentence = hour_sentence(done, waiting, failed, times, gaps)
    chart = charts.strips(
        [
            charts.Strip(name="Done per minute", values=done, look="hz-done", height=76, now=end_value(done)),
            charts.Strip(name="Waiting", values=waiting, look="hz-wait", kind="area", now=f"{pulse.waiting:,}"),
            charts.Strip(name="Failed per minute", values=failed, look="hz-fail", kind="bars", height=38),
        ],
        ticks=charts.time_ticks(start, end, zone),
        sentence=sentence,
        unknown=gaps,
        running=was_measured(minutes[-1]),
    )
    columns = [
        charts.Column("Done", done),
        charts.Column("Waiting", waiting),
        charts.Column("Failed", failed),
    ]
    return chart, sentence, charts.twin(times, columns, "the last hour")


def end_value(done: Sequence[float | None]) -> str:
    """The last whole minute's value: the running one is not over."""
    last = done[-2] if len(done) > 1 else None
    return "unknown" if last is None else f"{last:,.0f}"


def unmeasured(minutes: Sequence[Minute], times: Sequence[str]) -> list[charts.Span]:
    """Stretches in which nobody looked. The running minute has only just begun, so it is not one of them."""
    spans: list[charts.Span] = []
    begin: int | None = None
    for place, minute in enumerate([*minutes[:-1], None]):
        if minute is not None and not was_measured(minute):
            begin = place if begin is None else begin
        elif begin is not None:
            words = f"not measured since {times[begin]}" if begin and place == len(minutes) - 1 else "not measured"
            words = words if place - begin >= UNNAMED_GAP else ""
            spans.append(charts.Span(begin / len(minutes), place / len(minutes), words))
            begin = None
    return spans


def hour_sentence(
    done: Sequence[float | None],
    waiting: Sequence[float | None],
    failed: Sequence[float | None],
    times: Sequence[str],
    gaps: Sequence[charts.Span],
) -> str:
    """The chart in words."""
    if not any(value is not None for value in done):
        return "Nothing was measured in the last hour."
    total = round(sum(value or 0 for value in done))
    parts = [f"{plural(total, 'job was', 'jobs were')} done"]
    peak = max((value, place) for place, value in enumerate(waiting) if value is not None) if any(waiting) else None
    if peak:
        parts.append(f"at most {peak[0]:,.0f} waited, at {times[peak[1]]}")
    worst = max(((value, place) for place, value in enumerate(failed) if value), default=None)
    parts.append(f"failures peaked at {worst[0]:,.0f} a minute at {times[worst[1]]}" if worst else "none failed")
    sentence = "; ".join(parts)
    missing = round(sum(gap.end - gap.start for gap in gaps) * len(done))
    return f"{sentence}. {plural(missing, 'minute')} of the hour not measured." if missing else f"{sentence}."
