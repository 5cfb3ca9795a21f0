"""Processes that die at each of their round trips in turn: no job is lost, and none runs more often than it may.

The points are not listed here: each scenario is run once undisturbed, and what it asks of Redis then is where it dies later.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db.models import QuerySet, Sum
from redis import Redis
from rq.job import Dependency

from allegro_queue.batches import batch
from allegro_queue.connection import client
from allegro_queue.dispatch import dispatch, dispatch_many
from allegro_queue.history.models import Collected, Run, Series
from allegro_queue.history.process import run_collector
from allegro_queue.history.snapshot import snapshot
from allegro_queue.jobs import JobOptions
from allegro_queue.metrics.counts import EVER
from allegro_queue.queues import get_queue
from allegro_queue.scheduling.declared import Declared
from allegro_queue.scheduling.entries import CronEntry
from allegro_queue.scheduling.install import install
from allegro_queue.scheduling.loop import SchedulerLoop
from allegro_queue.stores import Stores, open_stores
from allegro_queue.tellings import verbatim
from allegro_queue.workers import heartbeat
from allegro_queue.workers.settling import settle
from allegro_queue.workers.sweeping import Sweeper
from tests.support import jobs, ledger_jobs, talking_jobs
from tests.support.accounts import settle_accounts
from tests.support.eventually import eventually
from tests.support.fault_points import EVERY_EXIT, LIBRARY, Fault, points_in_code
from tests.support.forked import Forked, ForkedWorker
from tests.support.ledger import read_ledger
from tests.support.runs import add_runs, failed_record, run_record
from tests.support.schedule import entry, scheduler_over

pytestmark = pytest.mark.django_db(transaction=True)

KILLED = "was killed by signal 9 (SIGKILL)"
TAKING = "stores.steps.StepStore._send"


@dataclass(frozen=True)
class Scenario:
    """Work for one worker."""

    prepare: Callable[[str], list[str]]
    """Dispatches jobs that write in this ledger; their ids."""
    tries: int = 1
    whole_life: bool = False
    """Whether also what the worker asks before its first job and after its last is attacked."""


def plain(ledger: str) -> list[str]:
    return [dispatch(ledger_jobs.work, ledger), dispatch(ledger_jobs.work, ledger)]


def tried_twice(ledger: str) -> list[str]:
    return [dispatch(ledger_jobs.work, ledger, options=JobOptions(tries=2))]


def failing(ledger: str) -> list[str]:
    return [dispatch(ledger_jobs.fail_midway, ledger)]


def failing_twice(ledger: str) -> list[str]:
    return [dispatch(ledger_jobs.fail_midway, ledger, options=JobOptions(tries=2))]


def in_own_process(ledger: str) -> list[str]:
    return [dispatch(ledger_jobs.work, ledger, options=JobOptions(isolate=True))]


def with_terms(ledger: str) -> list[str]:
    asks = JobOptions(unique=True, without_overlapping=True, rate_limit="100/m")
    return [dispatch(ledger_jobs.work, ledger, options=asks)]


def with_dependent(ledger: str) -> list[str]:
    """A job that another waits for: RQ's own methods end it, and put the other on its queue."""
    first = dispatch(ledger_jobs.work, ledger)
    queue = get_queue("default")
    second = queue.enqueue_call(
        "tests.support.ledger_jobs.work",
        args=(ledger,),
        timeout=60,
        depends_on=Dependency([first], allow_failure=True),
    )
    return [first, str(second.id)]


SCENARIOS = {
    "plain jobs": Scenario(plain, whole_life=True),
    "a job with two tries": Scenario(tried_twice, tries=2),
    "a job that fails": Scenario(failing),
    "a job that fails twice": Scenario(failing_twice, tries=2),
    "a job in a process of its own": Scenario(in_own_process),
    "a job with terms": Scenario(with_terms),
    "a job that another waits for": Scenario(with_dependent),
}


