"""Lists as files: their three formats, what is in them, who may have them, and the note of it."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.activity.models import Activity
from allegro_queue.history.patience import TookTooLong
from allegro_queue.history.run_rows import RUNS
from allegro_queue.rights import Right
from allegro_queue.stores import Stores
from allegro_queue.terms import Terms
from tests.support import jobs
from tests.support.endless import endless
from tests.support.failures import failed, queued
from tests.support.runs import collected, failed_record, run_record

pytestmark = pytest.mark.django_db

CALL = '["shop.orders.jobs.pay",null,[],{"amount":"1200 EUR","api_key":"hunter2"}]'


@pytest.fixture(autouse=True)
def _allowed(settings: Any, redis: Redis) -> None:
    settings.HORIZON = {**settings.HORIZON, "allowed_jobs": ["tests"]}


def export(client: Client, **given: str) -> str:
    answer = client.post(reverse("horizon:download"), given)
    assert answer.status_code == 200, answer.headers
    assert answer.streaming
    return b"".join(answer.streaming_content).decode()


def test_the_three_formats_hold_the_same_rows(client: Client, stores: Stores) -> None:
    now = time.time()
    terms = Terms(tags=("order:7", "eu"), tenant="t1").encode()
    collected(stores, run_record(now - 1, job_id="one", terms=terms), run_record(now, job_id="two"))

    [header, *rows] = csv.reader(io.StringIO(export(client, state="finished", format="csv")))
    as_json = json.loads(export(client, state="finished", format="json"))
    lines = [json.loads(line) for line in export(client, state="finished", format="ndjson").splitlines()]

    assert [row[header.index("job_id")] for row in rows] == ["two", "one"]
    assert rows[1][header.index("tags")] == "order:7 eu"
    assert rows[1][header.index("run_seconds")] == "0.25"
    assert as_json == lines
    assert [row["job_id"] for row in lines] == ["two", "one"]
    assert lines[1]["tags"] == ["order:7", "eu"]
    assert lines[0]["at"].endswith("+00:00")


def test_an_empty_list_is_an_empty_file(client: Client, stores: Stores) -> None:
    collected(stores, run_record(time.time()))

    assert json.loads(export(client, state="failed", format="json")) == []
    assert export(client, state="failed", format="ndjson") == ""
    assert export(client, state="failed", format="csv").count("\r\n") == 1


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(client: Client, stores: Stores, start: str) -> None:
    evil = f"{start}cmd|' /C calc'!A0"
    collected(stores, run_record(time.time(), job_id=evil, queue=evil))

    text = export(client, state="finished", format="csv")

    row = list(csv.reader(io.StringIO(text)))[1]
    assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert f"'{evil}" in row


def test_the_filter_holds_for_the_file(client: Client, stores: Stores) -> None:
    now = time.time()
    collected(stores, run_record(now, queue="high", job_id="one"), failed_record(now, job_id="two"))

    assert [row["job_id"] for row in json.loads(export(client, state="all", queue="high", format="json"))] == ["one"]


def test_jobs_that_have_not_ended_are_exported_from_their_list(client: Client, redis: Redis) -> None:
    ids = [queued(jobs.nothing) for _ in range(3)]
    queued(jobs.add, 1, 2)

    rows = json.loads(export(client, state="waiting", func="nothing", format="json"))

    assert [row["job_id"] for row in rows] == ids


def test_jobs_that_are_failed_now_are_exported(client: Client, redis: Redis, stores: Stores) -> None:
    job_id = failed(redis, jobs.fail, "for ada@example.com")
    collected(stores, run_record(time.time()))

    [row] = json.loads(export(client, state="failed", still="yes", format="json"))

    assert (row["job_id"], row["state"]) == (job_id, "failed")


def test_a_file_holds_the_newest_rows_up_to_its_most(
    client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allegro_queue.dashboard.jobs.export_views.MOST_ROWS", 7)
    monkeypatch.setattr("allegro_queue.dashboard.jobs.export.MOST_ROWS", 7)
    monkeypatch.setattr("allegro_queue.dashboard.jobs.export.AT_ONCE", 3)
    now = time.time()
    collected(stores, *(run_record(now - 20 + number, job_id=f"job-{number}") for number in range(20)))

    rows = json.loads(export(client, state="finished", format="json"))

    assert [row["job_id"] for row in rows] == [f"job-{number}" for number in range(19, 12, -1)]
    assert "as many as a file holds" in Activity.objects.get().outcome


def test_what_was_taken_is_noted_with_the_filter_and_the_count(client: Client, stores: Stores) -> None:
    collected(stores, run_record(time.time(), queue="high"), run_record(time.time(), queue="high"))

    export(client, state="finished", queue="high", format="csv")

    noted = Activity.objects.get()
    assert (noted.action, noted.subject, noted.outcome, noted.succeeded) == (
        "export", "state:finished queue:high", "Exported 2 rows as CSV.", True,
    )  # fmt: skip


def test_a_file_that_is_broken_off_is_noted_as_far_as_it_went(client: Client, stores: Stores) -> None:
    collected(stores, *(run_record(time.time()) for _ in range(5)))

    answer = client.post(reverse("horizon:download"), {"state": "finished", "format": "ndjson"})
    next(iter(answer.streaming_content))
    # What closing the answer does first; closing all of it would end the test's transaction too.
    for close in answer._resource_closers:
        close()

    assert Activity.objects.get().outcome == "Exported 1 row as NDJSON. It was broken off there."


def test_arguments_are_masked_and_only_in_the_file_when_asked_for(client: Client, stores: Stores) -> None:
    collected(stores, run_record(time.time(), call=CALL))

    without = export(client, state="finished", format="json")
    with_them = export(client, state="finished", format="json", arguments="1")

    assert "1200 EUR" not in without
    assert "1200 EUR" in with_them
    assert "hunter2" not in with_them


def test_who_may_not_export_gets_no_file(client: Client, stores: Stores, reader: Callable[..., Any]) -> None:
    reader()
    collected(stores, run_record(time.time()))

    assert client.post(reverse("horizon:download"), {"state": "finished", "format": "csv"}).status_code == 403
    assert client.get(reverse("horizon:export"), {"state": "finished"}).status_code == 403
    assert "Export" not in client.get(reverse("horizon:jobs"), {"state": "finished"}).content.decode()


def test_who_may_not_see_payloads_gets_no_arguments(client: Client, stores: Stores, reader: Callable[..., Any]) -> None:
    reader(Right.EXPORT)
    collected(stores, run_record(time.time(), call=CALL))

    asked = client.post(reverse("horizon:download"), {"state": "finished", "format": "csv", "arguments": "1"})

    assert asked.status_code == 403
    assert "1200 EUR" not in export(client, state="finished", format="json")


def test_looking_takes_nothing(client: Client) -> None:
    assert client.get(reverse("horizon:download")).status_code == 405
    assert client.get(reverse("horizon:export"), {"state": "failed"}).status_code == 200
    assert not Activity.objects.exists()


def test_a_filter_that_is_not_understood_gives_no_file(client: Client) -> None:
    answer = client.post(reverse("horizon:download"), {"state": "nope", "format": "csv"}, follow=True)

    assert "Nothing was exported: state: there is no state “nope”" in answer.content.decode()
    assert (
        "Nothing was exported: There is no format"
        in client.post(reverse("horizon:download"), {"format": "exe"}, follow=True).content.decode()
    )


@pytest.fixture
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads of history that have a moment, so that tests need not wait for long."""
    monkeypatch.setattr("allegro_queue.dashboard.jobs.export.FILE_SECONDS", 0.1)
    monkeypatch.setattr("allegro_queue.dashboard.jobs.export_views.FILE_SECONDS", 0.1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("hurry")
def test_a_file_is_not_waited_for_without_end_and_the_person_is_told_so(client: Client, stores: Stores) -> None:
    collected(stores, run_record(time.time(), queue="high"))

    with endless(RUNS):
        answer = client.post(reverse("horizon:download"), {"state": "finished", "queue": "high", "format": "csv"})

    assert answer["Location"] == reverse("horizon:export") + "?state=finished&queue=high"
    told = client.get(answer["Location"]).content.decode()
    assert "Nothing was exported: the database did not answer within 100 ms. Try again in a while." in told
    assert not Activity.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("hurry")
def test_a_file_whose_next_rows_do_not_come_is_broken_off(
    client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allegro_queue.dashboard.jobs.export.AT_ONCE", 2)
    collected(stores, *(run_record(time.time()) for _ in range(5)))

    answer = client.post(reverse("horizon:download"), {"state": "finished", "format": "ndjson"})
    with endless(RUNS), pytest.raises(TookTooLong):
        b"".join(answer.streaming_content)

    assert Activity.objects.get().outcome == "Exported 2 rows as NDJSON. It was broken off there."
