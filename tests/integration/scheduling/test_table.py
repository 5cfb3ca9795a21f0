from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from redis import Redis

from allegro_queue.scheduling.by_hand import UnknownEntry, run_by_hand
from allegro_queue.scheduling.install import declared_entries, install
from allegro_queue.scheduling.table import in_words, read_schedule
from allegro_queue.stores import Stores, schedulers
from tests.support import records
from tests.support.running import manage
from tests.support.schedule import entry, scheduler_over

NOON = 1764000000.0 - 1764000000.0 % 3600


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("*/5 * * * *", "Every 5 minutes"),
        ("30 14 * * *", "At 14:30"),
        ("0 9 * * 1-5", "At 09:00, Monday through Friday"),
    ],
)
def test_a_line_reads_as_plain_language(line: str, words: str):
    assert in_words(entry(cron=line)) == words


def test_an_entry_that_no_scheduler_installed_has_no_next_time(stores: Stores):
    rows = read_schedule(stores, NOON)

    assert [row.entry.name for row in rows] == [entry.name for entry in declared_entries()]
    assert {(row.next_at, row.last, row.late_seconds) for row in rows} == {(None, None, 0.0)}


def test_a_row_has_the_next_time_the_last_run_and_how_late_it_is(redis: Redis, stores: Stores):
    scheduler = scheduler_over(redis)
    install(declared_entries(), scheduler, NOON)
    scheduler.enqueue_jobs(NOON + 300)

    row = read_schedule(stores, NOON + 612)[0]

    assert row.next_at == NOON + 600
    assert row.late_seconds == 12
    assert row.last is not None
    assert row.last.job_id == f"audience-sync-tick-{NOON + 300:.0f}"
    assert row.in_words == "Every 5 minutes"


def test_a_run_by_hand_is_a_job_of_its_own_beside_the_schedule(redis: Redis, stores: Stores):
    install(declared_entries(), scheduler_over(redis), NOON)

    first, second = (run_by_hand(stores, "horizon-snapshot", NOON) for _ in range(2))

    assert redis.lrange("rq:queue:high", 0, -1) == [first.encode(), second.encode()]
    row = read_schedule(stores, NOON)[1]
    assert row.next_at == NOON + 300
    assert row.last is not None
    assert row.last.job_id == second


def test_an_unknown_entry_is_refused_with_the_nearest_name(redis: Redis, stores: Stores):
    with pytest.raises(UnknownEntry, match="no entry 'horizon-snapshoot'; did you mean 'horizon-snapshot'"):
        run_by_hand(stores, "horizon-snapshoot", NOON)

    assert redis.keys("rq:*") == []


def test_the_command_shows_the_table(redis: Redis):
    install(declared_entries(), scheduler_over(redis), NOON)
    scheduler_over(redis).enqueue_jobs(NOON + 300)

    shown = manage("horizon_schedule")

    head, tick, snapshot, *rest = shown.stdout.splitlines()
    assert head.split("  ")[0] == "NAME"
    assert tick.startswith(
        "audience-sync-tick  */5 * * * *  Every 5 minutes  audience-sync  allegro.audience.jobs.tick"
    )
    assert " s late)" in tick
    assert tick.split()[-3:] == ["queued", "0", "0"]
    assert snapshot.index("high") == tick.index("audience-sync  allegro")
    assert rest[-2:] == [
        "Times are in UTC.",
        "No scheduler is running. Start one: manage.py horizon, or manage.py rqscheduler",
    ]


def test_the_command_says_who_leads_since_when_and_how_many_stand_by(stores: Stores, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(schedulers, "LEASE_SECONDS", 60)
    at = stores.schedule.now()
    stores.schedulers.lead("one", records.scheduler(at - 60))
    alone = manage("horizon_schedule").stdout.splitlines()[-1]
    for pid in (5001, 5002):
        stores.schedulers.lead(f"another, {pid}", records.scheduler(at, pid=pid))
    # A later beat of the leader's; it has led all the time.
    stores.schedulers.lead("one", records.scheduler(at - 60))
    record = stores.schedulers.leader()
    three = manage("horizon_schedule").stdout.splitlines()[-1]

    assert record is not None
    assert at <= record.leads_since < record.beat_at
    since = datetime.fromtimestamp(record.leads_since, UTC).strftime("%Y-%m-%d %H:%M:%S")
    assert alone == f"Led by web-1, process 4103, since {since}. No other stands by."
    assert three == f"Led by web-1, process 4103, since {since}. 2 others stand by."


def test_the_command_prints_json(redis: Redis):
    install(declared_entries(), scheduler_over(redis), NOON)

    rows = json.loads(manage("horizon_schedule", "--json").stdout)

    assert rows[1]["name"] == "horizon-snapshot"
    assert rows[1]["next_at"] == NOON + 300
    assert rows[1]["last"] is None


def test_the_command_runs_an_entry_and_prints_the_id_of_its_job(redis: Redis):
    done = manage("horizon_schedule", "run", "horizon-snapshot")

    assert redis.lrange("rq:queue:high", 0, -1) == [done.stdout.strip().encode()]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "horizon-snap"), "no entry 'horizon-snap'; did you mean 'horizon-snapshot'?"),
        (("run",), "run needs the NAME of an entry"),
    ],
)
def test_the_command_refuses_what_it_does_not_know(redis: Redis, arguments: tuple[str, ...], said: str):
    done = manage("horizon_schedule", *arguments)

    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_command_says_that_redis_is_away():
    done = manage("horizon_schedule", REDIS_URL="unix:///nowhere/redis.sock")

    assert done.returncode == 1
    assert "Redis at unix:/nowhere/redis.sock did not answer" in done.stderr
    assert "Traceback" not in done.stderr
