"""Findings about who runs jobs: masters, supervisors, workers, their versions. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.dashboard.findings.finding import Finding, sentence_of, whole
from allegro_queue.dashboard.page.formats import count, duration, in_words
from allegro_queue.dashboard.page.nouns import jobs, jobs_wait
from allegro_queue.dashboard.page.states import is_all_still
from allegro_queue.stores.pulse import Pulse, QueuePulse
from allegro_queue.wording import worded

HORIZON = "python manage.py horizon"

OUTCOMES = {
    gettext_noop("failed"): gettext_noop("Its job failed."),
    gettext_noop("retried"): gettext_noop("Its job will be tried again."),
    gettext_noop("put back"): gettext_noop("Its job was put back."),
    gettext_noop("ended"): gettext_noop("Its job had ended."),
    gettext_noop("gone"): gettext_noop("Its job is gone."),
}
"""What becomes of the job of a worker that died, as whoever settles it writes it down; the same as a sentence."""


def wrong_connection(pulse: Pulse, connection: str) -> Iterator[Finding]:
    """``QUEUE_CONNECTION`` is not ``redis``."""
    if connection:
        waiting = (
            " " + worded(ngettext("{n} job waits now.", "{n} jobs wait now.", pulse.waiting), n=count(pulse.waiting))
            if pulse.waiting
            else ""
        )
        yield Finding(
            tone="bad",
            headline=worded(
                gettext("QUEUE_CONNECTION is {connection}, so Horizon starts no worker and jobs pile up unprocessed."),
                connection=repr(connection),
            )
            + waiting,
            cause="",
            remedy=gettext("Set QUEUE_CONNECTION=redis to have them run. Then restart Horizon:"),
            command="python manage.py horizon_terminate",
        )


def no_process(pulse: Pulse, connection: str, ever_used: bool) -> Iterator[Finding]:
    """No master, or a master that has no worker."""
    waiting = jobs_wait(pulse.waiting)
    if not pulse.masters and not pulse.workers:
        if not ever_used and not pulse.waiting:
            headline = gettext("Nothing has run here yet. Start Horizon and dispatch a job.")
        elif pulse.waiting:
            headline = worded(gettext("No workers. {jobs_wait} and nothing runs them."), jobs_wait=waiting)
        else:
            headline = gettext("No Horizon process and no workers. Jobs that come now will wait.")
        yield Finding(
            tone="bad",
            headline=headline,
            cause="" if not pulse.waiting else oldest_of_all(pulse),
            page="workers",
            remedy=gettext("Start the workers on a host:"),
            command=HORIZON,
        )
    elif not pulse.masters:
        yield Finding(
            tone="warn",
            headline=gettext("Workers run, but no Horizon process: nobody replaces a worker that dies."),
            cause=worded(
                ngettext("{n} worker was started by hand.", "{n} workers were started by hand.", len(pulse.workers)),
                n=count(len(pulse.workers)),
            ),
            page="workers",
            remedy=gettext("Stop them and start Horizon instead:"),
            command=HORIZON,
        )
    elif not pulse.workers and not connection and not is_all_still(pulse):
        yield Finding(
            tone="bad",
            headline=worded(gettext("Horizon runs, but has no worker alive. {jobs_wait}."), jobs_wait=waiting)
            if pulse.waiting
            else gettext("Horizon runs, but has no worker alive."),
            cause=oldest_of_all(pulse) if pulse.waiting else "",
            page="workers",
            remedy=gettext("See its log on the host for why they do not start, then restart it:"),
            command="python manage.py horizon_terminate",
        )


def oldest_of_all(pulse: Pulse) -> str:
    """Which queue waits longest, in words."""
    queue = min(
        (each for each in pulse.queues if each.waiting), key=lambda each: each.oldest_at or pulse.at, default=None
    )
    if queue is None:
        return ""
    if queue.oldest_at is None:
        return worded(gettext("{queue} has {jobs} waiting."), queue=queue.name, jobs=jobs(queue.waiting))
    return worded(
        gettext("{queue} has {jobs} waiting, the oldest for {time}."),
        queue=queue.name,
        jobs=jobs(queue.waiting),
        time=duration(whole(pulse.at - queue.oldest_at)),
    )


def troubled_supervisors(pulse: Pulse) -> Iterator[Finding]:
    """What supervisors say of themselves when they cannot keep their workers alive."""
    for master in pulse.masters:
        for supervisor in master.supervisors:
            if supervisor.trouble:
                yield Finding(
                    tone="bad",
                    headline=worded(
                        gettext("{supervisor} on {host} cannot keep its workers alive."),
                        supervisor=supervisor.name,
                        host=master.host,
                    ),
                    cause=worded(
                        gettext("{supervisor} on {host}: {trouble}"),
                        supervisor=supervisor.name,
                        host=master.host,
                        trouble=supervisor.trouble_telling.words,
                    ),
                    page="workers",
                    remedy=gettext("See its log on that host; once the fault is mended, restart Horizon:"),
                    command="python manage.py horizon_terminate",
                )


def silent_maintenance(pulse: Pulse) -> Iterator[Finding]:
    """The project's function does not say whether the application is under maintenance, so an old answer holds."""
    silent = {each.host: each.maintenance_silent_since for each in pulse.masters if each.maintenance_silent_since}
    if silent:
        hosts = in_words(sorted(silent))
        yield Finding(
            tone="warn",
            headline=worded(
                gettext('HORIZON["maintenance"] has not answered on {hosts} for {time}.'),
                hosts=hosts,
                time=duration(whole(pulse.at - min(silent.values()))),
            ),
            cause=worded(
                gettext(
                    'The last answer of HORIZON["maintenance"] holds, so the mode neither begins nor ends on {hosts}.'
                ),
                hosts=hosts,
            ),
            page="workers",
            remedy=gettext("See the log there for the error that it raises, or whether it hangs. Who stands still:"),
            command="python manage.py horizon_list",
        )


