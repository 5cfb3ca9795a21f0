"""The charts of one queue: its last hour, with the sentence and the numbers, and how long jobs waited."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from allegro_queue.dashboard import charts
from allegro_queue.dashboard.metrics.charts import Chart, Measured, times_chart
from allegro_queue.dashboard.metrics.hour_chart import end_value, unmeasured
from allegro_queue.dashboard.metrics.minute_values import MINUTES, mean, was_measured
from allegro_queue.dashboard.metrics.series import Axis, buckets
from allegro_queue.dashboard.page.formats import count
from allegro_queue.history.measured import Extent, Minute, points
from allegro_queue.metrics.counts import MINUTE
from allegro_queue.stores.pulse import QueuePulse
from allegro_queue.wording import worded


def values_of(minutes: Sequence[Minute], pick: Callable[[Minute], int]) -> list[float | None]:
    """One value a minute; ``None`` where nobody looked."""
    return [float(pick(each)) if was_measured(each) else None for each in minutes]


def wait_chart(name: str, reach: Extent, now: float, marks: Sequence[charts.Mark]) -> Chart:
    """How long jobs waited in each minute of the last hour. One query."""
    end = (now // MINUTE + 1) * MINUTE
    axis = Axis(start=end - MINUTES * MINUTE, seconds=MINUTE, count=MINUTES)
    found = points("queue", [name], seconds=MINUTE, since=axis.start)[name]
    measured = Measured(buckets=buckets(found, axis, reach), axis=axis, until=reach.until, now=now, marks=marks)
    return times_chart(measured, "wait", gettext("Wait"), lambda each: each.wait)


def last_hour_of(
    queue: QueuePulse, minutes: Sequence[Minute], marks: Sequence[charts.Mark]
) -> tuple[SafeString, str, SafeString]:
    """Waiting, done and failed of one queue: the chart, its sentence, and the table of its numbers."""
    name = queue.name
    waiting: list[float | None] = [float(each.waiting[name]) if name in each.waiting else None for each in minutes]
    done = values_of(minutes, lambda each: each.done.get(name, 0))
    failed = values_of(minutes, lambda each: each.failed.get(name, 0))
    zone = timezone.get_current_timezone()
    start, end = minutes[0].starts_at, minutes[-1].starts_at + 60
    times = [charts.clock_label(each.starts_at, zone) for each in minutes]
    sentence = hour_words(waiting, done, times)
    chart = charts.strips(
        [
            charts.Strip(
                name=gettext("Waiting"),
                values=waiting,
                look="hz-wait",
                kind="area",
                now=count(queue.waiting),
                height=76,
            ),
            charts.Strip(name=gettext("Done per minute"), values=done, look="hz-done", now=end_value(done)),
            charts.Strip(name=gettext("Failed per minute"), values=failed, look="hz-fail", kind="bars", height=38),
        ],
        ticks=charts.time_ticks(start, end, zone),
        sentence=sentence,
        marks=marks,
        unknown=unmeasured(minutes, times),
        running=was_measured(minutes[-1]),
    )
    columns = [
        charts.Column(gettext("Waiting"), waiting),
        charts.Column(gettext("Done"), done),
        charts.Column(gettext("Failed"), failed),
    ]
    return chart, sentence, charts.twin(times, columns, worded(gettext("the last hour of {queue}"), queue=name))


def hour_words(waiting: Sequence[float | None], done: Sequence[float | None], times: Sequence[str]) -> str:
    """The chart in words."""
    if mean(done) is None and mean(waiting) is None:
        return gettext("Nothing was measured in the last hour.")
    total = round(sum(value or 0 for value in done))
    peak, place = max(((value or 0.0, place) for place, value in enumerate(waiting)), default=(0.0, 0))
    text = (
        ngettext(
            "{n} job was done; at most {most} waited, at {time}.",
            "{n} jobs were done; at most {most} waited, at {time}.",
            total,
        )
        if peak
        else ngettext(
            "{n} job was done; none had to wait at a full minute.",
            "{n} jobs were done; none had to wait at a full minute.",
            total,
        )
    )
    return worded(text, n=count(total), most=count(round(peak)), time=times[place])
