"""The pages of jobs and metrics as people meet them: themes, a phone, no script, the policy, and acting on rows."""

from __future__ import annotations

import gzip
import time
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer
from redis import Redis

import allegro_queue
from allegro_queue.activity.saved_view import SavedView
from allegro_queue.conf import horizon_settings
from allegro_queue.dashboard.page.formats import moment
from allegro_queue.history.followed_tags import follow
from allegro_queue.history.snapshot import take_snapshot
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.stores.pauses import Pause
from allegro_queue.terms import FIELD, Terms
from tests.support import jobs, scenes
from tests.support.axe import faults_of_ours
from tests.support.browser import complaints_of
from tests.support.failed_jobs import failed_ids
from tests.support.failures import failed, queued, run_all
from tests.support.runs import collected, failed_record, run_record

pytestmark = pytest.mark.django_db(transaction=True)

QUEUES = ("high", "default", "audience-sync")

PAGES = (
    "jobs/?state=failed",
    "jobs/?state=waiting",
    "jobs/?state=failed&still=yes",
    "jobs/?state=nope&queue=nope&page=0&q=nope:1",
    "jobs/?state=all&tag=order:7&run=%3E1s",
    "jobs/?state=lost&q=nothing",
    "jobs/the-failed-one/",
    "jobs/the-finished-one/",
    "jobs/the-gone-one/",
    "jobs/no-such-job/",
    "export/?state=failed&func=pay",
    "views/?state=failed&func=pay",
    "monitoring/",
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
    terms = Terms(tags=("order:7", "customer:northwind"), tenant="northwind", backoff=(30.0,)).encode()
    stores.client.hset("rq:job:the-failed-one", FIELD, terms)
    follow("order:7", by="ada@example.com", now=now)
    views = SavedView.objects
    views.create(
        name="Failed payments", owner="ada@example.com", shared=True, query="state=failed", created_at=moment(now)
    )
    runs = [
        failed_record(now - 90, job_id="the-gone-one", outcome="retried", started_at=now - 95, terms=terms),
        failed_record(now - 30, job_id="the-gone-one", attempt=2, terms=terms),
        failed_record(now, job_id="the-failed-one", terms=terms),
    ]
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


def test_axe_finds_no_fault_of_ours(browser_page: Page, live_server: LiveServer, stores: Stores) -> None:
    fill(stores)
    ours = []
    for page in PAGES:
        browser_page.goto(f"{live_server.url}/horizon/{page}")
        ours += faults_of_ours(browser_page)

    assert ours == []


def test_no_page_breaks_the_policy_complains_in_the_console_or_scrolls_sideways_on_a_phone(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    fill(stores)
    complaints = complaints_of(browser_page)
    browser_page.set_viewport_size({"width": 360, "height": 740})
    too_wide = []

    for page in PAGES:
        answer = browser_page.goto(f"{live_server.url}/horizon/{page}")
        browser_page.locator(".hz-main").wait_for()
        assert answer is not None
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        if browser_page.evaluate("document.documentElement.scrollWidth") > 360:
            too_wide.append(page)

    # The browser notes a page's own 404.
    assert [each for each in complaints if "404 (Not Found)" not in each] == []
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
    assert failed_ids(stores, QUEUES) == [ids[1]]
    context.close()


def test_all_failed_jobs_of_a_queue_are_deleted_after_a_question(
    browser_page: Page, live_server: LiveServer, redis: Redis, stores: Stores
) -> None:
    for _ in range(51):
        scenes.failed_job(stores, time.time())
    kept = scenes.failed_job(stores, time.time(), queue="high")
    browser_page.goto(f"{live_server.url}/horizon/jobs/?state=failed&queue=default")

    browser_page.get_by_role("link", name="Delete all").click()
    browser_page.get_by_label("Why").fill("the customer left")
    browser_page.get_by_label("Type the number of jobs").fill("51")
    browser_page.get_by_role("button", name="Delete 51 jobs").click()

    expect(browser_page.locator(".messagelist")).to_contain_text("Deleted 51 jobs.")
    assert failed_ids(stores, QUEUES) == [kept]


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


def test_the_form_and_the_box_write_the_same_address_without_script(
    browser: Browser, live_server: LiveServer, stores: Stores
) -> None:
    fill(stores)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/horizon/jobs/?state=failed")
    wanted = f"{live_server.url}/horizon/jobs/?state=failed&queue=default&age=%3C24h"

    page.locator("#hz-queue").select_option("default")
    page.locator("#hz-age").select_option("last 24 hours")
    page.get_by_role("button", name="Choose").click()
    assert page.url == wanted
    expect(page.locator("#hz-words")).to_have_value("state:failed queue:default age:<24h")

    page.goto(f"{live_server.url}/horizon/jobs/")
    page.locator("#hz-words").fill("age:<24h queue:default state:failed")
    page.get_by_role("button", name="Filter").click()
    assert page.url == wanted
    context.close()


def test_a_list_is_exported_without_script(browser: Browser, live_server: LiveServer, stores: Stores) -> None:
    fill(stores)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/horizon/jobs/?state=failed&func=pay")

    page.get_by_role("link", name="Export").click()
    page.get_by_label("NDJSON").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()

    assert download.value.suggested_filename.endswith(".ndjson")
    lines = download.value.path().read_text().splitlines()
    assert "the-gone-one" in "".join(lines)
    assert all('"shop.orders.jobs.pay"' in line for line in lines)
    context.close()


def test_a_list_is_saved_and_found_again(browser_page: Page, live_server: LiveServer, stores: Stores) -> None:
    fill(stores)
    browser_page.goto(f"{live_server.url}/horizon/jobs/?state=failed&tag=order:7")

    browser_page.get_by_role("link", name="Views").click()
    browser_page.get_by_label("Name").fill("Order 7")
    browser_page.get_by_role("button", name="Save view").click()
    browser_page.get_by_role("link", name="Order 7").click()

    assert browser_page.url == f"{live_server.url}/horizon/jobs/?state=failed&tag=order:7"


def test_a_tag_is_followed_and_let_go_of(browser_page: Page, live_server: LiveServer, redis: Redis) -> None:
    browser_page.goto(f"{live_server.url}/horizon/monitoring/")

    browser_page.get_by_label("Tag").fill("order:7")
    browser_page.get_by_role("button", name="Follow").click()
    expect(browser_page.locator(".messagelist")).to_contain_text("Following order:7.")
    expect(browser_page.locator("table")).to_contain_text("order:7")
    browser_page.get_by_role("button", name="Stop following").click()
    expect(browser_page.locator(".messagelist")).to_contain_text("Stopped following order:7.")


def test_a_ticked_row_stands_out(browser_page: Page, live_server: LiveServer, redis: Redis, stores: Stores) -> None:
    failed(redis, jobs.fail, "0")
    failed(redis, jobs.fail, "1")
    browser_page.goto(f"{live_server.url}/horizon/jobs/?state=failed&live=off")

    browser_page.locator("input[name=id]").first.check()
    browser_page.mouse.move(0, 0)

    ticked, other = browser_page.locator("tr[data-key]").evaluate_all(
        "rows => rows.map(row => getComputedStyle(row).backgroundColor)"
    )
    assert ticked != other


def test_the_rows_of_a_list_are_walked_and_ticked_by_keys(
    browser_page: Page, live_server: LiveServer, redis: Redis, stores: Stores
) -> None:
    for number in range(4):
        failed(redis, jobs.fail, str(number))
    browser_page.goto(f"{live_server.url}/horizon/jobs/?state=failed")
    # As the page has them: those that ended in the same second stand in no order of their own.
    ids = browser_page.locator("input[name=id]").evaluate_all("boxes => boxes.map(box => box.value)")
    assert len(ids) == 4
    keys = browser_page.keyboard

    keys.press("j")
    keys.press("j")
    keys.press("x")
    keys.press("j")
    keys.press("j")
    keys.press("Shift+X")
    ticked = browser_page.locator("input[name=id]:checked").evaluate_all("boxes => boxes.map(box => box.value)")
    assert ticked == ids[1:]
    keys.press("r")
    expect(browser_page.locator(".hz-sentence")).to_have_text("Retry 3 failed jobs?")
    assert stores.jobs.counts(QUEUES)[State.FAILED] == 4

    browser_page.goto(f"{live_server.url}/horizon/jobs/?state=failed")
    keys.press("j")
    keys.press("j")
    keys.press("k")
    keys.press("Enter")
    expect(browser_page.locator("h1")).to_have_text(f"Job {ids[0][:8]}")


def test_a_star_ticks_all_rows_and_leads_to_what_acts_on_all_that_match(
    browser_page: Page, live_server: LiveServer, redis: Redis, stores: Stores
) -> None:
    for number in range(51):
        failed(redis, jobs.fail, str(number))
    browser_page.goto(f"{live_server.url}/horizon/jobs/?state=failed&still=yes")

    browser_page.keyboard.press("*")

    expect(browser_page.locator("input[name=id]:checked")).to_have_count(50)
    expect(browser_page.get_by_role("link", name="Retry all")).to_be_focused()
    browser_page.keyboard.press("Enter")
    expect(browser_page.locator(".hz-sentence")).to_have_text("Retry all 51 failed jobs?")
    assert stores.jobs.counts(QUEUES)[State.FAILED] == 51


def test_keys_pause_and_resume_live_updates_and_update_once(
    browser_page: Page, live_server: LiveServer, redis: Redis, stores: Stores
) -> None:
    browser_page.goto(f"{live_server.url}/horizon/queues/")
    keys = browser_page.keyboard

    keys.press("p")
    expect(browser_page.get_by_label("Resume live updates")).to_be_visible()
    stores.pauses.pause(Pause(queue="high", since=time.time()))
    keys.press(".")
    expect(browser_page.locator("#hz-strips")).to_contain_text("high is paused")

    keys.press("p")
    expect(browser_page.get_by_label("Pause live updates")).to_be_visible()


def test_keys_make_the_charts_time_longer_and_shorter(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    collected(stores, run_record(time.time()))
    browser_page.goto(f"{live_server.url}/horizon/metrics/")
    current = browser_page.locator(".hz-ranges a[aria-current]")
    choices = browser_page.locator(".hz-ranges a").all_inner_texts()
    place = choices.index(current.inner_text())

    browser_page.keyboard.press("]")
    expect(current).to_have_text(choices[place + 1])
    browser_page.keyboard.press("[")
    expect(current).to_have_text(choices[place])
    for _ in range(place + 1):
        browser_page.keyboard.press("[")
        place = max(place - 1, 0)
        expect(current).to_have_text(choices[place])


def test_keys_lead_to_search_and_pages_and_can_be_turned_off(
    browser_page: Page, live_server: LiveServer, redis: Redis
) -> None:
    browser_page.goto(f"{live_server.url}/horizon/jobs/?state=waiting&live=off")
    keys = browser_page.keyboard

    keys.press("/")
    expect(browser_page.locator("#hz-words")).to_be_focused()
    keys.type("gw?")
    expect(browser_page.locator("#hz-words")).to_have_value("gw?")
    keys.press("Escape")
    keys.press("g")
    keys.press("w")
    expect(browser_page.locator("h1")).to_have_text("Workers")

    keys.press("?")
    dialog = browser_page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    found = Axe().run(browser_page, context={"include": [["#hz-keys"]]})
    assert found.violations_count == 0, found.generate_report()
    dialog.get_by_label("Keys are on").uncheck()
    dialog.get_by_role("button", name="Close").click()
    browser_page.reload()
    keys.press("g")
    keys.press("j")
    keys.press("?")
    expect(browser_page.locator("dialog")).to_have_count(0)
    expect(browser_page.locator("h1")).to_have_text("Workers")
    browser_page.get_by_role("button", name="Keys").click()
    expect(dialog).to_be_visible()


def test_all_scripts_together_stay_small() -> None:
    folder = Path(allegro_queue.__file__).parent / "static" / "horizon"

    assert sum(len(gzip.compress(file.read_bytes())) for file in folder.glob("*.js")) <= 12 * 1024
