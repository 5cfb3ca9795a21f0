"""Working queues off in this process, for tests that are about jobs and not about workers."""

from __future__ import annotations

from redis import Redis
from rq import SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from allegro.horizon import QUEUES
from allegro_queue.jobs import HorizonJob
from allegro_queue.queues import get_queue
from allegro_queue.workers.worker import HorizonWorker


def work_off(redis: Redis, queues: list[str] = QUEUES) -> list[Job]:
    """Run everything queued, in strict order, and what these jobs queue in turn.

    Returns:
        The jobs that failed.
    """
    lines = [get_queue(name, redis) for name in queues]
    SimpleWorker(lines, connection=redis, job_class=HorizonJob, serializer=JSONSerializer).work(burst=True)
    return [
        HorizonJob.fetch(job_id, connection=redis)
        for line in lines
        for job_id in line.failed_job_registry.get_job_ids()
    ]


def work_off_with_terms(redis: Redis, queues: list[str] = QUEUES) -> list[Job]:
    """The same by a worker of ours, which keeps what jobs ask for: one at a time, so often, for whom."""
    lines = [get_queue(name, redis) for name in queues]
    HorizonWorker(lines, connection=redis).work(burst=True)
    return [
        HorizonJob.fetch(job_id, connection=redis)
        for line in lines
        for job_id in line.failed_job_registry.get_job_ids()
    ]


def queued(redis: Redis, queue: str) -> list[tuple[str, tuple[object, ...]]]:
    """Name and arguments of each job in a queue, first to be taken first."""
    return [(str(job.func_name), tuple(job.args)) for job in get_queue(queue, redis).get_jobs()]
