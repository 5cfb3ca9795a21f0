"""What an open page says when something is taken from it: its Redis, its reader's session, its server, the network.

Each is really taken away, and given back where that can be.
"""

from __future__ import annotations

import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from allegro.dev.valkey import server_binary
from allegro_queue.connection import PAGE_SECONDS, forget_client
from allegro_queue.history.models import FailureGroup
from allegro_queue.stores import Stores, open_stores
from tests.support import scenes
from tests.support.people import staff
from tests.support.server import start_server

pytestmark = pytest.mark.django_db(transaction=True)

GROUPS = FailureGroup._meta.db_table


@pytest.fixture
def own_redis(tmp_path: Path, settings: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A Redis server that the test may stop."""
    server = start_server(server_binary(), tmp_path)
    settings.RQ_QUEUES = {
        name: {"URL": f"unix://{tmp_path}/redis.sock", "SERIALIZER": given["SERIALIZER"]}
        for name, given in settings.RQ_QUEUES.items()
    }
    forget_client()
    yield server
    forget_client()
    server.kill()
    server.wait()


def open_at(page: Page, address: str) -> None:
    """A page whose clock moves only when it is told to."""
    page.clock.install()
    page.goto(address)


def test_a_redis_that_hangs_is_named_in_time_and_the_page_comes_back_with_it(
    browser_page: Page, live_server: LiveServer, own_redis: subprocess.Popen[bytes], client: Client
) -> None:
    scenes.quiet_system(open_stores(), time.time())
    open_at(browser_page, f"{live_server.url}/horizon/workers/")
    expect(browser_page.locator("tr[data-key=web-1-4121]")).to_have_count(1)

    own_redis.send_signal(signal.SIGSTOP)
    begun = time.monotonic()
    body = client.get("/horizon/workers/").content.decode()
    took = time.monotonic() - begun
    browser_page.clock.run_for(6_000)
    expect(browser_page.locator("#hz-live")).to_have_class("hz-stale")
    own_redis.send_signal(signal.SIGCONT)

    assert "redis.sock does not answer: time-out." in body
    assert "python manage.py horizon_status" in body
    assert PAGE_SECONDS <= took < 2 * PAGE_SECONDS
    expect(browser_page.locator(".hz-sentence")).to_contain_text("does not answer: time-out")
    browser_page.clock.run_for(12_000)
    expect(browser_page.locator("#hz-live")).not_to_have_class("hz-stale")
    expect(browser_page.locator(".hz-sentence")).not_to_contain_text("does not answer")


def test_a_reader_whose_session_has_ended_is_told_in_place(
    browser_page: Page, live_server: LiveServer, stores: Stores, staging: None
) -> None:
    scenes.quiet_system(stores, time.time())
    session = Client()
    session.force_login(staff(is_superuser=True))
    cookie = session.cookies["sessionid"]
    browser_page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    open_at(browser_page, f"{live_server.url}/horizon/workers/")
    expect(browser_page.locator("tr[data-key=web-1-4121]")).to_have_count(1)

    Session.objects.all().delete()

    browser_page.clock.run_for(6_000)
    expect(browser_page.locator("#hz-fresh")).to_contain_text("You were signed out. Sign in")
    expect(browser_page.locator("tr[data-key=web-1-4121]")).to_have_count(1)


def test_a_server_that_breaks_leaves_the_last_data_with_its_time(
    browser_page: Page, live_server: LiveServer, stores: Stores, caplog: pytest.LogCaptureFixture
) -> None:
    scenes.quiet_system(stores, time.time())
    open_at(browser_page, f"{live_server.url}/horizon/failures/?live=5")
    expect(browser_page.locator("h1")).to_have_text("Failures")
    shown = browser_page.locator("#hz-live").inner_text()

    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {GROUPS} RENAME TO {GROUPS}_gone")
    try:
        browser_page.clock.run_for(6_000)
        expect(browser_page.locator("#hz-fresh")).to_contain_text(
            re.compile(r"the server answered 500 \(request id [0-9a-f]{32}\)")
        )
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {GROUPS}_gone RENAME TO {GROUPS}")

    told = re.search(r"request id \w+", browser_page.locator("#hz-fresh").inner_text())
    assert told is not None
    assert told[0] in caplog.text
    expect(browser_page.locator("#hz-fresh")).to_contain_text("As of ")
    assert browser_page.locator("#hz-live").inner_text() == shown
    browser_page.clock.run_for(12_000)
    expect(browser_page.locator("#hz-fresh")).to_contain_text("Updated ")


def test_without_a_network_the_page_says_that_the_server_does_not_answer(
    browser_page: Page, live_server: LiveServer, stores: Stores
) -> None:
    scenes.quiet_system(stores, time.time())
    open_at(browser_page, f"{live_server.url}/horizon/workers/")

    browser_page.context.set_offline(True)

    browser_page.clock.run_for(6_000)
    expect(browser_page.locator("#hz-fresh")).to_contain_text("the server does not answer")
    expect(browser_page.locator("tr[data-key=web-1-4121]")).to_have_count(1)
    browser_page.context.set_offline(False)
    expect(browser_page.locator("#hz-fresh")).to_contain_text("Updated ")
