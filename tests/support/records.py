"""What living processes write about themselves, with defaults for all that a test does not care about."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from allegro_queue.stores import Stores
from allegro_queue.stores.entries import Account
from allegro_queue.stores.masters import MasterRecord, SupervisorRecord
from allegro_queue.stores.scheduler_record import SchedulerRecord
from allegro_queue.stores.workers import LostWorker, WorkerRecord
from allegro_queue.tellings import telling

QUEUES = ("high", "default", "audience-sync")

KILLED = telling("was killed by signal {number} ({name}); was it out of memory?", number=9, name="SIGKILL")


def supervisor(**given: Any) -> SupervisorRecord:
    """A supervisor that keeps one worker on the three queues."""
    return SupervisorRecord(
        **{
            "name": "supervisor-1",
            "status": "running",
            "queue": QUEUES,
            "balance": False,
            "wanted": 1,
            "workers": ("web-1-4121",),
            **given,
        }
    )


def master(now: float, **given: Any) -> MasterRecord:
    """A Horizon process that runs since an hour."""
    return MasterRecord(
        **{
            "name": "web-1-4102",
            "host": "web-1",
            "pid": 4102,
            "status": "running",
            "environment": "local",
            "notice": "",
            "version": "0.1.0",
            "started_at": now - 3600,
            "beat_at": now,
            "scheduler_pid": 4103,
            "supervisors": (supervisor(),),
            **given,
        }
    )


def worker(now: float, **given: Any) -> WorkerRecord:
    """An idle worker of that process."""
    return WorkerRecord(
        **{
            "name": "web-1-4121",
            "host": "web-1",
            "pid": 4121,
            "master": "web-1-4102",
            "supervisor": "supervisor-1",
            "queues": QUEUES,
            "state": "idle",
            "started_at": now - 1800,
            "beat_at": now,
            "done": 0,
            "failed": 0,
            **given,
        }
    )


def lost(now: float, **given: Any) -> LostWorker:
    """A worker that was killed a minute ago."""
    return LostWorker(
        **{
            "name": "web-1-4120",
            "host": "web-1",
            "pid": 4120,
            "lost_at": now - 60,
            "reason": KILLED.english,
            "reason_said": KILLED,
            **given,
        }
    )


def scheduler(now: float, **given: Any) -> SchedulerRecord:
    """The scheduler of that process."""
    return SchedulerRecord(
        **{
            "host": "web-1",
            "pid": 4103,
            "master": "web-1-4102",
            "started_at": now - 3600,
            "beat_at": now,
            **given,
        }
    )


def entry_run(stores: Stores, name: str, due_at: float, job_id: str) -> None:
    """An entry whose last time was queued a moment after it was due, as the scheduler leaves it."""
    last = asdict(Account(what="run", due_at=due_at, at=due_at + 0.2, job_id=job_id))
    stores.client.hset(stores.keys.entries, name, json.dumps({"last": last, "runs": 1}))
    stores.client.lpush(stores.keys.accounts(name), json.dumps(last))
