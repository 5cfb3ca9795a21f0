"""Storms of a Redis server that goes away, stands still, refuses, or whose replies are lost."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import override_settings

from allegro_queue.connection import client
from allegro_queue.jobs import JobOptions
from allegro_queue.scheduling.install import install
from allegro_queue.scheduling.loop import SchedulerLoop
from tests.support import ledger_jobs
from tests.support.eventually import eventually
from tests.support.forked import Forked, ForkedWorker
from tests.support.proxy import Proxy, proxy_to
from tests.support.running import Running, running
from tests.support.runs import run_records
from tests.support.schedule import entry, scheduler_over
from tests.support.storms.ground import QUEUES, Ground, Outcome, children_of, workers_of


@contextmanager
def watched_tree(ground: Ground, figures: dict[str, Any], *, per_second: float = 50) -> Iterator[Running]:
    """A tree at work, of which no process may end and which must be quiet in the end, and what it took for that."""
    with ground.horizon(workers=3) as tree:
        crew = set(workers_of(tree.pid))
        with ground.sending(per_second):
            eventually(lambda: len(ground.acked) > 20, explain=tree.said)
            yield tree
            over = time.monotonic()
            eventually(lambda: started_after(ground, over), within=30, explain=tree.said)
            figures["works again after"] = f"{started_after(ground, over) - over:.1f} s"
        figures["settled after"] = f"{ground.wait_until_quiet(tree):.1f} s"
        figures["exits"] = len(crew - set(workers_of(tree.pid)))
        assert not tree.has_ended()
        figures["longest gap"] = f"{ground.longest_gap():.1f} s"
        assert figures["exits"] == 0


def started_after(ground: Ground, moment: float) -> float:
    """When the first job started after a moment; 0 when none has."""
    starts = [run.started_at for each in ground.runs().values() for run in each if run.started_at > moment]
    return min(starts, default=0.0)


def killed_server(ground: Ground, *, times: int, down: float, every: float, fsync: str) -> Outcome:
    """The server is killed and started again."""
    figures: dict[str, Any] = {}
    ground.redis.config_set("appendfsync", fsync)
    with watched_tree(ground, figures):
        for round in range(times):
            if round:
                time.sleep(every)
            ground.server.send_signal(signal.SIGKILL)
            ground.server.wait()
            time.sleep(down)
            ground.start_server_again()
            ground.redis.config_set("appendfsync", fsync)
    return ground.outcome("B1", f"server killed {times} times for {down:.0f} s, appendfsync {fsync}", **figures)


def stopped_server(ground: Ground, *, seconds: float) -> Outcome:
    """The server stands still."""
    figures: dict[str, Any] = {}
    with watched_tree(ground, figures):
        ground.server.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        ground.server.send_signal(signal.SIGCONT)
    return ground.outcome("B2", f"server stopped for {seconds:.0f} s", **figures)


def paused_clients(ground: Ground, *, seconds: float) -> Outcome:
    """The server answers reads and lets writes wait."""
    figures: dict[str, Any] = {}
    with watched_tree(ground, figures):
        ground.redis.client_pause(int(seconds * 1000), all=False)
        time.sleep(seconds)
    return ground.outcome("B3", f"CLIENT PAUSE {seconds:.0f} s WRITE", **figures)


@contextmanager
def through(ground: Ground) -> Iterator[Proxy]:
    """A proxy before the server, for processes that are forked within the block. What this process reads stays direct."""
    with proxy_to(ground.socket) as proxy:
        queues = {
            name: {"HOST": "127.0.0.1", "PORT": proxy.port, "DB": 0, "SERIALIZER": config["SERIALIZER"]}
            for name, config in settings.RQ_QUEUES.items()
        }
        with override_settings(RQ_QUEUES=queues):
            yield proxy


WRITES = (b"EVALSHA", b"EXEC", b"HSET", b"SET", b"ZADD", b"XADD", b"HINCRBY", b"SADD", b"DEL", b"EXPIRE")


def lost_replies(ground: Ground, *, words: tuple[bytes, ...] = WRITES, times: tuple[int, ...] = (1, 3)) -> Outcome:
    """The reply to each write of a worker in turn is lost, once and three times in a row."""
    lost = 0
    for word in words:
        for count in times:
            nth = 0
            while True:
                nth += 1
                before = len(ground.acked)
                send_one_of_each(ground)
                with through(ground) as proxy:
                    proxy.lose_reply(word, nth=nth, times=count)
                    worker = ForkedWorker()
                    ending = worker.ending()
                assert ending == "left", (word, nth, ending)
                assert ground.is_quiet(), (word, nth)
                assert len(ground.acked) - before == 4
                lost += proxy.lost
                if not proxy.lost:
                    break
    runs = sum(len(each) for each in ground.runs().values())
    records = run_records(ground.redis)
    assert len(records) == len({each.execution_id for each in records}) == runs, (len(records), runs)
    outcome = ground.outcome("B4", "replies lost, of each write in turn", tries=2, **{"replies lost": lost})
    assert runs == len(ground.acked) + len(ground.acked) // 4
    return outcome


def send_one_of_each(ground: Ground) -> None:
    """A job that succeeds, one that fails, one that fails twice, and one with terms."""
    ground.send(ledger_jobs.work)
    ground.send(ledger_jobs.fail_midway)
    ground.send(ledger_jobs.fail_midway, options=JobOptions(tries=2))
    ground.send(ledger_jobs.work, options=JobOptions(without_overlapping=True, unique=True))


def lost_replies_of_a_scheduler(ground: Ground) -> Outcome:
    """The reply to each command of a scheduler in turn is lost: every run is queued once."""
    lost = 0
    for number in range(1, 40):
        due = entry(f"tick-{number}", job="tests.support.jobs.nothing")
        install([due], scheduler_over(ground.redis), time.time() - 3600)

        def look() -> None:
            SchedulerLoop(scheduler_over(client())).run(burst=True)

        with through(ground) as proxy:
            proxy.lose_reply(b"\r\n", nth=number)
            assert Forked(look).ending() == "left"
            if not proxy.lost:
                break
            lost += proxy.lost
            assert Forked(look).ending() == "left"
        assert ground.redis.llen("rq:queue:default") == number
    assert lost > 3
    return ground.outcome("B4", "replies lost, of each command of a scheduler in turn", **{"replies lost": lost})


def cut_off_worker(ground: Ground, *, seconds: float) -> Outcome:
    """One of two workers is cut off from the server without a word, while jobs go on coming."""
    with ExitStack() as stack:
        proxy = stack.enter_context(proxy_to(ground.socket))
        tree = stack.enter_context(ground.horizon(workers=1))
        lone = stack.enter_context(
            running("rqworker", *QUEUES, REDIS_URL=f"redis://127.0.0.1:{proxy.port}/0", LOG_LEVEL="WARNING")
        )
        eventually(lambda: len(ground.alive()) == 2, within=20, explain=lone.said)
        with ground.sending(50):
            time.sleep(1)
            proxy.swallow()
            cut = time.monotonic()
            time.sleep(seconds)
            went_on = started_after(ground, cut + seconds / 2)
            proxy.mend()
            time.sleep(min(seconds, 2))
        settled = ground.wait_until_quiet(tree)
        assert went_on
        assert not lone.has_ended()
    return ground.outcome(
        "B5", f"one of two workers cut off for {seconds:.0f} s", **{"settled after": f"{settled:.1f} s"}
    )


def reset_connections(ground: Ground, *, seconds: float, every: float = 2.0) -> Outcome:
    """Every connection is reset again and again, with what is on its way."""
    resets = 0
    with ExitStack() as stack:
        proxy = stack.enter_context(proxy_to(ground.socket))
        tree = stack.enter_context(ground.horizon(workers=3, REDIS_URL=f"redis://127.0.0.1:{proxy.port}/0"))
        crew = set(workers_of(tree.pid))
        with ground.sending(50):
            until = time.monotonic() + seconds
            while time.monotonic() < until:
                time.sleep(every)
                proxy.reset()
                resets += 1
        settled = ground.wait_until_quiet(tree)
        exits = len(crew - set(workers_of(tree.pid)))
        assert exits == 0, tree.said()
    return ground.outcome(
        "B6", f"all connections reset each {every:.1f} s", resets=resets, exits=exits,
        **{"settled after": f"{settled:.1f} s"},
    )  # fmt: skip


def refusals(ground: Ground, id: str, what: str, refusing: Callable[[Ground], Any], *, seconds: float) -> Outcome:
    """The server answers, and refuses to write."""
    figures: dict[str, Any] = {}
    with watched_tree(ground, figures):
        before = ground.errors
        with refusing(ground):
            time.sleep(seconds)
        figures["calls refused in words"] = ground.errors - before
    return ground.outcome(id, what, **figures)


@contextmanager
def out_of_memory(ground: Ground) -> Iterator[None]:
    ground.redis.config_set("maxmemory-policy", "noeviction")
    ground.redis.config_set("maxmemory", int(ground.redis.info("memory")["used_memory"] * 0.9))
    yield
    ground.redis.config_set("maxmemory", 0)


@contextmanager
def too_few_replicas(ground: Ground) -> Iterator[None]:
    ground.redis.config_set("min-replicas-to-write", 5)
    yield
    ground.redis.config_set("min-replicas-to-write", 0)


@contextmanager
def disk_that_fails(ground: Ground) -> Iterator[None]:
    """A folder stands where the server wants to put its file."""
    place: Path = ground.folder / "dump.rdb"
    (place / "in the way").mkdir(parents=True)
    ground.redis.config_set("save", "3600 1")
    ground.redis.bgsave()
    eventually(lambda: ground.redis.info("persistence")["rdb_last_bgsave_status"] == "err")
    yield
    shutil.rmtree(place)
    ground.redis.config_set("stop-writes-on-bgsave-error", "no")


def late_server(ground: Ground, *, seconds: float) -> Outcome:
    """There is no server when the tree starts."""
    ground.send(ledger_jobs.work)
    ground.server.kill()
    ground.server.wait()
    with ground.horizon(workers=2, ready=False) as tree:
        # A worker that waits for the server has no name yet; three more are scheduler, collector, and who keeps alerts.
        eventually(lambda: len(children_of(tree.pid)) == 5, within=20, explain=tree.said)
        crew = set(children_of(tree.pid))
        time.sleep(seconds)
        ground.start_server_again()
        up = time.monotonic()
        # A worker asks again after 5 s at most; so it is whether the server came in time.
        eventually(lambda: len(ground.runs()) == 1, within=10, explain=tree.said)
        took = time.monotonic() - up
        ground.wait_until_quiet(tree)
        exits = len(crew - set(children_of(tree.pid)))
    assert exits == 0
    return ground.outcome(
        "B14", f"no server for the first {seconds:.0f} s", exits=exits, **{"first job after": f"{took:.1f} s"}
    )


def another_connection(ground: Ground) -> Outcome:
    """The setting names another backend than Redis: no worker is started, and jobs wait."""
    ids = [ground.send(ledger_jobs.work) for _ in range(5)]
    with ground.horizon(workers=1, ready=False, QUEUE_CONNECTION="sync") as tree:
        eventually(ground.stores.masters.living, within=20, explain=tree.said)
        time.sleep(1)
        assert workers_of(tree.pid) == []
    assert ground.stores.jobs.lengths(["default"]) == {"default": len(ids)}
    with ground.horizon(workers=1) as tree:
        ground.wait_until_quiet(tree)
    return ground.outcome("B15", "QUEUE_CONNECTION is not redis, then it is", **{"jobs that waited": len(ids)})
