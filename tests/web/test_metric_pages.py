"""The pages of metrics, from runs that were collected."""

from __future__ import annotations

import csv
import io
import re
import time
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import reverse
from redis import Redis

from allegro_queue.dashboard.page import files
from allegro_queue.history.models import Collected, Gap, Series
from allegro_queue.stores import Stores
from allegro_queue.stores.run_record import RunRecord
from tests.support.endless import endless
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
    counts, run, wait = page.charts
    assert counts.sentence.startswith("Done per minute: ")
    assert "log scale" in words_of(answer)
    drawing = ElementTree.fromstring(counts.drawing)[0]
    assert drawing.attrib["role"] == "img"
    assert drawing.attrib["aria-label"] == counts.sentence
    names = ["Done per minute", "Waiting", "Failed per minute", "Failed, %"]
    assert [each.text for each in drawing.iter("text") if each.get("class") == "hz-strip-name"] == names
    table = ElementTree.fromstring(counts.twin)
    assert [cell.text for cell in table.findall(".//thead/tr/th")][1:] == names
    for chart in (run, wait):
        ends = [each.text or "" for each in ElementTree.fromstring(chart.drawing).iter("text")]
        assert {each.partition(" ")[0] for each in ends} >= {"p50", "p95", "p99"}


def test_a_job_name_has_its_page_too(client: Client, stores: Stores) -> None:
    hours(stores, time.time())

    answer = client.get(reverse("horizon:job_metrics", kwargs={"job_name": "tests.support.jobs.add"}))

    said = answer.context["page"].sentence
    assert re.fullmatch(r"add: 2(\.\d)? done a minute, (9\d|100) ms each at most in 95 of 100.", said)
    assert reverse("horizon:failures") + "?job=tests.support.jobs.add&amp;state=all" in answer.content.decode()


def test_what_waits_for_the_collector_is_said_and_hatched(client: Client, stores: Stores) -> None:
    now = time.time()
    hours(stores, now)
    old = f"{int((now - 1200) * 1000)}-0"
    Collected.objects.update(position=old)
    add_runs(stores.client, run(now), run(now))

    answer = client.get(reverse("horizon:queue_metrics", kwargs={"queue": "high"}))

    assert "Metrics wait for the collector: 2 runs behind, and no collector runs." in words_of(answer)
    assert "manage.py horizon_collect" in words_of(answer)
    assert "not measured since" in answer.context["page"].charts[0].drawing
    assert "Metrics wait for the collector: 2 runs" in words_of(client.get(reverse("horizon:metrics")))


def test_runs_that_were_dropped_uncounted_are_said(client: Client, stores: Stores) -> None:
    now = time.time()
    hours(stores, now)
    Gap.objects.create(from_at=now - 900, to_at=now - 600, missed=1234)
    Collected.objects.update(missed=1234)

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
    monkeypatch.setattr("allegro_queue.dashboard.metrics.pages.MOST_STRETCHES", 1)
    hours(stores, time.time(), stretches=20)

    page = client.get(reverse("horizon:metrics")).context["page"]

    assert page.jobs[0].totals.done == 100


def test_a_job_that_never_succeeded_is_listed(client: Client, stores: Stores) -> None:
    now = time.time()
    collected(stores, *(failed_record(now, name="tests.support.jobs.fail") for _ in range(3)))

    answer = client.get(reverse("horizon:metrics"))

    assert answer.context["page"].sentence == "fail takes all of the workers’ time."
    assert answer.context["page"].jobs[0].totals.failed == 3


def test_names_beyond_fifty_are_only_counted(client: Client, stores: Stores) -> None:
    now = time.time()
    collected(stores, *(run(now, seconds=200.0 - number, name=f"tests.jobs.job_{number}") for number in range(53)))

    answer = client.get(reverse("horizon:metrics"))

    assert [row.name for row in answer.context["page"].jobs] == [f"tests.jobs.job_{number}" for number in range(50)]
    assert "3 more names took less time" in words_of(answer)


@pytest.mark.parametrize(
    ("key", "first_ago", "bucket"), [("1h", 3_000, 60), ("7d", 6 * 86_400, 7_200), ("400d", 9 * 86_400, 86_400)]
)
def test_a_range_reads_the_stretches_that_go_back_as_far(
    client: Client, stores: Stores, key: str, first_ago: int, bucket: int
) -> None:
    now = time.time()
    collected(stores, run(now - first_ago, queue="high"), run(now - 30, queue="high"))

    page = client.get(reverse("horizon:queue_metrics", kwargs={"queue": "high"}) + f"?range={key}").context["page"]

    assert page.totals.done == 2
    assert [each.key for each in page.choices if each.current] == [key]
    assert page.starts[1] - page.starts[0] == bucket


def test_a_version_that_runs_for_the_first_time_is_marked_on_the_charts(client: Client, stores: Stores) -> None:
    now = time.time()
    collected(stores, run(now - 7_200, version="1.0"), run(now - 3_600, version="2.0"), run(now - 60, version="2.0"))

    counts, run_time, _ = (
        client.get(reverse("horizon:queue_metrics", kwargs={"queue": "default"})).context["page"].charts
    )

    assert "1 deploy, the last of 2.0." in counts.sentence
    for chart in (counts, run_time):
        assert "deploy 2.0" in chart.drawing
        assert "deploy 1.0" not in chart.drawing


def test_the_numbers_of_a_chart_can_be_had_as_csv(client: Client, stores: Stores) -> None:
    now = time.time()
    collected(stores, run(now - 900), failed_record(now - 900), run(now - 60))
    page = reverse("horizon:job_metrics", kwargs={"job_name": "shop.orders.jobs.pay"})

    body = client.get(page).content.decode()
    answer = client.get(page + "counts.csv?range=24h")

    assert f'href="{page}counts.csv?range=24h"' in body
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="shop.orders.jobs.pay-counts-24h.csv"'
    head, *rows = csv.reader(io.StringIO(answer.content.decode()))
    assert head == ["starts_at", "Done per minute", "Failed per minute", "Failed, %"]
    assert [row[3] for row in rows if row[2] not in ("", "0")] == ["50"]
    assert client.get(page + "nonsense.csv").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_numbers_of_a_chart_wait_for_no_database_without_end(
    client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "FILE_SECONDS", 0.1)
    hours(stores, time.time())
    address = reverse("horizon:job_metrics_csv", kwargs={"job_name": "tests.support.jobs.add", "chart": "counts"})

    with endless(Series._meta.db_table):
        answer = client.get(address)

    assert answer.status_code == 503
    assert answer.content.decode() == "The database did not answer within 100 ms. Try again in a while.\n"


def test_a_page_of_metrics_costs_a_fixed_number_of_queries(
    client: Client, stores: Stores, django_assert_max_num_queries: Any
) -> None:
    hours(stores, time.time())

    for name, places in (("metrics", {}), ("queue_metrics", {"queue": "high"}), ("job_metrics", {"job_name": "a.b"})):
        with django_assert_max_num_queries(8):
            client.get(reverse(f"horizon:{name}", kwargs=places))
