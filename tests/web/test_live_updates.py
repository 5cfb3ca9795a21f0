"""Pages that refresh themselves, in a real browser."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, Response, Route, expect
from pytest_django.live_server_helper import LiveServer
from redis.exceptions import ConnectionError as RedisConnectionError

from allegro_queue.stores import Stores
from allegro_queue.stores.pauses import Pause
from tests.support import records, scenes
from tests.support.browser import complaints_of
from tests.support.eventually import eventually
from tests.support.runs import collected, failed_record

pytestmark = pytest.mark.django_db(transaction=True)


def visit(page: Page, address: str) -> None:
    """Open a page whose clock moves only when ``let_pass`` moves it."""
    page.clock.install()
    page.goto(address)


def let_pass(page: Page, seconds: float) -> None:
    """Let the page's timers run as if so much time had gone by."""
    page.clock.run_for(seconds * 1000)


def is_refresh(answer: Response) -> bool:
    """Whether it answers a page's own script."""
    return "x-horizon-fragment" in answer.request.headers


def test_what_changes_shows_up_without_a_reload(browser_page: Page, live_server: LiveServer, stores: Stores) -> None:
    scenes.quiet_system(stores, time.time())
    complaints = complaints_of(browser_page)
    visit(browser_page, f"{live_server.url}/horizon/")
    expect(browser_page.locator(".hz-sentence")).to_have_text("Quiet. Nothing waits and nothing runs.")
    browser_page.evaluate("document.body.dataset.same = 'yes'")

    scenes.backlog(stores, "high", 3)

    let_pass(browser_page, 6)
    row = browser_page.locator("tr[data-key=high] [data-label=Waiting]")
    expect(row).to_have_text("3")
    assert browser_page.evaluate("document.body.dataset.same") == "yes"
    assert complaints == []


