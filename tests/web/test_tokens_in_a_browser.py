"""The page of tokens as people meet it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from allegro_queue.stores import Stores
from allegro_queue.tokens.tokens import make
from tests.support.browser import complaints_of
from tests.support.people import staff

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_token_is_made_and_revoked(
    browser_page: Page, live_server: LiveServer, stores: Stores, theme: str, width: int
) -> None:
    person, now = staff(), datetime.now(UTC)
    make("nightly backup", ["retry_job"], now=now - timedelta(days=3), made_by="root", days=30)
    client = Client()
    client.force_login(person)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
    browser_page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": live_server.url}])
    browser_page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
    browser_page.set_viewport_size({"width": width, "height": 900})
    complaints = complaints_of(browser_page)

    browser_page.goto(f"{live_server.url}/horizon/tokens/")
    browser_page.get_by_label("Name").fill("deploys")
    browser_page.get_by_label("Can retry jobs").check()
    browser_page.get_by_role("button", name="Make token").click()
    expect(browser_page.locator("#hz-made")).to_contain_text("hzn_")
    found = Axe().run(browser_page)
    if folder := os.environ.get("PICTURES"):
        browser_page.screenshot(path=f"{folder}/tokens-{theme}-{width}.png", full_page=True)
    wide = browser_page.evaluate("document.documentElement.scrollWidth")
    browser_page.get_by_role("button", name="Revoke deploys").click()

    expect(browser_page.locator(".messagelist")).to_contain_text("Revoked the token deploys")
    assert browser_page.url.endswith("/horizon/tokens/")
    ours = [
        f"{fault['id']}: {node['html']}"
        for fault in found.response["violations"]
        for node in fault["nodes"]
        # Admin's own header and breadcrumbs are Django's.
        if "header" not in str(node["target"]) and "breadcrumbs" not in str(node["target"])
    ]
    assert ours == []
    assert wide <= width
    assert complaints == []
