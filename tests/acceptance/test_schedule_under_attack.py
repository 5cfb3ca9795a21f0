"""What the schedule promises while schedulers are killed, stopped, doubled and deployed. All are real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from redis import Redis

from allegro.dev.valkey import server_binary
from allegro_queue.queues import get_queue
from allegro_queue.stores import Stores
from allegro_queue.stores.schedule import SCHEDULED
from tests.support.eventually import eventually
from tests.support.given import JOB, given, queued, ticks
from tests.support.running import MANAGE, Running, manage, running
from tests.support.server import start_server


def test_sixty_kills_at_one_command_after_another_neither_lose_nor_double_a_run(redis: Redis):
    entries = [{"name": f"entry{number}", "cron": "0 0 1 1 *"} for number in range(60)]
    environment = given(*entries)
    assert manage("rqscheduler", "--burst", **environment).returncode == 0
    due_at = int(time.time()) - 5
    redis.zadd(SCHEDULED, {f"cron-{each['name']}": due_at for each in entries})

    done = subprocess.run(
        [sys.executable, "-m", "tests.support.dying_scheduler", "60"],
        env={**os.environ, **environment},
        cwd=MANAGE.parent,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert Counter(done.stdout.split()) == {"-9": 60}, done.stderr
    after_kills = len(queued(redis))
    assert 0 < after_kills < 60
    assert manage("rqscheduler", "--burst", **environment).returncode == 0
    assert sorted(queued(redis)) == sorted(f"{each['name']}-{due_at}" for each in entries)
    assert {score > time.time() for _, score in redis.zrange(SCHEDULED, 0, -1, withscores=True)} == {True}
    assert redis.zcard(SCHEDULED) == 60


def leader(stores: Stores, running: list[Running]) -> Running | None:
    record = stores.schedulers.leader()
    return next((each for each in running if record and each.pid == record.pid and not each.has_ended()), None)


def test_killed_and_stopped_leaders_leave_no_hole_and_no_double(redis: Redis, stores: Stores):
    environment = given({"name": "second", "every": 1, "overlap": "allow", "missed": "all"})
    with (
        running("rqscheduler", **environment) as first,
        running("rqscheduler", **environment) as second,
        running("rqscheduler", **environment) as third,
    ):
        all_three = [first, second, third]
        eventually(lambda: stores.schedulers.standing_by() == 2, explain=first.said)
        eventually(lambda: ticks(redis, "second"))
        stopped = eventually(lambda: leader(stores, all_three))
        fence = stores.schedulers.leader().fence
        os.kill(stopped.pid, signal.SIGSTOP)
        eventually(lambda: (new := leader(stores, all_three)) and new is not stopped, within=5)
        assert stores.schedulers.leader().fence > fence
        os.kill(stopped.pid, signal.SIGCONT)
        for _ in range(2):
            killed = eventually(lambda: leader(stores, all_three))
            killed.send(signal.SIGKILL)
            killed.wait()
            eventually(lambda killed=killed: (new := leader(stores, all_three)) and new is not killed, within=5)
        so_far = len(ticks(redis, "second"))
        eventually(lambda: len(ticks(redis, "second")) > so_far + 1)

    found = ticks(redis, "second")
    assert found == list(range(found[0], found[0] + len(found)))
    holes = [each.start_delay for each in stores.entries.accounts(["second"])["second"]]
    assert max(holes) < 5


def test_five_deploys_leave_what_the_code_says(redis: Redis, stores: Stores):
    deploys = [["a", "b"], ["a", "b"], ["a", "b", "c"], ["a", "renamed", "c"], ["a", "renamed"]]
    for names in deploys:
        done = manage("rqscheduler", "--burst", **given(*({"name": name, "every": 3600} for name in names)))

        assert done.returncode == 0, done.stderr
        assert sorted(redis.zrange(SCHEDULED, 0, -1)) == sorted(f"cron-{name}".encode() for name in names)
        assert sorted(stores.entries.known(0).installed) == sorted(names)


def test_an_older_process_does_not_bring_back_what_a_newer_one_replaced(redis: Redis, stores: Stores):
    with running("rqscheduler", **given({"name": "old", "every": 3600})) as old:
        eventually(lambda: redis.zscore(SCHEDULED, "cron-old"), explain=old.said)
        manage("rqscheduler", "--burst", **given({"name": "new", "every": 3600}))

        redis.zadd(SCHEDULED, {"cron-new": time.time() - 1})
        eventually(lambda: queued(redis, "new-"), explain=old.said)

        assert redis.zrange(SCHEDULED, 0, -1) == [b"cron-new"]
        assert not old.has_ended()


def test_a_broken_entry_is_parked_with_its_error_and_stops_no_other(redis: Redis, stores: Stores):
    environment = given(
        *({"name": name, "every": 1, "overlap": "allow"} for name in ("hash", "function", "line", "good"))
    )
    with running("rqscheduler", **environment) as process:
        eventually(lambda: ticks(redis, "good"), explain=process.said)
        redis.delete("rq:job:cron-hash")
        redis.set("rq:job:cron-hash", "not a hash")
        redis.hset("rq:job:cron-function", "data", b'["tests.support.jobs.gone", null, [], {}]')
        redis.hset("rq:job:cron-line", "meta", b'{"cron_string": "nonsense"}')

        def errors() -> dict[str, str]:
            states = stores.entries.known(0).states
            return {name: state.error for name, state in states.items() if state.error}

        eventually(lambda: {"function", "line"} <= set(errors()), explain=process.said)
        so_far = len(ticks(redis, "good"))
        eventually(lambda: len(ticks(redis, "good")) > so_far + 1, explain=process.said)

        assert "cannot be imported" in errors()["function"]
        assert "no cron line" in errors()["line"]
        # Its hash was mended: it is declared, so its data can be written afresh.
        so_far = len(ticks(redis, "hash"))
        eventually(lambda: len(ticks(redis, "hash")) > so_far, explain=process.said)
        assert not process.has_ended()


def test_a_stopped_scheduler_is_said_within_thirty_seconds(redis: Redis, stores: Stores):
    with running("rqscheduler") as process:
        eventually(lambda: stores.schedulers.leader(), explain=process.said)
        process.send(signal.SIGKILL)
        process.wait()

    # Its record ends by itself; the overview reads it every five seconds.
    assert 0 < redis.pttl(stores.keys.scheduler) <= 25_000


def test_a_thousand_entries_in_one_second_run_once_each_while_their_leader_is_killed(redis: Redis, stores: Stores):
    names = [f"e{number}" for number in range(1000)]
    environment = given(*({"name": name, "cron": "0 0 1 1 *"} for name in names))
    with running("rqscheduler", **environment) as first, running("rqscheduler", **environment) as second:
        eventually(lambda: redis.zcard(SCHEDULED) == 1000, within=20, explain=first.said)
        eventually(lambda: stores.schedulers.standing_by() == 1, explain=first.said)
        due_at = int(time.time()) + 1
        redis.zadd(SCHEDULED, dict.fromkeys((f"cron-{name}" for name in names), due_at))
        eventually(lambda: queued(redis), explain=first.said)
        killed = leader(stores, [first, second])
        assert killed is not None
        killed.send(signal.SIGKILL)

        eventually(lambda: redis.zcount(SCHEDULED, "-inf", due_at) == 0, explain=second.said)

    assert sorted(queued(redis)) == sorted(f"{name}-{due_at}" for name in names)
    delays = sorted(run.start_delay for runs in stores.entries.accounts(names).values() for run in runs)
    assert delays[989] < 2


def test_a_delayed_job_and_a_thousand_more_are_queued_while_schedulers_are_killed(redis: Redis):
    queue = get_queue("high", redis)
    jobs = [queue.enqueue_call(JOB).id for _ in range(1000)]
    redis.delete("rq:queue:high")
    redis.zadd("rq:scheduled:high", dict.fromkeys(jobs, int(time.time()) - 1))
    with running("rqscheduler", **given()) as first:
        eventually(lambda: queued(redis, queue="high"), explain=first.said)
        first.send(signal.SIGKILL)
        first.wait()
    manage("rqscheduler", "--burst", **given())

    assert sorted(queued(redis, queue="high")) == sorted(jobs)
    assert redis.zcard("rq:scheduled:high") == 0


def test_times_that_passed_while_redis_was_away_follow_the_rule_of_each_entry(tmp_path: Path):
    environment = given(
        {"name": "each", "every": 1, "overlap": "allow", "missed": "all"},
        {"name": "one", "every": 1, "overlap": "allow", "missed": "once"},
    ) | {"REDIS_URL": f"unix://{tmp_path / 'redis.sock'}"}
    with running("rqscheduler", **environment) as process:
        with served(tmp_path) as redis:
            eventually(lambda: ticks(redis, "one"), explain=process.said)
        eventually(lambda: process.said().count("did not answer") >= 2, explain=process.said)
        with served(tmp_path) as redis:
            eventually(lambda: "answers again" in process.said(), within=20, explain=process.said)
            so_far = max(ticks(redis, "one"))
            eventually(lambda: max(ticks(redis, "one")) > so_far, explain=process.said)
            each, one = ticks(redis, "each"), ticks(redis, "one")
        assert not process.has_ended()

    assert each == list(range(each[0], each[0] + len(each)))
    gaps = [later - earlier for earlier, later in pairwise(one)]
    assert len([gap for gap in gaps if gap > 1]) == 1


@contextmanager
def served(folder: Path) -> Iterator[Redis]:
    """A server whose data outlive it, gone at the end."""
    server = start_server(server_binary(), folder, keep=True)
    client = Redis(unix_socket_path=str(folder / "redis.sock"))
    try:
        yield client
    finally:
        client.close()
        server.terminate()
        server.wait(timeout=10)
