"""Figures for Prometheus, read by its own library; and what the documents promise of them."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from django.db.models import Sum
from django.test import Client
from django.urls import reverse
from prometheus_client.parser import text_string_to_metric_families

from allegro_queue.conf import horizon_settings
from allegro_queue.dashboard.machines import prometheus
from allegro_queue.dashboard.machines.exposition import Family, exposition
from allegro_queue.dashboard.machines.prometheus import MOST_JOBS
from allegro_queue.history.models import Series
from allegro_queue.history.snapshot import take_snapshot
from allegro_queue.metrics.histograms import bucket_of
from allegro_queue.scheduling.snapshots import SNAPSHOT
from allegro_queue.stores import Stores
from tests.support import records, scenes
from tests.support.databases import history_at
from tests.support.endless import endless
from tests.support.runs import collected, run_record

pytestmark = pytest.mark.django_db

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"
TOKEN = "a-token-of-some-length"


def read(client: Client, **headers: str) -> dict[str, Any]:
    """Every family by name, as Prometheus reads it."""
    answer = client.get(reverse("horizon:prometheus"), headers=headers)
    assert answer.status_code == 200
    return {each.name: each for each in text_string_to_metric_families(answer.content.decode())}


def value(family: Any, **labels: str) -> float:
    found = [each.value for each in family.samples if labels.items() <= each.labels.items()]
    assert len(found) == 1, family.samples
    return float(found[0])


def test_prometheus_reads_what_the_stores_say(client: Client, stores: Stores):
    now = time.time()
    scenes.quiet_system(stores, now)
    stores.workers.write(records.worker(now, name="web-1-2", pid=2, state="busy"))

    found = read(client)

    assert value(found["horizon_redis_up"]) == 1
    assert (
        value(found["horizon_workers_living"], state="busy")
        == value(found["horizon_workers_living"], state="idle")
        == 1
    )
    assert value(found["horizon_queue_workers"], queue="high") == 2
    assert value(found["horizon_scheduler_up"]) == 1
    assert 0 <= value(found["horizon_master_beat_age_seconds"], host="web-1") < 60
    assert value(found["horizon_alerts_firing"], rule="no_workers") == 0


def test_runs_are_counted_with_their_durations(client: Client, stores: Stores):
    scenes.quiet_system(stores, time.time())

    found = read(client)

    total = sum(each.value for each in found["horizon_runs"].samples if each.labels["queue"] == "high")
    histogram = found["horizon_queue_run_seconds"]
    counted = [each for each in histogram.samples if each.name.endswith("_count") and each.labels["queue"] == "high"]
    bounds = [each for each in histogram.samples if each.name.endswith("_bucket") and each.labels["queue"] == "high"]
    assert total > 0
    assert counted[0].value == bounds[-1].value == total
    assert [each.value for each in bounds] == sorted(each.value for each in bounds)


def test_labels_of_jobs_are_bounded(client: Client, stores: Stores):
    scenes.quiet_system(stores, time.time())

    jobs = {each.labels["job"] for each in read(client)["horizon_job_run_seconds"].samples}

    assert 0 < len(jobs) <= MOST_JOBS


def test_a_server_that_is_away_is_said_to_be(client: Client, redis_away: None):
    found = read(client)

    assert {name: value(each) for name, each in found.items()} == {"horizon_redis_up": 0}


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_in_time_is_said_to_be_so_beside_what_redis_knows(
    client: Client, stores: Stores, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(prometheus, "DATABASE_SECONDS", 0.1)
    scenes.quiet_system(stores, time.time())

    with endless(Series._meta.db_table):
        found = read(client)

    assert (value(found["horizon_redis_up"]), value(found["horizon_database_up"])) == (1, 0)
    assert value(found["horizon_queue_workers"], queue="high") == 1
    assert not {"horizon_collector_up", "horizon_runs", "horizon_alerts_firing"} & set(found)
    assert value(read(client)["horizon_database_up"]) == 1


def test_a_database_that_is_away_is_said_to_be(client: Client, stores: Stores, settings: Any):
    scenes.quiet_system(stores, time.time())

    with history_at("postgres://allegro@/gone?host=/nonexistent", settings):
        found = read(client)

    assert (value(found["horizon_redis_up"]), value(found["horizon_database_up"])) == (1, 0)


@pytest.fixture
def staging(settings: Any) -> None:
    settings.HORIZON = {**settings.HORIZON, "environment": "staging", "metrics_token": TOKEN}


def test_the_token_lets_in_without_a_session(client: Client, staging: None, stores: Stores):
    assert "horizon_redis_up" in read(client, Authorization=f"Bearer {TOKEN}")


@pytest.mark.parametrize("given", ["Bearer ", "Bearer wrong", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer ä"])
def test_another_token_does_not(client: Client, staging: None, given: str):
    assert client.get(reverse("horizon:prometheus"), headers={"Authorization": given}).status_code == 403


@pytest.mark.parametrize("given", ["", f"Basic {TOKEN}", TOKEN, f"bearer {TOKEN}"])
def test_without_a_token_the_door_decides(client: Client, staging: None, given: str):
    assert client.get(reverse("horizon:prometheus"), headers={"Authorization": given}).status_code == 302


def test_where_no_token_is_set_none_lets_in(client: Client, staging: None, settings: Any):
    settings.HORIZON = {**settings.HORIZON, "metrics_token": ""}

    assert client.get(reverse("horizon:prometheus"), headers={"Authorization": "Bearer "}).status_code == 403


def test_the_token_opens_no_page_and_changes_nothing(client: Client, staging: None):
    bearer = {"Authorization": f"Bearer {TOKEN}"}

    assert client.get(reverse("horizon:overview"), headers=bearer).status_code == 302
    assert client.post(reverse("horizon:prometheus"), headers=bearer).status_code == 405


def test_text_in_labels_is_escaped():
    text = exposition([Family("it", "gauge", "a\nb", [({"queue": 'a"b\\c\nd'}, 1.5)])])

    [family] = text_string_to_metric_families(text)
    assert family.samples[0].labels == {"queue": 'a"b\\c\nd'}
    assert family.documentation == "a\nb"


def test_a_histogram_counts_each_duration_below_its_bound():
    counts = {bucket_of(seconds): 1 for seconds in (0.00001, 0.01, 0.5, 100_000)}

    [family] = text_string_to_metric_families(
        exposition([Family("it", "histogram", "x", histograms=[({}, counts, 3.0)])])
    )
    by_bound = {each.labels["le"]: each.value for each in family.samples if each.name == "it_bucket"}
    assert (by_bound["0.0128"], by_bound["0.8192"], by_bound["+Inf"]) == (2, 3, 4)


def test_totals_only_grow_though_days_are_deleted(client: Client, stores: Stores):
    now = time.time()
    collected(stores, *(run_record(now - days * 86_400) for days in (0, 0, 399, 403)))
    before = totals(read(client))

    take_snapshot(stores, ["default"], now=now, settings=horizon_settings())

    assert Series.objects.filter(kind="queue", name="default", seconds=86_400).aggregate(Sum("started")) == {
        "started__sum": 3
    }
    assert totals(read(client)) == before == (4, 4, 4, 4)


def totals(found: dict[str, Any]) -> tuple[float, ...]:
    """Runs of the queue, and how many durations each histogram holds."""
    job = "shop.orders.jobs.pay"
    counts = [
        [each.value for each in found[family].samples if each.name.endswith("_count") and label in each.labels.items()]
        for family, label in (
            ("horizon_queue_run_seconds", ("queue", "default")),
            ("horizon_queue_wait_seconds", ("queue", "default")),
            ("horizon_job_run_seconds", ("job", job)),
        )
    ]
    return value(found["horizon_runs"], queue="default", outcome="succeeded"), *(count for [count] in counts)


def test_the_age_at_which_a_snapshot_is_too_old_follows_the_pace_of_its_entry(
    client: Client, stores: Stores, settings: Any
):
    settings.HORIZON = {**settings.HORIZON, "schedule": [{"name": "snapshot", "every": 3600, "job": SNAPSHOT}]}
    scenes.quiet_system(stores, time.time())

    assert value(read(client)["horizon_snapshot_age_limit_seconds"]) == pytest.approx(2.2 * 3600, abs=3600)


@pytest.mark.parametrize("document", ["prometheus-alerts.yml", "grafana-board.json", "alerts.md"])
def test_the_documents_name_only_metrics_that_there_are(document: str, client: Client, stores: Stores):
    scenes.quiet_system(stores, time.time())
    known = set()
    for name, each in read(client).items():
        known |= {name, *(sample.name for sample in each.samples)}

    text = (DOCS / document).read_text()
    named = set(re.findall(r"\bhorizon_[a-z]+_[a-z_]+\b", text))

    assert named
    assert named <= known, named - known


def test_the_board_is_one_that_grafana_reads():
    board = json.loads((DOCS / "grafana-board.json").read_text())

    assert board["title"] == "Horizon"
    assert all(panel["targets"] for panel in board["panels"])
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
