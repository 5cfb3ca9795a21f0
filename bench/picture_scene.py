"""What ``bench/pictures.py`` shows: a day of a product with members, mails, webhooks and a sync, and its workers at work.

A process of its own: it fills the stores, prints the addresses of the pages as JSON, and keeps the processes of the scene
alive until its input ends.
"""

from __future__ import annotations

import json
import math
import random
import select
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

EMAIL = "ada.nowak@alley.com"
OTHERS = (EMAIL, "j.okafor@alley.com", "deploy")
BEAT = 1.0
"""Seconds between two signs of life."""

HOURS = 24
CHUNK = 5_000
TENANTS = ("city-news", "harbour-times", "cobalt-events", "north-radio")
OLD, NEW = "b81d07e", "4f2c91a"
DEPLOYED_HOURS_AGO = 0.6

SEND, DELIVER = "allegro.magic_links.jobs.send_magic_link", "allegro.webhooks.jobs.deliver"
SYNC, WARM = "allegro.audience.jobs.sync_member", "allegro.audience.jobs.prewarm_profile"
TICK, SNAPSHOT = "allegro.audience.jobs.tick", "allegro_queue.history.snapshot.snapshot"


@dataclass(frozen=True, slots=True)
class Kind:
    """How one job of the product behaves on a usual day."""

    name: str
    queue: str
    a_minute: float
    seconds: float
    failing: float
    error: str
    frames: tuple[str, str]
    """File with line and function, and the line itself, where it fails."""
    args: tuple[str, ...]


KINDS = (
    Kind(SEND, "high", 2.2, 0.18, 0.004, "SMTPServerDisconnected: Connection unexpectedly closed",
         ('allegro/mail_accounts/transport.py", line 58, in send', "server.send_message(message)"), ("link_id",)),
    Kind(DELIVER, "default", 3.1, 0.34, 0.012, "HTTPStatusError: 503 Service Unavailable from hooks.cobalt-events.example",
         ('allegro/webhooks/sending.py", line 91, in send', "answer.raise_for_status()"), ("delivery_id",)),
    Kind(WARM, "default", 1.4, 0.09, 0.0, "", ("", ""), ("member_id",)),
    Kind(SYNC, "audience-sync", 5.0, 0.72, 0.008, 'ProviderRefused: mailchimp answered 400 "Member In Compliance State"',
         ('allegro/audience/mailchimp.py", line 143, in put', "raise ProviderRefused(answer)"),
         ("account_id", "member_id")),
)  # fmt: skip


def main() -> None:
    import django

    django.setup()
    from allegro_queue.stores import open_stores

    stores = open_stores()
    now = time.time()
    cookie = sign_in()
    places = fill(stores, now)
    alive(stores, time.time())
    print(json.dumps({"cookie": cookie, "pages": addresses(places)}), flush=True)
    while not select.select([sys.stdin], [], [], BEAT)[0]:
        alive(stores, time.time())


def sign_in() -> str:
    """The cookie of a super admin's session."""
    from django.conf import settings
    from django.test import Client
    from django.test.utils import setup_test_environment

    from tests.support.people import staff

    setup_test_environment()
    user = staff(EMAIL)
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


def fill(stores: Any, now: float) -> dict[str, str]:
    """All that stands still; what stands for the parts of addresses that vary."""
    from allegro_queue.history.models import FailureGroup
    from tests.support.runs import collected

    watch_tags(now)
    past(stores, now)
    listed = [(KINDS[0], 48), (KINDS[1], 27), (KINDS[3], 16), (KINDS[3], 11), (KINDS[1], 4)]
    for place, (kind, minutes) in enumerate(listed):
        job_id = failed_job(stores, kind, now - 60 * minutes, place)
    plan(stores, now)
    batch_id = batches(stores)
    collected(stores)
    waiting(stores)
    people(now)
    alerts(now)
    stores.metrics.finish_snapshot(now - 132)
    group = FailureGroup.objects.get(name=DELIVER)
    return {"job_id": job_id, "fingerprint": group.fingerprint, "batch_id": batch_id}


# ------------------------------------------------------------------------------------------------------ The day behind


