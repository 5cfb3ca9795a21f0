"""What the overview shows: the verdict, six figures, the queues as lanes, the last hour, what runs next, what failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString

from allegro_queue.conf import HorizonSettings, horizon_settings
from allegro_queue.dashboard import charts
from allegro_queue.dashboard.charts.lanes import Slot
from allegro_queue.dashboard.formats import measure, moment, plural, rate
from allegro_queue.dashboard.links import link
from allegro_queue.dashboard.metric_series import wait_times
from allegro_queue.dashboard.states import ENTRY_LATE, LONGEST_WAIT, Overdue, Status, Verdict, verdict_on
from allegro_queue.history.measured import Minute, Point, extent, minutes, points, whole
from allegro_queue.metrics.counts import FIVE_MINUTES
from allegro_queue.plan import Plan
from allegro_queue.queues import all_queues
from allegro_queue.scheduling.table import ScheduleRow, read_schedule
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import JobRow, State
from allegro_queue.stores.pulse import Pulse, QueuePulse

MINUTES = 60
RATE_MINUTES = 5
"""Whole minutes that "per minute" is averaged over."""

SPARK_MINUTES = 30
LATELY = 15 * 60
"""Seconds that the wait of a queue is measured over."""

FAILURES_SHOWN = 5
NEXT_SHOWN = 4
MOST_SLOTS = 20
"""Workers drawn per lane; more are counted in words."""

UNNAMED_GAP = 5
"""Minutes without measurement below which the hatch has no words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tile:
    """One figure."""

    label: str
    value: str
    unit: str
    note: str
    address: str
    drawing: SafeString | str = ""
    tone: str = ""
    """``bad`` or ``stale``; empty when all is well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueRow:
    """One queue in the order of priority."""

    rank: int
    pulse: QueuePulse
    oldest_seconds: float | None
    wait_seconds: float | None
    """What 95 of 100 of the jobs that ended lately had waited at most; ``None`` when none ended."""
    per_minute: float | None
    failed_last_hour: int
    workers: int
    state: Status
    lane: SafeString
    slots: SafeString
    spark: SafeString
    waiting_address: str
    failed_address: str
    pause_address: str
    """Empty when it is paused already; a strip on every page resumes it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OverviewPage:
    """Is anything wrong, and where?"""

    verdict: Verdict
    first_run: bool
    tiles: tuple[Tile, ...]
    queues: tuple[QueueRow, ...]
    lane_scale: SafeString
    slot_count: int
    hour: SafeString
    hour_sentence: str
    hour_twin: SafeString
    next_runs: tuple[ScheduleRow, ...]
    failures: tuple[JobRow, ...]


def read_overview(stores: Stores, pulse: Pulse) -> OverviewPage:
    """The page, from the stores and the database: six round trips to Redis besides the pulse's two, five short queries."""
    settings = horizon_settings()
    queues = all_queues()
    last_hour = minutes(stores, extent(stores, pulse.at), pulse.at, MINUTES)
    lately = points("queue", queues, seconds=FIVE_MINUTES, since=pulse.at - LATELY)
    schedule = read_schedule(stores, pulse.at)
    failures, _ = stores.jobs.page(State.FAILED, queues, limit=FAILURES_SHOWN)
    return overview(settings, pulse, last_hour, lately, schedule, failures)


def overview(
    settings: HorizonSettings,
    pulse: Pulse,
    minutes: Sequence[Minute],
    lately: Mapping[str, Sequence[Point]],
    schedule: Sequence[ScheduleRow],
    failures: Sequence[JobRow],
) -> OverviewPage:
    """The page, from what was read."""
    measured = any(each.done or each.failed for each in minutes)
    ever_used = bool(measured or failures or pulse.last_snapshot_at or any(queue.running for queue in pulse.queues))
    overdue = [
        Overdue(name=row.entry.name, late_seconds=row.late_seconds) for row in schedule if row.late_seconds > ENTRY_LATE
    ]
    verdict = verdict_on(
        pulse,
        notice=Plan(environment=settings.environment, connection=settings.connection, supervisors=()).notice,
        waits=settings.waits,
        overdue=overdue,
        has_schedule=bool(schedule),
        ever_used=ever_used,
        note=quiet_note(pulse, minutes),
        clock=clock,
    )
    hour, sentence, twin = last_hour(pulse, minutes)
    coming = sorted((row for row in schedule if row.next_at is not None), key=lambda row: row.next_at or 0.0)
    return OverviewPage(
        verdict=verdict,
        first_run=not ever_used and not pulse.waiting and not pulse.masters,
        tiles=tuple(tiles(settings, pulse, minutes, coming)),
        queues=tuple(
            queue_row(rank, queue, settings, pulse, minutes, lately.get(queue.name, ()))
            for rank, queue in enumerate(pulse.queues, start=1)
        ),
        lane_scale=charts.lane_scale(),
        slot_count=min(len(pulse.workers), MOST_SLOTS),
        hour=hour,
        hour_sentence=sentence,
        hour_twin=twin,
        next_runs=tuple(coming[:NEXT_SHOWN]),
        failures=tuple(failures),
    )


