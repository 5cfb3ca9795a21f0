"""Each page as people meet it: in both themes, on a phone, without script, under the policy, with a screen reader."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from allegro_queue.history.models import FailureGroup
from allegro_queue.stores import Stores
from tests.support import scenes
from tests.support.browser import complaints_of

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


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_no_fault_of_ours(
    browser_page: Page, live_server: LiveServer, stores: Stores, page: str, theme: str
) -> None:
    scenes.busy_system(stores, time.time())
    browser_page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    browser_page.goto(live_server.url + address_of(page, live="off"))

    found = Axe().run(browser_page)

    ours = [
        f"{fault['id']}: {node['html']}"
        for fault in found.response["violations"]
        for node in fault["nodes"]
        # Admin's own header and breadcrumbs are Django's.
        if browser_page.locator(node["target"][0]).evaluate("it => !it.closest('#header, .breadcrumbs')")
    ]
    assert ours == []


@pytest.mark.parametrize("page", PAGES)
def test_no_policy_report_and_no_error_in_the_console(
    browser_page: Page, live_server: LiveServer, stores: Stores, page: str
) -> None:
    scenes.busy_system(stores, time.time())
    complaints = complaints_of(browser_page)

    answer = browser_page.goto(live_server.url + address_of(page))
    browser_page.locator(".hz-main").wait_for()

    assert answer is not None
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert complaints == []


@pytest.mark.parametrize("page", PAGES)
def test_a_phone_scrolls_in_one_direction_only(
    browser_page: Page, live_server: LiveServer, stores: Stores, page: str
) -> None:
    scenes.busy_system(stores, time.time())
    browser_page.set_viewport_size({"width": 360, "height": 740})

    browser_page.goto(live_server.url + address_of(page, live="off"))

    assert browser_page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_whole_without_script(browser: Browser, live_server: LiveServer, stores: Stores, page: str) -> None:
    scenes.busy_system(stores, time.time())
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    opened = context.new_page()

    opened.goto(live_server.url + address_of(page))

    expect(opened.locator(".hz-sentence")).to_be_visible()
    opened.locator(".hz-menu summary").click()
    opened.get_by_role("link", name="Schedule", exact=True).first.click()
    expect(opened.locator("h1")).to_have_text("Schedule")
    context.close()


def test_the_interval_can_be_chosen_without_script(browser: Browser, live_server: LiveServer, stores: Stores) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(f"{live_server.url}/horizon/workers/")

    opened.get_by_label("Update every").select_option("60")
    opened.get_by_role("button", name="Load").click()

    assert opened.url.endswith("/horizon/workers/?live=60")
    context.close()
