"""The page of one job, with its runs from history: attempts, terms, and what is left when Redis has let go of it."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.jobs import ATTEMPT_FIELD, REASON_FIELD
from allegro_queue.stores import Stores
from allegro_queue.terms import FIELD, Terms
from tests.support import jobs
from tests.support.failures import failed, queued
from tests.support.runs import collected, failed_record, run_record

pytestmark = pytest.mark.django_db

TERMS = Terms(
    tags=("order:7",),
    tenant="t1",
    batch="b1",
    backoff=(30.0, 60.0),
    unique_key="pay:7",
    unique_seconds=600,
    overlap_key="order:7",
    overlap_seconds=90,
    rate_key="bank",
    rate_limit=5,
    rate_seconds=60,
    isolate=True,
)


@pytest.fixture(autouse=True)
def _allowed(settings: Any, redis: Redis) -> None:
    settings.HORIZON = {**settings.HORIZON, "allowed_jobs": ["tests"]}


def text_of(client: Client, job_id: str) -> str:
    answer = client.get(reverse("horizon:job", kwargs={"job_id": job_id}))
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def page_of(client: Client, job_id: str) -> Any:
    return client.get(reverse("horizon:job", kwargs={"job_id": job_id})).context["page"]


def test_a_job_whose_data_is_gone_shows_what_history_has(client: Client, stores: Stores) -> None:
    now = time.time()
    call = '["shop.orders.jobs.pay",null,[],{"order_id":7,"api_key":"hunter2"}]'
    collected(
        stores,
        failed_record(now - 60, job_id="gone", outcome="retried", terms=TERMS.encode(), call=call),
        failed_record(now, job_id="gone", attempt=2, terms=TERMS.encode(), call=call),
    )

    text = text_of(client, "gone")

    assert "pay failed after 250 ms: ValueError." in text
    assert "This job’s data expired, so it cannot be retried and its result is gone." in text
    assert "What is left: its 2 runs, as history has them." in text
    assert "ValueError: order 41 is closed" in text
    assert "order:7" in text
    assert "&quot;order_id&quot;: 7" in text
    assert "hunter2" not in text
    assert "Retry" not in text.replace("Retried", "")


def test_the_attempts_come_from_history_which_keeps_when_each_was_queued(
    client: Client, redis: Redis, stores: Stores
) -> None:
    job_id = failed(redis, jobs.fail)
    started = page_of(client, job_id).attempts
    now = time.time()
    collected(
        stores,
        failed_record(now - 90, job_id=job_id, outcome="retried", started_at=now - 100, enqueued_at=now - 104),
        failed_record(now - 40, job_id=job_id, attempt=2, outcome="lost", started_at=now - 50, enqueued_at=now - 51),
    )

    attempts = page_of(client, job_id).attempts

    # The newest one has not been collected yet, so it is RQ's.
    assert [(each.number, each.result) for each in attempts] == [(1, "Retried"), (2, "Lost"), (3, "Failed")]
    assert [round(each.wait_seconds or 0) for each in attempts[:2]] == [4, 1]
    assert attempts[2].run_seconds == started[0].run_seconds


def test_an_attempt_that_both_know_is_shown_once(client: Client, redis: Redis, stores: Stores) -> None:
    job_id = failed(redis, jobs.fail)
    [entry] = redis.xrange(f"rq:results:{job_id}")
    at = float(entry[1][b"execution_started_at"])
    collected(stores, failed_record(at + 1, job_id=job_id, started_at=at))

    assert len(page_of(client, job_id).attempts) == 1


def test_terms_are_said_in_words(client: Client, redis: Redis) -> None:
    job_id = queued(jobs.nothing)
    redis.hset(f"rq:job:{job_id}", mapping={FIELD: TERMS.encode(), ATTEMPT_FIELD: "2", "retries_left": "1"})

    text = text_of(client, job_id)

    for words in (
        "Tries 2 of 3, 1 left after it",
        "Tenant t1",
        "Batch b1",
        "Rests 30 s and 1 min before the next attempts, in this order",
        "no second job of “pay:7” is queued until it has ended, for 10 min at most",
        "never at the same time as another job of “order:7”",
        "5 runs of “bank” in 1 min at most",
        "Process one of its own",
    ):
        assert words in text


def test_terms_that_cannot_be_read_break_no_page(client: Client, redis: Redis) -> None:
    job_id = queued(jobs.nothing)
    redis.hset(f"rq:job:{job_id}", mapping={FIELD: '{"tags": 7}', ATTEMPT_FIELD: "x"})

    assert "Tries 1 of 1, the last one" in text_of(client, job_id)
    assert client.get(reverse("horizon:jobs"), {"state": "waiting"}).context["page"].lines[0].id == job_id


def test_a_job_that_was_put_off_says_why(client: Client, redis: Redis) -> None:
    job_id = queued(jobs.nothing)
    redis.hset(f"rq:job:{job_id}", mapping={"status": "scheduled", REASON_FIELD: "5 runs a minute were used up"})
    redis.lrem("rq:queue:default", 1, job_id)
    redis.zadd("rq:scheduled:default", {job_id: time.time() + 60})

    assert "Put off: 5 runs a minute were used up." in text_of(client, job_id)
    [line] = client.get(reverse("horizon:jobs"), {"state": "scheduled"}).context["page"].lines
    assert line.reason == "5 runs a minute were used up"


def test_how_its_function_does_otherwise_stands_beside_it(client: Client, redis: Redis, stores: Stores) -> None:
    now = time.time()
    job_id = failed(redis, jobs.fail)
    name = "tests.support.jobs.fail"
    collected(
        stores,
        *(run_record(now - 30 + number, name=name, started_at=now - 32 + number) for number in range(24)),
        failed_record(now, name=name, job_id=job_id),
    )

    panel = page_of(client, job_id).function

    assert panel.sentence == "19 of the last 20 runs ended well."
    assert (panel.failed, panel.runs) == (1, 25)
    assert 1.5 <= panel.p50 <= 2
    assert 'class="hz-runs"' in panel.strip
    assert len(client.get(panel.failed_address).context["page"].lines) == 1


def test_arguments_of_an_expired_job_are_for_those_who_may_see_them(
    client: Client, stores: Stores, reader: Any
) -> None:
    collected(
        stores,
        run_record(time.time(), job_id="gone", call='["shop.orders.jobs.pay",null,[],{"amount":"1200 EUR"}]'),
    )
    reader()

    text = text_of(client, "gone")

    assert "1200 EUR" not in text
    assert "the right allegro_queue.view_payload is missing" in text
