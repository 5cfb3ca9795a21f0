"""The scheduler as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from allegro.dev.valkey import server_binary
from allegro_queue.scheduling.install import declared_entries
from allegro_queue.stores import Stores
from allegro_queue.stores.schedule import SCHEDULED
from tests.support.eventually import eventually
from tests.support.running import MANAGE, manage, running
from tests.support.schedule import scheduler_over
from tests.support.server import start_server

TICK = "audience-sync-tick"


def make_due(redis: Redis, name: str = TICK) -> float:
    """Set the entry's next time to a moment ago."""
    due_at = float(int(time.time()) - 1)
    redis.zadd(SCHEDULED, {f"cron-{name}": due_at})
    return due_at


def queued(redis: Redis) -> list[bytes]:
    return redis.lrange("rq:queue:audience-sync", 0, -1)


def test_it_installs_the_entries_beats_and_queues_what_is_due(redis: Redis, stores: Stores):
    with running("rqscheduler") as process:
        eventually(lambda: redis.zcard(SCHEDULED) == len(declared_entries()), explain=process.said)
        due_at = make_due(redis)
        eventually(lambda: queued(redis), explain=process.said)

        assert f"{TICK}-{due_at:.0f}".encode() in queued(redis)
        record = stores.schedulers.leader()
        assert record is not None
        assert record.pid == process.pid
        beat = record.beat_at
        eventually(lambda: stores.schedulers.leader().beat_at > beat, within=3, explain=process.said)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_leaves_within_two_seconds_of_a_signal_and_takes_its_record_along(
    redis: Redis, stores: Stores, number: signal.Signals, tmp_path
):
    pid_file = tmp_path / "pid"
    with running("rqscheduler", "--pid", str(pid_file)) as process:
        eventually(stores.schedulers.leader, explain=process.said)
        assert pid_file.read_text() == str(process.pid)

        process.send(number)

        assert process.wait(within=2) == 0
        assert stores.schedulers.leader() is None
        assert not pid_file.exists()
        assert redis.zcard(SCHEDULED) == len(declared_entries())


def test_a_long_interval_does_not_delay_its_leave(redis: Redis, stores: Stores):
    with running("rqscheduler", "--interval", "600") as process:
        eventually(stores.schedulers.leader, explain=process.said)
        process.send(signal.SIGTERM)
        assert process.wait(within=2) == 0


def test_two_schedulers_queue_each_due_time_once(redis: Redis):
    scheduler_over(redis).cron("0 0 1 1 *", "allegro.audience.jobs.tick", id="yearly", queue_name="high")
    with running("rqscheduler", "--interval", "0.05") as first, running("rqscheduler", "--interval", "0.05") as second:
        eventually(lambda: "scheduler started" in first.said() and "scheduler started" in second.said())
        wanted = []
        for back in range(5, 0, -1):
            due_at = float(int(time.time()) - back)
            redis.zadd(SCHEDULED, {"yearly": due_at})
            wanted.append(f"yearly-{due_at:.0f}".encode())
            eventually(lambda: redis.zscore(SCHEDULED, "yearly") > time.time(), explain=first.said)

    assert [each for each in redis.lrange("rq:queue:high", 0, -1) if each.startswith(b"yearly")] == wanted


def test_killed_schedulers_neither_lose_nor_double_a_run(redis: Redis):
    total = 3000
    scheduler = scheduler_over(redis)
    names = [f"tick{number}" for number in range(total)]
    for name in names:
        scheduler.cron("0 0 1 1 *", "allegro.audience.jobs.tick", id=name)
    redis.zadd(SCHEDULED, dict.fromkeys(names, 1000))

    for _ in range(3):
        before = redis.llen("rq:queue:default")
        with running("rqscheduler", DJANGO_SETTINGS_MODULE="tests.support.unscheduled") as process:
            eventually(lambda before=before: redis.llen("rq:queue:default") > before, explain=process.said)
            process.send(signal.SIGKILL)
            process.wait()
    assert 0 < redis.zcount(SCHEDULED, 0, 1000) < total, "no kill came while there was work"
    with running("rqscheduler", DJANGO_SETTINGS_MODULE="tests.support.unscheduled") as process:
        eventually(lambda: redis.zcount(SCHEDULED, 0, 1000) == 0, explain=process.said)

    assert sorted(redis.lrange("rq:queue:default", 0, -1)) == sorted(f"{name}-1000".encode() for name in names)
    assert redis.zcard(SCHEDULED) == total


