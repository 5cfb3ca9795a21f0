"""States of the dashboard that no process is needed for, or that take too long to come about.

Those that processes bring about are in ``acceptance/test_states.py``; what a browser must show (signed out, offline, a
server that answers 500) is in ``test_states_in_a_browser``.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from allegro_queue.access import Access
from allegro_queue.history.models import Collected, Gap
from allegro_queue.models import OutboxEntry
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.collecting import CollectorRecord
from allegro_queue.stores.jobs import job_key
from tests.support import records, scenes
from tests.support.runs import add_runs, collected, failed_record, run_record
from tests.support.said import text_of, verdict

pytestmark = pytest.mark.django_db

FRAGMENT = {"X-Horizon-Fragment": "1"}


@pytest.fixture
def quiet(stores: Stores) -> Stores:
    """A system in which all is well."""
    scenes.quiet_system(stores, time.time())
    return stores


@pytest.mark.parametrize("name", ["overview", "queues", "workers", "metrics", "jobs"])
def test_without_redis_a_page_names_the_server_and_the_reason(
    client: Client, redis_goes_away: Callable[[], AbstractContextManager[None]], name: str
) -> None:
    with redis_goes_away():
        answer = client.get(reverse(f"horizon:{name}"))

    assert answer.status_code == 200
    assert "Redis at unix:/nonexistent/redis.sock does not answer: no socket there." in answer.content.decode()
    assert "What waits, runs and failed is unknown; it is not nought." in answer.content.decode()


@pytest.mark.parametrize(("name", "held"), [("failures", "order 41 is closed"), ("activity", "resume")])
def test_without_redis_what_is_in_the_database_is_still_shown(
    client: Client,
    quiet: Stores,
    redis_goes_away: Callable[[], AbstractContextManager[None]],
    name: str,
    held: str,
) -> None:
    client.post(reverse("horizon:resume"), {"queue": "high"})

    with redis_goes_away():
        text = text_of(client, name)

    assert "does not answer: no socket there. What stands here is from the database" in text
    assert held in text


def test_an_unreadable_job_leaves_the_rest_of_the_list_standing(client: Client, quiet: Stores) -> None:
    broken, whole = scenes.backlog(quiet, "default", 2)
    quiet.client.hset(job_key(broken), "data", b"\x80garbage")

    page = client.get(reverse("horizon:jobs") + "?state=waiting").context["page"]

    assert [line.key for line in page.lines] == [broken, whole]
    assert "Not shown" in text_of(client, "job", job_id=broken)


def test_a_job_whose_data_is_gone_is_shown_from_its_run_and_not_as_missing(client: Client, quiet: Stores) -> None:
    job_id = scenes.failed_job(quiet, time.time() - 60)
    collected(quiet, failed_record(time.time() - 60, job_id=job_id))
    quiet.client.delete(job_key(job_id))

    answer = client.get(reverse("horizon:job", kwargs={"job_id": job_id}))

    assert answer.status_code == 200
    assert "This job’s data expired, so it cannot be retried and its result is gone." in answer.content.decode()
    assert "ValueError: order 41 is closed" in text_of(client, "job", job_id=job_id)


def reader(request: Any) -> Access:
    """A gate that lets in everybody, to look."""
    return Access(True, rights=frozenset({Right.VIEW}))


def nobody_signed_in(request: Any) -> Access:
    """A gate that asks to sign in."""
    return Access(False, "You are not signed in.", sign_in=True)


def test_without_the_right_there_is_no_button_and_the_refusal_names_it(
    client: Client, quiet: Stores, settings: Any
) -> None:
    page = reverse("horizon:queue", kwargs={"queue": "default"})
    ways = (f"{reverse('horizon:confirm_pause')}?queue=default", f'action="{reverse("horizon:pause")}"')
    assert all(way in client.get(page).content.decode() for way in ways)
    settings.HORIZON = {**settings.HORIZON, "environment": "staging", "gate": f"{__name__}.reader"}

    assert not any(way in client.get(page).content.decode() for way in ways)
    answer = client.post(reverse("horizon:pause"), {"queue": "default", "reason": "x"})
    assert answer.status_code == 403
    assert "the right allegro_queue.pause_queue is missing" in answer.content.decode()


def test_a_refresh_of_somebody_signed_out_gets_words_and_no_sign_in_form(
    client: Client, quiet: Stores, settings: Any
) -> None:
    settings.HORIZON = {**settings.HORIZON, "environment": "staging", "gate": f"{__name__}.nobody_signed_in"}

    answer = client.get(reverse("horizon:overview"), headers=FRAGMENT)

    assert (answer.status_code, answer.content.decode()) == (403, "You are not signed in.")


# --------------------------------------------------------------------------------- What only this library can tell


def test_a_queue_behind_one_that_is_never_empty_is_told_why_it_gets_no_turn(client: Client, stores: Stores) -> None:
    now = time.time()
    stores.masters.write(records.master(now))
    stores.workers.write(records.worker(now))
    stores.schedulers.lead("of-the-scene", records.scheduler(now))
    scenes.plan_entries(stores, now)
    for minute in range(60):
        stores.metrics.sample_waiting({"high": 0, "default": 7, "audience-sync": 3}, now - 60 * minute)
    collected(stores, *(run_record(now - 60 * minute, queue="default") for minute in range(1, 60)))
    stores.metrics.finish_snapshot(now - 60)
    scenes.backlog(stores, "default", 7)
    since = timezone.now() - timedelta(seconds=12 * 60 + 5)
    for job_id in scenes.backlog(stores, "audience-sync", 3):
        stores.client.hset(job_key(job_id), "enqueued_at", since.strftime("%Y-%m-%dT%H:%M:%S.%fZ"))

    said = verdict(client)

    assert re.match(
        r"audience-sync has had no turn for 12 min( \d+ s)? because default is never empty\.", said.sentence
    )


def test_a_queue_that_gets_turns_is_not_called_starved(client: Client, quiet: Stores) -> None:
    scenes.backlog(quiet, "default", 7)
    scenes.backlog(quiet, "audience-sync", 3)

    assert "no turn" not in verdict(client).sentence


def test_a_collector_that_is_away_or_behind_is_told(client: Client, quiet: Stores) -> None:
    now = time.time()
    Collected.objects.update(position=f"{int((now - 400) * 1000)}-0")
    add_runs(quiet.client, *(run_record(now) for _ in range(3)))

    away = verdict(client)
    quiet.collecting.beat(
        CollectorRecord(
            host="web-1", pid=1, master="", started_at=now, beat_at=now, behind=3, behind_seconds=400, per_second=12,
            trouble="the database is locked",
        )
    )  # fmt: skip
    behind = verdict(client)

    assert re.match(r"No collector runs\. History and graphs stand still since \d\d:\d\d:\d\d\.", away.sentence)
    assert away.command == "python manage.py horizon_collect"
    assert re.match(r"The collector is 6 min 4\d s behind, so history and graphs are\.", behind.sentence)
    assert behind.causes[0].line == "3 runs wait to be counted, at 12 a second. It says: the database is locked."


def test_runs_that_were_dropped_uncounted_are_told_for_a_day(client: Client, quiet: Stores) -> None:
    now = time.time()
    Collected.objects.update(missed=12)
    gap = Gap.objects.create(from_at=now - 600, to_at=now - 500, missed=12)

    assert verdict(client).sentence.startswith("12 runs were dropped uncounted: graphs have a gap from ")
    Gap.objects.filter(pk=gap.pk).update(from_at=now - 2 * 86_400, to_at=now - 90_000)
    assert verdict(client).tone == "ok"


def test_a_broken_cron_entry_is_red_with_its_error(client: Client, quiet: Stores) -> None:
    quiet.client.hset(quiet.keys.entries, "audience-sync-tick", '{"error": "no module named allegro.gone"}')

    said = verdict(client)

    assert (said.tone, said.sentence) == ("bad", "audience-sync-tick cannot be queued by the clock.")
    assert said.causes[0].line == "audience-sync-tick: no module named allegro.gone."


def test_jobs_that_wait_in_the_outbox_are_counted(client: Client, quiet: Stores) -> None:
    at = timezone.now() - timedelta(minutes=5)
    for _ in range(2):
        OutboxEntry.objects.create(
            job_id=uuid4(), name="a.b", data=b"", terms="", options={}, tenant="", created_at=at, held_until=at
        )

    assert verdict(client).sentence == "2 jobs wait in the outbox: Redis has not taken them for 5 min."


def test_a_supervisor_whose_workers_die_at_once_is_red(client: Client, quiet: Stores) -> None:
    looping = records.supervisor(trouble="its workers die within a second of their start")
    quiet.masters.write(replace(records.master(time.time()), supervisors=(looping,)))

    said = verdict(client)

    assert (said.tone, said.sentence) == ("bad", "supervisor-1 on web-1 cannot keep its workers alive.")
    assert said.causes[0].line.endswith("its workers die within a second of their start")