def test_focus_open_details_and_scroll_survive_a_refresh(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    now = time.time()
    scenes.busy_system(stores, now)
    browser_page.set_viewport_size({"width": 1280, "height": 400})
    visit(browser_page, f"{live_server.url}/horizon/")
    browser_page.locator(".hz-twin summary").click()
    link = browser_page.locator("tr[data-key=audience-sync] th a")
    link.focus()
    browser_page.evaluate("scrollTo(0, 300)")
    before = browser_page.evaluate("scrollY")

    # A row above the focused one changes, and the answer above it all grows shorter.
    scenes.backlog(stores, "high", 5)
    stores.client.delete("horizon:lost")

    let_pass(browser_page, 6)
    expect(browser_page.locator("tr[data-key=high] [data-label=Waiting]")).to_have_text("5")
    expect(link).to_be_focused()
    expect(browser_page.locator(".hz-twin")).to_have_attribute("open", "")
    assert abs(browser_page.evaluate("scrollY") - before) < 200


def test_focus_stays_on_its_row_when_the_row_above_vanishes(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    now = time.time()
    scenes.busy_system(stores, now)
    visit(browser_page, f"{live_server.url}/horizon/workers/")
    link = browser_page.locator("tr[data-key=web-1-4122] a").first
    link.focus()

    stores.workers.remove("web-1-4121")

    let_pass(browser_page, 6)
    expect(browser_page.locator("tr[data-key=web-1-4121]")).to_have_count(0)
    expect(link).to_be_focused()


@pytest.mark.parametrize("moves_in_place", [True, False], ids=["moveBefore", "insertBefore"])
def test_focus_stays_on_a_row_that_moves_up_whether_or_not_the_browser_moves_nodes_in_place(
    browser_page: Page, live_server: LiveServer, stores: Stores, moves_in_place: bool
) -> None:
    now = time.time()
    collected(stores, failed_record(now - 60), failed_record(now - 90, error="KeyError: 'total'"))
    if not moves_in_place:
        browser_page.add_init_script("delete Element.prototype.moveBefore")
    visit(browser_page, f"{live_server.url}/horizon/failures/")
    rows = browser_page.locator("tbody tr[data-key]")
    expect(rows.nth(1)).to_contain_text("KeyError")
    rows.nth(1).get_by_role("link").first.focus()

    collected(stores, failed_record(now - 1, error="KeyError: 'total'"))

    let_pass(browser_page, 20)
    expect(rows.nth(0)).to_contain_text("KeyError")
    expect(rows.nth(0).get_by_role("link").first).to_be_focused()


def test_a_typed_word_and_a_ticked_box_are_not_taken_away(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    scenes.quiet_system(stores, time.time())
    failed = scenes.failed_job(stores, time.time())
    visit(browser_page, f"{live_server.url}/horizon/jobs/?state=failed&still=yes")
    box = browser_page.locator(f"tr[data-key='{failed}'] input[type=checkbox]")
    box.check()
    browser_page.locator("#hz-search").fill("send_")

    newer = scenes.failed_job(stores, time.time() + 1)

    let_pass(browser_page, 20)
    expect(browser_page.locator(f"tr[data-key='{newer}']")).to_have_count(1)
    expect(box).to_be_checked()
    expect(browser_page.locator("#hz-search")).to_have_value("send_")


def test_the_forms_above_a_list_stay_as_they_are(browser_page: Page, live_server: LiveServer, stores: Stores) -> None:
    scenes.quiet_system(stores, time.time())
    scenes.backlog(stores, "default", 1)
    visit(browser_page, f"{live_server.url}/horizon/jobs/?state=waiting")
    before = browser_page.locator(".hz-filter").inner_html()
    browser_page.locator("#hz-queue").select_option("high")

    scenes.backlog(stores, "default", 1)

    let_pass(browser_page, 12)
    expect(browser_page.locator("tbody tr[data-key]")).to_have_count(2)
    assert browser_page.locator(".hz-filter").inner_html() == before
    expect(browser_page.locator("#hz-queue")).to_have_value("high")


def test_the_count_of_failures_beside_the_page_follows(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    scenes.quiet_system(stores, time.time())
    visit(browser_page, f"{live_server.url}/horizon/workers/")
    beside = browser_page.locator("#hz-count-failures")
    expect(beside).to_be_hidden()

    failed = scenes.failed_job(stores, time.time())

    let_pass(browser_page, 6)
    expect(beside).to_be_visible()
    expect(beside).to_have_text("1 failed jobs")

    stores.client.zrem("rq:failed:default", failed)
    let_pass(browser_page, 6)
    expect(beside).to_be_hidden()


def test_a_failing_server_leaves_the_last_data_and_says_of_when_it_is(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    scenes.quiet_system(stores, time.time())
    visit(browser_page, f"{live_server.url}/horizon/workers/")
    browser_page.route("**/horizon/workers/", lambda route: route.fulfill(status=500, body="broken"))

    let_pass(browser_page, 6)
    fresh = browser_page.locator("[data-hz-fresh]")
    expect(fresh).to_contain_text("the server answered 500")

    expect(fresh).to_contain_text("As of ")
    expect(browser_page.locator("tr[data-key=web-1-4121]")).to_have_count(1)


def test_a_signed_out_reader_is_told_so_and_polling_stops(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    scenes.quiet_system(stores, time.time())
    visit(browser_page, f"{live_server.url}/horizon/workers/")
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=403, body="You are not signed in.")

    browser_page.route("**/horizon/workers/", refuse)

    let_pass(browser_page, 6)
    expect(browser_page.locator("[data-hz-fresh]")).to_contain_text("You were signed out. Sign in")
    expect(browser_page.locator("tr[data-key=web-1-4121]")).to_have_count(1)
    # Coming back to the tab asks at once, unless polling has stopped.
    browser_page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    let_pass(browser_page, 600)
    browser_page.evaluate("fetch('/up')")
    assert len(asked) == 1


def test_a_hidden_tab_asks_nothing_and_asks_at_once_when_it_comes_back(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    scenes.quiet_system(stores, time.time())
    asked: list[str] = []
    browser_page.on(
        "request", lambda request: asked.append(request.url) if "fragment" in str(request.headers) else None
    )
    visit(browser_page, f"{live_server.url}/horizon/workers/")
    hide = "Object.defineProperty(document, 'hidden', {value: %s, configurable: true});"
    tell = "document.dispatchEvent(new Event('visibilitychange'))"

    browser_page.evaluate(hide % "true" + tell)
    let_pass(browser_page, 600)
    browser_page.evaluate("fetch('/up')")
    assert asked == []

    stores.pauses.pause(Pause(queue="high", since=time.time()))
    browser_page.evaluate(hide % "false" + tell)
    expect(browser_page.locator("#hz-strips")).to_contain_text("high is paused")
    assert len(asked) == 1


def test_the_tag_of_a_304_is_what_is_asked_with_next(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    visit(browser_page, f"{live_server.url}/horizon/batches/")
    asked: list[str | None] = []

    def answer(route: Route) -> None:
        asked.append(route.request.headers.get("if-none-match"))
        headers = {"ETag": f'"tag-{len(asked)}"'}
        if len(asked) == 1:
            route.fulfill(response=route.fetch(), headers=headers)
        else:
            route.fulfill(status=304, headers=headers)

    browser_page.route("**/horizon/batches/", answer)
    for _ in range(3):
        with browser_page.expect_response(is_refresh):
            let_pass(browser_page, 6)

    assert asked == [None, '"tag-1"', '"tag-2"']


def test_who_asks_by_key_gets_the_page_drawn_anew(browser_page: Page, live_server: LiveServer, stores: Stores) -> None:
    visit(browser_page, f"{live_server.url}/horizon/batches/")
    with browser_page.expect_response(is_refresh):
        let_pass(browser_page, 6)

    with browser_page.expect_response(is_refresh) as answer:
        browser_page.keyboard.press(".")

    assert answer.value.status == 200
    assert "if-none-match" not in answer.value.request.headers


def test_a_key_is_heard_while_an_answer_is_on_its_way(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    held: list[Route] = []
    address = "**/horizon/batches/"

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    visit(browser_page, f"{live_server.url}/horizon/batches/")
    with browser_page.expect_response(is_refresh):
        let_pass(browser_page, 6)
    browser_page.route(address, hold_the_first)
    with browser_page.expect_request(address) as first:
        let_pass(browser_page, 6)

    browser_page.keyboard.press(".")
    with browser_page.expect_request(address) as second:
        held[0].continue_()

    assert "if-none-match" in first.value.headers
    assert "if-none-match" not in second.value.headers


def test_a_part_that_was_being_selected_is_asked_for_again(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    scenes.quiet_system(stores, time.time())
    visit(browser_page, f"{live_server.url}/horizon/")
    row = browser_page.locator("tr[data-key=high] [data-label=Waiting]")
    browser_page.evaluate("getSelection().selectAllChildren(document.querySelector('#hz-live'))")
    scenes.backlog(stores, "high", 3)
    with browser_page.expect_response(is_refresh):
        let_pass(browser_page, 6)
    expect(row).to_have_text("0")

    browser_page.evaluate("getSelection().removeAllRanges()")

    let_pass(browser_page, 6)
    expect(row).to_have_text("3")


def test_redis_going_away_is_told_and_the_last_data_stays_greyed(
    browser_page: Page, live_server: LiveServer, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenes.quiet_system(stores, time.time())
    visit(browser_page, f"{live_server.url}/horizon/workers/")

    def refuse(*_: object, **__: object) -> None:
        raise RedisConnectionError("Connection refused")

    monkeypatch.setattr("allegro_queue.stores.pulse.PulseStore.glance", refuse)

    let_pass(browser_page, 6)
    expect(browser_page.locator(".hz-sentence")).to_contain_text("does not answer: connection refused")
    expect(browser_page.locator("#hz-live")).to_have_class("hz-stale")
    expect(browser_page.locator("tr[data-key=web-1-4121]")).to_have_count(1)
    assert "(Redis unreachable)" in browser_page.title()


def test_choosing_off_stops_the_refreshing_and_stays_in_the_address(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    scenes.quiet_system(stores, time.time())
    visit(browser_page, f"{live_server.url}/horizon/workers/")

    browser_page.get_by_label("Pause live updates").click()

    eventually(lambda: browser_page.url.endswith("?live=off"))
    expect(browser_page.get_by_label("Resume live updates")).to_be_visible()
    assert browser_page.locator(".hz").get_attribute("data-hz-interval") == "0"


def test_a_worker_that_turns_busy_shows_its_job(browser_page: Page, live_server: LiveServer, stores: Stores) -> None:
    now = time.time()
    scenes.quiet_system(stores, now)
    visit(browser_page, f"{live_server.url}/horizon/workers/")

    stores.workers.write(
        records.worker(
            now,
            state="busy",
            job_id="abc",
            job_name="shop.jobs.pay",
            job_queue="high",
            job_started_at=now,
            job_timeout=60,
        )
    )

    let_pass(browser_page, 6)
    expect(browser_page.locator("tr[data-key=web-1-4121] .hz-func")).to_have_text("shop.jobs.pay")
    expect(browser_page.locator("tr[data-key=web-1-4121] .hz-limit")).to_have_count(1)
