"""Jobs that write down in a ledger when they start and when they end."""

from __future__ import annotations

import fcntl
import os
import signal
import time

from tests.support.ledger import written_down


def work(ledger: str, seconds: float = 0.0) -> None:
    """Take so long."""
    with written_down(ledger):
        if seconds:
            time.sleep(seconds)


def kill_own_process(ledger: str) -> None:
    """End the worker that runs it, as the kernel does that is out of memory."""
    with written_down(ledger):
        os.kill(os.getpid(), signal.SIGKILL)


def swallow_everything(ledger: str) -> None:
    """Never end, and catch whatever is raised into it."""
    with written_down(ledger):
        while True:
            try:
                time.sleep(0.05)
            except BaseException:
                continue


def swallow_exceptions(ledger: str) -> None:
    """Never end, and catch every ordinary exception."""
    with written_down(ledger):
        while True:
            try:
                time.sleep(0.05)
            except Exception:
                continue


def wait_in_the_kernel(ledger: str, lock: str) -> None:
    """Wait for a lock on a file that this very process holds already, through another descriptor, for ever."""
    with written_down(ledger), open(lock, "w") as first, open(lock) as second:
        fcntl.flock(first, fcntl.LOCK_EX)
        while True:
            try:
                fcntl.flock(second, fcntl.LOCK_EX)
            except BaseException:
                continue


def fail_midway(ledger: str) -> None:
    """Fail, and so never come to the last line."""
    with written_down(ledger):
        raise ValueError("as asked")
