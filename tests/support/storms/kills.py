"""Storms of dying processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from allegro_queue.jobs import JobOptions
from allegro_queue.stores.jobs import State
from tests.support import ledger_jobs
from tests.support.eventually import eventually
from tests.support.running import MANAGE, running
from tests.support.runs import outcomes
from tests.support.storms.ground import (
    QUEUES,
    Ground,
    Outcome,
    children_of,
    is_gone,
    kill,
    median,
    percentile,
    workers_of,
)

TWO_TRIES = JobOptions(tries=2)


def kills_at_random(
    ground: Ground, *, id: str, kills: int, every: float = 0.25, number: signal.Signals = signal.SIGKILL,
    groups: bool = True, trees: int = 0,
) -> Outcome:  # fmt: skip
    """Workers signalled at random moments while they work.

    Args:
        groups: whether what a worker has forked is signalled with it.
        trees: how often, among the kills, a whole tree is killed, master and all.
    """
    done = whole = 0
    recoveries = []
    with ExitStack() as stack:
        tree = stack.enter_context(ground.horizon())
        with ground.feeding():
            while done < kills:
                time.sleep(ground.chance.uniform(0.5, 1.5) * every)
                if trees and done and done % (kills // (trees + 1)) == 0 and whole < trees:
                    whole += 1
                    done += len(workers_of(tree.pid))
                    os.killpg(tree.pid, signal.SIGKILL)
                    tree.wait()
                    killed = time.monotonic()
                    tree = stack.enter_context(ground.horizon())
                    recoveries.append(time.monotonic() - killed)
                    continue
                crew = workers_of(tree.pid)
                if crew:
                    kill(ground.chance.choice(crew), number, with_children=groups)
                    done += 1
        settled = ground.wait_until_quiet(tree)
        assert not tree.has_ended()
    figures = {"kills": done, "settled after": f"{settled:.1f} s", "longest gap": f"{ground.longest_gap():.1f} s"}
    if trees:
        figures |= {"of these whole trees": trees, "a new tree works after": f"{max(recoveries):.1f} s"}
    kind = f"{number.name} to a random worker{' and what it forked' if groups else ' alone'}"
    return ground.outcome(id, kind, **figures)


def arrivals_at_dying_workers(ground: Ground, *, rounds: int, number: signal.Signals) -> Outcome:
    """The one idle worker is signalled in the millisecond in which a job arrives."""
    with ground.horizon(workers=1) as tree:
        for _ in range(rounds):
            crew = eventually(lambda: sorted(set(workers_of(tree.pid)) & set(ground.alive("idle"))), explain=tree.said)
            wait = ground.chance.uniform(0, 0.004)

            def strike(pid: int = crew[0], wait: float = wait) -> None:
                time.sleep(wait)
                kill(pid, number)

            killer = threading.Thread(target=strike)
            killer.start()
            time.sleep(ground.chance.uniform(0, 0.004))
            sent = ground.send(ledger_jobs.work)
            killer.join()
            eventually(lambda job_id=sent: job_id in ground.runs() or ground.is_quiet(), within=30, explain=tree.said)  # type: ignore[misc]
        ground.wait_until_quiet(tree)
    late = ground.latencies()
    return ground.outcome(
        "A5", f"{number.name} to the idle worker as a job arrives", rounds=rounds,
        **{"start p50": f"{median(late) * 1000:.0f} ms", "p99": f"{percentile(late, 0.99) * 1000:.0f} ms"},
    )  # fmt: skip


def killed_job_process(ground: Ground) -> Outcome:
    """A job's own process is killed as by the kernel that is out of memory, and a worker that runs one in itself."""
    with ground.horizon(workers=1) as tree:
        began = time.monotonic()
        ground.send(ledger_jobs.kill_own_process, options=JobOptions(isolate=True))
        isolated = ground.wait_until_quiet(tree, within=5)
        ground.send(ledger_jobs.kill_own_process)
        ground.wait_until_quiet(tree, within=10)
        took = time.monotonic() - began
    rows, _ = ground.stores.jobs.page(State.FAILED, QUEUES)
    reasons = {row.error.partition(": ")[2] for row in rows}
    assert len(rows) == 2, reasons
    assert all("signal 9 (SIGKILL)" in each for each in reasons), reasons
    return ground.outcome("A6", "a job that is killed", isolated=f"{isolated:.1f} s", both=f"{took:.1f} s")


