"""The page of alerts: what is shown, who may change what, and that it is noted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from allegro.accounts.models import User
from allegro_queue.activity.models import Activity
from allegro_queue.alerts import book
from allegro_queue.alerts.models import AlertEvent, AlertMessage, AlertStanding
from allegro_queue.alerts.standing import Advance, Event, Happening, Standing
from allegro_queue.alerts.watching import Memory
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.tellings import Telling, telling_of, verbatim
from tests.support import scenes
from tests.support.axe import faults_of_ours

pytestmark = pytest.mark.django_db

SECRET = "xoxb-very-secret"


@pytest.fixture
def channels(settings: Any) -> None:
    settings.HORIZON = {
        **settings.HORIZON,
        "alerts": {"channels": {"mail": {"mail": "ops@example.com"}, "chat": {"apprise": f"slack://{SECRET}/a/b"}}},
    }


NO_WORKER = telling_of("no worker lives; {n} job waits", "no worker lives; {n} jobs wait", 0)


def fire(rule: str = "no_workers", said: Telling = NO_WORKER) -> None:
    """A rule has fired a minute ago, and its keeper lives."""
    now = time.time()
    standing = Standing(rule=rule, subject="", said=said, since=now - 60, fired_at=now, told_at=now)
    assert book.take_turn("token", "web-1", 4104, now)
    event = Event(happening=Happening.FIRED, standing=standing, channels=("mail", "chat"))
    book.write_look("token", Advance((standing,), (event,)), Memory(), [], now)


def page(client: Client, name: str = "alerts", **query: str) -> str:
    answer = client.get(reverse(f"horizon:{name}"), query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_what_fires_stands_first_and_in_the_frame_of_every_page(client: Client, stores: Stores, channels: None):
    fire()

    html = page(client)
    assert "1 alert fires: nobody works on a queue." in html
    assert "no worker lives; 0 jobs wait" in html
    assert "Kept by pid 4104 on web-1; 2 channels." in html
    assert "1 alert</a>" in page(client, "schedule")


def test_what_is_wrong_and_what_happened_are_told_in_the_reader_s_language(
    client: Client, stores: Stores, channels: None
):
    fire()
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "he"

    assert page(client).count("אין אף עובד חי") == 2
    [rule] = [each for each in client.get("/horizon/api/v1/alerts").json()["rules"] if each["rule"] == "no_workers"]
    assert rule["alerts"][0]["text"] == "no worker lives; 0 jobs wait"


def test_what_a_version_said_that_knew_english_only_is_shown_as_it_is(client: Client, stores: Stores, channels: None):
    fire()
    AlertStanding.objects.update(said=None)
    AlertEvent.objects.update(said=None)
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "he"

    assert page(client).count("no worker lives; 0 jobs wait") == 2


def test_the_bar_shows_what_the_keeper_says_and_counts_while_it_says_nothing(client: Client, stores: Stores):
    fire()
    stores.alerts.show(3)

    assert "3 alerts</a>" in page(client, "schedule")
    assert 0 < stores.client.ttl(stores.keys.alerts_firing) <= 15
    stores.alerts.forget()
    assert "1 alert</a>" in page(client, "schedule")


def test_a_mute_is_seen_in_the_bar_at_once(client: Client, stores: Stores):
    fire()
    stores.alerts.show(1)

    client.post(reverse("horizon:mute_alert"), {"rule": "no_workers", "minutes": "60", "reason": "deploy"})
    assert "1 alert</a>" not in page(client, "schedule")
    stores.alerts.show(0)
    client.post(reverse("horizon:unmute_alert"), {"rule": "no_workers"})
    assert "1 alert</a>" in page(client, "schedule")


def test_a_rule_is_muted_while_redis_is_away(client: Client, stores: Stores, redis_away: None):
    fire()
    assert "1 alert</a>" in page(client)

    client.post(reverse("horizon:mute_alert"), {"rule": "no_workers", "minutes": "60", "reason": "outage"})

    assert book.mutes(time.time())["no_workers"].reason == "outage"
    assert Activity.objects.get().succeeded


def test_no_secret_of_a_channel_is_on_the_page(client: Client, stores: Stores, channels: None):
    html = page(client)

    assert "slack" in html
    assert SECRET not in html


def test_the_page_says_when_nobody_is_told(client: Client, stores: Stores):
    html = page(client)
    assert "Nobody keeps the alerts now" in html
    assert "python manage.py horizon_alerts watch" in html

    fire()
    assert "No channel is named, so nobody is told" in page(client)


def test_texts_are_escaped(client: Client, stores: Stores, channels: None):
    fire(said=verbatim("<script>alert(1)</script>"))

    assert "<script>alert(1)" not in page(client)


def test_a_rule_is_muted_with_a_reason_and_unmuted(client: Client, stores: Stores, channels: None):
    fire()
    assert "Mute “Nobody works on a queue”?" in page(client, "confirm_mute", rule="no_workers")

    client.post(reverse("horizon:mute_alert"), {"rule": "no_workers", "minutes": "60", "reason": "deploy"})
    assert book.mutes(time.time())["no_workers"].reason == "deploy"
    assert "No alert fires." in page(client)
    assert "“deploy”" in page(client)

    client.post(reverse("horizon:unmute_alert"), {"rule": "no_workers"})
    assert book.mutes(time.time()) == {}
    assert [(each.action, each.subject, each.succeeded) for each in Activity.objects.order_by("pk")] == [
        ("mute alert", "minutes 60, rule no_workers", True),
        ("unmute alert", "rule no_workers", True),
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"rule": "no_such", "minutes": "60", "reason": "x"},
        {"rule": "no_workers", "minutes": "60", "reason": ""},
        {"rule": "no_workers", "minutes": "60", "reason": "x" * 201},
        {"rule": "no_workers", "minutes": "0", "reason": "x"},
        {"rule": "no_workers", "minutes": "", "reason": "x"},
        {"rule": "no_workers", "minutes": "²", "reason": "x"},
        {"rule": "no_workers", "minutes": "99999999", "reason": "x"},
        {},
    ],
)
def test_what_is_no_mute_mutes_nothing(client: Client, stores: Stores, given: dict[str, str]):
    client.post(reverse("horizon:mute_alert"), given)

    assert book.mutes(time.time()) == {}
    assert not Activity.objects.get().succeeded


def test_a_test_of_a_channel_waits_for_the_keeper(client: Client, stores: Stores, channels: None):
    fire()
    client.post(reverse("horizon:test_channel"), {"channel": "chat"})

    message = AlertMessage.objects.get()
    assert (message.channel, message.subject, message.sent_at) == ("chat", "[local] A test of alerts", None)
    assert "Waits to be sent" in page(client)


def test_an_unknown_channel_is_not_tested(client: Client, stores: Stores, channels: None):
    client.post(reverse("horizon:test_channel"), {"channel": "nowhere"})

    assert not AlertMessage.objects.exists()


@pytest.mark.parametrize("act", ["mute_alert", "unmute_alert", "test_channel"])
def test_who_may_only_look_changes_nothing(client: Client, stores: Stores, reader: Callable[..., User], act: str):
    reader()

    answer = client.post(
        reverse(f"horizon:{act}"), {"rule": "no_workers", "minutes": "5", "reason": "x", "channel": "a"}
    )

    assert answer.status_code == 403
    assert "allegro_queue.edit_alerts" in answer.content.decode()
    assert ">Mute<" not in page(client)


def test_who_has_the_right_is_offered_it(client: Client, stores: Stores, reader: Callable[..., User]):
    reader(Right.EDIT_ALERTS)

    assert ">Mute<" in page(client)


def test_older_events_are_a_page_of_their_own(client: Client, stores: Stores):
    for number in range(51):
        fire(said=verbatim(f"it is wrong {number:02}"))

    first = page(client)
    assert "it is wrong 01" in first
    assert "it is wrong 00<" not in first
    oldest = book.events(50)[-1].pk
    assert "it is wrong 00" in page(client, before=str(oldest))
    assert page(client, before="nonsense")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_the_window_and_breaks_no_policy(
    browser_page: Page, live_server: LiveServer, stores: Stores, channels: None, width: int
):
    scenes.quiet_system(stores, time.time())
    fire()
    said: list[str] = []
    browser_page.on("console", lambda message: said.append(message.text))
    browser_page.set_viewport_size({"width": width, "height": 900})

    for address in ("alerts/", "alerts/mute/?rule=no_workers"):
        browser_page.goto(f"{live_server.url}/horizon/{address}")
        assert browser_page.evaluate("document.documentElement.scrollWidth") <= width

    assert [each for each in said if "Content Security" in each or "Refused" in each] == []


@pytest.mark.django_db(transaction=True)
def test_axe_finds_no_fault_of_ours(browser_page: Page, live_server: LiveServer, stores: Stores, channels: None):
    scenes.quiet_system(stores, time.time())
    fire()
    ours = []
    for address in ("alerts/", "alerts/mute/?rule=no_workers"):
        browser_page.goto(f"{live_server.url}/horizon/{address}")
        ours += faults_of_ours(browser_page)

    assert ours == []


@pytest.mark.django_db(transaction=True)
def test_a_rule_is_muted_with_scripts_off(browser: Browser, live_server: LiveServer, stores: Stores, channels: None):
    fire()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{live_server.url}/horizon/alerts/")
    page.get_by_role("link", name="Mute Nobody works on a queue").click()
    page.get_by_label("Reason").fill("deploy")
    page.get_by_role("button", name="Mute").click()

    page.get_by_text("Muted no_workers for 1 h").wait_for()
    page.get_by_role("button", name="Unmute Nobody works on a queue").click()
    page.get_by_text("Unmuted no_workers").wait_for()
    context.close()
