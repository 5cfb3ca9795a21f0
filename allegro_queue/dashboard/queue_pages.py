"""What the pages of queues show: all of them in the order of priority, and one of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.conf import HorizonSettings, horizon_settings
from allegro_queue.dashboard import charts
from allegro_queue.dashboard.chosen import LONGEST_REASON
from allegro_queue.dashboard.formats import about, count, duration, in_words, measure, rate
from allegro_queue.dashboard.hour_chart import end_value, unmeasured
from allegro_queue.dashboard.links import link
from allegro_queue.dashboard.metric_charts import Chart, Measured, times_chart
from allegro_queue.dashboard.metric_series import Axis, buckets
from allegro_queue.dashboard.minute_values import MINUTES, RATE_MINUTES, clock, mean, was_measured
from allegro_queue.dashboard.nouns import jobs, jobs_wait
from allegro_queue.dashboard.pause_marks import read_marks
from allegro_queue.dashboard.queue_rows import QueueRow, queue_row
from allegro_queue.dashboard.render import Missing
from allegro_queue.dashboard.states import LONGEST_WAIT
from allegro_queue.dashboard.tiles import Tile, share
from allegro_queue.dashboard.wording import apart, worded
from allegro_queue.history.by_function import FunctionShares, functions_of
from allegro_queue.history.measured import Extent, Minute, extent, points
from allegro_queue.history.measured import minutes as minutes_of
from allegro_queue.metrics.counts import HOUR, MINUTE
from allegro_queue.metrics.drain import Drain, drain_of
from allegro_queue.stores import Stores
from allegro_queue.stores.bulk import BIN_MOST
from allegro_queue.stores.pauses import ALL_QUEUES, Pause
from allegro_queue.stores.pulse import Pulse, QueuePulse
from allegro_queue.stores.workers import WorkerRecord
from allegro_queue.supervisor_options import planned_queues

PAUSE_MINUTES = (
    (15, gettext_noop("15 min")),
    (60, gettext_noop("1 hour")),
    (None, gettext_noop("until I resume")),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuesPage:
    """Are the queues keeping up?"""

    tone: str
    sentence: str
    sub: str
    queues: tuple[QueueRow, ...]
    lane_scale: SafeString
    slot_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Listener:
    """A worker that takes from this queue, and how many queues it looks at before."""

    record: WorkerRecord
    place: int


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuePage:
    """Is this queue keeping up?"""

    tone: str
    sentence: str
    sub: str
    name: str
    rank: int
    of: int
    tiles: tuple[Tile, ...]
    hour: SafeString
    hour_sentence: str
    hour_twin: SafeString
    queues: tuple[QueueRow, ...]
    lane_scale: SafeString
    slot_count: int
    wait: Chart
    functions: FunctionShares
    listeners: tuple[Listener, ...]
    pause: Pause | None
    """Its own pause; ``None`` also when all queues are paused together."""
    waiting: int
    empty_address: str
    move_address: str
    start_command: str
    pause_minutes: tuple[tuple[int | None, str], ...]
    longest_reason: int = LONGEST_REASON


def read_queues(stores: Stores, pulse: Pulse) -> QueuesPage:
    """The page of all queues: two round trips besides the pulse's two."""
    settings = horizon_settings()
    rows = read_rows(stores, pulse, settings)
    tone, sentence = say_of_all(rows, pulse)
    return QueuesPage(
        tone=tone,
        sentence=sentence,
        sub=gettext("Workers always take from the highest queue that has work."),
        queues=rows,
        lane_scale=charts.lane_scale(),
        slot_count=len(pulse.workers),
    )


def read_rows(stores: Stores, pulse: Pulse, settings: HorizonSettings) -> tuple[QueueRow, ...]:
    """Every queue as a lane."""
    return rows_of(pulse, settings, last_minutes(stores, pulse))


def last_minutes(stores: Stores, pulse: Pulse) -> list[Minute]:
    """The last hour, minute by minute."""
    return minutes_of(stores, extent(stores, pulse.at), pulse.at, MINUTES)


def rows_of(pulse: Pulse, settings: HorizonSettings, minutes: Sequence[Minute]) -> tuple[QueueRow, ...]:
    return tuple(queue_row(rank, queue, settings, pulse, minutes) for rank, queue in enumerate(pulse.queues, start=1))


def say_of_all(rows: Sequence[QueueRow], pulse: Pulse) -> tuple[str, str]:
    """Tone and sentence: what is not as it should be, by name."""
    for tone in ("bad", "warn"):
        names = [row.pulse.name for row in rows if row.state.tone == tone]
        if names:
            words = in_words(list(dict.fromkeys(row.state.word.lower() for row in rows if row.state.tone == tone)))
            return tone, f"{apart(in_words(names))}: {words}. {waiting_words(pulse.waiting)}"
    return "ok", gettext("All queues keep up.") + " " + waiting_words(pulse.waiting) if rows else gettext(
        "No queue is configured."
    )


