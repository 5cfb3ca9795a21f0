"""Which jobs are meant: those named, or all of a state that fit, up to a moment. As a value, in words, and as ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from allegro_queue.bulk.models import BulkResult, BulkRun
from allegro_queue.bulk.noting import ROWS_KEPT
from allegro_queue.bulk.subjects import all_jobs, runs_with, these_jobs, what_run_did
from allegro_queue.history.filters import Filter
from allegro_queue.history.run_pages import find_runs
from allegro_queue.stores import Stores
from allegro_queue.stores.bulk import BulkAct
from allegro_queue.stores.jobs import State
from allegro_queue.tellings import Telling, in_a_list, telling, verbatim

STATUSES: Mapping[State, frozenset[str]] = {
    State.WAITING: frozenset({"queued"}),
    State.RUNNING: frozenset({"started"}),
    State.SCHEDULED: frozenset({"scheduled"}),
    State.DEFERRED: frozenset({"deferred"}),
    State.FINISHED: frozenset({"finished"}),
    State.FAILED: frozenset({"failed", "stopped"}),
}
"""RQ's words for each state. It lists a stopped job among the failed."""

OUTCOMES: Mapping[State, tuple[str, ...]] = {State.FAILED: ("failed", "lost"), State.FINISHED: ("succeeded",)}

MOST_COUNTED = 100_000
"""Up to where matches are counted one by one; more are "at least" so many."""

RUNS_AT_ONCE = 1_000

TIMES = ("until", "since")
"""Parts of a filter that the subject does not name: the cut-off stands by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """Which jobs. What is left empty asks for nothing; all that is given must hold."""

    ids: tuple[str, ...] = ()
    """These, and no others."""
    state: State = State.FAILED
    queue: str = ""
    name: str = ""
    """The function's whole dotted name."""
    words: str = ""
    """Part of the function's name."""
    runs: Filter | None = None
    """Jobs with a run that history finds by this (tag, error text, failure group, …)."""
    of_run: int = 0
    """Those that this run has acted on: for undoing it."""

    @property
    def is_whole(self) -> bool:
        """Whether it is all of a state, so that Redis's own count is its count."""
        return not (self.ids or self.name or self.words or self.runs or self.of_run)

    def encode(self) -> dict[str, Any]:
        """As JSON has it; only what is given."""
        given = asdict(self)
        if self.runs is not None:
            nothing = asdict(Filter())
            given["runs"] = {key: value for key, value in asdict(self.runs).items() if value != nothing[key]}
        return {key: value for key, value in given.items() if value or key == "state"}

    @classmethod
    def decode(cls, given: Mapping[str, Any]) -> Selection:
        """What ``encode`` wrote."""
        values = dict(given)
        values["ids"] = tuple(values.get("ids", ()))
        values["state"] = State(values["state"])
        if "runs" in values:
            runs = dict(values["runs"])
            runs["outcomes"] = tuple(runs.get("outcomes", ()))
            values["runs"] = Filter(**runs)
        return cls(**values)

    @property
    def subject(self) -> Telling:
        """Such as ``all failed jobs of queue default, tag member:42``."""
        if self.ids:
            return these_jobs(self.ids)
        if self.of_run:
            return what_run_did(self.of_run, moved=self.state is State.WAITING)
        parts = [all_jobs(self.state.value, self.queue)]
        parts += [telling("of {name}", name=self.name)] if self.name else []
        parts += [telling("with {words} in the function’s name", words=repr(self.words))] if self.words else []
        if self.runs is not None:
            parts += runs_with({key: value for key, value in self.encode()["runs"].items() if key not in TIMES})
        return in_a_list(*parts)


def subject_of(run: BulkRun) -> Telling:
    """Which jobs a run is about; as it was written down when this version cannot read what was chosen."""
    try:
        return Selection.decode(run.selection).subject
    except (AttributeError, KeyError, TypeError, ValueError):
        return verbatim(run.subject)


@dataclass(frozen=True, slots=True)
class Counted:
    """How many jobs there are of a selection."""

    number: int
    is_more: bool = False
    """Whether there are more than that."""


def ids_of(stores: Stores, chosen: Selection, queues: Sequence[str], cut_off: float) -> Iterator[list[str]]:
    """The jobs, some thousands at a time, each once or more often."""
    wanted = [chosen.queue] if chosen.queue else list(queues)
    if chosen.ids:
        yield list(chosen.ids)
    elif chosen.of_run:
        yield from done_by(stores, chosen.of_run)
    elif chosen.runs is not None:
        yield from found_in_history(stores, chosen, cut_off)
    else:
        for part in stores.candidates.listed(chosen.state, wanted):
            yield named(stores, part, chosen) if chosen.name or chosen.words else part


def named(stores: Stores, ids: list[str], chosen: Selection) -> list[str]:
    """Those whose function is the one that is meant."""
    words = chosen.words.casefold()
    return [
        job_id
        for job_id, name in zip(ids, stores.candidates.names(ids), strict=True)
        if (not chosen.name or name == chosen.name) and words in name.casefold()
    ]


def found_in_history(stores: Stores, chosen: Selection, cut_off: float) -> Iterator[list[str]]:
    """Jobs with such a run that are in the state now."""
    assert chosen.runs is not None
    asked = chosen.runs
    end = min(asked.until or cut_off + 1, cut_off + 1)
    asked = replace(
        asked,
        until=end,
        outcomes=asked.outcomes or OUTCOMES.get(chosen.state, ()),
        queue=asked.queue or chosen.queue,
        name=asked.name or chosen.name,
    )
    after = 0
    while True:
        page = find_runs(asked, after=after, limit=RUNS_AT_ONCE)
        ids = list(dict.fromkeys(row.job_id for row in page.rows))
        ids = stores.candidates.in_state(ids, STATUSES[chosen.state])
        yield named(stores, ids, chosen) if chosen.words else ids
        if not page.after:
            return
        after = page.after


def done_by(stores: Stores, run: int) -> Iterator[list[str]]:
    """What a run did something to, in its order; of a large one that deleted, what the bin still has of it."""
    found = BulkRun.objects.filter(pk=run).first()
    if found is not None and found.act == BulkAct.DELETE and found.noted > ROWS_KEPT:
        return stores.bin.deleted_by(run)
    return results_of(run)


def results_of(run: int) -> Iterator[list[str]]:
    """What a run did something to, in its order."""
    rows = BulkResult.objects.filter(run=run, result="done").order_by("number").values_list("job_id", flat=True)
    part: list[str] = []
    for job_id in rows.iterator(chunk_size=2_000):
        part.append(job_id)
        if len(part) == 5_000:
            yield part
            part = []
    if part:
        yield part


def count(stores: Stores, chosen: Selection, queues: Sequence[str], cut_off: float) -> Counted:
    """How many there are, up to ``MOST_COUNTED`` when each must be looked at."""
    if chosen.is_whole:
        wanted = [chosen.queue] if chosen.queue else list(queues)
        return Counted(stores.jobs.counts(wanted)[chosen.state])
    found: set[str] = set()
    for part in ids_of(stores, chosen, queues, cut_off):
        found.update(part)
        if len(found) > MOST_COUNTED:
            return Counted(MOST_COUNTED, is_more=True)
    return Counted(len(found))