def past(stores: Any, now: float) -> None:
    """Runs of a day: quiet at night, a wave of syncs at each tick; and how many jobs waited in the last hour."""
    from allegro_queue.history.snapshot import snapshot
    from tests.support.runs import collected

    luck = random.Random(11)
    records = list(day(luck, now))
    for start in range(0, len(records), CHUNK):
        collected(stores, *records[start : start + CHUNK])
    for minute in range(60, -1, -1):
        at = now - 60 * minute
        since_tick = int(at // 60) % 5
        sync = max(0, 210 - 75 * since_tick + luck.randrange(-12, 12)) if since_tick < 3 else 0
        stores.metrics.sample_waiting({"high": 0, "default": luck.randrange(4), "audience-sync": sync}, at)
    snapshot()


def day(luck: random.Random, now: float) -> Iterator[Any]:
    """Its runs, the first first."""
    from tests.support.runs import failed_record, run_record

    for minute in range(HOURS * 60, -1, -1):
        at = now - 60 * minute
        hour = (at % 86_400) / 3600
        busy = 0.45 + 0.55 * max(0.0, math.sin((hour - 6) / 15 * math.pi))
        wave = 2.2 if int(at // 60) % 5 == 0 else 0.7
        version = NEW if minute < DEPLOYED_HOURS_AGO * 60 else OLD
        found = []
        for kind in KINDS:
            rate = kind.a_minute * busy * (wave if kind.name == SYNC else 1)
            trouble = 6 if kind.name == DELIVER and 20 < minute < 55 else 1
            for _ in range(int(rate + luck.random())):
                ended = at - luck.random() * 55
                took = kind.seconds * luck.lognormvariate(0, 0.55)
                waited = {"high": 0.04, "default": 0.5, "audience-sync": 9.0}[kind.queue] * luck.lognormvariate(0, 0.8)
                given = described(kind, luck) | {
                    "started_at": ended - took, "enqueued_at": ended - took - waited, "version": version,
                    "worker": f"web-{luck.choice((1, 2))}.{luck.randrange(4121, 4126)}.a1b2",
                }  # fmt: skip
                if luck.random() < kind.failing * trouble:
                    outcome = "failed" if luck.random() < 0.4 else "retried"
                    found.append(failed_record(ended, outcome=outcome, **broken(kind), **given))
                else:
                    found.append(run_record(ended, **given))
        if int(at // 60) % 5 == 0:
            for name, queue in ((TICK, "audience-sync"), (SNAPSHOT, "high")):
                found.append(run_record(at - 1, name=name, queue=queue, started_at=at - 1.2, version=version))
        yield from sorted(found, key=lambda record: record.ended_at)


def described(kind: Kind, luck: random.Random) -> dict[str, Any]:
    """Name, queue, arguments and tags of one of its calls."""
    tenant = luck.choice(TENANTS)
    named = {
        each: f"{luck.randrange(16**8):08x}" if each != "account_id" else luck.randrange(1, 9) for each in kind.args
    }
    tags = [f"organization:{tenant}"] + (["provider:mailchimp"] if kind.name == SYNC else [])
    return {
        "name": kind.name, "queue": kind.queue, "call": json.dumps([[], named]),
        "terms": json.dumps({"tags": tags, "tenant": tenant}),
    }  # fmt: skip


def broken(kind: Kind) -> dict[str, str]:
    """How it fails."""
    place, line = kind.frames
    module, _, function = kind.name.rpartition(".")
    job_file = module.replace(".", "/")
    return {
        "error": kind.error,
        "traceback": (
            "Traceback (most recent call last):\n"
            '  File "/venv/lib/python3.12/site-packages/rq/job.py", line 1388, in perform\n'
            "    self._result = self._execute()\n"
            f'  File "/srv/allegro/{job_file}.py", line 41, in {function}\n'
            f"    return send({', '.join(kind.args)})\n"
            f'  File "/srv/allegro/{place}\n'
            f"    {line}\n"
            f"{kind.error}\n"
        ),
    }


def failed_job(stores: Any, kind: Kind, at: float, place: int) -> str:
    """One that is still listed as failed, after three attempts that grew further apart."""
    from rq.job import Job
    from rq.results import Result

    from allegro_queue.queues import get_queue
    from allegro_queue.terms import FIELD
    from tests.support.many_failed import FORM
    from tests.support.runs import collected, failed_record

    luck = random.Random(100 + place)
    given = described(kind, luck)
    [_, named] = json.loads(given["call"])
    line = get_queue(kind.queue, stores.client)
    job = line.enqueue_call(kind.name, kwargs=named, description=kind.name, timeout=60, failure_ttl=7 * 86_400)
    stores.client.lrem(line.key, 1, job.id)
    attempts = []
    began = at - 70
    for attempt, after in enumerate((0.4, 11.0, 52.0), start=1):
        ended = began + after + 1.9 + luck.random()
        attempts.append(
            failed_record(
                ended, job_id=job.id, attempt=attempt, outcome="failed" if attempt == 3 else "retried", version=NEW,
                enqueued_at=attempts[-1].ended_at if attempts else began, started_at=began + after, worker=f"web-{attempt % 2 + 1}.4123.a1b2",
                **broken(kind), **given,
            )
        )  # fmt: skip
    collected(stores, *attempts)
    moments = {"created_at": began, "enqueued_at": began, "started_at": began + 52, "ended_at": attempts[-1].ended_at}
    job.set_status("failed")
    stores.client.hset(
        job.key,
        mapping={name: datetime.fromtimestamp(value, UTC).strftime(FORM) for name, value in moments.items()}
        | {FIELD: given["terms"], "worker_name": "web-2.4123.a1b2"},
    )
    stores.client.zadd(line.failed_job_registry.key, {job.id: at + 7 * 86_400})
    job = Job.fetch(job.id, connection=stores.client)
    Result.create_failure(job, ttl=7 * 86_400, exc_string=broken(kind)["traceback"])
    return str(job.id)


# ------------------------------------------------------------------------------------------------------- As it stands


def batches(stores: Any) -> str:
    """One that is done, one that is half done; the id of the latter."""
    from allegro_queue.batches import batch
    from allegro_queue.queues import get_queue
    from allegro_queue.workers.worker import HorizonWorker

    def work(count: int) -> None:
        lines = [get_queue(name, stores.client) for name in ("default", "high")]
        HorizonWorker(lines, connection=stores.client).work(burst=True, max_jobs=count, logging_level="ERROR")

    from uuid import uuid4

    from allegro.audience.jobs import prewarm_profile
    from allegro.dev.demo_jobs import stumble

    with batch("Profiles of City News") as first:
        first.add_many(prewarm_profile, [(str(uuid4()),) for _ in range(8)])
    work(8)
    with batch("Profiles of Harbour Times", allow_failures=True) as second:
        second.add_many(stumble, [(1,)])
        second.add_many(prewarm_profile, [(str(uuid4()),) for _ in range(19)])
    work(13)
    return second.id


def plan(stores: Any, now: float) -> None:
    """Each entry of the settings ran when it was last due, and is due when its pattern says."""
    from croniter import croniter

    from allegro_queue.scheduling.install import declared_entries
    from allegro_queue.stores.entries import Account
    from allegro_queue.stores.schedule import SCHEDULED
    from tests.support.runs import collected, run_record

    luck = random.Random(3)
    for entry in declared_entries():
        times = croniter(entry.cron, now)
        stores.client.zadd(SCHEDULED, {f"cron-{entry.name}": int(croniter(entry.cron, now).get_next())})
        due = sorted(times.get_prev() for _ in range(14))
        ran = [
            run_record(
                at + 1, job_id=f"{entry.name}-{int(at)}", name=entry.job, queue=entry.queue, enqueued_at=at + 0.2,
                started_at=at + 1 - luck.uniform(0.2, 0.7), version=NEW,
            )
            for at in due
        ]  # fmt: skip
        collected(stores, *ran)
        told = [
            json.dumps(
                asdict(
                    Account(
                        what="run", due_at=at, at=at + 0.2, job_id=record.job_id, result="finished",
                        ended_at=record.ended_at, seconds=record.ended_at - record.started_at,
                    )
                )
            )
            for at, record in zip(due, ran, strict=True)
        ]  # fmt: skip
        stores.client.lpush(stores.keys.accounts(entry.name), *told)
        stores.client.hset(
            stores.keys.entries, entry.name, json.dumps({"last": json.loads(told[-1]), "runs": len(told)})
        )


def waiting(stores: Any) -> None:
    """Jobs that wait: syncs of the last tick, and some deliveries."""
    from allegro_queue.queues import get_queue

    luck = random.Random(5)
    for kind, count in ((KINDS[3], 84), (KINDS[1], 3)):
        line = get_queue(kind.queue, stores.client)
        for _ in range(count):
            [_, named] = json.loads(described(kind, luck)["call"])
            line.enqueue_call(kind.name, kwargs=named, description=kind.name, timeout=120)


def watch_tags(now: float) -> None:
    """Watched before the runs are counted, so that they are."""
    from allegro_queue.history.models import MonitoredTag

    for tag in ("organization:city-news", "organization:cobalt-events", "provider:mailchimp"):
        MonitoredTag.objects.create(tag=tag, since=now - 86_400, by=EMAIL)


def people(now: float) -> None:
    """What was done by hand since the morning."""
    from django.utils import timezone

    from allegro_queue.activity.models import Activity
    from allegro_queue.activity.saved_view import SavedView

    done = (
        (9, 0, "retry", "3 failed jobs in default", "the receiver is back", "Retried 3 jobs."),
        (36, 2, "restart", "web-1, web-2", f"deploy {NEW}", "Restarted 10 workers."),
        (154, 1, "pause", "audience-sync", "Mailchimp maintenance", "Paused for 15 minutes."),
        (139, 1, "resume", "audience-sync", "", "Resumed."),
        (320, 0, "run-entry", "links-forget", "after the import", "Queued 1 job."),
        (410, 1, "delete", "12 failed jobs in default", "test addresses", "Deleted 12 jobs."),
    )
    Activity.objects.bulk_create(
        Activity(
            at=timezone.now() - timedelta(minutes=minutes), who=OTHERS[who], via="page", action=action, subject=subject,
            reason=reason, outcome=outcome, succeeded=True, address="192.0.2.7",
        )
        for minutes, who, action, subject, reason, outcome in sorted(done, reverse=True)
    )  # fmt: skip
    SavedView.objects.create(name="Refused by Mailchimp", owner=EMAIL, shared=True, query="state=failed&q=mailchimp",
                             created_at=timezone.now())  # fmt: skip


def alerts(now: float) -> None:
    """One that is over, and one that holds; its keeper lives."""
    from allegro_queue.alerts import book
    from allegro_queue.alerts.rules import span
    from allegro_queue.alerts.standing import Advance, Event, Happening, Standing
    from allegro_queue.alerts.watching import Memory
    from allegro_queue.tellings import Telling, telling_of

    def look(at: float, happening: Happening, standing: Standing, holds: tuple[Standing, ...]) -> None:
        assert book.take_turn("of-the-scene", "web-1", 4104, at)
        book.write_look(
            "of-the-scene",
            Advance(holds, (Event(happening=happening, standing=standing, channels=("mail",)),)),
            Memory(),
            [],
            at,
        )

    def standing(rule: str, subject: str, said: Telling, at: float) -> Standing:
        return Standing(rule=rule, subject=subject, said=said, since=at - 60, fired_at=at, told_at=at)

    said = telling_of(
        "the oldest job of {queue} has waited {time} (allowed: {allowed}); {n} waits",
        "the oldest job of {queue} has waited {time} (allowed: {allowed}); {n} wait",
        312,
        queue="audience-sync",
        time=span(660),
        allowed=span(600),
    )
    wait = standing("longest_wait", "audience-sync", said, now - 9_400)
    look(now - 9_400, Happening.FIRED, wait, (wait,))
    look(now - 8_300, Happening.OVER, wait, ())


def alive(stores: Any, now: float) -> None:
    """Two hosts with five workers each, and a scheduler."""
    from allegro_queue.alerts import book
    from tests.support import records
    from tests.support.many_failed import FORM

    work = ((SEND, "high", 0.2, 60), (DELIVER, "default", 1.4, 60), (SYNC, "audience-sync", 0.8, 120),
            (SYNC, "audience-sync", 71.0, 120), ("", "", 0.0, 0))  # fmt: skip
    for host, first in (("web-1", 4121), ("web-2", 2988)):
        names = tuple(f"{host}-{first + place}" for place in range(5))
        for place, name in enumerate(names):
            job, queue, age, limit = work[(place + (2 if host == "web-2" else 0)) % 5]
            stores.workers.write(
                records.worker(
                    now, name=name, host=host, pid=first + place, master=f"{host}-4102", state="busy" if job else "idle",
                    done=2310 - 170 * place, failed=place % 3, job_id=f"7c1e{place}b02-{host}" if job else "", job_name=job,
                    job_queue=queue, job_started_at=now - age if job else 0.0, job_timeout=limit, version=NEW,
                    memory_bytes=61_000_000 + 2_300_000 * place,
                )
            )  # fmt: skip
        supervisor = records.supervisor(wanted=5, workers=names)
        stores.masters.write(
            records.master(
                now, name=f"{host}-4102", host=host, environment="staging", version=NEW, supervisors=(supervisor,)
            )
        )
    stores.schedule.lead("of-the-scene", records.scheduler(now))
    stores.client.persist(stores.keys.scheduler_lease)
    stores.alerts.show(0)
    assert book.take_turn("of-the-scene", "web-1", 4104, now)
    # In these two a job waits no longer than a moment.
    just_now = datetime.fromtimestamp(now - 0.8, UTC).strftime(FORM)
    for queue in ("high", "default"):
        for job_id in stores.client.lrange(f"rq:queue:{queue}", 0, -1):
            stores.client.hset(b"rq:job:" + job_id, "enqueued_at", just_now)


def addresses(places: dict[str, str]) -> dict[str, str]:
    """Every page by the name of its pictures."""
    from django.urls import reverse

    whole = ("overview", "jobs", "failures", "queues", "workers", "schedule", "metrics", "monitoring", "batches", "alerts",
             "activity", "health")  # fmt: skip
    found = {name: reverse(f"horizon:{name}") for name in whole}
    return found | {
        "job": reverse("horizon:job", kwargs={"job_id": places["job_id"]}),
        "failure": reverse("horizon:failure", kwargs={"fingerprint": places["fingerprint"]}),
        "queue": reverse("horizon:queue", kwargs={"queue": "audience-sync"}),
        "batch": reverse("horizon:batch", kwargs={"batch_id": places["batch_id"]}),
        "confirm": reverse("horizon:confirm_retry", query={"all": "1"}),
    }


if __name__ == "__main__":
    main()
