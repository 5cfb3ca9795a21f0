"""The master: one loop that hears signals and controls, ticks its children, and says it is alive."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import allegro_queue
from allegro_queue.conf import horizon_settings
from allegro_queue.errors import AlreadyRunning
from allegro_queue.inbox import LEAVE, SignalInbox
from allegro_queue.plan import Plan
from allegro_queue.stores import Stores
from allegro_queue.stores.controls import Control, Instruction
from allegro_queue.stores.masters import MasterRecord
from allegro_queue.supervision.deaths import Deaths
from allegro_queue.supervision.maintenance import Maintenance
from allegro_queue.supervision.pool import Child, ProcessPool
from allegro_queue.supervision.process import is_alive
from allegro_queue.supervision.redis_steps import RedisSteps
from allegro_queue.supervision.staffing import Staffing
from allegro_queue.supervision.supervisor import Supervisor
from allegro_queue.tellings import Telling

log = logging.getLogger(__name__)

WORDS = {signal.SIGUSR1: Control.RESTART, signal.SIGUSR2: Control.PAUSE, signal.SIGCONT: Control.CONTINUE}
"""What is meant by a signal that does not tell it to leave."""

SCHEDULER = "scheduler"
"""The child of this name is told of in the master's record."""

BEAT_SECONDS = 1.0
SCALE_SECONDS = 0.5
LOOK_SECONDS = 5.0
TIDY_SECONDS = 60.0

AFTER_OUTAGE_SECONDS = 15.0
"""How long after an outage nobody is looked for: who lives gets the time to say so, and each master to settle its own."""

ONE_WISH_SECONDS = 1.0
"""Signals to leave that come within this time are one wish: a terminal's Ctrl-C and a parent's TERM, say."""

LEAVING_PAUSE = 0.1
"""Seconds between two passes while children leave, so that the end is noticed soon."""


@dataclass(frozen=True, slots=True)
class Settlers:
    """What becomes of dead workers; handed in, since supervision knows no job."""

    settle: Callable[[str, int, Telling, str | None], object]
    """A child died: its name, process id, how, and the attempt that it had begun last, if it told."""
    sweep: Callable[[float, frozenset[str], Callable[[], bool]], object]
    """Look for dead workers of others, now; the names given are known to live, and only the housekeeper settles."""
    keep_house: Callable[[], object]
    """Tidy what has expired."""


