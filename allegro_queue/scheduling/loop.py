"""The scheduler's loop: it beats, and while it leads it queues what comes due, until it is told to leave."""

from __future__ import annotations

import logging
import os
import secrets
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from redis.exceptions import RedisError

from allegro_queue.connection import UNREACHABLE, address
from allegro_queue.scheduling.declared import Declared
from allegro_queue.scheduling.install import install_declared
from allegro_queue.scheduling.scheduler import HorizonScheduler
from allegro_queue.stores.scheduler_record import Lead, SchedulerRecord

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
LONGEST_WAIT = 10
"""Seconds between two looks at most, while Redis does not answer."""

BEAT = 0.15
"""Seconds between two beats of a leader at most: well below its lease."""

STAND_BY = 0.1
"""Seconds after which one that stands by asks again whether to lead."""

SHORTEST_WAIT = 0.005

SETTLE_EVERY = 2.0
"""Seconds between two looks at how runs ended."""

SYNC_EVERY = 10.0
"""Seconds between two looks at what the database declares."""


class SchedulerLoop:
    """Runs a scheduler. Nothing that Redis does ends it, and nothing is held in memory that its end would lose."""

    def __init__(
        self,
        scheduler: HorizonScheduler,
        *,
        declare: Callable[[], Declared] | None = None,
        master: str = "",
        interval: float = 1,
        chores: Sequence[Callable[[float], None]] = (),
    ) -> None:
        """``declare`` gives what the schedule is made to say; ``None`` leaves it as it is. ``chores`` are done at each look."""
        self._scheduler = scheduler
        self._declare = declare
        self._installed = declare is None
        self._token = secrets.token_hex(16)
        self._parent = os.getppid()
        self._interval = interval
        self._chores = chores
        self._record = SchedulerRecord(
            host=socket.gethostname(), pid=os.getpid(), master=master, started_at=time.time(), beat_at=time.time()
        )
        self._failures = 0
        self._cursor = 0
        self._fence = 0
        # When to do them again, by a clock that nobody sets.
        self._settle_at = self._sync_at = 0.0
        # Putting into it is safe in a signal handler, and ends the wait of the loop.
        self._inbox: SimpleQueue[int] = SimpleQueue()

    def run(self, burst: bool = False) -> None:
        """Look until SIGTERM or SIGINT (or, for a master's child, the master's death); with ``burst``, once."""
        with self._listening():
            log.info("scheduler started pid=%d", os.getpid())
            wait = 0.0
            while not self._told_to_leave(wait):
                wait = self.step(alone=burst)
                if burst:
                    break
            self._take_leave()

    def step(self, alone: bool = False) -> float:
        """One look; the seconds to wait until the next.

        Args:
            alone: queue what is due whoever leads.
        """
        started = time.monotonic()
        try:
            wait = self._look(alone)
        except RedisError as error:
            self._failures += 1
            wait = min(2.0 ** (self._failures - 1), LONGEST_WAIT)
            where = address(self._scheduler.connection)
            what = "did not answer" if isinstance(error, UNREACHABLE) else "refused"
            log.warning("Redis at %s %s (%s); nothing is scheduled. Next look in %d s.", where, what, error, wait)
            return wait
        if self._failures:
            log.info("Redis at %s answers again", address(self._scheduler.connection))
            self._failures = 0
        for chore in self._chores:
            chore(time.time())
        return max(wait - (time.monotonic() - started), SHORTEST_WAIT) if wait else 0.0

    def _look(self, alone: bool) -> float:
        lead = self._beat()
        self._install(lead)
        if not lead.leads and not alone:
            self._fence = 0
            return min(STAND_BY, self._interval)
        if lead.leads and lead.fence != self._fence:
            self._fence = lead.fence
            log.info("scheduler leads pid=%d fence=%d", self._record.pid, lead.fence)
        look = self._scheduler.look(lead.now, lead.fence, lambda: self._beat().now)
        if look.deposed:
            log.info("scheduler stands by pid=%d: another one leads", self._record.pid)
            return min(STAND_BY, self._interval)
        self._settle()
        return 0.0 if look.more else self._until_due(lead.now)

    def _beat(self) -> Lead:
        return self._scheduler.schedulers.lead(self._token, self._record)

    def _install(self, lead: Lead) -> None:
        """Make the schedule say what is declared: all of it at the start or when Redis was emptied, and from time to
        time, while it leads, what the database declares."""
        if self._declare is None:
            return
        # One entry alone is not missed here, since a newer process may have removed it.
        emptied = bool(self._scheduler.declared) and lead.leads and not self._scheduler.entries.holds_any()
        whole = not self._installed or emptied
        if not whole and not (lead.leads and time.monotonic() >= self._sync_at):
            return
        install_declared(self._declare(), self._scheduler, lead.now, only_database=not whole)
        self._installed = True
        self._sync_at = time.monotonic() + SYNC_EVERY

    def _settle(self) -> None:
        """Note how runs ended, some at a time."""
        if self._cursor or time.monotonic() >= self._settle_at:
            self._cursor = self._scheduler.entries.settle_runs(self._cursor)
            self._settle_at = time.monotonic() + SETTLE_EVERY

    def _until_due(self, now: float) -> float:
        """Seconds until the next look: when something is due, and in time for the next beat."""
        next_at = self._scheduler.next_due_at()
        most = min(self._interval, BEAT) if self._interval <= 1 else self._interval
        return most if next_at is None else min(most, max(next_at - now, SHORTEST_WAIT))

    def _told_to_leave(self, wait: float) -> bool:
        """Wait for a signal; whether one came, or the master is gone."""
        try:
            name = signal.Signals(self._inbox.get(timeout=wait) if wait else self._inbox.get_nowait()).name
        except Empty:
            if self._record.master and os.getppid() != self._parent:
                log.warning("scheduler leaves: its master has died")
                return True
            return False
        log.info("scheduler leaves: %s", name)
        return True

    def _take_leave(self) -> None:
        try:
            self._scheduler.schedulers.step_down(self._token, self._record)
        except RedisError:
            log.info("Redis does not answer; the scheduler's record ends by itself")

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """SIGTERM and SIGINT are only noted, so that no step is torn apart."""
        before = {each: signal.signal(each, lambda number, frame: self._inbox.put(number)) for each in SIGNALS}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)
