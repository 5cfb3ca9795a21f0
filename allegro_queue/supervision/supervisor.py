"""A supervisor keeps its pool in line with its options."""

from __future__ import annotations

import signal
from collections.abc import Callable

from allegro_queue.plan import SupervisorOptions
from allegro_queue.stores.masters import SupervisorRecord
from allegro_queue.supervision.pool import Child, Departure, ProcessPool


class Supervisor:
    """One pool for all of its queues, in strict order (balance off)."""

    def __init__(self, options: SupervisorOptions, spawn: Callable[[float], Child]) -> None:
        self.options = options
        self.pool = ProcessPool(spawn, grace=options.grace)
        self._status = "running"

    def start(self, now: float) -> None:
        """Want as many workers as the options say; the next pass starts them."""
        self.pool.scale(self.options.max_processes, now)

    def pause(self) -> None:
        """Workers finish their job and take no other."""
        self._status = "paused"
        self.pool.signal_all(signal.SIGUSR2)

    def resume(self) -> None:
        """Workers take jobs again."""
        self._status = "running"
        self.pool.signal_all(signal.SIGCONT)

    def restart(self, now: float) -> None:
        """Fresh workers for old ones, each after its job."""
        self.pool.restart(now)

    def leave(self, now: float) -> None:
        """Every worker finishes its job and leaves."""
        self._status = "leaving"
        self.pool.scale(0, now)

    def tick(self, now: float) -> list[Departure]:
        """One pass; who ended. A paused supervisor replaces nobody until it resumes."""
        paused = self._status == "paused"
        departures = self.pool.tick(now, fill=not paused)
        if paused:
            # Said again at each pass: a child that was just being started has not heard it.
            self.pool.signal_all(signal.SIGUSR2)
        return departures

    def record(self) -> SupervisorRecord:
        """What it says of itself, now."""
        return SupervisorRecord(
            name=self.options.name,
            status=self._status,
            queue=self.options.queue,
            balance=self.options.balance,
            wanted=self.pool.wanted,
            workers=tuple(child.name for child in self.pool.children),
            trouble=self.pool.trouble,
        )