def long_job_of_a_killed_worker(ground: Ground, *, seconds: float = 4.0) -> Outcome:
    """The worker of a long job in a process of its own is killed: that process ends, and the retry does not overlap."""
    with ground.horizon(workers=1) as tree:
        job_id = ground.send(ledger_jobs.work, seconds, options=JobOptions(tries=2, isolate=True))
        first = eventually(lambda: ground.runs().get(job_id), within=10, explain=tree.said)[0]
        worker = workers_of(tree.pid)[0]
        killed = time.monotonic()
        kill(worker, signal.SIGKILL)
        eventually(lambda: is_gone(first.pid), within=2)
        gone = time.monotonic() - killed
        eventually(lambda: len(ground.runs()[job_id]) == 2, within=30, explain=tree.said)
        ground.wait_until_quiet(tree)
    second = ground.runs()[job_id][1]
    return ground.outcome(
        "A7", "SIGKILL to the worker of a long job, two tries", tries=2,
        **{"its process gone after": f"{gone:.2f} s", "retry after": f"{second.started_at - killed:.2f} s"},
    )  # fmt: skip


def stopped_worker(ground: Ground, *, seconds: float) -> Outcome:
    """A worker that nobody supervises stands still longer than its lease, with a job in its hands, and wakes again."""
    settings = {"REDIS_URL": ground.url, "LOG_LEVEL": "WARNING"}
    with running("rqworker", *QUEUES, **settings) as frozen:
        job_id = ground.send(ledger_jobs.work, 1.0, options=TWO_TRIES)
        eventually(lambda: ground.runs().get(job_id), within=20, explain=frozen.said)
        frozen.send(signal.SIGSTOP)
        stopped = time.monotonic()
        try:
            with ground.horizon(workers=1) as tree:
                eventually(lambda: len(ground.runs()[job_id]) == 2, within=seconds, explain=tree.said)
                taken_over = time.monotonic() - stopped
                eventually(lambda: status(ground, job_id) == "finished", within=20, explain=tree.said)
                before = ground.redis.dump(f"rq:job:{job_id}")
                frozen.send(signal.SIGCONT)
                eventually(
                    lambda: all(run.ended_at is not None for run in ground.runs()[job_id]),
                    within=20,
                    explain=frozen.said,
                )
                # It works on, and what it did too late has left no trace.
                ground.send(ledger_jobs.work)
                ground.wait_until_quiet(tree)
                eventually(lambda: outcomes(ground.redis) == ["retried", "succeeded", "succeeded"])
        finally:
            frozen.send(signal.SIGCONT)
    assert ground.redis.dump(f"rq:job:{job_id}") == before
    outcome = ground.outcome(
        "A8", "SIGSTOP to a lone worker past its lease, then SIGCONT, two tries", tries=2,
        **{"taken over after": f"{taken_over:.0f} s", "late completion": "refused"},
    )  # fmt: skip
    # It was asleep in the middle of the job, and went on when it woke: that cannot be taken back, only refused.
    assert outcome.accounts.overlapping == [job_id]
    outcome.accounts.overlapping.clear()
    outcome.figures["runs at once"] = 2
    return outcome


def status(ground: Ground, job_id: str) -> str:
    return str(ground.stores.jobs.rows([job_id])[0].status)


def hangs(ground: Ground) -> Outcome:
    """Jobs that never end and catch what is raised into them, with a limit of two seconds."""
    lock = str(ground.folder / "lock")
    with ground.horizon(workers=3) as tree:
        began = time.monotonic()
        limit = JobOptions(timeout=2)
        ids = [
            ground.send(ledger_jobs.swallow_exceptions, options=limit),
            ground.send(ledger_jobs.swallow_everything, options=limit),
            ground.send(ledger_jobs.wait_in_the_kernel, lock, options=limit),
        ]
        took = []
        for job_id in ids:
            eventually(lambda job_id=job_id: status(ground, job_id) == "failed", within=10, explain=tree.said)  # type: ignore[misc]
            took.append(time.monotonic() - began)
        runs = ground.runs()
        eventually(lambda: all(is_gone(runs[job_id][0].pid) for job_id in ids[1:]), within=2)
        ground.wait_until_quiet(tree)
    assert max(took) <= 2 + 5
    return ground.outcome(
        "A9", "jobs that ignore a limit of 2 s", **{"ended after": ", ".join(f"{each:.1f} s" for each in took)}
    )


def poison(ground: Ground) -> Outcome:
    """A job that kills its worker each time, with three tries and good jobs behind it."""
    with ground.horizon(workers=1) as tree:
        job_id = ground.send(ledger_jobs.kill_own_process, options=JobOptions(tries=3))
        for _ in range(50):
            ground.send(ledger_jobs.work)
        ground.wait_until_quiet(tree)
        # The last one is noted after its job is filed.
        eventually(lambda: len(ground.stores.workers.lost(since=0)) == 3, explain=tree.said)
        deaths = len(ground.stores.workers.lost(since=0))
    assert (status(ground, job_id), len(ground.runs()[job_id]), deaths) == ("failed", 3, 3)
    return ground.outcome("A10", "a job that kills its worker, three tries", tries=3, deaths=deaths)


