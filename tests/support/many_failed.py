"""Very many failed jobs, written as RQ files them, some thousands at a time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import uuid4

from redis import Redis

from allegro_queue.arguments import payload

AT_ONCE = 2_000
FORM = "%Y-%m-%dT%H:%M:%S.%fZ"


def many_failed(
    redis: Redis, number: int, at: float, name: str = "tests.support.jobs.add", queue: str = "default"
) -> None:
    """So many failed jobs of one function; the n-th failed n milliseconds after ``at``."""
    data = payload(name, json.dumps([[1, 2], {}]))
    redis.sadd("rq:queues", f"rq:queue:{queue}")
    for start in range(0, number, AT_ONCE):
        with redis.pipeline(transaction=False) as pipeline:
            for place in range(start, min(start + AT_ONCE, number)):
                job_id = str(uuid4())
                ended = at + place / 1000
                moment = datetime.fromtimestamp(ended, UTC).strftime(FORM)
                pipeline.hset(
                    f"rq:job:{job_id}",
                    mapping={
                        "data": data,
                        "description": name,
                        "origin": queue,
                        "status": "failed",
                        "created_at": moment,
                        "enqueued_at": moment,
                        "started_at": moment,
                        "ended_at": moment,
                        "worker_name": "",
                        "timeout": "60",
                        "result_ttl": "3600",
                        "failure_ttl": "604800",
                    },
                )
                pipeline.zadd(f"rq:failed:{queue}", {job_id: ended + 604_800})
            pipeline.execute()
