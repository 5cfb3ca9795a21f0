"""Who did what, and who may do what."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro.accounts.models import User
from allegro_queue.activity import journal
from allegro_queue.activity.models import Activity
from allegro_queue.dashboard.acting.actions import ACTIONS
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.tellings import telling, verbatim
from tests.support import jobs
from tests.support.failures import failed

pytestmark = pytest.mark.django_db


def test_each_right_can_be_granted_in_admin(db: None):
    granted = Permission.objects.filter(content_type__app_label="allegro_queue", content_type__model="horizon")

    assert set(granted.values_list("codename", flat=True)) == set(Right)


def test_an_action_is_noted_with_who_what_why_and_outcome(client: Client, stores: Stores, reader: Callable[..., User]):
    user = reader(Right.PAUSE)

    client.post(reverse("horizon:pause"), {"queue": "high", "minutes": "15", "reason": "deploy"})

    row = Activity.objects.get()
    assert (row.who, row.action, row.subject, row.reason) == (user.email, "pause", "queue high, minutes 15", "deploy")
    assert row.outcome == "Paused high for 15 min. Running jobs finish; new ones pile up."
    assert row.succeeded
    assert (row.via, row.address) == ("page", "127.0.0.1")
    assert LogEntry.objects.get().user == user


def test_what_was_not_done_is_noted_as_not_done(client: Client, stores: Stores):
    client.post(reverse("horizon:retry"), {"id": "gone"})

    row = Activity.objects.get()
    assert not row.succeeded
    assert row.subject == "job gone"
    assert row.who == "somebody on this machine"


def test_a_database_that_refuses_does_not_undo_what_was_done(
    client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch
):
    def refuse(**given: object) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(Activity.objects, "create", refuse)

    client.post(reverse("horizon:pause"), {"queue": "high", "reason": "deploy"})

    assert "high" in stores.pauses.current(time.time())


def test_nobody_keeps_an_act_out_of_the_journal_by_letters_that_postgresql_refuses(client: Client, stores: Stores):
    client.post(reverse("horizon:pause"), {"queue": "high", "reason": "no\x00trace"})
    client.post(reverse("horizon:retry"), {"id": "gone\x00"})

    retried, paused = Activity.objects.order_by("-id")
    assert (paused.reason, paused.succeeded) == ("notrace", True)
    assert stores.pauses.current(time.time())["high"].reason == "notrace"
    assert retried.subject == "job gone"
    assert "\x00" not in retried.subject_telling.words


def test_the_page_shows_the_newest_first_and_filters(client: Client, stores: Stores):
    client.post(reverse("horizon:pause"), {"queue": "high", "reason": "first"})
    client.post(reverse("horizon:resume"), {"queue": "high"})
    page = reverse("horizon:activity")

    everything = client.get(page).context["page"]
    pauses = client.get(page, {"action": "pause"}).context["page"]
    nothing = client.get(page, {"q": "nowhere to be found"})

    assert [row.action for row in everything.rows] == ["resume", "pause"]
    assert [row.reason for row in pauses.rows] == ["first"]
    assert "Nobody did anything of that kind." in nothing.content.decode()


def test_pages_of_the_journal_follow_each_other_without_gap(client: Client, stores: Stores):
    for place in range(journal.PAGE + 3):
        journal.note(
            journal.Deed(
                at=time.time(),
                who="ada",
                via=Activity.Via.COMMAND,
                action="pause",
                subject=telling("queue {name}", name=str(place)),
                outcome=telling("Resumed all queues."),
                succeeded=True,
            )
        )

    first = client.get(reverse("horizon:activity")).context["page"]
    second = client.get(first.older).context["page"]

    seen = [row.subject for row in (*first.rows, *second.rows)]
    assert seen == [f"queue {place}" for place in reversed(range(journal.PAGE + 3))]
    assert not second.older


def test_old_entries_are_trimmed(db: None, settings: Any):
    settings.HORIZON = {**settings.HORIZON, "activity_days": 30}
    now = datetime(2026, 11, 24, tzinfo=UTC).timestamp()
    for days in (31, 29):
        journal.note(
            journal.Deed(
                at=now - days * 86_400,
                who="ada",
                via=Activity.Via.PAGE,
                action="pause",
                subject=verbatim(str(days)),
                outcome=verbatim("Paused."),
                succeeded=True,
            )
        )

    assert journal.trim(now) == 1
    assert Activity.objects.get().subject == "29"


@pytest.mark.parametrize("name", [name for _, _, name in ACTIONS])
def test_who_may_only_look_can_do_nothing(
    client: Client, redis: Redis, stores: Stores, reader: Callable[..., User], name: str
):
    reader()
    job_id = failed(redis, jobs.fail)
    before = {key: redis.dump(key) for key in redis.scan_iter()}

    answer = client.post(reverse(f"horizon:{name}"), {"id": job_id, "queue": "high", "reason": "x", "typed": "high"})

    assert answer.status_code == 403
    assert "allegro_queue." in answer.content.decode()
    assert {key: redis.dump(key) for key in redis.scan_iter()} == before
    assert not Activity.objects.exists()


def test_buttons_that_one_may_not_use_are_not_there(client: Client, redis: Redis, reader: Callable[..., User]):
    user = reader(Right.RETRY)
    job_id = failed(redis, jobs.fail)
    address = reverse("horizon:job", kwargs={"job_id": job_id})

    text = client.get(address).content.decode()

    assert reverse("horizon:confirm_retry") in text
    assert reverse("horizon:confirm_delete") not in text
    assert user.is_staff


def test_arguments_are_shown_with_the_right_to_them_alone(client: Client, redis: Redis, reader: Callable[..., User]):
    user = reader()
    job_id = failed(redis, jobs.note, "/nowhere/file", "a-word-of-its-own")
    address = reverse("horizon:job", kwargs={"job_id": job_id})

    assert "a-word-of-its-own" not in client.get(address).content.decode().split("Traceback")[0]

    user.user_permissions.add(Permission.objects.get(codename="view_payload"))
    assert "a-word-of-its-own" in client.get(address).content.decode()
