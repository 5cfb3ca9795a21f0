"""What an entry's rules do at its due times, step by step over a real server."""

from __future__ import annotations

import pytest
from redis import Redis

from allegro_queue.scheduling.by_hand import pause_entry, resume_entry, run_by_hand
from allegro_queue.scheduling.install import install
from allegro_queue.stores import Stores
from allegro_queue.stores.entries import ACCOUNTS_KEPT, Account
from allegro_queue.stores.schedulers import LEASE_SECONDS
from allegro_queue.tellings import telling
from tests.support import records
from tests.support.eventually import eventually
from tests.support.schedule import entry, scheduler_over

NOON = 1764000000.0 - 1764000000.0 % 3600


def waiting(redis: Redis) -> list[str]:
    return [each.decode() for each in redis.lrange("rq:queue:default", 0, -1)]


def accounts(stores: Stores, name: str = "tick") -> list[Account]:
    return stores.entries.accounts([name])[name]


@pytest.fixture
def every_minute(redis: Redis):
    """A scheduler with one entry of each minute, and what it is installed as."""

    def installed(**changes):
        scheduler = scheduler_over(redis)
        install([entry(**{"cron": "", "every": 60, **changes})], scheduler, NOON)
        return scheduler

    return installed


def test_a_time_is_skipped_while_the_run_before_has_not_ended_and_both_are_told(redis, stores: Stores, every_minute):
    scheduler = every_minute()
    scheduler.enqueue_jobs(NOON + 60)

    assert scheduler.enqueue_jobs(NOON + 120) == []
    assert scheduler.enqueue_jobs(NOON + 180) == []

    skipped, run = accounts(stores)
    assert (run.what, run.job_id) == ("run", f"tick-{NOON + 60:.0f}")
    assert (skipped.what, skipped.reason, skipped.count) == ("skipped", "the run before has not ended", 2)
    assert (skipped.since, skipped.due_at) == (NOON + 120, NOON + 180)
    assert stores.entries.known(NOON).state("tick").skipped == 2
    redis.hset(f"rq:job:{run.job_id}", "status", "finished")
    assert scheduler.enqueue_jobs(NOON + 240) == [f"tick-{NOON + 240:.0f}"]


def test_a_run_by_hand_counts_as_one_that_has_not_ended(redis, stores: Stores, every_minute, settings):
    settings.HORIZON = {
        **settings.HORIZON,
        "schedule": [{"name": "tick", "every": 60, "job": "tests.support.jobs.nothing", "queue": "default"}],
    }
    scheduler = every_minute()
    job_id = run_by_hand(stores, "tick", NOON, "ada")

    assert scheduler.enqueue_jobs(NOON + 60) == []

    assert waiting(redis) == [job_id]
    assert [(each.what, each.by) for each in accounts(stores)] == [("skipped", ""), ("by hand", "ada")]


def test_runs_may_overlap_where_the_entry_says_so(redis, stores: Stores, every_minute):
    scheduler = every_minute(overlap="allow")

    for minute in (1, 2, 3):
        scheduler.enqueue_jobs(NOON + 60 * minute)

    assert len(waiting(redis)) == 3


@pytest.mark.parametrize(
    ("rule", "runs", "missed"),
    [("once", [60], 9), ("skip", [600], 9), ("all", [480, 540, 600], 7)],
)
def test_missed_times_follow_the_rule_and_are_counted_with_the_reason(
    redis, stores: Stores, every_minute, rule: str, runs: list[int], missed: int
):
    scheduler = every_minute(missed=rule, missed_limit=3, overlap="allow")

    scheduler.enqueue_jobs(NOON + 601)

    assert waiting(redis) == [f"tick-{NOON + each:.0f}" for each in runs]
    state = stores.entries.known(NOON).state("tick")
    assert (state.runs, state.missed) == (len(runs), missed)
    told = next(each for each in accounts(stores) if each.what == "missed")
    assert told.count == missed
    assert "10 times had passed" in told.reason
    assert scheduler.enqueue_jobs(NOON + 659) == []


def test_a_paused_entry_skips_its_times_and_says_who_and_why_until_it_resumes(redis, stores: Stores, every_minute):
    settled = every_minute()
    stores.entries.declare({"tick": {"name": "tick", "source": "database", "job": "x", "queue": "default"}})
    pause_entry(stores, "tick", NOON, until=NOON + 150, by="ada", reason="the provider is down")

    assert settled.enqueue_jobs(NOON + 60) == []
    assert settled.enqueue_jobs(NOON + 120) == []
    assert settled.enqueue_jobs(NOON + 180) == [f"tick-{NOON + 180:.0f}"]

    run, skipped = accounts(stores)
    assert (skipped.count, skipped.reason) == (2, "paused by ada: the provider is down")
    assert skipped.reason_said == telling("paused by {who}: {reason}", who="ada", reason="the provider is down")
    assert run.what == "run"
    assert stores.entries.known(NOON).pauses == {}


