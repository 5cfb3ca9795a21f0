from __future__ import annotations

import json
import zlib

import pytest
from redis import Redis

from allegro_queue.scheduling.install import install
from allegro_queue.stores import Stores
from allegro_queue.stores.schedule import SCHEDULED
from tests.support import records
from tests.support.schedule import entry, scheduler_over

NOON = 1764000000.0 - 1764000000.0 % 3600
FIVE_PAST = NOON + 300


def snapshot_of(redis: Redis) -> dict[bytes, object]:
    held: dict[bytes, object] = {key: redis.hgetall(key) for key in redis.keys("rq:job:*")}
    held[b"times"] = redis.zrange(SCHEDULED, 0, -1, withscores=True)
    return held


def test_an_entry_is_installed_under_its_name_for_its_next_time(redis: Redis):
    install([entry()], scheduler_over(redis), NOON + 1)

    assert redis.zrange(SCHEDULED, 0, -1, withscores=True) == [(b"cron-tick", FIVE_PAST)]


def test_installing_twice_changes_nothing(redis: Redis):
    entries = [entry(args=(1, "two"), kwargs={"b": 2, "a": [1]}), entry("other", cron="0 3 * * *", timeout=5)]
    install(entries, scheduler_over(redis), NOON + 1)
    before = snapshot_of(redis)

    install(entries, scheduler_over(redis), NOON + 1000)

    assert snapshot_of(redis) == before


def test_a_time_that_passed_while_nobody_ran_is_kept_when_the_entry_is_installed_again(redis: Redis):
    install([entry()], scheduler_over(redis), NOON + 1)

    install([entry()], scheduler_over(redis), NOON + 7200)

    assert redis.zscore(SCHEDULED, "cron-tick") == FIVE_PAST


def test_a_changed_line_is_computed_afresh(redis: Redis):
    install([entry()], scheduler_over(redis), NOON + 1)

    install([entry(cron="30 * * * *")], scheduler_over(redis), NOON + 2)

    assert redis.zrange(SCHEDULED, 0, -1, withscores=True) == [(b"cron-tick", NOON + 1800)]


def test_changed_arguments_keep_the_next_time(redis: Redis):
    install([entry()], scheduler_over(redis), NOON + 1)

    install([entry(queue="high", args=(7,))], scheduler_over(redis), NOON + 600)

    assert redis.zscore(SCHEDULED, "cron-tick") == FIVE_PAST
    assert redis.hget("rq:job:cron-tick", "origin") == b"high"


def test_another_time_zone_computes_afresh(redis: Redis, settings):
    install([entry(cron="0 9 * * *")], scheduler_over(redis), NOON)
    before = redis.zscore(SCHEDULED, "cron-tick")

    settings.TIME_ZONE = "America/New_York"
    install([entry(cron="0 9 * * *")], scheduler_over(redis), NOON)

    assert redis.zscore(SCHEDULED, "cron-tick") != before


def test_what_the_settings_no_longer_name_goes_with_its_data_and_its_last_run(redis: Redis, stores: Stores):
    install([entry("keep"), entry("drop")], scheduler_over(redis), NOON)
    for name in ("keep", "drop"):
        records.entry_run(stores, name, NOON, job_id="x")

    install([entry("keep")], scheduler_over(redis), NOON)

    assert redis.zrange(SCHEDULED, 0, -1) == [b"cron-keep"]
    assert redis.keys("rq:job:*") == [b"rq:job:cron-keep"]
    assert list(stores.entries.known(NOON).states) == ["keep"]
    assert stores.entries.accounts(["drop"]) == {"drop": []}


def test_what_other_code_scheduled_stays(redis: Redis):
    scheduler = scheduler_over(redis)
    theirs = scheduler.cron("0 3 * * *", "tests.support.jobs.nothing", id="theirs")

    install([], scheduler, NOON)

    assert theirs in scheduler


def test_an_entry_whose_data_was_spoilt_is_written_afresh(redis: Redis):
    install([entry()], scheduler_over(redis), NOON)
    redis.hset("rq:job:cron-tick", "data", b"\x80\x04spoilt")

    install([entry()], scheduler_over(redis), NOON)

    assert next(scheduler_over(redis).get_jobs()).func_name == "tests.support.jobs.nothing"


def test_the_interface_of_rq_scheduler_shows_the_entries(redis: Redis):
    scheduler = scheduler_over(redis)
    install([entry(args=(1,))], scheduler, NOON)

    (job,) = scheduler.get_jobs()

    assert job.id == "cron-tick"
    assert job.meta["cron_string"] == "*/5 * * * *"
    assert list(job.args) == [1]
    assert "cron-tick" in scheduler
    scheduler.cancel("cron-tick")
    assert scheduler.count() == 0


@pytest.mark.parametrize("field", ["data", "meta"])
def test_an_entry_is_json_in_redis(redis: Redis, field: str):
    install([entry(args=(1,), kwargs={"a": "b"})], scheduler_over(redis), NOON)

    raw = redis.hget("rq:job:cron-tick", field)
    assert raw is not None
    json.loads(zlib.decompress(raw) if field == "data" else raw)
