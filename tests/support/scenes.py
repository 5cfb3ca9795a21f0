"""Whole situations written into the stores, as living processes would have left them."""

from __future__ import annotations

import random

from rq.job import Job
from rq.results import Result

from allegro_queue.queues import get_queue
from allegro_queue.scheduling.install import declared_entries
from allegro_queue.stores import Stores
from allegro_queue.stores.schedule import SCHEDULED
from tests.support import records
from tests.support.jobs import add, fail
from tests.support.runs import collected, failed_record, run_record


def quiet_system(stores: Stores, now: float) -> None:
    """One Horizon process with an idle worker and a scheduler; an hour of regular work behind it."""
    stores.masters.write(records.master(now))
    stores.workers.write(records.worker(now))
    stores.schedulers.lead("of-the-scene", records.scheduler(now))
    # The scene stands still: nothing in it ends by itself while a test looks at it.
    stores.client.persist(stores.keys.scheduler_lease)
    plan_entries(stores, now)
    last_hour(stores, now)


def plan_entries(stores: Stores, now: float, next_in: float = 120.0) -> None:
    """The entries of the settings ran three minutes ago and are due in a while."""
    for name in (entry.name for entry in declared_entries()):
        stores.client.zadd(SCHEDULED, {f"cron-{name}": int(now + next_in)})
        records.entry_run(stores, name, now - 180, job_id=f"run-{name}")


def last_hour(stores: Stores, now: float) -> None:
    """Runs in each minute, and a snapshot."""
    luck = random.Random(7)
    runs = []
    for minute in range(60):
        at = now - 60 * minute
        lengths = {"high": 0, "default": luck.randrange(3), "audience-sync": max(0, 330 - 110 * (minute % 5))}
        stores.metrics.sample_waiting(lengths, at)
        for queue, most in (("high", 4), ("default", 6), ("audience-sync", 9)):
            for _ in range(luck.randrange(1, most)):
                runs.append(run_record(at, queue=queue))
        if minute % 17 == 4:
            runs.append(failed_record(at, queue="default"))
    collected(stores, *runs)
    stores.metrics.finish_snapshot(now - 180)


def busy_system(stores: Stores, now: float) -> None:
    """Two hosts with five workers each, a backlog, failures, a worker that died."""
    quiet_system(stores, now)
    stores.workers.remove("web-1-4121")
    work = [
        ("allegro.magic_links.jobs.send_magic_link", "high", 0.4, 60),
        ("allegro.webhooks.jobs.deliver", "default", 41.0, 60),
        ("allegro.audience.jobs.sync_member", "audience-sync", 1.1, 120),
        ("allegro.audience.jobs.sync_member", "audience-sync", 113.0, 120),
        ("", "", 0.0, 0),
    ]
    for host, first in (("web-1", 4121), ("web-2", 2988)):
        names = [f"{host}-{first + place}" for place in range(5)]
        for place, (job, queue, age, limit) in enumerate(work):
            stores.workers.write(
                records.worker(
                    now,
                    name=names[place],
                    host=host,
                    pid=first + place,
                    master=f"{host}-4102",
                    state="busy" if job else "idle",
                    job_id=f"job-{host}-{place}" if job else "",
                    job_name=job,
                    job_queue=queue,
                    job_started_at=now - age,
                    job_timeout=limit,
                    done=2300 - 17 * place,
                    failed=place % 3,
                    memory_bytes=61_000_000 + 1_000_000 * place,
                )
            )
        stores.masters.write(
            records.master(
                now,
                name=f"{host}-4102",
                host=host,
                environment="production",
                supervisors=(records.supervisor(wanted=5, workers=tuple(names)),),
            )
        )
    stores.workers.add_lost(
        records.lost(now, job_id="job-lost", job_name="allegro.audience.jobs.sync_member", outcome="failed")
    )
    backlog(stores, "audience-sync", 24)
    backlog(stores, "default", 3)
    for number in range(3):
        failed_job(stores, now - 90 * number)


def backlog(stores: Stores, queue: str, count: int) -> list[str]:
    """Jobs that wait."""
    line = get_queue(queue, stores.client)
    return [line.enqueue_call(add, args=(1, 2)).id for _ in range(count)]


def failed_job(stores: Stores, at: float, error: str = "ValueError: as asked", queue: str = "default") -> str:
    """One job that failed, as RQ files it."""
    line = get_queue(queue, stores.client)
    job = line.enqueue_call(fail, description="tests.support.jobs.fail")
    stores.client.lrem(line.key, 1, job.id)
    traceback = f'Traceback (most recent call last):\n  File "jobs.py", line 1, in fail\n{error}'
    job.set_status("failed")
    iso = Job.fetch(job.id, connection=stores.client).enqueued_at
    assert iso is not None
    stores.client.hset(job.key, mapping={"ended_at": iso.strftime("%Y-%m-%dT%H:%M:%S.%fZ")})
    stores.client.zadd(line.failed_job_registry.key, {job.id: at + 7 * 86_400})
    Result.create_failure(job, ttl=3600, exc_string=traceback)
    return str(job.id)
