"""The pages of metrics, from snapshots in the stores."""

from __future__ import annotations

import re
import time
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.metrics.snapshot import take_snapshot
from allegro_queue.stores import Stores
from tests.support import records

pytestmark = pytest.mark.django_db

QUEUES = ("high", "default", "audience-sync")


def words_of(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def count(stores: Stores, now: float, times: int = 1, **given: Any) -> None:
    """Outcomes as a worker records them."""
    with stores.client.pipeline() as pipeline:
        for _ in range(times):
            stores.metrics.add(records.outcome(now, **given), pipeline)
        pipeline.execute()


def hours(stores: Stores, now: float, last_ago: float = 60, snapshots: int = 12) -> None:
    """Five-minute snapshots up to some seconds ago."""
    stores.metrics.finish_snapshot(now - last_ago - 300 * snapshots)
    for place in range(snapshots - 1, -1, -1):
        at = now - last_ago - 300 * place
        count(stores, at, 10, job="tests.support.jobs.add", runtime_ms=100)
        count(stores, at, 5, job="tests.support.jobs.nothing", queue="high", runtime_ms=1000)
        count(stores, at, 1, job="tests.support.jobs.nothing", queue="high", result="failed")
        take_snapshot(stores, QUEUES, now=at, keep=288)


def test_before_the_first_snapshot_the_page_says_what_to_do(client: Client, redis: Redis) -> None:
    for address in (reverse("horizon:metrics"), reverse("horizon:queue_metrics", kwargs={"queue": "high"})):
        text = words_of(client.get(address))

        assert "Nothing has been measured yet." in text
        assert "First graph after the first snapshot" in text
        assert "manage.py horizon_snapshot" in text


def test_queues_stand_in_the_order_of_priority_and_jobs_by_the_time_they_took(client: Client, stores: Stores) -> None:
    hours(stores, time.time())

    page = client.get(reverse("horizon:metrics")).context["page"]

    assert [row.name for row in page.queues] == list(QUEUES)
    assert [row.name for row in page.jobs] == ["tests.support.jobs.nothing", "tests.support.jobs.add"]
    assert page.sentence == "nothing takes 83% of the workers’ time."
    high = page.queues[0].totals
    assert (high.done, high.failed, high.runs) == (60, 12, 72)
    assert high.runtime == pytest.approx(1)
    assert high.wait == pytest.approx(0.04)


def test_the_graphs_of_a_queue_have_a_sentence_and_the_same_numbers_as_a_table(client: Client, stores: Stores) -> None:
    hours(stores, time.time())

    answer = client.get(reverse("horizon:queue_metrics", kwargs={"queue": "high"}))
    page = answer.context["page"]

    assert page.sentence == "high: 1 done a minute, 1 s each."
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

    assert answer.context["page"].sentence == "add: 2 done a minute, 100 ms each."
    assert reverse("horizon:jobs") + "?state=failed&amp;q=tests.support.jobs.add" in answer.content.decode()


def test_without_snapshots_for_eleven_minutes_the_graphs_are_hatched_and_say_so(client: Client, stores: Stores) -> None:
    hours(stores, time.time(), last_ago=1200)

    answer = client.get(reverse("horizon:queue_metrics", kwargs={"queue": "high"}))

    assert "Nothing has been measured since" in words_of(answer)
    assert "not measured since" in answer.context["page"].counts
    assert "Nothing has been measured since" in words_of(client.get(reverse("horizon:metrics")))


def test_ten_minutes_without_a_snapshot_are_no_fault(client: Client, stores: Stores) -> None:
    hours(stores, time.time(), last_ago=600)

    answer = client.get(reverse("horizon:queue_metrics", kwargs={"queue": "high"}))

    assert "not measured since" not in answer.content.decode()
    assert "Nothing has been measured since" not in words_of(answer)


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


def test_many_names_are_shown_over_a_shorter_time(
    client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allegro_queue.dashboard.metric_pages.SNAPSHOTS_READ", 24)
    hours(stores, time.time(), snapshots=20)

    page = client.get(reverse("horizon:metrics")).context["page"]

    assert page.span == "1 h 1 min"
    assert page.jobs[0].totals.done == 60


def test_a_job_that_never_succeeded_is_listed(client: Client, stores: Stores) -> None:
    now = time.time()
    count(stores, now, 3, job="tests.support.jobs.fail", result="failed")
    take_snapshot(stores, QUEUES, now=now, keep=288)

    answer = client.get(reverse("horizon:metrics"))

    assert answer.context["page"].sentence == "No job has succeeded in the time that was measured."
    assert answer.context["page"].jobs[0].totals.failed == 3


def test_names_beyond_a_hundred_are_only_counted(client: Client, stores: Stores) -> None:
    now = time.time()
    for number in range(103):
        count(stores, now, job=f"tests.jobs.job_{number}", runtime_ms=1000.0 - number)
    take_snapshot(stores, QUEUES, now=now, keep=288)

    answer = client.get(reverse("horizon:metrics"))

    assert [row.name for row in answer.context["page"].jobs] == [f"tests.jobs.job_{number}" for number in range(100)]
    assert "3 more names took less time" in words_of(answer)
