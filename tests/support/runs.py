"""Run records as a worker leaves them, with defaults for all that a test does not care about."""

from __future__ import annotations

import secrets
import time
from typing import Any

from redis import Redis

from allegro_queue.conf import horizon_settings
from allegro_queue.history.collector import Collector
from allegro_queue.stores import Stores
from allegro_queue.stores.run_record import RunRecord, decode_run

RUNS = "horizon:runs"

TRACEBACK = """Traceback (most recent call last):
  File "/venv/lib/python3.11/site-packages/rq/job.py", line 1388, in perform
    return self.func(*self.args)
  File "/srv/shop/orders/jobs.py", line 57, in pay
    charge(order)
ValueError: order 41 is closed
"""


def run_record(at: float, **given: Any) -> RunRecord:
    """A run that ended at this time: half a second of waiting, a quarter of work."""
    return RunRecord(
        **{
            "execution_id": secrets.token_hex(16),
            "job_id": secrets.token_hex(8),
            "name": "shop.orders.jobs.pay",
            "queue": "default",
            "worker": "web-1.4121.a1b2",
            "supervisor": "supervisor-1",
            "attempt": 1,
            "enqueued_at": at - 0.75,
            "started_at": at - 0.25,
            "ended_at": at,
            "outcome": "succeeded",
            **given,
        }
    )


def failed_record(at: float, **given: Any) -> RunRecord:
    """A run that failed."""
    return run_record(
        at, **{"outcome": "failed", "error": "ValueError: order 41 is closed", "traceback": TRACEBACK, **given}
    )


def add_runs(redis: Redis, *records: RunRecord) -> None:
    """Append records to the stream."""
    with redis.pipeline(transaction=False) as pipeline:
        for record in records:
            pipeline.xadd(RUNS, {"run": record.encode()})
        pipeline.execute()


def collected(stores: Stores, *records: RunRecord) -> None:
    """Append records, and have the collector count all there is."""
    add_runs(stores.client, *records)
    collector = Collector(stores, horizon_settings())
    while collector.look(time.time()).read:
        pass


def run_records(redis: Redis) -> list[RunRecord]:
    """The attempts that the stream tells of, the first first."""
    return [decode_run(values[b"run"].decode()) for _, values in redis.xrange(RUNS)]


def outcomes(redis: Redis) -> list[str]:
    """How they ended."""
    return [each.outcome for each in run_records(redis)]
