"""How the product that ``bench/pictures.py`` shows stands: batches, jobs that wait and run, and its processes at work."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from picture_calls import DELIVER, SEND, SYNC, WARM, Kind, described, queued, taken
from picture_past import NEW
from rq.job import JobStatus

from allegro.audience.jobs import prewarm_profile
from allegro.dev.demo_jobs import stumble
from allegro_queue.alerts import book
from allegro_queue.batches import batch
from allegro_queue.queues import get_queue
from allegro_queue.workers.worker import HorizonWorker
from tests.support import records
from tests.support.many_failed import FORM

HOSTS = {"web-1": 4121, "web-2": 2988}
"""Hosts, and the pid of the first worker of each."""

IN_HAND = ((SEND, 0.2), (DELIVER, 1.4), (SYNC, 0.8), (SYNC, 71.0), (WARM, 0.1))
"""What the five workers of a host work on, and since how many seconds. While jobs wait, none of them is at rest."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AtWork:
    """A worker, and the job that it has."""

    host: str
    place: int
    kind: Kind
    age: float
    job_id: str

    @property
    def pid(self) -> int:
        return HOSTS[self.host] + self.place

    @property
    def name(self) -> str:
        return f"{self.host}-{self.pid}"


def batches(stores: Any) -> str:
    """One that is done, one that is half done; the id of the latter."""

    def work(count: int) -> None:
        lines = [get_queue(name, stores.client) for name in ("default", "high")]
        HorizonWorker(lines, connection=stores.client).work(burst=True, max_jobs=count, logging_level="ERROR")

    with batch("Profiles of City News") as first:
        first.add_many(prewarm_profile, [(str(uuid4()),) for _ in range(8)])
    work(8)
    with batch("Profiles of Harbour Times", allow_failures=True) as second:
        second.add_many(stumble, [(1,)])
        second.add_many(prewarm_profile, [(str(uuid4()),) for _ in range(19)])
    work(13)
    return second.id


def waiting(stores: Any) -> None:
    """Jobs that wait: syncs of the last tick, and some deliveries."""
    luck = random.Random(5)
    for kind, count in ((SYNC, 84), (DELIVER, 3)):
        for _ in range(count):
            queued(stores, kind, described(kind, luck))


def running(stores: Any, now: float) -> list[AtWork]:
    """Jobs that run, one for each worker, as RQ files them."""
    luck = random.Random(9)
    found = []
    for shift, host in enumerate(HOSTS):
        for place in range(len(IN_HAND)):
            kind, age = IN_HAND[(place + 2 * shift) % len(IN_HAND)]
            job = taken(stores, kind, described(kind, luck))
            job.set_status(JobStatus.STARTED)
            # The scene stands still: nobody files them as left behind while it is looked at.
            registry = get_queue(kind.queue, stores.client).started_job_registry
            stores.client.zadd(registry.key, {f"{job.id}:{uuid4().hex}": now + 3600 - age})
            found.append(AtWork(host=host, place=place, kind=kind, age=age, job_id=str(job.id)))
    return found


def alive(stores: Any, at_work: Sequence[AtWork], now: float) -> None:
    """Two hosts with five workers each, and a scheduler, at this moment."""
    for each in at_work:
        began = datetime.fromtimestamp(now - each.age, UTC).strftime(FORM)
        stores.client.hset(f"rq:job:{each.job_id}", mapping={"started_at": began, "worker_name": each.name})
        stores.workers.write(
            records.worker(
                now, name=each.name, host=each.host, pid=each.pid, master=f"{each.host}-4102", state="busy",
                done=2310 - 170 * each.place, failed=each.place % 3, job_id=each.job_id, job_name=each.kind.name,
                job_queue=each.kind.queue, job_started_at=now - each.age, job_timeout=each.kind.limit, version=NEW,
                memory_bytes=61_000_000 + 2_300_000 * each.place,
            )
        )  # fmt: skip
    for host in HOSTS:
        names = tuple(each.name for each in at_work if each.host == host)
        supervisor = records.supervisor(wanted=len(names), workers=names)
        stores.masters.write(
            records.master(
                now, name=f"{host}-4102", host=host, environment="staging", version=NEW, supervisors=(supervisor,)
            )
        )
    stores.schedulers.lead("of-the-scene", records.scheduler(now))
    stores.client.persist(stores.keys.scheduler_lease)
    stores.alerts.show(0)
    assert book.take_turn("of-the-scene", "web-1", 4104, now)
    # In these two a job waits no longer than a moment.
    just_now = datetime.fromtimestamp(now - 0.8, UTC).strftime(FORM)
    for queue in ("high", "default"):
        for job_id in stores.client.lrange(f"rq:queue:{queue}", 0, -1):
            stores.client.hset(b"rq:job:" + job_id, "enqueued_at", just_now)
