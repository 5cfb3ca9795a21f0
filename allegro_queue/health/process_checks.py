"""Whether those are alive who run jobs, and whether what they leave behind is fresh. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.utils.translation import gettext_noop

from allegro_queue.health.check import Check, Result
from allegro_queue.stores.pulse import Pulse
from allegro_queue.stores.schedule import SCHEDULER_LIFE

SNAPSHOT_STALE = 11 * 60
"""Seconds: two snapshots were missed, with a minute's grace."""

START = "python manage.py horizon"


def check_processes(pulse: Pulse, *, has_schedule: bool, keeper: str | None) -> Iterator[Check]:
    """Every check of masters, workers, scheduler, alerts and records.

    Args:
        keeper: who keeps the alerts, in words; ``None`` when nobody does.
    """
    yield masters(pulse)
    yield supervisors(pulse)
    yield listeners(pulse)
    yield versions(pulse)
    if has_schedule:
        yield scheduler(pulse)
    yield alerts(keeper)
    yield pauses(pulse)
    yield snapshot(pulse)


def masters(pulse: Pulse) -> Check:
    if not pulse.masters:
        alone = f", though {counted(len(pulse.workers), 'worker')} started by hand" if pulse.workers else ""
        return Check(
            group=gettext_noop("Processes"),
            name=gettext_noop("Horizon"),
            result=Result.LOOK if pulse.workers else Result.RISK,
            found=f"no process reports{alone}",
            mend=gettext_noop("Start it on a host:"),
            command=START,
        )
    oldest = max(pulse.at - each.beat_at for each in pulse.masters)
    hosts = ", ".join(sorted({each.host for each in pulse.masters}))
    return Check(
        group=gettext_noop("Processes"),
        name=gettext_noop("Horizon"),
        result=Result.WELL,
        found=f"{counted(len(pulse.masters), 'process')} on {hosts}, the oldest beat {max(oldest, 0):.0f} s ago",
    )


def supervisors(pulse: Pulse) -> Check:
    troubled = [
        f"{each.name} on {master.host}: {each.trouble}"
        for master in pulse.masters
        for each in master.supervisors
        if each.trouble
    ]
    missing = sum(max(each.wanted - len(each.workers), 0) for master in pulse.masters for each in master.supervisors)
    known = sum(len(master.supervisors) for master in pulse.masters)
    if troubled:
        return Check(
            group=gettext_noop("Processes"),
            name=gettext_noop("Supervisors"),
            result=Result.RISK,
            found="; ".join(troubled).rstrip("."),
            mend=gettext_noop("See Horizon's log on that host for why its workers end."),
        )
    return Check(
        group=gettext_noop("Processes"),
        name=gettext_noop("Supervisors"),
        result=Result.LOOK if missing else Result.WELL,
        found=f"{counted(known, 'supervisor')}; {counted(missing, 'worker') if missing else 'no worker'} missing",
    )


def listeners(pulse: Pulse) -> Check:
    without = [each.name for each in pulse.queues if not pulse.workers_of(each.name) and not pulse.is_paused(each.name)]
    if without:
        return Check(
            group=gettext_noop("Processes"),
            name=gettext_noop("Workers for each queue"),
            result=Result.RISK,
            found=f"nobody listens to {', '.join(without)}",
            mend=gettext_noop("Add the queue to a supervisor in HORIZON, or start a worker for it:"),
            command=f"python manage.py rqworker {' '.join(without)}",
        )
    return Check(
        group=gettext_noop("Processes"),
        name=gettext_noop("Workers for each queue"),
        result=Result.WELL,
        found=f"{counted(len(pulse.workers), 'worker')}; each queue has one that listens, or is paused",
    )


