"""What lies behind the product that ``bench/pictures.py`` shows: a day of runs, failures, cron, deeds and alerts."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from croniter import croniter
from django.utils import timezone
from picture_calls import DELIVER, KEPT_SECONDS, KINDS, SYNC, Kind, broken, described, taken
from rq.job import Job
from rq.results import Result

from allegro_queue.activity.models import Activity
from allegro_queue.activity.saved_view import SavedView
from allegro_queue.alerts import book
from allegro_queue.alerts.spans import span
from allegro_queue.alerts.standing import Advance, Event, Happening, Standing
from allegro_queue.alerts.watching import Memory
from allegro_queue.history.models import FollowedTag
from allegro_queue.history.snapshot import snapshot
from allegro_queue.queues import get_queue
from allegro_queue.scheduling.install import declared_entries
from allegro_queue.stores.entries import Account
from allegro_queue.stores.schedule import SCHEDULED
from allegro_queue.tellings import Telling, telling_of
from tests.support.many_failed import FORM
from tests.support.runs import collected, failed_record, run_record

EMAIL = "ada.nowak@alley.com"
OTHERS = (EMAIL, "j.okafor@alley.com", "deploy")

HOURS = 24
CHUNK = 5_000
OLD, NEW = "b81d07e", "4f2c91a"
DEPLOYED_HOURS_AGO = 0.6

TICK, SNAPSHOT = "allegro.audience.jobs.tick", "allegro_queue.history.snapshot.snapshot"


def past(stores: Any, now: float) -> None:
    """Runs of a day: quiet at night, a wave of syncs at each tick; and how many jobs waited in the last hour."""
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
    for minute in range(HOURS * 60, -1, -1):
        at = now - 60 * minute
        hour = (at % 86_400) / 3600
        busy = 0.45 + 0.55 * max(0.0, math.sin((hour - 6) / 15 * math.pi))
        wave = 2.2 if int(at // 60) % 5 == 0 else 0.7
        version = NEW if minute < DEPLOYED_HOURS_AGO * 60 else OLD
        found = []
        for kind in KINDS:
            rate = kind.a_minute * busy * (wave if kind is SYNC else 1)
            trouble = 6 if kind is DELIVER and 20 < minute < 55 else 1
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


def failed_job(stores: Any, kind: Kind, at: float, place: int) -> str:
    """One that is still listed as failed, after three attempts that grew further apart."""
    luck = random.Random(100 + place)
    given = described(kind, luck)
    job = taken(stores, kind, given)
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
        | {"worker_name": "web-2.4123.a1b2"},
    )
    line = get_queue(kind.queue, stores.client)
    stores.client.zadd(line.failed_job_registry.key, {job.id: at + KEPT_SECONDS})
    job = Job.fetch(job.id, connection=stores.client)
    Result.create_failure(job, ttl=KEPT_SECONDS, exc_string=broken(kind)["traceback"])
    return str(job.id)


def plan(stores: Any, now: float) -> None:
    """Each entry of the settings ran when it was last due, and is due when its pattern says."""
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


def follow_tags(now: float) -> None:
    """Followed before the runs are counted, so that they are."""
    for tag in ("organization:city-news", "organization:cobalt-events", "provider:mailchimp"):
        FollowedTag.objects.create(tag=tag, since=now - 86_400, by=EMAIL)


def people(now: float) -> None:
    """What was done by hand since the morning."""
    done = (
        (9, 0, "retry", "3 failed jobs in default", "the receiver is back", "Retried 3 jobs."),
        (36, 2, "restart", "web-1, web-2", f"deploy {NEW}", "Restarted 10 workers."),
        (154, 1, "pause", "audience-sync", "Mailchimp maintenance", "Paused for 15 minutes."),
        (139, 1, "resume", "audience-sync", "", "Resumed."),
        (320, 0, "run entry", "links-forget", "after the import", "Queued 1 job."),
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
