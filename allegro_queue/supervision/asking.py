"""Asking the project whether the application is under maintenance, in a process of its own: the project's function may
hang, and a master must not. What it answers is told in memory that the two share."""

from __future__ import annotations

import logging
import mmap
import os
import time
from collections.abc import Callable

from setproctitle import setproctitle

log = logging.getLogger(__name__)

ASK_SECONDS = 5.0
"""Seconds from one answer to the next question."""

NOBODY_KNOWS, NO, YES = range(3)
"""What can have been said; fresh memory is all noughts."""


class SharedAnswer:
    """The last answer: written by the process that asks, read by the master, as in ``Begun``.

    The master maps it once, before it forks who asks, so that it outlives each of those. Times are monotonic, which all
    processes of a host share.
    """

    def __init__(self) -> None:
        # Anonymous and shared: a forked child has the same memory, and nobody else can open it.
        self._words = memoryview(mmap.mmap(-1, 3 * 8)).cast("d")

    @property
    def is_on(self) -> bool | None:
        """What was said last; ``None`` before the first answer."""
        said = int(self._words[0])
        return None if said == NOBODY_KNOWS else said == YES

    @property
    def answered_at(self) -> float:
        """When the function answered last; 0: never yet."""
        return self._words[1]

    @property
    def asked_at(self) -> float:
        """Since when the function has been running; 0: it is not being asked now."""
        return self._words[2]

    def note_question(self, now: float) -> None:
        self._words[2] = now

    def note_answer(self, is_on: bool, now: float) -> None:
        self._words[0], self._words[1], self._words[2] = (YES if is_on else NO), now, 0.0

    def note_failure(self) -> None:
        """The last answer holds, and grows old. Before the first one it is no: who waits for it waits in vain."""
        self._words[0], self._words[2] = self._words[0] or NO, 0.0


class Asker:
    """Asks the function, and logs once when it fails and once when it answers again."""

    def __init__(self, ask: Callable[[], bool], answer: SharedAnswer) -> None:
        self._ask = ask
        self._answer = answer
        self._fails = False

    def ask(self) -> None:
        """Ask once, and tell."""
        self._answer.note_question(time.monotonic())
        try:
            is_on = bool(self._ask())
        except (Exception, SystemExit):
            # Whoever asks must not leave for a function that exits: the master would start another one at once, for ever.
            self._answer.note_failure()
            if not self._fails:
                log.exception("HORIZON['maintenance'] fails; its last answer holds: %s", in_words(self._answer.is_on))
            self._fails = True
            return
        self._answer.note_answer(is_on, time.monotonic())
        if self._fails:
            log.info("HORIZON['maintenance'] answers again: %s", in_words(is_on))
        self._fails = False


def in_words(is_on: bool | None) -> str:
    """An answer, for the log."""
    return "yes" if is_on else "no"


def run_asking(ask: Callable[[], bool], answer: SharedAnswer) -> None:
    """Ask now and then, for as long as the master lives. A signal to leave ends this at once, since it holds nothing."""
    setproctitle("horizon maintenance")
    master = os.getppid()
    asker = Asker(ask, answer)
    while os.getppid() == master:
        asker.ask()
        time.sleep(ASK_SECONDS)
