"""Starting ``manage.py`` in a nursery (see there)."""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent


class Nursery:
    """The process that forks, as its client sees it: one question, one answer."""

    def __init__(self) -> None:
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.nursery", str(theirs.fileno())],
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # Ctrl-C is the tests' to hear.
                start_new_session=True,
            )

    def ask(self, question: Mapping[str, Any], files: Sequence[int] = ()) -> Any:
        with self._lock:
            socket.send_fds(self._channel, [json.dumps(question).encode()], files)
            return json.loads(self._channel.recv(100))

    def close(self) -> None:
        """Have it leave; it would by itself when this process has gone."""
        self._channel.close()
        self._process.wait(timeout=10)


@functools.cache
def nursery() -> Nursery:
    """That of this process of tests, started when it is first needed."""
    made = Nursery()
    atexit.register(made.close)
    return made


class Nursed:
    """One process, with what tests use of ``subprocess.Popen``."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], files: tuple[int, int, int]) -> None:
        """``files`` are its standard input, output and errors."""
        self._nursery = nursery()
        self._code: int | None = None
        self.pid: int = self._nursery.ask({"command": list(command), "environment": dict(environment)}, files)

    def poll(self) -> int | None:
        if self._code is None:
            self._code = self._nursery.ask({"ended": self.pid})
        return self._code

    def wait(self, timeout: float) -> int:
        """Its exit code.

        Raises:
            subprocess.TimeoutExpired: it runs on.
        """
        if self.poll() is None:
            # Its number is its own until the nursery was asked how it ended.
            end = os.pidfd_open(self.pid)
            try:
                poll = select.poll()
                poll.register(end, select.POLLIN)
                poll.poll(timeout * 1000)
            finally:
                os.close(end)
        if (code := self.poll()) is None:
            raise subprocess.TimeoutExpired("manage.py", timeout)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)