def term_to_the_tree(ground: Ground, *, seconds: float = 3.0) -> Outcome:
    """TERM to every process of a tree, as an init system sends it, while jobs run."""
    with ground.horizon(workers=2) as tree:
        running_jobs = [
            ground.send(ledger_jobs.work, seconds),
            ground.send(ledger_jobs.work, seconds, options=JobOptions(isolate=True)),
        ]
        eventually(lambda: all(job_id in ground.runs() for job_id in running_jobs), explain=tree.said)
        waiting = ground.send(ledger_jobs.work)
        told = time.monotonic()
        everybody = [each for pid in children_of(tree.pid) for each in children_of(pid)]
        for pid in [*everybody, *children_of(tree.pid), tree.pid]:
            kill(pid, signal.SIGTERM)
        assert tree.wait(within=seconds + 5) == 0, tree.said()
        took = time.monotonic() - told
        assert waiting not in ground.runs()
    with ground.horizon(workers=1) as tree:
        ground.wait_until_quiet(tree)
    outcome = ground.outcome("A11", f"SIGTERM to every process, jobs of {seconds:.0f} s", left=f"{took:.1f} s")
    assert outcome.accounts.finished == 3
    return outcome


def rolling_restarts(ground: Ground, *, rounds: int) -> Outcome:
    """A new tree comes while the old one drains a long job, at 50 jobs a second."""
    with ExitStack() as stack:
        old = stack.enter_context(ground.horizon(workers=2))
        with ground.sending(50, queue="high"):
            for _ in range(rounds):
                ground.send(ledger_jobs.work, 3.0, queue="high")
                new = stack.enter_context(ground.horizon(workers=2))
                old.send(signal.SIGTERM)
                assert old.wait(within=20) == 0, old.said()
                old = new
        ground.wait_until_quiet(old)
    gap = ground.longest_gap("high")
    outcome = ground.outcome("A12", f"{rounds} rolling restarts", **{"longest gap of high": f"{gap:.2f} s"})
    assert outcome.accounts.failed == 0
    assert gap < 2
    return outcome


def impatient_stop(ground: Ground) -> Outcome:
    """TERM, and a second later KILL to everything that is left: the grace was shorter than the jobs."""
    with ground.horizon(workers=2) as tree:
        for isolate in (False, True):
            ground.send(ledger_jobs.work, 5.0, options=JobOptions(tries=2, isolate=isolate))
        eventually(lambda: len(ground.runs()) == 2, explain=tree.said)
        tree.send(signal.SIGTERM)
        time.sleep(1)
        isolated = [each for pid in workers_of(tree.pid) for each in children_of(pid)]
        os.killpg(tree.pid, signal.SIGKILL)
        tree.wait()
        killed = time.monotonic()
        # They are in a group of their own, and end with their parents.
        eventually(lambda: all(is_gone(pid) for pid in isolated), within=2)
    with ground.horizon(workers=2) as tree:
        eventually(lambda: all(len(each) == 2 for each in ground.runs().values()), within=45, explain=tree.said)
        took = time.monotonic() - killed
        ground.wait_until_quiet(tree)
    return ground.outcome(
        "A13", "a grace shorter than the jobs, two tries", tries=2, **{"both retried after": f"{took:.1f} s"}
    )


def killed_master(ground: Ground) -> Outcome:
    """The master alone is killed while jobs run, and another one starts."""
    most = 0
    with ground.horizon(workers=3) as tree, ground.feeding():
        time.sleep(1)
        orphans = workers_of(tree.pid)
        tree.send(signal.SIGKILL)
        tree.wait()
        killed = time.monotonic()
        eventually(lambda: all(is_gone(pid) for pid in orphans), within=4)
        gone = time.monotonic() - killed
    with ground.horizon(workers=3) as tree:
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            most = max(most, len(workers_of(tree.pid)) + sum(not is_gone(pid) for pid in orphans))
            time.sleep(0.05)
        ground.wait_until_quiet(tree)
    assert most <= 3
    outcome = ground.outcome(
        "A14",
        "SIGKILL to the master alone",
        **{"its workers left after": f"{gone:.2f} s", "most workers at once": most},
    )
    assert outcome.accounts.failed == 0
    return outcome


