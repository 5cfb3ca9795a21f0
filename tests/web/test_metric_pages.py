"""The pages of metrics, from runs that were collected."""

from __future__ import annotations

import re
import time
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.history.models import Collected, Gap
from allegro_queue.stores import Stores
from allegro_queue.stores.run_record import RunRecord
from tests.support.runs import add_runs, collected, failed_record, run_record

pytestmark = pytest.mark.django_db

QUEUES = ("high", "default", "audience-sync")


def words_of(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def hours(stores: Stores, now: float, last_ago: float = 60, stretches: int = 12) -> None:
    """Runs each five minutes up to some seconds ago."""
    found = []
    for place in range(stretches - 1, -1, -1):
        at = now - last_ago - 300 * place
        found += [run(at, name="tests.support.jobs.add") for _ in range(10)]
        found += [run(at, seconds=1, name="tests.support.jobs.nothing", queue="high") for _ in range(5)]
        found.append(failed_record(at, name="tests.support.jobs.nothing", queue="high", started_at=at - 1))
    collected(stores, *found)


def run(at: float, seconds: float = 0.1, **given: Any) -> RunRecord:
    """A run that took so long, and had waited 40 ms."""
    return run_record(at, started_at=at - seconds, enqueued_at=at - seconds - 0.04, **given)


def test_before_the_first_run_the_page_says_what_to_do(client: Client, redis: Redis) -> None:
    for address in (reverse("horizon:metrics"), reverse("horizon:queue_metrics", kwargs={"queue": "high"})):
        text = words_of(client.get(address))

        assert "Nothing has been measured yet." in text
        assert "First graph after the first job" in text
        assert "manage.py horizon_collect" in text


def test_queues_stand_in_the_order_of_priority_and_jobs_by_the_time_they_took(client: Client, stores: Stores) -> None:
    hours(stores, time.time())

    page = client.get(reverse("horizon:metrics")).context["page"]

    assert [row.name for row in page.queues] == list(QUEUES)
    assert [row.name for row in page.jobs] == ["tests.support.jobs.nothing", "tests.support.jobs.add"]
    assert page.sentence == "nothing takes 86% of the workers’ time."
    high = page.queues[0].totals
    assert (high.done, high.failed, high.runs) == (60, 12, 72)
    assert (high.runtime.mean, high.runtime.longest) == (pytest.approx(1), pytest.approx(1))
    assert high.runtime.p95 == pytest.approx(1, rel=0.2)
    assert high.wait.p50 == pytest.approx(0.04, rel=0.2)


def test_the_graphs_of_a_queue_have_a_sentence_and_the_same_numbers_as_a_table(client: Client, stores: Stores) -> None:
    hours(stores, time.time())

    answer = client.get(reverse("horizon:queue_metrics", kwargs={"queue": "high"}))
    page = answer.context["page"]

    assert re.fullmatch(r"high: 1(\.\d)? done a minute, (1 s|9\d\d ms) each at most in 95 of 100.", page.sentence)
    assert page.counts_sentence.startswith("Done per minute: 1")
    assert "log scale" in words_of(answer)
    drawing = ElementTree.fromstring(page.counts)[0]
    assert drawing.attrib["role"] == "img"
    assert drawing.attrib["aria-label"] == page.counts_sentence
    names = {each.text for each in drawing.iter("text") if each.get("class") == "hz-strip-name"}
    assert names == {"Done per minute", "Waiting", "Failed per minute"}
    table = ElementTree.fromstring(page.counts_twin)
    assert [cell.text for cell in table.findall(".//thead/tr/th")][1:] == [
        "Done per minute",
        "Waiting",
        "Failed per minute",
    ]


def test_a_job_name_has_its_page_too(client: Client, stores: Stores) -> None:
    hours(stores, time.time())

    answer = client.get(reverse("horizon:job_metrics", kwargs={"job_name": "tests.support.jobs.add"}))

    said = answer.context["page"].sentence
    assert re.fullmatch(r"add: 2(\.\d)? done a minute, (9\d|100) ms each at most in 95 of 100.", said)
    assert reverse("horizon:jobs") + "?state=failed&amp;q=tests.support.jobs.add" in answer.content.decode()


def test_what_waits_for_the_collector_is_said_and_hatched(client: Client, stores: Stores) -> None:
    now = time.time()
    hours(stores, now)
    old = f"{int((now - 1200) * 1000)}-0"
    Collected.objects.update(position=old)
    add_runs(stores.client, run(now), run(now))

    answer = client.get(reverse("horizon:queue_metrics", kwargs={"queue": "high"}))

    assert "Metrics wait for the collector: 2 runs behind, and no collector runs." in words_of(answer)
    assert "manage.py horizon_collect" in words_of(answer)
    assert "not measured since" in answer.context["page"].counts
    assert "Metrics wait for the collector: 2 runs" in words_of(client.get(reverse("horizon:metrics")))


def test_runs_that_were_dropped_uncounted_are_said(client: Client, stores: Stores) -> None:
    now = time.time()
    hours(stores, now)
    Gap.objects.create(from_at=now - 900, to_at=now - 600, missed=1234)

    text = words_of(client.get(reverse("horizon:metrics")))

    assert "1,234 runs between" in text
    assert "were dropped from Redis before the collector came to them" in text


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("queue_metrics", {"queue": "nope"}),
        ("job_metrics", {"job_name": "tests.nope"}),
        ("job_metrics", {"job_name": "<script>alert(1)<"}),
        ("queue_metrics", {"queue": "x" * 3000}),
    ],
)
def test_an_unknown_name_gets_a_page_that_says_so(
    client: Client, redis: Redis, name: str, places: dict[str, str]
) -> None:
    answer = client.get(reverse(f"horizon:{name}", kwargs=places))

    assert answer.status_code == 404
    assert "Not found (404)" in answer.content.decode()
    assert "<script>alert" not in answer.content.decode()


def test_many_names_are_shown_by_the_hour(client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("allegro_queue.dashboard.metric_pages.FINE_NAMES", 1)
    hours(stores, time.time(), stretches=20)

    page = client.get(reverse("horizon:metrics")).context["page"]

    assert page.jobs[0].totals.done == 100


def test_a_job_that_never_succeeded_is_listed(client: Client, stores: Stores) -> None:
    now = time.time()
    collected(stores, *(failed_record(now, name="tests.support.jobs.fail") for _ in range(3)))

    answer = client.get(reverse("horizon:metrics"))

    assert answer.context["page"].sentence == "fail takes all of the workers’ time."
    assert answer.context["page"].jobs[0].totals.failed == 3


def test_names_beyond_a_hundred_are_only_counted(client: Client, stores: Stores) -> None:
    now = time.time()
    collected(stores, *(run(now, seconds=200.0 - number, name=f"tests.jobs.job_{number}") for number in range(103)))

    answer = client.get(reverse("horizon:metrics"))

    assert [row.name for row in answer.context["page"].jobs] == [f"tests.jobs.job_{number}" for number in range(100)]
    assert "3 more names took less time" in words_of(answer)
