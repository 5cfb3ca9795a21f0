from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from allegro_queue.connection import new_client
from allegro_queue.metrics.snapshot import Taken, snapshot, take_snapshot
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.metrics import SNAPSHOT_LIFE, Outcome
from tests.support.eventually import eventually
from tests.support.running import manage

NOON = 1764000000.0
QUEUES = ("high", "default")


def count(stores: Stores, job: str = "shop.pay", queue: str = "high", result: str = "done", times: int = 1) -> None:
    """Count ended attempts, as a worker does."""
    for _ in range(times):
        with stores.client.pipeline() as pipeline:
            outcome = Outcome(queue=queue, job=job, result=result, runtime_ms=20, wait_ms=5, ended_at=NOON)
            stores.metrics.add(outcome, pipeline)
            pipeline.execute()


def take(stores: Stores, now: float, keep: int = 10) -> Taken | None:
    return take_snapshot(stores, QUEUES, now=now, keep=keep)


def test_a_snapshot_holds_what_was_counted_since_the_last_one(stores: Stores):
    count(stores, times=3)
    count(stores, result="failed")
    take(stores, NOON)
    count(stores, times=2)
    take(stores, NOON + 300)

    first, second = stores.metrics.snapshots("job", ["shop.pay"])["shop.pay"]
    assert (first.done, first.failed, first.runs, first.runtime_ms, first.wait_ms) == (3, 1, 4, 60, 20)
    assert (second.done, second.failed, second.runs, second.mean_runtime_ms) == (2, 0, 2, 20)
    assert (second.started_at, second.taken_at) == (NOON, NOON + 300)
    assert second.done_per_minute == pytest.approx(0.4)


def test_a_queue_has_a_point_with_its_length_also_when_nothing_ran(redis: Redis, stores: Stores):
    redis.rpush("rq:queue:default", "a", "b")

    assert take(stores, NOON) == Taken(queues=2, jobs=0)

    found = stores.metrics.snapshots("queue", QUEUES)
    assert [(each.length, each.done) for each in found["default"]] == [(2, 0)]
    assert [(each.length, each.done) for each in found["high"]] == [(0, 0)]


def test_only_as_many_as_the_setting_says_are_kept(stores: Stores):
    for number in range(7):
        count(stores)
        take(stores, NOON + 300 * number, keep=3)

    for kind, name in (("queue", "high"), ("job", "shop.pay")):
        kept = stores.metrics.snapshots(kind, [name])[name]
        assert [each.taken_at for each in kept] == [NOON + 1200, NOON + 1500, NOON + 1800]


def test_a_name_that_no_longer_runs_disappears_when_its_snapshots_do(redis: Redis, stores: Stores):
    count(stores)
    take(stores, NOON)
    key = "horizon:snapshots:job:shop.pay"
    assert 0 < redis.ttl(key) <= SNAPSHOT_LIFE
    redis.expire(key, 1000)

    take(stores, NOON + 300)
    assert redis.ttl(key) <= 1000, "an idle name must not live on by being frozen"
    redis.delete(key)
    assert take(stores, NOON + 600) == Taken(queues=2, jobs=0)

    assert stores.metrics.names("job") == []
    assert redis.keys("*shop.pay*") == []
    assert len(stores.metrics.snapshots("queue", ["high"])["high"]) == 3


def test_a_queue_that_left_the_settings_disappears_too(redis: Redis, stores: Stores):
    count(stores, queue="old")
    assert take(stores, NOON) == Taken(queues=3, jobs=1)
    redis.delete("horizon:snapshots:queue:old")

    assert take(stores, NOON + 300) == Taken(queues=2, jobs=1)
    assert "old" not in stores.metrics.names("queue")


def test_a_second_snapshot_in_the_same_moment_is_left_out(stores: Stores):
    assert stores.metrics.begin_snapshot()

    assert take(stores, NOON) is None
    assert stores.metrics.snapshots("queue", ["high"])["high"] == []


def test_counting_during_snapshots_loses_nothing_and_counts_nothing_twice(redis: Redis, stores: Stores):
    enough = threading.Event()

    def write_until_enough(_: int) -> int:
        client = new_client()
        mine = open_stores(client)
        written = 0
        while not enough.is_set():
            # Names that come and go are forgotten and counted at the same time.
            count(mine, job=f"shop.pay{(written // 10) % 7}", queue="high")
            written += 1
        client.close()
        return written

    with ThreadPoolExecutor(3) as pool:
        writers = [pool.submit(write_until_enough, number) for number in range(3)]
        try:
            for number in range(20):
                before = redis.hget("horizon:tally:queue:high", "runs")
                eventually(lambda before=before: redis.hget("horizon:tally:queue:high", "runs") != before)
                assert take(stores, NOON + number, keep=100_000)
        finally:
            enough.set()
        total = sum(writer.result() for writer in writers)
    take(stores, NOON + 20, keep=100_000)

    names = stores.metrics.names("job")
    per_job = [each for found in stores.metrics.snapshots("job", names).values() for each in found]
    per_queue = stores.metrics.snapshots("queue", ["high"])["high"]
    assert sum(each.done > 0 for each in per_queue) >= 20
    for found in (per_job, per_queue):
        assert sum(each.done for each in found) == total
        assert sum(each.runs for each in found) == total
        assert sum(each.runtime_ms for each in found) == total * 20
    assert redis.keys("horizon:tally:*") == []


def test_a_name_is_not_forgotten_while_it_is_being_counted(redis: Redis, stores: Stores):
    """Its snapshots have just come to their end, and a worker counts it between the look and the forgetting."""
    redis.sadd("horizon:tallied:job", "shop.pay")
    stop = threading.Event()

    def forget_all_the_time() -> None:
        client = new_client()
        metrics = open_stores(client).metrics
        while not stop.is_set():
            metrics.finish_snapshot(NOON)
        client.close()

    forgetting = threading.Thread(target=forget_all_the_time)
    forgetting.start()
    try:
        for _ in range(300):
            count(stores)
            assert "shop.pay" in stores.metrics.names("job")
            redis.delete("horizon:tally:job:shop.pay")
    finally:
        stop.set()
        forgetting.join()


def test_the_job_of_the_cron_entry_says_how_much_it_froze(stores: Stores):
    count(stores)

    assert snapshot() == 4


def test_the_command_says_how_many_queues_and_job_names_it_froze(stores: Stores):
    count(stores)

    assert manage("horizon_snapshot").stdout == "Snapshot taken of 3 queues and 1 job name.\n"
    assert json.loads(manage("horizon_snapshot", "--json").stdout) == {"queues": 3, "jobs": 1}
    assert len(stores.metrics.snapshots("queue", ["high"])["high"]) == 2


def test_the_command_says_when_another_snapshot_is_being_taken(stores: Stores):
    stores.metrics.begin_snapshot()

    assert manage("horizon_snapshot").stdout == "Another snapshot is being taken right now; nothing was done.\n"


def test_the_command_says_that_redis_is_away():
    done = manage("horizon_snapshot", REDIS_URL="unix:///nowhere/redis.sock")

    assert done.returncode == 1
    assert "Redis at unix:/nowhere/redis.sock did not answer" in done.stderr
