"""Running a job in a process of its own, forked for it. Only the worker, its parent, files what became of it.

The child calls the function under its time limit and tells through a pipe what came of it. What it never tells, by
dying or by leaving, is a failure that names how it ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections
from rq.job import Job, Retry

from allegro_queue.endings import killed_by
from allegro_queue.job_notes import NOTE_KIND, notebook
from allegro_queue.output import flush_output
from allegro_queue.workers.isolated_child import ASKED, DEAF_TO, HEAD, RAISED, UNSERIALIZABLE, Report, live_in_child
from allegro_queue.workers.time_limit import JobInterrupted, TimeLimit, TimeLimitExceeded

HEED_SECONDS = 2.0
"""Seconds past its limit, or past being told to stop, after which a child is killed."""

LINGER_SECONDS = 2.0
"""Seconds that a child may take to end once it has told what came of its job."""

LOOK_MS = 200


class FailedInChild(Exception):
    """The job raised in its own process; the text is the traceback from there."""


TOLD_BY_CHILD = f"{FailedInChild.__module__}.{FailedInChild.__qualname__}: "
"""What RQ puts before the text of such an exception."""


class ProcessLost(Exception):
    """The job's process ended before it had told what came of the job."""


class NoJson:
    """Stands for a result that could not be written down; it cannot be written down either."""


def run_isolated(job: Job, timeout: int) -> Any:
    """Call the job's function in a process of its own; what it returned.

    Args:
        timeout: seconds that it may run; 0 or less for no limit.

    Raises:
        FailedInChild: it raised there.
        ProcessLost: the process died, or left without a word.
        TimeLimitExceeded: it paid no heed to the alarm at its limit.
        JobInterrupted: it was stopped.
    """
    # An open connection to a database must have one owner.
    connections.close_all()
    child: ChildJob | None = None
    try:
        with TimeLimit(timeout + int(HEED_SECONDS) if timeout > 0 else 0):
            with deaf():
                child = ChildJob(job, timeout)
            kind, payload = child.report()
    except TimeLimitExceeded:
        raise TimeLimitExceeded(
            f"The job ran longer than its limit of {timeout} seconds and paid no heed to the alarm, "
            "so its process was killed."
        ) from None
    except JobInterrupted:
        if child is not None:
            child.interrupt()
        raise
    finally:
        if child is not None:
            child.end()
    return outcome_of(job, kind, payload)


def outcome_of(job: Job, kind: bytes, payload: bytes) -> Any:
    """What a report says: the result, or the exception."""
    if kind == RAISED:
        raise FailedInChild(payload.decode())
    if kind == ASKED:
        asked = json.loads(payload)
        return Retry(asked["max"], asked["intervals"], asked["at_front"])
    return NoJson() if kind == UNSERIALIZABLE else job.serializer.loads(payload)


@contextmanager
def deaf() -> Iterator[None]:
    """Put signals off while the child is made: it starts without the handlers that would misunderstand them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*DEAF_TO, signal.SIGALRM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class ChildJob:
    """The parent's handle on the process of one job."""

    def __init__(self, job: Job, timeout: int) -> None:
        self._ears, mouth = os.pipe()
        parent = os.getpid()
        flush_output()
        with warnings.catch_warnings():
            # Python warns where other threads run. Here they only beat and listen, and the child needs nothing of theirs.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if self.pid == 0:
            os.close(self._ears)
            live_in_child(job, timeout, mouth, parent)
        os.close(mouth)
        os.set_blocking(self._ears, False)
        self._status: int | None = None
        self._heard = bytearray()
        self._has_more = True
        with contextlib.suppress(OSError):
            os.setpgid(self.pid, self.pid)
        try:
            self._death = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            self._death = -1

    def report(self) -> Report:
        """What it tells, as soon as it has told it all.

        Raises:
            ProcessLost: it ended before.
        """
        while True:
            ended = self.has_ended()
            self._listen()
            if (report := self._whole_report()) is not None:
                return report
            if ended:
                assert self._status is not None
                raise ProcessLost(lost(self._status))
            self._wait(LOOK_MS)

    def has_ended(self) -> bool:
        """Whether the process is gone; it is reaped then."""
        self._reap(os.WNOHANG)
        return self._status is not None

    def _reap(self, how: int) -> None:
        if self._status is not None:
            return
        try:
            pid, status = os.waitpid(self.pid, how)
        except ChildProcessError:
            # An alarm came when it was reaped and its status not yet noted. Whoever waited for that was told by the alarm.
            pid, status = self.pid, 0
        if pid:
            self._status = status

    def interrupt(self) -> None:
        """Have the job stopped: first by an exception in it, then, unheeded, by the end of its process."""
        self._send(signal.SIGALRM)
        self._wait_for_end(HEED_SECONDS)

    def end(self) -> None:
        """See that the process is gone and what it has started in its own group with it, unless it ended well."""
        if self._whole_report() is not None:
            self._wait_for_end(LINGER_SECONDS)
        if not self.has_ended():
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
            self._send(signal.SIGKILL)
            self._reap(0)
        os.close(self._ears)
        if self._death >= 0:
            os.close(self._death)

    def _send(self, number: signal.Signals) -> None:
        # Until it is reaped its id cannot be another's.
        if not self.has_ended():
            os.kill(self.pid, number)

    def _wait_for_end(self, seconds: float) -> None:
        """Wait for its end; what it still says is heard, so that it is not held up saying it."""
        deadline = time.monotonic() + seconds
        while not self.has_ended() and time.monotonic() < deadline:
            self._listen()
            self._wait(20)

    def _wait(self, milliseconds: int) -> None:
        """Rest until it says something, ends, or the time is up."""
        poll = select.poll()
        if self._has_more:
            poll.register(self._ears, select.POLLIN)
        if self._death >= 0:
            poll.register(self._death, select.POLLIN)
        poll.poll(milliseconds)

    def _listen(self) -> None:
        """Take what it has said so far; what it said of its progress goes into the notebook."""
        try:
            while said := os.read(self._ears, 1 << 20):
                self._heard += said
                self._take_notes()
            self._has_more = False
        except BlockingIOError:
            return

    def _take_notes(self) -> None:
        while self._heard[:1] == NOTE_KIND and len(self._heard) >= HEAD.size:
            _, size = HEAD.unpack_from(self._heard)
            if len(self._heard) < HEAD.size + size:
                return
            notebook.hear(bytes(self._heard[HEAD.size : HEAD.size + size]))
            del self._heard[: HEAD.size + size]

    def _whole_report(self) -> Report | None:
        if len(self._heard) < HEAD.size or self._heard[:1] == NOTE_KIND:
            return None
        kind, size = HEAD.unpack_from(self._heard)
        if len(self._heard) < HEAD.size + size:
            return None
        return kind, bytes(self._heard[HEAD.size : HEAD.size + size])


def lost(status: int) -> str:
    """How a process ended that had told nothing, by its wait status."""
    if os.WIFSIGNALED(status):
        return f"the job's process {killed_by(os.WTERMSIG(status))}"
    return f"the job's process left with exit code {os.WEXITSTATUS(status)} before the job had returned"
