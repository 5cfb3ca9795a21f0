"""The step before acting: what, how many, with what consequence. Reads only; nothing has happened yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from allegro_queue.dashboard.formats import count, in_words, plural
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import JobRow, State, is_job_id
from allegro_queue.stores.pauses import ALL_QUEUES, Pause
from allegro_queue.stores.pulse import Pulse

Act = Literal["retry", "delete"]

ROWS_SHOWN = 10
MOST_TICKED = 500
LONGEST_REASON = 200
MOST_MINUTES = 7 * 24 * 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """Which failed jobs are meant: those ticked, or all in a queue (in all queues when it is empty)."""

    ids: tuple[str, ...] = ()
    all: bool = False
    queue: str = ""

    def problem(self, queues: Sequence[str]) -> str:
        """What is wrong with the choice; empty when nothing is."""
        if self.all:
            known = not self.queue or self.queue in queues
            return "" if known else f"There is no queue {self.queue[:200]!r}, so nothing was done."
        if not self.ids:
            return "No job was ticked, so nothing was done. Tick some rows first."
        if len(self.ids) > MOST_TICKED:
            return f"{count(len(self.ids))} jobs were named; at most {MOST_TICKED} can be named at once."
        return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A queue that jobs go back to."""

    queue: str
    jobs: int
    waiting: int
    paused: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmPage:
    """Retry or delete these?"""

    act: Act
    chosen: Chosen
    problem: str
    question: str
    count: int
    gone: int
    """Of those ticked, how many are not failed any more."""
    names: tuple[str, ...]
    rows: tuple[JobRow, ...]
    more: int
    oldest_at: float | None
    newest_at: float | None
    targets: tuple[Target, ...]
    button: str
    failed_until: float
    """What fails after this Unix time is not swept in."""
    next: str


def read_confirm(stores: Stores, pulse: Pulse, act: Act, chosen: Chosen, next: str) -> ConfirmPage:
    """The page for retrying or deleting."""
    queues = [queue.name for queue in pulse.queues]
    problem = chosen.problem(queues)
    rows: list[JobRow] = []
    total = gone = 0
    if chosen.all and not problem:
        wanted = [chosen.queue] if chosen.queue else queues
        rows, _ = stores.jobs.page(State.FAILED, wanted, 0, MOST_TICKED)
        by_queue = {queue.name: queue.failed for queue in pulse.queues if queue.name in wanted and queue.failed}
        total = sum(by_queue.values())
    elif not problem:
        ids = list(dict.fromkeys(job_id for job_id in chosen.ids if is_job_id(job_id)))
        found = stores.jobs.rows(ids, with_errors=True)
        rows = [row for row in found if row.status == "failed"]
        total, gone = len(rows), len(chosen.ids) - len(rows)
        by_queue = {row.queue: sum(each.queue == row.queue for each in rows) for row in rows}
    else:
        by_queue = {}
    if not problem and not total:
        problem = "None of these jobs is failed any more: they were retried or deleted, or their time was up."
    ends = [row.ended_at for row in rows if row.ended_at is not None]
    where = f" in {chosen.queue}" if chosen.queue else ""
    what = plural(total, "failed job")
    word = act.capitalize()
    return ConfirmPage(
        act=act,
        chosen=chosen,
        problem=problem,
        question=f"{word} {'all ' if chosen.all and total > 1 else ''}{what}{where}?"
        if not problem
        else f"{word}: nothing to do.",
        count=total,
        gone=gone,
        names=tuple(dict.fromkeys(row.name for row in rows)),
        rows=tuple(rows[:ROWS_SHOWN]),
        more=max(total - ROWS_SHOWN, 0),
        oldest_at=min(ends, default=None) if total == len(rows) else None,
        newest_at=max(ends, default=None),
        targets=tuple(target(name, number, pulse) for name, number in by_queue.items()),
        button=f"{word} {plural(total, 'job')}",
        failed_until=pulse.at,
        next=next,
    )


def target(name: str, jobs: int, pulse: Pulse) -> Target:
    waiting = next((queue.waiting for queue in pulse.queues if queue.name == name), 0)
    return Target(queue=name, jobs=jobs, waiting=waiting, paused=pulse.is_paused(name))


@dataclass(frozen=True, kw_only=True, slots=True)
class PausePage:
    """Pause a queue: which, why, for how long?"""

    queue: str
    name: str
    """In words."""
    problem: str
    waiting: int
    running: int
    paused: Pause | None
    longest_reason: int
    most_minutes: int
    next: str


def read_pause(stores: Stores, pulse: Pulse, queue: str, next: str) -> PausePage:
    """The page for pausing."""
    queues = [each for each in pulse.queues if queue in (each.name, ALL_QUEUES)]
    name = "all queues" if queue == ALL_QUEUES else queue
    known = in_words([each.name for each in pulse.queues])
    return PausePage(
        queue=queue,
        name=name,
        problem="" if queues else f"There is no queue {queue[:200]!r}; there are {known}.",
        waiting=sum(each.waiting for each in queues),
        running=sum(each.running for each in queues),
        paused=pulse.pauses.get(queue),
        longest_reason=LONGEST_REASON,
        most_minutes=MOST_MINUTES,
        next=next,
    )
