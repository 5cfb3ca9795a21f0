"""A child process that is none."""

from __future__ import annotations

import itertools
import signal

from allegro_queue.begun import Begun
from allegro_queue.endings import LEFT
from allegro_queue.tellings import Telling, verbatim

pids = itertools.count(1000)


class FakeChild:
    """Does what the test says; remembers what it was told."""

    def __init__(self, started_at: float) -> None:
        self.pid = next(pids)
        self.name = f"child.{self.pid}"
        self.started_at = started_at
        self.begun: Begun | None = None
        self.received: list[str] = []
        self._ending: Telling | None = None

    def ended(self) -> Telling | None:
        return self._ending

    def send(self, number: signal.Signals) -> None:
        self.received.append(number.name)

    def leaves(self) -> None:
        self._ending = LEFT

    def dies(self, ending: str = "ended with exit code 1") -> None:
        self._ending = verbatim(ending)
