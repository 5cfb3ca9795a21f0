"""The states in which the dashboard can be found, each caused for real, and what the page then says.

What a browser must show (signed out, offline, a server that answers 500) is tested in ``test_live_updates``.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.messages import get_messages
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from redis import Redis

from allegro_queue.access import Access
from allegro_queue.dashboard.findings.verdict import Verdict
from allegro_queue.dashboard.jobs import pages as job_pages
from allegro_queue.dashboard.jobs import runs as job_runs
from allegro_queue.history.models import Collected, Gap
from allegro_queue.models import OutboxEntry
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.stores.collecting import CollectorRecord
from allegro_queue.stores.jobs import job_key
from allegro_queue.stores.pauses import Pause
from tests.support import records, scenes
from tests.support.runs import add_runs, collected, failed_record, run_record

pytestmark = pytest.mark.django_db

FRAGMENT = {"X-Horizon-Fragment": "1"}


def text_of(client: Client, name: str, **places: str) -> str:
    """What a page says, without its markup."""
    body = client.get(reverse(f"horizon:{name}", kwargs=places)).content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def verdict(client: Client) -> Verdict:
    """What the overview says first."""
    found: Verdict = client.get(reverse("horizon:overview")).context["page"].verdict
    return found


@pytest.fixture
def quiet(stores: Stores) -> Stores:
    """A system in which all is well."""
    scenes.quiet_system(stores, time.time())
    return stores


@pytest.fixture
def server_settings(redis: Redis) -> Iterator[Callable[..., None]]:
    """Changes settings of the run's own server, and puts them back."""
    before: dict[str, str] = {}

    def change(**given: Any) -> None:
        for name, value in given.items():
            key = name.replace("_", "-")
            before.setdefault(key, str(redis.config_get(key)[key]))
            redis.config_set(key, value)

    yield change
    for key, value in before.items():
        redis.config_set(key, value)


def test_a_first_run_gets_a_checklist_with_the_command(client: Client, stores: Stores) -> None:
    text = text_of(client, "overview")

    assert verdict(client).sentence == "Nothing has run here yet. Start Horizon and dispatch a job."
    assert "First steps Not running yet: 1 of 4 steps done" in text
    assert "python manage.py horizon" in text


def test_a_quiet_system_says_when_the_last_job_ended(client: Client, quiet: Stores) -> None:
    said = verdict(client)

    assert (said.tone, said.sentence, said.causes) == ("ok", "Quiet. Nothing waits and nothing runs.", ())
    assert re.match(r"1 worker listens\. Last job done at \d\d:\d\d\. \d jobs failed in the last hour\.", said.note)


def test_a_queue_with_jobs_and_no_worker_is_named_with_its_oldest_job(client: Client, quiet: Stores) -> None:
    quiet.workers.write(records.worker(time.time(), queues=("default",)))
    scenes.backlog(quiet, "high", 4)

    said = verdict(client)

    assert (said.tone, said.sentence) == ("bad", "high has 4 jobs and no worker listens.")
    assert said.command == "python manage.py rqworker high"


def test_workers_without_a_horizon_process_are_amber(client: Client, quiet: Stores) -> None:
    quiet.masters.remove("web-1-4102")

    said = verdict(client)

    assert (said.tone, said.sentence) == (
        "warn",
        "Workers run, but no Horizon process: nobody replaces a worker that dies.",
    )


def test_a_paused_queue_says_who_why_and_until_when_and_can_be_resumed(client: Client, quiet: Stores) -> None:
    now = time.time()
    quiet.pauses.pause(Pause(queue="high", since=now, until=now + 900, by="Ada", reason="mail is down"))
    scenes.backlog(quiet, "high", 2)

    text = text_of(client, "workers")

    assert "high is paused since" in text
    assert "by Ada: “mail is down”. It resumes by itself at" in text
    assert "Resume" in text
    assert verdict(client).sentence == "high is paused; 2 jobs wait."


