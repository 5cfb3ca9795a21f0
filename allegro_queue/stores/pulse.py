"""How things stand at one moment: all that every page's frame needs, in two round trips, whatever the backlog.

The first of them, the glance, is enough to know whether anything has been done since an earlier one.

Only reads. (The other stores tidy their indexes when they are read; looking at a page must change nothing.)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis import Redis
from rq.registry import FailedJobRegistry, StartedJobRegistry
from rq.suspension import WORKERS_SUSPENDED

from allegro_queue.stores.job_records import unix_time
from allegro_queue.stores.jobs import job_key, queue_key
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.maintained import maintained_queues
from allegro_queue.stores.marks import ask_for_marks, in_one, living
from allegro_queue.stores.masters import MasterRecord, read_master
from allegro_queue.stores.pauses import ALL_QUEUES, Pause, read_pause
from allegro_queue.stores.replies import text
from allegro_queue.stores.scheduler_record import SchedulerRecord, read_scheduler
from allegro_queue.stores.workers import LostWorker, WorkerRecord, read_lost, read_worker

LOST_SHOWN_SECONDS = 15 * 60
"""How long a lost worker stays on the pages."""


@dataclass(frozen=True, kw_only=True, slots=True)
class QueuePulse:
    """One queue, now."""

    name: str
    waiting: int
    oldest_at: float | None
    """Unix time at which the job at the front was queued; ``None`` when none waits."""
    running: int
    failed: int
    """Failed jobs that are still listed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """How the server fares."""

    answer_seconds: float
    """From question to answer, the way included."""
    memory_bytes: int
    memory_limit: int
    """Bytes; 0 when there is no limit."""
    eviction_policy: str
    """What it does when the memory is full; empty when it does not say."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pulse:
    """Everything alive, paused or waiting, as it was at ``at``."""

    at: float
    queues: tuple[QueuePulse, ...]
    """In the order of priority."""
    masters: tuple[MasterRecord, ...] = ()
    workers: tuple[WorkerRecord, ...] = ()
    lost: tuple[LostWorker, ...] = ()
    """Workers that died in the last ``LOST_SHOWN_SECONDS``, newest first."""
    pauses: Mapping[str, Pause]
    suspended: bool = False
    """Whether RQ's own switch stops all workers (``rq suspend``)."""
    scheduler: SchedulerRecord | None = None
    last_snapshot_at: float | None = None
    alerts_firing: int | None = None
    """Alerts that fire and are not muted; ``None`` when nobody has said so lately, so that only the database knows."""
    load: Load | None = None
    """``None`` where nobody asked the server."""

    @property
    def waiting(self) -> int:
        return sum(queue.waiting for queue in self.queues)

    @property
    def failed(self) -> int:
        return sum(queue.failed for queue in self.queues)

    def is_paused(self, queue: str) -> bool:
        """Whether a queue hands out no job, for any of the three reasons."""
        return self.suspended or queue in self.pauses or ALL_QUEUES in self.pauses

    @property
    def in_maintenance(self) -> tuple[str, ...]:
        """Queues that do not run since the application is under maintenance."""
        return maintained_queues(self.masters, self.workers)

    def stands_still(self, queue: str) -> bool:
        """Whether a queue hands out no job on purpose: it is paused, or the application is under maintenance."""
        return self.is_paused(queue) or queue in self.in_maintenance

    def lacks_snapshot(self, too_old_from: Callable[[float], float]) -> bool:
        """Whether the newest snapshot is too old; before the first one, whether that should have come by now.

        Args:
            too_old_from: from when on the snapshot of a time is too old.
        """
        since = self.last_snapshot_at
        if since is None:
            since = min((each.started_at for each in self.masters), default=self.at)
        return self.at > too_old_from(since)

    def workers_of(self, queue: str) -> tuple[WorkerRecord, ...]:
        """Living workers that listen to a queue."""
        return tuple(worker for worker in self.workers if queue in worker.queues)


@dataclass(frozen=True, kw_only=True, slots=True)
class Glance:
    """What the first of a pulse's two round trips gives: names and numbers, and who has said something lately."""

    at: float
    queues: tuple[str, ...]
    masters: Sequence[tuple[Any, float]]
    """By name, with the time of the last beat."""
    workers: Sequence[tuple[Any, float]]
    lost: Sequence[Any]
    paused: Sequence[Any]
    suspended: bool
    scheduler: Any
    snapshot_at: Any
    firing: Any
    memory: Mapping[str, Any]
    counts: Sequence[Any]
    """Four for each queue: how many wait, the first of them, how many run, how many failed."""
    marks: Sequence[Any]
    """Empty unless they were asked for."""
    took: float
    """Seconds."""

    @property
    def mark(self) -> str:
        """Another one when anything was done meanwhile; only of one that was asked for."""
        return in_one(
            self.marks,
            (
                living(self.masters, self.at),
                living(self.workers, self.at),
                read_scheduler(self.scheduler).fence if self.scheduler else None,
                self.lost,
                self.paused,
                self.suspended,
                self.snapshot_at,
                self.firing,
                self.counts,
            ),
        )


