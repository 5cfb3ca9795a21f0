from __future__ import annotations

import re
import time

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.scheduling.install import declared_entries, install
from allegro_queue.stores import Stores, schedulers
from allegro_queue.stores.entries import EntryPause
from allegro_queue.stores.schedule import SCHEDULED
from tests.support import records
from tests.support.digest import digest
from tests.support.schedule import entry, scheduler_over

pytestmark = pytest.mark.django_db

NAME = "audience-sync-tick"


@pytest.fixture
def planned(redis: Redis, stores: Stores) -> Stores:
    """Both entries of the settings, installed, and a scheduler that leads."""
    now = time.time()
    install(declared_entries(), scheduler_over(redis), now)
    stores.schedulers.lead("of-the-scene", records.scheduler(now))
    return stores


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def do(client: Client, name: str, **form: str) -> str:
    """Post an action; what it told."""
    answer = client.post(reverse(f"horizon:{name}"), form)
    assert answer.status_code == 302
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def test_the_schedule_shows_five_next_times_and_how_the_last_run_ended(client: Client, planned: Stores, redis: Redis):
    now = int(time.time())
    redis.zadd(SCHEDULED, {f"cron-{NAME}": now - 1})
    scheduler_over(redis).enqueue_jobs()
    redis.hset(f"rq:job:{NAME}-{now - 1}", mapping={"status": "failed"})
    planned.entries.settle_runs(0)

    page = client.get(reverse("horizon:schedule")).context["page"]

    row = page.rows[0]
    assert len(row.coming) == 5
    assert (row.state.word, row.result.word) == ("Failed", "failed")
    assert f'href="/horizon/jobs/{NAME}-{now - 1}/"' in text_of(client, reverse("horizon:schedule"))