def versions(pulse: Pulse) -> Check:
    reported = [each.version for each in pulse.masters] + [each.version for each in pulse.workers]
    found = sorted(set(filter(None, reported)))
    mixed = len(found) > 1
    return Check(
        group=gettext_noop("Processes"),
        name=gettext_noop("Code versions"),
        result=Result.LOOK if mixed else Result.WELL,
        found=f"{' and '.join(found)} run side by side"
        if mixed
        else f"all run {found[0]}"
        if found
        else "none reports",
        mend=gettext_noop("Finish the deploy, or restart what still runs the older one:") if mixed else "",
        command="python manage.py horizon_terminate" if mixed else "",
    )


def scheduler(pulse: Pulse) -> Check:
    record = pulse.scheduler
    if record is None:
        return Check(
            group=gettext_noop("Processes"),
            name=gettext_noop("Scheduler"),
            result=Result.RISK,
            found=f"none has reported in the last {SCHEDULER_LIFE} seconds, so nothing is queued by the clock",
            mend=gettext_noop("Horizon starts one by itself; without Horizon, start it alone:"),
            command="python manage.py rqscheduler",
        )
    return Check(
        group=gettext_noop("Processes"),
        name=gettext_noop("Scheduler"),
        result=Result.WELL,
        found=f"{record.host}, pid {record.pid}, beat {max(pulse.at - record.beat_at, 0):.0f} s ago",
    )


def alerts(keeper: str | None) -> Check:
    if keeper is None:
        return Check(
            group=gettext_noop("Processes"),
            name=gettext_noop("Alerts"),
            result=Result.LOOK,
            found="nobody keeps them, so nobody is told when something breaks",
            mend=gettext_noop("Horizon starts who keeps them by itself; without Horizon, start it alone:"),
            command="python manage.py horizon_alerts watch",
        )
    return Check(
        group=gettext_noop("Processes"), name=gettext_noop("Alerts"), result=Result.WELL, found=f"kept by {keeper}"
    )


def pauses(pulse: Pulse) -> Check:
    names: Sequence[str] = sorted("all queues" if each == "*" else each for each in pulse.pauses)
    if pulse.suspended:
        return Check(
            group=gettext_noop("Processes"),
            name=gettext_noop("Pauses"),
            result=Result.LOOK,
            found="RQ's own switch suspends all workers",
            mend=gettext_noop("Lift it:"),
            command="python manage.py rqresume",
        )
    return Check(
        group=gettext_noop("Processes"),
        name=gettext_noop("Pauses"),
        result=Result.LOOK if names else Result.WELL,
        found=f"paused: {', '.join(names)}" if names else "no queue is paused",
        mend=gettext_noop("Resume:") if names else "",
        command="python manage.py horizon_continue" if names else "",
    )


def snapshot(pulse: Pulse) -> Check:
    taken = pulse.last_snapshot_at
    if taken is None:
        started = min((each.started_at for each in pulse.masters), default=pulse.at)
        young = pulse.at - started <= SNAPSHOT_STALE
        return Check(
            group=gettext_noop("Records"),
            name=gettext_noop("Snapshot"),
            result=Result.WELL if young else Result.LOOK,
            found="none yet; the first comes within five minutes" if young else "none was ever taken",
            mend="" if young else gettext_noop("Take one now:"),
            command="" if young else "python manage.py horizon_snapshot",
        )
    age = pulse.at - taken
    stale = age > SNAPSHOT_STALE
    return Check(
        group=gettext_noop("Records"),
        name=gettext_noop("Snapshot"),
        result=Result.LOOK if stale else Result.WELL,
        found=f"the newest is {age / 60:.0f} min old, so graphs are stale"
        if stale
        else f"the newest is {max(age, 0):.0f} s old",
        mend=gettext_noop("See what became of the entry that takes them, or take one now:") if stale else "",
        command="python manage.py horizon_snapshot" if stale else "",
    )


def counted(number: int, one: str) -> str:
    """``1 worker``, ``2 processes``."""
    return f"{number} {one if number == 1 else one + ('es' if one.endswith('s') else 's')}"
