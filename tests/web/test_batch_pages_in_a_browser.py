"""The pages of batches, and a job's own words, as people meet them."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer
from redis import Redis

from allegro_queue.batches import Batch, batch, follow_up
from allegro_queue.dispatch import dispatch
from allegro_queue.job_notes import LogLine, Progress, Said
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from tests.support import jobs
from tests.support.axe import faults_of_ours
from tests.support.browser import complaints_of
from tests.support.burst import work_off_with_terms

pytestmark = pytest.mark.django_db(transaction=True)

SHOWN = pytest.mark.parametrize("page", ["list", "batch", "job"])


@pytest.fixture
def addresses(redis: Redis, stores: Stores) -> dict[str, str]:
    """The list, a batch with failures, jobs that are left and what follows, and a job that has said something."""
    with batch("Import of members", then=follow_up(jobs.nothing), allow_failures=True) as made:
        for _ in range(2):
            made.add(jobs.fail, "no such member: " + "x" * 200, options=JobOptions(tries=1))
    work_off_with_terms(redis)
    Batch(made.id).add_many(jobs.nothing, [()] * 30)
    job_id = dispatch(jobs.nothing)
    say(stores, job_id, 1, "slow " + "y" * 400, "Traceback\n  File x\nValueError: no")
    return {"list": "batches/", "batch": f"batches/{made.id}/", "job": f"jobs/{job_id}/"}


def say(stores: Stores, job_id: str, done: int, *lines: str) -> None:
    now = time.time()
    told = tuple(LogLine(at=now, level="ERROR", logger="shop", attempt=1, words=each) for each in lines)
    progress = Progress(done=done, total=4, note="members", at=now)
    stores.notes.add(Said(job_id=job_id, progress=progress, lines=told, left_out=0), now)


@SHOWN
def test_axe_finds_no_fault_of_ours_in_what_batches_show(
    browser_page: Page, live_server: LiveServer, addresses: dict[str, str], page: str
):
    browser_page.goto(f"{live_server.url}/horizon/{addresses[page]}?live=off")

    assert faults_of_ours(browser_page) == []


@SHOWN
def test_the_policy_is_kept_and_a_phone_scrolls_in_one_direction(
    browser_page: Page, live_server: LiveServer, addresses: dict[str, str], page: str
):
    complaints = complaints_of(browser_page)
    browser_page.set_viewport_size({"width": 360, "height": 740})

    browser_page.goto(f"{live_server.url}/horizon/{addresses[page]}")
    browser_page.locator(".hz-main").wait_for()

    assert complaints == []
    assert browser_page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_jobs_page_follows_its_words_and_stays_at_the_end_of_the_log(
    browser_page: Page, live_server: LiveServer, addresses: dict[str, str], stores: Stores
):
    job_id = addresses["job"].split("/")[1]
    say(stores, job_id, 2, *(f"line {number}" for number in range(60)))
    browser_page.goto(f"{live_server.url}/horizon/{addresses['job']}?live=5")
    expect(browser_page.get_by_text("2 of 4 (50 %)")).to_be_visible()
    expect(browser_page.get_by_text("line 59")).to_be_in_viewport(ratio=0.1)

    say(stores, job_id, 3, "the newest")

    expect(browser_page.get_by_text("3 of 4 (75 %)")).to_be_visible(timeout=15_000)
    box = browser_page.locator(".hz-log-box")
    assert abs(box.evaluate("it => it.scrollTop")) < 2
    expect(browser_page.get_by_text("the newest")).to_be_visible()


def test_a_batch_is_cancelled_by_keyboard_with_a_reason(
    browser_page: Page, live_server: LiveServer, addresses: dict[str, str], stores: Stores
):
    browser_page.goto(f"{live_server.url}/horizon/{addresses['batch']}?live=off")

    browser_page.get_by_label("Reason").focus()
    browser_page.keyboard.type("wrong file")
    browser_page.keyboard.press("Enter")

    expect(browser_page.get_by_text("Cancelled Import of members.")).to_be_visible()
    assert stores.batches.is_cancelled(addresses["batch"].split("/")[1])
