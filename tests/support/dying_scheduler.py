"""Schedulers that are killed at one command after another: ``python -m tests.support.dying_scheduler ROUNDS [SECONDS]``.

Each round is a process of its own, forked as a master forks it. It kills itself right before, or right after, its n-th
command has gone out; n grows with the rounds. One line a round says how it ended. SECONDS are waited before each.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import Any

import django
from redis.connection import AbstractConnection

django.setup()

from allegro_queue.connection import forget_client  # noqa: E402
from allegro_queue.scheduling import scheduler  # noqa: E402
from allegro_queue.scheduling.process import run_scheduler  # noqa: E402
from allegro_queue.stores import schedulers  # noqa: E402

POINTS = 30
"""Commands of a start and two looks, about."""


def die_at(number: int, after: bool) -> None:
    """Have this process killed at a command."""
    send = AbstractConnection.send_packed_command
    sent = 0

    def count(self: Any, *args: Any, **kwargs: Any) -> None:
        nonlocal sent
        sent += 1
        if sent == number and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        send(self, *args, **kwargs)
        if sent == number:
            os.kill(os.getpid(), signal.SIGKILL)

    AbstractConnection.send_packed_command = count  # type: ignore[method-assign]


def round_of(number: int) -> str:
    pid = os.fork()
    if pid == 0:
        forget_client()
        # One entry in each step, so that the kills fall among the steps.
        scheduler.BATCH, scheduler.STEPS_AT_ONCE = 2, 1
        # Nor among the beats of one that waits for the lease of the one before.
        schedulers.LEASE_SECONDS = 0.02
        die_at(number // 2 % POINTS + 1, after=bool(number % 2))
        run_scheduler("", interval=0.01)
        os._exit(0)
    return str(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


if __name__ == "__main__":
    for number in range(int(sys.argv[1])):
        time.sleep(float(sys.argv[2]) if len(sys.argv) > 2 else 0.0)
        print(round_of(number), flush=True)
