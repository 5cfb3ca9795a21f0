"""From the stream into SQL: every record once, whatever happens in between."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from django.db import IntegrityError
from redis import Redis

from allegro_queue.conf import horizon_settings
from allegro_queue.history.collected import Overtaken, read_place
from allegro_queue.history.collector import BATCH, Collector
from allegro_queue.history.models import Collected, FailureGroup, FollowedTag, Gap, Run, RunTag, Series
from allegro_queue.history.stretches import OTHER_NAMES
from allegro_queue.metrics.counts import EVER
from allegro_queue.stores import Stores
from tests.support.runs import RUNS, add_runs, failed_record, run_record

pytestmark = pytest.mark.django_db

NOON = 1_790_000_100.0


def collect(stores: Stores, **changes: object) -> Collector:
    """A collector that has read all there is."""
    collector = Collector(stores, replace(horizon_settings(), **changes))
    while collector.look(time.time()).read:
        pass
    return collector


def started(seconds: int, kind: str = "queue") -> dict[str, int]:
    found: dict[str, int] = {}
    for name, count in Series.objects.filter(kind=kind, seconds=seconds).values_list("name", "started"):
        found[name] = found.get(name, 0) + count
    return found


def test_a_run_is_written_with_all_that_its_record_says(redis: Redis, stores: Stores) -> None:
    record = failed_record(
        NOON,
        terms=json.dumps({"tags": ["import"], "tenant": "7", "batch": "b1"}),
        call=json.dumps(["shop.orders.jobs.pay", None, [3], {"member_id": 42, "password": "hunter2 and more"}]),
        attempt=2,
        version="abc",
    )
    add_runs(redis, record)

    collect(stores)

    (run,) = Run.objects.all()
    assert (run.execution_id, run.job_id, run.name) == (record.execution_id, record.job_id, record.name)
    assert (run.queue, run.supervisor, run.worker, run.host) == ("default", "supervisor-1", record.worker, "web-1")
    assert (run.tenant, run.batch, run.attempt, run.version) == ("7", "b1", 2, "abc")
    assert (run.enqueued_at, run.started_at, run.ended_at) == (NOON - 0.75, NOON - 0.25, NOON)
    assert (run.outcome, run.exception, run.message) == ("failed", "ValueError", "order 41 is closed")
    assert run.tags.split("\n") == ["import", "member:42"]
    assert set(RunTag.objects.values_list("tag", "run_id")) == {("import", run.id), ("member:42", run.id)}
    assert run.arguments == '3, {"member_id": 42, "password": "[masked: secret]"}'
    assert "in pay" in run.traceback


def test_what_is_private_reaches_no_table(redis: Redis, stores: Stores) -> None:
    canary = "canary7391"
    add_runs(
        redis,
        failed_record(
            NOON,
            error=f"ValueError: cannot log in with password={canary}",
            traceback=f'  File "/srv/shop/jobs.py", line 1, in pay\n    go()\nValueError: Bearer {canary}',
            call=json.dumps(["a.b", None, [f"https://user:{canary}@host/"], {"deep": [{"apiKey": canary}]}]),
            terms=json.dumps({"tags": [f"token:{canary}", f"{canary}@example.com"]}),
        ),
        run_record(NOON, call=json.dumps([[], {"text": "x" * 900, "secret": f"two words {canary}"}])[:-20]),
        run_record(NOON, call=f"not JSON: {canary}"),
    )

    collect(stores)

    for model in (Run, RunTag, FailureGroup, Series, Collected):
        for row in model.objects.values():
            assert canary not in str(row), model


def test_a_second_record_of_an_execution_counts_for_nothing(redis: Redis, stores: Stores) -> None:
    first = run_record(NOON)
    add_runs(redis, first, run_record(NOON), first)
    collect(stores)
    add_runs(redis, first, run_record(NOON))

    collect(stores)

    assert Run.objects.count() == 3
    assert started(300) == started(86_400) == {"default": 3}
    place = read_place()
    assert (place.runs, place.duplicates) == (3, 2)


def test_the_series_say_what_ended_how_long_it_ran_and_how_long_it_waited(redis: Redis, stores: Stores) -> None:
    add_runs(
        redis,
        run_record(NOON),
        run_record(NOON, started_at=NOON - 8, enqueued_at=0),
        failed_record(NOON),
        failed_record(NOON, outcome="lost"),
        failed_record(NOON, outcome="retried"),
        run_record(NOON, outcome="stopped"),
        run_record(NOON + 4000, queue="high"),
    )
    collect(stores)

    rows = Series.objects.filter(kind="queue", name="default")
    assert sorted(rows.values_list("seconds", flat=True)) == [EVER, 60, 300, 3600, 86_400]
    for row in rows:
        assert row.starts_at == (NOON // row.seconds * row.seconds if row.seconds else 0)
        assert (row.started, row.succeeded, row.failed, row.retried, row.stopped) == (6, 2, 2, 1, 1)
        assert (row.run_longest, row.run_seconds) == (8, 9.25)
        assert (row.waited, row.wait_longest, row.wait_seconds) == (5, 0.5, 2.5)
    assert started(300, "job") == {"shop.orders.jobs.pay": 7}
    assert list(FailureGroup.objects.values_list("count", flat=True)) == [3]


def test_a_batch_that_fails_leaves_nothing_and_is_written_whole_the_next_time(
    redis: Redis, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_runs(redis, run_record(NOON))
    collector = collect(stores)
    add_runs(redis, failed_record(NOON), run_record(NOON))
    place = read_place()

    def break_down(*args: object) -> None:
        raise IntegrityError("as asked")

    with monkeypatch.context() as broken:
        broken.setattr("allegro_queue.history.writing.add_failures", break_down)
        with pytest.raises(IntegrityError):
            collector.look(NOON)
    assert Run.objects.count() == 1
    assert started(300) == {"default": 1}
    assert read_place() == place

    collector.look(NOON)

    assert Run.objects.count() == 3
    assert started(300) == started(3600) == {"default": 3}


def test_of_two_that_collect_at_once_the_second_is_refused(redis: Redis, stores: Stores) -> None:
    add_runs(redis, run_record(NOON))
    first, second = Collector(stores, horizon_settings()), Collector(stores, horizon_settings())
    first.look(NOON)
    add_runs(redis, run_record(NOON))

    with pytest.raises(Overtaken):
        second.look(NOON)
    second.writer.forget()
    second.look(NOON)

    assert Run.objects.count() == 2
    assert started(300) == {"default": 2}


def test_records_that_cannot_be_read_are_counted_and_skipped(redis: Redis, stores: Stores) -> None:
    redis.xadd(RUNS, {"run": "nonsense"})
    redis.xadd(RUNS, {"other": "field"})
    redis.xadd(RUNS, {"run": run_record(NOON, outcome="dreamt").encode()})
    redis.xadd(RUNS, {"run": run_record(NOON).encode().replace("\x1f1\x1f", "\x1fmany\x1f", 1)})
    redis.xadd(RUNS, {"run": b"\xff\xfe\x1f"})
    add_runs(redis, run_record(NOON, name="a\x00b", error="\x00", call=json.dumps([["lone \udcff half"], {}])))

    collect(stores)

    assert (Run.objects.get().name, Run.objects.get().arguments) == ("ab", '"lone ? half"')
    place = read_place()
    assert (place.unreadable, place.runs, place.read) == (5, 1, 6)
    assert "not a run record" in place.last_unreadable


def test_runs_that_were_dropped_unread_are_a_gap_with_their_number(redis: Redis, stores: Stores) -> None:
    add_runs(redis, *(run_record(NOON) for _ in range(5)))
    collect(stores)
    add_runs(redis, *(run_record(NOON) for _ in range(10)))
    redis.xtrim(RUNS, maxlen=4, approximate=False)

    collector = collect(stores)
    assert collector.look(NOON).behind == 0

    (gap,) = Gap.objects.all()
    assert gap.missed == 6
    assert 0 < gap.from_at <= gap.to_at
    place = read_place()
    assert (place.runs, place.missed, place.read) == (9, 6, 15)
    add_runs(redis, run_record(NOON))
    collect(stores)
    assert Gap.objects.count() == 1


def test_records_that_were_read_may_be_dropped(redis: Redis, stores: Stores) -> None:
    add_runs(redis, *(run_record(NOON) for _ in range(5)))
    collect(stores)
    redis.xtrim(RUNS, maxlen=0, approximate=False)
    add_runs(redis, run_record(NOON))

    collect(stores)

    assert Gap.objects.count() == 0
    assert Run.objects.count() == 6


def test_after_redis_was_emptied_it_goes_on(redis: Redis, stores: Stores) -> None:
    add_runs(redis, *(run_record(NOON) for _ in range(5)))
    collector = collect(stores)
    redis.flushall()
    add_runs(redis, run_record(NOON), run_record(NOON))

    looked = collector.look(NOON)

    assert (looked.read, looked.behind) == (2, 0)
    assert Run.objects.count() == 7
    assert Gap.objects.count() == 0
    assert read_place().read == 2


def test_it_says_how_many_wait_beyond_its_batch(redis: Redis, stores: Stores) -> None:
    add_runs(redis, *(run_record(NOON) for _ in range(BATCH + 7)))

    looked = Collector(stores, horizon_settings()).look(time.time() + 3)

    assert (looked.read, looked.behind) == (BATCH, 7)
    assert Run.objects.count() == BATCH
    assert looked.behind_seconds >= 3


def test_names_beyond_the_cap_are_measured_together(
    redis: Redis, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    monkeypatch.setattr("allegro_queue.history.stretches.MOST_NAMES", 3)
    add_runs(redis, *(run_record(now, name=f"shop.job{number}") for number in range(5)))
    collect(stores)
    add_runs(redis, run_record(now, name="shop.job1"), run_record(now, name="shop.job9"))

    collect(stores)

    assert started(3600, "job") == {"shop.job0": 1, "shop.job1": 2, "shop.job2": 1, OTHER_NAMES: 3}
    assert Run.objects.filter(name="shop.job9").count() == 1


def test_failures_beyond_the_cap_of_groups_share_one(
    redis: Redis, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allegro_queue.history.groups.MOST_GROUPS", 2)
    add_runs(redis, *(failed_record(NOON, name=f"shop.job{number}") for number in range(5)))

    collect(stores)

    groups = dict(FailureGroup.objects.values_list("fingerprint", "count"))
    assert groups["others"] == 3
    assert len(groups) == 3
    assert Run.objects.filter(fingerprint="others").count() == 3


def test_without_history_runs_are_counted_and_not_kept(redis: Redis, stores: Stores) -> None:
    add_runs(redis, run_record(NOON), failed_record(NOON))

    collect(stores, history=False)

    assert Run.objects.count() == RunTag.objects.count() == 0
    assert started(300) == {"default": 2}
    assert FailureGroup.objects.get().count == 1


def test_without_history_a_second_record_of_an_execution_counts_for_nothing(redis: Redis, stores: Stores) -> None:
    collector = Collector(stores, replace(horizon_settings(), history=False))
    first, second = run_record(NOON), run_record(NOON)
    add_runs(redis, first, second, first)
    collector.look(NOON)
    add_runs(redis, second, run_record(NOON))
    collector.look(NOON)

    assert started(300) == {"default": 3}
    assert read_place().duplicates == 2


def test_silenced_jobs_and_tags_are_marked(redis: Redis, stores: Stores) -> None:
    add_runs(
        redis,
        run_record(NOON),
        run_record(NOON, name="shop.noise"),
        run_record(NOON, terms=json.dumps({"tags": ["quiet"]})),
    )

    collect(stores, silenced=["shop.noise"], silenced_tags=["quiet"])

    assert list(Run.objects.order_by("id").values_list("silenced", flat=True)) == [False, True, True]


def test_a_followed_tag_counts_its_runs(redis: Redis, stores: Stores) -> None:
    FollowedTag.objects.create(tag="member:42", since=NOON, by="ada")
    call = json.dumps([[], {"member_id": 42}])
    add_runs(redis, run_record(NOON, call=call), failed_record(NOON, call=call), run_record(NOON))

    collect(stores)

    found = FollowedTag.objects.get()
    assert (found.succeeded, found.failed, found.retried) == (1, 1, 0)


def test_tags_may_have_series_of_their_own(redis: Redis, stores: Stores) -> None:
    call = json.dumps([[], {"member_id": 42, "organization_id": 7}])
    add_runs(redis, run_record(NOON, call=call), run_record(NOON, call=call))

    collect(stores, tag_prefixes=["organization"])

    assert started(300, "tag") == {"organization:7": 2}


def test_the_oldest_runs_go_when_there_are_too_many_or_they_are_too_old(redis: Redis, stores: Stores) -> None:
    now = time.time()
    old = int((now - 40 * 86_400) * 1000)
    call = json.dumps([[], {"member_id": 42}])
    for number in range(3):
        redis.xadd(RUNS, {"run": run_record(now - 40 * 86_400, call=call).encode()}, id=f"{old}-{number}")
    add_runs(redis, *(run_record(now, call=call) for _ in range(6)))

    collector = collect(stores, history_runs=4)
    assert collector.trim(now) == 5
    assert collector.trim(now) == 0

    assert Run.objects.count() == RunTag.objects.count() == read_place().runs == 4
    assert started(86_400)["default"] == 9
    add_runs(redis, run_record(now))
    collect(stores)
    assert read_place().runs == 5


def test_a_long_history_is_deleted_from_its_old_end_by_age(redis: Redis, stores: Stores) -> None:
    now = time.time()
    for age in (40, 39, 31, 29):
        redis.xadd(RUNS, {"run": run_record(now).encode()}, id=f"{int((now - age * 86_400) * 1000)}-0")

    collector = collect(stores)

    assert collector.trim(now) == 3
    assert Run.objects.count() == 1
