"""Pages whose database is really slow: another connection holds one of its tables, on a PostgreSQL of the tests' own."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import psycopg
import pytest
from playwright.sync_api import Page, expect

from allegro_queue.history.run_rows import RUNS
from allegro_queue.stores import Stores
from tests.support import scenes
from tests.support.browser import complaints_of
from tests.support.dev_run import free_port
from tests.support.eventually import eventually
from tests.support.postgres import a_postgres_server
from tests.support.running import manage, running
from tests.support.runs import add_runs, failed_record

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
        # Psycopg leaves the transaction, and with it the lock, at the end.
        with psycopg.connect(self.database) as holder:
            holder.execute(f"LOCK TABLE {RUNS} IN ACCESS EXCLUSIVE MODE")
            yield

    def body(self, address: str) -> str:
        with urlopen(f"{self.url}{address}", timeout=40) as answer:
            return str(answer.read().decode())

    def text(self, address: str) -> str:
        """What a page says, without its markup."""
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", self.body(address))).split())


@pytest.fixture(scope="module")
def site(postgres_programs: Path) -> Iterator[Site]:
    with a_postgres_server(postgres_programs) as database:
        done = manage("migrate", DATABASE_URL=database)
        assert done.returncode == 0, done.stderr
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
    assert "/horizon/jobs/?state=waiting&amp;wait=long" in body


def test_who_asks_with_more_patience_gets_the_counts_when_the_database_is_free_again(site: Site, runs: Stores) -> None:
    text = site.text(f"{WAITING}&wait=long")

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
