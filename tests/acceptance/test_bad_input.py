"""Whatever a job's hash holds: the worker lives, the next job runs, a job that fails says why, and every page answers."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.dispatch import dispatch
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores
from tests.support import ledger_jobs
from tests.support.forked import ForkedWorker
from tests.support.ledger import read_ledger
from tests.support.people import staff

pytestmark = pytest.mark.django_db(transaction=True)

FIELDS = [
    "allow_dependency_failures", "created_at", "data", "dependency_ids", "description", "ended_at", "enqueue_at_front",
    "enqueue_at_front_on_retry", "enqueued_at", "exc_info", "failure_callback_name", "failure_callback_timeout",
    "failure_ttl", "group_id", "horizon", "horizon_reason", "last_heartbeat", "meta", "number_of_retries", "origin",
    "rate_limit_concurrency", "rate_limit_key", "repeat_intervals", "repeats_left", "result", "result_ttl",
    "retries_left", "retry_intervals", "serializer", "started_at", "status", "stopped_callback_name",
    "stopped_callback_timeout", "success_callback_name", "success_callback_timeout", "timeout", "ttl", "webhooks",
    "worker_name",
]  # fmt: skip
"""All that RQ or this library ever writes to a job's hash, and two that they do not."""

PAIRS = [FIELDS[place : place + 2] for place in range(0, len(FIELDS), 2)]
"""So many that their jobs are all on the first page of a list."""

VALUES: dict[str, bytes | None] = {
    "no text": b"\xff\xfe\x00\x80",
    "another text": b"nonsense",
    "an empty text": b"",
    "a negative number": b"-1",
    "a huge number": b"9223372036854775808",
    "no number": b"nan",
    "a list": b'["a", 1, null]',
    "an object": b'{"a": {"b": []}}',
    "a far date": b"9999-12-31T23:59:59.999999Z",
    "markup": b"<script>alert(1)</script>",
    "nothing": None,
}

PAGES = ["overview", "jobs"]


def spoil(redis: Redis, job_id: str, field: str, value: bytes | None) -> None:
    if value is None:
        redis.hdel(f"rq:job:{job_id}", field)
    else:
        redis.hset(f"rq:job:{job_id}", field, value)


@pytest.mark.parametrize("fields", PAIRS, ids=" ".join)
def test_a_job_with_any_field_spoilt_is_judged_and_harms_nobody(
    fields: Sequence[str], redis: Redis, stores: Stores, client: Client, tmp_path: Path
):
    client.force_login(staff())
    ledger = tmp_path / "ledger"
    bad: dict[str, tuple[str, str]] = {}
    good: list[str] = []
    for field, (name, value) in product(fields, VALUES.items()):
        job_id = dispatch(ledger_jobs.work, str(ledger), options=JobOptions(tries=2, without_overlapping=True))
        good.append(dispatch(ledger_jobs.work, str(ledger)))
        if (field, name) == ("repeats_left", "a huge number"):
            # Well-formed: it asks to be repeated for ever.
            value = b"1e400"
        spoil(redis, job_id, field, value)
        bad[job_id] = (field, name)
    look_at_lists(client)
    look_at_jobs(client, bad)

    worker = ForkedWorker()
    assert worker.ending() == "left"

    assert [row.status for row in stores.jobs.rows(good)] == ["finished"] * len(good)
    assert stores.reservations.all() == []
    runs = read_ledger(ledger)
    standing = {job_id for ids in stores.audit.standing() for job_id in ids}
    for job_id, (field, name) in bad.items():
        assert len(runs.get(job_id, [])) <= 2, (field, name)
        if field == "data" and name == "nothing":
            # What has no call is no job; its hash is left as it was.
            continue
        rows = stores.jobs.rows([job_id], with_errors=True)
        gone = not rows and field in ("result_ttl", "ttl")
        assert gone or job_id in standing, (field, name, rows)
        if rows and rows[0].status == "failed":
            assert rows[0].error, (field, name)
    orphans = [bad[each.id] for each in stores.audit.orphans(lambda: None) if each.id in bad]
    assert [field for field, _ in orphans if field != "data"] == []
    look_at_lists(client)
    finished = {row.id for row in stores.jobs.rows(list(bad)) if row.status == "finished"}
    look_at_jobs(client, {job_id: how for job_id, how in bad.items() if job_id not in finished})


def look_at_lists(client: Client) -> None:
    """Every list that shows such jobs answers."""
    for name in PAGES:
        assert client.get(reverse(f"horizon:{name}")).status_code == 200, name
    for state in ("waiting", "running", "finished", "failed", "scheduled"):
        assert client.get(reverse("horizon:jobs"), {"state": state}).status_code in (200, 400), state


def look_at_jobs(client: Client, spoilt: Mapping[str, tuple[str, str]]) -> None:
    """The page of each job answers."""
    for job_id, how in spoilt.items():
        answer = client.get(reverse("horizon:job", kwargs={"job_id": job_id}))
        assert answer.status_code in (200, 404), how
        assert b"<script>alert(1)" not in answer.content, how


@pytest.mark.parametrize("kind", ["string", "list", "gone", "twice", "an id that no key can be"])
def test_an_id_in_a_queue_that_is_no_job_harms_nobody(kind: str, redis: Redis, stores: Stores, tmp_path: Path):
    ledger = tmp_path / "ledger"
    job_id = dispatch(ledger_jobs.work, str(ledger))
    if kind == "string":
        redis.delete(f"rq:job:{job_id}")
        redis.set(f"rq:job:{job_id}", "x")
    elif kind == "list":
        redis.delete(f"rq:job:{job_id}")
        redis.rpush(f"rq:job:{job_id}", "x")
    elif kind == "gone":
        redis.delete(f"rq:job:{job_id}")
    elif kind == "twice":
        redis.rpush("rq:queue:default", job_id)
    else:
        redis.lpush("rq:queue:default", "../a:b\n\x00", b"\xff\xfe", "")
    good = dispatch(ledger_jobs.work, str(ledger))

    assert ForkedWorker().ending() == "left"

    assert stores.jobs.rows([good])[0].status == "finished"
    assert len(read_ledger(ledger)[good]) == 1
    # RQ too runs a job as often as its id stands in a queue; never twice at once here.
    runs = {"string": 0, "list": 0, "gone": 0, "twice": 2}
    assert len(read_ledger(ledger).get(job_id, [])) == runs.get(kind, 1)
    assert stores.reservations.all() == []
    assert redis.llen("rq:queue:default") == 0
    assert os.path.exists(ledger)
