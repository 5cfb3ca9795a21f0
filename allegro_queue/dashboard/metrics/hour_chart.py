"""The chart of the last hour, its sentence, and the table of its numbers. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.metrics.minute_values import done_values, failed_values, waiting_values, was_measured
from allegro_queue.dashboard.page.formats import count
from allegro_queue.history.measured import Minute
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded

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
            charts.Strip(name=gettext("Done per minute"), values=done, look="hz-done", height=76, now=end_value(done)),
            charts.Strip(
                name=gettext("Waiting"), values=waiting, look="hz-wait", kind="area", now=count(pulse.waiting)
            ),
            charts.Strip(name=gettext("Failed per minute"), values=failed, look="hz-fail", kind="bars", height=38),
        ],
        ticks=charts.time_ticks(start, end, zone),
        sentence=sentence,
        unknown=gaps,
        running=was_measured(minutes[-1]),
    )
    columns = [
        charts.Column(gettext("Done"), done),
        charts.Column(gettext("Waiting"), waiting),
        charts.Column(gettext("Failed"), failed),
    ]
    return chart, sentence, charts.twin(times, columns, gettext("the last hour"))


def end_value(done: Sequence[float | None]) -> str:
    """The last whole minute's value: the running one is not over."""
    last = done[-2] if len(done) > 1 else None
    return gettext("unknown") if last is None else count(round(last))


def unmeasured(minutes: Sequence[Minute], times: Sequence[str]) -> list[charts.Span]:
    """Stretches in which nobody looked. The running minute has only just begun, so it is not one of them."""
    spans: list[charts.Span] = []
    begin: int | None = None
    for place, minute in enumerate([*minutes[:-1], None]):
        if minute is not None and not was_measured(minute):
            begin = place if begin is None else begin
        elif begin is not None:
            at_end = begin and place == len(minutes) - 1
            words = (
                worded(gettext("not measured since {time}"), time=times[begin]) if at_end else gettext("not measured")
            )
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
        return gettext("Nothing was measured in the last hour.")
    total = round(sum(value or 0 for value in done))
    most, most_at = max(((value or 0.0, place) for place, value in enumerate(waiting)), default=(0.0, 0))
    worst, worst_at = max(((value or 0.0, place) for place, value in enumerate(failed)), default=(0.0, 0))
    sentence = worded(
        hour_text(total, waited=bool(most), failed=bool(worst)),
        n=count(total),
        most=count(round(most)),
        most_at=times[most_at],
        worst=count(round(worst)),
        worst_at=times[worst_at],
    )
    missing = round(sum(gap.end - gap.start for gap in gaps) * len(done))
    if not missing:
        return sentence
    gap = ngettext("{n} minute of the hour not measured.", "{n} minutes of the hour not measured.", missing)
    return f"{sentence} {worded(gap, n=count(missing))}"


def hour_text(total: int, *, waited: bool, failed: bool) -> str:
    """The sentence, whole, as each language orders it: what was done, the most that waited, the worst of failures."""
    if waited and failed:
        return ngettext(
            "{n} job was done; at most {most} waited, at {most_at}; failures peaked at {worst} a minute at {worst_at}.",
            "{n} jobs were done; at most {most} waited, at {most_at}; failures peaked at {worst} a minute at {worst_at}.",
            total,
        )
    if waited:
        return ngettext(
            "{n} job was done; at most {most} waited, at {most_at}; none failed.",
            "{n} jobs were done; at most {most} waited, at {most_at}; none failed.",
            total,
        )
    if failed:
        return ngettext(
            "{n} job was done; failures peaked at {worst} a minute at {worst_at}.",
            "{n} jobs were done; failures peaked at {worst} a minute at {worst_at}.",
            total,
        )
    return ngettext("{n} job was done; none failed.", "{n} jobs were done; none failed.", total)
