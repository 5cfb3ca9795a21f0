"""What living masters and their supervisors say of themselves: records with a short life."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from redis import Redis

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.other_versions import known
from allegro_queue.stores.replies import Reply, texts
from allegro_queue.supervisor_options import Balance
from allegro_queue.tellings import Telling, read_telling_if_any, verbatim

MASTER_LIFE = 15
"""Seconds that a master counts as alive after its last beat (it beats each second)."""

HOUSEKEEPER_LIFE = 10
"""Seconds after which another master does what is done once for all."""

LEFT_KEPT = 3600
"""Seconds that it is remembered of a master that it took its leave."""

LEAD = """
-- Be the one, or stay it. KEYS: who is. ARGV: the asking master, its life.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""

STEP_DOWN = """
-- KEYS: who is the one. ARGV: the leaving master.
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""

CLAIM = """
-- Write a master's first record if its name is as free as it was when it was looked at.
-- KEYS: record, index of masters. ARGV: the record that was found or '', the new one, its life, the name, the beat.
local found = redis.call('GET', KEYS[1])
if (found or '') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4])
return 1
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolRecord:
    """The workers that share a list of queues, now."""

    queue: tuple[str, ...]
    wanted: int
    workers: int
    """Living workers of the pool."""
    explanation: str = ""
    """Why it last grew or shrank, in English."""
    explanation_said: Telling | None = None
    """The same, to be told in any language; ``None`` in records of versions that had English only."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SupervisorRecord:
    """One supervisor, now."""

    name: str
    status: str
    """``running``, ``paused`` or ``leaving``."""
    queue: tuple[str, ...]
    balance: Balance
    wanted: int
    """Worker processes that it keeps now."""
    workers: tuple[str, ...]
    """Names of its living workers that are to stay."""
    leaving: tuple[str, ...] = ()
    """Names of those that were told to leave and still finish a job."""
    trouble: str = ""
    """Why it cannot keep its workers alive, in English; empty when all is well."""
    trouble_said: Telling | None = None
    """The same, to be told in any language; ``None`` in records of versions that had English only."""
    min_processes: int = 1
    """Worker processes that it keeps at the least; with ``balance``, for each queue."""
    max_processes: int = 0
    """Worker processes at the most; 0 in records of versions that always kept as many as are wanted."""
    explanation: str = ""
    """Why it last grew or shrank, in English: ``grew 1 → 4: 312 waiting``."""
    explanation_said: Telling | None = None
    """The same, to be told in any language; ``None`` in records of versions that had English only."""
    scaled_at: float = 0.0
    """When that was, as Unix time; 0 when it has not happened yet."""
    maintenance: bool = False
    """Whether it stands still since the application is under maintenance, whatever its status is; never in records of
    versions that did not ask."""
    pause_by: str = ""
    """Who paused this supervisor by name; empty when nobody did."""
    pause_reason: str = ""
    pause_until: float | None = None
    """Unix time at which it goes on by itself; ``None``: when told to."""
    pools: tuple[PoolRecord, ...] = ()
    """One, or with ``balance`` one a queue."""

    @property
    def stands_still(self) -> bool:
        """Whether its workers take no job on purpose."""
        return self.status == "paused" or self.maintenance

    @property
    def explanation_telling(self) -> Telling:
        """Why it last grew or shrank."""
        return self.explanation_said or verbatim(self.explanation)

    @property
    def trouble_telling(self) -> Telling:
        """Why it cannot keep its workers alive."""
        return self.trouble_said or verbatim(self.trouble.rstrip("."))


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
    """Why it starts no worker, in English; empty when it does."""
    version: str
    started_at: float
    beat_at: float
    scheduler_pid: int | None
    """Process id of its scheduler child; ``None`` when it has none now."""
    supervisors: tuple[SupervisorRecord, ...]
    notice_said: Telling | None = None
    """The same as ``notice``, to be told in any language."""
    maintenance_silent_since: float | None = None
    """Unix time of the last answer of ``HORIZON["maintenance"]`` when that is too old to be relied on; ``None`` while
    all is well."""

    @property
    def stands_still(self) -> bool:
        """Whether all of its workers take no job on purpose."""
        return self.status == "paused" or self._all_supervisors(lambda each: each.stands_still)

    @property
    def is_in_maintenance(self) -> bool:
        """Whether all of its supervisors stand still since the application is under maintenance."""
        return self._all_supervisors(lambda each: each.maintenance)

    def _all_supervisors(self, fits: Callable[[SupervisorRecord], bool]) -> bool:
        return bool(self.supervisors) and all(fits(each) for each in self.supervisors)

    @property
    def notice_telling(self) -> Telling:
        """Why it starts no worker."""
        return self.notice_said or verbatim(self.notice)


class MasterStore:
    """Writes and reads master records."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._claim = client.register_script(CLAIM)
        self._lead = client.register_script(LEAD)
        self._step_down = client.register_script(STEP_DOWN)

    def claim(self, record: MasterRecord, is_gone: Callable[[MasterRecord], bool]) -> MasterRecord | None:
        """Write a master's first record, unless another one has the name; that one, if so.

        Of two that start in the same moment, one gets the name.

        Args:
            is_gone: whether the master that a record speaks of has ended, although the record still lives.
        """
        keys = [self._keys.master(record.name), self._keys.masters]
        while True:
            found = self._client.get(keys[0])
            if found is not None and not is_gone(holder := read_master(found)):
                return holder
            if self._claim(
                keys=keys, args=[found or "", json.dumps(asdict(record)), MASTER_LIFE, record.name, record.beat_at]
            ):
                return None

    def write(self, record: MasterRecord) -> None:
        """Beat: the record stays readable for ``MASTER_LIFE`` seconds."""
        with self._client.pipeline() as pipeline:
            pipeline.set(self._keys.master(record.name), json.dumps(asdict(record)), ex=MASTER_LIFE)
            pipeline.zadd(self._keys.masters, {record.name: record.beat_at})
            pipeline.execute()

    def lead(self, name: str) -> bool:
        """Whether this master is the one that keeps house for all, from now until ``HOUSEKEEPER_LIFE`` seconds on."""
        return bool(self._lead(keys=[self._keys.housekeeper], args=[name, HOUSEKEEPER_LIFE]))

    def remove(self, name: str) -> None:
        """The master has left."""
        self._step_down(keys=[self._keys.housekeeper], args=[name])
        with self._client.pipeline() as pipeline:
            pipeline.delete(self._keys.master(name), self._keys.controls(name))
            pipeline.zrem(self._keys.masters, name)
            pipeline.execute()
        # Apart, since a server that is full refuses it, and the name must be free all the same.
        now = time.time()
        with self._client.pipeline() as pipeline:
            pipeline.zadd(self._keys.left, {name: now})
            pipeline.zremrangebyscore(self._keys.left, "-inf", now - LEFT_KEPT)
            pipeline.expire(self._keys.left, LEFT_KEPT)
            pipeline.execute()

    def left(self) -> frozenset[str]:
        """Names of masters that have taken their leave within the last hour: who else is gone is lost."""
        return frozenset(texts(self._client.zrange(self._keys.left, 0, -1)))

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
    """A record from its JSON, whichever version wrote it."""
    given = json.loads(text)
    return MasterRecord(
        **{
            **known(MasterRecord, given),
            "supervisors": tuple(read_supervisor(each) for each in given.get("supervisors", ())),
            "notice_said": read_telling_if_any(given.get("notice_said"), given.get("notice", "")),
        }
    )


def read_supervisor(given: Mapping[str, Any]) -> SupervisorRecord:
    pools = tuple(read_pool(each) for each in given.get("pools", ()))
    return SupervisorRecord(
        **{
            **known(SupervisorRecord, given),
            "queue": tuple(given.get("queue", ())),
            "workers": tuple(given.get("workers", ())),
            "leaving": tuple(given.get("leaving", ())),
            "pools": pools,
            "trouble_said": read_telling_if_any(given.get("trouble_said"), given.get("trouble", "")),
            "explanation_said": read_telling_if_any(given.get("explanation_said"), given.get("explanation", "")),
        }
    )


def read_pool(given: Mapping[str, Any]) -> PoolRecord:
    return PoolRecord(
        **{
            **known(PoolRecord, given),
            "queue": tuple(given.get("queue", ())),
            "explanation_said": read_telling_if_any(given.get("explanation_said"), given.get("explanation", "")),
        }
    )
