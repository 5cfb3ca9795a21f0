"""A supervisor keeps its pools in line with its options and with the work there is."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from allegro_queue.stores.masters import PoolRecord, SupervisorRecord
from allegro_queue.stores.workers import WorkerRecord
from allegro_queue.stores.workload import Workload
from allegro_queue.supervision.limits import Allowance
from allegro_queue.supervision.pool import Child, Departure
from allegro_queue.supervision.queue_pool import QueuePool
from allegro_queue.supervision.scaling import (
    Decision,
    Peak,
    load_of,
    own_part,
    scale_to_demand,
    share_by_work,
    split_evenly,
)
from allegro_queue.supervisor_options import SupervisorOptions
from allegro_queue.tellings import Telling, telling

log = logging.getLogger(__name__)


class Supervisor:
    """One pool for all of its queues, in strict order; or, with ``balance``, one pool a queue."""

    def __init__(self, options: SupervisorOptions, spawn: Callable[[tuple[str, ...], float], Child]) -> None:
        self.options = options
        groups = [(queue,) for queue in options.queue] if options.balance else [options.queue]
        self.pools: Sequence[QueuePool] = [QueuePool(queues, spawn, options.grace) for queues in groups]
        self._status = "running"
        self._peak = Peak(options.scale_down_after)
        self._step_due = 0.0
        self._explanation: Telling | None = None
        self._scaled_at = 0.0
        self._pause_reason = ""
        self._pause_by = ""
        self._resume_due: float | None = None
        self._is_in_maintenance: bool | None = False
        """``None``: nobody knows yet."""

    @property
    def children(self) -> list[Child]:
        """Workers that are to stay."""
        return [child for pool in self.pools for child in pool.processes.children]

    @property
    def leaving(self) -> list[Child]:
        """Workers told to leave."""
        return [child for pool in self.pools for child, _ in pool.processes.leaving.values()]

    @property
    def is_empty(self) -> bool:
        return all(pool.processes.is_empty for pool in self.pools)

    @property
    def is_paused(self) -> bool:
        return self._status == "paused"

    @property
    def stands_still(self) -> bool:
        """Whether its workers take no job, be it that somebody paused it or that the application is under maintenance."""
        return self.is_paused or (self._is_in_maintenance is not False and self._status != "leaving")

    @property
    def is_held(self) -> bool:
        """Whether somebody paused this very supervisor."""
        return self.is_paused and bool(self._pause_by or self._pause_reason)

    def start(self, now: float) -> None:
        """Want as many workers as there are to be at the least; the next pass starts them."""
        if self.options.balance == "simple":
            decisions = split_evenly([0 for _ in self.pools], self.options)
        else:
            decisions = [Decision(processes=self.options.min_processes) for _ in self.pools]
        for pool, decision in zip(self.pools, decisions, strict=True):
            pool.begin(decision.processes, now)

    def pause(self, *, by: str = "", reason: str = "", until: float | None = None) -> None:
        """Workers finish their job and take no other.

        Args:
            until: monotonic time at which they go on by themselves; ``None``: until told to.
        """
        self._status = "paused"
        self._pause_by, self._pause_reason, self._resume_due = by, reason, until
        self._signal_all(signal.SIGUSR2)

    def resume(self) -> None:
        """Workers take jobs again; if the application is under maintenance, when that ends."""
        self._status = "running"
        self._pause_by, self._pause_reason, self._resume_due = "", "", None
        self._say_whether_to_go_on()

    def follow_maintenance(self, is_on: bool | None) -> None:
        """Stand still while the application is under maintenance, or may be, unless the options say ``force``.

        It knows nothing of pauses, nor they of it: who is paused as well stays so when maintenance ends.

        Args:
            is_on: ``None``: nobody knows yet.
        """
        if self.options.force or is_on == self._is_in_maintenance:
            return
        if is_on or self._is_in_maintenance:
            log.info("supervisor %s: maintenance mode is %s", self.options.name, "on" if is_on else "off")
        self._is_in_maintenance = is_on
        self._say_whether_to_go_on()

    def restart(self, now: float) -> None:
        """Fresh workers for old ones, each after its job."""
        for pool in self.pools:
            pool.processes.restart(now)

    def dismiss(self, worker: str, now: float) -> bool:
        """Have one worker leave after its job, and a fresh one take its place; whether it is one of these."""
        return any(pool.processes.dismiss(worker, now) for pool in self.pools)

    def kill(self, worker: str, now: float) -> bool:
        """End one worker at once; likewise."""
        return any(pool.processes.kill(worker, now) for pool in self.pools)

    def leave(self, now: float) -> None:
        """Every worker finishes its job and leaves."""
        self._status = "leaving"
        for pool in self.pools:
            pool.leave(now)

    def hurry(self, now: float) -> None:
        """Tell those that leave to stop their job."""
        for pool in self.pools:
            pool.processes.hurry(now)

    def tick(self, now: float) -> list[Departure]:
        """One pass; who ended. A supervisor that stands still replaces nobody until it goes on."""
        if self._resume_due is not None and now >= self._resume_due:
            log.info("supervisor %s goes on: its pause is over", self.options.name)
            self.resume()
        departures = [departure for pool in self.pools for departure in pool.processes.reap(now)]
        if self.stands_still:
            # Said again at each pass: a child that was just being started has not heard it.
            self._signal_all(signal.SIGUSR2)
        else:
            self._fill(now)
        return departures

    def scale(self, workload: Mapping[str, Workload], workers: Collection[WorkerRecord], now: float) -> None:
        """Bring the pools to the size that the work asks for, and start what is missing, at once.

        Args:
            workload: of its queues at least.
            workers: every living worker, wherever it runs.
        """
        if not self._is_running or self.options.balance == "simple":
            return
        own = {child.name for child in [*self.children, *self.leaving]}
        busy = {each.name for each in workers if each.job_id}
        work = own_part(workload, workers, own)
        loads = [load_of(pool.queues, pool.asked, work) for pool in self.pools]
        if self.options.balance == "auto":
            if now < self._step_due:
                return
            self._step_due = now + self.options.balance_cooldown
            decisions = share_by_work(loads, self.options)
        else:
            decisions = [scale_to_demand(load, self._peak.note(load.jobs, now), self.options) for load in loads]
        for pool, decision in zip(self.pools, decisions, strict=True):
            if pool.follow(decision, now, busy):
                self._note(pool)
        self._fill(now)

    def limit(self, allowances: Sequence[Allowance], now: float, workers: Collection[WorkerRecord] = ()) -> None:
        """Have no more workers than are allowed, each pool; and start what is missing."""
        busy = {each.name for each in workers if each.job_id}
        for pool, allowance in zip(self.pools, allowances, strict=True):
            before = pool.explanation
            pool.limit(allowance, now, busy)
            if pool.explanation != before and allowance.explanation:
                self._note(pool)
        if self._is_running:
            self._fill(now)

    def record(self) -> SupervisorRecord:
        """What it says of itself, now."""
        trouble = next((pool.processes.trouble for pool in self.pools if pool.processes.trouble), None)
        return SupervisorRecord(
            name=self.options.name,
            status=self._status,
            queue=self.options.queue,
            balance=self.options.balance,
            wanted=sum(pool.processes.wanted for pool in self.pools),
            workers=tuple(child.name for child in self.children),
            leaving=tuple(child.name for child in self.leaving),
            trouble=trouble.english if trouble else "",
            trouble_said=trouble,
            min_processes=self.options.min_processes,
            max_processes=self.options.max_processes,
            explanation=self._explanation.english if self._explanation else "",
            explanation_said=self._explanation,
            scaled_at=self._scaled_at,
            maintenance=self._is_in_maintenance is True,
            pause_by=self._pause_by,
            pause_reason=self._pause_reason,
            pause_until=None if self._resume_due is None else time.time() + self._resume_due - time.monotonic(),
            pools=tuple(
                PoolRecord(
                    queue=pool.queues,
                    wanted=pool.processes.wanted,
                    workers=len(pool.processes.children),
                    explanation=pool.explanation.english if pool.explanation else "",
                    explanation_said=pool.explanation,
                )
                for pool in self.pools
            ),
        )

    @property
    def _is_running(self) -> bool:
        return self._status == "running" and self._is_in_maintenance is False

    def _say_whether_to_go_on(self) -> None:
        self._signal_all(signal.SIGUSR2 if self.stands_still else signal.SIGCONT)

    def _fill(self, now: float) -> None:
        """Start what is missing, but never so much that, with those that still finish a job, there are too many."""
        for pool in self.pools:
            taken = len(self.children) + sum(each.processes.shrinking for each in self.pools)
            pool.processes.fill(now, self.options.max_processes - taken)

    def _note(self, pool: QueuePool) -> None:
        """Remember the change for those who ask, and write it to the log."""
        names = ",".join(pool.queues)
        self._explanation = pool.explanation
        if self.options.balance and pool.explanation:
            self._explanation = telling("{queue} {explanation}", queue=names, explanation=pool.explanation)
        self._scaled_at = time.time()
        log.info("pool scaled supervisor=%s queues=%s %s", self.options.name, names, pool.explanation)

    def _signal_all(self, number: signal.Signals) -> None:
        for pool in self.pools:
            pool.processes.signal_all(number)