def waiting_words(waiting: int) -> str:
    return f"{jobs_wait(waiting)}." if waiting else gettext("Nothing waits.")


def read_queue(stores: Stores, pulse: Pulse, name: str) -> QueuePage | Missing:
    """The page of one queue: two round trips besides the pulse's two, six short queries."""
    queue = next((each for each in pulse.queues if each.name == name), None)
    if queue is None:
        return Missing(
            heading=gettext("There is no queue of this name."),
            words=worded(gettext("RQ_QUEUES has {queues}."), queues=in_words([each.name for each in pulse.queues])),
            asked=name[:200],
            back=link("queues"),
            back_words=gettext("All queues"),
        )
    settings = horizon_settings()
    reach = extent(stores, pulse.at)
    minutes = minutes_of(stores, reach, pulse.at, MINUTES)
    rows = rows_of(pulse, settings, minutes)
    row = next(each for each in rows if each.pulse.name == name)
    served = [each for each in planned_queues(settings) if each in {other.name for other in pulse.queues}]
    order = served if name in served else [name]
    drain = drain_of(
        name,
        order,
        {each.name: each.waiting for each in pulse.queues if not pulse.is_paused(each.name) or each.name == name},
        {each.pulse.name: each.per_minute or 0.0 for each in rows if each.pulse.name in order},
    )
    tone, sentence, sub = say_of_one(queue, row, pulse, drain, settings)
    marks = read_marks(name, minutes[0].starts_at, minutes[-1].starts_at + 60)
    hour, hour_sentence, twin = last_hour_of(queue, minutes, marks)
    return QueuePage(
        tone=tone,
        sentence=sentence,
        sub=sub,
        name=name,
        rank=row.rank,
        of=len(rows),
        tiles=tuple(tiles_of(queue, row, pulse, minutes)),
        hour=hour,
        hour_sentence=hour_sentence,
        hour_twin=twin,
        queues=rows,
        lane_scale=charts.lane_scale(),
        slot_count=len(pulse.workers),
        wait=wait_chart(name, reach, pulse.at, marks),
        functions=functions_of(name, since=pulse.at - HOUR),
        listeners=tuple(
            Listener(record=worker, place=worker.queues.index(name) + 1) for worker in pulse.workers_of(name)
        ),
        pause=pulse.pauses.get(name),
        pause_minutes=tuple((minutes, gettext(words)) for minutes, words in PAUSE_MINUTES),
        waiting=queue.waiting,
        empty_address=link("confirm_empty", query={"queue": name, "next": link("queue", queue=name)}),
        move_address=link("confirm_move", query={"queue": name, "next": link("queue", queue=name)}),
        start_command=f"python manage.py rqworker {name}",
    )


def say_of_one(
    queue: QueuePulse, row: QueueRow, pulse: Pulse, drain: Drain, settings: HorizonSettings
) -> tuple[str, str, str]:
    """Tone, sentence, and the second line with what the sentence rests on."""
    waiting = jobs_wait(queue.waiting)
    oldest = (
        worded(gettext("The oldest waits {time}."), time=duration(int(row.oldest_seconds)))
        if row.oldest_seconds
        else ""
    )
    if pulse.is_paused(queue.name):
        if not queue.waiting:
            return "warn", gettext("Paused; nothing waits."), ""
        behind = worded(gettext("{jobs_wait} behind the pause"), jobs_wait=waiting)
        if not drain.seconds:
            return "warn", f"{behind}.", ""
        left = ngettext("resumed now, it needs about {time}", "resumed now, they need about {time}", queue.waiting)
        return "warn", f"{behind}; {worded(left, time=about(drain.seconds))}.", estimate_words(drain)
    if row.state.tone == "bad":
        return "bad", gettext("No worker listens.") + " " + waiting_words(queue.waiting), oldest
    if not queue.waiting:
        if not queue.running:
            return "ok", gettext("Keeping up. Nothing waits."), ""
        text = ngettext(
            "Keeping up. Nothing waits. {n} job runs.", "Keeping up. Nothing waits. {n} jobs run.", queue.running
        )
        return "ok", worded(text, n=count(queue.running)), ""
    limit = settings.waits.get(queue.name, LONGEST_WAIT)
    tone = "warn" if (row.oldest_seconds or 0.0) > limit else "ok"
    if drain.seconds is None:
        return tone, worded(gettext("{jobs_wait}, and none was done in the last minutes."), jobs_wait=waiting), oldest
    return (
        tone,
        worded(
            ngettext("{jobs_wait}; it needs about {time}.", "{jobs_wait}; they need about {time}.", queue.waiting),
            jobs_wait=waiting,
            time=about(drain.seconds),
        ),
        f"{oldest} {estimate_words(drain)}".strip(),
    )