def test_it_waits_for_redis_and_goes_on(tmp_path):
    url = f"unix://{tmp_path / 'redis.sock'}"
    with running("rqscheduler", REDIS_URL=url) as process:
        eventually(lambda: "did not answer" in process.said(), explain=process.said)

        with served(tmp_path) as redis:
            eventually(lambda: redis.zcard(SCHEDULED) == len(declared_entries()), explain=process.said)
            make_due(redis)
            eventually(lambda: queued(redis), explain=process.said)
        # Another server, an empty one: as after the loss of all data.
        looks = process.said().count("did not answer")
        eventually(lambda: process.said().count("did not answer") > looks, explain=process.said)
        with served(tmp_path) as redis:
            eventually(lambda: redis.zcard(SCHEDULED) == len(declared_entries()), within=20, explain=process.said)
            assert "answers again" in process.said()
        assert not process.has_ended()
        assert "Traceback" not in process.said()

        process.send(signal.SIGTERM)
        assert process.wait(within=2) == 0


@contextmanager
def served(folder: Path) -> Iterator[Redis]:
    """A server of the test's own, gone at the end."""
    server = start_server(server_binary(), folder)
    client = Redis(unix_socket_path=str(folder / "redis.sock"))
    try:
        yield client
    finally:
        client.close()
        server.terminate()
        server.wait(timeout=10)


CHILD_OF_A_MASTER = """
import os, signal, django
django.setup()
from allegro_queue.scheduling.process import run_scheduler
if os.fork() == 0:
    run_scheduler("some-master")
    os._exit(0)
signal.pause()
"""


def test_a_master_that_is_killed_takes_its_scheduler_along(redis: Redis, stores: Stores):
    master = subprocess.Popen(
        [sys.executable, "-c", CHILD_OF_A_MASTER],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "allegro.settings"},
        cwd=MANAGE.parent,
        stderr=subprocess.DEVNULL,
    )
    try:
        record = eventually(stores.schedulers.leader)
        assert record.master == "some-master"
        assert record.pid != master.pid
    finally:
        master.kill()
        master.wait()

    eventually(lambda: stores.schedulers.leader() is None, within=5)


def test_wrong_settings_are_all_named_at_once_and_end_it():
    done = manage("rqscheduler", DJANGO_SETTINGS_MODULE="tests.support.wrong_schedule")

    assert done.returncode == 1
    assert "has cron = 'now and then'" in done.stderr
    assert "'allegro.audience.jobs.tock', which cannot be imported" in done.stderr
    assert "did you mean 'high'" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_interval_of_nothing_is_refused():
    done = manage("rqscheduler", "--interval", "0")

    assert done.returncode == 1
    assert "--interval is 0; it must be more than 0." in done.stderr


def test_another_connection_is_said_and_is_no_failure(redis: Redis):
    with running("rqscheduler", QUEUE_CONNECTION="sync") as process:
        eventually(lambda: "scheduler started" in process.said(), explain=process.said)
        assert "QUEUE_CONNECTION is 'sync'" in process.said()
        process.send(signal.SIGTERM)
        assert process.wait(within=2) == 0


def test_a_single_look_can_be_asked_for(redis: Redis, stores: Stores):
    done = manage("rqscheduler", "--burst")

    assert done.returncode == 0
    assert redis.zcard(SCHEDULED) == len(declared_entries())
    assert stores.schedulers.leader() is None


def test_its_keys_follow_the_prefix_of_rq(redis: Redis):
    due_at = float(int(time.time()) - 1)
    manage("rqscheduler", "--burst", RQ_KEY_PREFIX="mine")
    redis.zadd("mine:scheduler:scheduled_jobs", {f"cron-{TICK}": due_at})

    manage("rqscheduler", "--burst", RQ_KEY_PREFIX="mine")

    assert redis.lrange("mine:queue:audience-sync", 0, -1) == [f"{TICK}-{due_at:.0f}".encode()]
    assert redis.exists(f"mine:job:{TICK}-{due_at:.0f}", "mine:queues") == 2
    assert redis.keys("rq:*") == []
