"""OS signals as values: a handler only notes, the loop that owns the inbox acts."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any, Self

HANDLED = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGCONT,
)
"""INT, TERM and HUP terminate, QUIT does so without waiting for the running job, USR1 restarts the workers, USR2 pauses, CONT continues."""

LEAVE = frozenset({signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})


class SignalInbox:
    """Signals as values, taken by the main loop when it is ready for them.

    A handler may run between any two bytecodes, so it only drops the signal into a queue, which is made for such
    places. Resting *is* waiting for a signal, so each is answered at once.
    """

    def __init__(self, handled: Sequence[signal.Signals] = HANDLED) -> None:
        self._handled = handled
        self._arrived: SimpleQueue[signal.Signals] = SimpleQueue()
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        self._before = {each: signal.signal(each, self.deliver) for each in self._handled}
        return self

    def __exit__(self, *exc: object) -> None:
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def deliver(self, number: int, frame: FrameType | None = None) -> None:
        """Note one signal (also for tests, which need not send one)."""
        self._arrived.put(signal.Signals(number))

    def wait(self, seconds: float) -> list[signal.Signals]:
        """Rest until a signal comes or the time is up, and hand over all that came."""
        arrived: list[signal.Signals] = []
        if seconds <= 0 and self._arrived.empty():
            return arrived
        try:
            arrived.append(self._arrived.get(timeout=seconds) if seconds > 0 else self._arrived.get_nowait())
            while True:
                arrived.append(self._arrived.get_nowait())
        except Empty:
            return arrived

    @property
    def has_heard(self) -> bool:
        """Whether a signal has come that nobody has taken yet."""
        return not self._arrived.empty()