def test_the_schedule_says_who_leads_since_when_and_how_many_stand_by(
    client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(schedulers, "LEASE_SECONDS", 60)
    now = time.time()
    stores.schedulers.lead("one", records.scheduler(now))
    alone = text_of(client, reverse("horizon:schedule"))
    stores.schedulers.lead("another", records.scheduler(now, pid=5001))

    text = text_of(client, reverse("horizon:schedule"))

    assert re.search(r"Led by web-1, process 4103, for \d+ m?s\. No other stands by\.", alone)
    assert re.search(r"Led by web-1, process 4103, for \d+ m?s\. 1 other stands by\.", text)


def test_a_paused_entry_is_shown_with_who_paused_it_until_when_and_why(client: Client, planned: Stores):
    now = time.time()
    planned.entries.pause(EntryPause(entry=NAME, since=now, until=now + 900, by="ada", reason="<b>moving</b>"))

    text = text_of(client, reverse("horizon:schedule"))

    assert f"{NAME} is paused." in text
    assert "by ada until" in text
    assert "“&lt;b&gt;moving&lt;/b&gt;”" in text
    assert "<b>moving</b>" not in text


def test_an_entry_that_cannot_be_queued_is_shown_with_its_error(client: Client, planned: Stores, redis: Redis):
    redis.hset(f"rq:job:cron-{NAME}", "meta", b"\x80pickled")
    redis.zadd(SCHEDULED, {f"cron-{NAME}": time.time() - 1})
    scheduler_over(redis).enqueue_jobs()

    text = text_of(client, reverse("horizon:schedule"))

    assert f"{NAME} cannot be queued." in text
    assert "Its data in Redis is not JSON" in text


def test_missed_and_skipped_times_are_counted_and_told_on_the_entry_s_page(
    client: Client, stores: Stores, redis: Redis
):
    now = int(time.time()) // 300 * 300
    scheduler = scheduler_over(redis)
    install(declared_entries(), scheduler, now - 3000)
    scheduler.enqueue_jobs(now)
    scheduler.enqueue_jobs(now + 300)

    shown = text_of(client, reverse("horizon:schedule"))
    told = text_of(client, reverse("horizon:entry", kwargs={"name": NAME}))

    assert "9 missed" in shown
    assert "1 skipped" in shown
    assert "10 times had passed; one run makes up for all" in told
    assert "the run before has not ended" in told


def test_a_page_for_an_entry_that_does_not_exist_says_so(client: Client, redis: Redis):
    for address in (
        reverse("horizon:entry", kwargs={"name": "none"}),
        reverse("horizon:confirm_run_entry") + "?entry=none",
        reverse("horizon:confirm_pause_entry") + "?entry=none",
    ):
        answer = client.get(address)
        assert answer.status_code == 404
        assert "There is no cron entry of this name." in answer.content.decode()


def test_the_step_before_acting_changes_nothing_and_leads_to_the_act(client: Client, planned: Stores):
    before = digest(planned.client)

    for name, act in (("confirm_run_entry", "run_entry"), ("confirm_pause_entry", "pause_entry")):
        text = text_of(client, reverse(f"horizon:{name}") + f"?entry={NAME}")
        assert "Nothing has happened yet." in text
        assert f'action="{reverse(f"horizon:{act}")}"' in text

    assert digest(planned.client) == before


def test_a_run_now_is_queued_beside_the_schedule_and_noted_with_who(client: Client, planned: Stores, redis: Redis):
    due_at = redis.zscore(SCHEDULED, f"cron-{NAME}")

    told = do(client, "run_entry", entry=NAME)

    (job_id,) = redis.lrange("rq:queue:audience-sync", 0, -1)
    assert job_id.decode() in told
    assert redis.zscore(SCHEDULED, f"cron-{NAME}") == due_at
    (account,) = planned.entries.accounts([NAME])[NAME]
    assert (account.what, account.by) == ("by hand", "somebody on this machine")


def test_an_entry_is_paused_for_some_minutes_and_resumed(client: Client, planned: Stores):
    assert "Paused audience-sync-tick for 15 min" in do(
        client, "pause_entry", entry=NAME, reason="moving", minutes="15"
    )
    pause = planned.entries.known(time.time()).pauses[NAME]
    assert pause.reason == "moving"
    assert pause.until == pytest.approx(time.time() + 900, abs=5)

    assert "Resumed audience-sync-tick" in do(client, "resume_entry", entry=NAME)
    assert planned.entries.known(time.time()).pauses == {}
    assert "is not paused (any more)" in do(client, "resume_entry", entry=NAME)


@pytest.mark.parametrize(
    ("name", "form", "said"),
    [
        ("run_entry", {"entry": "none"}, "has no entry 'none'"),
        ("pause_entry", {"entry": NAME}, "give a reason"),
        ("pause_entry", {"entry": NAME, "reason": "x", "minutes": "-1"}, "a whole number from 1"),
        ("pause_entry", {"entry": "none", "reason": "x"}, "has no entry 'none'"),
        ("resume_entry", {"entry": "none"}, "has no entry 'none'"),
    ],
)
def test_what_cannot_be_done_is_said_and_changes_nothing(
    client: Client, planned: Stores, name: str, form: dict[str, str], said: str
):
    before = digest(planned.client)

    assert said in do(client, name, **form)

    assert digest(planned.client) == before


@pytest.mark.parametrize("name", ["run_entry", "pause_entry", "resume_entry"])
def test_acting_on_an_entry_takes_a_post_with_the_form_s_token(planned: Stores, name: str):
    address = reverse(f"horizon:{name}")

    assert Client().get(address, {"entry": NAME}).status_code == 405
    assert Client(enforce_csrf_checks=True).post(address, {"entry": NAME, "reason": "x"}).status_code == 403
    assert planned.entries.known(time.time()).pauses == {}


def test_what_other_code_scheduled_makes_no_row(client: Client, planned: Stores, redis: Redis):
    scheduler_over(redis).cron("* * * * *", "tests.support.jobs.nothing", id="theirs")
    install([*declared_entries(), entry("tick")], scheduler_over(redis))

    page = client.get(reverse("horizon:schedule")).context["page"]

    assert [each.row.entry.name for each in page.rows] == [each.name for each in declared_entries()]
