"""Findings about what runs by the clock: scheduler, snapshots, cron entries. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from allegro_queue.dashboard.findings.finding import Finding, sentence_of, whole
from allegro_queue.dashboard.formats import ago, duration, in_words, plural
from allegro_queue.stores.pulse import Pulse
from allegro_queue.stores.schedule import SCHEDULER_LIFE

SNAPSHOT_STALE = 11 * 60
"""Seconds after which the graphs count as stale: two snapshots were missed, with a minute's grace."""

NAMED = 3
"""Entries named in one sentence."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overdue:
    """A cron entry that should have been queued by now."""

    name: str
    late_seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Parked:
    """A cron entry that could not be queued when it was due, or cannot run at all."""

    name: str
    error: str


def stopped_scheduler(
    pulse: Pulse, has_schedule: bool, overdue: Sequence[Overdue], clock: Callable[[float], str]
) -> Iterator[Finding]:
    """Cron entries are declared and nobody queues them."""
    if pulse.scheduler is not None or not has_schedule or not (pulse.masters or pulse.workers or overdue):
        return
    since = f" since {clock(pulse.last_snapshot_at)}" if pulse.last_snapshot_at is not None else ""
    late = f" {plural(len(overdue), 'cron entry is', 'cron entries are')} overdue." if overdue else ""
    yield Finding(
        tone="warn",
        headline=f"No scheduler runs. Graphs are stale{since} and nothing is queued by the clock.{late}",
        cause=f"No scheduler has reported in the last {SCHEDULER_LIFE} seconds, so graphs are stale{since}.{late}",
        page="schedule",
        remedy="Horizon starts one by itself within seconds; without Horizon, start it alone:",
        command="python manage.py rqscheduler",
    )


def stale_snapshots(pulse: Pulse, has_schedule: bool, clock: Callable[[float], str]) -> Iterator[Finding]:
    """The last snapshot is too old, although a scheduler runs."""
    if pulse.scheduler is None and has_schedule:
        return
    if pulse.last_snapshot_at is None:
        started = min((master.started_at for master in pulse.masters), default=None)
        if started is None or pulse.at - started <= SNAPSHOT_STALE:
            return
        said = "No snapshot was ever taken"
    elif pulse.at - pulse.last_snapshot_at <= SNAPSHOT_STALE:
        return
    else:
        said = f"The last snapshot is of {clock(pulse.last_snapshot_at)} ({ago(pulse.last_snapshot_at, pulse.at)})"
    yield Finding(
        tone="warn",
        headline=f"{said}, so the graphs are stale.",
        cause=f"{said}; see what became of the entry that takes them.",
        page="schedule",
        remedy="Take one now:",
        command="python manage.py horizon_snapshot",
    )


def late_entries(pulse: Pulse, overdue: Sequence[Overdue]) -> Iterator[Finding]:
    """Cron entries that are due and were not queued, although a scheduler runs."""
    if pulse.scheduler is None:
        return
    for entry in overdue:
        yield Finding(
            tone="warn",
            headline=f"{entry.name} was due {duration(whole(entry.late_seconds))} ago and is not queued yet.",
            cause=f"{entry.name} was due {duration(whole(entry.late_seconds))} ago and is not queued yet.",
            page="schedule",
        )


def parked_entries(parked: Sequence[Parked]) -> Iterator[Finding]:
    """Cron entries that nothing queues, because they are broken."""
    if not parked:
        return
    first = parked[0]
    names = in_words([each.name for each in parked[:NAMED]])
    more = f" and {len(parked) - NAMED} more" if len(parked) > NAMED else ""
    yield Finding(
        tone="bad",
        headline=f"{names}{more} cannot be queued by the clock.",
        cause=f"{first.name}: {sentence_of(first.error)}",
        page="schedule",
        remedy="Mend the declaration; then install the entries anew:",
        command="python manage.py horizon_schedule",
    )