def test_rqs_own_suspension_stops_all_queues_and_says_so(client: Client, quiet: Stores) -> None:
    call_command("rqsuspend")

    assert "All queues are suspended by RQ’s own switch." in text_of(client, "queues")
    said = verdict(client)
    assert said.sentence == "All queues are suspended by RQ’s own switch: no worker takes a job."
    call_command(said.command.removeprefix("python manage.py "))
    assert verdict(client).tone == "ok"


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


def test_a_server_that_may_throw_jobs_away_is_red(
    client: Client, quiet: Stores, server_settings: Callable[..., None]
) -> None:
    server_settings(maxmemory="1gb", maxmemory_policy="allkeys-lru")

    said = verdict(client)

    assert (said.tone, said.sentence) == ("bad", "Jobs may be lost: Redis’ policy is allkeys-lru.")
    assert said.command == "redis-cli config set maxmemory-policy noeviction"


def test_a_full_server_is_told_before_it_refuses_jobs(
    client: Client, quiet: Stores, server_settings: Callable[..., None]
) -> None:
    used = int(quiet.client.info("memory")["used_memory"])
    server_settings(maxmemory_policy="noeviction", maxmemory=int(used / 0.87))

    assert re.match(r"Redis is (nearly )?full: \d+% of its memory is used\.", verdict(client).sentence)


@contextmanager
def kept_busy(redis: Redis) -> Iterator[None]:
    """The server lets everybody wait, again and again."""
    done = threading.Event()
    other = Redis(connection_pool=redis.connection_pool)

    def work() -> None:
        while not done.is_set():
            # It waits itself until the pause before is over; whoever waited with it is answered then.
            other.client_pause(150)

    busy = threading.Thread(target=work)
    busy.start()
    try:
        yield
    finally:
        done.set()
        busy.join()


def test_a_slow_server_is_told_with_its_time(client: Client, quiet: Stores) -> None:
    with kept_busy(quiet.client):
        said = verdict(client)

    assert re.match(r"Redis is slow: it took \d{3,} ms to answer\.", said.sentence)
    assert said.tone == "warn"


def test_a_stopped_scheduler_makes_the_graphs_stale_since_a_time(client: Client, quiet: Stores) -> None:
    quiet.client.delete(quiet.keys.scheduler, quiet.keys.scheduler_lease)
    scenes.plan_entries(quiet, time.time(), next_in=-300)

    said = verdict(client)

    assert re.match(r"No scheduler runs\. Graphs are stale since \d\d:\d\d:\d\d", said.sentence)
    assert "cron entries are overdue." in said.sentence
    assert said.command == "python manage.py rqscheduler"


def test_a_stale_snapshot_is_told_although_a_scheduler_runs(client: Client, quiet: Stores) -> None:
    quiet.metrics.finish_snapshot(time.time() - 700)

    said = verdict(client)

    assert re.match(r"The last snapshot is of .* \(11 min ago\), so the graphs are stale\.", said.sentence)
    assert said.command == "python manage.py horizon_snapshot"


def test_before_there_is_data_the_graphs_say_what_they_wait_for(client: Client, stores: Stores) -> None:
    assert "First graph after the first job" in text_of(client, "metrics")
    assert "First graph after the first job" in text_of(client, "queue_metrics", queue="high")


def test_a_wrong_connection_is_red_with_what_to_set(client: Client, quiet: Stores, settings: Any) -> None:
    settings.HORIZON = {**settings.HORIZON, "connection": "sync"}

    said = verdict(client)

    assert (said.tone, said.sentence) == (
        "bad",
        "QUEUE_CONNECTION is 'sync', so Horizon starts no worker and jobs pile up unprocessed.",
    )
    assert "QUEUE_CONNECTION=redis" in said.remedy
    assert said.command == "python manage.py horizon_terminate"


