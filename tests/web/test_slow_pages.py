"""Pages whose database is really slow: another connection holds one of its tables, on a PostgreSQL of the tests' own."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg
import pytest
from django.test import Client
from playwright.sync_api import Page, Response, Route, expect

from allegro_queue.alerts.models import AlertStanding
from allegro_queue.history.models import FailureGroup, Series
from allegro_queue.history.run_rows import RUNS
from allegro_queue.stores import Stores
from tests.support import scenes
from tests.support.browser import complaints_of
from tests.support.databases import history_at
from tests.support.dev_run import free_port
from tests.support.endless import endless
from tests.support.eventually import eventually
from tests.support.postgres import a_postgres_server
from tests.support.running import manage, running
from tests.support.runs import add_runs, failed_record

ALERTS = AlertStanding._meta.db_table
SERIES = Series._meta.db_table
WAITING = "/horizon/jobs/?state=waiting"
FAILED = "/horizon/jobs/?state=failed"


class Site:
    """The project on a web server of its own."""

    def __init__(self, url: str, database: str) -> None:
        self.url = url
        self.database = database

    @contextmanager
    def runs_locked(self) -> Iterator[None]:
        """Nobody else can read the runs meanwhile; a page that comes has not waited for them."""
        with self.locked(RUNS):
            yield

    @contextmanager
    def locked(self, table: str) -> Iterator[None]:
        # Psycopg leaves the transaction, and with it the lock, at the end.
        with psycopg.connect(self.database) as holder:
            holder.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
            yield

    def body(self, address: str) -> str:
        with urlopen(f"{self.url}{address}", timeout=40) as answer:
            return str(answer.read().decode())

    def text(self, address: str) -> str:
        """What a page says, without its markup."""
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", self.body(address))).split())


@pytest.fixture(scope="module")
def site(postgres_programs: Path) -> Iterator[Site]:
    with a_postgres_server(postgres_programs, tables=True) as database:
        place = f"127.0.0.1:{free_port()}"
        with running("runserver", "--noreload", "--skip-checks", place, DATABASE_URL=database) as web:
            eventually(lambda: "Starting development server" in web.said(), within=30, explain=web.said)
            yield Site(f"http://{place}", database)


@pytest.fixture
def runs(site: Site, stores: Stores) -> Stores:
    """Three jobs wait, and there are runs of two that failed."""
    scenes.backlog(stores, "high", 3)
    add_runs(stores.client, *(failed_record(time.time() - number) for number in range(2)))
    done = manage("horizon_collect", "--until-empty", DATABASE_URL=site.database)
    assert done.returncode == 0, done.stderr
    return stores


def test_rows_do_not_wait_for_counts_and_the_page_says_that_it_still_counts(site: Site, runs: Stores) -> None:
    with site.runs_locked():
        body = site.body(WAITING)

    assert len(re.findall(r"<tr [^>]*data-key=", body)) == 3
    assert "Still counting after 500 ms." in body
    assert "/horizon/jobs/?state=waiting&amp;patience=long" in body


def test_who_asks_with_more_patience_gets_the_counts_when_the_database_is_free_again(site: Site, runs: Stores) -> None:
    text = site.text(f"{WAITING}&patience=long")

    assert "Still counting" not in text
    assert re.search(r"Failed [1-9]", text)


def test_a_page_that_is_all_history_stands_without_it_and_says_what_to_do(site: Site, runs: Stores) -> None:
    with site.runs_locked():
        text = site.text(FAILED)

    assert "Still counting: the database did not answer within 2 s." in text
    assert "Ask again and wait longer" in text
    assert "python manage.py horizon_status" in text


def test_the_page_fetches_the_missing_counts_by_itself(browser_page: Page, site: Site, runs: Stores) -> None:
    complaints = complaints_of(browser_page)
    failed = browser_page.locator(".hz-tabs a", has_text="Failed").locator(".hz-count")
    with site.runs_locked():
        browser_page.goto(f"{site.url}{WAITING}")
        expect(browser_page.get_by_text("Still counting after 500 ms.")).to_be_visible()
        expect(failed).to_have_text("")

    expect(failed).to_have_text(re.compile(r"^\d+$"))
    expect(browser_page.get_by_text("Still counting")).to_have_count(0)
    assert complaints == []


def test_a_page_that_came_without_history_fetches_it_by_itself(browser_page: Page, site: Site, runs: Stores) -> None:
    with site.runs_locked():
        browser_page.goto(f"{site.url}{FAILED}")
        expect(browser_page.locator(".hz-late")).to_have_count(1)

    expect(browser_page.locator("tr[data-key]").first).to_be_visible()
    expect(browser_page.locator(".hz-sentence")).to_have_text(re.compile(r"failed run"))


def test_the_step_before_an_act_on_runs_that_match_does_not_wait_for_history_without_end(
    site: Site, runs: Stores
) -> None:
    with site.runs_locked():
        text = site.text("/horizon/confirm/retry/?all=1&exception=ValueError")

    assert "Still counting: the database did not answer within 2 s." in text
    assert "Ask again and wait longer" in text


@pytest.mark.parametrize("address", ["/horizon/", "/horizon/queues/"])
def test_what_redis_knows_stands_while_the_database_is_slow(site: Site, runs: Stores, address: str) -> None:
    with site.locked(SERIES):
        begun = time.monotonic()
        body = site.body(address)
        took = time.monotonic() - begun

    high = re.search(r'<tr [^>]*data-key="high">.*?</tr>', body, re.DOTALL)
    assert high is not None
    assert 'href="/horizon/jobs/?state=waiting&amp;queue=high">3</a>' in high[0]
    # What is not counted yet is open, and no nought.
    assert re.search(r'data-label="Failed, 1 h"[^>]*><span class="hz-zero">–<', high[0])
    assert "Still counting after 500 ms." in body
    assert "patience=long" in body
    assert took < 2


def test_a_queue_says_what_redis_knows_while_the_database_is_slow(site: Site, runs: Stores) -> None:
    with site.locked(SERIES):
        text = site.text("/horizon/queues/high/")

    assert "Waiting 3 now" in text
    assert "No worker listens" in text
    assert "Still counting after 500 ms." in text
    for untrue in ("0 jobs in the last hour", "nothing ended", "Nothing ran here", "Nothing was measured"):
        assert untrue not in text


def test_a_job_that_redis_holds_is_shown_while_the_database_is_slow(site: Site, runs: Stores) -> None:
    [job] = scenes.backlog(runs, "high", 1)

    with site.runs_locked():
        text = site.text(f"/horizon/jobs/{job}/")

    assert job in text
    assert "Queue high Time limit 3 min" in text
    assert "This function Still counting after 500 ms. Wait for the counts" in text


def test_a_job_that_history_alone_may_know_is_not_denied_while_the_database_is_slow(site: Site, runs: Stores) -> None:
    with site.runs_locked():
        text = site.text("/horizon/jobs/6c0f41d26c0f41d2/")

    assert "Still counting: the database did not answer within 2 s." in text
    assert "There is no job of this id" not in text


def test_the_overview_gives_its_answer_while_the_database_is_slow(site: Site, runs: Stores) -> None:
    with site.locked(SERIES):
        text = site.text("/horizon/")

    assert "No workers. 3 jobs wait and nothing runs them." in text
    for untrue in ("No failure is open", "Nobody has done anything yet", "0 jobs in the last hour"):
        assert untrue not in text


def test_nobody_is_given_first_steps_because_the_database_is_slow(site: Site, stores: Stores) -> None:
    with site.locked(SERIES):
        text = site.text("/horizon/")

    assert "No Horizon process and no workers. Jobs that come now will wait." in text
    assert "First steps" not in text


def test_the_overview_fetches_what_was_missing_by_itself(browser_page: Page, site: Site, runs: Stores) -> None:
    complaints = complaints_of(browser_page)
    with site.locked(SERIES):
        browser_page.goto(f"{site.url}/horizon/")
        expect(browser_page.get_by_text("Still counting after 500 ms.").first).to_be_visible()

    expect(browser_page.get_by_text("Still counting")).to_have_count(0)
    expect(browser_page.locator(".hz-caption").first).to_contain_text("failures peaked at")
    expect(browser_page.get_by_text("ValueError").first).to_be_visible()
    assert complaints == []


def test_what_redis_knows_is_kept_up_to_date_while_the_database_stays_slow(
    browser_page: Page, site: Site, runs: Stores
) -> None:
    patient: list[str] = []

    def give_up_at_once(route: Route) -> None:
        # The server's own answer of somebody who has waited in vain, without the wait.
        patient.append(route.request.url)
        route.fulfill(response=route.fetch(url=route.request.url.replace("patience=long", "")))

    def is_refresh(answer: Response) -> bool:
        return "x-horizon-fragment" in answer.request.headers

    waiting = browser_page.locator("tr[data-key=high] [data-label=Waiting]")
    browser_page.route("**patience=long**", give_up_at_once)
    browser_page.clock.install()
    with site.locked(SERIES):
        with browser_page.expect_response(is_refresh):
            browser_page.goto(f"{site.url}/horizon/")
        for number in (4, 5, 6):
            scenes.backlog(runs, "high", 1)
            with browser_page.expect_response(is_refresh):
                browser_page.clock.run_for(6_000)
            expect(waiting).to_have_text(str(number))
        assert len(patient) == 1
        with browser_page.expect_response("**patience=long**"):
            browser_page.clock.fast_forward(70_000)
    assert len(patient) == 2


def test_a_search_for_an_id_does_not_wait_for_history_twice(site: Site, runs: Stores) -> None:
    with site.runs_locked():
        begun = time.monotonic()
        text = site.text("/horizon/jobs/?q=6c0f41d26c0f41d2")
        took = time.monotonic() - begun

    assert "Still counting: the database did not answer within 2 s." in text
    assert took < 5


def test_the_frame_of_a_page_does_not_wait_for_the_number_of_alerts(site: Site, runs: Stores) -> None:
    assert runs.pulse.read(["high"], time.time()).alerts_firing is None
    with site.locked(ALERTS):
        text = site.text("/horizon/workers/")

    assert "Still counting" not in text
    assert "no worker is alive" in text


@pytest.mark.django_db(transaction=True)
def test_a_page_that_is_all_database_does_not_wait_while_redis_is_away(
    client: Client, stores: Stores, redis_goes_away: Callable[[], AbstractContextManager[None]]
) -> None:
    scenes.quiet_system(stores, time.time())
    with redis_goes_away(), endless(FailureGroup._meta.db_table):
        body = client.get("/horizon/failures/").content.decode()

    assert "Still counting: the database did not answer within 2 s." in body


@pytest.mark.django_db
def test_a_page_that_asks_nothing_of_history_stands_while_its_database_is_away(
    client: Client, stores: Stores, settings: Any
) -> None:
    scenes.quiet_system(stores, time.time())
    stores.alerts.show(0)
    with history_at("postgres://allegro@/gone?host=/nonexistent", settings):
        answer = client.get("/horizon/workers/")

    assert answer.status_code == 200
    assert "web-1-4121" in answer.content.decode()