def unserved_queues(pulse: Pulse, connection: str) -> Iterator[Finding]:
    """Queues with jobs that no living worker listens to. With no worker at all that is already said."""
    if connection or not pulse.workers:
        return
    for queue in pulse.queues:
        if queue.waiting and not pulse.stands_still(queue.name) and not pulse.workers_of(queue.name):
            yield Finding(
                tone="bad",
                headline=worded(
                    gettext("{queue} has {jobs} and no worker listens."), queue=queue.name, jobs=jobs(queue.waiting)
                ),
                cause=oldest_wait(queue, pulse.at)
                + " "
                + worded(gettext("No supervisor lists the queue {queue}."), queue=queue.name),
                page="workers",
                remedy=gettext("Add the queue to a supervisor in HORIZON, or start a worker for it:"),
                command=f"python manage.py rqworker {queue.name}",
            )


def oldest_wait(queue: QueuePulse, now: float) -> str:
    return (
        ""
        if queue.oldest_at is None
        else worded(gettext("The oldest waits {time}."), time=duration(whole(now - queue.oldest_at)))
    )


def lost_workers(pulse: Pulse, clock: Callable[[float], str]) -> Iterator[Finding]:
    """Workers that died a short while ago."""
    if not pulse.lost:
        return
    newest = pulse.lost[0]
    held = " " + gettext(OUTCOMES[newest.outcome]) if newest.outcome in OUTCOMES else ""
    yield Finding(
        tone="warn",
        headline=worded(
            ngettext(
                "A worker died in the last 15 minutes.", "{n} workers died in the last 15 minutes.", len(pulse.lost)
            ),
            n=count(len(pulse.lost)),
        ),
        cause=worded(
            gettext("{time} on {host}: {reason}"),
            time=clock(newest.lost_at),
            host=newest.host,
            reason=sentence_of(newest.reason_telling.words),
        )
        + held,
        page="workers",
        remedy=gettext("See the end of its log on that host, and who lives now:"),
        command="python manage.py horizon_list",
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
        worded(
            gettext("{version} on {hosts} since {time}"),
            version=version,
            hosts=in_words(sorted(set(by_version[version]))),
            time=clock(since[version]),
        )
        for version in newest_first
    ]
    yield Finding(
        tone="warn",
        headline=worded(gettext("{versions} run side by side."), versions=in_words(newest_first)),
        cause=worded(gettext("Versions: {versions}."), versions="; ".join(told)),
        page="workers",
        remedy=gettext("Finish the deploy, or restart what still runs the older one:"),
        command="python manage.py horizon_terminate",
    )
