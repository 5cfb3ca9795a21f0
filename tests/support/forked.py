"""A part of the library in a process of its own that is forked from the test: it has loaded all, so it costs little."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from allegro_queue.begun import Begun
from allegro_queue.connection import forget_client
from allegro_queue.workers.child import make_worker
from allegro_queue.workers.names import new_token, worker_name
from allegro_queue.workers.time_limit import TimeLimit
from tests.support.fault_points import Fault, RoundTrips, Side

QUEUES = ("high", "default", "audience-sync")


class Forked:
    """One process that does one thing."""

    def __init__(self, do: Callable[[], object], *, fault: Fault | None = None, trail: Path | None = None) -> None:
        """``fault`` is how it dies; ``trail`` a file in which it writes each round trip that it makes."""
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if self.pid == 0:
            live(do, fault, trail)

    def ending(self) -> str:
        """Wait for it; ``left``, or how it was killed, in words."""
        _, status = os.waitpid(self.pid, 0)
        if os.WIFSIGNALED(status):
            return f"was killed by signal {os.WTERMSIG(status)} ({signal.Signals(os.WTERMSIG(status)).name})"
        code = os.waitstatus_to_exitcode(status)
        return "left" if code == 0 else f"ended with exit code {code}"


class ForkedWorker(Forked):
    """A worker that works until its queues are empty."""

    def __init__(
        self,
        queues: Sequence[str] = QUEUES,
        *,
        fault: Fault | None = None,
        trail: Path | None = None,
        prepare: Callable[[], object] = lambda: None,
    ) -> None:
        self.begun = Begun()
        token = new_token()

        def work() -> None:
            prepare()
            worker = make_worker(queues, name=worker_name(os.getpid(), token))
            if worker is None:
                # Told to leave before it was one.
                return
            worker.begun = TimeLimit.told = self.begun
            worker.work(burst=True)

        super().__init__(work, fault=fault, trail=trail)
        self.name = worker_name(self.pid, token)


def live(do: Callable[[], object], fault: Fault | None, trail: Path | None) -> None:
    code = 70
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        # A process group of its own, so that what is sent to its group is sent to nobody else.
        os.setpgid(0, 0)
        forget_client()
        if trail is not None:
            file = os.open(trail, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

            def note(side: Side, point: str) -> None:
                if side == "before":
                    os.write(file, f"{point}\n".encode())

            RoundTrips(note).install()
        if fault is not None:
            fault.install()
        do()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
