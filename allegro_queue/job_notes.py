"""What a running job says of itself: its progress, and what it logs. Collected in its process, masked and bounded there.

A job costs nothing by it that says nothing. Nothing here waits for Redis: whoever runs the job sends on what was collected,
about once a second and at the job's end. A job in a process of its own says it to its worker through their pipe.
"""

from __future__ import annotations

import json
import logging
import math
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from allegro_queue.masking import masked

EVERY_SECONDS = 1.0
"""Least time between two calls for somebody to send on what was collected."""

LONGEST_LINE = 900
"""Characters of one log line; of a longer one its beginning and its end."""

LONGEST_MASKED = 10_000
"""Characters of a line that are looked through for secrets. What is cut off there is far from what is kept."""

LONGEST_NOTE = 200

NOT_THE_JOBS = ("allegro_queue", "rq")
"""Loggers of the machinery: what they say is not the job's."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a job says it is."""

    done: float
    total: float | None
    """``None``: it does not know."""
    note: str
    at: float
    """Unix time at which it said so."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogLine:
    """One line that a job logged."""

    at: float
    level: str
    logger: str
    attempt: int
    words: str

    def encode(self) -> str:
        """As it is kept."""
        return json.dumps([self.at, self.level, self.logger, self.attempt, self.words], separators=(",", ":"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What one job has said since it was asked last."""

    job_id: str
    progress: Progress | None
    lines: tuple[LogLine, ...]
    left_out: int
    """Lines that there were too many of in between."""


class Notebook:
    """Collects what the one job says that runs in this process. Safe from any thread, and without a lock: a time limit is
    raised into the job anywhere, and must not leave one behind."""

    def __init__(self) -> None:
        self.wake: Callable[[], object] = lambda: None
        """Told, about once a second at most, that there is something to send on; must not block."""
        self.keeps = 200
        """Log lines that are kept between two times; 0: none is."""
        self._job_id = ""
        self._attempt = 1
        self._progress: tuple[str, Progress] | None = None
        self._sent: tuple[str, Progress] | None = None
        self._lines: deque[tuple[str, LogLine]] = deque()
        self._left_out = 0
        self._woken_at = -math.inf
        self._pipe: Pipe | None = None

    def begin(self, job_id: str, attempt: int) -> None:
        """From here on this job is the one that speaks."""
        self._job_id, self._attempt = job_id, attempt

    def end(self) -> None:
        """No job speaks any more. What was collected stays to be taken."""
        self._job_id = ""

    @property
    def is_open(self) -> bool:
        """Whether a job runs that may speak."""
        return bool(self._job_id)

    def speak_through(self, file: int) -> None:
        """Write to this pipe instead of collecting; in the process of an isolated job alone."""
        self._pipe = Pipe(file)

    def fall_silent(self) -> None:
        """Say nothing more: what follows on the pipe is the job's end."""
        self._job_id = ""
        if self._pipe is not None:
            self._pipe.close()

    def note_progress(self, progress: Progress) -> None:
        """The job says how far it is; what it said before is forgotten."""
        if not self._job_id:
            return
        if self._pipe is not None:
            self._pipe.say({"progress": [progress.done, progress.total, progress.note, progress.at]})
            return
        self._progress = self._job_id, progress
        self._call()

    def note_line(self, line: LogLine) -> None:
        """The job logs a line."""
        if not self._job_id or not self.keeps:
            return
        if self._pipe is not None:
            self._pipe.say({"line": [line.at, line.level, line.logger, line.words]})
            return
        if len(self._lines) >= self.keeps:
            with suppress(IndexError):
                self._lines.popleft()
            self._left_out += 1
        self._lines.append((self._job_id, replace(line, attempt=self._attempt)))
        self._call()

    def hear(self, message: bytes) -> None:
        """What an isolated job said through its pipe."""
        said = json.loads(message)
        if "progress" in said:
            done, total, note, at = said["progress"]
            self.note_progress(Progress(done=done, total=total, note=note, at=at))
        else:
            at, level, logger, words = said["line"]
            self.note_line(LogLine(at=at, level=level, logger=logger, attempt=1, words=words))

    def take(self, job_id: str) -> Said | None:
        """What this job has said since the last time, or nothing."""
        if self._progress is self._sent and not self._lines:
            return None
        progress = self._progress
        is_new = progress is not None and progress is not self._sent and progress[0] == job_id
        if is_new:
            self._sent = progress
        lines: list[LogLine] = []
        with suppress(IndexError):
            while self._lines[0][0] == job_id:
                lines.append(self._lines.popleft()[1])
        left_out, self._left_out = self._left_out, 0
        if not (is_new or lines):
            return None
        return Said(
            job_id=job_id,
            progress=progress[1] if is_new and progress is not None else None,
            lines=tuple(lines),
            left_out=left_out,
        )

    def _call(self) -> None:
        now = time.monotonic()
        if now - self._woken_at >= EVERY_SECONDS:
            self._woken_at = now
            self.wake()


