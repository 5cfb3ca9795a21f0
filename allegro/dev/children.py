"""The programs that ``dev`` runs side by side: started, started again when the code changes, asked to leave."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from allegro.dev.output import MergedLog
from allegro.dev.processes import start_leashed

HURRY_SECONDS = 10
"""Seconds that a program gets to leave once it was hurried."""
EDIT_SECONDS = 10
"""A program that ends this soon after a change of the code fell over the change."""
LAST_LINES_SECONDS = 5
"""Seconds to wait for the last lines of a program that has ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """What to run, and how long it may take to leave."""

    name: str

    command: tuple[str, ...]

    grace: float
    """Seconds between asking it to leave and killing it."""

    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables over those of ``dev`` itself."""

    needs_pages: bool = False
    """Whether it calls the pages from its first moment, so that it is started once they can be opened."""


class Child:
    """One program, running or not. Nothing here waits but ``drain()``; ``now`` is monotonic."""

    def __init__(self, program: Program, log: MergedLog) -> None:
        self.program = program
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._kill_at = math.inf
        self._starts_again = False
        self._forgiven_until = -math.inf

    def start(self) -> None:
        """Run the program."""
        self._kill_at = math.inf
        self._starts_again = False
        self._process = start_leashed(
            self.program.command, output=subprocess.PIPE, environment=self.program.environment
        )
        assert self._process.stdout is not None
        self._reader = self._log.follow(self.program.name, self._process.stdout)

    @property
    def was_started(self) -> bool:
        return self._process is not None

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def has_died(self) -> bool:
        """Whether it ended though nobody asked it to."""
        return self._process is not None and not self.is_alive and self._kill_at == math.inf

    def fell_over_a_change(self, now: float) -> bool:
        """Whether it ended so soon after a change of the code that the next change may mend it."""
        return self.has_died and now < self._forgiven_until

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        assert self._process is not None
        code = self._process.returncode
        return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"

    def terminate(self, now: float) -> None:
        """Ask it to finish what it does and leave."""
        self._starts_again = False
        self._kill_at = min(self._kill_at, now + self.program.grace)
        if self.is_alive:
            self._send(signal.SIGTERM)
        else:
            self._send_to_session(signal.SIGTERM)

    def hurry(self, now: float) -> None:
        """Ask once more, which means: leave at once."""
        self._kill_at = min(self._kill_at, now + HURRY_SECONDS)
        self._send(signal.SIGTERM)

    def reload(self, now: float) -> None:
        """Start it afresh, as soon as it has left."""
        if self.is_alive and self._kill_at == math.inf:
            self.terminate(now)
        self._starts_again = True

    def tick(self, now: float) -> None:
        """Kill it, with whatever it started, if it should have left by now; start it again if that is due."""
        if self.is_alive:
            if now >= self._kill_at:
                self._send_to_session(signal.SIGKILL)
        elif self._starts_again:
            self.start()
            self._forgiven_until = now + EDIT_SECONDS

    def drain(self) -> None:
        """Wait for its last lines."""
        if self._reader is not None:
            self._reader.join(timeout=LAST_LINES_SECONDS)

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _send_to_session(self, number: signal.Signals) -> None:
        """To the program and what it started; also reaches what a dead program left behind."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
