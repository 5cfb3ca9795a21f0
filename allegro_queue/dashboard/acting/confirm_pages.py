"""The step before acting: what, how many, with what consequence. Reads only; nothing has happened yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from django.utils.translation import gettext, gettext_noop

from allegro_queue.bulk.selection import Counted, ids_of
from allegro_queue.bulk.selection import count as counted_of
from allegro_queue.dashboard.acting.chosen import DESTROYS, LONGEST_REASON, MOST_PER_MINUTE, Chosen, statuses_for
from allegro_queue.dashboard.filters.keys import ALL
from allegro_queue.dashboard.filters.state_words import counted_units, units
from allegro_queue.dashboard.page.nouns import jobs
from allegro_queue.stores import Stores
from allegro_queue.stores.bulk import BulkAct
from allegro_queue.stores.job_records import JobRow
from allegro_queue.stores.jobs import is_job_id
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded

ROWS_SHOWN = 10
ROWS_READ = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """A queue that jobs go to."""

    queue: str
    jobs: int
    """0 where it is not known."""
    waiting: int
    paused: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmPage:
    """Do this to these?"""

    act: BulkAct
    chosen: Chosen
    problem: str
    question: str
    count: int
    is_more: bool
    """Whether there are more than that: then nothing was counted to the end."""
    gone: int
    """Of those ticked, how many it cannot be done to any more."""
    names: tuple[str, ...]
    rows: tuple[JobRow, ...]
    more: int
    oldest_at: float | None
    newest_at: float | None
    targets: tuple[Target, ...]
    """Where failed jobs go back to; where waiting ones can be moved."""
    button: str
    failed_until: float
    """What comes into its state after this Unix time is not swept in."""
    token: str
    """Of this page: the button pressed twice acts once."""
    fields: tuple[tuple[str, str], ...]
    needs_reason: bool
    needs_number: bool
    may_be_slow: bool
    """Whether a rate can be set."""
    next: str
    longest_reason: int = LONGEST_REASON
    most_per_minute: int = MOST_PER_MINUTE

    @property
    def state(self) -> str:
        return self.chosen.state_for(self.act).value

    @property
    def list_words(self) -> str:
        """The list that the jobs come from."""
        words = units(self.state, "job", 2)
        return words[:1].upper() + words[1:]

    @property
    def many(self) -> bool:
        return self.count > 1


def read_confirm(stores: Stores, pulse: Pulse, act: BulkAct, chosen: Chosen, next: str) -> ConfirmPage:
    """The page before an act."""
    queues = [queue.name for queue in pulse.queues]
    trouble = chosen.problem(act, queues)
    problem = trouble.words if trouble else ""
    rows: list[JobRow] = []
    gone = 0
    counted = Counted(0)
    by_queue: dict[str, int] = {}
    if chosen.all and not problem:
        selection = chosen.selection(act)
        counted = counted_of(stores, selection, queues, pulse.at)
        if selection.is_whole:
            wanted = [chosen.queue] if chosen.queue else queues
            rows, _ = stores.jobs.page(selection.state, wanted, 0, ROWS_READ)
            if act is BulkAct.RETRY:
                by_queue = {each.name: each.failed for each in pulse.queues if each.name in wanted and each.failed}
        else:
            found = next_ids(ids_of(stores, selection, queues, pulse.at), ROWS_READ)
            rows = stores.jobs.rows(found)
    elif not problem:
        ids = list(dict.fromkeys(job_id for job_id in chosen.ids if is_job_id(job_id)))
        fitting = statuses_for(act)
        rows = [row for row in stores.jobs.rows(ids) if row.status in fitting]
        counted, gone = Counted(len(rows)), len(chosen.ids) - len(rows)
    if not by_queue and len(rows) == counted.number:
        by_queue = dict(Counter(row.queue for row in rows))
    if not problem and not counted.number:
        problem = gettext(NOTHING[act])
    ends = [row.ended_at or row.enqueued_at or row.created_at for row in rows]
    times = [each for each in ends if each is not None]
    return ConfirmPage(
        act=act,
        chosen=chosen,
        problem=problem,
        question=question(act, chosen, counted, rows)
        if not problem
        else worded(gettext("{act}: nothing to do."), act=act_word(act)),
        count=counted.number,
        is_more=counted.is_more,
        gone=gone,
        names=tuple(dict.fromkeys(row.name for row in rows)),
        rows=tuple(rows[:ROWS_SHOWN]),
        more=max(counted.number - ROWS_SHOWN, 0),
        oldest_at=min(times, default=None) if counted.number == len(rows) else None,
        newest_at=max(times, default=None),
        targets=targets_of(act, by_queue, pulse),
        button=button(act, counted),
        failed_until=pulse.at,
        token=uuid4().hex,
        fields=tuple(chosen.fields()),
        needs_reason=act in DESTROYS and is_about_many(chosen),
        needs_number=act is BulkAct.DELETE and is_about_many(chosen),
        may_be_slow=act is BulkAct.RETRY and counted.number > 1,
        next=next,
    )


NOTHING = {
    BulkAct.RETRY: gettext_noop(
        "None of these jobs is failed any more: they were retried or deleted, or their time was up."
    ),
    BulkAct.DELETE: gettext_noop(
        "None of these jobs can be deleted: they are running, or were deleted, or their time was up."
    ),
    BulkAct.CANCEL: gettext_noop(
        "None of these jobs waits any more: they run, have run, or were cancelled or deleted."
    ),
    BulkAct.MOVE: gettext_noop("None of these jobs waits any more: they run, have run, or were cancelled or deleted."),
    BulkAct.RESTORE: gettext_noop("Nothing of this is in the bin any more."),
}
"""Why there is nothing to do."""


def is_about_many(chosen: Chosen) -> bool:
    return chosen.all or len(chosen.ids) > 1


def question(act: BulkAct, chosen: Chosen, counted: Counted, rows: Sequence[JobRow]) -> str:
    """``Retry all 12 failed jobs in default?``"""
    states = {row.status for row in rows}
    is_failed = bool(states) and states <= {"failed", "stopped"}
    state = "failed" if is_failed else chosen.state_for(act).value if chosen.all else ALL
    what = counted_units(state, "job", counted.number)
    if chosen.all and counted.number > 1 and chosen.selection(act).is_whole:
        what = worded(gettext("all {jobs}"), jobs=what)
    if counted.is_more:
        what = worded(gettext("at least {jobs}"), jobs=what)
    if chosen.queue:
        return worded(gettext("{act} {jobs} in {queue}?"), act=act_word(act), jobs=what, queue=chosen.queue)
    return worded(gettext("{act} {jobs}?"), act=act_word(act), jobs=what)


def act_word(act: BulkAct) -> str:
    """The act as a button names it."""
    words = {
        BulkAct.RETRY: gettext("Retry"),
        BulkAct.DELETE: gettext("Delete"),
        BulkAct.CANCEL: gettext("Cancel"),
        BulkAct.MOVE: gettext("Move"),
        BulkAct.RESTORE: gettext("Restore"),
    }
    return words[act]


def button(act: BulkAct, counted: Counted) -> str:
    """``Retry 12 jobs``."""
    text = gettext("{act} {jobs} or more") if counted.is_more else gettext("{act} {jobs}")
    return worded(text, act=act_word(act), jobs=jobs(counted.number))


def next_ids(found: Iterator[list[str]], most: int) -> list[str]:
    """The first ones."""
    ids: dict[str, None] = {}
    for part in found:
        ids.update(dict.fromkeys(part))
        if len(ids) >= most:
            break
    return list(ids)[:most]


def targets_of(act: BulkAct, by_queue: Mapping[str, int], pulse: Pulse) -> tuple[Target, ...]:
    if act is BulkAct.RETRY:
        return tuple(target(name, number, pulse) for name, number in by_queue.items())
    if act is BulkAct.MOVE:
        only = next(iter(by_queue)) if len(by_queue) == 1 else ""
        return tuple(target(queue.name, 0, pulse) for queue in pulse.queues if queue.name != only)
    return ()


def target(name: str, jobs: int, pulse: Pulse) -> Target:
    waiting = next((queue.waiting for queue in pulse.queues if queue.name == name), 0)
    return Target(queue=name, jobs=jobs, waiting=waiting, paused=pulse.is_paused(name))
