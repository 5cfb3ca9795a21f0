"""The pages of jobs and metrics as people meet them: themes, a phone, no script, the policy, and acting on rows."""

from __future__ import annotations

import time
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer
from redis import Redis

from allegro_queue.conf import horizon_settings
from allegro_queue.history.snapshot import take_snapshot
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from tests.support import jobs, scenes
from tests.support.browser import complaints_of
from tests.support.failures import failed, queued, run_all
from tests.support.runs import collected, failed_record, run_record

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ("high", "default", "audience-sync")

PAGES = (
    "jobs/?state=failed",
    "jobs/?state=waiting",
    "jobs/?state=nope&queue=nope&page=0&q=nope",
    "jobs/the-failed-one/",
    "jobs/the-finished-one/",
    "jobs/no-such-job/",
    "confirm/retry/?id=the-failed-one",
    "confirm/delete/?all=1",
    "confirm/pause/?queue=high",
    "metrics/",
    "metrics/queues/default/",
    "metrics/jobs/shop.orders.jobs.pay/",
)


@pytest.fixture(autouse=True)
def _allowed(settings: Any, redis: Redis) -> None:
    settings.HORIZON = {**settings.HORIZON, "allowed_jobs": ["tests"]}


def fill(stores: Stores) -> None:
    """A failed job with much to show, a finished one, some that wait, and two hours of runs."""
    now = time.time()
    payload = {"api_key": "hunter2", "email": "ada@example.com", "list": list(range(30)), "long": "x" * 900}
    failed(stores.client, jobs.fail, payload, job_id="the-failed-one")
    queued(jobs.add, 1, kwargs={"right": 2}, job_id="the-finished-one")
    run_all(stores.client)
    runs = []
    for place in range(24, -1, -1):
        if place in (10, 11, 12):
            continue
        at = now - 60 - 300 * place
        for number in range(1 + place % 4):
            runs.append((failed_record if number == 3 else run_record)(at, started_at=at - 0.1 - 0.4 * number))
    collected(stores, *runs)
    take_snapshot(stores, QUEUES, now=now, settings=horizon_settings())
    scenes.quiet_system(stores, now)
    scenes.backlog(stores, "audience-sync", 3)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_no_fault_of_ours(browser_page: Page, live_server: LiveServer, stores: Stores, theme: Any) -> None:
    fill(stores)
    browser_page.emulate_media(color_scheme=theme)
    ours = []
    for page in PAGES:
        browser_page.goto(f"{live_server.url}/horizon/{page}")
        # Admin's own header and the look of its breadcrumbs are Django's.
        found = Axe().run(browser_page, context={"exclude": [["#header"], [".breadcrumbs"]]})
        ours += [
            f"{page}: {fault['id']}: {node['html']}"
            for fault in found.response["violations"]
            for node in fault["nodes"]
        ]

    assert ours == []