def clock(unix: float) -> str:
    """Wall-clock time in the site's zone; with the day when it is not today's."""
    local = timezone.localtime(moment(unix))
    return date_format(local, "H:i:s" if local.date() == timezone.localdate() else "j M H:i")


def quiet_note(pulse: Pulse, minutes: Sequence[Minute]) -> str:
    """The second line when all is well."""
    ended = [each.starts_at for each in minutes if each.done]
    parts = [f"{plural(len(pulse.workers), 'worker listens', 'workers listen')}."]
    parts.append(f"Last job done at {clock(ended[-1])[:5]}." if ended else "No job was done in the last hour.")
    failed = sum(sum(each.failed.values()) for each in minutes)
    parts.append(f"{plural(failed, 'job')} failed in the last hour." if failed else "None failed in the last hour.")
    return " ".join(parts)


# ------------------------------------------------------------------------------------------------- Figures


def was_measured(minute: Minute) -> bool:
    """Whether anybody looked in that minute (the master samples each queue), and its runs are counted."""
    return minute.counted and bool(minute.waiting or minute.done or minute.failed)


def done_values(minutes: Sequence[Minute], queue: str = "") -> list[float | None]:
    """Done per minute, of one queue or of all; ``None`` where nobody looked."""
    return [
        float(each.done.get(queue, 0) if queue else sum(each.done.values())) if was_measured(each) else None
        for each in minutes
    ]


def failed_values(minutes: Sequence[Minute]) -> list[float | None]:
    return [float(sum(each.failed.values())) if was_measured(each) else None for each in minutes]


def waiting_values(minutes: Sequence[Minute]) -> list[float | None]:
    return [float(sum(each.waiting.values())) if each.waiting else None for each in minutes]


