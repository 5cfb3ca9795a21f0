"""The schedule when clocks are changed, by law or by mistake. Servers and schedulers are real; their clocks are false."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from redis import Redis

from allegro.dev.valkey import server_binary
from allegro_queue.stores import open_stores
from allegro_queue.stores.schedule import SCHEDULED
from tests.support.eventually import eventually
from tests.support.false_clock import FalseClock, library
from tests.support.given import given, queued, ticks
from tests.support.needed import needed
from tests.support.running import running
from tests.support.server import start_server

HOUR = 3600


@pytest.fixture(autouse=True)
def clocks_can_be_false() -> None:
    needed(library(), "libfaketime", "faketime")


@pytest.fixture
def server_clock(tmp_path: Path) -> Iterator[FalseClock]:
    with FalseClock(tmp_path, "server") as clock:
        yield clock


@pytest.fixture
def host_clock(tmp_path: Path) -> Iterator[FalseClock]:
    with FalseClock(tmp_path, "host") as clock:
        yield clock


@pytest.fixture
def redis(tmp_path: Path, server_clock: FalseClock) -> Iterator[Redis]:
    """A server that goes by ``server_clock``."""
    server = start_server(server_binary(), tmp_path, environment=server_clock.environment)
    client = Redis(unix_socket_path=str(tmp_path / "redis.sock"))
    yield client
    client.close()
    server.terminate()
    server.wait(timeout=10)


def beside(redis: Redis, clock: FalseClock | None, *entries: dict[str, object]) -> dict[str, str]:
    """Environment of a scheduler of these entries over that server, on a host with that clock, or the right one."""
    false = clock.environment if clock is not None else {}
    url = f"unix://{redis.get_connection_kwargs()['path']}"
    return {**given(*({"overlap": "allow", **each} for each in entries)), **false, "REDIS_URL": url}


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


@pytest.mark.parametrize(
    ("zone", "start", "end", "early", "late"),
    [
        pytest.param(
            "Europe/Berlin", "2026-03-29T01:10+01:00", "2026-03-29T05:10+02:00",
            "2026-03-29T01:30+01:00", "2026-03-29T03:30+02:00", id="Berlin in spring, 2:30 is skipped",
        ),
        pytest.param(
            "Europe/Berlin", "2026-10-25T01:10+02:00", "2026-10-25T04:10+01:00",
            "2026-10-25T01:30+02:00", "2026-10-25T02:30+02:00", id="Berlin in autumn, 2:30 comes twice",
        ),
        pytest.param(
            "America/New_York", "2026-03-08T01:10-05:00", "2026-03-08T05:10-04:00",
            "2026-03-08T01:30-05:00", "2026-03-08T03:30-04:00", id="New York in spring, 2:30 is skipped",
        ),
        pytest.param(
            "America/New_York", "2026-11-01T00:40-04:00", "2026-11-01T03:10-05:00",
            "2026-11-01T01:30-04:00", "2026-11-01T02:30-05:00", id="New York in autumn, 1:30 comes twice",
        ),
    ],
)  # fmt: skip
def test_each_entry_fires_once_at_its_time_when_summer_time_begins_and_ends(
    redis: Redis, server_clock: FalseClock, zone: str, start: str, end: str, early: str, late: str
):
    """A fixed hour once that day, an hour that is skipped as long after the change; a star by real time."""
    server_clock.set(at(start))
    environment = beside(
        redis,
        server_clock,
        {"name": "early", "cron": "30 1 * * *", "zone": zone},
        {"name": "late", "cron": "30 2 * * *", "zone": zone},
        {"name": "hourly", "cron": "0 * * * *", "zone": zone},
        {"name": "pace", "cron": "*/30 * * * *", "zone": zone},
    )
    halves = range(at(start) // 1800 * 1800 + 1800, at(end), 1800)
    with running("rqscheduler", **environment) as process:
        eventually(lambda: redis.zcard(SCHEDULED) == 4, within=30, explain=process.said)
        for moment in halves:
            server_clock.set(moment - 0.3)
            eventually(
                lambda moment=moment: server_clock.now > moment and not redis.zcount(SCHEDULED, "-inf", moment),
                within=30,
                explain=process.said,
            )
        assert not process.has_ended()

    assert {name: ticks(redis, name) for name in ("early", "late", "hourly", "pace")} == {
        "early": [at(early)],
        "late": [at(late)],
        "hourly": [moment for moment in halves if moment % HOUR == 0],
        "pace": list(halves),
    }
    told = open_stores(redis).entries.accounts(["early", "late", "hourly", "pace"])
    assert {each.what for accounts in told.values() for each in accounts} == {"run"}
    assert max(each.start_delay for accounts in told.values() for each in accounts) < 60


def test_the_clock_of_a_scheduler_s_host_means_nothing(redis: Redis, host_clock: FalseClock):
    environment = beside(redis, host_clock, {"name": "second", "every": 1, "missed": "all"})
    with running("rqscheduler", **environment) as process:
        for wrong in (0, HOUR, -HOUR, HOUR, 0):
            host_clock.put(wrong)
            so_far = len(ticks(redis, "second"))
            eventually(lambda so_far=so_far: len(ticks(redis, "second")) > so_far, within=30, explain=process.said)

    found = ticks(redis, "second")
    assert found == list(range(found[0], found[0] + len(found)))
    accounts = open_stores(redis).entries.accounts(["second"])["second"]
    assert min(each.start_delay for each in accounts) >= 0
    assert max(each.start_delay for each in accounts) < 60


def test_a_server_s_clock_that_is_put_forward_and_back_bursts_and_repeats_nothing(
    redis: Redis, server_clock: FalseClock
):
    noon = at("2026-06-01T12:00+00:00")
    server_clock.set(noon + 120)
    environment = beside(redis, server_clock, {"name": "five", "cron": "*/5 * * * *", "zone": "UTC"})
    stores = open_stores(redis)
    with running("rqscheduler", **environment) as process:

        def passes(minutes: float) -> None:
            """Have the server's clock at so many minutes past noon, and the scheduler look there."""
            moment = noon + minutes * 60
            server_clock.set(moment)

            def looked() -> bool:
                record = stores.schedulers.leader()
                due = redis.zcount(SCHEDULED, "-inf", moment)
                return record is not None and moment < record.beat_at < moment + 60 and not due

            eventually(looked, within=30, explain=process.said)

        eventually(lambda: redis.zcard(SCHEDULED), within=30, explain=process.said)
        passes(5.01)
        assert ticks(redis, "five") == [noon + 5 * 60]
        # An hour forward: 12:10 to 13:05 have passed.
        passes(66)
        assert ticks(redis, "five") == [noon + minutes * 60 for minutes in (5, 10)]
        # And back. Nothing is due until 13:10, which comes once.
        for minutes in range(6, 70, 7):
            passes(minutes)
        assert len(queued(redis)) == 2
        passes(70.01)
        # Ten minutes forward: 13:15 and 13:20 have passed.
        passes(81)
        assert ticks(redis, "five") == [noon + minutes * 60 for minutes in (5, 10, 70, 75)]
        assert not process.has_ended()

    told = stores.entries.accounts(["five"])["five"]
    assert Counter(each.what for each in told) == {"run": 4, "missed": 2}
    assert sum(each.count for each in told if each.what == "missed") == 11 + 1


def test_a_leader_that_dies_when_the_server_s_clock_is_put_back_is_followed_at_once(
    redis: Redis, server_clock: FalseClock
):
    environment = beside(redis, None, {"name": "second", "every": 1})
    stores = open_stores(redis)
    with running("rqscheduler", **environment) as one, running("rqscheduler", **environment) as other:
        eventually(
            lambda: stores.schedulers.leader() and stores.schedulers.standing_by() == 1, within=30, explain=one.said
        )
        record = stores.schedulers.leader()
        assert record is not None
        leader = one if one.pid == record.pid else other
        leader.send(signal.SIGKILL)
        leader.wait()
        server_clock.put(-HOUR)

        eventually(
            lambda: (now := stores.schedulers.leader()) is not None and now.pid != record.pid,
            explain=lambda: one.said() + other.said(),
        )
        assert stores.schedulers.standing_by() == 0