def test_two_versions_side_by_side_are_told_by_host(client: Client, quiet: Stores) -> None:
    now = time.time()
    quiet.masters.write(records.master(now, name="web-2-1", host="web-2", version="0.2.0", started_at=now - 60))

    said = verdict(client)

    assert (said.tone, said.sentence) == ("warn", "0.2.0 and 0.1.0 run side by side.")
    assert "0.1.0 and 0.2.0 run side by side." in text_of(client, "workers")
    assert re.match(r"Versions: 0\.2\.0 on web-2 since .*; 0\.1\.0 on web-1 since ", said.causes[0].line)


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


def test_a_list_that_is_too_big_to_count_says_more_than(
    client: Client, quiet: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_runs, "MOST_COUNTED", 5)
    monkeypatch.setattr(job_pages, "MOST_COUNTED", 5)
    collected(quiet, *(failed_record(time.time() - number) for number in range(60)))

    page = client.get(reverse("horizon:jobs"), {"state": "failed"}).context["page"]

    assert page.sentence == "5+ failed runs."
    assert [tab.count for tab in page.tabs if tab.word in ("Failed", "All")] == ["5+", "10+"]


def test_a_filter_that_finds_nothing_says_which_term_to_drop(client: Client, quiet: Stores) -> None:
    collected(quiet, failed_record(time.time(), queue="high"))

    answer = client.get(reverse("horizon:jobs"), {"state": "failed", "queue": "high", "error": "KeyError"})

    assert "Without error:KeyError there are some" in answer.content.decode()
    assert reverse("horizon:jobs") + "?state=failed&amp;queue=high" in answer.content.decode()


def test_what_somebody_else_has_retried_meanwhile_is_no_error(client: Client, quiet: Stores) -> None:
    job_id = scenes.failed_job(quiet, time.time() - 60)
    form = {"id": job_id, "next": reverse("horizon:jobs")}
    client.post(reverse("horizon:retry"), form)

    answer = client.post(reverse("horizon:retry"), form)

    assert answer.status_code == 302
    assert str(list(get_messages(answer.wsgi_request))[-1]).startswith("Not retried: it waits in default since ")


def reader(request: Any) -> Access:
    """A gate that lets in everybody, to look."""
    return Access(True, rights=frozenset({Right.VIEW}))


def nobody_signed_in(request: Any) -> Access:
    """A gate that asks to sign in."""
    return Access(False, "You are not signed in.", sign_in=True)


def test_without_the_right_there_is_no_button_and_the_refusal_names_it(
    client: Client, quiet: Stores, settings: Any
) -> None:
    settings.HORIZON = {**settings.HORIZON, "environment": "staging", "gate": f"{__name__}.reader"}

    assert "Pause default" not in text_of(client, "queue", queue="default")
    answer = client.post(reverse("horizon:pause"), {"queue": "default", "reason": "x"})
    assert answer.status_code == 403
    assert "the right allegro_queue.pause_queue is missing" in answer.content.decode()


def test_a_refresh_of_somebody_signed_out_gets_words_and_no_sign_in_form(
    client: Client, quiet: Stores, settings: Any
) -> None:
    settings.HORIZON = {**settings.HORIZON, "environment": "staging", "gate": f"{__name__}.nobody_signed_in"}

    answer = client.get(reverse("horizon:overview"), headers=FRAGMENT)

    assert (answer.status_code, answer.content.decode()) == (403, "You are not signed in.")


def test_a_paused_horizon_says_that_its_queues_do_not_run(client: Client, quiet: Stores) -> None:
    quiet.masters.write(records.master(time.time(), status="paused"))

    said = verdict(client)

    assert (said.tone, said.sentence) == ("warn", "Horizon is paused: its workers take no new job.")
    assert said.command == "python manage.py horizon_continue"


# --------------------------------------------------------------------------------- What only this library can tell


def test_a_queue_behind_one_that_is_never_empty_is_told_why_it_gets_no_turn(client: Client, stores: Stores) -> None:
    now = time.time()
    stores.masters.write(records.master(now))
    stores.workers.write(records.worker(now))
    stores.schedule.lead("of-the-scene", records.scheduler(now))
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
