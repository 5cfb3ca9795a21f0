"""A database that takes too long, made so by a lock or by a count without end, and what a page then shows."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from allegro_queue.dashboard.patience import FIRST, WHO_KEEPS_IT
from allegro_queue.history.models import Run, Series
from allegro_queue.stores import Stores
from tests.support import scenes
from tests.support.browser import complaints_of
from tests.support.endless import endless
from tests.support.postgres import a_postgres_server, connected_as, locked
from tests.support.runs import collected, failed_record

pytestmark = pytest.mark.django_db(transaction=True)

RUNS = Run._meta.db_table
COUNTS = Series._meta.db_table
FRAGMENT = {"X-Horizon-Fragment": "1"}
SLACK = 2
"""Seconds that the rest of a page may take on a busy machine."""


def words(body: bytes) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", body.decode()).split())


@pytest.fixture(scope="module")
def postgres_url(postgres_programs: Path) -> Iterator[str]:
    with a_postgres_server(postgres_programs) as url:
        yield url


@pytest.fixture
def failed_runs(postgres_url: str, settings: Any, stores: Stores) -> Iterator[str]:
    """Three failed runs in PostgreSQL; the server's address."""
    with connected_as("slow", postgres_url):
        settings.HORIZON = {**settings.HORIZON, "database": "slow"}
        scenes.quiet_system(stores, time.time())
        collected(stores, *(failed_record(time.time() - number) for number in range(3)))
        yield postgres_url
        Run.objects.using("slow").all().delete()


def test_a_locked_table_of_counts_does_not_hold_up_the_rows(client: Client, failed_runs: str) -> None:
    with locked(failed_runs, COUNTS):
        begun = time.monotonic()
        answer = client.get(reverse("horizon:jobs"), {"state": "failed"})
        took = time.monotonic() - begun

    assert took < FIRST + SLACK
    assert len(answer.context["page"].lines) >= 3
    assert "Still counting. Wait for it, 30 s at most" in words(answer.content)
    assert "?state=failed&amp;patient=1" in answer.content.decode()


def test_once_the_lock_is_gone_a_refresh_brings_the_counts(client: Client, failed_runs: str) -> None:
    with locked(failed_runs, COUNTS):
        client.get(reverse("horizon:jobs"), {"state": "failed"})

    answer = client.get(reverse("horizon:jobs"), {"state": "failed"}, headers=FRAGMENT)

    assert "Still counting" not in words(answer.content)
    assert answer.context["page"].functions != ()


@pytest.mark.parametrize("name", ["jobs", "metrics", "failures", "overview"])
def test_a_page_whose_table_is_locked_says_so_in_time_with_a_next_step(
    client: Client, failed_runs: str, name: str
) -> None:
    begun = time.monotonic()
    with locked(failed_runs, f"{RUNS}, {COUNTS}, allegro_queue_failuregroup"):
        answer = client.get(reverse(f"horizon:{name}"), {"state": "failed"})
    took = time.monotonic() - begun

    text = words(answer.content)
    assert took < FIRST + SLACK
    assert answer.status_code == 200
    assert "The database has not answered within 2 s. Still counting." in text
    assert "somebody holds a lock on a table" in text
    assert "python manage.py dbshell --database slow" in text
    assert "?state=failed&amp;patient=1" in answer.content.decode()
    assert 'class="hz-skeleton"' in answer.content.decode()
    assert answer.context["frame"].status.word == "Running"


def test_the_offered_command_shows_who_holds_the_lock(failed_runs: str) -> None:
    with locked(failed_runs, RUNS), connections["slow"].cursor() as cursor:
        cursor.execute(WHO_KEEPS_IT)

        assert any("LOCK TABLE" in query for _, _, query in cursor.fetchall())


def test_a_page_that_is_not_asked_of_the_database_is_there_at_once(client: Client, failed_runs: str) -> None:
    with locked(failed_runs, f"{RUNS}, {COUNTS}"):
        answer = client.get(reverse("horizon:workers"))

    assert answer.context["late"] is None
    assert answer.context["page"] is not None


def test_a_reader_who_chooses_to_wait_gets_the_page(
    client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allegro_queue.dashboard.patience.FIRST", 0.0)

    assert client.get(reverse("horizon:jobs")).context["page"] is None
    assert client.get(reverse("horizon:jobs"), {"patient": "1"}).context["page"] is not None


def test_a_late_page_fills_by_itself_once_the_database_answers(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    scenes.quiet_system(stores, time.time())
    complaints = complaints_of(browser_page)
    browser_page.clock.install()
    with endless(COUNTS):
        browser_page.goto(f"{live_server.url}/horizon/metrics/")
        expect(browser_page.locator(".hz-sentence")).to_have_text("The database has not answered within 2 s.")
        height = browser_page.locator(".hz-skeleton").bounding_box()

    browser_page.clock.run_for(6_000)

    expect(browser_page.locator(".hz-skeleton")).to_have_count(0)
    expect(browser_page.locator(".hz-sentence")).not_to_contain_text("The database")
    assert height
    assert height["height"] > 500
    assert complaints == []


def test_a_refresh_that_is_late_leaves_the_last_data_greyed(
    browser_page: Page, live_server: LiveServer, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allegro_queue.dashboard.patience.REFRESH", 1.0)
    scenes.quiet_system(stores, time.time())
    browser_page.clock.install()
    browser_page.goto(f"{live_server.url}/horizon/")
    expect(browser_page.locator("tr[data-key=high]")).to_have_count(1)

    with endless(COUNTS):
        browser_page.clock.run_for(6_000)
        expect(browser_page.locator("#hz-live")).to_have_class("hz-stale")

    expect(browser_page.locator("#hz-fresh")).to_contain_text("the database takes too long")
    expect(browser_page.locator("tr[data-key=high]")).to_have_count(1)
    browser_page.clock.run_for(12_000)
    expect(browser_page.locator("#hz-live")).not_to_have_class("hz-stale")
