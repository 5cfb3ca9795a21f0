"""The jobs of the benchmarks."""

from __future__ import annotations

import time

from rq import get_current_job


def nothing() -> None:
    """Returns at once."""


def take(number: int) -> None:
    """Returns at once, whatever it is given."""


def say_when() -> None:
    """Say when it began to run."""
    now = time.time()
    job = get_current_job()
    assert job is not None
    job.connection.rpush("bench:woke", repr(now))