def beat_often() -> None:
    """In a worker's process: signs of life come by the dozen."""
    heartbeat.LEASE_SECONDS = heartbeat.BEAT_SECONDS = heartbeat.SETTLE_SECONDS = 0.02


def recorded(do: Callable[[Path], object], folder: Path) -> list[tuple[str, int]]:
    """Each round trip that a process makes: its point, and the how-manieth at that point."""
    trail = folder / "round trips"
    trail.unlink(missing_ok=True)
    do(trail)
    seen = Counter[str]()
    trips = []
    for point in trail.read_text().splitlines():
        seen[point] += 1
        trips.append((point, seen[point]))
    return trips


def trips_of(scenario: Scenario, redis: Redis, folder: Path) -> list[tuple[str, int]]:
    redis.flushall()
    scenario.prepare(str(folder / "rehearsal"))
    trips = recorded(lambda trail: ForkedWorker(trail=trail).ending(), folder)
    steps = [place for place, (point, _) in enumerate(trips) if point == TAKING]
    assert len(steps) >= 2
    return trips if scenario.whole_life else trips[steps[0] : steps[-1] + 1]


def faults_at(trips: list[tuple[str, int]], number: str = "KILL") -> list[Fault]:
    """Before each round trip, and after each that takes or ends a job: what lies between two is a job's code."""
    return [
        Fault(side, point, nth, number)
        for point, nth in trips
        for side in ("before", "after")
        if side == "before" or point == TAKING or point == trips[-1][0]
    ]


def each_once(trips: list[tuple[str, int]]) -> list[Fault]:
    """Before each round trip, and after the last: between two nothing is done that anybody else could see."""
    return [*(Fault("before", point, nth) for point, nth in trips), Fault("after", *trips[-1])]


def work_off(stores: Stores) -> None:
    """Healthy workers, until nothing waits."""
    for _ in range(4):
        assert ForkedWorker().ending() == "left"
        if not stores.reservations.all() and not any(stores.jobs.lengths(["high", "default"]).values()):
            return


def leftovers(redis: Redis, stores: Stores) -> list[bytes]:
    """What only a running job may have in Redis."""
    keys: list[bytes] = [
        key
        for pattern in ("rq:execution:*", "rq:executions:*", "rq:wip:*", f"{stores.keys.prefix}overlap:*")
        for key in redis.keys(pattern)
    ]
    return keys + ([b"reserved"] if stores.reservations.all() else [])


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_worker_that_is_killed_at_any_round_trip_loses_no_job(
    name: str, redis: Redis, stores: Stores, tmp_path: Path, record_property: Callable[[str, object], None]
):
    scenario = SCENARIOS[name]
    struck = 0
    for number, fault in enumerate(faults_at(trips_of(scenario, redis, tmp_path))):
        redis.flushall()
        ledger = tmp_path / f"ledger-{number}"
        ids = scenario.prepare(str(ledger))
        worker = ForkedWorker(fault=fault)
        ending = worker.ending()
        assert ending in ("left", KILLED), fault
        if ending == KILLED:
            struck += 1
            settle(
                stores,
                worker.name,
                host="here",
                pid=worker.pid,
                reason=verbatim(KILLED),
                begun=worker.begun.execution_id,
            )
        work_off(stores)

        accounts = settle_accounts(stores, ids, ledger, tries=scenario.tries)
        assert accounts.faults() == {}, (fault, accounts)
        assert leftovers(redis, stores) == [], fault
    record_property("kills", struck)
    assert struck > 3


