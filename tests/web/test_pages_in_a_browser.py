"""Each page as people meet it with a screen reader and in both themes, and without script."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from allegro_queue.activity.models import Activity
from allegro_queue.history.models import FailureGroup
from allegro_queue.stores import Stores
from tests.support import scenes
from tests.support.axe import faults_of_ours

pytestmark = pytest.mark.django_db(transaction=True)

GROUP = "failures/<of the scene>/"
"""The page of the failure group that the scene has."""

PAGES = (
    "", "failures/", GROUP, "queues/", "queues/default/", "workers/", "schedule/", "metrics/", "metrics/queues/default/?range=7d",
    "metrics/jobs/shop.orders.jobs.pay/", "activity/", "health/",
)  # fmt: skip


def address_of(page: str, **query: str) -> str:
    """A page with a query, below the dashboard."""
    if page == GROUP:
        page = f"failures/{FailureGroup.objects.get().fingerprint}/"
    given = urlencode(query)
    return f"/horizon/{page}" + (f"{'&' if '?' in page else '?'}{given}" if given else "")


def test_axe_finds_no_fault_of_ours(browser_page: Page, live_server: LiveServer, stores: Stores) -> None:
    scenes.busy_system(stores, time.time())
    ours = []
    for page in PAGES:
        browser_page.goto(live_server.url + address_of(page, live="off"))
        ours += faults_of_ours(browser_page)

    assert ours == []


def test_an_address_stays_in_its_place_on_a_phone(browser_page: Page, live_server: LiveServer, stores: Stores) -> None:
    Activity.objects.create(
        at=timezone.now(), who="a.person.with.a.long.name@alley.com", via=Activity.Via.PAGE, action="pause",
        subject="high", outcome="Paused.", succeeded=True,
    )  # fmt: skip
    browser_page.set_viewport_size({"width": 360, "height": 740})
    browser_page.goto(f"{live_server.url}/horizon/activity/?live=off")

    who = browser_page.locator("td[data-label=Who]")

    assert who.evaluate("it => it.scrollWidth <= it.clientWidth")


def test_a_button_that_only_a_script_serves_is_not_shown_without_one(
    browser: Browser, live_server: LiveServer, stores: Stores
) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(f"{live_server.url}/horizon/workers/")

    expect(opened.get_by_label("Pause live updates")).to_be_visible()
    expect(opened.locator("[data-hz-keys]")).to_be_hidden()
    context.close()


def test_the_interval_can_be_chosen_without_script(browser: Browser, live_server: LiveServer, stores: Stores) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(f"{live_server.url}/horizon/workers/")

    opened.get_by_label("Update every").select_option("60")
    opened.get_by_role("button", name="Load").click()

    assert opened.url.endswith("/horizon/workers/?live=60")
    context.close()
