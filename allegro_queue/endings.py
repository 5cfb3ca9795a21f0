"""How a child process ended, to be told in any language."""

from __future__ import annotations

import os
import signal

from allegro_queue.tellings import Telling, telling

LEFT = telling("left")
"""What is said of a child that left of its own will."""


def ending(status: int) -> Telling:
    """What a wait status tells."""
    if os.WIFSIGNALED(status):
        return killed_by(os.WTERMSIG(status))
    code = os.WEXITSTATUS(status)
    return LEFT if code == 0 else telling("ended with exit code {code}", code=code)


def killed_by(number: int) -> Telling:
    """The same of a signal."""
    name = name_of_signal(number)
    if number == signal.SIGKILL:
        return telling("was killed by signal {number} ({name}); was it out of memory?", number=number, name=name)
    return telling("was killed by signal {number} ({name})", number=number, name=name)


def name_of_signal(number: int) -> str:
    """Its name; real-time signals have none but ``SIGRTMIN`` and ``SIGRTMAX``."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return "real-time signal"