class Master:
    """The ``manage.py horizon`` process."""

    def __init__(
        self,
        name: str,
        plan: Plan,
        supervisors: Sequence[Supervisor],
        *,
        singles: Mapping[str, ProcessPool],
        stores: Stores,
        settlers: Settlers,
        inbox: SignalInbox,
        queues: Sequence[str],
        maintenance: Maintenance | None = None,
    ) -> None:
        """Make the master; nothing is started yet.

        Args:
            singles: children of which one each is kept, by what they are called in the log.
            queues: all that there are, whoever serves them.
            maintenance: what is known of the application's maintenance mode; ``None``: it has none.
        """
        self.name = name
        self._plan = plan
        self._version = horizon_settings().version or allegro_queue.__version__
        self._supervisors = supervisors
        self._singles = dict(singles)
        if maintenance is not None:
            self._singles["maintenance"] = maintenance.asking
        self._stores = stores
        self._settlers = settlers
        self._inbox = inbox
        self._queues = queues
        self._status = "running" if plan.runs_workers else "idle"
        self._started_at = time.time()
        self._staffing = Staffing(name, plan, supervisors, stores)
        self._deaths = Deaths(settlers.settle)
        self._claimed = False
        self._refusal: AlreadyRunning | None = None
        self._maintenance = maintenance
        self._beat_due = 0.0
        self._scale_due = 0.0
        self._look_due = 0.0
        self._tidy_due = 0.0
        self._redis = RedisSteps(name)
        self._told_at: float | None = None
        """When the first signal to leave came."""

    def run(self) -> None:
        """Supervise until told to leave and every child has left.

        Raises:
            AlreadyRunning: another living master has this name. Nothing was started then; or, when Redis answered only
                later, all has left again.
        """
        self._redis.do(self._claim, time.monotonic())
        if self._refusal is not None:
            raise self._refusal
        now = time.monotonic()
        self._staffing.hold_back(now)
        for supervisor in self._supervisors:
            supervisor.start(now)
        for pool in self._singles.values():
            pool.scale(1, now)
        while not self.has_left:
            self.tick(time.monotonic())
            leaving = self._status == "leaving"
            for each in self._inbox.wait(LEAVING_PAUSE if leaving else BEAT_SECONDS / 4):
                self.hear(each, time.monotonic())
        if self._refusal is not None:
            raise self._refusal
        self._redis.do(self._take_leave, time.monotonic())

    def _take_leave(self) -> None:
        self._staffing.give_back()
        self._stores.masters.remove(self.name)

    @property
    def has_left(self) -> bool:
        """Whether it was told to leave and no child is left."""
        return (
            self._status == "leaving"
            and all(pool.is_empty for pool in self._singles.values())
            and all(supervisor.is_empty for supervisor in self._supervisors)
        )

    def tick(self, now: float) -> None:
        """One pass: children, dead workers, controls, heartbeat, sizes. Never sleeps."""
        if self._maintenance is not None and self._status != "leaving":
            # Before the first worker is started, and whether Redis answers or not. Who asks leaves first of all.
            is_on = self._maintenance.look(now)
            for supervisor in self._supervisors:
                supervisor.follow_maintenance(is_on)
        for supervisor in self._supervisors:
            for departure in supervisor.tick(now):
                log.info("worker ended name=%s %s", departure.child.name, departure.ending)
                self._deaths.note(departure)
        self._deaths.kill_overdue(self._crew, now)
        for what, pool in self._singles.items():
            for departure in pool.tick(now):
                log.log(
                    logging.INFO if departure.expected else logging.WARNING,
                    "%s ended pid=%d %s", what, departure.child.pid, departure.ending,
                )  # fmt: skip
        if self._redis.rests(now):
            return
        was_away = self._redis.is_away
        if self._deaths.unsettled:
            self._redis.do(self._deaths.settle, now)
        if now >= self._beat_due:
            self._beat_due = now + BEAT_SECONDS
            self._redis.do(self._beat, now)
        if now >= self._scale_due:
            self._scale_due = now + SCALE_SECONDS
            self._redis.do(self._scale, now)
        if was_away and not self._redis.is_away:
            self._look_due = now + AFTER_OUTAGE_SECONDS
            # A word lives a minute; an outage may have been longer.
            self._redis.do(self._follow_kept, now)
        if now >= self._look_due:
            self._look_due = now + LOOK_SECONDS
            self._redis.do(lambda: self._look_around(now), now)

    def hear(self, number: signal.Signals, now: float) -> None:
        """Act on a signal: INT, TERM and HUP leave, QUIT leaves without waiting for jobs, USR1 restarts the workers,
        USR2 pauses, CONT continues."""
        if number == signal.SIGCHLD:
            # It has ended the rest; the next pass looks who it was.
            return
        if number in LEAVE:
            self._told_at = now if self._told_at is None else self._told_at
            self.obey(Control.TERMINATE, now)
            if now - self._told_at > ONE_WISH_SECONDS or number == signal.SIGQUIT:
                for supervisor in self._supervisors:
                    supervisor.hurry(now)
        else:
            self.obey(WORDS[number], now)

    def obey(self, control: Control, now: float) -> None:
        """Act on a control word, whoever sent it."""
        if self._status == "leaving":
            return
        log.info("horizon %s heard %s", self.name, control.value)
        if control is Control.TERMINATE:
            self._status = "leaving"
            for pool in self._singles.values():
                pool.scale(0, now)
            for supervisor in self._supervisors:
                supervisor.leave(now)
        elif control is Control.RESTART:
            for supervisor in self._supervisors:
                supervisor.restart(now)
        elif control in (Control.PAUSE, Control.CONTINUE) and self._plan.runs_workers:
            self._status = "paused" if control is Control.PAUSE else "running"
            for supervisor in self._supervisors:
                supervisor.pause() if control is Control.PAUSE else supervisor.resume()
        self._beat_due = 0.0

    def follow(self, given: Instruction, now: float) -> None:
        """Act on what was sent through Redis, be it meant for the whole master, for one supervisor or for one worker."""
        if given.worker:
            self._end_worker(given, now)
            return
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

    def _end_worker(self, given: Instruction, now: float) -> None:
        """Have one of its workers leave after its job, or kill it. What a killed one held is settled like that of any other."""
        log.info(
            "worker %s is to end: %s by=%s reason=%s",
            given.worker, given.control.value, given.by or "-", given.reason or "-",
        )  # fmt: skip
        for supervisor in self._supervisors:
            if given.control is Control.TERMINATE:
                supervisor.dismiss(given.worker, now)
            elif given.control is Control.KILL and supervisor.kill(given.worker, now):
                self._deaths.note_kill(given.worker, by=given.by, reason=given.reason)

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
        self._follow_kept()

    def _follow_kept(self) -> None:
        """Have the supervisors stand still that somebody paused, and no other that was paused so before."""
        kept = {each.supervisor: each for each in self._stores.controls.kept(time.time())}
        for supervisor in self._supervisors:
            pause = kept.get(supervisor.options.name)
            if pause is not None:
                self.follow(pause, time.monotonic())
            elif supervisor.is_held and self._status != "leaving":
                supervisor.resume()

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

    def _scale(self) -> None:
        if self._status == "running":
            self._staffing.follow_the_load()
        self._staffing.claim_room(is_leaving=self._status == "leaving")

    @property
    def _crew(self) -> list[Child]:
        """Every worker of its own that has not ended."""
        return [child for each in self._supervisors for child in [*each.children, *each.leaving]]

    def _look_around(self, now: float) -> None:
        """Dead workers of others; and, if it is this master's turn, what is done once for all."""
        leads = self._stores.masters.lead(self.name)
        mine = [*self._crew, *self._deaths.unsettled]
        self._settlers.sweep(now, frozenset(each.name for each in mine), lambda: leads)
        if not leads:
            return
        self._stores.metrics.sample_waiting(self._stores.jobs.lengths(self._queues), time.time())
        if now >= self._tidy_due:
            self._tidy_due = now + TIDY_SECONDS
            self._settlers.keep_house()

    def record(self, now: float) -> MasterRecord:
        """What it says of itself, now."""
        schedulers = self._singles[SCHEDULER].children
        return MasterRecord(
            name=self.name,
            host=socket.gethostname(),
            pid=os.getpid(),
            status=self._status,
            environment=self._plan.environment,
            notice=self._plan.notice,
            notice_said=self._plan.why_idle,
            version=self._version,
            started_at=self._started_at,
            beat_at=now,
            scheduler_pid=schedulers[0].pid if schedulers else None,
            supervisors=tuple(each.record() for each in self._supervisors),
            maintenance_silent_since=self._maintenance_silent_since(now),
        )

    def _maintenance_silent_since(self, now: float) -> float | None:
        if self._maintenance is None or self._maintenance.silent_since is None or self._status == "leaving":
            return None
        return now - (time.monotonic() - self._maintenance.silent_since)


def is_gone(holder: MasterRecord) -> bool:
    """Whether the master of a record that still lives has ended, which only its own host can tell."""
    if holder.host != socket.gethostname():
        return False
    # In a container every master may have the same process id; another living one cannot have ours.
    return holder.pid == os.getpid() or not is_alive(holder.pid)