def test_no_policy_report_and_no_error_in_the_console(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    fill(stores)
    complaints = complaints_of(browser_page)

    for page in PAGES:
        answer = browser_page.goto(f"{live_server.url}/horizon/{page}")
        browser_page.locator(".hz-main").wait_for()
        assert answer is not None
        assert "default-src 'self'" in answer.headers["content-security-policy"]

    # The browser notes a page's own 404.
    assert [each for each in complaints if "404 (Not Found)" not in each] == []


def test_a_phone_scrolls_in_one_direction_only(browser_page: Page, live_server: LiveServer, stores: Stores) -> None:
    fill(stores)
    browser_page.set_viewport_size({"width": 360, "height": 740})
    too_wide = []

    for page in PAGES:
        browser_page.goto(f"{live_server.url}/horizon/{page}")
        if browser_page.evaluate("document.documentElement.scrollWidth") > 360:
            too_wide.append(page)

    assert too_wide == []


def test_ticked_jobs_are_retried_without_script(
    browser: Browser, live_server: LiveServer, redis: Redis, stores: Stores
) -> None:
    ids = [failed(redis, jobs.fail, str(number)) for number in range(3)]
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/horizon/jobs/?state=failed")

    page.locator(f"input[value='{ids[0]}']").check()
    page.locator(f"input[value='{ids[2]}']").check()
    page.get_by_role("button", name="Retry").click()
    expect(page.locator(".hz-sentence")).to_have_text("Retry 2 failed jobs?")
    assert stores.jobs.counts(QUEUES)[State.FAILED] == 3
    page.get_by_role("button", name="Retry 2 jobs").click()

    expect(page.locator(".messagelist")).to_contain_text("Retried 2 jobs.")
    assert page.url == f"{live_server.url}/horizon/jobs/?state=failed"
    assert stores.jobs.failed_ids(QUEUES) == [ids[1]]
    context.close()


def test_all_failed_jobs_of_a_queue_are_deleted_after_a_question(
    browser_page: Page, live_server: LiveServer, redis: Redis, stores: Stores
) -> None:
    for _ in range(51):
        scenes.failed_job(stores, time.time())
    kept = scenes.failed_job(stores, time.time(), queue="high")
    browser_page.goto(f"{live_server.url}/horizon/jobs/?state=failed&queue=default")

    browser_page.get_by_role("link", name="Delete all").click()
    browser_page.get_by_role("button", name="Delete 51 jobs").click()

    expect(browser_page.locator(".messagelist")).to_contain_text("Deleted 51 jobs.")
    assert stores.jobs.failed_ids(QUEUES) == [kept]


def test_a_tick_stays_with_its_job_while_the_list_refreshes(
    browser_page: Page, live_server: LiveServer, redis: Redis, stores: Stores
) -> None:
    first = failed(redis, jobs.fail)
    browser_page.clock.install()
    browser_page.goto(f"{live_server.url}/horizon/jobs/?state=failed&live=5")
    browser_page.locator(f"input[value='{first}']").check()

    second = failed(redis, jobs.fail)
    browser_page.clock.run_for(6000)

    expect(browser_page.locator(f"input[value='{second}']")).not_to_be_checked()
    expect(browser_page.locator(f"input[value='{first}']")).to_be_checked()


def test_a_failed_job_is_retried_from_its_page(
    browser_page: Page, live_server: LiveServer, redis: Redis, stores: Stores
) -> None:
    job_id = failed(redis, jobs.fail)
    browser_page.goto(f"{live_server.url}/horizon/jobs/{job_id}/")

    browser_page.get_by_role("link", name="Retry").click()
    browser_page.get_by_role("button", name="Retry 1 job").click()

    expect(browser_page.locator(".hz-sentence")).to_contain_text("fail has been waiting in default")
    assert stores.jobs.lengths(QUEUES)["default"] == 1


def test_a_queue_is_paused_and_resumed_from_its_graphs(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    fill(stores)
    browser_page.goto(f"{live_server.url}/horizon/metrics/queues/high/")

    browser_page.get_by_role("link", name="Pause …").click()
    browser_page.get_by_label("Reason").fill("mail is down")
    browser_page.get_by_label("Minutes").fill("15")
    browser_page.get_by_role("button", name="Pause high").click()

    expect(browser_page.locator(".messagelist")).to_contain_text("Paused high for 15 min.")
    expect(browser_page.locator("#hz-strips")).to_contain_text("mail is down")
    browser_page.get_by_role("link", name="Resume …").click()
    browser_page.get_by_role("button", name="Resume high").click()
    expect(browser_page.locator(".messagelist")).to_contain_text("Resumed high.")
    assert stores.pauses.current(time.time()) == {}


def test_a_search_in_the_bar_finds_a_job_by_its_id(browser_page: Page, live_server: LiveServer, redis: Redis) -> None:
    job_id = queued(jobs.nothing)
    browser_page.goto(f"{live_server.url}/horizon/metrics/")

    browser_page.get_by_label("Search jobs").fill(job_id)
    browser_page.keyboard.press("Enter")

    expect(browser_page.locator("h1")).to_have_text(f"Job {job_id[:8]}")
