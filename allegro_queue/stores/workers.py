"""What living workers say of themselves, and which died."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from redis import Redis

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.other_versions import known
from allegro_queue.stores.replies import Reply, text, texts
from allegro_queue.tellings import Telling, read_telling_if_any, verbatim

WORKER_LIFE = 30
"""Seconds that a worker counts as alive after its last beat (it beats each few seconds, also while a job runs)."""

SUPERVISED_LIFE = 15
"""Likewise, if it has a master: that reports it as well, and when it does not either, its host is gone."""

LOST_KEPT = 50
SETTLING_LIFE = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerRecord:
    """One worker process, now."""

    name: str
    host: str
    pid: int
    master: str
    """Name of its master; empty for a worker started by hand (``manage.py rqworker``)."""
    supervisor: str
    queues: tuple[str, ...]
    state: str
    """``starting``, ``idle``, ``busy``, ``paused`` or ``leaving``."""
    started_at: float
    beat_at: float
    done: int
    failed: int
    job_id: str = ""
    job_name: str = ""
    job_queue: str = ""
    job_started_at: float = 0.0
    job_timeout: int = 0
    memory_bytes: int = 0
    version: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LostWorker:
    """A worker that died without taking its leave, and the job that it held."""

    name: str
    host: str
    pid: int
    lost_at: float
    reason: str
    """In English: ``was killed by signal 9 (SIGKILL); was it out of memory?``"""
    job_id: str = ""
    job_name: str = ""
    outcome: str = ""
    """What became of its job: ``failed``, ``retried``, ``put back``; empty when it held none."""
    reason_said: Telling | None = None
    """The same as ``reason``, to be told in any language; ``None`` in records of versions that had English only."""

    @property
    def reason_telling(self) -> Telling:
        """How it died."""
        return self.reason_said or verbatim(self.reason.rstrip("."))


class WorkerStore:
    """Writes and reads worker records."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def write(self, record: WorkerRecord) -> None:
        """Beat: the record stays readable for ``WORKER_LIFE`` seconds, or ``SUPERVISED_LIFE``."""
        life = SUPERVISED_LIFE if record.master else WORKER_LIFE
        with self._client.pipeline() as pipeline:
            pipeline.set(self._keys.worker(record.name), json.dumps(asdict(record)), ex=life)
            pipeline.zadd(self._keys.workers, {record.name: record.beat_at})
            pipeline.execute()

    def remove(self, name: str) -> None:
        """The worker has left, or its death was settled."""
        with self._client.pipeline() as pipeline:
            pipeline.delete(self._keys.worker(name))
            pipeline.zrem(self._keys.workers, name)
            pipeline.execute()

    def living(self) -> list[WorkerRecord]:
        """Every worker whose record is still alive, by host and process id."""
        names = texts(self._client.zrange(self._keys.workers, 0, -1))
        if not names:
            return []
        found = self._client.mget([self._keys.worker(name) for name in names])
        gone = [name for name, written in zip(names, found, strict=True) if written is None]
        if gone:
            self._client.zrem(self._keys.workers, *gone)
        alive = (read_worker(written) for written in found if written is not None)
        return sorted(alive, key=lambda each: (each.host, each.pid))

    def get(self, name: str) -> WorkerRecord | None:
        """One worker's record while it lives."""
        written = self._client.get(self._keys.worker(name))
        return read_worker(written) if written is not None else None

    def begin_settling(self, worker: str, by: str) -> bool:
        """Whether this process may settle a dead worker; another one in the same moment may not.

        Args:
            by: who settles. What it could not end, since Redis went away, it may begin again.
        """
        key = self._keys.settling(worker)
        if self._client.set(key, by, nx=True, ex=SETTLING_LIFE):
            return True
        holder = self._client.get(key)
        return holder is not None and text(holder) == by

    def end_settling(self, worker: str) -> None:
        """The worker is settled."""
        self._client.delete(self._keys.settling(worker))

    def add_lost(self, lost: LostWorker) -> None:
        """Remember a death; the last ``LOST_KEPT`` are kept."""
        with self._client.pipeline() as pipeline:
            pipeline.lpush(self._keys.lost_workers, json.dumps(asdict(lost)))
            pipeline.ltrim(self._keys.lost_workers, 0, LOST_KEPT - 1)
            pipeline.execute()

    def lost(self, since: float) -> list[LostWorker]:
        """Workers that died since a Unix time, newest first."""
        found = [read_lost(each) for each in self._client.lrange(self._keys.lost_workers, 0, -1)]
        return [each for each in found if each.lost_at >= since]


def read_lost(written: Reply) -> LostWorker:
    """A death from its JSON, whichever version wrote it."""
    given = json.loads(written)
    said = read_telling_if_any(given.get("reason_said"), given.get("reason", ""))
    return LostWorker(**{**known(LostWorker, given), "reason_said": said})


def read_worker(written: Reply) -> WorkerRecord:
    """A record from its JSON, whichever version wrote it."""
    given = json.loads(written)
    return WorkerRecord(**{**known(WorkerRecord, given), "queues": tuple(given.get("queues", ()))})
