"""Entries that are made in admin."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.models import ScheduleEntry
from allegro_queue.scheduling.database import DatabaseWatch
from allegro_queue.scheduling.declared import Declared, declared_entries, read_database, read_declared
from allegro_queue.scheduling.install import install_declared
from allegro_queue.scheduling.table import faults_in, read_schedule
from allegro_queue.stores import Stores
from allegro_queue.stores.schedule import SCHEDULED
from tests.support.eventually import eventually
from tests.support.people import staff
from tests.support.schedule import scheduler_over

NOON = 1764000000.0 - 1764000000.0 % 3600
GIVEN = {
    "name": "tidy",
    "enabled": "on",
    "cron": "*/10 * * * *",
    "job": "allegro.audience.jobs.tick",
    "args": "[]",
    "kwargs": "{}",
    "overlap": "skip",
    "missed": "once",
    "missed_limit": "10",
}

pytestmark = pytest.mark.django_db


def made(name: str = "tidy", **changes: object) -> ScheduleEntry:
    return ScheduleEntry.objects.create(
        **{"name": name, "every": 600, "job": "tests.support.jobs.nothing", "queue": "high", **changes}
    )


def sync(redis: Redis, declared: Declared | None = None, **options: bool) -> None:
    install_declared(declared or read_declared(read_database()), scheduler_over(redis), NOON, **options)


def test_an_entry_of_the_database_is_installed_marked_as_such_and_runs(redis: Redis, stores: Stores):
    made(args=[1], kwargs={"a": "b"})
    sync(redis)

    row = read_schedule(stores, NOON)[-1]
    assert (row.entry.name, row.entry.source, row.next_at) == ("tidy", "database", NOON + 600)
    assert (row.entry.args, row.entry.kwargs) == ((1,), {"a": "b"})
    scheduler_over(redis).enqueue_jobs(NOON + 600)
    assert f"tidy-{NOON + 600:.0f}".encode() in redis.lrange("rq:queue:high", 0, -1)


def test_a_changed_or_deleted_entry_is_taken_over_without_a_restart(redis: Redis):
    row = made()
    sync(redis)
    row.every = 60
    row.save()
    sync(redis, only_database=True)
    assert redis.zscore(SCHEDULED, "cron-tidy") == NOON + 60

    row.delete()
    sync(redis, only_database=True)

    assert redis.zscore(SCHEDULED, "cron-tidy") is None
    assert redis.zcard(SCHEDULED) == len(declared_entries())


def test_the_settings_win_a_clash_and_it_is_said(redis: Redis, stores: Stores):
    made("horizon-snapshot")
    sync(redis)

    row = next(row for row in read_schedule(stores, NOON) if row.entry.name == "horizon-snapshot")
    assert (row.entry.source, row.entry.cron, row.clash) == ("settings", "*/5 * * * *", True)


def test_a_faulty_entry_of_the_database_is_told_and_stops_no_other(redis: Redis, stores: Stores):
    made("gone", job="tests.support.jobs.gone")
    made("line", every=None, cron="now and then")
    made("good")
    sync(redis)

    assert {each.name: each.fault for each in faults_in(stores.entries.known(NOON))}.keys() == {"gone", "line"}
    assert redis.zscore(SCHEDULED, "cron-good") == NOON + 600
    assert redis.zcard(SCHEDULED) == len(declared_entries()) + 1


def test_entries_of_a_database_that_does_not_answer_stay(redis: Redis, stores: Stores):
    made()
    sync(redis)

    sync(redis, Declared(entries=declared_entries(), database_known=False))

    assert redis.zscore(SCHEDULED, "cron-tidy") == NOON + 600
    assert read_schedule(stores, NOON)[-1].entry.name == "tidy"


def test_a_database_that_hangs_holds_up_nothing_and_is_heard_when_it_answers(release: threading.Event):
    def hanging() -> list[dict[str, object]]:
        release.wait()
        return [{"name": "tidy", "every": 600, "job": "tests.support.jobs.nothing"}]

    watch = DatabaseWatch(hanging)
    assert not watch.declared().database_known
    assert not watch.declared().database_known

    release.set()
    declared = eventually(lambda: (now := watch.declared()).database_known and now)

    assert [each.name for each in declared.entries if each.source == "database"] == ["tidy"]


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(staff(is_superuser=True))
    return client


@pytest.fixture
def add(admin: Client) -> Callable[..., list[str]]:
    def send(**changes: str) -> list[str]:
        answer = admin.post(reverse("admin:allegro_queue_scheduleentry_add"), {**GIVEN, **changes})
        if answer.status_code == 302:
            return []
        form = answer.context["adminform"].form
        return [text for texts in form.errors.values() for text in texts]

    return send


def test_admin_takes_a_good_entry(add: Callable[..., list[str]]):
    assert add() == []

    assert ScheduleEntry.objects.get().as_given()["job"] == "allegro.audience.jobs.tick"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"cron": "now and then"}, "must have five fields"),
        ({"every": "5"}, "must have one of the two"),
        ({"cron": ""}, "must have one of the two"),
        ({"zone": "No/Where"}, "must be the name of a time zone"),
        ({"job": "os.system"}, "not under HORIZON['allowed_jobs']"),
        ({"job": "allegro.audience.jobs.tock"}, "cannot be imported"),
        ({"queue": "hihg"}, "did you mean 'high'"),
        ({"missed": "all"}, "give it overlap = 'allow' too"),
        ({"missed_limit": "1000"}, "whole number from 1 to 100"),
        ({"args": '{"a": 1}'}, "they must be a list and a dict"),
        ({"name": "horizon-snapshot"}, "HORIZON['schedule'] has an entry of this name"),
    ],
)
def test_admin_refuses_what_the_settings_would_refuse(add: Callable[..., list[str]], changes: dict[str, str], said):
    problems = add(**changes)

    assert any(said in each for each in problems), problems
    assert not ScheduleEntry.objects.exists()


def test_all_faults_of_an_entry_come_at_once(add: Callable[..., list[str]]):
    assert len(add(cron="x", job="os.system", queue="y", zone="z")) == 4
