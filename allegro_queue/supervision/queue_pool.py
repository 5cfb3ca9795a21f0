"""The workers of some queues: how many are asked for, how many are allowed, and why there are as many as there are."""

from __future__ import annotations

from collections.abc import Callable, Collection

from allegro_queue.supervision.limits import Allowance, Wish
from allegro_queue.supervision.pool import Child, ProcessPool
from allegro_queue.supervision.scaling import Decision
from allegro_queue.tellings import Telling


class QueuePool:
    """One pool of a supervisor, with what was decided of it."""

    def __init__(self, queues: tuple[str, ...], spawn: Callable[[tuple[str, ...], float], Child], grace: float) -> None:
        self.queues = queues
        self.processes = ProcessPool(lambda now: spawn(queues, now), grace=grace)
        self.asked = 0
        """Workers that it should have by its load, be that allowed or not."""
        self._allowed = Allowance(processes=0)
        self._is_limited = False
        self._reason: Telling | None = None

    @property
    def explanation(self) -> Telling | None:
        """Why it has as many as it has, if that ever changed."""
        return (self._allowed.explanation if self._is_limited else None) or self._reason

    @property
    def wish(self) -> Wish:
        """What it asks for, where all masters share a limit."""
        processes = self.processes
        return Wish(
            queue=self.queues[0] if len(self.queues) == 1 else "",
            asked=self.asked,
            leaving=processes.shrinking,
            living=len(processes.children) + len(processes.leaving),
        )

    def begin(self, processes: int, now: float) -> None:
        """Want as many at the start, as far as they are allowed."""
        self.asked = processes
        self._apply(now)

    def leave(self, now: float) -> None:
        """Want none."""
        self.asked = 0
        self.processes.scale(0, now)

    def limit(self, allowed: Allowance, now: float, busy: Collection[str] = ()) -> None:
        """Have no more than this from now on, whatever is decided."""
        self._allowed, self._is_limited = allowed, True
        self._apply(now, busy)

    def follow(self, decision: Decision, now: float, busy: Collection[str] = ()) -> bool:
        """Take on the size that was decided; whether that changed anything."""
        if decision.processes == self.asked:
            return False
        self.asked = decision.processes
        self._reason = decision.explanation
        self._apply(now, busy)
        return True

    def _apply(self, now: float, busy: Collection[str] = ()) -> None:
        size = min(self.asked, self._allowed.processes) if self._is_limited else self.asked
        if size != self.processes.wanted:
            self.processes.resize(size, now, busy)
