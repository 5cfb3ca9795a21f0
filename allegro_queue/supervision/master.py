"""The master: one loop that hears signals and controls, ticks its children, and says it is alive."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redis.exceptions import RedisError

import allegro_queue
from allegro_queue.errors import AlreadyRunning
from allegro_queue.inbox import LEAVE, SignalInbox
from allegro_queue.plan import Plan
from allegro_queue.stores import Stores
from allegro_queue.stores.controls import Control, Instruction
from allegro_queue.stores.masters import MasterRecord
from allegro_queue.supervision.overdue import overdue_workers
from allegro_queue.supervision.pool import Departure, ProcessPool
from allegro_queue.supervision.process import LEFT, is_alive
from allegro_queue.supervision.supervisor import Supervisor

log = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
SCALE_SECONDS = 0.5
SWEEP_SECONDS = 5.0
LEAVING_PAUSE = 0.1
"""Seconds between two passes while children leave, so that the end is noticed soon."""


@dataclass(frozen=True, slots=True)
class Settlers:
    """What becomes of dead workers; handed in, since supervision knows no job."""

    settle: Callable[[str, int, str], object]
    """A child died: its name, process id, and how, in words."""
    sweep: Callable[[frozenset[str]], object]
    """Look for dead workers of others; the names given are known to live."""


class Master:
    """The ``manage.py horizon`` process."""

    def __init__(
        self,
        name: str,
        plan: Plan,
        supervisors: Sequence[Supervisor],
        scheduler: ProcessPool,
        collector: ProcessPool,
        stores: Stores,
        settlers: Settlers,
        inbox: SignalInbox,
        queues: Sequence[str],
    ) -> None:
        self.name = name
        self._plan = plan
        self._supervisors = supervisors
        self._scheduler = scheduler
        self._collector = collector
        self._stores = stores
        self._settlers = settlers
        self._inbox = inbox
        self._queues = queues
        self._status = "running" if plan.runs_workers else "idle"
        self._started_at = time.time()
        self._unsettled: list[Departure] = []
        self._claimed = False
        self._refusal: AlreadyRunning | None = None
        self._beat_due = 0.0
        self._scale_due = 0.0
        self._sweep_due = 0.0
        self._redis_away = False
        self._signals_to_leave = 0

    def run(self) -> None:
        """Supervise until told to leave and every child has left.

        Raises:
            AlreadyRunning: another living master has this name. Nothing was started then; or, when Redis answered only
                later, all has left again.
        """
        self._with_redis(self._claim)
        if self._refusal is not None:
            raise self._refusal
        now = time.monotonic()
        for supervisor in self._supervisors:
            supervisor.start(now)
        self._scheduler.scale(1, now)
        self._collector.scale(1, now)
        while not self.has_left:
            self.tick(time.monotonic())
            leaving = self._status == "leaving"
            for each in self._inbox.wait(LEAVING_PAUSE if leaving else BEAT_SECONDS / 4):
                self.hear(each, time.monotonic())
        if self._refusal is not None:
            raise self._refusal
        self._with_redis(lambda: self._stores.masters.remove(self.name))

    @property
    def has_left(self) -> bool:
        """Whether it was told to leave and no child is left."""
        return (
            self._status == "leaving"
            and self._scheduler.is_empty
            and self._collector.is_empty
            and all(supervisor.is_empty for supervisor in self._supervisors)
        )

    def tick(self, now: float) -> None:
        """One pass: children, dead workers, controls, heartbeat, sizes. Never sleeps."""
        for supervisor in self._supervisors:
            for departure in supervisor.tick(now):
                log.info("worker ended name=%s %s", departure.child.name, departure.ending)
                self._unsettled.append(departure)
        for what, pool in (("scheduler", self._scheduler), ("collector", self._collector)):
            for departure in pool.tick(now):
                log.log(
                    logging.INFO if departure.expected else logging.WARNING,
                    "%s ended pid=%d %s", what, departure.child.pid, departure.ending,
                )  # fmt: skip
        was_away = self._redis_away
        if self._unsettled:
            self._with_redis(self._settle_departures)
        if now >= self._beat_due:
            self._beat_due = now + BEAT_SECONDS
            self._with_redis(self._beat)
        if now >= self._scale_due:
            self._scale_due = now + SCALE_SECONDS
            self._with_redis(self._scale)
        if was_away and not self._redis_away:
            # Records have a short life: workers that live get the time to say so before the dead are looked for.
            self._sweep_due = now + SWEEP_SECONDS
        if now >= self._sweep_due:
            self._sweep_due = now + SWEEP_SECONDS
            self._with_redis(self._look_around)

    def hear(self, number: signal.Signals, now: float) -> None:
        """Act on a signal: INT, TERM and HUP leave, USR1 restarts the workers, USR2 pauses, CONT continues."""
        if number in LEAVE:
            self._signals_to_leave += 1
            if self._signals_to_leave > 1:
                for supervisor in self._supervisors:
                    supervisor.hurry()
            self.obey(Control.TERMINATE, now)
        else:
            words = {
                signal.SIGUSR1: Control.RESTART,
                signal.SIGUSR2: Control.PAUSE,
                signal.SIGCONT: Control.CONTINUE,
            }
            self.obey(words[number], now)

    def obey(self, control: Control, now: float) -> None:
        """Act on a control word, whoever sent it."""
        if self._status == "leaving":
            return
        log.info("horizon %s heard %s", self.name, control.value)
        if control is Control.TERMINATE:
            self._status = "leaving"
            self._scheduler.scale(0, now)
            self._collector.scale(0, now)
            for supervisor in self._supervisors:
                supervisor.leave(now)
        elif control is Control.RESTART:
            for supervisor in self._supervisors:
                supervisor.restart(now)
        elif self._plan.runs_workers:
            self._status = "paused" if control is Control.PAUSE else "running"
            for supervisor in self._supervisors:
                supervisor.pause() if control is Control.PAUSE else supervisor.resume()
        self._beat_due = 0.0

    def follow(self, given: Instruction, now: float) -> None:
        """Act on what was sent through Redis, be it meant for the whole master or for one supervisor."""
        if not given.supervisor:
            self.obey(given.control, now)
            return
        for supervisor in self._supervisors:
            if supervisor.options.name != given.supervisor or self._status == "leaving":
                continue
            log.info(
                "supervisor %s heard %s by=%s reason=%s",
                given.supervisor, given.control.value, given.by or "-", given.reason or "-",
            )  # fmt: skip
            if given.control is Control.PAUSE:
                until = None if given.until is None else now + given.until - time.time()
                supervisor.pause(by=given.by, reason=given.reason, until=until)
            elif given.control is Control.CONTINUE:
                supervisor.resume()

    def _settle_departures(self) -> None:
        """What a dead child held is settled now; what cannot be (Redis is away) stays for the next pass."""
        while self._unsettled:
            departure = self._unsettled.pop(0)
            if departure.ending == LEFT:
                continue
            try:
                self._settlers.settle(departure.child.name, departure.child.pid, departure.ending)
            except RedisError:
                self._unsettled.insert(0, departure)
                raise

    def _claim(self) -> None:
        """Have the name for oneself, or note who has it and leave."""
        holder = self._stores.masters.claim(self.record(time.time()), is_gone)
        self._claimed = holder is None
        if holder is not None:
            self._refusal = AlreadyRunning(
                f"A Horizon process named {self.name!r} is running already: pid {holder.pid} on {holder.host}, which "
                f"was heard {max(0, round(time.time() - holder.beat_at))} s ago. Give this one another --name, or end "
                "that one with manage.py horizon_terminate."
            )
            self.obey(Control.TERMINATE, time.monotonic())
            return
        for pause in self._stores.controls.kept(time.time()):
            self.follow(pause, time.monotonic())

    def _beat(self) -> None:
        if not self._claimed:
            # Redis was away when this process started.
            self._claim()
        if self._refusal is not None:
            return
        for instruction in self._stores.controls.take(self.name):
            self.follow(instruction, time.monotonic())
        if self._plan.runs_workers and self._status != "leaving":
            paused = all(supervisor.is_paused for supervisor in self._supervisors)
            self._status = "paused" if paused else "running"
        self._stores.masters.write(self.record(time.time()))
        self._kill_overdue()

    def _scale(self) -> None:
        """Have every supervisor look at the work there is."""
        if self._status != "running":
            return
        queues = list(dict.fromkeys(queue for each in self._supervisors for queue in each.options.queue))
        workload = self._stores.workload.read(queues, time.time())
        workers = self._stores.workers.living()
        for supervisor in self._supervisors:
            supervisor.scale(workload, workers, time.monotonic())

    def _kill_overdue(self) -> None:
        """Kill own workers whose job ignores its time limit."""
        mine = {
            child.name: child
            for supervisor in self._supervisors
            for child in [*supervisor.children, *supervisor.leaving]
        }
        for name in overdue_workers(self._stores.workers.living(), time.time()):
            if name in mine:
                log.warning("worker %s ignores its job's time limit and is killed", name)
                mine[name].send(signal.SIGKILL)

    def _look_around(self) -> None:
        """Dead workers of others, and how long the queues are, for the chart of the last hour."""
        mine = frozenset(child.name for each in self._supervisors for child in [*each.children, *each.leaving])
        self._settlers.sweep(mine)
        self._stores.metrics.sample_waiting(self._stores.jobs.lengths(self._queues), time.time())

    def _with_redis(self, step: Callable[[], object]) -> None:
        """Do a step; when Redis does not answer, say so once and go on supervising."""
        try:
            step()
        except RedisError as error:
            if not self._redis_away:
                log.error("Redis did not answer (%s); horizon goes on and tries again each second", error)
            self._redis_away = True
        except Exception:
            # Whatever is wrong with one job or record, the children of this process must stay looked after.
            log.exception("horizon %s could not finish a step and goes on", self.name)
        else:
            if self._redis_away:
                log.info("Redis answers again")
            self._redis_away = False

    def record(self, now: float) -> MasterRecord:
        """What it says of itself, now."""
        scheduler = self._scheduler.children[0] if self._scheduler.children else None
        return MasterRecord(
            name=self.name,
            host=socket.gethostname(),
            pid=os.getpid(),
            status=self._status,
            environment=self._plan.environment,
            notice=self._plan.notice,
            version=allegro_queue.__version__,
            started_at=self._started_at,
            beat_at=now,
            scheduler_pid=scheduler.pid if scheduler else None,
            supervisors=tuple(each.record() for each in self._supervisors),
        )


def is_gone(holder: MasterRecord) -> bool:
    """Whether the master of a record that still lives has ended, which only its own host can tell."""
    if holder.host != socket.gethostname():
        return False
    # In a container every master may have the same process id; another living one cannot have ours.
    return holder.pid == os.getpid() or not is_alive(holder.pid)
