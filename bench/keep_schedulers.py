"""Keeps some schedulers alive, each a fork of this process, as a master keeps its own: ``keep_schedulers.py COUNT``."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

import django  # noqa: E402

django.setup()

from allegro_queue.connection import forget_client  # noqa: E402
from allegro_queue.scheduling.process import run_scheduler  # noqa: E402

SIGNALS = (signal.SIGTERM, signal.SIGCHLD)


def start() -> int:
    pid = os.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        forget_client()
        run_scheduler("bench")
        os._exit(0)
    return pid


def main(count: int) -> None:
    children = {start() for _ in range(count)}
    # Only waited for, so that no child is started and forgotten while all are told to leave.
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    while (got := signal.sigwait(SIGNALS)) == signal.SIGCHLD:
        while (ended := os.waitpid(-1, os.WNOHANG)[0]) > 0:
            children.discard(ended)
            children.add(start())
    for pid in children:
        os.kill(pid, got)
    for pid in children:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
