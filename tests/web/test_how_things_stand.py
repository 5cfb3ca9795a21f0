"""The pages that show how things stand, from what is in the stores."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.connection import forget_client
from allegro_queue.dashboard.page import render
from allegro_queue.scheduling.install import declared_entries
from allegro_queue.stores import Stores
from allegro_queue.stores.pauses import Pause
from tests.support import records, scenes
from tests.support.digest import digest

pytestmark = pytest.mark.django_db

PAGES = ("overview", "queues", "workers", "schedule", "activity", "health")
FRAGMENT = {"X-Horizon-Fragment": "1"}


def text_of(client: Client, name: str) -> str:
    """What a page says, without its markup."""
    answer = client.get(reverse(f"horizon:{name}"))
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def test_the_overview_lists_the_queues_in_the_order_of_priority(client: Client, stores: Stores) -> None:
    scenes.busy_system(stores, time.time())

    page = client.get(reverse("horizon:overview")).context["page"]

    assert [(row.rank, row.pulse.name, row.pulse.waiting) for row in page.queues] == [
        (1, "high", 0),
        (2, "default", 3),
        (3, "audience-sync", 24),
    ]
    assert {row.workers for row in page.queues} == {10}


def test_the_overview_shows_failures_next_runs_processes_and_the_last_hour(client: Client, stores: Stores) -> None:
    scenes.busy_system(stores, time.time())

    text = text_of(client, "overview")

    for words in (
        "A worker died in the last 15 minutes.",
        "order 41 is closed",
        "audience-sync-tick",
        "web-2",
        "5 of 5",
    ):
        assert words in text
    assert "Show as table" in text


def test_the_overview_says_when_nothing_runs_the_waiting_jobs(client: Client, stores: Stores) -> None:
    scenes.backlog(stores, "high", 4)

    text = text_of(client, "overview")

    assert "No workers. 4 jobs wait and nothing runs them." in text
    assert "python manage.py horizon" in text


def test_a_first_visit_gets_first_steps(client: Client, stores: Stores) -> None:
    assert "First steps" in text_of(client, "overview")


def test_the_overview_says_that_another_connection_carries_no_jobs(
    client: Client, stores: Stores, settings: Any
) -> None:
    settings.HORIZON = {**settings.HORIZON, "connection": "sync"}

    text = text_of(client, "overview")

    assert "QUEUE_CONNECTION is &#x27;sync&#x27;" in text
    assert "Idle: wrong connection" in text


@pytest.mark.parametrize("name", PAGES)
def test_a_paused_queue_is_told_on_every_page_with_who_and_why(client: Client, stores: Stores, name: str) -> None:
    stores.pauses.pause(Pause(queue="high", since=time.time(), by="Ada", reason="<b>mail is down</b>"))

    text = client.get(reverse(f"horizon:{name}")).content.decode()

    assert "high is paused" in text
    assert "by Ada: “&lt;b&gt;mail is down&lt;/b&gt;”" in text


def test_rq_s_own_suspension_is_told(client: Client, stores: Stores) -> None:
    scenes.quiet_system(stores, time.time())
    stores.client.set("rq:suspended", 1)

    assert "All queues are suspended" in text_of(client, "workers")


def test_the_workers_page_shows_each_job_against_its_limit(client: Client, stores: Stores) -> None:
    scenes.busy_system(stores, time.time())

    body = client.get(reverse("horizon:workers")).content.decode()

    assert body.count("Near limit") == 2
    assert "of 2 min that it may run" in body
    assert "was it out of memory?" in body
    assert reverse("horizon:job", kwargs={"job_id": "job-web-1-1"}) in body


def test_workers_started_by_hand_stand_apart(client: Client, stores: Stores) -> None:
    stores.workers.write(records.worker(time.time(), master=""))

    text = text_of(client, "workers")

    assert "Started by hand" in text
    assert "No Horizon process keeps them alive." in text


def test_the_schedule_shows_when_entries_run_and_what_became_of_the_last_run(client: Client, stores: Stores) -> None:
    scenes.quiet_system(stores, time.time())

    text = text_of(client, "schedule")

    for words in (
        "Every 5 minutes",
        "*/5 * * * *",
        "audience-sync-tick",
        "On time",
        f"{len(declared_entries())} entries are on plan",
    ):
        assert words in text


def test_the_schedule_says_that_no_scheduler_runs(client: Client, stores: Stores) -> None:
    scenes.plan_entries(stores, time.time(), next_in=-400)

    sentence = client.get(reverse("horizon:schedule")).context["page"].sentence

    assert sentence.startswith("No scheduler runs, so nothing is queued by the clock. ")
    assert sentence.endswith(" are overdue.")
    assert "audience-sync-tick" in sentence


@pytest.mark.parametrize("name", PAGES)
def test_a_page_stands_while_redis_is_away_and_names_the_server(client: Client, redis_away: None, name: str) -> None:
    answer = client.get(reverse(f"horizon:{name}"))

    assert answer.status_code == 200
    assert "Redis at unix:/nonexistent/redis.sock does not answer: no socket there." in answer.content.decode()


def test_no_password_of_redis_reaches_a_page(client: Client, settings: Any) -> None:
    settings.RQ_QUEUES = {
        name: {**given, "URL": "redis://:open-sesame@127.0.0.1:9/0"} for name, given in settings.RQ_QUEUES.items()
    }
    forget_client()
    try:
        body = client.get(reverse("horizon:overview")).content.decode()
    finally:
        forget_client()

    assert "Redis at 127.0.0.1:9 does not answer: connection refused." in body
    assert "open-sesame" not in body


@pytest.mark.parametrize("name", PAGES)
def test_looking_at_a_page_changes_nothing_in_redis(client: Client, stores: Stores, name: str) -> None:
    scenes.busy_system(stores, time.time())
    stores.client.zadd("horizon:workers", {"long-gone": 1})
    before = digest(stores.client)

    client.get(reverse(f"horizon:{name}"))

    assert digest(stores.client) == before


def test_a_fragment_is_the_same_page_without_admin_s_frame(client: Client, stores: Stores) -> None:
    scenes.busy_system(stores, time.time())

    body = client.get(reverse("horizon:workers"), headers=FRAGMENT).content.decode()

    assert "<html" not in body
    for part in ("hz-count-failures", "hz-count-alerts", "hz-status", "hz-strips", "hz-answer", "hz-live"):
        assert f'id="{part}"' in body
    # What a refresh would not put anywhere.
    for words in ('<nav aria-label="Horizon"', 'id="hz-search"', 'id="hz-every"', "<symbol"):
        assert words not in body


def test_an_admin_site_of_the_projects_own_puts_into_the_frame_what_it_wants(
    client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Themed(admin.AdminSite):
        def each_context(self, request: Any) -> dict[str, Any]:
            return {**super().each_context(request), "site_header": "Painted red"}

    monkeypatch.setattr(admin, "site", Themed())

    assert "Painted red" in client.get(reverse("horizon:workers")).content.decode()


def test_a_page_at_rest_answers_a_refresh_with_304(
    client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    scenes.quiet_system(stores, now)
    monkeypatch.setattr(render.time, "time", lambda: now)
    etag = client.get(reverse("horizon:workers"), headers=FRAGMENT).headers["ETag"]

    again = client.get(reverse("horizon:workers"), headers={**FRAGMENT, "If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["X-Horizon-At"]

    stores.pauses.pause(Pause(queue="high", since=now))
    assert client.get(reverse("horizon:workers"), headers={**FRAGMENT, "If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize(
    ("query", "interval"), [("", 5), ("?live=off", 0), ("?live=15", 15), ("?live=1", 5), ("?live=rubbish", 5)]
)
def test_the_address_says_how_often_a_page_refreshes(client: Client, stores: Stores, query: str, interval: int) -> None:
    answer = client.get(reverse("horizon:overview") + query)

    assert answer.context["frame"].interval == interval


@pytest.mark.parametrize(("name", "most"), [("overview", 6), ("workers", 2), ("schedule", 6)])
def test_a_page_costs_a_fixed_number_of_round_trips(client: Client, stores: Stores, name: str, most: int) -> None:
    scenes.busy_system(stores, time.time())
    client.get(reverse(f"horizon:{name}"))  # a new connection introduces itself first
    before = commands_sent(stores.client)

    client.get(reverse(f"horizon:{name}"))

    assert round_trips_since(stores.client, before) <= most


@pytest.mark.parametrize("name", PAGES)
def test_a_page_costs_few_queries(
    client: Client, stores: Stores, django_assert_max_num_queries: Any, name: str
) -> None:
    scenes.busy_system(stores, time.time())

    with django_assert_max_num_queries(8):
        client.get(reverse(f"horizon:{name}"))


def test_the_overview_shows_what_people_did_last(client: Client, stores: Stores) -> None:
    client.post(reverse("horizon:pause"), {"queue": "high", "reason": "mail is <b>down</b>"})

    body = client.get(reverse("horizon:overview")).content.decode()

    assert "Last actions" in body
    assert "queue high: “mail is &lt;b&gt;down&lt;/b&gt;”" in body


def commands_sent(redis: Redis) -> int:
    return int(redis.info("stats")["total_reads_processed"])


def round_trips_since(redis: Redis, before: int) -> int:
    """Reads that the server did from its sockets; each takes in one command or one pipeline. Less our own INFO."""
    return commands_sent(redis) - before - 1


def test_the_workers_page_says_who_paused_a_supervisor_why_and_until_when(client: Client, stores: Stores) -> None:
    now = time.time()
    paused = records.supervisor(
        status="paused", pause_by="anna", pause_reason="<b>maintenance</b>", pause_until=now + 600
    )
    stores.masters.write(records.master(now, supervisors=(paused,)))

    body = client.get(reverse("horizon:workers")).content.decode()

    assert "Paused by anna until <time" in body
    assert "&lt;b&gt;maintenance&lt;/b&gt;" in body
