"""A list that is too long to count beside its rows is counted on request: all of it, or as far as time allows."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from redis import Redis

from allegro_queue.dashboard.jobs import counting as job_counting
from allegro_queue.dashboard.jobs import runs as job_runs
from allegro_queue.history import exact_counts, run_pages
from allegro_queue.rights import Right
from allegro_queue.stores import Stores, job_lists
from tests.support import jobs
from tests.support.api_caller import Caller
from tests.support.failures import queued
from tests.support.many_failed import many_failed
from tests.support.runs import collected, failed_record, run_record

pytestmark = pytest.mark.django_db


def page_of(client: Client, name: str, **query: object) -> Any:
    return client.get(reverse(f"horizon:{name}"), query).context["page"]


def followed(client: Client, address: str) -> Any:
    assert address
    return client.get(address).context["page"]


def many(redis: Redis, state: str, number: int) -> None:
    """So many jobs that have failed, or that wait."""
    if state == "failed":
        many_failed(redis, number, time.time() - 60)
    else:
        for _ in range(number):
            queued(jobs.nothing)


@pytest.fixture
def many_runs(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """130 runs, of which 30 failed, where a list counts to 60 and a slice has 20."""
    now = time.time()
    collected(stores, *(run_record(now - 200, worker="web-2.4.a1b2") for _ in range(100)))
    collected(stores, *(failed_record(now - 100) for _ in range(30)))
    monkeypatch.setattr(job_runs, "MOST_COUNTED", 60)
    monkeypatch.setattr(job_runs, "COUNTED", 60)
    monkeypatch.setattr(exact_counts, "SLICE", 20)


@pytest.mark.usefixtures("many_runs")
def test_runs_beyond_the_bound_of_a_list_are_counted_on_request(client: Client) -> None:
    listed = page_of(client, "jobs", state="finished", queue="default")

    counted = followed(client, listed.count)

    assert listed.sentence == "60+ finished runs in default."
    assert counted.sentence == "100 finished runs in default."
    assert counted.reach.startswith("Counted to the end at ")
    assert counted.filter == "state:finished queue:default"
    assert followed(client, counted.back).sentence == listed.sentence


@pytest.mark.usefixtures("many_runs")
def test_runs_that_no_index_answers_are_counted_on_request(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_pages, "SEARCHED", 20)
    listed = page_of(client, "jobs", state="all", host="web-2")

    counted = followed(client, listed.count)

    assert listed.sentence == "No runs that match so far."
    assert counted.sentence == "100 runs that match."


@pytest.mark.usefixtures("many_runs")
def test_words_are_counted_on_request(client: Client) -> None:
    assert page_of(client, "job_count", state="all", q="closed").sentence == "30 runs that match."
    assert page_of(client, "job_count", state="all", q="pay").sentence == "130 runs that match."


@pytest.mark.usefixtures("many_runs")
def test_a_count_that_takes_too_long_says_how_far_it_came(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_counting, "PATIENCE", 0.0)

    counted = page_of(client, "job_count", state="all", host="web-1")

    assert counted.sentence == "At least 20 runs that match."
    assert counted.reach.startswith("Counting stopped after 0 s: 20 runs had been looked at, newest first, back to ")


@pytest.mark.usefixtures("many_runs")
def test_a_list_asks_for_no_exact_count_by_itself(client: Client) -> None:
    with CaptureQueriesContext(connection) as asked:
        page = page_of(client, "jobs", state="finished", queue="default")

    assert page.count
    assert not [each for each in asked if "min(run.id)" in each["sql"]]


def test_a_list_that_is_counted_offers_no_further_count(client: Client, redis: Redis) -> None:
    queued(jobs.nothing)

    assert page_of(client, "jobs", state="waiting").count == ""
    assert page_of(client, "jobs", state="waiting", func="nothing").count == ""


@pytest.mark.parametrize("state", ["failed", "waiting"])
def test_jobs_of_redis_beyond_what_a_search_looks_at_are_counted_on_request(
    client: Client, redis: Redis, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(redis, state, 1_250)
    monkeypatch.setattr(job_lists, "CHUNK", 100)
    still = {"still": "yes"} if state == "failed" else {}
    asked = {"state": state, "attempt": "1", **still}
    listed = page_of(client, "jobs", **asked)

    counted = followed(client, listed.count)

    assert listed.reach == f"Searched the first 1,000 of 1,250 {state} jobs."
    assert counted.sentence == f"1,250 {state} jobs that match."
    assert page_of(client, "job_count", **{**asked, "attempt": ">1"}).sentence == f"0 {state} jobs that match."


@pytest.mark.parametrize("state", ["failed", "waiting"])
def test_counting_jobs_of_redis_ends_in_time_too(
    client: Client, redis: Redis, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(redis, state, 250)
    monkeypatch.setattr(job_lists, "CHUNK", 100)
    monkeypatch.setattr(job_counting, "PATIENCE", 0.0)
    still = {"still": "yes"} if state == "failed" else {}

    counted = page_of(client, "job_count", state=state, attempt="1", **still)

    assert counted.sentence == f"At least 100 {state} jobs that match."
    assert counted.reach == "Counting stopped after 0 s: 100 of 250 jobs had been looked at."


@pytest.mark.usefixtures("many_runs")
def test_the_api_counts_runs_and_jobs(redis: Redis, caller: Callable[..., Caller]) -> None:
    many(redis, "failed", 25)
    program = caller()

    assert program.get("counts/runs?outcome=succeeded&queue=default").json() == {
        "number": 100, "is_whole": True, "looked_at": 130, "back_to": None
    }  # fmt: skip
    assert program.get("counts/runs?filter=host:web-2").json()["number"] == 100
    assert program.get("counts/jobs?state=failed").json()["number"] == 25
    assert program.get("counts/jobs?state=failed&q=nowhere").json()["number"] == 0


@pytest.mark.usefixtures("many_runs")
def test_the_api_says_how_far_it_counted(caller: Callable[..., Caller], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_counting, "PATIENCE", 0.0)

    found = caller().get("counts/runs?host=web-1").json()

    assert (found["number"], found["is_whole"], found["looked_at"]) == (20, False, 20)
    assert found["back_to"] == pytest.approx(time.time(), abs=60)


@pytest.mark.usefixtures("many_runs")
def test_a_count_tells_nothing_of_arguments_without_the_right(caller: Callable[..., Caller]) -> None:
    assert caller(Right.VIEW).get("counts/runs?q=closed").status_code == 403
