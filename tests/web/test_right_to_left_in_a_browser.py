"""Pages from right to left as people meet them: with a screen reader, on a phone, kept up to date."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from allegro_queue.history.models import FailureGroup
from allegro_queue.stores import Stores
from tests.support import scenes
from tests.support.axe import faults
from tests.support.browser import complaints_of
from tests.support.runs import collected, failed_record

pytestmark = pytest.mark.django_db(transaction=True)

PAGES = ("", "jobs/?state=failed", "failures/", "queues/default/", "workers/", "schedule/", "metrics/", "health/")


def address_of(page: str) -> str:
    return f"/horizon/{page}{'&' if '?' in page else '?'}live=off"


def is_right_of(one: str, other: str, within: Locator) -> bool:
    """Whether the last of a piece of an element's text stands wholly to the right of the last of another."""
    return bool(
        within.evaluate(
            """(element, pieces) => {
              const range = document.createRange();
              const [first, second] = pieces.map((piece) => {
                const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
                while (texts.nextNode()) {
                  const at = texts.currentNode.data.lastIndexOf(piece);
                  if (at < 0) continue;
                  range.setStart(texts.currentNode, at);
                  range.setEnd(texts.currentNode, at + piece.length);
                }
                return range.getBoundingClientRect();
              });
              return first.left >= second.right - 1;
            }""",
            [one, other],
        )
    )


@pytest.fixture
def hebrew_page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="he")
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def test_axe_finds_no_fault_of_ours_from_right_to_left(
    hebrew_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    scenes.busy_system(stores, time.time())
    ours = []
    for page in PAGES:
        hebrew_page.goto(live_server.url + address_of(page))
        assert hebrew_page.locator("html").get_attribute("dir") == "rtl"
        # The colours are those of any language.
        ours += faults(hebrew_page, rules={"color-contrast": {"enabled": False}})

    assert ours == []


def test_a_phone_scrolls_in_one_direction_only_from_right_to_left(
    hebrew_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    scenes.busy_system(stores, time.time())
    hebrew_page.set_viewport_size({"width": 360, "height": 740})
    too_wide = []
    for page in PAGES:
        hebrew_page.goto(live_server.url + address_of(page))
        if hebrew_page.evaluate("document.documentElement.scrollWidth") > 360:
            too_wide.append(page)

    assert too_wide == []


@pytest.mark.parametrize("page", ["/accounts/sign-in/", "/members/", "/nothing-is-here/"])
def test_the_pages_beside_the_dashboard_scroll_in_one_direction_only_from_right_to_left(
    hebrew_page: Page, live_server: LiveServer, page: str
) -> None:
    hebrew_page.set_viewport_size({"width": 360, "height": 740})

    hebrew_page.goto(live_server.url + page)

    assert hebrew_page.locator("html").get_attribute("dir") == "rtl"
    assert hebrew_page.evaluate("document.documentElement.scrollWidth") <= 360
    hebrew_page.locator(".skip").focus()
    expect(hebrew_page.locator(".skip")).to_be_in_viewport(ratio=1)


def test_what_an_error_says_keeps_its_order_from_right_to_left(
    hebrew_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    now = time.time()
    failed = scenes.failed_job(stores, now, error='ValueError: order 41 is "closed"')
    collected(stores, failed_record(now, error='ValueError: order 41 is "closed"'))

    # The sentence is in Hebrew: the name of the error comes after the colon, to its left.
    hebrew_page.goto(f"{live_server.url}/horizon/jobs/{failed}/?live=off")
    assert is_right_of(":", "ValueError", hebrew_page.locator(".hz-sentence"))
    # What the error says is not: its closing quotation mark comes after the word, to its right.
    for page in ("jobs/?state=failed&still=yes", "failures/", ""):
        hebrew_page.goto(live_server.url + address_of(page))
        assert is_right_of('"', "closed", hebrew_page.locator("tr .hz-under", has_text="order 41")), page


def test_the_words_of_a_chart_are_laid_out_from_right_to_left(
    hebrew_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    collected(stores, failed_record(time.time()))
    hebrew_page.goto(f"{live_server.url}/horizon/failures/{FailureGroup.objects.get().fingerprint}/?live=off")

    # "Failed attempts in 2 h": what it is about comes first, on the right.
    first, figure = hebrew_page.locator(".hz-strip-name").evaluate(
        "it => [0, it.textContent.search(/[0-9]/)].map((at) => it.getExtentOfChar(at).x)"
    )
    assert first > figure


def test_the_navigation_stands_on_the_right_and_time_runs_to_the_right(
    hebrew_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    scenes.busy_system(stores, time.time())
    hebrew_page.goto(live_server.url + address_of(""))

    navigation = hebrew_page.locator(".hz-nav").bounding_box()
    main = hebrew_page.locator(".hz-main").bounding_box()

    assert navigation
    assert main
    assert navigation["x"] > main["x"]
    assert hebrew_page.locator(".hz-chart").first.evaluate("it => getComputedStyle(it).direction") == "ltr"


def test_scripts_speak_the_page_s_language(hebrew_page: Page, live_server: LiveServer, stores: Stores) -> None:
    complaints = complaints_of(hebrew_page)
    hebrew_page.goto(f"{live_server.url}/horizon/queues/")

    expect(hebrew_page.locator("[data-hz-fresh]")).to_contain_text("לפני")
    hebrew_page.keyboard.press("?")

    expect(hebrew_page.get_by_role("dialog", name="מקשים")).to_contain_text("פתיחת השורה")
    assert complaints == []


def test_the_language_is_switched_among_the_user_s_tools(browser: Browser, live_server: LiveServer) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(f"{live_server.url}/horizon/queues/")

    opened.get_by_role("button", name="עברית").click()

    expect(opened.locator("html")).to_have_attribute("lang", "he")
    assert opened.url.endswith("/horizon/queues/")
    context.close()
