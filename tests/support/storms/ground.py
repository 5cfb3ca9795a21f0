"""What a storm happens on: a Redis server of its own, jobs that keep a ledger, trees of real processes, and what came of it."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connections
from django.test import override_settings
from redis import Redis

from allegro.dev.valkey import server_binary
from allegro_queue.connection import forget_client, new_client
from allegro_queue.dispatch import dispatch
from allegro_queue.errors import QueueUnavailable
from allegro_queue.jobs import JobOptions
from allegro_queue.stores import Stores, open_stores
from tests.support import ledger_jobs
from tests.support.accounts import Accounts, settle_accounts
from tests.support.eventually import eventually
from tests.support.ledger import Run, read_ledger
from tests.support.running import Running, running
from tests.support.server import start_server

QUEUES = ["high", "default", "audience-sync"]
SETTLED_WITHIN = 60.0
"""Seconds after the last fault within which every job must have ended."""


@dataclass(slots=True)
class Outcome:
    """One storm, for a report and for a test's assertions."""

    id: str
    what: str
    accounts: Accounts
    errors: int = 0
    """Calls to dispatch that raised."""
    figures: dict[str, Any] = field(default_factory=dict)


class Ground:
    """A server, what was sent to it, and what ran."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.socket = str(folder / "redis.sock")
        self.url = f"unix://{self.socket}"
        self.chance = random.Random(seed)
        self.server: subprocess.Popen[bytes] = start_server(server_binary(), folder, keep=True)
        self.redis: Redis = new_client()
        self.stores: Stores = open_stores(self.redis)
        self.ledger = folder / "ledger"
        self.acked: dict[str, float] = {}
        """When each acknowledged job was sent, by the clock that never jumps."""
        self.queue_of: dict[str, str] = {}
        self.errors = 0

    def start_server_again(self) -> None:
        self.server = start_server(server_binary(), self.folder, keep=True)

    def send(
        self, function: Callable[..., Any], *args: Any, options: JobOptions | None = None, queue: str = "default"
    ) -> str:
        """Dispatch a job that writes in the ledger; its id, empty when the call raised."""
        sent_at = time.monotonic()
        try:
            job_id = dispatch(function, str(self.ledger), *args, options=(options or JobOptions()).over(on(queue)))
        except QueueUnavailable:
            self.errors += 1
            return ""
        self.acked[str(job_id)] = sent_at
        self.queue_of[str(job_id)] = queue
        return str(job_id)

    def send_any(self) -> None:
        """Some job: on any queue, of any length up to 20 ms; every tenth in a process of its own."""
        options = JobOptions(isolate=True) if self.chance.random() < 0.1 else None
        self.send(
            ledger_jobs.work, round(self.chance.random() * 0.02, 4), options=options, queue=self.chance.choice(QUEUES)
        )

    @contextmanager
    def feeding(self, backlog: int = 60) -> Iterator[None]:
        """Keep so many jobs waiting, in a thread."""

        def feed() -> None:
            waiting = sum(self.stores.jobs.lengths(QUEUES).values())
            for _ in range(backlog - waiting):
                self.send_any()

        with repeating(feed, 0.02):
            yield

    @contextmanager
    def sending(self, per_second: float, queue: str | None = None) -> Iterator[None]:
        """Send jobs at a rate, in a thread."""
        step = self.send_any if queue is None else lambda: self.send(ledger_jobs.work, 0.005, queue=queue)
        with repeating(step, 1 / per_second):
            yield

    @contextmanager
    def horizon(self, workers: int = 4, *, ready: bool = True, **environment: str) -> Iterator[Running]:
        """A real tree, whose killed workers are replaced without a rest."""
        supervisor = {"queue": QUEUES, "min_processes": workers, "max_processes": workers, "timeout": 60}
        with running(
            "horizon",
            **{
                "DJANGO_SETTINGS_MODULE": "tests.support.stormy",
                "NO_COOL_DOWN": "1",
                "REDIS_URL": self.url,
                "TEST_SUPERVISORS": json.dumps({"one": supervisor}),
                "TEST_HORIZON": json.dumps({"schedule": []}),
                "LOG_LEVEL": "WARNING",
                **environment,
            },
        ) as tree:
            if ready:
                eventually(lambda: len(workers_of(tree.pid)) >= workers, within=30, explain=tree.said)
                eventually(lambda: len(self.alive()) >= workers, within=30, explain=tree.said)
            yield tree

    def alive(self, *states: str) -> list[int]:
        """Process ids of the workers that say that they live, in these states."""
        return [each.pid for each in self.stores.workers.living() if not states or each.state in states]

    def wait_until_quiet(self, tree: Running, within: float = SETTLED_WITHIN) -> float:
        """Wait until nothing waits, runs or rests; the seconds that it took."""
        began = time.monotonic()
        eventually(self.is_quiet, within=within, explain=lambda: tree.said()[-4000:])
        return time.monotonic() - began

    def is_quiet(self) -> bool:
        waits = any(self.stores.jobs.lengths(QUEUES).values()) or self.stores.reservations.all()
        return not waits and not any(self.redis.zcard(f"rq:scheduled:{queue}") for queue in QUEUES)

    def outcome(self, id: str, what: str, *, tries: int = 1, **figures: Any) -> Outcome:
        """The accounts, now."""
        accounts = settle_accounts(self.stores, list(self.acked), self.ledger, tries=tries)
        return Outcome(id, what, accounts, self.errors, figures)

    def runs(self) -> dict[str, list[Run]]:
        return read_ledger(self.ledger)

    def latencies(self) -> list[float]:
        """Seconds from each acknowledged call to the first line of its job."""
        runs = self.runs()
        return sorted(runs[job_id][0].started_at - sent for job_id, sent in self.acked.items() if runs.get(job_id))

    def longest_gap(self, queue: str | None = None) -> float:
        """The longest time in which no job (of a queue) started, between the first and the last."""
        starts = sorted(
            run.started_at for each in self.runs().values() for run in each if queue is None or run.queue == queue
        )
        return max((later - earlier for earlier, later in pairwise(starts)), default=0.0)


def on(queue: str) -> JobOptions:
    return JobOptions(queue=queue)


@contextmanager
def open_ground(folder: Path, seed: int = 7) -> Iterator[Ground]:
    """A fresh server that keeps its data, to which this process and its children dispatch for as long as the block lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    url = f"unix://{folder / 'redis.sock'}"
    queues = {name: {"URL": url, "SERIALIZER": config["SERIALIZER"]} for name, config in settings.RQ_QUEUES.items()}
    with override_settings(RQ_QUEUES=queues):
        forget_client()
        ground = Ground(folder, seed)
        try:
            yield ground
        finally:
            forget_client()
            ground.redis.close()
            # Also one that stands still.
            ground.server.kill()
            ground.server.wait()
            shutil.rmtree(folder / "appendonlydir", ignore_errors=True)


@contextmanager
def repeating(step: Callable[[], object], pause: float) -> Iterator[None]:
    """Do something again and again in a thread; what it raises is raised at the end."""
    over = threading.Event()
    raised: list[BaseException] = []

    def go() -> None:
        try:
            while not over.wait(pause):
                step()
        except BaseException as error:
            raised.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if raised:
        raise raised[0]


def children_of(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def title_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def workers_of(master: int) -> list[int]:
    """Process ids of a master's workers."""
    return [pid for pid in children_of(master) if title_of(pid).startswith("horizon worker")]


def is_gone(pid: int) -> bool:
    """Whether the process has ended, as far as it can be without its parent's look."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def kill(pid: int, number: signal.Signals, *, with_children: bool = False) -> None:
    """Signal a process, and with it those that it has started."""
    for each in [*(children_of(pid) if with_children else []), pid]:
        try:
            os.kill(each, number)
        except ProcessLookupError:
            continue


def percentile(values: Sequence[float], part: float) -> float:
    """Of sorted values; 0 when there are none."""
    return values[min(len(values) - 1, int(len(values) * part))] if values else 0.0


def median(values: Sequence[float]) -> float:
    return statistics.median(values) if values else 0.0
