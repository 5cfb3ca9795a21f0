"""The dashboard in another language, one that is written from right to left."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, replace

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from redis import Redis

from allegro_queue.activity.models import Activity
from allegro_queue.history.models import Collected
from allegro_queue.management.tables import plain
from allegro_queue.plan import Plan
from allegro_queue.spans import lasting
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.collecting import CollectorRecord
from allegro_queue.stores.due import Due, Parked
from allegro_queue.stores.masters import MasterRecord
from allegro_queue.supervision.scaling import PoolLoad, decided
from allegro_queue.tellings import telling
from allegro_queue.wording import worded
from tests.support import every_page, records, scenes
from tests.support.runs import add_runs, run_record

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


def test_a_deed_is_told_in_the_reader_s_language_and_told_to_programs_in_english(
    hebrew: Client, stores: Stores
) -> None:
    hebrew.post(reverse("horizon:pause"), {"queue": "high", "reason": "mail is down", "minutes": "15"})

    page = hebrew.get(reverse("horizon:activity")).content.decode()
    overview = hebrew.get(reverse("horizon:overview")).content.decode()
    answer = hebrew.get("/horizon/api/v1/activity").json()["activity"][0]

    deed = Activity.objects.get()
    with translation.override("he"):
        subject, outcome = deed.subject_telling.words, deed.outcome_telling.words
    assert (deed.subject, deed.outcome) == (
        "queue high, minutes 15",
        "Paused high for 15 min. Running jobs finish; new ones pile up.",
    )
    assert subject in page
    assert outcome in page
    assert subject in overview
    assert not any(words in page for words in (deed.subject, deed.outcome))
    assert (answer["subject"], answer["outcome"]) == (deed.subject, deed.outcome)
    assert not any("said" in key for key in answer)


def test_a_deed_of_a_version_that_had_english_only_is_read_as_it_is(hebrew: Client, stores: Stores) -> None:
    Activity.objects.create(
        at=timezone.now(), who="ada", via="page", action="pause", subject="queue {high}", outcome="Paused {high}.",
        succeeded=True,
    )  # fmt: skip

    page = hebrew.get(reverse("horizon:activity")).content.decode()

    assert "queue {high}" in page
    assert "Paused {high}." in page


def test_a_deed_too_long_for_the_journal_is_kept_and_told_alike(hebrew: Client, stores: Stores) -> None:
    long = dict.fromkeys(("tag", "q", "name"), "y" * 300)
    hebrew.post(reverse("horizon:pause"), {"queue": "high", "reason": "x", **long})

    deed = Activity.objects.get()
    assert len(deed.subject) == 500
    assert deed.subject in hebrew.get(reverse("horizon:activity")).content.decode()


def test_why_there_are_so_many_workers_is_told_in_the_reader_s_language(
    hebrew: Client, stores: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    now = time.time()
    grew = decided(1, 4, PoolLoad(processes=1, waiting=312, running=0).told).explanation
    assert grew
    told = records.supervisor(name="told", explanation=grew.english, explanation_said=grew)
    stores.masters.write(records.master(now, supervisors=(told,)))
    forget_texts_of(stores.client, records.master(now, name="older", supervisors=(replace(told, name="older"),)))

    page = hebrew.get(reverse("horizon:workers")).content.decode()
    answers = hebrew.get("/horizon/api/v1/masters").json()["masters"]
    call_command("horizon_list", "--json")

    with translation.override("he"):
        assert f"{grew.words}." in page
    # The version before kept English alone.
    assert "grew 1 → 4: 312 waiting" in page
    assert [each["supervisors"][0]["explanation"] for each in answers] == ["grew 1 → 4: 312 waiting"] * 2
    printed = capsys.readouterr().out
    assert '"explanation": "grew 1 \\u2192 4: 312 waiting"' in printed
    assert "_said" not in printed


def forget_texts_of(redis: Redis, record: MasterRecord) -> None:
    """A master's record as a version wrote it that had English only."""
    given = plain(asdict(record))
    redis.set(open_stores(redis).keys.master(record.name), json.dumps(given))
    redis.zadd(open_stores(redis).keys.masters, {record.name: record.beat_at})


@pytest.mark.parametrize("with_telling", [True, False], ids=["this version", "the version before"])
def test_what_keeps_an_entry_from_running_is_told_in_the_reader_s_language(
    hebrew: Client, stores: Stores, with_telling: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    scenes.quiet_system(stores, time.time())
    name = "audience-sync-tick"
    [due_at] = stores.schedule.next_times([f"cron-{name}"])
    assert due_at
    reason = telling("It names no queue.")
    broken = Parked(entry=name, next_at=due_at, reason=reason)
    stores.schedule.settle([(Due(id=f"cron-{name}", due_at=due_at, fields={}), broken)], now=time.time())
    if not with_telling:
        state = json.loads(stores.client.hget(stores.keys.entries, name) or "")
        last = {key: value for key, value in state["last"].items() if key != "reason_said"}
        del state["error_said"]
        stores.client.hset(stores.keys.entries, name, json.dumps({**state, "last": last}))
        stores.client.lset(stores.keys.accounts(name), 0, json.dumps(last))

    pages = [
        hebrew.get(address).content.decode()
        for address in (
            reverse("horizon:schedule"), reverse("horizon:entry", kwargs={"name": name}), reverse("horizon:overview")
        )
    ]  # fmt: skip
    answer = hebrew.get(f"/horizon/api/v1/schedule/{name}").json()
    call_command("horizon_schedule", "--json")

    with translation.override("he"):
        assert all((reason.words if with_telling else reason.english) in page for page in pages)
        assert reason.words != reason.english
    assert (answer["error"], answer["last"]["reason"], answer["accounts"][0]["reason"]) == ("It names no queue.",) * 3
    printed = capsys.readouterr().out
    assert '"error": "It names no queue."' in printed
    assert "_said" not in printed + json.dumps(answer)


def test_what_keeps_the_collector_is_told_in_the_reader_s_language(hebrew: Client, stores: Stores) -> None:
    now = time.time()
    scenes.quiet_system(stores, now)
    Collected.objects.update(position=f"{int((now - 400) * 1000)}-0")
    add_runs(stores.client, run_record(now))
    trouble = telling("the database of history did not take a batch")
    record = CollectorRecord(
        host="web-1", pid=1, master="", started_at=now, beat_at=now, behind=1, behind_seconds=400, per_second=1,
        trouble=trouble.english, trouble_said=trouble,
    )  # fmt: skip

    stores.collecting.beat(record)
    told = hebrew.get(reverse("horizon:overview")).content.decode()
    stores.client.set(stores.keys.collector, json.dumps(plain(asdict(record))))
    of_the_version_before = hebrew.get(reverse("horizon:overview")).content.decode()

    with translation.override("he"):
        assert trouble.words in told
    assert trouble.english in of_the_version_before


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
        hebrew_words = worded(gettext(english), queue="high", time=lasting(300).words)
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
