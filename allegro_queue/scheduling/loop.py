"""The scheduler's loop: once a second it beats and queues what is due, until it is told to leave."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from queue import Empty, SimpleQueue

from redis.exceptions import RedisError

from allegro_queue.connection import UNREACHABLE, address
from allegro_queue.scheduling.entries import CronEntry
from allegro_queue.scheduling.install import install
from allegro_queue.scheduling.scheduler import BATCH, HorizonScheduler
from allegro_queue.stores.schedule import SchedulerRecord

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGTERM, signal.SIGINT)
LONGEST_WAIT = 10
"""Seconds between two looks at most, while Redis does not answer."""


class SchedulerLoop:
    """Runs a scheduler. Nothing that Redis does ends it, and nothing is held in memory that its end would lose."""

    def __init__(
        self,
        scheduler: HorizonScheduler,
        *,
        entries: Sequence[CronEntry] | None = None,
        master: str = "",
        interval: float = 1,
        chores: Sequence[Callable[[float], None]] = (),
    ) -> None:
        """``entries`` are what the schedule is made to say; ``None`` leaves it as it is. ``chores`` are done at each look."""
        self._scheduler = scheduler
        self._entries = entries
        self._installed = entries is None
        self._master = master
        self._parent = os.getppid()
        self._interval = interval
        self._chores = chores
        self._started_at = time.time()
        self._failures = 0
        # Putting into it is safe in a signal handler, and ends the wait of the loop.
        self._inbox: SimpleQueue[int] = SimpleQueue()

    def run(self, burst: bool = False) -> None:
        """Look until SIGTERM or SIGINT (or, for a master's child, the master's death); with ``burst``, once."""
        with self._listening():
            log.info("scheduler started pid=%d", os.getpid())
            wait = 0.0
            while not self._told_to_leave(wait):
                wait = self.step(time.time())
                if burst:
                    break
            self._take_leave()

    def step(self, now: float) -> float:
        """One look; the seconds to wait until the next."""
        try:
            queued = self._look(now)
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
            chore(now)
        # More than one look takes may be due.
        return 0.0 if len(queued) >= BATCH else max(self._interval - (time.time() - now), 0.0)

    def _look(self, now: float) -> list[str]:
        store = self._scheduler.store
        # An emptied Redis is filled again; one entry alone is not missed here, since a newer master may have removed it.
        if self._entries is not None and (not self._installed or (self._entries and not store.holds_any())):
            install(self._entries, self._scheduler, now)
            self._installed = True
        store.beat(
            SchedulerRecord(
                host=socket.gethostname(),
                pid=os.getpid(),
                master=self._master,
                started_at=self._started_at,
                beat_at=now,
            )
        )
        return self._scheduler.enqueue_jobs(now)

    def _told_to_leave(self, wait: float) -> bool:
        """Wait for a signal; whether one came, or the master is gone."""
        try:
            name = signal.Signals(self._inbox.get(timeout=wait)).name
        except Empty:
            if self._master and os.getppid() != self._parent:
                log.warning("scheduler leaves: its master has died")
                return True
            return False
        log.info("scheduler leaves: %s", name)
        return True

    def _take_leave(self) -> None:
        try:
            self._scheduler.store.leave()
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
