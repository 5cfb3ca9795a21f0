from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from redis import Redis

from allegro.dev.valkey import server_binary
from allegro_queue import outbox
from allegro_queue.arguments import arguments_as_json, payload
from allegro_queue.connection import forget_client
from allegro_queue.errors import InvalidJob, QueueUnavailable
from allegro_queue.jobs import JobOptions
from allegro_queue.models import OutboxEntry
from allegro_queue.outbox import OutboxDrain, dispatch_durably, drain
from allegro_queue.tenancy import acting_for
from allegro_queue.terms import decode_terms
from tests.support import jobs
from tests.support.burst import queued, work_off
from tests.support.eventually import eventually
from tests.support.running import running
from tests.support.server import start_server

pytestmark = pytest.mark.django_db(transaction=True)

OPTIONS = {"queue": "default", "tries": 1, "timeout": 60, "keep_completed": 3600, "keep_failed": 3600}
NOTHING = "tests.support.jobs.nothing"


@pytest.fixture
def elsewhere(settings: Any, tmp_path: Path) -> Iterator[str]:
    """The address of a server of this test's own, which is not up yet; this process dispatches there too."""
    forget_client()
    url = f"unix://{tmp_path / 'redis.sock'}"
    settings.RQ_QUEUES = {name: {**config, "URL": url} for name, config in settings.RQ_QUEUES.items()}
    yield url
    forget_client()


def test_with_redis_up_a_job_is_queued_at_the_commit_and_its_row_is_gone(redis: Redis):
    with transaction.atomic():
        job_id = dispatch_durably(jobs.hold, "a", "b", options=JobOptions(queue="high"))
        assert queued(redis, "high") == []
        assert str(OutboxEntry.objects.get().job_id) == job_id

    assert queued(redis, "high") == [("tests.support.jobs.hold", ("a", "b"))]
    assert redis.exists(f"rq:job:{job_id}")
    assert not OutboxEntry.objects.exists()


def test_a_roll_back_takes_the_row_along(redis: Redis):
    with pytest.raises(RuntimeError), transaction.atomic():
        dispatch_durably(jobs.nothing)
        raise RuntimeError

    assert not OutboxEntry.objects.exists()
    assert queued(redis, "default") == []


def test_a_faulty_call_is_refused_where_it_is_made():
    with pytest.raises(InvalidJob):
        dispatch_durably(jobs.nothing, object())
    with pytest.raises(InvalidJob):
        dispatch_durably(jobs.hold, "too few")

    assert not OutboxEntry.objects.exists()


def test_redis_killed_at_the_commit_loses_no_job_and_doubles_none(elsewhere: str, tmp_path: Path):
    server = start_server(server_binary(), tmp_path, keep=True)
    try:
        ids = []
        for number in range(20):
            with transaction.atomic():
                ids.append(dispatch_durably(jobs.nothing, options=JobOptions(tries=2, timeout=7)))
                if number == 10:
                    server.send_signal(signal.SIGKILL)
                    server.wait()
        assert OutboxEntry.objects.count() == 10
        assert "did not answer" in OutboxEntry.objects.first().error

        server = start_server(server_binary(), tmp_path, keep=True)
        assert drain(timezone.now()) == 10

        client = Redis.from_url(elsewhere)
        assert [each.decode() for each in client.lrange("rq:queue:default", 0, -1)] == ids
        assert client.hmget(f"rq:job:{ids[-1]}", "timeout", "number_of_retries") == [b"7", None]
        assert client.hget(f"rq:job:{ids[-1]}", "retries_left") == b"1"
        client.close()
        assert not OutboxEntry.objects.exists()
    finally:
        server.terminate()
        server.wait()