class PulseStore:
    """Reads the pulse."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def read(self, queues: Sequence[str], now: float) -> Pulse:
        """The pulse of these queues and of all processes."""
        return self.after(self.glance(queues, now))

    def glance(self, queues: Sequence[str], now: float, *, marked: bool = False) -> Glance:
        """The first half of it; with its mark, where somebody has an earlier one."""
        keys = self._keys
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.zrange(keys.masters, 0, -1, withscores=True)
            pipeline.zrange(keys.workers, 0, -1, withscores=True)
            pipeline.lrange(keys.lost_workers, 0, -1)
            pipeline.hvals(keys.paused)
            pipeline.exists(WORKERS_SUSPENDED)
            pipeline.get(keys.scheduler)
            pipeline.get(keys.last_snapshot)
            pipeline.get(keys.alerts_firing)
            pipeline.info("memory")
            for queue in queues:
                pipeline.llen(queue_key(queue))
                pipeline.lindex(queue_key(queue), 0)
                pipeline.zcard(StartedJobRegistry.key_template.format(queue))
                pipeline.zcard(FailedJobRegistry.key_template.format(queue))
            if marked:
                ask_for_marks(pipeline, keys, queues)
            asked = time.monotonic()
            masters, workers, lost, paused, suspended, scheduler, snapshot_at, firing, memory, *rest = (
                pipeline.execute()
            )
            took = time.monotonic() - asked
        return Glance(
            at=now,
            queues=tuple(queues),
            masters=masters,
            workers=workers,
            lost=lost,
            paused=paused,
            suspended=bool(suspended),
            scheduler=scheduler,
            snapshot_at=snapshot_at,
            firing=firing,
            memory=memory,
            counts=rest[: 4 * len(queues)],
            marks=rest[4 * len(queues) :],
            took=took,
        )

    def after(self, seen: Glance) -> Pulse:
        """The pulse that begins with this glance."""
        keys, now, counts = self._keys, seen.at, seen.counts
        with self._client.pipeline(transaction=False) as pipeline:
            # MGET needs a key; an empty index asks for one that never exists.
            pipeline.mget([keys.master(text(name)) for name, _ in seen.masters] or [keys.master("")])
            pipeline.mget([keys.worker(text(name)) for name, _ in seen.workers] or [keys.worker("")])
            for front in counts[1::4]:
                pipeline.hget(job_key(text(front) if front else "-"), "enqueued_at")
            asked = time.monotonic()
            master_texts, worker_texts, *times = pipeline.execute()
            # The better of two looks: one slow answer may be this host's own doing.
            took = min(seen.took, time.monotonic() - asked)
        deaths = (read_lost(each) for each in seen.lost)
        pauses = (read_pause(each) for each in seen.paused)
        return Pulse(
            at=now,
            queues=tuple(
                QueuePulse(
                    name=name,
                    waiting=counts[4 * place],
                    oldest_at=unix_time(times[place]),
                    running=counts[4 * place + 2],
                    failed=counts[4 * place + 3],
                )
                for place, name in enumerate(seen.queues)
            ),
            masters=tuple(sorted((read_master(each) for each in master_texts if each), key=lambda master: master.name)),
            workers=tuple(
                sorted(
                    (read_worker(each) for each in worker_texts if each),
                    key=lambda worker: (worker.host, worker.pid),
                )
            ),
            lost=tuple(each for each in deaths if each.lost_at >= now - LOST_SHOWN_SECONDS),
            pauses={each.queue: each for each in pauses if each.until is None or each.until > now},
            suspended=seen.suspended,
            scheduler=read_scheduler(seen.scheduler) if seen.scheduler else None,
            last_snapshot_at=float(seen.snapshot_at) if seen.snapshot_at else None,
            alerts_firing=int(seen.firing) if seen.firing is not None else None,
            load=Load(
                answer_seconds=took,
                memory_bytes=int(seen.memory.get("used_memory", 0)),
                memory_limit=int(seen.memory.get("maxmemory", 0)),
                eviction_policy=str(seen.memory.get("maxmemory_policy", "")),
            ),
        )
