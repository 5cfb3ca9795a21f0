"""The life of a process that was forked for one job: it calls the function under its time limit and tells what came of it.

It tells through a pipe, in one report of which its parent knows the form.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import struct
import traceback
from types import FrameType
from typing import NoReturn

from django.db import connections
from rq.job import Job, Retry

from allegro_queue.job_notes import notebook
from allegro_queue.orphans import end_with
from allegro_queue.output import flush_output
from allegro_queue.workers.time_limit import TimeLimit

UNTOLD = 70
"""Exit code of a child that could not tell what came of its job."""

HEAD = struct.Struct("!cQ")
"""How a report begins: its kind, and the number of bytes that follow."""

RETURNED, UNSERIALIZABLE, ASKED, RAISED = b"R", b"U", b"A", b"E"
"""Kinds of a report: the result, one that cannot be written down, a wish to be tried again, a traceback."""

Report = tuple[bytes, bytes]
"""Kind, and what follows."""

DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT)
"""Signals that are for the worker: whoever signals the whole tree of processes must not end a running job."""


def live_in_child(job: Job, timeout: int, mouth: int, parent: int) -> NoReturn:
    """All that the child does; it never returns."""
    code = UNTOLD
    try:
        end_with(parent, signal.SIGKILL)
        # A group of its own, so that what it starts can be killed with it.
        os.setpgid(0, 0)
        for number in DEAF_TO:
            # Not SIG_IGN, which the programs that a job starts would inherit.
            signal.signal(number, unheard)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*DEAF_TO, signal.SIGALRM})
        part_from_sockets()
        # The worker's own limit, which the master looks at, is not this process's to write.
        TimeLimit.told = None
        me = os.getpid()
        notebook.speak_through(mouth)
        kind, payload = report_of(job, timeout)
        if os.getpid() != me:
            # A job that forks returns twice.
            os._exit(0)
        connections.close_all()
        notebook.fall_silent()
        write_all(mouth, HEAD.pack(kind, len(payload)) + payload)
        code = 0
    finally:
        flush_output()
        os._exit(code)


def report_of(job: Job, timeout: int) -> Report:
    """Run the job and put into bytes what came of it."""
    try:
        with TimeLimit(timeout):
            result = job.perform()
    except BaseException as error:  # noqa: BLE001 - as RQ does: a job that exits has failed
        return RAISED, "".join(traceback.format_exception(error)).encode(errors="replace")
    if isinstance(result, Retry):
        asked = {"max": result.max, "intervals": result.intervals, "at_front": result.enqueue_at_front}
        return ASKED, json.dumps(asked).encode()
    try:
        return RETURNED, job.serializer.dumps(result)
    except Exception:  # noqa: BLE001 - whatever a serializer raises
        return UNSERIALIZABLE, b""


def unheard(number: int, frame: FrameType | None) -> None:
    """Handler of signals that are for the parent."""


def part_from_sockets() -> None:
    """Put nothing in the place of every socket that came from the parent: what is said on one of them would be heard in
    the parent's name. The numbers stay taken, so that closing one later closes nobody else's."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for name in os.listdir("/proc/self/fd" if os.path.isdir("/proc/self/fd") else "/dev/fd"):
        number = int(name)
        # The first three are where this process writes its output to.
        if number > 2 and is_socket(number):
            os.dup2(nothing, number, inheritable=False)
    os.close(nothing)


def is_socket(number: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False


def write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