def test_horizons_scheduler_sends_what_waits_once_redis_is_back(elsewhere: str, tmp_path: Path, settings: Any):
    dispatch_durably(jobs.nothing)
    database = str(connection.settings_dict["NAME"])
    with running("rqscheduler", REDIS_URL=elsewhere, DATABASE_URL=f"sqlite:///{database}") as process:
        eventually(lambda: "did not answer" in process.said(), within=20, explain=process.said)
        server = start_server(server_binary(), tmp_path)
        try:
            client = Redis.from_url(elsewhere)
            eventually(lambda: client.llen("rq:queue:default") == 1, within=30, explain=process.said)
            eventually(lambda: not OutboxEntry.objects.exists(), within=10, explain=process.said)
            client.close()
        finally:
            server.terminate()
            server.wait()


def a_late_row(**fields: Any) -> OutboxEntry:
    """A row whose sender died before it sent."""
    then = timezone.now() - timedelta(minutes=5)
    return OutboxEntry.objects.create(
        **{
            "name": NOTHING,
            "data": payload(NOTHING, arguments_as_json(NOTHING, (), {}, 1000)),
            "options": OPTIONS,
            "created_at": then,
            "held_until": then,
            **fields,
        }
    )


def test_a_job_that_redis_has_is_not_queued_again(redis: Redis):
    entry = a_late_row()
    outbox.send(entry, timezone.now())
    a_late_row(job_id=entry.job_id)
    assert drain(timezone.now()) == 1
    assert len(queued(redis, "default")) == 1

    # Nor when it has run.
    assert work_off(redis) == []
    a_late_row(job_id=entry.job_id)
    assert drain(timezone.now()) == 1
    assert queued(redis, "default") == []
    assert not OutboxEntry.objects.exists()


def test_many_who_drain_at_once_queue_each_job_once(redis: Redis):
    for _ in range(30):
        a_late_row()
    barrier = threading.Barrier(4)

    def attempt() -> None:
        barrier.wait(10)
        drain(timezone.now())
        connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert len(queued(redis, "default")) == 30
    assert not OutboxEntry.objects.exists()


def test_a_row_that_somebody_sends_is_left_alone(redis: Redis):
    a_late_row(held_until=timezone.now() + timedelta(seconds=20))

    assert drain(timezone.now()) == 0
    assert OutboxEntry.objects.count() == 1


def test_a_row_that_cannot_be_sent_holds_up_no_other_and_is_given_up_in_the_end(redis: Redis, settings: Any):
    wrong = a_late_row(options={**OPTIONS, "queue": "gone"})
    a_late_row()

    assert drain(timezone.now()) == 1
    wrong.refresh_from_db()
    assert "There is no queue 'gone'" in wrong.error
    assert drain(timezone.now() + timedelta(minutes=settings.HORIZON["failed_minutes"] + 1)) == 0
    assert not OutboxEntry.objects.exists()


def test_a_full_outbox_takes_no_more(redis_away: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(outbox, "MOST_WAITING", 2)
    dispatch_durably(jobs.nothing)
    dispatch_durably(jobs.nothing)
    dispatch_durably(jobs.nothing)

    with pytest.raises(QueueUnavailable, match="The outbox holds 2 jobs"):
        dispatch_durably(jobs.nothing)


def test_a_check_tells_of_rows_that_wait(capsys: pytest.CaptureFixture[str]):
    a_late_row()

    call_command("check", databases=["default"])

    assert "has 1 jobs that Redis has not taken" in capsys.readouterr().err


def test_a_database_that_cannot_be_read_is_told_of_once_and_ends_nothing(caplog: pytest.LogCaptureFixture):
    look = OutboxDrain()
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE allegro_queue_outboxentry RENAME TO hidden")
    try:
        look(0)
        look(100)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE hidden RENAME TO allegro_queue_outboxentry")

    assert caplog.text.count("the outbox cannot be read") == 1


def test_tags_and_tenant_travel_along(redis: Redis, redis_away: None, settings: Any):
    with acting_for("42"):
        dispatch_durably(jobs.nothing, options=JobOptions(tags=["member:7"]))

    terms = decode_terms(OutboxEntry.objects.get().terms)
    assert (terms.tags, terms.tenant) == (("member:7",), "42")
    assert OutboxEntry.objects.get().tenant == "42"
