"""Findings about jobs that wait: too long, behind a queue that is never empty, behind a pause, outside of Redis. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from allegro_queue.dashboard.findings.finding import Finding, whole
from allegro_queue.dashboard.formats import duration, in_words, plural
from allegro_queue.dashboard.states import LONGEST_WAIT, is_all_paused
from allegro_queue.history.measured import Minute
from allegro_queue.outbox import Waiting
from allegro_queue.stores.pauses import ALL_QUEUES
from allegro_queue.stores.pulse import Pulse, QueuePulse

STARVED_AFTER = 5 * 60
"""Seconds without a turn from which on a queue counts as starved."""


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
        if waited > limit and not pulse.is_paused(queue.name) and pulse.workers_of(queue.name):
            yield Finding(
                tone="warn",
                headline=f"{queue.name} is behind: its oldest job has waited {duration(whole(waited))}.",
                cause=f"{queue.name} has {plural(queue.waiting, 'job')} waiting, the oldest for {duration(whole(waited))}; "
                f"{duration(limit)} is the most it should.",
                page="workers",
            )


def pauses(pulse: Pulse, clock: Callable[[float], str]) -> Iterator[Finding]:
    """Queues that hand out no job because somebody said so."""
    if pulse.suspended:
        yield Finding(
            tone="warn",
            headline="All queues are suspended by RQ’s own switch: no worker takes a job.",
            cause=f"{plural(pulse.waiting, 'job waits', 'jobs wait')}.",
            remedy="Lift it:",
            command="rq resume",
        )
    if pulse.pauses:
        names = sorted(pulse.pauses)
        first = pulse.pauses[ALL_QUEUES] if ALL_QUEUES in pulse.pauses else pulse.pauses[names[0]]
        what = "All queues are" if ALL_QUEUES in names else f"{in_words(names)} {'is' if len(names) == 1 else 'are'}"
        held = sum(queue.waiting for queue in pulse.queues if pulse.is_paused(queue.name))
        yield Finding(
            tone="warn",
            headline=f"{what} paused" + (f"; {plural(held, 'job waits', 'jobs wait')}." if held else "."),
            cause=f"{what} paused since {clock(first.since)}"
            + (f" by {first.by}" if first.by else "")
            + (f": “{first.reason}”" if first.reason else "")
            + ".",
            remedy="Resume:",
            command="python manage.py horizon_continue",
        )
    elif is_all_paused(pulse):
        yield Finding(
            tone="warn",
            headline="Horizon is paused: its workers take no new job.",
            cause=f"{plural(pulse.waiting, 'job waits', 'jobs wait')}.",
            page="workers",
            remedy="Resume:",
            command="python manage.py horizon_continue",
        )


def starved_queues(pulse: Pulse, minutes: Sequence[Minute]) -> Iterator[tuple[str, Finding]]:
    """Queues that get no turn because one that is served before them is never empty; each with its name."""
    for queue in pulse.queues:
        if not queue.waiting or queue.running or pulse.is_paused(queue.name):
            continue
        since = since_turn(queue, minutes)
        blocker = blocker_of(queue.name, pulse, minutes, since)
        if since is None or not blocker or pulse.at - since < STARVED_AFTER:
            continue
        told = f"{queue.name} has had no turn for {duration(whole(pulse.at - since))} because {blocker} is never empty."
        yield (
            queue.name,
            Finding(
                tone="warn",
                headline=told,
                cause=f"{plural(queue.waiting, 'job waits', 'jobs wait')} in {queue.name}; workers always take from the "
                "highest queue that has work.",
                page="queues",
                remedy=f"Give {queue.name} a supervisor of its own in HORIZON, or more workers to all.",
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
        if queue.name in before and always and not pulse.is_paused(queue.name):
            return queue.name
    return ""


def waiting_outside(outbox: Waiting | None, pulse: Pulse) -> Iterator[Finding]:
    """Jobs that wait in the database for Redis to take them."""
    if outbox is None or not outbox.count or outbox.since is None:
        return
    since = duration(whole(pulse.at - outbox.since.timestamp()))
    yield Finding(
        tone="warn",
        headline=f"{plural(outbox.count, 'job waits', 'jobs wait')} in the outbox: Redis has not taken "
        f"{'it' if outbox.count == 1 else 'them'} for {since}.",
        cause=f"{plural(outbox.count, 'row')} in the outbox, the oldest for {since}. A scheduler sends them.",
        page="health",
        remedy="See whether a scheduler runs, and what its log says of the outbox.",
    )
