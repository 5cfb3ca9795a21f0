"""Whether those are alive who run jobs, and whether what they leave behind is fresh. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.health.check import Check, Result
from allegro_queue.stores.pulse import Pulse
from allegro_queue.stores.scheduler_record import SCHEDULER_LIFE
from allegro_queue.wording import worded

START = "python manage.py horizon"


def check_processes(
    pulse: Pulse, *, has_schedule: bool, keeper: str | None, snapshot_too_old_from: Callable[[float], float]
) -> Iterator[Check]:
    """Every check of masters, workers, scheduler, alerts and records.

    Args:
        keeper: who keeps the alerts, in words; ``None`` when nobody does.
        snapshot_too_old_from: from when on the snapshot of a time is too old.
    """
    yield masters(pulse)
    yield supervisors(pulse)
    yield listeners(pulse)
    yield versions(pulse)
    if has_schedule:
        yield scheduler(pulse)
    yield alerts(keeper)
    yield pauses(pulse)
    yield from maintenance(pulse)
    yield snapshot(pulse, snapshot_too_old_from)


def masters(pulse: Pulse) -> Check:
    if not pulse.masters:
        alone = len(pulse.workers)
        return Check(
            group=gettext_noop("Processes"),
            name=gettext_noop("Horizon"),
            result=Result.LOOK if pulse.workers else Result.RISK,
            found=worded(
                ngettext(
                    "no process reports, though {n} worker was started by hand",
                    "no process reports, though {n} workers were started by hand",
                    alone,
                ),
                n=alone,
            )
            if alone
            else gettext("no process reports"),
            mend=gettext("Start it on a host:"),
            command=START,
        )
    oldest = max(pulse.at - each.beat_at for each in pulse.masters)
    hosts = ", ".join(sorted({each.host for each in pulse.masters}))
    return Check(
        group=gettext_noop("Processes"),
        name=gettext_noop("Horizon"),
        result=Result.WELL,
        found=worded(
            ngettext(
                "{n} process on {hosts}, the oldest beat {seconds} s ago",
                "{n} processes on {hosts}, the oldest beat {seconds} s ago",
                len(pulse.masters),
            ),
            n=len(pulse.masters),
            hosts=hosts,
            seconds=f"{max(oldest, 0):.0f}",
        ),
    )


def supervisors(pulse: Pulse) -> Check:
    troubled = [
        worded(
            gettext("{supervisor} on {host}: {trouble}"),
            supervisor=each.name,
            host=master.host,
            trouble=each.trouble_telling.words,
        )
        for master in pulse.masters
        for each in master.supervisors
        if each.trouble
    ]
    # One that stands still replaces nobody.
    missing = sum(
        max(each.wanted - len(each.workers), 0)
        for master in pulse.masters
        for each in master.supervisors
        if not each.stands_still
    )
    known = sum(len(master.supervisors) for master in pulse.masters)
    if troubled:
        return Check(
            group=gettext_noop("Processes"),
            name=gettext_noop("Supervisors"),
            result=Result.RISK,
            found="; ".join(troubled).rstrip("."),
            mend=gettext("See Horizon’s log on that host for why its workers end."),
        )
    return Check(
        group=gettext_noop("Processes"),
        name=gettext_noop("Supervisors"),
        result=Result.LOOK if missing else Result.WELL,
        found=staffing(known, missing),
    )


def staffing(supervisors: int, missing: int) -> str:
    """How many supervisors there are, and how many of their workers are not."""
    if not missing:
        return worded(
            ngettext("{n} supervisor; no worker missing", "{n} supervisors; no worker missing", supervisors),
            n=supervisors,
        )
    # The number that matters has the forms.
    return worded(
        ngettext("supervisors: {n}; {missing} worker missing", "supervisors: {n}; {missing} workers missing", missing),
        n=supervisors,
        missing=missing,
    )


def listeners(pulse: Pulse) -> Check:
    without = [
        each.name for each in pulse.queues if not pulse.workers_of(each.name) and not pulse.stands_still(each.name)
    ]
    if without:
        return Check(
            group=gettext_noop("Processes"),
            name=gettext_noop("Workers for each queue"),
            result=Result.RISK,
            found=worded(gettext("nobody listens to {queues}"), queues=", ".join(without)),
            mend=gettext("Add the queue to a supervisor in HORIZON, or start a worker for it:"),
            command=f"python manage.py rqworker {' '.join(without)}",
        )
    return Check(
        group=gettext_noop("Processes"),
        name=gettext_noop("Workers for each queue"),
        result=Result.WELL,
        found=worded(
            ngettext(
                "{n} worker; each queue has one that listens, or stands still on purpose",
                "{n} workers; each queue has one that listens, or stands still on purpose",
                len(pulse.workers),
            ),
            n=len(pulse.workers),
        ),
    )


def versions(pulse: Pulse) -> Check:
    reported = [each.version for each in pulse.masters] + [each.version for each in pulse.workers]
    found = sorted(set(filter(None, reported)))
    mixed = len(found) > 1
    return Check(
        group=gettext_noop("Processes"),
        name=gettext_noop("Code versions"),
        result=Result.LOOK if mixed else Result.WELL,
        found=worded(gettext("several run side by side: {versions}"), versions=", ".join(found))
        if mixed
        else worded(gettext("all run {version}"), version=found[0])
        if found
        else gettext("none reports"),
        mend=gettext("Finish the deploy, or restart what still runs the older one:") if mixed else "",
        command="python manage.py horizon_terminate" if mixed else "",
    )


def scheduler(pulse: Pulse) -> Check:
    record = pulse.scheduler
    if record is None:
        return Check(
            group=gettext_noop("Processes"),
            name=gettext_noop("Scheduler"),
            result=Result.RISK,
            found=worded(
                gettext("none has reported in the last {seconds} seconds, so nothing is queued by the clock"),
                seconds=SCHEDULER_LIFE,
            ),
            mend=gettext("Horizon starts one by itself; without Horizon, start it alone:"),
            command="python manage.py rqscheduler",
        )
    return Check(
        group=gettext_noop("Processes"),
        name=gettext_noop("Scheduler"),
        result=Result.WELL,
        found=worded(
            gettext("{host}, pid {pid}, beat {seconds} s ago"),
            host=record.host,
            pid=record.pid,
            seconds=f"{max(pulse.at - record.beat_at, 0):.0f}",
        ),
    )


def alerts(keeper: str | None) -> Check:
    if keeper is None:
        return Check(
            group=gettext_noop("Processes"),
            name=gettext_noop("Alerts"),
            result=Result.LOOK,
            found=gettext("nobody keeps them, so nobody is told when something breaks"),
            mend=gettext("Horizon starts who keeps them by itself; without Horizon, start it alone:"),
            command="python manage.py horizon_alerts watch",
        )
    return Check(
        group=gettext_noop("Processes"),
        name=gettext_noop("Alerts"),
        result=Result.WELL,
        found=worded(gettext("kept by {keeper}"), keeper=keeper),
    )


def pauses(pulse: Pulse) -> Check:
    names: Sequence[str] = sorted(gettext("all queues") if each == "*" else each for each in pulse.pauses)
    if pulse.suspended:
        return Check(
            group=gettext_noop("Processes"),
            name=gettext_noop("Pauses"),
            result=Result.LOOK,
            found=gettext("RQ’s own switch suspends all workers"),
            mend=gettext("Lift it:"),
            command="python manage.py rqresume",
        )
    return Check(
        group=gettext_noop("Processes"),
        name=gettext_noop("Pauses"),
        result=Result.LOOK if names else Result.WELL,
        found=worded(gettext("paused: {queues}"), queues=", ".join(names)) if names else gettext("no queue is paused"),
        mend=gettext("Resume:") if names else "",
        command="python manage.py horizon_continue" if names else "",
    )


def maintenance(pulse: Pulse) -> Iterator[Check]:
    """Whether the project's function says if the application is under maintenance; nothing where none is asked."""
    silent = {each.host: each.maintenance_silent_since for each in pulse.masters if each.maintenance_silent_since}
    if silent:
        yield Check(
            group=gettext_noop("Processes"),
            name=gettext_noop("Maintenance mode"),
            result=Result.LOOK,
            found=worded(
                gettext('HORIZON["maintenance"] has not answered on {hosts} for {seconds} s; its last answer holds'),
                hosts=", ".join(sorted(silent)),
                seconds=f"{max(pulse.at - min(silent.values()), 0):.0f}",
            ),
            mend=gettext("See Horizon’s log on that host for the error that it raises, or whether it hangs."),
        )


def snapshot(pulse: Pulse, too_old_from: Callable[[float], float]) -> Check:
    taken = pulse.last_snapshot_at
    stale = pulse.lacks_snapshot(too_old_from)
    if taken is None:
        return Check(
            group=gettext_noop("Records"),
            name=gettext_noop("Snapshot"),
            result=Result.LOOK if stale else Result.WELL,
            found=gettext("none was ever taken") if stale else gettext("none yet; the first comes within five minutes"),
            mend=gettext("Take one now:") if stale else "",
            command="python manage.py horizon_snapshot" if stale else "",
        )
    age = pulse.at - taken
    return Check(
        group=gettext_noop("Records"),
        name=gettext_noop("Snapshot"),
        result=Result.LOOK if stale else Result.WELL,
        found=worded(gettext("the newest is {minutes} min old, so graphs are stale"), minutes=f"{age / 60:.0f}")
        if stale
        else worded(gettext("the newest is {seconds} s old"), seconds=f"{max(age, 0):.0f}"),
        mend=gettext("See what became of the entry that takes them, or take one now:") if stale else "",
        command="python manage.py horizon_snapshot" if stale else "",
    )
