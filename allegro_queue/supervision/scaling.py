"""How many workers each pool of a supervisor should have, and why, in words. Pure; the clock comes with each call.

``balance = "auto"`` is Horizon's arithmetic, but for two things: a running job counts as work, since it still needs its
worker; and queues whose jobs have not been measured are taken to be like the others, where Horizon gives all that is
free to the first of them.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext_noop

from allegro_queue.stores.workers import WorkerRecord
from allegro_queue.stores.workload import Workload
from allegro_queue.supervisor_options import SupervisorOptions
from allegro_queue.tellings import Telling, telling, telling_of


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolLoad:
    """One pool and its work, now."""

    processes: int
    """Workers that it keeps."""
    waiting: int
    running: int
    """Jobs that its own workers run."""
    runtime_ms: float | None = None

    @property
    def jobs(self) -> int:
        return self.waiting + self.running

    @property
    def told(self) -> Telling:
        if self.waiting and self.running:
            return telling("{waiting} waiting, {running} running", waiting=self.waiting, running=self.running)
        if self.waiting:
            return telling("{waiting} waiting", waiting=self.waiting)
        return telling("{running} running", running=self.running) if self.running else telling("nothing to do")


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """How many workers a pool should have."""

    processes: int
    explanation: Telling | None = None
    """Why this differs from what it has, such as ``grew 1 → 4: 312 waiting``; ``None`` when it does not."""


class Peak:
    """The highest of the numbers noted in the last so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._falling: list[tuple[float, int]] = []
        """Times and numbers; each number is above all later ones, so the first is the highest."""

    def note(self, number: int, now: float) -> int:
        """Add a number; the highest of those that are young enough."""
        kept = [each for each in self._falling if each[1] > number and each[0] > now - self._seconds]
        self._falling = [*kept, (now, number)]
        return self._falling[0][1]


def scale_to_demand(load: PoolLoad, peak: int, options: SupervisorOptions) -> Decision:
    """One pool in strict order: a worker for each job that waits or runs, at once; fewer only after a quiet time.

    Args:
        peak: most jobs that waited and ran together in the last ``scale_down_after`` seconds.
    """
    before = load.processes
    wanted = clamp(load.jobs, options)
    if wanted > before:
        return decided(before, wanted, load.told)
    enough = clamp(peak, options)
    if enough < before:
        return decided(before, enough, quiet_words(peak, options.scale_down_after))
    return Decision(processes=before)


def quiet_words(peak: int, seconds: int) -> Telling:
    """How little there was to do, and for how long."""
    if peak == 0:
        return telling("idle for {seconds} s", seconds=seconds)
    return telling_of(
        "at most {n} job at a time for {seconds} s", "at most {n} jobs at a time for {seconds} s", peak, seconds=seconds
    )


def clamp(number: int, options: SupervisorOptions) -> int:
    return max(options.min_processes, min(number, options.max_processes))


def split_evenly(processes: Sequence[int], options: SupervisorOptions) -> list[Decision]:
    """``simple``: every pool the same; what does not divide goes to the first ones.

    Args:
        processes: workers that each pool has.
    """
    share, rest = divmod(options.max_processes, len(processes))
    decisions = []
    for place, before in enumerate(processes):
        wanted = share + (place < rest)
        reason = telling_of(
            "an even share of {all} over {n} queue",
            "an even share of {all} over {n} queues",
            len(processes),
            all=options.max_processes,
        )
        decisions.append(decided(before, wanted, reason))
    return decisions


def share_by_work(loads: Sequence[PoolLoad], options: SupervisorOptions) -> list[Decision]:
    """``auto``: one step towards as large a part of ``max_processes`` as the pool has of all work.

    A step starts or ends ``balance_max_shift`` workers a pool at most, and keeps ``min_processes`` for each. The pool
    that should be smallest steps first, so that what it frees can be had by the others in the same step.
    """
    work = [work_of(load, loads, options) for load in loads]
    total_work = sum(work)
    total = sum(load.processes for load in loads)
    decisions = [Decision(processes=load.processes) for load in loads]
    for place in sorted(range(len(loads)), key=lambda each: work[each]):
        load = loads[place]
        part = work[place] / total_work if total_work else 0.0
        wanted = math.ceil(options.max_processes * part) if total_work else options.min_processes
        after = step_towards(wanted, load.processes, total, len(loads), options)
        total += after - load.processes
        decisions[place] = decided(load.processes, after, reason_for(load, part, options))
    return decisions


def step_towards(wanted: int, before: int, total: int, pools: int, options: SupervisorOptions) -> int:
    """What a pool has after one step.

    Args:
        total: workers of all pools.
    """
    if wanted > before:
        free = max(0, options.max_processes - total)
        others = (pools - 1) * options.min_processes
        limit = max(options.min_processes, options.max_processes - others)
        return max(before, min(before + min(free, options.balance_max_shift), limit, wanted))
    surplus = max(0, total - options.min_processes)
    return min(before, max(before - min(surplus, options.balance_max_shift), options.min_processes, wanted))


def work_of(load: PoolLoad, loads: Sequence[PoolLoad], options: SupervisorOptions) -> float:
    """How much a pool has to do: jobs, or milliseconds."""
    if options.auto_scaling_strategy == "size":
        return load.jobs
    known = [each.runtime_ms for each in loads if each.runtime_ms is not None]
    typical = sum(known) / len(known) if known else 1.0
    # A job of no measurable length is still one to be taken and filed.
    return load.jobs * max(load.runtime_ms if load.runtime_ms is not None else typical, 0.01)


def reason_for(load: PoolLoad, part: float, options: SupervisorOptions) -> Telling:
    if not load.jobs:
        return load.told
    text = (
        gettext_noop("{share} of the work by size, {load}")
        if options.auto_scaling_strategy == "size"
        else gettext_noop("{share} of the work by time, {load}")
    )
    return telling(text, share=format(part, ".0%"), load=load.told)


def decided(before: int, after: int, reason: Telling) -> Decision:
    if after == before:
        return Decision(processes=before)
    text = (
        gettext_noop("grew {before} → {after}: {reason}")
        if after > before
        else gettext_noop("shrank {before} → {after}: {reason}")
    )
    return Decision(processes=after, explanation=telling(text, before=before, after=after, reason=reason))


def own_part(
    workload: Mapping[str, Workload], workers: Collection[WorkerRecord], own: Collection[str]
) -> dict[str, Workload]:
    """The workload of each queue without the jobs that are run by the workers of others.

    Jobs are counted by RQ's registry, which knows of a job from the moment that it starts; a worker's record comes
    later, so counting the own workers' records would miss the jobs that have just been taken.

    Args:
        own: names of the supervisor's workers.
    """
    elsewhere = [each.job_queue for each in workers if each.job_id and each.name not in own]
    return {
        queue: replace(each, running=max(0, each.running - elsewhere.count(queue))) for queue, each in workload.items()
    }


def load_of(queues: Sequence[str], processes: int, workload: Mapping[str, Workload]) -> PoolLoad:
    """The work of a pool's queues together; its mean run time is that of the queues that have one."""
    works = [workload[queue] for queue in queues if queue in workload]
    known = [each.runtime_ms for each in works if each.runtime_ms is not None]
    return PoolLoad(
        processes=processes,
        waiting=sum(each.waiting for each in works),
        running=sum(each.running for each in works),
        runtime_ms=sum(known) / len(known) if known else None,
    )