def test_a_worker_that_is_told_to_leave_at_any_round_trip_loses_no_job(redis: Redis, stores: Stores, tmp_path: Path):
    trips = trips_of(SCENARIOS["plain jobs"], redis, tmp_path)
    for number, fault in enumerate(faults_at(trips, number="TERM")):
        redis.flushall()
        ledger = tmp_path / f"ledger-{number}"
        ids = plain(str(ledger))
        worker = ForkedWorker(fault=fault)
        ending = worker.ending()
        assert ending in ("left", "was killed by signal 15 (SIGTERM)"), fault
        if ending != "left":
            # Killed before it heard signals, or when it no longer did: it holds nothing then.
            assert stores.reservations.of(worker.name) is None, fault
        work_off(stores)

        accounts = settle_accounts(stores, ids, ledger)
        assert (accounts.faults(), accounts.finished) == ({}, 2), (fault, accounts)


def test_a_worker_killed_at_any_sign_of_life_loses_no_job(redis: Redis, stores: Stores, tmp_path: Path):
    def prepare(ledger: str) -> list[str]:
        asks = JobOptions(without_overlapping=True)
        return [dispatch(ledger_jobs.work, ledger, 0.3, options=asks)]

    prepare(str(tmp_path / "rehearsal"))
    trips = recorded(lambda trail: ForkedWorker(trail=trail, prepare=beat_often).ending(), tmp_path)
    points = {point for point, _ in trips}
    beats = {
        "stores.workers.WorkerStore.write",
        "stores.steps.StepStore.renew",
        "stores.locks.LockStore.prolong_overlap",
    }
    assert beats <= points
    for point in sorted(beats):
        for side in ("before", "after"):
            redis.flushall()
            ledger = tmp_path / f"{side}-{point}"
            ids = prepare(str(ledger))
            worker = ForkedWorker(fault=Fault("before" if side == "before" else "after", point, 2), prepare=beat_often)
            assert worker.ending() == KILLED
            settle(
                stores,
                worker.name,
                host="here",
                pid=worker.pid,
                reason=verbatim(KILLED),
                begun=worker.begun.execution_id,
            )
            work_off(stores)
            accounts = settle_accounts(stores, ids, ledger)
            assert accounts.faults() == {}, (point, accounts)
            assert leftovers(redis, stores) == [], point


@pytest.mark.parametrize(
    ("when", "tries"), [("before it has begun", 1), ("when it has begun", 1), ("when it has begun", 2)]
)
def test_who_settles_a_dead_workers_job_may_die_too(
    when: str, tries: int, redis: Redis, stores: Stores, tmp_path: Path
):
    def leave_a_job_behind(ledger: str) -> tuple[str, ForkedWorker]:
        redis.flushall()
        job_id = dispatch(ledger_jobs.work, ledger, options=JobOptions(tries=tries, without_overlapping=True))
        # The first look takes it; the second is to file it.
        nth = 1 if when == "before it has begun" else 2
        worker = ForkedWorker(fault=Fault("after" if nth == 1 else "before", TAKING, nth))
        assert worker.ending() == KILLED
        return job_id, worker

    def settler(worker: ForkedWorker, begun: str | None) -> Callable[[], object]:
        return lambda: settle(
            open_stores(), worker.name, host="here", pid=worker.pid, reason=verbatim(KILLED), begun=begun
        )

    _, worker = leave_a_job_behind(str(tmp_path / "rehearsal"))
    trips = recorded(lambda trail: Forked(settler(worker, worker.begun.execution_id), trail=trail).ending(), tmp_path)
    assert len(trips) > 4
    for number, (point, nth) in enumerate([*trips, ("none", 1)]):
        ledger = tmp_path / f"ledger-{number}"
        job_id, worker = leave_a_job_behind(str(ledger))
        fault = Fault("before", point, nth)
        assert Forked(settler(worker, worker.begun.execution_id), fault=fault).ending() in ("left", KILLED)
        # As its end does, half a minute later. The next one to settle shares no memory with the worker.
        redis.delete(stores.keys.settling(worker.name))
        assert Forked(settler(worker, None)).ending() == "left"
        work_off(stores)

        accounts = settle_accounts(stores, [job_id], ledger, tries=tries)
        assert accounts.faults() == {}, (fault, accounts)
        assert leftovers(redis, stores) == [], fault


