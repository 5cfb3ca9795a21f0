"""What ``bench/pages.py`` fills a server and a database with."""

from __future__ import annotations

import json
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

DAYS = 30
"""Over which the runs are spread: as long as history is kept."""

CHUNK = 20_000
FUNCTIONS = 200
TENANTS = 500
WORDS = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliett")
ERRORS = ("ValueError", "TimeoutError", "ConnectionError", "KeyError")
QUEUES = ("high", "default", "audience-sync")
EMAIL = "ada@alley.com"


def fill(runs: int, waiting: int, failed: int) -> str:
    """Everything; the cookie of somebody who is signed in."""
    from allegro_queue.history.database import database
    from allegro_queue.stores import open_stores
    from tests.support.many_failed import many_failed

    stores = open_stores()
    add_waiting(stores, waiting)
    many_failed(stores.client, failed, time.time() - 3600)
    add_runs(stores, runs)
    if runs > CHUNK:
        add_long_days()
    add_beside(stores, min(runs, 10_000))
    with database().cursor() as cursor:
        cursor.execute("ANALYZE")
    return sign_in()


def sign_in() -> str:
    """The cookie of a super admin's session."""
    from django.conf import settings
    from django.test import Client

    from allegro.accounts.models import User
    from tests.support.people import staff

    user = User.objects.filter(email=EMAIL).first() or staff(EMAIL)
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def add_waiting(stores: Any, count: int) -> None:
    """Jobs that wait, as RQ writes them, with tags and a tenant."""
    from uuid import uuid4

    from allegro_queue.arguments import payload
    from allegro_queue.terms import FIELD, Terms

    luck = random.Random(2)
    now = time.time()
    stores.client.sadd("rq:queues", *(f"rq:queue:{each}" for each in QUEUES))
    for start in range(0, count, 2_000):
        with stores.client.pipeline(transaction=False) as pipeline:
            for place in range(start, min(start + 2_000, count)):
                job_id, queue = str(uuid4()), luck.choice(QUEUES)
                name = f"shop.orders.jobs.job_{min(int(luck.expovariate(0.1)), FUNCTIONS - 1)}"
                moment = datetime.fromtimestamp(now - 3600 + 3600 * place / count, UTC).strftime(
                    "%Y-%m-%dT%H:%M:%S.%fZ"
                )
                pipeline.hset(
                    f"rq:job:{job_id}",
                    mapping={
                        "data": payload(name, json.dumps([[], {"member_id": place}])),
                        "description": name,
                        "origin": queue,
                        "status": "queued",
                        "created_at": moment,
                        "enqueued_at": moment,
                        "timeout": "60",
                        FIELD: Terms(tags=(f"member:{place}",), tenant=str(place % TENANTS)).encode(),
                    },
                )
                pipeline.rpush(f"rq:queue:{queue}", job_id)
            pipeline.execute()


def add_runs(stores: Any, runs: int) -> None:
    """Runs of a busy shop over ``DAYS``, through the collector: two of a hundred fail, one is tried again."""
    from allegro_queue.conf import horizon_settings
    from allegro_queue.history.collector import Collector
    from allegro_queue.history.snapshot import prune
    from tests.support.runs import RUNS, failed_record, run_record

    collector = Collector(stores, horizon_settings())
    luck = random.Random(1)
    now = time.time()
    first = now - DAYS * 86_400 + 3600
    for start in range(0, runs, CHUNK):
        with stores.client.pipeline(transaction=False) as pipeline:
            for place in range(start, min(start + CHUNK, runs)):
                at = first + (now - 10 - first) * place / runs
                member, tenant, chance = luck.randrange(100_000), luck.randrange(TENANTS), luck.random()
                given: dict[str, Any] = {
                    "name": f"shop.orders.jobs.job_{min(int(luck.expovariate(0.1)), FUNCTIONS - 1)}",
                    "queue": luck.choice(("high", "default", "default", "audience-sync")),
                    "terms": json.dumps({"tags": ["import"] if chance < 0.05 else [], "tenant": str(tenant)}),
                    "call": json.dumps([[], {"member_id": member, "note": luck.choice(WORDS)}]),
                    "version": f"3f2a91{int(DAYS * place / runs) // 3:x}",
                }
                if chance < 0.03:
                    error = f"{luck.choice(ERRORS)}: order {member} of {luck.choice(WORDS)} is closed"
                    record = failed_record(at, error=error, outcome="failed" if chance < 0.02 else "retried", **given)
                else:
                    record = run_record(at, started_at=at - luck.expovariate(5), enqueued_at=at - 3, **given)
                pipeline.xadd(RUNS, {"run": record.encode()}, id=f"{int(at * 1000)}-{place % 1_000_000}")
            pipeline.execute()
        while collector.look(time.time()).read:
            pass
        stores.client.xtrim(stores.keys.runs, maxlen=0, approximate=False)
    while prune(now, horizon_settings()):
        pass