def test_a_pause_without_an_end_holds_until_somebody_resumes(redis, stores: Stores, every_minute):
    scheduler = every_minute()
    stores.entries.declare({"tick": {"name": "tick", "source": "database", "job": "x", "queue": "default"}})
    pause_entry(stores, "tick", NOON, until=None, by="ada", reason="")
    assert scheduler.enqueue_jobs(NOON + 6000) == []

    assert resume_entry(stores, "tick", NOON)
    assert not resume_entry(stores, "tick", NOON)

    assert len(scheduler.enqueue_jobs(NOON + 6060)) == 1


def test_how_a_run_ended_is_told_with_its_run_time(redis, stores: Stores, every_minute):
    scheduler = every_minute(overlap="allow")
    for minute in (1, 2, 3):
        scheduler.enqueue_jobs(NOON + 60 * minute + 0.5)
    first, second, third = (f"rq:job:tick-{NOON + 60 * minute:.0f}" for minute in (1, 2, 3))
    times = {"started_at": "2026-01-01T00:00:00.000000Z", "ended_at": "2026-01-01T00:00:02.500000Z"}
    redis.hset(first, mapping={"status": "finished", **times})
    redis.hset(second, mapping={"status": "failed", **times})
    redis.hset(third, mapping={"status": "started"})

    assert stores.entries.settle_runs(0) == 0
    redis.delete(third)
    told = [(each.result, each.seconds, each.start_delay) for each in accounts(stores)]
    assert told == [("", None, 0.5), ("failed", 2.5, 0.5), ("finished", 2.5, 0.5)]

    stores.entries.settle_runs(0)
    assert accounts(stores)[0].result == "gone"
    assert stores.entries.known(NOON).state("tick").last.result == "gone"
    assert not redis.exists(stores.keys.open_runs)


def test_the_list_of_last_times_is_bounded(redis, stores: Stores, every_minute):
    scheduler = every_minute(overlap="allow")

    for minute in range(ACCOUNTS_KEPT + 10):
        scheduler.enqueue_jobs(NOON + 60 * (minute + 1))

    assert len(accounts(stores)) == ACCOUNTS_KEPT
    assert accounts(stores)[0].due_at == NOON + 60 * (ACCOUNTS_KEPT + 10)


def test_a_time_that_had_its_run_is_not_run_again_though_its_entry_was_lost_and_made_anew(redis, every_minute):
    scheduler = every_minute(overlap="allow")
    scheduler.enqueue_jobs(NOON + 60)
    scheduler.store.remove(["cron-tick"])
    scheduler = every_minute(overlap="allow")

    assert scheduler.enqueue_jobs(NOON + 61) == []

    assert len(waiting(redis)) == 1


def test_an_entry_that_is_not_enabled_is_not_scheduled(redis, every_minute):
    scheduler = every_minute(enabled=False)

    assert scheduler.store.scheduled_ids() == []


def test_rq_s_own_scheduler_keeps_its_registry_while_it_holds_the_lock(redis: Redis):
    redis.hset("rq:job:theirs", mapping={"data": "x", "status": "scheduled", "origin": "default"})
    redis.zadd("rq:scheduled:default", {"theirs": NOON})
    redis.set("rq:scheduler-lock:default", "somebody", ex=60)
    scheduler = scheduler_over(redis)

    assert scheduler.enqueue_jobs(NOON + 1) == []
    redis.delete("rq:scheduler-lock:default")
    assert scheduler.enqueue_jobs(NOON + 1) == ["theirs"]


def test_a_leader_whose_lease_has_passed_to_another_is_refused(redis, stores: Stores, every_minute):
    scheduler = every_minute()
    first, second = records.scheduler(NOON, pid=1), records.scheduler(NOON, pid=2)
    old = stores.schedulers.lead("first", first)
    assert old.leads
    assert not stores.schedulers.lead("second", second).leads
    new = eventually(
        lambda: (lead := stores.schedulers.lead("second", second)).leads and lead, within=LEASE_SECONDS + 2
    )

    look = scheduler.look(NOON + 60, old.fence)

    assert (look.queued, look.deposed) == ((), True)
    assert scheduler.look(NOON + 60, new.fence).queued == (f"tick-{NOON + 60:.0f}",)
    assert stores.schedulers.leader().pid == 2


def test_a_spoilt_list_of_last_times_costs_no_run(redis: Redis, stores: Stores):
    scheduler = scheduler_over(redis)
    install([entry("spoilt"), entry("good")], scheduler, NOON)
    redis.set(stores.keys.accounts("spoilt"), "not a list")

    scheduler.enqueue_jobs(NOON + 300)

    assert sorted(waiting(redis)) == [f"good-{NOON + 300:.0f}", f"spoilt-{NOON + 300:.0f}"]
    assert [each.what for each in accounts(stores, "spoilt")] == ["run"]
