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


def start() -> int:
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        forget_client()
        run_scheduler("bench")
        os._exit(0)
    return pid


def main(count: int) -> None:
    children = {start() for _ in range(count)}
    leaving = False

    def leave(number: int, frame: object) -> None:
        nonlocal leaving
        leaving = True
        for pid in children:
            os.kill(pid, signal.SIGTERM)

    signal.signal(signal.SIGTERM, leave)
    while children:
        children.discard(os.wait()[0])
        if not leaving:
            children.add(start())


if __name__ == "__main__":
    main(int(sys.argv[1]))
