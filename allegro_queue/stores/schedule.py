"""What the scheduler says of itself, and what became of each cron entry's last run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from redis import Redis
from rq.defaults import RQ_KEY_PREFIX

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text

SCHEDULED = f"{RQ_KEY_PREFIX}:scheduler:scheduled_jobs"
"""rq-scheduler's sorted set: id by the Unix time in whole seconds at which it is due."""

SCHEDULER_LIFE = 30
"""Seconds that a scheduler counts as alive after its last beat (it beats each second)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SchedulerRecord:
    """The scheduler process, now."""

    host: str
    pid: int
    master: str
    """Name of its master; empty when started alone (``manage.py rqscheduler``)."""
    started_at: float
    beat_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class LastRun:
    """The last time an entry was due."""

    entry: str
    due_at: float
    enqueued_at: float
    job_id: str
    """Id of the job that was queued; empty when none was."""
    error: str = ""
    """Why nothing was queued; empty when all was well."""


class ScheduleStore:
    """Writes and reads the scheduler's record and the entries' last runs."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def beat(self, record: SchedulerRecord) -> None:
        """The record stays readable for ``SCHEDULER_LIFE`` seconds."""
        self._client.set(self._keys.scheduler, json.dumps(asdict(record)), ex=SCHEDULER_LIFE)

    def leave(self) -> None:
        """The scheduler has left."""
        self._client.delete(self._keys.scheduler)

    def scheduler(self) -> SchedulerRecord | None:
        """The living scheduler."""
        given = self._client.get(self._keys.scheduler)
        return SchedulerRecord(**json.loads(given)) if given is not None else None

    def next_times(self, ids: Sequence[str]) -> list[float | None]:
        """When each id is due, in the order asked; ``None`` for what is not scheduled."""
        return list(self._client.zmscore(SCHEDULED, list(ids))) if ids else []

    def note_run(self, run: LastRun) -> None:
        """Remember what became of an entry."""
        self._client.hset(self._keys.entries, run.entry, json.dumps(asdict(run)))

    def last_runs(self) -> dict[str, LastRun]:
        """The last run of each entry, by name."""
        found = self._client.hgetall(self._keys.entries)
        return {text(name): LastRun(**json.loads(given)) for name, given in found.items()}

    def forget_runs(self, entries: list[str]) -> None:
        """Drop what is known of entries that no longer exist."""
        if entries:
            self._client.hdel(self._keys.entries, *entries)
