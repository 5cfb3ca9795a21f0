"""The time limit of one job, and stopping one on request: both interrupt the job's own code, and nothing else."""

from __future__ import annotations

import math
import signal
import threading
import time

# The public wrapper turns each handler into an enum member, which takes twenty times as long as the look itself.
from _signal import getsignal  # type: ignore[import-not-found]
from types import FrameType
from typing import Any

from rq.timeouts import BaseDeathPenalty

from allegro_queue.begun import Begun

ALARM = signal.SIGALRM

AGAIN_SECONDS = 4.0
"""Seconds after which the alarm rings again in a job that has not ended by then: time to clean up in, and less than the
master gives it. Python drops an exception that is raised while a ``__del__``, a weak reference's or the garbage collector's
callback runs, and with it the only ring there was."""


class TimeLimitExceeded(BaseException):
    """The job ran longer than it may. Not an ``Exception``, so that a broad ``except`` in the job cannot swallow it."""


class JobInterrupted(BaseException):
    """Somebody asked for the running job to be stopped, or the worker to leave at once."""


class TimeLimit(BaseDeathPenalty):
    """RQ's death penalty by SIGALRM, with an exception that a job does not catch by accident.

    Outside the job's own code the alarm does nothing: the system's default would end the process.
    """

    running: TimeLimit | None = None
    """The limit in force, if a job runs."""

    told: Begun | None = None
    """Where the time limit in force is told to the parent, which kills a process that its alarm does not reach."""

    armed: bool = False
    """Whether the timer was set and may ring yet."""

    interruption: str = ""
    """Why the running job is to be stopped; set by ``interrupt``."""

    def __init__(self, timeout: int, *args: Any, **kwargs: Any) -> None:
        """As RQ calls it: which exception it would have raised is left out."""
        self.seconds = timeout
        self.due = math.inf
        """By the monotonic clock: an alarm before that is one of an earlier limit."""

    def __enter__(self) -> None:
        self.setup_death_penalty()

    def __exit__(self, *exc: object) -> None:
        self.cancel_death_penalty()

    def setup_death_penalty(self) -> None:
        TimeLimit.interruption = ""
        self.due = time.monotonic() + self.seconds if self.seconds > 0 else math.inf
        TimeLimit.running = self
        # A job may have put a handler of its own there.
        if getsignal(ALARM) is not on_alarm:
            signal.signal(ALARM, on_alarm)
        if self.seconds > 0 or TimeLimit.armed:
            signal.setitimer(signal.ITIMER_REAL, max(self.seconds, 0))
            TimeLimit.armed = self.seconds > 0
        if self.seconds > 0 and TimeLimit.told is not None:
            TimeLimit.told.deadline = self.due

    def cancel_death_penalty(self) -> None:
        TimeLimit.running = None
        # The timer runs on, which spares a system call: it rings for nothing, and the next job sets it anew. Not so
        # when the job has put another handler there, which may be the system's.
        if getsignal(ALARM) is not on_alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
            TimeLimit.armed = False
        if TimeLimit.told is not None:
            TimeLimit.told.deadline = 0.0


LEAVING = (TimeLimit.__exit__.__code__, TimeLimit.cancel_death_penalty.__code__)
"""Raised in there, the exception would leave the limit in force over what is not the job's code."""


def on_alarm(number: int, frame: FrameType | None) -> None:
    """The alarm's handler: raises into the job's code."""
    limit = TimeLimit.running
    if limit is None or (frame is not None and frame.f_code in LEAVING):
        return
    if not TimeLimit.interruption and time.monotonic() < limit.due:
        return
    signal.setitimer(signal.ITIMER_REAL, AGAIN_SECONDS)
    TimeLimit.armed = True
    if TimeLimit.interruption:
        raise JobInterrupted(TimeLimit.interruption)
    raise TimeLimitExceeded(f"The job ran longer than its limit of {limit.seconds} seconds.")


def interrupt(reason: str) -> None:
    """Stop the running job, if one runs; it ends as if it had raised. Safe from another thread."""
    if TimeLimit.running is not None:
        TimeLimit.interruption = reason
        # To the main thread itself, so that a system call it waits in is interrupted too.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)
