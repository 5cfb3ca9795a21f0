"""Real jobs in real states: queued through RQ and run by RQ's own worker in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from redis import Redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from rq.timeouts import TimerDeathPenalty

from allegro_queue.jobs import HorizonJob
from allegro_queue.queues import get_queue


class InProcessWorker(SimpleWorker):
    """Runs jobs in this process; time limits without signals, so that it also works outside the main thread."""

    death_penalty_class = TimerDeathPenalty


def queued(function: Callable[..., Any] | str, *args: Any, queue: str = "default", **options: Any) -> str:
    """Put a call on a queue as the dispatcher does; the job's id. ``options`` go to RQ."""
    name = function if isinstance(function, str) else f"{function.__module__}.{function.__qualname__}"
    options = {"description": name, "timeout": 60, "failure_ttl": 3600, "result_ttl": 3600, **options}
    return get_queue(queue).enqueue_call(name, args=args, **options).id


def run_all(redis: Redis, *queues: str) -> None:
    """Run every waiting job."""
    names = queues or ("high", "default", "audience-sync")
    worker = InProcessWorker(
        [get_queue(name) for name in names], connection=redis, job_class=HorizonJob, serializer=JSONSerializer
    )
    worker.work(burst=True, logging_level="ERROR", with_scheduler=False)


def failed(redis: Redis, function: Callable[..., Any] | str, *args: Any, **options: Any) -> str:
    """A job that was run and failed; its id."""
    job_id = queued(function, *args, **options)
    run_all(redis)
    return job_id
