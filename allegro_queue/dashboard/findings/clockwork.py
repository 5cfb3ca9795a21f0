"""Findings about what runs by the clock: scheduler, snapshots, cron entries. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from allegro_queue.dashboard.findings.finding import Finding, sentence_of, whole
from allegro_queue.dashboard.page.formats import ago, count, duration, in_words
from allegro_queue.stores.pulse import Pulse
from allegro_queue.stores.scheduler_record import SCHEDULER_LIFE
from allegro_queue.wording import worded

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
    late = worded(
        ngettext("{n} cron entry is overdue.", "{n} cron entries are overdue.", len(overdue)), n=count(len(overdue))
    )
    at = clock(pulse.last_snapshot_at) if pulse.last_snapshot_at is not None else ""
    headline = (
        worded(gettext("No scheduler runs. Graphs are stale since {time} and nothing is queued by the clock."), time=at)
        if at
        else gettext("No scheduler runs. Graphs are stale and nothing is queued by the clock.")
    )
    cause = (
        gettext("No scheduler has reported in the last {seconds} seconds, so graphs are stale since {time}.")
        if at
        else gettext("No scheduler has reported in the last {seconds} seconds, so graphs are stale.")
    )
    yield Finding(
        tone="warn",
        headline=f"{headline} {late}" if overdue else headline,
        cause=worded(cause, seconds=SCHEDULER_LIFE, time=at) + (f" {late}" if overdue else ""),
        page="schedule",
        remedy=gettext("Horizon starts one by itself within seconds; without Horizon, start it alone:"),
        command="python manage.py rqscheduler",
    )


def stale_snapshots(
    pulse: Pulse, has_schedule: bool, clock: Callable[[float], str], too_old_from: Callable[[float], float]
) -> Iterator[Finding]:
    """The last snapshot is too old, although a scheduler runs."""
    if (pulse.scheduler is None and has_schedule) or not pulse.lacks_snapshot(too_old_from):
        return
    if pulse.last_snapshot_at is None:
        headline = gettext("No snapshot was ever taken, so the graphs are stale.")
        cause = gettext("No snapshot was ever taken; see what became of the entry that takes them.")
    else:
        of = {"time": clock(pulse.last_snapshot_at), "ago": ago(pulse.last_snapshot_at, pulse.at)}
        headline = worded(gettext("The last snapshot is of {time} ({ago}), so the graphs are stale."), **of)
        cause = worded(
            gettext("The last snapshot is of {time} ({ago}); see what became of the entry that takes them."), **of
        )
    yield Finding(
        tone="warn",
        headline=headline,
        cause=cause,
        page="schedule",
        remedy=gettext("Take one now:"),
        command="python manage.py horizon_snapshot",
    )


def late_entries(pulse: Pulse, overdue: Sequence[Overdue]) -> Iterator[Finding]:
    """Cron entries that are due and were not queued, although a scheduler runs."""
    if pulse.scheduler is None:
        return
    for entry in overdue:
        told = worded(
            gettext("{entry} was due {time} ago and is not queued yet."),
            entry=entry.name,
            time=duration(whole(entry.late_seconds)),
        )
        yield Finding(
            tone="warn",
            headline=told,
            cause=told,
            page="schedule",
            remedy=gettext("See whether the scheduler keeps up:"),
            command="python manage.py horizon_status",
        )


def parked_entries(parked: Sequence[Parked]) -> Iterator[Finding]:
    """Cron entries that nothing queues, because they are broken."""
    if not parked:
        return
    first = parked[0]
    names = in_words([each.name for each in parked[:NAMED]])
    more = len(parked) - NAMED
    yield Finding(
        tone="bad",
        headline=worded(gettext("{entries} and {n} more cannot be queued by the clock."), entries=names, n=count(more))
        if more > 0
        else worded(gettext("{entries} cannot be queued by the clock."), entries=names),
        cause=worded(gettext("{entry}: {error}"), entry=first.name, error=sentence_of(first.error)),
        page="schedule",
        remedy=gettext("Mend the declaration; then install the entries anew:"),
        command="python manage.py horizon_schedule",
    )
