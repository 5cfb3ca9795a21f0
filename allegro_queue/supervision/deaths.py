"""A master's own workers that died or are killed: why, in words, until what they held is settled."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Sequence

from redis.exceptions import RedisError

from allegro_queue.endings import LEFT
from allegro_queue.supervision.overdue import is_overdue
from allegro_queue.supervision.pool import Child, Departure
from allegro_queue.tellings import Telling, telling

log = logging.getLogger(__name__)


class Deaths:
    """Remembers who died and whom the master killed."""

    def __init__(self, settle: Callable[[str, int, Telling, str | None], object]) -> None:
        """``settle`` is told a dead child's name, process id, how it ended, and the attempt that it had begun last."""
        self._settle = settle
        self._departures: list[Departure] = []
        self._killed: dict[str, Telling] = {}
        """Children that this process killed, by name, with the reason."""

    @property
    def unsettled(self) -> list[Child]:
        """Those that have ended and are not settled yet."""
        return [each.child for each in self._departures]

    def note(self, departure: Departure) -> None:
        """A child has ended."""
        self._departures.append(departure)

    def note_kill(self, name: str, *, by: str, reason: str) -> None:
        """Somebody had a child killed."""
        who = by or telling("somebody")
        self._killed[name] = (
            telling("was killed (SIGKILL) by {who}: {reason}", who=who, reason=reason)
            if reason
            else telling("was killed (SIGKILL) by {who}", who=who)
        )

    def kill_overdue(self, crew: Sequence[Child], now: float) -> None:
        """Kill workers whose job ignores its time limit, by what they say in shared memory: neither a job that never lets
        go of the interpreter nor Redis can hide it."""
        for child in crew:
            if child.begun is None or not is_overdue(child.begun.deadline, now) or child.name in self._killed:
                continue
            log.warning("worker %s ignores its job's time limit and is killed", child.name)
            self._killed[child.name] = telling(
                "ran a job past its time limit, did not heed the alarm, and was killed (SIGKILL)"
            )
            child.send(signal.SIGKILL)

    def settle(self) -> None:
        """What a dead child held is settled now; what cannot be (Redis is away) stays for the next time."""
        while self._departures:
            departure = self._departures.pop(0)
            child = departure.child
            reason = self._killed.pop(child.name, departure.ending)
            if departure.ending == LEFT:
                continue
            begun = None if child.begun is None else child.begun.execution_id
            try:
                self._settle(child.name, child.pid, reason, begun)
            except RedisError:
                self._departures.insert(0, departure)
                if reason != departure.ending:
                    self._killed[child.name] = reason
                raise
