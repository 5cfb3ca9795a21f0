"""Queues as lanes, in the order of priority, and the workers as each queue sees them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from allegro_queue.conf import HorizonSettings
from allegro_queue.dashboard import charts
from allegro_queue.dashboard.charts.lanes import Slot
from allegro_queue.dashboard.metrics.minute_values import done_values, rate_of
from allegro_queue.dashboard.metrics.series import wait_times
from allegro_queue.dashboard.page.formats import count
from allegro_queue.dashboard.page.links import link
from allegro_queue.dashboard.page.states import LONGEST_WAIT, Status
from allegro_queue.history.measured import Minute
from allegro_queue.metrics.counts import Counts
from allegro_queue.stores.pulse import Pulse, QueuePulse
from allegro_queue.wording import worded

SPARK_MINUTES = 30
LATELY = 15
"""Minutes that the wait of a queue is measured over."""

MOST_SLOTS = 20
"""Workers drawn per lane; more are counted in words."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueRow:
    """One queue in the order of priority."""

    rank: int
    pulse: QueuePulse
    oldest_seconds: float | None
    wait_seconds: float | None
    """What 95 of 100 of the jobs that ended lately had waited at most; ``None`` when none ended."""
    per_minute: float | None
    failed_last_hour: int | None
    """``None`` where it is not counted yet, as the two above."""
    workers: int
    state: Status
    lane: SafeString
    slots: SafeString
    spark: SafeString
    waiting_address: str
    failed_address: str
    pause_address: str
    """Empty when it is paused already; a strip on every page resumes it."""


def queue_rows(pulse: Pulse, settings: HorizonSettings, minutes: Sequence[Minute]) -> tuple[QueueRow, ...]:
    """Every queue as a lane. Without minutes, what the database counts is left open."""
    return tuple(queue_row(rank, queue, settings, pulse, minutes) for rank, queue in enumerate(pulse.queues, start=1))


def queue_row(
    rank: int,
    queue: QueuePulse,
    settings: HorizonSettings,
    pulse: Pulse,
    minutes: Sequence[Minute],
) -> QueueRow:
    """One lane."""
    done = done_values(minutes, queue.name)
    state = queue_state(queue, settings, pulse)
    lane_look: Literal["", "bad", "paused"] = (
        "bad" if state.tone == "bad" else "paused" if pulse.stands_still(queue.name) else ""
    )
    return QueueRow(
        rank=rank,
        pulse=queue,
        oldest_seconds=max(pulse.at - queue.oldest_at, 0.0) if queue.oldest_at is not None else None,
        wait_seconds=wait_times(waits_lately(queue.name, minutes)).p95,
        per_minute=rate_of(done),
        failed_last_hour=sum(each.failed.get(queue.name, 0) for each in minutes) if minutes else None,
        workers=len(pulse.workers_of(queue.name)),
        state=state,
        lane=charts.lane(queue.waiting, worded(gettext("{n} waiting"), n=count(queue.waiting)), lane_look),
        slots=slots_of(pulse, queue.name),
        spark=charts.spark(done[-SPARK_MINUTES:], area=False),
        waiting_address=link("jobs", query={"state": "waiting", "queue": queue.name}),
        failed_address=link("jobs", query={"state": "failed", "queue": queue.name, "still": "yes"}),
        pause_address="" if queue.name in pulse.pauses else link("confirm_pause", query={"queue": queue.name}),
    )


def waits_lately(queue: str, minutes: Sequence[Minute]) -> Counts:
    """How long the jobs of a queue that ended lately had waited."""
    found = Counts()
    for minute in minutes[-LATELY:]:
        if queue in minute.waits:
            found.add(minute.waits[queue])
    return found


def queue_state(queue: QueuePulse, settings: HorizonSettings, pulse: Pulse) -> Status:
    """The state of one queue; those that stand still on purpose never warn."""
    if pulse.is_paused(queue.name):
        return Status(tone="warn", icon="pause", word=gettext("Suspended") if pulse.suspended else gettext("Paused"))
    if queue.name in pulse.in_maintenance:
        return Status(tone="warn", icon="pause", word=gettext("Maintenance mode"))
    listening = pulse.workers_of(queue.name)
    if not listening:
        return Status(tone="bad", icon="bad", word=gettext("No workers"))
    waited = pulse.at - queue.oldest_at if queue.oldest_at is not None else 0.0
    if waited > settings.waits.get(queue.name, LONGEST_WAIT):
        return Status(tone="warn", icon="warn", word=gettext("Behind"))
    if queue.waiting:
        return Status(tone="run", icon="run", word=gettext("Draining"))
    return Status(tone="ok", icon="ok", word=gettext("Keeping up"))


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
        charts.slots(
            cells,
            worded(
                ngettext(
                    "{n} worker busy here, {free} free, {missing} missing",
                    "{n} workers busy here, {free} free, {missing} missing",
                    here,
                ),
                n=count(here),
                free=free,
                missing=missing,
            ),
        )
        if cells
        else SafeString()
    )
