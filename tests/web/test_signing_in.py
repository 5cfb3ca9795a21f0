"""Signing in as a member does it: a real browser, a real server, a real mail file."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from pytest_django.live_server_helper import LiveServer
from redis import Redis

from allegro.audience.models import Member
from allegro.magic_links import links
from allegro.magic_links.models import MagicLink
from tests.support.browser import complaints_of
from tests.support.burst import work_off
from tests.support.people import a_member, an_organization

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mail_folder(settings: Any, tmp_path: Path) -> Path:
    """Mails go to files here, as in local."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    return tmp_path


def link_in(folder: Path) -> str:
    """The link in the one mail file."""
    (file,) = folder.iterdir()
    message = message_from_bytes(file.read_bytes().partition(b"\n-----")[0], policy=policy.default)
    body = message.get_body(("plain",))
    assert body is not None
    found = re.search(r"http\S+", body.get_content())
    assert found
    return found.group(0)


def test_the_field_for_the_code_is_as_large_as_the_one_for_the_address(
    browser_page: Page, live_server: LiveServer, redis: Redis
):
    a_member(an_organization(), name="Ada")
    browser_page.goto(f"{live_server.url}/members/magic-link/")
    address = browser_page.get_by_label("E-mail address").bounding_box()

    browser_page.get_by_label("E-mail address").fill("ada@example.com")
    browser_page.keyboard.press("Enter")

    code = browser_page.get_by_label("Code from the mail").bounding_box()
    assert address
    assert code
    assert (code["width"], code["height"]) == (address["width"], address["height"])


def test_a_member_signs_in_and_out_by_keyboard_alone(
    browser_page: Page, live_server: LiveServer, redis: Redis, mail_folder: Path, settings: Any
):
    settings.SITE_URL = live_server.url
    member = a_member(an_organization(), name="Ada")
    complaints = complaints_of(browser_page)

    browser_page.goto(f"{live_server.url}/members/magic-link/")
    expect(browser_page.get_by_label("E-mail address")).to_be_focused()
    browser_page.keyboard.type("ada@example.com")
    browser_page.keyboard.press("Enter")
    expect(browser_page.get_by_role("heading", name="Check your inbox")).to_be_visible()
    work_off(redis)
    browser_page.goto(link_in(mail_folder))
    expect(browser_page.locator(":focus")).to_be_visible()
    browser_page.keyboard.press("Enter")
    expect(browser_page.get_by_role("heading", name="Welcome, Ada")).to_be_visible()
    assert Member.objects.get(pk=member.pk).is_email_verified
    browser_page.get_by_role("button", name="Sign out").press("Enter")
    expect(browser_page.get_by_role("heading", name="Not signed in")).to_be_visible()

    assert complaints == []


def test_a_browser_that_opens_the_link_and_runs_its_scripts_but_presses_nothing_uses_nothing_up(
    browser: Browser, live_server: LiveServer, redis: Redis, mail_folder: Path, settings: Any
):
    settings.SITE_URL = live_server.url
    links.request_link(an_organization(), "ada@example.com", "", timezone.now())
    work_off(redis)
    scanner, reader = browser.new_context(), browser.new_context()
    page = scanner.new_page()

    for _ in range(2):
        page.goto(link_in(mail_folder), wait_until="networkidle")
        expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    for address in page.locator("a[href]").evaluate_all("links => links.map(each => each.href)"):
        page.goto(address, wait_until="networkidle")
    assert MagicLink.objects.get().used_at is None

    page = reader.new_page()
    page.goto(link_in(mail_folder))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    scanner.close()
    reader.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_fits_a_phone(
    browser: Browser, live_server: LiveServer, redis: Redis, scheme: Any, mail_folder: Path, settings: Any
):
    settings.SITE_URL = live_server.url
    long = "a-rather-long-address-that-does-not-end-where-a-phone-does@a-long-domain-name.example.com"
    an_organization(name="The Society of Unusually Long Organization Names")
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)
    page = context.new_page()
    site = live_server.url

    def look() -> None:
        problems = Axe().run(page)
        assert problems.violations_count == 0, problems.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, page.url

    for path in (
        "/members/",
        "/members/magic-link/",
        "/members/magic-link/?organization=x",
        "/accounts/sign-in/link/",
        "/accounts/sign-in/",
    ):
        page.goto(site + path)
        look()
    page.goto(f"{site}/members/magic-link/")
    page.get_by_label("E-mail address").fill("nobody")
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_contain_text("That is not an e-mail address")
    look()
    page.get_by_label("E-mail address").fill(long)
    page.get_by_role("button").click()
    look()
    work_off(redis)
    link = link_in(mail_folder)
    page.goto(link)
    look()
    page.get_by_role("button").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    look()
    page.goto(link)
    look()
    page.request.post(f"{site}/demo/receiver/", data={"id": long}, headers={"X-Allegro-Event": "ping"})
    page.goto(f"{site}/demo/receiver/")
    page.get_by_text("Headers and body").click()
    look()
    context.close()


def test_another_tab_goes_on_by_itself_once_the_link_is_used(
    browser: Browser, live_server: LiveServer, redis: Redis, mail_folder: Path, settings: Any
):
    settings.SITE_URL = live_server.url
    a_member(an_organization(), name="Ada")
    context = browser.new_context()
    waiting = context.new_page()
    complaints = complaints_of(waiting)
    waiting.goto(f"{live_server.url}/members/magic-link/")
    waiting.get_by_label("E-mail address").fill("ada@example.com")
    waiting.get_by_role("button").click()
    expect(waiting.get_by_role("heading", name="Check your inbox")).to_be_visible()
    work_off(redis)

    following = context.new_page()
    following.goto(link_in(mail_folder))
    assert "allegro_token" not in following.url
    following.get_by_role("button", name="Sign in").click()
    expect(following.get_by_role("heading", name="Welcome, Ada")).to_be_visible()

    # The tab that waits is not in front, so it looks once it is.
    waiting.bring_to_front()
    expect(waiting.get_by_role("heading", name="Welcome, Ada")).to_be_visible(timeout=10_000)
    assert complaints == []
    context.close()


def test_the_code_from_the_mail_signs_in_with_scripts_off(
    browser: Browser, live_server: LiveServer, redis: Redis, mail_folder: Path, settings: Any
):
    settings.SITE_URL = live_server.url
    a_member(an_organization(), name="Ada")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/members/magic-link/")
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_role("button").click()
    work_off(redis)
    (file,) = mail_folder.iterdir()
    found = re.search(rb"where you asked: (\d{6})", file.read_bytes())
    assert found

    page.get_by_label("Code from the mail").fill(found.group(1).decode())
    page.get_by_label("Code from the mail").press("Enter")

    expect(page.get_by_role("heading", name="Welcome, Ada")).to_be_visible()
    context.close()
