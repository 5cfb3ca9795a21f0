"""What a worker is at: the job that it runs, as itself sees it and as others are told."""

from __future__ import annotations

import time
from typing import NamedTuple

from rq.executions import Execution
from rq.job import Job
from rq.queue import Queue

from allegro_queue.stores.steps import MILLION, Taken


class Doing(NamedTuple):
    """What the worker is at, for its record."""

    state: str = "starting"
    job_id: str = ""
    job_name: str = ""
    job_queue: str = ""
    job_started_at: float = 0.0
    job_timeout: int = 0


class Attempt(NamedTuple):
    """A job that this worker runs."""

    taken: Taken
    job: Job
    queue: Queue
    execution: Execution
    began: float
    """By the clock that never jumps (``time.perf_counter``)."""

    def ended_us(self) -> int:
        """Now, on the clock that says when the job started: microseconds of the server's Unix time."""
        return self.taken.started_us + int((time.perf_counter() - self.began) * MILLION)