class Pipe:
    """The way from an isolated job to its worker. One message is one write, which a pipe takes whole or not at all, so that
    a time limit cannot cut it in two."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._owner = os.getpid()
        self._lock = threading.Lock()

    def say(self, message: dict[str, object]) -> None:
        """Send one message. A process that the job has started itself says nothing: its words could fall into the job's
        last ones."""
        words = framed(json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode(errors="replace"))
        if os.getpid() != self._owner or len(words) > ATOMIC_BYTES or not self._lock.acquire(timeout=1):
            return
        try:
            if self._file >= 0:
                os.write(self._file, words)
        finally:
            self._lock.release()

    def close(self) -> None:
        """Whoever is about to send something finishes first; a lock that a time limit left behind holds up nobody."""
        held = self._lock.acquire(timeout=1)
        self._file = -1
        if held:
            self._lock.release()


ATOMIC_BYTES = 4096
"""So many bytes at least a pipe takes in one piece (POSIX says 512; Linux 4,096, and it is the usual number)."""

NOTE_KIND = b"N"


def framed(message: bytes) -> bytes:
    """A message as it goes through the pipe of an isolated job (``workers/isolation.py``)."""
    return NOTE_KIND + len(message).to_bytes(8, "big") + message


notebook = Notebook()
"""This process's."""


class LogCapture(logging.Handler):
    """Puts what a job logs into the notebook, masked."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)

    def emit(self, record: logging.LogRecord) -> None:
        if not notebook.is_open or record.name.partition(".")[0] in NOT_THE_JOBS:
            return
        try:
            words = self.format(record)
        except Exception:  # noqa: BLE001 - a line whose arguments do not fit; logging itself says so where it is shown
            words = f"{record.msg!s} (its arguments do not fit)"
        notebook.note_line(
            LogLine(
                at=record.created,
                level=record.levelname[:20],
                logger=record.name[:100],
                attempt=1,
                words=shortened(masked(shortened(words, LONGEST_MASKED)), LONGEST_LINE),
            )
        )


def shortened(words: str, most: int) -> str:
    """A line's beginning and its end, where the fault stands."""
    words = words.replace("\x00", "")
    if len(words) <= most:
        return words
    half = most // 2
    return f"{words[:half]} … {words[-half:]}"


def capture_logs() -> logging.Handler:
    """Have what jobs log go into the notebook, in this process; the handler, to be taken away again."""
    capture = LogCapture()
    logging.getLogger().addHandler(capture)
    return capture


def report_progress(done: float, total: float | None = None, note: str = "") -> None:
    """Say how far the running job is; its page shows it. Outside of a job nothing happens.

    As cheap as setting a variable: call it as often as you like. What was said last is sent about once a second, and at
    the job's end.

    Args:
        done: how much is done: a number that is not negative.
        total: how much there is; ``None``: nobody knows.
        note: a few words, for people; masked as all that pages show.

    Raises:
        ValueError: a number is negative, or no number.
    """
    for name, number in (("done", done), ("total", total)):
        if number is None and name == "total":
            continue
        is_number = isinstance(number, int | float) and not isinstance(number, bool)
        if not is_number or not math.isfinite(float(number or 0)) or float(number or 0) < 0:
            raise ValueError(f"report_progress was given {name} = {number!r}; it must be a number from 0 on.")
    if notebook.is_open:
        progress = Progress(
            done=done, total=total, note=masked(str(note)[:LONGEST_MASKED])[:LONGEST_NOTE], at=time.time()
        )
        notebook.note_progress(progress)
