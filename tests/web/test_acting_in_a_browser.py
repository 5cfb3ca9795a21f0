"""The questions before acting, the page of a run and the bin, as people meet them."""

from __future__ import annotations

import re
import time

import pytest
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer
from redis import Redis

from allegro_queue.bulk.models import BulkRun
from allegro_queue.queues import get_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.pauses import Pause
from tests.support import jobs, scenes
from tests.support.axe import faults_of_ours
from tests.support.browser import complaints_of
from tests.support.failed_jobs import failed_ids
from tests.support.failures import failed, queued
from tests.support.many_failed import many_failed

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ("high", "default", "audience-sync")
MANY = 700


def addresses(redis: Redis, stores: Stores, page: Page, base: str) -> list[str]:
    """A question of each kind, a run that is over and one that is not, and a bin with something in it."""
    scenes.quiet_system(stores, time.time())
    broken = failed(redis, jobs.fail, "order 41 is closed")
    deleted = [failed(redis, jobs.fail) for _ in range(3)]
    waiting = queued(jobs.add, 1, 2)
    stores.pauses.pause(Pause(queue="default", since=time.time(), by="ada@alley.com", reason="mail is down"))
    page.goto(f"{base}/horizon/confirm/delete/?" + "&".join(f"id={each}" for each in deleted))
    page.get_by_label("Why").fill("a test run")
    page.get_by_label("Type the number of jobs").fill("3")
    page.get_by_role("button", name="Delete 3 jobs").click()
    over = BulkRun.objects.get()
    many_failed(redis, MANY, time.time() - 3600)
    page.goto(f"{base}/horizon/confirm/retry/?all=1")
    page.get_by_role("button", name="Retry 701 jobs").click()
    is_open = BulkRun.objects.exclude(pk=over.pk).get()
    return [
        f"confirm/retry/?id={broken}",
        "confirm/delete/?all=1",
        f"confirm/cancel/?id={waiting}",
        f"confirm/cancel/?id={broken}",
        f"confirm/stop/?id={broken}",
        f"confirm/move-jobs/?id={waiting}",
        f"confirm/again/?id={broken}",
        f"confirm/edit/?id={broken}",
        f"activity/runs/{over.pk}/",
        f"activity/runs/{is_open.pk}/",
        "bin/",
        f"jobs/{waiting}/",
        "jobs/?state=waiting",
    ]


def test_axe_finds_no_fault_of_ours(browser_page: Page, live_server: LiveServer, redis: Redis, stores: Stores) -> None:
    faults = []
    complaints = complaints_of(browser_page)
    for address in addresses(redis, stores, browser_page, live_server.url):
        browser_page.goto(f"{live_server.url}/horizon/{address}")
        faults += faults_of_ours(browser_page)

    assert faults == []
    assert complaints == []


def test_a_phone_scrolls_in_one_direction_only(
    browser_page: Page, live_server: LiveServer, redis: Redis, stores: Stores
) -> None:
    browser_page.set_viewport_size({"width": 360, "height": 740})
    for address in addresses(redis, stores, browser_page, live_server.url):
        browser_page.goto(f"{live_server.url}/horizon/{address}")

        assert browser_page.evaluate("document.documentElement.scrollWidth") <= 360, address


def test_all_failed_jobs_are_retried_slowly_watched_and_stopped_without_script(
    browser: Browser, live_server: LiveServer, redis: Redis, stores: Stores
) -> None:
    many_failed(redis, MANY, time.time() - 3600)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/horizon/jobs/?state=failed")

    page.get_by_role("link", name="Retry all").click()
    expect(page.locator(".hz-sentence")).to_have_text("Retry all 700 failed jobs?")
    page.get_by_label("At most, a minute").fill("600")
    page.get_by_role("button", name="Retry 700 jobs").click()
    expect(page.locator(".messagelist")).to_contain_text("Retrying in the background, as run")
    expect(page.locator(".hz-sentence")).to_have_text("Retrying: waits for a worker, with 700 jobs to do.")

    get_queue("high").jobs[0].perform()
    page.reload()
    expect(page.locator(".hz-sentence")).to_have_text("Retrying: 100 of 700 jobs so far.")
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "100")
    page.get_by_role("button", name="Stop here").click()

    expect(page.locator(".hz-sentence")).to_have_text("Retried 100 jobs. 600 jobs were not begun.")
    assert stores.jobs.lengths(QUEUES)["default"] == 100
    page.get_by_role("link", name="Activity").first.click()
    expect(page.get_by_role("link", name="What it touched").first).to_be_visible()
    context.close()


def test_progress_shows_without_a_reload(
    browser_page: Page, live_server: LiveServer, redis: Redis, stores: Stores
) -> None:
    many_failed(redis, MANY, time.time() - 3600)
    browser_page.clock.install()
    browser_page.goto(f"{live_server.url}/horizon/confirm/retry/?all=1")
    browser_page.get_by_role("button", name="Retry 700 jobs").click()
    expect(browser_page.locator(".hz-sentence")).to_contain_text("waits for a worker")

    get_queue("high").jobs[0].perform()
    browser_page.clock.run_for(6000)

    expect(browser_page.locator(".hz-sentence")).to_have_text("Retried 700 jobs.")


def test_a_job_is_deleted_by_mistake_and_comes_back(
    browser_page: Page, live_server: LiveServer, redis: Redis, stores: Stores
) -> None:
    job_id = failed(redis, jobs.fail)
    browser_page.goto(f"{live_server.url}/horizon/jobs/{job_id}/")

    browser_page.get_by_role("link", name="Delete").click()
    browser_page.get_by_role("button", name="Delete 1 job").click()
    assert failed_ids(stores, QUEUES) == []
    browser_page.get_by_role("button", name="Undo: restore 1 job").click()

    expect(browser_page.locator(".messagelist")).to_contain_text("Restored 1 job.")
    assert failed_ids(stores, QUEUES) == [job_id]


def test_a_failed_job_is_edited_and_run_again(
    browser_page: Page, live_server: LiveServer, redis: Redis, stores: Stores
) -> None:
    job_id = failed(redis, jobs.add, 1, "x")
    browser_page.goto(f"{live_server.url}/horizon/jobs/{job_id}/")

    browser_page.get_by_role("link", name="Edit and run again").click()
    browser_page.get_by_label("Arguments by place").fill("[1, 2]")
    browser_page.get_by_role("button", name="Queue a new job").click()

    expect(browser_page.locator(".hz-sentence")).to_contain_text("add has been waiting in default")
    expect(browser_page).not_to_have_url(re.compile(job_id))