def add_long_days() -> None:
    """The days before, up to 400: each name's yesterday again."""
    from allegro_queue.history.models import Series
    from allegro_queue.metrics.counts import DAY

    columns = [each.attname for each in Series._meta.concrete_fields if each.attname != "id"]
    yesterday = (int(time.time()) // DAY - 1) * DAY
    day = list(Series.objects.filter(seconds=DAY, starts_at=yesterday, kind__in=("queue", "job")).values(*columns))
    for back in range(DAYS, 400):
        Series.objects.bulk_create(
            [Series(**{**each, "starts_at": yesterday - back * DAY}) for each in day], ignore_conflicts=True
        )


def add_beside(stores: Any, count: int) -> None:
    """What people did, batches, runs over many, saved views, tags, tokens, alerts."""
    from django.utils import timezone

    from allegro_queue.activity.models import Activity
    from allegro_queue.activity.saved_view import SavedView
    from allegro_queue.alerts.models import AlertEvent
    from allegro_queue.batches import batch
    from allegro_queue.bulk.models import BulkResult, BulkRun
    from allegro_queue.history.models import FollowedTag
    from allegro_queue.rights import ALL_RIGHTS
    from allegro_queue.tokens.tokens import make
    from tests.support import jobs

    now = timezone.now()
    Activity.objects.bulk_create(
        Activity(
            at=now - timedelta(minutes=place), who=EMAIL, via="page", action="retry", subject=f"job {place}",
            reason="as asked", outcome="Retried 1 job.", succeeded=True, address="192.0.2.7",
        )
        for place in range(count)
    )  # fmt: skip
    for _ in range(min(count // 10, 200)):
        with batch("Import of members") as made:
            made.add_many(jobs.nothing, [()] * 3)
    from uuid import uuid4

    run = BulkRun.objects.create(
        token=uuid4(), act="retry", selection={}, subject="all failed jobs", cut_off=time.time(), who=EMAIL, via="page",
        state="done", total=count, noted=count, done=count, created_at=time.time(), moved_at=time.time(),
        began_at=time.time(), ended_at=time.time(),
    )  # fmt: skip
    BulkResult.objects.bulk_create(
        BulkResult(run=run, number=place, job_id=f"job-{place}", result="done") for place in range(count)
    )
    for place in range(50):
        SavedView.objects.create(
            name=f"View {place}", owner=EMAIL, shared=place % 2 == 0, query="state=failed", created_at=now
        )
        FollowedTag.objects.create(tag=f"member:{place}", since=time.time() - 86_400, by=EMAIL)
    AlertEvent.objects.bulk_create(
        AlertEvent(
            at=time.time() - 60 * place, rule="wait_over", subject="high", happening="fired", text="high waits",
            channels="mail", held="",
        )
        for place in range(min(count, 2_000))
    )  # fmt: skip
    for place in range(20):
        make(f"probe {place}", [each.value for each in ALL_RIGHTS], now=datetime.now(UTC), made_by=EMAIL)


def alive(stores: Any) -> None:
    """Two hosts with ten busy workers and a scheduler, as they stand now; what they say lives for seconds."""
    from tests.support import records, scenes

    now = time.time()
    for host, first in (("web-1", 4121), ("web-2", 2988)):
        names = tuple(f"{host}-{first + place}" for place in range(5))
        for place, name in enumerate(names):
            stores.workers.write(
                records.worker(
                    now, name=name, host=host, pid=first + place, master=f"{host}-4102", state="busy", done=1000,
                    job_id=f"job-{host}-{place}", job_name="shop.orders.jobs.job_1", job_queue="default",
                    job_started_at=now - 4, job_timeout=60, memory_bytes=61_000_000,
                )
            )  # fmt: skip
        supervisor = records.supervisor(wanted=5, workers=names)
        stores.masters.write(records.master(now, name=f"{host}-4102", host=host, supervisors=(supervisor,)))
    stores.schedulers.lead("of-the-scene", records.scheduler(now))
    stores.client.persist(stores.keys.scheduler_lease)
    scenes.plan_entries(stores, now)
    stores.metrics.finish_snapshot(now - 60)
    stores.alerts.show(0)
