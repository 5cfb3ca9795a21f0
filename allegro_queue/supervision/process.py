"""One child process: fork it, signal it, see how it ended."""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

from allegro_queue.begun import Begun
from allegro_queue.endings import ending
from allegro_queue.inbox import HANDLED, LEAVE
from allegro_queue.orphans import end_with
from allegro_queue.output import flush_output
from allegro_queue.tellings import Telling, telling

log = logging.getLogger(__name__)

CANNOT_START = 70
"""Exit code of a child that failed before it could work."""

HEARD = (*HANDLED, signal.SIGCHLD)
"""Signals that the parent handles: those that it may be sent itself, and that a child has ended."""


@dataclass(slots=True)
class ChildProcess:
    """The parent's handle on one child."""

    name: str
    pid: int
    started_at: float
    """Monotonic time in seconds."""
    begun: Begun | None = None
    """Memory shared with it, where it tells what it has begun."""

    def ended(self) -> Telling | None:
        """How it ended; ``None`` while it runs. An ended child is asked once."""
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            return telling("vanished")
        return ending(status) if pid else None

    def send(self, number: signal.Signals) -> None:
        """Signal it; nothing happens when it has just ended."""
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            log.debug("child %d has ended already", self.pid)


def is_alive(pid: int) -> bool:
    """Whether a process of this id exists on this host, whoever owns it."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def fork(child: Callable[[], int]) -> int:
    """Run ``child`` in a forked process and return its process id; the child never returns from here.

    Told to leave before it handles signals itself, the child leaves at once. It is told so when its parent dies, however
    that dies.
    """
    parent = os.getpid()
    flush_output()
    # What exists now is shared with the child; a collection there would touch, and so copy, all of it.
    gc.freeze()
    # A child starts with its parent's handlers, which would note a signal that nobody there ever reads.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    try:
        pid = os.fork()
    except BaseException:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        raise
    if pid:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        return pid
    code = CANNOT_START
    try:
        for number in LEAVE:
            signal.signal(number, leave_at_once)
        for number in (signal.SIGCONT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGUSR1, signal.SIGUSR2):
            # By default these would end a child that is not ready to hear them.
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        end_with(parent, signal.SIGTERM)
        code = child()
    except SystemExit as wish:
        code = wish.code if isinstance(wish.code, int) else 1
    except BaseException:
        log.exception("child %d could not go on", os.getpid())
    finally:
        flush_output()
        os._exit(code)


def leave_at_once(number: int, frame: FrameType | None) -> None:
    """Handler of a child that has not begun: it holds nothing, so this is no death."""
    os._exit(0)
