"""Real processes of this project as context managers; what they print is in the failure message."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from tempfile import TemporaryFile
from typing import IO

from tests.support.nursed import ROOT, Nursed

MANAGE = ROOT / "manage.py"

Process = Nursed | subprocess.Popen[bytes]

READ_EARLY = ("LD_", "PYTHON", "RQ_")
"""Starts of variables that are read before a program's first line, or when a library is loaded: a nursery is past that."""


class Running:
    """One ``manage.py`` process."""

    def __init__(self, process: Process, output: IO[bytes]) -> None:
        self._process = process
        self._output = output
        self.pid = process.pid

    def said(self) -> str:
        """All that it has printed so far."""
        self._output.flush()
        return os.pread(self._output.fileno(), 10_000_000, 0).decode()

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def kill_one(self, pid: int) -> None:
        """Kill a process of its session; nothing, if the number is nobody's, or by now another's."""
        with suppress(ProcessLookupError):
            if os.getsid(pid) == self.pid:
                os.kill(pid, signal.SIGKILL)

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def wait(self, within: float = 30) -> int:
        """Its exit code, once it has ended."""
        try:
            return self._process.wait(timeout=within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running after {within} s\n{self.said()}") from None


def start(
    arguments: tuple[str, ...],
    environment: Mapping[str, str],
    output: IO[bytes],
    errors: IO[bytes],
    *,
    from_scratch: bool = False,
) -> Process:
    """``manage.py`` with these arguments in this environment, in a session of its own."""
    command = [str(MANAGE), *arguments]
    early = {name: value for name, value in environment.items() if name.startswith(READ_EARLY)}
    with open(os.devnull) as nothing:
        if from_scratch or any(os.environ.get(name) != value for name, value in early.items()):
            return subprocess.Popen(
                [sys.executable, *command],
                env=environment,
                cwd=ROOT,
                stdin=nothing,
                stdout=output,
                stderr=errors,
                start_new_session=True,
            )
        files = (nothing.fileno(), output.fileno(), errors.fileno())
        return Nursed(command, environment, files)


@contextmanager
def running(*arguments: str, from_scratch: bool = False, **environment: str) -> Iterator[Running]:
    """``manage.py`` with these arguments; killed at the end if it has not left.

    ``horizon`` runs without the project's schedule unless other settings are named.

    Args:
        from_scratch: whether it shares no memory with processes of the tests.
    """
    if arguments[0] == "horizon":
        environment.setdefault("DJANGO_SETTINGS_MODULE", "tests.support.unscheduled")
    with TemporaryFile() as output:
        process = start(arguments, {**os.environ, **environment}, output, output, from_scratch=from_scratch)
        try:
            yield Running(process, output)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(timeout=10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait(timeout=10)


def manage(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``manage.py`` with these arguments, run to its end."""
    return manage_in({**os.environ, **environment}, *arguments)


def manage_in(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """The same with nothing in its environment but this."""
    with TemporaryFile() as output, TemporaryFile() as errors:
        process = start(arguments, environment, output, errors)
        try:
            code = process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(timeout=10)
            raise
        said, complained = (os.pread(each.fileno(), 10_000_000, 0).decode() for each in (output, errors))
    return subprocess.CompletedProcess([MANAGE, *arguments], code, said, complained)
