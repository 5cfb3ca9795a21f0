"""What holds of every page, whichever there are: each address below the dashboard is walked."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer

from allegro_queue.activity.models import Activity
from allegro_queue.stores import Stores
from tests.support import every_page
from tests.support.browser import complaints_of
from tests.support.digest import digest
from tests.support.people import staff
from tests.support.trips import trips_of

pytestmark = pytest.mark.django_db(transaction=True)

NOTHING_THERE = {"api_nothing", "api_root"}
MOST_TRIPS, MOST_QUERIES, MOST_BYTES = 6, 8, 60_000


def test_every_address_shows_something_or_only_takes_a_post(client: Client, stores: Stores) -> None:
    found = every_page.system(stores)

    answers = {name: client.get(address).status_code for name, address in found.items()}

    assert {name: status for name, status in answers.items() if status not in (200, 405)} == dict.fromkeys(
        NOTHING_THERE, 404
    )


def test_looking_at_every_address_changes_nothing(client: Client, stores: Stores) -> None:
    found = every_page.system(stores)
    before, deeds = digest(stores.client), Activity.objects.count()

    for name, address in found.items():
        for headers in ({}, {"X-Horizon-Fragment": "1"}):
            client.get(address, headers=headers)
            client.head(address, headers=headers)
            assert digest(stores.client) == before, name

    assert Activity.objects.count() == deeds


def test_every_page_keeps_within_its_round_trips_queries_and_size(
    stores: Stores, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = every_page.system(stores)
    settings.HORIZON = {**settings.HORIZON, "environment": "staging"}
    client = Client()
    client.force_login(staff())
    client.get(found["overview"])
    over = {}

    for name, address in found.items():
        for headers in ({}, {"X-Horizon-Fragment": "1"}):
            trips = trips_of(monkeypatch)
            with CaptureQueriesContext(connection) as asked:
                answer = client.get(address, headers=headers)
            monkeypatch.undo()
            # Those of the session and its user are among the queries.
            took = (len(trips), len(asked), len(gzip.compress(answer.content)))
            if any(value > most for value, most in zip(took, (MOST_TRIPS, MOST_QUERIES, MOST_BYTES), strict=True)):
                over[name] = took

    assert over == {}


def test_no_page_breaks_the_policy_complains_in_the_console_or_scrolls_sideways_on_a_phone(
    client: Client, browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    pages = every_page.pages(client, every_page.system(stores))
    complaints = complaints_of(browser_page)
    browser_page.set_viewport_size({"width": 360, "height": 740})
    found = {}

    for name, address in pages.items():
        answer = browser_page.goto(live_server.url + address)
        browser_page.locator(".hz-main").wait_for()
        assert answer is not None
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        if complaints:
            found[name] = list(complaints)
            complaints.clear()
        if browser_page.evaluate("document.documentElement.scrollWidth") > 360:
            found[name] = ["it is wider than the phone"]

    assert len(pages) > 30
    assert found == {}


def test_every_page_is_whole_without_script(
    client: Client, browser: Browser, live_server: LiveServer, stores: Stores
) -> None:
    pages = every_page.pages(client, every_page.system(stores))
    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 740})
    opened = context.new_page()

    for address in pages.values():
        opened.goto(live_server.url + address)
        for part in ("h1", ".hz-sentence", ".hz-menu summary"):
            assert opened.locator(part).first.is_visible(), (address, part)
    # The menu is the frame's, and so the same on each.
    opened.locator(".hz-menu summary").click()
    opened.get_by_role("link", name="Schedule", exact=True).first.click()
    expect(opened.locator("h1")).to_have_text("Schedule")
    context.close()