def estimate_words(drain: Drain) -> str:
    """What an estimate assumes."""
    text = gettext("An estimate: {n} a minute, the rate of the last {minutes} minutes.")
    if drain.ahead:
        text = gettext(
            "An estimate: {n} a minute, the rate of the last {minutes} minutes, with {jobs} of higher queues before them."
        )
    return worded(text, n=rate(drain.per_minute), minutes=RATE_MINUTES, jobs=jobs(drain.ahead))


def tiles_of(queue: QueuePulse, row: QueueRow, pulse: Pulse, minutes: Sequence[Minute]) -> list[Tile]:
    """Its six figures."""
    done = round(sum(value or 0 for value in values_of(minutes, lambda each: each.done.get(queue.name, 0))))
    oldest, unit = measure(row.oldest_seconds)
    free = sum(1 for worker in pulse.workers_of(queue.name) if worker.state == "idle")
    return [
        Tile(
            label=gettext("Waiting"),
            value=count(queue.waiting),
            unit="",
            note=gettext("now"),
            address=row.waiting_address,
        ),
        Tile(
            label=gettext("Oldest"),
            value=oldest if row.oldest_seconds is not None else "0",
            unit=unit if row.oldest_seconds is not None else gettext("s"),
            note=worded(gettext("since {time}"), time=clock(queue.oldest_at))
            if queue.oldest_at
            else gettext("nothing waits"),
            address=row.waiting_address,
        ),
        Tile(
            label=gettext("Running"),
            value=count(queue.running),
            unit=worded(gettext("of {all}"), all=row.workers),
            note=worded(gettext("{n} ready"), n=free),
            address=link("jobs", query={"state": "running", "queue": queue.name}),
            tone="" if row.workers else "bad",
        ),
        Tile(
            label=gettext("Done"),
            value=rate(row.per_minute) if row.per_minute is not None else gettext("unknown"),
            unit=gettext("/min") if row.per_minute is not None else "",
            note=worded(ngettext("{n} job in the last hour", "{n} jobs in the last hour", done), n=count(done)),
            address=link("queue_metrics", queue=queue.name),
            drawing=row.spark,
            tone="" if row.per_minute is not None else "stale",
        ),
        Tile(
            label=gettext("Wait, p95"),
            value=measure(row.wait_seconds)[0] if row.wait_seconds is not None else gettext("unknown"),
            unit=measure(row.wait_seconds)[1],
            note=gettext("of the last minutes’ runs"),
            address=link("queue_metrics", queue=queue.name),
            tone="" if row.wait_seconds is not None else "stale",
        ),
        Tile(
            label=gettext("Failed, last hour"),
            value=count(row.failed_last_hour),
            unit=worded(gettext("of {all}"), all=count(row.failed_last_hour + done)),
            note=share(row.failed_last_hour, row.failed_last_hour + done),
            address=row.failed_address,
        ),
    ]


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
    backlog = (
        worded(gettext("at most {n} waited, at {time}"), n=count(round(peak)), time=times[place])
        if peak
        else gettext("none had to wait at a full minute")
    )
    done_words = worded(ngettext("{n} job was done", "{n} jobs were done", total), n=count(total))
    return f"{done_words}; {backlog}."


# ------------------------------------------------------------------------------------- Before emptying and moving


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmQueuePage:
    """Empty this queue, or move all that waits in it?"""

    act: str
    """``empty`` or ``move``."""
    queue: str
    problem: str
    waiting: int
    targets: tuple[QueuePulse, ...]
    """Queues to move to."""
    paused: tuple[str, ...]
    asked_at: float
    """What comes into the queue after this Unix time is left alone."""
    token: str
    """Of this page: the button pressed twice acts once."""
    lost: int
    """Jobs that the bin has no room for."""
    next: str
    bin_most: int = BIN_MOST
    longest_reason: int = LONGEST_REASON


def read_confirm_queue(pulse: Pulse, act: str, queue: str, next: str) -> ConfirmQueuePage:
    """The step before acting on all that waits in a queue."""
    found = queue_named(pulse, queue)
    if found is None:
        problem = worded(
            gettext("There is no queue {queue}; there are {known}."),
            queue=repr(queue[:200]),
            known=in_words([each.name for each in pulse.queues]),
        )
    elif not found.waiting:
        problem = worded(gettext("Nothing waits in {queue}."), queue=queue)
    else:
        problem = ""
    return ConfirmQueuePage(
        act=act,
        queue=queue,
        problem=problem,
        waiting=found.waiting if found else 0,
        targets=tuple(each for each in pulse.queues if each.name != queue),
        paused=tuple(each for each in pulse.pauses if each != ALL_QUEUES),
        asked_at=pulse.at,
        token=uuid4().hex,
        lost=max(found.waiting - BIN_MOST, 0) if found else 0,
        next=next,
    )


def queue_named(pulse: Pulse, name: str) -> QueuePulse | None:
    return next((each for each in pulse.queues if each.name == name), None)