@pytest.mark.parametrize("how", ["one", "later", "unique", "many"])
def test_a_process_that_dies_while_it_queues_has_queued_all_or_nothing(
    how: str, redis: Redis, stores: Stores, tmp_path: Path
):
    def send(ledger: Path) -> None:
        if how == "many":
            dispatch_many(ledger_jobs.work, [(str(ledger),), (str(ledger),)])
        else:
            options = JobOptions(unique=True) if how == "unique" else None
            dispatch(ledger_jobs.work, str(ledger), options=options, delay=0.001 if how == "later" else None)

    trips = recorded(lambda trail: Forked(lambda: send(tmp_path / "none"), trail=trail).ending(), tmp_path)
    assert trips
    for number, (point, nth) in enumerate(trips):
        for side, ran in (("before", 0), ("after", 2 if how == "many" else 1)):
            redis.flushall()
            ledger = tmp_path / f"{number}-{side}"
            fault = Fault("before" if side == "before" else "after", point, nth)
            assert Forked(lambda to=ledger: send(to), fault=fault).ending() == KILLED  # type: ignore[misc]
            if how == "later":
                SchedulerLoop(scheduler_over(redis)).run(burst=True)
            work_off(stores)

            assert [len(each) for each in read_ledger(ledger).values()] == [1] * ran
            assert stores.audit.orphans(lambda: None) == []


def test_a_scheduler_that_dies_at_any_round_trip_queues_each_run_once(redis: Redis, stores: Stores, tmp_path: Path):
    entries: list[CronEntry] = [entry("tick", job="tests.support.ledger_jobs.work", args=["x"])]

    def prepare() -> None:
        """One run of the entry and one job put off, both due now."""
        redis.flushall()
        now = time.time()
        install(entries, scheduler_over(redis), now - 3600)
        dispatch(jobs.nothing, delay=0.01, options=JobOptions(queue="high"))

    def look() -> None:
        SchedulerLoop(scheduler_over(client())).run(burst=True)

    for _ in range(2):
        # The first one has to load its scripts, which is a round trip more for each.
        prepare()
        trips = recorded(lambda trail: Forked(look, trail=trail).ending(), tmp_path)
    assert {"stores.schedule.ScheduleStore.move_due", "stores.schedule.ScheduleStore.settle"} <= {
        each for each, _ in trips
    }
    for fault in each_once(trips):
        prepare()
        assert Forked(look, fault=fault).ending() == KILLED, fault
        for _ in range(2):
            assert Forked(look).ending() == "left"

        assert stores.jobs.lengths(["high", "default"]) == {"high": 1, "default": 1}, fault
        assert redis.zcard("rq:scheduler:scheduled_jobs") == 1, fault
        told = stores.entries.accounts(["tick"])["tick"]
        assert sorted(each.what for each in told) == ["missed", "run"], fault
        assert [each.job_id for each in told if each.job_id] == get_queue("default").get_job_ids(), fault


