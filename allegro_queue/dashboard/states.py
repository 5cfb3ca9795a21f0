"""What the figures mean: the state of the whole, in a word for the bar and in a sentence for the overview. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from allegro_queue.dashboard.formats import ago, count, duration, in_words, plural
from allegro_queue.stores.pauses import ALL_QUEUES
from allegro_queue.stores.pulse import Pulse, QueuePulse
from allegro_queue.stores.schedule import SCHEDULER_LIFE

LONGEST_WAIT = 60
"""Seconds that the oldest job of a queue may wait where ``HORIZON["waits"]`` does not say."""

SNAPSHOT_STALE = 11 * 60
"""Seconds after which the graphs count as stale: two snapshots were missed, with a minute's grace."""

ENTRY_LATE = 60
"""Seconds after which a due cron entry counts as late."""

CAUSES_SHOWN = 3

HORIZON = "python manage.py horizon"


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """The state of the whole in one word."""

    tone: str
    """``ok``, ``run``, ``warn``, ``bad`` or ``idle``."""
    icon: str
    word: str


def status_of(pulse: Pulse, connection: str) -> Status:
    """The word for the bar; the worst condition wins."""
    if connection != "redis":
        return Status(tone="bad", icon="bad", word="Idle: wrong connection")
    if not pulse.masters and not pulse.workers:
        return Status(tone="bad", icon="bad", word="Inactive")
    if pulse.suspended:
        return Status(tone="warn", icon="pause", word="Suspended")
    if is_all_paused(pulse):
        return Status(tone="warn", icon="pause", word="Paused")
    if not pulse.workers:
        return Status(tone="bad", icon="bad", word="No workers")
    if not pulse.masters:
        return Status(tone="warn", icon="warn", word="No Horizon process")
    return Status(tone="ok", icon="ok", word="Running")


def status_unreachable() -> Status:
    """Redis does not answer, so nothing is known."""
    return Status(tone="bad", icon="unknown", word="Redis unreachable")


def is_all_paused(pulse: Pulse) -> bool:
    return ALL_QUEUES in pulse.pauses or bool(
        pulse.masters and all(master.status == "paused" for master in pulse.masters)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that is not as it should be."""

    tone: str
    """``bad``: jobs do not run. ``warn``: somebody should look."""
    headline: str
    """As the page's sentence."""
    cause: str
    """As one line under another sentence."""
    page: str = ""
    """Name of the page that shows more."""
    remedy: str = ""
    """What to do, in words that lead to the command."""
    command: str = ""

    @property
    def line(self) -> str:
        return self.cause or self.headline


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """The answer of the overview."""

    tone: str
    """``ok``, ``warn`` or ``bad``."""
    sentence: str
    causes: tuple[Finding, ...] = ()
    """At most three."""
    more: int = 0
    """How many causes are not shown."""
    remedy: str = ""
    command: str = ""
    note: str = ""
    """A second, quiet line when all is well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Overdue:
    """A cron entry that should have been queued by now."""

    name: str
    late_seconds: float


def verdict_on(
    pulse: Pulse,
    *,
    notice: str,
    waits: Mapping[str, int],
    overdue: Sequence[Overdue],
    has_schedule: bool,
    ever_used: bool,
    note: str,
    clock: Callable[[float], str],
) -> Verdict:
    """What the overview says first.

    Args:
        notice: why no worker is started, from the plan; empty when workers are.
        waits: seconds that the oldest job of a queue may wait.
        has_schedule: whether the settings declare cron entries.
        ever_used: whether anything has ever run here.
        note: the quiet line for when all is well.
        clock: how a Unix time is written.
    """
    findings = [
        *wrong_connection(pulse, notice),
        *no_process(pulse, notice, ever_used),
        *troubled_supervisors(pulse),
        *unserved_queues(pulse, notice),
        *stopped_scheduler(pulse, has_schedule, overdue, clock),
        *stale_snapshots(pulse, has_schedule, clock),
        *long_waits(pulse, waits),
        *late_entries(pulse, overdue),
        *lost_workers(pulse, clock),
        # Last: they were meant, and a strip on every page tells of them already.
        *pauses(pulse, clock),
    ]
    findings.sort(key=lambda finding: finding.tone != "bad")
    if not findings:
        return Verdict(tone="ok", sentence=all_well(pulse), note=note)
    first, others = findings[0], findings[1:]
    # The headline says what is wrong; its own cause follows only when it says more.
    told = [first, *others] if first.cause not in ("", first.headline) else others
    return Verdict(
        tone=first.tone,
        sentence=first.headline,
        causes=tuple(told[:CAUSES_SHOWN]),
        more=max(len(told) - CAUSES_SHOWN, 0),
        remedy=first.remedy,
        command=first.command,
    )


def all_well(pulse: Pulse) -> str:
    """The sentence when nothing is wrong."""
    running = sum(1 for worker in pulse.workers if worker.state == "busy")
    if not pulse.waiting and not running:
        return "Quiet. Nothing waits and nothing runs."
    if not pulse.waiting:
        return f"All well. {plural(running, 'job runs', 'jobs run')} and none waits."
    oldest = min((queue.oldest_at for queue in pulse.queues if queue.oldest_at is not None), default=pulse.at)
    return f"All well. {plural(pulse.waiting, 'job waits', 'jobs wait')}, the oldest for {duration(whole(pulse.at - oldest))}."


def whole(seconds: float) -> float:
    """Without its fraction from a second up, since a sentence needs no tenths."""
    return float(int(seconds)) if seconds >= 1 else max(seconds, 0.0)


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


def long_waits(pulse: Pulse, waits: Mapping[str, int]) -> Iterator[Finding]:
    """Queues whose oldest job waits longer than it may, though a worker listens."""
    for queue in pulse.queues:
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


def sentence_of(words: str) -> str:
    """With a stop at its end, if it has none."""
    return words if words.endswith((".", "?", "!")) else f"{words}."


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
