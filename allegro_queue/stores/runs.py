"""Where run records go: one bounded stream. A plain job's is written by the worker's step (``steps.py``)."""

from __future__ import annotations

from redis.client import Pipeline
from rq.job import Job

from allegro_queue.jobs import ATTEMPT_FIELD
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.run_record import RunRecord

RUN_FIELD = "run"
"""The one field of each entry."""


class RunStore:
    """Writes run records."""

    def __init__(self, keys: Keys, kept: int) -> None:
        """
        Args:
            kept: entries that the stream holds, about.
        """
        self.key = keys.runs
        self.kept = kept

    def add(self, run: RunRecord, pipeline: Pipeline) -> None:
        """Note one ended attempt, in the transaction that files it: exactly once, however often that is tried."""
        pipeline.xadd(self.key, {RUN_FIELD: run.encode()}, maxlen=self.kept, approximate=True)
        if run.outcome == "retried":
            pipeline.hset(Job.key_for(run.job_id), ATTEMPT_FIELD, str(run.attempt + 1))
