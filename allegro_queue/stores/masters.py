"""What living masters and their supervisors say of themselves: records with a short life."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from redis import Redis

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import Reply, texts

MASTER_LIFE = 15
"""Seconds that a master counts as alive after its last beat (it beats each second)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SupervisorRecord:
    """One supervisor, now."""

    name: str
    status: str
    """``running``, ``paused`` or ``leaving``."""
    queue: tuple[str, ...]
    balance: bool
    wanted: int
    """Worker processes that it keeps."""
    workers: tuple[str, ...]
    """Names of its living workers."""
    trouble: str = ""
    """Why it cannot keep its workers alive, in words; empty when all is well."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MasterRecord:
    """One ``manage.py horizon`` process, now."""

    name: str
    host: str
    pid: int
    status: str
    """``running``, ``paused``, ``leaving``, or ``idle`` when the connection carries no jobs."""
    environment: str
    notice: str
    """Why it starts no worker; empty when it does."""
    version: str
    started_at: float
    beat_at: float
    scheduler_pid: int | None
    """Process id of its scheduler child; ``None`` when it has none now."""
    supervisors: tuple[SupervisorRecord, ...]


class MasterStore:
    """Writes and reads master records."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def write(self, record: MasterRecord) -> None:
        """Beat: the record stays readable for ``MASTER_LIFE`` seconds."""
        with self._client.pipeline() as pipeline:
            pipeline.set(self._keys.master(record.name), json.dumps(asdict(record)), ex=MASTER_LIFE)
            pipeline.zadd(self._keys.masters, {record.name: record.beat_at})
            pipeline.execute()

    def remove(self, name: str) -> None:
        """The master has left."""
        with self._client.pipeline() as pipeline:
            pipeline.delete(self._keys.master(name), self._keys.controls(name))
            pipeline.zrem(self._keys.masters, name)
            pipeline.execute()

    def living(self) -> list[MasterRecord]:
        """Every master whose record is still alive, by name. Names without a record are dropped from the index."""
        names = texts(self._client.zrange(self._keys.masters, 0, -1))
        if not names:
            return []
        found = self._client.mget([self._keys.master(name) for name in names])
        gone = [name for name, text in zip(names, found, strict=True) if text is None]
        if gone:
            self._client.zrem(self._keys.masters, *gone)
        return sorted((read_master(text) for text in found if text is not None), key=lambda each: each.name)


def read_master(text: Reply) -> MasterRecord:
    """A record from its JSON."""
    given = json.loads(text)
    supervisors = tuple(
        SupervisorRecord(**{**each, "queue": tuple(each["queue"]), "workers": tuple(each["workers"])})
        for each in given.pop("supervisors")
    )
    return MasterRecord(**given, supervisors=supervisors)
