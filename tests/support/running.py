"""Real processes of this project as context managers; what they print is in the failure message."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

MANAGE = Path(__file__).resolve().parent.parent.parent / "manage.py"


class Running:
    """One ``manage.py`` process."""

    def __init__(self, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
        self._process = process
        self._output = output
        self.pid = process.pid

    def said(self) -> str:
        """All that it has printed so far."""
        self._output.flush()
        return os.pread(self._output.fileno(), 10_000_000, 0).decode()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def wait(self, within: float = 10) -> int:
        """Its exit code, once it has ended."""
        try:
            return self._process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within} s\n{self.said()}") from None


@contextmanager
def running(*arguments: str, **environment: str) -> Iterator[Running]:
    """``manage.py`` with these arguments, in a session of its own; killed at the end if it has not left.

    ``horizon`` runs without the project's schedule unless other settings are named.
    """
    if arguments[0] == "horizon":
        environment.setdefault("DJANGO_SETTINGS_MODULE", "tests.support.unscheduled")
    with TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, MANAGE, *arguments],
            env={**os.environ, **environment},
            cwd=MANAGE.parent,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield Running(process, output)
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``manage.py`` with these arguments, run to its end."""
    return subprocess.run(
        [sys.executable, MANAGE, *arguments],
        env={**os.environ, **environment},
        cwd=MANAGE.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