def mean(values: Sequence[float | None]) -> float | None:
    """Mean of the known values; ``None`` when there is none."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def tiles(
    settings: HorizonSettings, pulse: Pulse, minutes: Sequence[Minute], coming: Sequence[ScheduleRow]
) -> list[Tile]:
    """The six figures."""
    done, failed, waiting = done_values(minutes), failed_values(minutes), waiting_values(minutes)
    # The running minute is not over; it would always look like a fall.
    per_minute = mean(done[-RATE_MINUTES - 1 : -1])
    done_sum = round(sum(value or 0 for value in done))
    failed_sum = round(sum(value or 0 for value in failed))
    return [
        Tile(
            label="Throughput",
            value=rate(per_minute) if per_minute is not None else "unknown",
            unit="/min" if per_minute is not None else "",
            note=f"{plural(done_sum, 'job')} in the last hour",
            address=link("metrics"),
            drawing=charts.spark(done),
            tone="" if per_minute is not None else "stale",
        ),
        Tile(
            label="Failed, last hour",
            value=f"{failed_sum:,}",
            unit=f"of {done_sum + failed_sum:,}",
            note=share(failed_sum, done_sum + failed_sum),
            address=link("jobs", query={"state": "failed"}),
            drawing=charts.bars(failed, "hz-fail"),
        ),
        wait_tile(settings, pulse, waiting),
        running_tile(pulse),
        Tile(
            label="Processes",
            value=str(len(pulse.masters)),
            unit="Horizon",
            note=", ".join(sorted({master.host for master in pulse.masters})) or "none reports",
            address=link("workers"),
            tone="" if pulse.masters else "bad",
        ),
        cron_tile(pulse, coming),
    ]


def share(part: int, whole: int) -> str:
    """``0.04 %``, or words when there is nothing to divide."""
    if not whole:
        return "nothing ended"
    percent = 100 * part / whole
    return f"{percent:.2g} %" if 0 < percent < 10 else f"{percent:.0f} %"


def wait_tile(settings: HorizonSettings, pulse: Pulse, waiting: Sequence[float | None]) -> Tile:
    waits = [(pulse.at - queue.oldest_at, queue) for queue in pulse.queues if queue.oldest_at is not None]
    drawing = charts.spark(waiting, "hz-wait")
    if not waits:
        return Tile(
            label="Longest wait now", value="0", unit="s", note="nothing waits", address=link("jobs"), drawing=drawing
        )
    seconds, queue = max(waits, key=lambda each: each[0])
    value, unit = measure(seconds)
    over = seconds > settings.waits.get(queue.name, LONGEST_WAIT) and not pulse.is_paused(queue.name)
    return Tile(
        label="Longest wait now",
        value=value,
        unit=unit,
        note=f"{queue.name}, oldest of {queue.waiting:,}",
        address=link("jobs", query={"state": "waiting", "queue": queue.name}),
        drawing=drawing,
        tone="bad" if over else "",
    )


def running_tile(pulse: Pulse) -> Tile:
    busy = sum(1 for worker in pulse.workers if worker.state == "busy")
    return Tile(
        label="Running now",
        value=str(busy),
        unit=f"of {len(pulse.workers)}",
        note=f"{plural(len(pulse.workers) - busy, 'worker')} ready" if pulse.workers else "no worker",
        address=link("workers"),
        drawing=slots_of(pulse, ""),
        tone="" if pulse.workers else "bad",
    )


def cron_tile(pulse: Pulse, coming: Sequence[ScheduleRow]) -> Tile:
    if pulse.scheduler is None or not coming or coming[0].next_at is None:
        note = "no scheduler runs" if pulse.scheduler is None else "nothing is planned"
        return Tile(label="Next cron", value="unknown", unit="", note=note, address=link("schedule"), tone="stale")
    first = coming[0]
    return Tile(
        label="Next cron",
        value=date_format(timezone.localtime(moment(coming[0].next_at)), "H:i"),
        unit="",
        note=first.entry.name,
        address=link("schedule"),
    )


# -------------------------------------------------------------------------------------------------- Queues


def queue_row(
    rank: int,
    queue: QueuePulse,
    settings: HorizonSettings,
    pulse: Pulse,
    minutes: Sequence[Minute],
    lately: Sequence[Point],
) -> QueueRow:
    """One lane."""
    done = done_values(minutes, queue.name)
    state = queue_state(queue, settings, pulse)
    lane_look: Literal["", "bad", "paused"] = (
        "bad" if state.tone == "bad" else "paused" if pulse.is_paused(queue.name) else ""
    )
    return QueueRow(
        rank=rank,
        pulse=queue,
        oldest_seconds=max(pulse.at - queue.oldest_at, 0.0) if queue.oldest_at is not None else None,
        wait_seconds=wait_times(whole(lately)).p95,
        per_minute=mean(done[-RATE_MINUTES - 1 : -1]),
        failed_last_hour=sum(each.failed.get(queue.name, 0) for each in minutes),
        workers=len(pulse.workers_of(queue.name)),
        state=state,
        lane=charts.lane(queue.waiting, f"{queue.waiting:,} waiting", lane_look),
        slots=slots_of(pulse, queue.name),
        spark=charts.spark(done[-SPARK_MINUTES:], area=False),
        waiting_address=link("jobs", query={"state": "waiting", "queue": queue.name}),
        failed_address=link("jobs", query={"state": "failed", "queue": queue.name}),
        pause_address="" if queue.name in pulse.pauses else link("confirm_pause", query={"queue": queue.name}),
    )


def queue_state(queue: QueuePulse, settings: HorizonSettings, pulse: Pulse) -> Status:
    """The state of one queue; paused ones never warn."""
    if pulse.is_paused(queue.name):
        return Status(tone="warn", icon="pause", word="Suspended" if pulse.suspended else "Paused")
    listening = pulse.workers_of(queue.name)
    if not listening:
        return Status(tone="bad", icon="bad", word="No workers")
    waited = pulse.at - queue.oldest_at if queue.oldest_at is not None else 0.0
    if waited > settings.waits.get(queue.name, LONGEST_WAIT):
        return Status(tone="warn", icon="warn", word="Behind")
    if queue.waiting:
        return Status(tone="run", icon="run", word="Draining")
    return Status(tone="ok", icon="ok", word="Keeping up")


def slots_of(pulse: Pulse, queue: str) -> SafeString:
    """The workers as one queue (or, with ``""``, any) sees them, in the same order for every queue."""
    cells: list[Slot] = []
    for worker in pulse.workers[:MOST_SLOTS]:
        if worker.state == "busy" and queue in ("", worker.job_queue):
            cells.append("busy")
        elif worker.state == "busy" or (queue and queue not in worker.queues):
            cells.append("other")
        else:
            cells.append("free")
    missing = sum(max(each.wanted - len(each.workers), 0) for master in pulse.masters for each in master.supervisors)
    cells += ["lost"] * min(missing, MOST_SLOTS - len(cells))
    here = cells.count("busy")
    free = cells.count("free")
    return (
        charts.slots(cells, f"{plural(here, 'worker')} busy here, {free} free, {missing} missing")
        if cells
        else SafeString()
    )


# ------------------------------------------------------------------------------------------- The last hour


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