def workers_that_die_at_boot(ground: Ground, *, seconds: float = 30.0) -> Outcome:
    """Every worker dies before it is one."""
    trail = ground.folder / "deaths"
    faults = {"FAULT": "at boot", "FAULT_TRAIL": str(trail), "FAULT_TIMES": "1000"}
    with running(
        "horizon", DJANGO_SETTINGS_MODULE="tests.support.faulty", REDIS_URL=ground.url, LOG_LEVEL="WARNING", **faults
    ) as tree:
        eventually(trail.exists, within=20, explain=tree.said)
        time.sleep(seconds)
        spawned = trail.stat().st_size
        trouble = ground.stores.masters.living()[0].supervisors[0].trouble
    assert spawned <= 6
    assert "in a row ended within" in trouble
    return ground.outcome("A15", "workers that die at boot", **{f"started in {seconds:.0f} s": spawned})


@contextmanager
def horizon_into_a_full_disk(ground: Ground) -> Iterator[subprocess.Popen[bytes]]:
    """A tree whose every word meets a full disk."""
    environment = {**os.environ, "REDIS_URL": ground.url, "LOG_LEVEL": "DEBUG"}
    with open("/dev/full", "wb") as full:
        tree = subprocess.Popen(
            [sys.executable, MANAGE, "horizon"], env=environment, cwd=MANAGE.parent, stdin=subprocess.DEVNULL,
            stdout=full, stderr=full, start_new_session=True,
        )  # fmt: skip
    try:
        yield tree
    finally:
        tree.terminate()
        tree.wait(timeout=20)


def full_disk(ground: Ground) -> Outcome:
    """Nothing can be logged."""
    with horizon_into_a_full_disk(ground) as tree:
        for _ in range(50):
            ground.send(ledger_jobs.work)
        ground.send(ledger_jobs.work, options=JobOptions(isolate=True))
        ground.send(ledger_jobs.fail_midway)
        eventually(ground.is_quiet, within=30)
        assert tree.poll() is None
    outcome = ground.outcome("A16", "a full disk under the log")
    assert (outcome.accounts.finished, outcome.accounts.failed) == (51, 1)
    return outcome


def strict_order_under_kills(ground: Ground, *, each: int) -> Outcome:
    """A backlog in all three queues, and kills: what is lower waits for what is higher."""
    for queue in reversed(QUEUES):
        for _ in range(each):
            ground.send(ledger_jobs.work, 0.01, queue=queue)
    kills = 0
    with ground.horizon() as tree:
        while not ground.is_quiet():
            crew = workers_of(tree.pid)
            if crew:
                kill(ground.chance.choice(crew), signal.SIGKILL)
                kills += 1
            time.sleep(0.25)
    first = {job_id: runs[0].started_at for job_id, runs in ground.runs().items()}
    rank = {job_id: QUEUES.index(ground.queue_of[job_id]) for job_id in first}
    # All were queued before the first began: a job that starts while a higher one still waits has jumped the queue.
    early = []
    for job_id, moment in first.items():
        ahead = [start - moment for other, start in first.items() if rank[other] < rank[job_id] and start > moment]
        if ahead:
            early.append(max(ahead))
    outcome = ground.outcome(
        "A17",
        "strict order under kills",
        kills=kills,
        **{"longest wait of a higher job": f"{max(early, default=0):.2f} s"},
    )
    # A job that a dead worker had taken and not begun goes back to the front, which takes a moment.
    assert max(early, default=0) < 1
    return outcome


def faults_in_a_tree(ground: Ground, points: list[str], *, target: str, in_master: bool = False) -> Outcome:
    """One of a real tree's processes dies at a named round trip: itself, its parent, or all.

    Args:
        in_master: whether the points are the master's own, so that it dies and not its workers.
    """
    struck = 0
    slowest = 0.0
    for number, point in enumerate(points):
        trail = ground.folder / f"struck-{number}"
        began = time.monotonic()
        ground.send(ledger_jobs.work, 0.05)
        ground.send(ledger_jobs.fail_midway)
        with ground.horizon(
            workers=1, ready=False, ALLEGRO_FAULT=f"{point}:KILL:{target}", FAULT_TRAIL=str(trail)
        ) as tree:
            eventually(trail.exists, within=20, explain=tree.said)
            struck += 1
            if target == "self" and not in_master:
                ground.wait_until_quiet(tree)
            else:
                with ground.horizon(workers=1) as healthy:
                    ground.wait_until_quiet(healthy)
        slowest = max(slowest, time.monotonic() - began)
    who = (
        "a master"
        if in_master
        else {"self": "a worker", "parent": "a worker's master", "group": "a whole tree"}[target]
    )
    return ground.outcome(
        "A1", f"{who} dies at named round trips", deaths=struck, **{"slowest to settle": f"{slowest:.1f} s"}
    )
