"""What jobs did, written outside Redis: a file that processes only append to, one line when a job starts and one when it ends."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from rq import get_current_job
from rq.job import Job

from allegro_queue.workers.time_limit import TimeLimit


@dataclass(frozen=True, slots=True)
class Run:
    """One attempt of one job, as the job itself told it."""

    job_id: str
    execution_id: str
    """Empty when the worker does not tell."""
    pid: int
    started_at: float
    """By the clock that never jumps and that all processes of a host share."""
    ended_at: float | None
    """``None`` when it never came to its end."""
    queue: str


@contextmanager
def written_down(ledger: str) -> Iterator[None]:
    """Around what a job does: its first line and its last. One that raises, or is killed, has no last line."""
    job = get_current_job()
    assert job is not None
    file = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        write(file, "start", job)
        yield
        write(file, "end", job)
    finally:
        os.close(file)


def write(file: int, what: str, job: Job) -> None:
    execution = TimeLimit.told.execution_id if TimeLimit.told is not None else ""
    # One write of a short line to a file opened for appending is never mixed with another's.
    os.write(
        file, f"{what} {job.id} {execution or '-'} {os.getpid()} {time.monotonic()!r} {quote(job.origin)}\n".encode()
    )


def read_ledger(path: Path) -> dict[str, list[Run]]:
    """Every attempt of every job, by the job's id, in the order of their starts."""
    runs: dict[str, list[Run]] = defaultdict(list)
    if not path.exists():
        return runs
    for line in path.read_text().splitlines():
        what, job_id, execution, pid, moment, queue = line.split(" ")
        if what == "start":
            runs[job_id].append(
                Run(job_id, execution if execution != "-" else "", int(pid), float(moment), None, queue)
            )
            continue
        for place in reversed(range(len(runs[job_id]))):
            run = runs[job_id][place]
            if run.pid == int(pid) and run.ended_at is None:
                runs[job_id][place] = Run(run.job_id, run.execution_id, run.pid, run.started_at, float(moment), queue)
                break
    return runs
