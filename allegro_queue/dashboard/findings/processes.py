"""Findings about who runs jobs: masters, supervisors, workers, their versions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from allegro_queue.dashboard.findings.finding import Finding, sentence_of, whole
from allegro_queue.dashboard.formats import count, duration, in_words, plural
from allegro_queue.dashboard.states import is_all_paused
from allegro_queue.stores.pulse import Pulse, QueuePulse

HORIZON = "python manage.py horizon"


def wrong_connection(pulse: Pulse, notice: str) -> Iterator[Finding]:
    """``QUEUE_CONNECTION`` is not ``redis``."""
    if notice:
        waiting = f" {plural(pulse.waiting, 'job waits', 'jobs wait')} now." if pulse.waiting else ""
        yield Finding(
            tone="bad",
            headline=notice.partition(". ")[0] + "." + waiting,
            cause="",
            remedy=notice.partition(". ")[2] + " Then restart Horizon.",
        )


def no_process(pulse: Pulse, notice: str, ever_used: bool) -> Iterator[Finding]:
    """No master, or a master that has no worker."""
    waiting = plural(pulse.waiting, "job waits", "jobs wait")
    if not pulse.masters and not pulse.workers:
        if not ever_used and not pulse.waiting:
            headline = "Nothing has run here yet. Start Horizon and dispatch a job."
        elif pulse.waiting:
            headline = f"No workers. {waiting} and nothing runs them."
        else:
            headline = "No Horizon process and no workers. Jobs that come now will wait."
        yield Finding(
            tone="bad",
            headline=headline,
            cause="" if not pulse.waiting else oldest_of_all(pulse),
            page="workers",
            remedy="Start the workers on a host:",
            command=HORIZON,
        )
    elif not pulse.masters:
        yield Finding(
            tone="warn",
            headline="Workers run, but no Horizon process: nobody replaces a worker that dies.",
            cause=f"{plural(len(pulse.workers), 'worker was', 'workers were')} started by hand.",
            page="workers",
            remedy="Stop them and start Horizon instead:",
            command=HORIZON,
        )
    elif not pulse.workers and not notice and not is_all_paused(pulse):
        yield Finding(
            tone="bad",
            headline=f"Horizon runs, but has no worker alive. {waiting}."
            if pulse.waiting
            else "Horizon runs, but has no worker alive.",
            cause=oldest_of_all(pulse) if pulse.waiting else "",
            page="workers",
            remedy="See its log on the host for why they do not start, then restart it:",
            command="python manage.py horizon_terminate",
        )


def oldest_of_all(pulse: Pulse) -> str:
    """Which queue waits longest, in words."""
    queue = min(
        (each for each in pulse.queues if each.waiting), key=lambda each: each.oldest_at or pulse.at, default=None
    )
    if queue is None:
        return ""
    since = f", the oldest for {duration(whole(pulse.at - queue.oldest_at))}" if queue.oldest_at is not None else ""
    return f"{queue.name} has {plural(queue.waiting, 'job')} waiting{since}."


def troubled_supervisors(pulse: Pulse) -> Iterator[Finding]:
    """What supervisors say of themselves when they cannot keep their workers alive."""
    for master in pulse.masters:
        for supervisor in master.supervisors:
            if supervisor.trouble:
                yield Finding(
                    tone="bad",
                    headline=f"{supervisor.name} on {master.host} cannot keep its workers alive.",
                    cause=f"{supervisor.name} on {master.host}: {supervisor.trouble}",
                    page="workers",
                )


def unserved_queues(pulse: Pulse, notice: str) -> Iterator[Finding]:
    """Queues with jobs that no living worker listens to. With no worker at all that is already said."""
    if notice or not pulse.workers:
        return
    for queue in pulse.queues:
        if queue.waiting and not pulse.is_paused(queue.name) and not pulse.workers_of(queue.name):
            yield Finding(
                tone="bad",
                headline=f"{queue.name} has {plural(queue.waiting, 'job')} and no worker listens.",
                cause=f"{oldest_wait(queue, pulse.at)} No supervisor lists the queue {queue.name}.",
                page="workers",
                remedy="Add the queue to a supervisor in HORIZON, or start a worker for it:",
                command=f"python manage.py rqworker {queue.name}",
            )


def oldest_wait(queue: QueuePulse, now: float) -> str:
    return "" if queue.oldest_at is None else f"The oldest waits {duration(whole(now - queue.oldest_at))}."


def lost_workers(pulse: Pulse, clock: Callable[[float], str]) -> Iterator[Finding]:
    """Workers that died a short while ago."""
    if not pulse.lost:
        return
    newest = pulse.lost[0]
    held = f" Its job {newest.outcome}." if newest.outcome else ""
    yield Finding(
        tone="warn",
        headline=f"{'A worker' if len(pulse.lost) == 1 else count(len(pulse.lost)) + ' workers'} died in the last 15 minutes.",
        cause=f"{clock(newest.lost_at)} on {newest.host}: {sentence_of(newest.reason)}{held}",
        page="workers",
    )


def version_skew(pulse: Pulse, clock: Callable[[float], str]) -> Iterator[Finding]:
    """Horizon processes of several versions side by side."""
    by_version: dict[str, list[str]] = {}
    since: dict[str, float] = {}
    for master in pulse.masters:
        if master.version:
            by_version.setdefault(master.version, []).append(master.host)
            since[master.version] = min(since.get(master.version, master.started_at), master.started_at)
    if len(by_version) < 2:
        return
    newest_first = sorted(by_version, key=lambda version: since[version], reverse=True)
    told = [
        f"{version} on {in_words(sorted(set(by_version[version])))} since {clock(since[version])}"
        for version in newest_first
    ]
    yield Finding(
        tone="warn",
        headline=f"{in_words(newest_first)} run side by side.",
        cause=f"Versions: {'; '.join(told)}.",
        page="workers",
        remedy="Finish the deploy, or restart what still runs the older one:",
        command="python manage.py horizon_terminate",
    )