def test_a_collector_that_dies_at_any_round_trip_counts_each_job_once(redis: Redis, stores: Stores, tmp_path: Path):
    """Round trips to the database of history are points, too."""
    written = 0

    def leave_records() -> None:
        nonlocal written
        now = time.time()
        add_runs(redis, run_record(now), run_record(now), failed_record(now))
        written += 3

    def collect() -> None:
        run_collector(until_empty=True)

    for _ in range(2):
        # The first one has more to do, since it begins each stretch of time.
        leave_records()
        trips = recorded(lambda trail: Forked(collect, trail=trail, exits=EVERY_EXIT).ending(), tmp_path)
    assert {"stores.collecting.CollectingStore.read", "history.collected.claim_place"} <= {each for each, _ in trips}
    faults = each_once(trips)
    struck = 0
    for fault in faults:
        leave_records()
        struck += Forked(collect, fault=fault, exits=EVERY_EXIT).ending() == KILLED
        # As its end does, ten seconds later.
        redis.delete(stores.keys.collecting)
        assert Forked(collect).ending() == "left"

        assert Run.objects.count() == written, fault
        assert list(Collected.objects.values_list("runs", "read", "duplicates", "missed")) == [(written, written, 0, 0)]
        for kind, name in (("queue", "default"), ("job", "shop.orders.jobs.pay")):
            for seconds in (EVER, 300, 3600):
                rows = Series.objects.filter(kind=kind, name=name, seconds=seconds)
                sums = rows.aggregate(Sum("started"), Sum("failed"))
                assert sums == {"started__sum": written, "failed__sum": written // 3}, (kind, fault)
    # One that begins a new stretch of time, or finds a count in its memory, has a few more or fewer.
    assert struck >= len(faults) - 3


def test_a_snapshot_that_dies_at_any_round_trip_samples_once_and_leaves_every_count_alone(
    redis: Redis, stores: Stores, tmp_path: Path
):
    """Round trips to the database are points, too."""
    now = time.time()
    # So old that the last part of a snapshot deletes their five minutes, but neither their hour nor their day.
    add_runs(redis, *(run_record(now - 26 * 3600) for _ in range(3)))
    add_runs(redis, *(run_record(now) for _ in range(3)))
    run_collector(until_empty=True)
    redis.delete(stores.keys.collecting)
    for _ in range(2):
        dispatch(jobs.nothing)
    old = list(Series.objects.filter(starts_at__lt=now - 25 * 3600).values())

    def begin_anew() -> None:
        Series.objects.filter(started=0).delete()
        Series.objects.update(depth=None, sampled_at=None, oldest_seconds=None)
        Series.objects.bulk_create((Series(**each) for each in old), ignore_conflicts=True)
        # As its end does, half a minute later.
        redis.delete(stores.keys.taking_snapshot)

    def counted() -> dict[tuple[str, str, int], int]:
        sums = Series.objects.values_list("kind", "name", "seconds").annotate(Sum("started"))
        return {(kind, name, seconds): total for kind, name, seconds, total in sums if total and seconds >= 3600}

    begin_anew()
    wanted = counted()
    assert wanted["queue", "default", 3600] == 6
    for _ in range(2):
        begin_anew()
        trips = recorded(lambda trail: Forked(snapshot, trail=trail, exits=EVERY_EXIT).ending(), tmp_path)
    assert {"history.snapshot.sample", "history.snapshot.prune"} <= {each for each, _ in trips}
    for fault in each_once(trips):
        begin_anew()
        assert Forked(snapshot, fault=fault, exits=EVERY_EXIT).ending() == KILLED, fault
        sampled = Series.objects.filter(kind="queue", sampled_at__isnull=False)
        # All queues in all lengths, or none. Five minutes may end meanwhile, so counted are queues of each time.
        assert set(queues_by_time(sampled).values()) <= {3}, fault
        assert counted() == wanted, fault
        for _ in range(2):
            redis.delete(stores.keys.taking_snapshot)
            assert Forked(snapshot).ending() == "left"

        assert counted() == wanted, fault
        assert {(each.name, each.depth) for each in sampled} == {("high", 0), ("default", 2), ("audience-sync", 0)}, (
            fault
        )
        assert set(queues_by_time(sampled).values()) == {3}, fault
        assert {seconds for seconds, _ in queues_by_time(sampled)} == {300, 3600, 86_400}, fault
        assert not Series.objects.filter(seconds=300, starts_at__lt=now - 25 * 3600).exists(), fault


def queues_by_time(sampled: QuerySet[Series]) -> Counter[tuple[int, int]]:
    """How many queues have a sample, by length and beginning of the time."""
    return Counter(sampled.values_list("seconds", "starts_at"))


NOT_ATTACKED = {
    "stores.alerts.AlertStore.forget": "a press of a button: the number lives for seconds",
    "stores.audit.": "only reads, for the auditor",
    "stores.batches.BatchStore._ended_ids": "only reads, for pages",
    "stores.batches.BatchStore._read": "only reads, for pages",
    "stores.batches.BatchStore.open_ids": "only reads, for pages",
    "stores.batches.BatchStore.open_page": "only reads, for pages",
    "stores.batches.BatchStore.page": "only reads, for pages",
    "stores.bin.": "only reads, for pages and runs over many jobs",
    "stores.bulk.": "runs over many jobs, whose workers are killed in a test of their own",
    "stores.candidates.": "only reads, for runs over many jobs",
    "stores.collecting.CollectingStore.standing": "only reads, for pages",
    "stores.controls.": "words of operators, each one step",
    "stores.copies.": "only reads, for pages",
    "stores.entries.EntryStore.accounts": "only reads, for pages",
    "stores.entries.EntryStore.note_by_hand": "a press of a button, noted when the job is queued",
    "stores.entries.EntryStore.pause": "words of operators, each one step",
    "stores.entries.EntryStore.resume": "words of operators, each one step",
    "stores.failed_jobs.": "a press of a button; each change is one step",
    "stores.job_lists.": "only reads, for the API",
    "stores.jobs.": "only reads, for pages and commands",
    "stores.metrics.MetricsStore.waiting": "only reads, for pages",
    "stores.notes.NoteStore.of": "only reads, for pages",
    "stores.pauses.": "words of operators, each one step",
    "stores.pulse.": "only reads, for pages",
    "stores.schedulers.SchedulerStore.leader": "only reads, for pages",
    "stores.schedulers.SchedulerStore.standing_by": "only reads, for pages",
    "stores.seats.": "each master claims room anew twice a second, in one step",
    "stores.server.": "only reads, for the health page",
    "stores.workers.WorkerStore.lost": "only reads, for pages",
}
"""Round trips that no scenario here makes, by the start of their names, and why that is well."""


def limited(ledger: str) -> None:
    """Of two jobs the second has to come back."""
    for _ in range(2):
        dispatch(ledger_jobs.work, ledger, options=JobOptions(rate_limit="1/m"))


def unreadable(ledger: str) -> None:
    client().hset(f"rq:job:{dispatch(ledger_jobs.work, ledger)}", "timeout", "soon")


def long_enough_to_beat(ledger: str) -> None:
    dispatch(ledger_jobs.work, ledger, 0.3, options=JobOptions(without_overlapping=True))


def in_batches(ledger: str) -> None:
    """One batch that ends, and one that is cancelled before."""
    for is_cancelled in (False, True):
        with batch("of one") as adding:
            adding.add(ledger_jobs.work, ledger)
        if is_cancelled:
            adding.cancel(by="somebody")


def talking(ledger: str) -> None:
    dispatch(talking_jobs.talk)


REHEARSALS: list[Callable[[str], object]] = [
    *(each.prepare for each in SCENARIOS.values()),
    limited,
    unreadable,
    long_enough_to_beat,
    in_batches,
    talking,
]


def settling(dead: ForkedWorker) -> Callable[[], object]:
    """Settles a dead worker's job and looks around."""

    def do() -> None:
        stores = open_stores()
        Sweeper(stores, every=1).look(0.0)
        settle(stores, dead.name, host="here", pid=dead.pid, reason=verbatim(KILLED), begun=dead.begun.execution_id)

    return do


def whole_schedule() -> None:
    """Everything that a scheduler does: entries added, changed, run, broken and removed; a job that waits for a slot."""
    scheduler = scheduler_over(client())
    now = time.time()
    tick = entry("tick", job="tests.support.jobs.nothing")
    install([tick, entry("old")], scheduler, now - 3600)
    SchedulerLoop(scheduler).run(burst=True)
    install([tick], scheduler, now - 3600)
    dispatch(jobs.nothing, delay=0.001)
    loop = SchedulerLoop(scheduler, declare=lambda: Declared(entries=(tick,)))
    loop.run(burst=True)
    client().zadd(scheduler.scheduled_jobs_key, {"nobody": 1, "cron:broken": 1})
    client().hset("rq:job:cron:broken", mapping={"data": "?", "meta": b"no meta"})
    get_queue("default").enqueue_in(timedelta(seconds=-1), "tests.support.jobs.nothing", job_timeout=60)
    client().hset(f"rq:job:{get_queue('default').scheduled_job_registry.get_job_ids()[0]}", "rate_limit_key", "slot")
    loop.run(burst=True)
    scheduler.enqueue_jobs()
    template = scheduler.job_class("template", connection=client())
    template._id = client().zrange(scheduler.scheduled_jobs_key, 0, -1)[-1].decode()
    scheduler.enqueue_job(template)


def a_master() -> None:
    """A whole tree of processes, all of which note their round trips."""
    call_command("horizon")


def leave_after(master: Forked, stores: Stores, trail: Path) -> None:
    """Have a master leave when it has looked around, and the process of the alerts, too."""
    eventually(stores.workers.living, within=60)
    eventually(lambda: client().exists(stores.keys.housekeeper), within=60)
    eventually(lambda: "stores.alerts.AlertStore.show" in trail.read_text().splitlines(), within=60)
    os.kill(master.pid, signal.SIGTERM)
    assert master.ending() == "left"


def test_every_round_trip_of_a_runtime_process_is_one_of_the_points(redis: Redis, stores: Stores, tmp_path: Path):
    seen: set[str] = set()

    def note(trips: list[tuple[str, int]]) -> None:
        seen.update(point for point, _ in trips)

    for scenario in REHEARSALS:
        redis.flushall()
        scenario(str(tmp_path / "ledger"))
        note(recorded(lambda trail: ForkedWorker(trail=trail, prepare=beat_often).ending(), tmp_path))
    for nth, side in ((1, "after"), (2, "before"), (1, "before")):
        for status in ("started", "queued", ""):
            redis.flushall()
            options = JobOptions(without_overlapping=True) if nth == 1 else None
            job_id = dispatch(ledger_jobs.work, str(tmp_path / "ledger"), options=options)
            worker = ForkedWorker(fault=Fault("after" if side == "after" else "before", TAKING, nth))
            assert worker.ending() == KILLED
            if status:
                redis.hset(f"rq:job:{job_id}", "status", status)
            else:
                redis.delete(f"rq:job:{job_id}")
            note(recorded(lambda trail, dead=worker: Forked(settling(dead), trail=trail).ending(), tmp_path))  # type: ignore[misc]
    note(recorded(lambda trail: Forked(lambda: dispatch(jobs.nothing), trail=trail).ending(), tmp_path))
    note(recorded(lambda trail: Forked(lambda: in_batches(str(tmp_path / "ledger")), trail=trail).ending(), tmp_path))
    note(recorded(lambda trail: Forked(snapshot, trail=trail).ending(), tmp_path))
    note(recorded(lambda trail: Forked(lambda: run_collector(until_empty=True), trail=trail).ending(), tmp_path))
    note(recorded(lambda trail: Forked(whole_schedule, trail=trail).ending(), tmp_path))
    note(recorded(lambda trail: leave_after(Forked(a_master, trail=trail), stores, trail), tmp_path))

    in_code = points_in_code("stores", "workers", "scheduling", "supervision", "metrics")
    missing = {point for point in in_code - seen if not point.startswith(tuple(NOT_ATTACKED))}
    assert missing == set()


def test_the_library_itself_knows_no_faults():
    assert [file for file in LIBRARY.rglob("*.py") if "ALLEGRO_FAULT" in file.read_text()] == []
