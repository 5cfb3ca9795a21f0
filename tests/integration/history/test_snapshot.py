"""Snapshots: what the queues look like, sampled; and what is too old, deleted."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from allegro_queue.conf import horizon_settings
from allegro_queue.dispatch import dispatch
from allegro_queue.history.models import FailureGroup, Gap, Series
from allegro_queue.history.snapshot import Taken, snapshot, take_snapshot
from allegro_queue.metrics.counts import EVER
from allegro_queue.stores import Stores
from tests.support import jobs
from tests.support.running import manage
from tests.support.runs import collected, failed_record, run_record

QUEUES = ("high", "default")


def take(stores: Stores, now: float) -> Taken | None:
    return take_snapshot(stores, QUEUES, now=now, settings=horizon_settings())


def sampled(name: str, seconds: int = 300) -> list[tuple[int | None, float | None]]:
    rows = Series.objects.filter(kind="queue", name=name, seconds=seconds).order_by("starts_at")
    return [(row.depth, row.oldest_seconds) for row in rows]


@pytest.mark.django_db(transaction=True)
def test_the_most_that_waited_and_its_age_are_noted_for_each_stretch(stores: Stores) -> None:
    for _ in range(2):
        dispatch(jobs.nothing)
    slot = time.time() // 300 * 300 + 300

    take(stores, slot)
    stores.client.delete("rq:queue:default")
    take(stores, slot + 200)
    take(stores, slot + 300)

    (first, age), second = sampled("default")
    assert first == 2
    assert 0 < age <= 310
    assert second == (0, 0)
    assert sampled("high") == [(0, 0), (0, 0)]
    assert max(depth for depth, _ in sampled("default", 86_400)) == 2


@pytest.mark.django_db
def test_sampling_and_counting_leave_each_others_figures_alone(stores: Stores) -> None:
    now = time.time()
    collected(stores, run_record(now))
    take(stores, now)
    collected(stores, run_record(now))
    take(stores, now)

    row = Series.objects.get(kind="queue", name="default", seconds=300)
    assert (row.started, row.depth) == (2, 0)


@pytest.mark.django_db
def test_each_length_is_kept_for_its_own_time(stores: Stores) -> None:
    now = time.time()
    ages = {60: 3, 300: 26, 3600: 31 * 24, 86_400: 402 * 24}
    collected(stores, run_record(now), *(run_record(now - hours * 3600) for hours in ages.values()))
    taken = take(stores, now)

    kept = {
        seconds: sum(row.started for row in Series.objects.filter(kind="queue", seconds=seconds)) for seconds in ages
    }
    assert kept == {60: 1, 300: 2, 3600: 3, 86_400: 4}
    assert taken is not None
    assert taken.deleted > 10
    again = take(stores, now)
    assert again is not None
    assert again.deleted == 0


@pytest.mark.django_db
def test_a_total_goes_with_the_last_day_of_its_name(stores: Stores) -> None:
    now = time.time()
    collected(stores, *(run_record(now - days * 86_400, name="shop.pay") for days in (1, 403)))
    collected(stores, run_record(now - 403 * 86_400, name="shop.gone"))

    take(stores, now)

    totals = dict(Series.objects.filter(kind="job", seconds=EVER).values_list("name", "started"))
    assert totals == {"shop.pay": 2}


@pytest.mark.django_db
def test_totals_begin_with_the_days_that_are_kept_when_they_are_new(stores: Stores) -> None:
    now = time.time()
    runs = [run_record(now - days * 86_400 / 2, started_at=now - days * 86_400 / 2 - days) for days in range(20)]
    collected(stores, *runs, failed_record(now, queue="high"))
    columns = [each.name for each in Series._meta.fields if each.name != "id"]
    totals = Series.objects.filter(seconds=EVER).order_by("kind", "name")
    counted = list(totals.values(*columns))

    executor = MigrationExecutor(connection)
    apps = executor.loader.project_state().apps
    [step] = executor.loader.get_migration("allegro_queue", "0016_totals").operations
    step.reverse_code(apps, connection.schema_editor())
    assert not totals.exists()
    step.code(apps, connection.schema_editor())

    assert len(counted) >= 3
    for found, expected in zip(totals.values(*columns), counted, strict=True):
        assert found == expected | {each: pytest.approx(expected[each]) for each in ("run_seconds", "wait_seconds")}

    # The new code was started first, and has begun one.
    totals.filter(kind="queue", name="default").update(started=1, succeeded=1)
    totals.exclude(kind="queue", name="default").delete()
    step.code(apps, connection.schema_editor())
    assert [each.started for each in totals.order_by("kind", "name")] == [each["started"] for each in counted]


@pytest.mark.django_db
def test_totals_make_up_for_what_an_older_version_counted_without_them(stores: Stores) -> None:
    now = time.time()
    collected(stores, run_record(now - 86_400), failed_record(now))
    totals = Series.objects.filter(seconds=EVER).order_by("kind", "name")
    columns = [each.name for each in Series._meta.fields if each.name != "id"]
    before = list(totals.values(*columns))
    collected(stores, run_record(now, started_at=now - 7), run_record(now, queue="high"))
    expected = list(totals.values(*columns))
    # The days have the last two runs, the totals do not: "high" has none at all, and one knows of a day that is gone.
    totals.delete()
    for each in before:
        Series.objects.create(**each | {"stopped": 9, "run_longest": 99.0})

    collected(stores, run_record(now, queue="low"))

    found = {(each["kind"], each["name"]): each for each in totals.values(*columns)}
    for each in expected:
        mine = found[each["kind"], each["name"]]
        if each["name"] == "high":
            assert mine == each
        elif each["kind"] == "queue":
            assert mine == each | {
                "stopped": 9,
                "run_longest": 99.0,
                "run_seconds": pytest.approx(each["run_seconds"]),
                "wait_seconds": pytest.approx(each["wait_seconds"]),
            }
    assert found["queue", "low"]["started"] == 1


@pytest.mark.django_db
def test_groups_and_gaps_go_with_the_runs_they_tell_of(stores: Stores) -> None:
    now = time.time()
    collected(stores, failed_record(now - 40 * 86_400), failed_record(now, name="shop.other"))
    Gap.objects.create(from_at=now - 41 * 86_400, to_at=now - 40 * 86_400, missed=3)

    take(stores, now)

    assert FailureGroup.objects.get().name == "shop.other"
    assert Gap.objects.count() == 0


@pytest.mark.django_db
def test_a_second_snapshot_in_the_same_moment_is_left_out(stores: Stores) -> None:
    assert stores.metrics.begin_snapshot()

    assert take(stores, time.time()) is None
    assert Series.objects.count() == 0


@pytest.mark.django_db
def test_the_job_of_the_cron_entry_samples_all_queues(stores: Stores) -> None:
    assert snapshot() == 3
    assert Series.objects.filter(seconds=300).count() == 3


def test_the_command_says_what_it_did(stores: Stores, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'history.sqlite3'}"
    assert manage("migrate", "allegro_queue", DATABASE_URL=url).returncode == 0

    assert manage("horizon_snapshot", DATABASE_URL=url).stdout == "Snapshot taken of 3 queues; 0 old rows deleted.\n"
    assert json.loads(manage("horizon_snapshot", "--json", DATABASE_URL=url).stdout) == {"queues": 3, "deleted": 0}
    stores.metrics.begin_snapshot()
    assert (
        manage("horizon_snapshot", DATABASE_URL=url).stdout
        == "Another snapshot is being taken right now; nothing was done.\n"
    )


def test_the_command_says_that_redis_is_away() -> None:
    done = manage("horizon_snapshot", REDIS_URL="unix:///nowhere/redis.sock")

    assert done.returncode == 1
    assert "Redis at unix:/nowhere/redis.sock did not answer" in done.stderr
