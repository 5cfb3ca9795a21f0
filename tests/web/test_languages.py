"""The dashboard in another language, one that is written from right to left."""

from __future__ import annotations

import time

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext

from allegro_queue.activity.models import Activity
from allegro_queue.dashboard.page.formats import duration
from allegro_queue.plan import Plan
from allegro_queue.stores import Stores
from allegro_queue.tellings import telling
from allegro_queue.wording import worded
from tests.support import every_page, records, scenes

pytestmark = pytest.mark.django_db


@pytest.fixture
def hebrew(client: Client) -> Client:
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "he"
    return client


def test_every_page_has_the_reader_s_language_and_direction(hebrew: Client, stores: Stores) -> None:
    pages = every_page.pages(hebrew, every_page.system(stores))

    others = [name for name, at in pages.items() if '<html lang="he" dir="rtl">' not in hebrew.get(at).content.decode()]

    assert len(pages) > 30
    assert others == []


def test_a_page_is_english_for_whoever_asks_for_no_other_language(client: Client, stores: Stores) -> None:
    answer = client.get(reverse("horizon:queues"), headers={"Accept-Language": "fr"})

    assert '<html lang="en" dir="ltr">' in answer.content.decode()
    assert "Accept-Language" in answer["Vary"]


def test_a_name_keeps_its_own_direction_in_a_sentence(hebrew: Client, stores: Stores) -> None:
    content = hebrew.get("/horizon/confirm/pause/?queue=high").content.decode()

    assert "<bdi>high</bdi>" in content


def test_what_processes_say_of_themselves_is_in_the_reader_s_language(hebrew: Client, stores: Stores) -> None:
    now = time.time()
    trouble = telling("a process could not be started ({error}); the next try is {pause} s later", error="no", pause=4)
    idle = Plan(environment="local", connection="database", supervisors=()).why_idle
    assert idle
    supervisor = records.supervisor(trouble=trouble.english, trouble_said=trouble)
    stores.masters.write(
        records.master(now, supervisors=(supervisor,), status="idle", notice=idle.english, notice_said=idle)
    )
    stores.workers.add_lost(records.lost(now))

    page = hebrew.get(reverse("horizon:workers")).content.decode()
    answer = hebrew.get("/horizon/api/v1/masters").json()["masters"][0]

    assert "לא היה אפשר להפעיל תהליך" in page
    assert "אינו מפעיל אף עובד" in page
    assert "האם אזל הזיכרון?" in page
    assert answer["notice"].startswith("QUEUE_CONNECTION is 'database', so Horizon starts no worker")
    assert answer["supervisors"][0]["trouble"] == "a process could not be started (no); the next try is 4 s later"


def test_what_people_did_is_named_in_the_reader_s_language_and_asked_for_by_one_word(
    hebrew: Client, stores: Stores
) -> None:
    hebrew.post(reverse("horizon:pause"), {"queue": "high", "reason": "mail is down"})

    page = hebrew.get(reverse("horizon:activity"), {"action": "pause"}).content.decode()

    assert '<option value="pause" selected>השהיה</option>' in page
    assert '<span class="hz-strong">השהיה</span>' in page


def test_the_language_is_switched_by_a_post_and_kept(client: Client, stores: Stores) -> None:
    address = reverse("horizon:queues")
    client.get(reverse("set_language"), {"language": "he", "next": address})
    before = client.get(address).content.decode()

    answer = client.post(reverse("set_language"), {"language": "he", "next": address})

    assert 'lang="en"' in before
    assert answer["Location"] == address
    assert client.cookies[settings.LANGUAGE_COOKIE_NAME]["httponly"]
    assert 'lang="he"' in client.get(address).content.decode()


def test_a_refresh_is_not_answered_with_another_language_s_tag(client: Client, stores: Stores) -> None:
    address = reverse("horizon:queues")
    fragment = {"X-Horizon-Fragment": "1"}
    english = client.get(address, headers=fragment)

    hebrew = client.get(address, headers={**fragment, "Accept-Language": "he", "If-None-Match": english["ETag"]})

    assert hebrew.status_code == 200
    assert hebrew["ETag"] != english["ETag"]


def test_what_a_script_says_stands_in_the_page(hebrew: Client, stores: Stores) -> None:
    with translation.override("he"):
        words = translation.gettext("the server does not answer")

    assert words in hebrew.get(reverse("horizon:queues")).content.decode()


def test_a_command_speaks_english_whatever_the_site_s_language(
    stores: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    scenes.busy_system(stores, time.time())

    with translation.override("he"):
        call_command("horizon_top", "--once")

    assert "A worker died in the last 15 minutes." in capsys.readouterr().out


def test_the_api_and_the_journal_have_one_language(hebrew: Client, stores: Stores) -> None:
    hebrew.post(reverse("horizon:pause"), {"queue": "high", "reason": "moving", "minutes": "5"})

    assert Activity.objects.get().outcome == "Paused high for 5 min. Running jobs finish; new ones pile up."
    assert "There is nothing at this address." in hebrew.get("/horizon/api/v1/nowhere").content.decode()


def test_what_came_of_an_action_is_told_in_the_reader_s_language_and_kept_in_english(
    hebrew: Client, stores: Stores
) -> None:
    told = hebrew.post(reverse("horizon:pause"), {"queue": "high", "reason": "moving", "minutes": "5"}, follow=True)

    english = "Paused {queue} for {time}. Running jobs finish; new ones pile up."
    with translation.override("he"):
        hebrew_words = worded(gettext(english), queue="high", time=duration(300))
    assert hebrew_words != worded(english, queue="high", time="5 min")
    assert hebrew_words in told.content.decode()
    assert Activity.objects.get().outcome == "Paused high for 5 min. Running jobs finish; new ones pile up."


def test_what_an_error_says_of_an_action_is_told_in_the_reader_s_language(hebrew: Client, stores: Stores) -> None:
    told = hebrew.post(reverse("horizon:run_again"), {"id": "gone"}, follow=True)

    with translation.override("he"):
        problem = gettext("The job is gone, and its arguments with it.")
    assert problem in told.content.decode()
    assert Activity.objects.get().outcome == "Not queued: The job is gone, and its arguments with it."


def test_the_way_back_to_the_overview_does_not_depend_on_its_title(hebrew: Client, stores: Stores) -> None:
    way_back = f'<a href="{reverse("horizon:overview")}">Horizon</a>'

    assert way_back not in hebrew.get(reverse("horizon:overview")).content.decode()
    assert way_back in hebrew.get(reverse("horizon:queues")).content.decode()
