"""Findings about jobs that wait: too long, behind a queue that is never empty, behind a pause, outside of Redis. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.dashboard.findings.finding import Finding, whole
from allegro_queue.dashboard.page.formats import count, duration, in_words
from allegro_queue.dashboard.page.nouns import jobs, jobs_wait
from allegro_queue.dashboard.page.states import LONGEST_WAIT, is_all_paused
from allegro_queue.history.measured import Minute
from allegro_queue.outbox import Waiting
from allegro_queue.stores.pauses import ALL_QUEUES
from allegro_queue.stores.pulse import Pulse, QueuePulse
from allegro_queue.wording import worded

STARVED_AFTER = 5 * 60
"""Seconds without a turn from which on a queue counts as starved."""

PAUSED_BY = {
    (False, False): gettext_noop("{paused} since {since}."),
    (True, False): gettext_noop("{paused} since {since} by {who}."),
    (False, True): gettext_noop("{paused} since {since}: “{reason}”."),
    (True, True): gettext_noop("{paused} since {since} by {who}: “{reason}”."),
}
"""The sentence on a pause, by whether it is known who made it and why."""


def long_waits(pulse: Pulse, waits: Mapping[str, int], *, told: Collection[str] = ()) -> Iterator[Finding]:
    """Queues whose oldest job waits longer than it may, though a worker listens.

    Args:
        told: queues of which the reason is told already.
    """
    for queue in pulse.queues:
        if queue.name in told:
            continue
        limit = waits.get(queue.name, LONGEST_WAIT)
        waited = pulse.at - queue.oldest_at if queue.oldest_at is not None else 0.0
        if waited > limit and not pulse.stands_still(queue.name) and pulse.workers_of(queue.name):
            yield Finding(
                tone="warn",
                headline=worded(
                    gettext("{queue} is behind: its oldest job has waited {time}."),
                    queue=queue.name,
                    time=duration(whole(waited)),
                ),
                cause=worded(
                    gettext("{queue} has {jobs} waiting, the oldest for {time}; {limit} is the most it should."),
                    queue=queue.name,
                    jobs=jobs(queue.waiting),
                    time=duration(whole(waited)),
                    limit=duration(limit),
                ),
                page="workers",
                remedy=gettext("See what keeps the workers; where it is load, raise max_processes in HORIZON:"),
                command="python manage.py horizon_top",
            )


def maintenance(pulse: Pulse) -> Iterator[Finding]:
    """Queues that do not run since the application is under maintenance."""
    held = pulse.in_maintenance
    if held:
        waiting = sum(queue.waiting for queue in pulse.queues if queue.name in held)
        yield Finding(
            tone="warn",
            headline=worded(
                ngettext(
                    "Maintenance mode: {queues} does not run.", "Maintenance mode: {queues} do not run.", len(held)
                ),
                queues=in_words(list(held)),
            ),
            cause=worded(gettext("{jobs_wait}."), jobs_wait=jobs_wait(waiting)) if waiting else "",
            page="workers",
            remedy=gettext(
                "The queues go on by themselves when the application’s maintenance mode ends. What must run all the "
                "same needs a supervisor with force in HORIZON. Who stands still:"
            ),
            command="python manage.py horizon_list",
        )


def pauses(pulse: Pulse, clock: Callable[[float], str]) -> Iterator[Finding]:
    """Queues that hand out no job because somebody said so."""
    if pulse.suspended:
        yield Finding(
            tone="warn",
            headline=gettext("All queues are suspended by RQ’s own switch: no worker takes a job."),
            cause=worded(gettext("{jobs_wait}."), jobs_wait=jobs_wait(pulse.waiting)),
            remedy=gettext("Lift it:"),
            command="python manage.py rqresume",
        )
    if pulse.pauses:
        names = sorted(pulse.pauses)
        first = pulse.pauses[ALL_QUEUES] if ALL_QUEUES in pulse.pauses else pulse.pauses[names[0]]
        what = (
            gettext("All queues are paused")
            if ALL_QUEUES in names
            else worded(ngettext("{queues} is paused", "{queues} are paused", len(names)), queues=in_words(names))
        )
        held = sum(queue.waiting for queue in pulse.queues if pulse.is_paused(queue.name))
        yield Finding(
            tone="warn",
            headline=worded(gettext("{paused}; {jobs_wait}."), paused=what, jobs_wait=jobs_wait(held))
            if held
            else worded(gettext("{paused}."), paused=what),
            cause=worded(
                gettext(PAUSED_BY[bool(first.by), bool(first.reason)]),
                paused=what,
                since=clock(first.since),
                who=first.by,
                reason=first.reason,
            ),
            remedy=gettext("Resume:"),
            command="python manage.py horizon_continue",
        )
    elif is_all_paused(pulse):
        yield Finding(
            tone="warn",
            headline=gettext("Horizon is paused: its workers take no new job."),
            cause=worded(gettext("{jobs_wait}."), jobs_wait=jobs_wait(pulse.waiting)),
            page="workers",
            remedy=gettext("Resume:"),
            command="python manage.py horizon_continue",
        )


def starved_queues(pulse: Pulse, minutes: Sequence[Minute]) -> Iterator[tuple[str, Finding]]:
    """Queues that get no turn because one that is served before them is never empty; each with its name."""
    for queue in pulse.queues:
        if not queue.waiting or queue.running or pulse.stands_still(queue.name):
            continue
        since = since_turn(queue, minutes)
        blocker = blocker_of(queue.name, pulse, minutes, since)
        if since is None or not blocker or pulse.at - since < STARVED_AFTER:
            continue
        told = worded(
            gettext("{queue} has had no turn for {time} because {other} is never empty."),
            queue=queue.name,
            time=duration(whole(pulse.at - since)),
            other=blocker,
        )
        yield (
            queue.name,
            Finding(
                tone="warn",
                headline=told,
                cause=worded(
                    gettext("{jobs_wait} in {queue}; workers always take from the highest queue that has work."),
                    jobs_wait=jobs_wait(queue.waiting),
                    queue=queue.name,
                ),
                page="queues",
                remedy=worded(
                    gettext("Give {queue} a supervisor of its own in HORIZON, or more workers to all. What runs now:"),
                    queue=queue.name,
                ),
                command="python manage.py horizon_top",
            ),
        )


def since_turn(queue: QueuePulse, minutes: Sequence[Minute]) -> float | None:
    """Since when a queue has jobs and none of them was taken, as far as the last hour tells; ``None`` if not known."""
    if queue.oldest_at is None or not minutes:
        return None
    turns = [each.starts_at + 60 for each in minutes if queue.name in each.done or queue.name in each.failed]
    return max([queue.oldest_at, minutes[0].starts_at, *turns[-1:]])


def blocker_of(name: str, pulse: Pulse, minutes: Sequence[Minute], since: float | None) -> str:
    """A queue that every worker of this one looks at before, and that had jobs in all minutes since then."""
    listening = pulse.workers_of(name)
    if since is None or not listening:
        return ""
    before = set.intersection(*(set(worker.queues[: worker.queues.index(name)]) for worker in listening))
    looked_at = [each.waiting for each in minutes if each.waiting and each.starts_at >= since]
    for queue in pulse.queues:
        always = queue.waiting and all(each.get(queue.name) for each in looked_at)
        if queue.name in before and always and not pulse.stands_still(queue.name):
            return queue.name
    return ""


def waiting_outside(outbox: Waiting | None, pulse: Pulse) -> Iterator[Finding]:
    """Jobs that wait in the database for Redis to take them."""
    if outbox is None or not outbox.count or outbox.since is None:
        return
    since = duration(whole(pulse.at - outbox.since.timestamp()))
    yield Finding(
        tone="warn",
        headline=worded(
            ngettext(
                "{n} job waits in the outbox: Redis has not taken it for {time}.",
                "{n} jobs wait in the outbox: Redis has not taken them for {time}.",
                outbox.count,
            ),
            n=count(outbox.count),
            time=since,
        ),
        cause=worded(
            ngettext(
                "{n} row in the outbox, the oldest for {time}. A scheduler sends them.",
                "{n} rows in the outbox, the oldest for {time}. A scheduler sends them.",
                outbox.count,
            ),
            n=count(outbox.count),
            time=since,
        ),
        page="health",
        remedy=gettext("See whether a scheduler runs, and what its log says of the outbox:"),
        command="python manage.py horizon_status",
    )
