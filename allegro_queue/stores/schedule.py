"""The schedule in Redis: what is due when, what the scheduler says of itself, and what became of each entry's last run.

What is scheduled stays where rq-scheduler keeps it: one sorted set of ids by due time, and an ordinary job hash per id.
Every step that queues a job is one script. It first looks whether the job is still due, so of two schedulers only one
takes it, and a scheduler that is killed at any point has either done all of the step or nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from redis import Redis
from rq.defaults import RQ_KEY_PREFIX
from rq.queue import Queue
from rq.registry import ScheduledJobRegistry

from allegro_queue.stores.jobs import job_key, queue_key
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text, texts

SCHEDULED = f"{RQ_KEY_PREFIX}:scheduler:scheduled_jobs"
"""rq-scheduler's sorted set: id by the Unix time in seconds at which it is due."""

SCHEDULER_LIFE = 30
"""Seconds that a scheduler counts as alive after its last beat (it beats each second)."""

RUN = """
-- One run of an entry: set its next time and queue a job of its own.
-- KEYS: scheduled, entry's hash, job's hash, queue, set of queues, last runs.
-- ARGV: entry id, due, next time ('' when this was the last), entry's new meta ('' to leave it), job id,
--       life of the waiting job in seconds ('' for ever), 1 to queue it in front, name, last run, fields of the job.
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not due or tonumber(due) ~= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[3], unpack(ARGV, 10))
if ARGV[6] ~= '' then redis.call('EXPIRE', KEYS[3], ARGV[6]) end
redis.call('SADD', KEYS[5], KEYS[4])
redis.call(ARGV[7] == '1' and 'LPUSH' or 'RPUSH', KEYS[4], ARGV[5])
redis.call('HSET', KEYS[6], ARGV[8], ARGV[9])
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], 'meta', ARGV[4]) end
if ARGV[3] ~= '' then
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('DEL', KEYS[2])
end
return 1
"""

POSTPONE = """
-- An entry that cannot be run: note why, and set its next try. KEYS: scheduled, last runs.
-- ARGV: entry id, due, next try, name, last run.
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not due or tonumber(due) ~= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[2], ARGV[4], ARGV[5])
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return 1
"""

MOVE = """
-- A job that waits for its own time goes to its queue. KEYS: scheduled, job's hash, queue, set of queues.
-- ARGV: job id, now, queued at, timeout in seconds for a job that has none, 1 to queue it in front.
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not due or tonumber(due) > tonumber(ARGV[2]) then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
local job = redis.call('HMGET', KEYS[2], 'data', 'status', 'ttl')
if not job[1] or job[2] == 'canceled' then return 0 end
redis.call('HSETNX', KEYS[2], 'timeout', ARGV[4])
redis.call('HSET', KEYS[2], 'status', 'queued', 'enqueued_at', ARGV[3])
local ttl = tonumber(job[3] or '')
if ttl and ttl > 0 then redis.call('EXPIRE', KEYS[2], ttl) end
redis.call('SADD', KEYS[4], KEYS[3])
redis.call(ARGV[5] == '1' and 'LPUSH' or 'RPUSH', KEYS[3], ARGV[1])
return 1
"""


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


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """One id whose time has come."""

    id: str
    due_at: float
    fields: Mapping[bytes, bytes]
    """Its job hash as RQ wrote it; empty when it is gone."""

    def field(self, name: str) -> str:
        """One field as text; empty when it is not there."""
        return text(self.fields.get(name.encode(), b""))


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """The job that one run of an entry becomes."""

    job_id: str
    queue: str
    fields: Mapping[str, Any]
    """Its hash, as RQ writes it."""
    ttl: int | None
    """Seconds that it may wait in its queue; ``None`` for ever."""
    at_front: bool


class ScheduleStore:
    """Reads what is due, queues it, and keeps the scheduler's record and the entries' last runs."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._run = client.register_script(RUN)
        self._postpone = client.register_script(POSTPONE)
        self._move = client.register_script(MOVE)

    def due(self, now: float, limit: int, queue: str | None = None) -> list[Due]:
        """What rq-scheduler's set (or a queue's own registry of scheduled jobs) has due, longest overdue first."""
        found: list[Any] = self._client.zrangebyscore(
            scheduled_key(queue), "-inf", now, start=0, num=limit, withscores=True
        )
        with self._client.pipeline(transaction=False) as pipeline:
            for job_id, _ in found:
                pipeline.hgetall(job_key(text(job_id)))
            hashes = pipeline.execute()
        return [
            Due(id=text(job_id), due_at=due_at, fields=fields)
            for (job_id, due_at), fields in zip(found, hashes, strict=True)
        ]

    def due_at(self, scheduled_id: str) -> float | None:
        """When one id is due; ``None`` when it is not scheduled."""
        return self._client.zscore(SCHEDULED, scheduled_id)

    def run(self, due: Due, run: Run, *, next_at: float | None, meta: bytes | None, last: LastRun) -> bool:
        """Queue one run and set the next time. False when somebody else did.

        Args:
            next_at: ``None`` when this was the last run; the entry is deleted then.
            meta: what the entry's own ``meta`` becomes; ``None`` leaves it.
        """
        fields = [part for pair in run.fields.items() for part in pair]
        done = self._run(
            keys=[
                SCHEDULED,
                job_key(due.id),
                job_key(run.job_id),
                queue_key(run.queue),
                Queue.redis_queues_keys,
                self._keys.entries,
            ],
            args=[
                due.id,
                repr(due.due_at),
                "" if next_at is None else repr(next_at),
                "" if meta is None else meta,
                run.job_id,
                "" if run.ttl is None else run.ttl,
                int(run.at_front),
                last.entry,
                json.dumps(asdict(last)),
                *fields,
            ],
        )
        return bool(done)

    def postpone(self, due: Due, *, next_at: float, last: LastRun) -> bool:
        """Note why an entry could not be run, and set its next try. False when somebody else settled it."""
        done = self._postpone(
            keys=[SCHEDULED, self._keys.entries],
            args=[due.id, repr(due.due_at), repr(next_at), last.entry, json.dumps(asdict(last))],
        )
        return bool(done)

    def move(
        self,
        job_id: str,
        queue: str,
        *,
        now: float,
        queued_at: str,
        timeout: int,
        in_front: bool,
        registry: str | None = None,
    ) -> bool:
        """Put a job whose own time has come on its queue. False when it is gone, cancelled, or somebody else did.

        Args:
            queued_at: the time in RQ's own format.
            timeout: seconds, for a job that says nothing itself.
            registry: name of the queue in whose registry of scheduled jobs it waits; rq-scheduler's set if ``None``.
        """
        done = self._move(
            keys=[scheduled_key(registry), job_key(job_id), queue_key(queue), Queue.redis_queues_keys],
            args=[job_id, repr(now), queued_at, timeout, int(in_front)],
        )
        return bool(done)

    def fields(self, ids: Sequence[str]) -> dict[str, Mapping[bytes, bytes]]:
        """The job hashes of these ids; empty for those that are gone."""
        with self._client.pipeline(transaction=False) as pipeline:
            for each in ids:
                pipeline.hgetall(job_key(each))
            return dict(zip(ids, pipeline.execute(), strict=True))

    def put(self, scheduled_id: str, fields: dict[Any, Any], due_at: float, *, keep_time: bool) -> None:
        """Write an entry. With ``keep_time``, one that is scheduled already keeps its next time."""
        with self._client.pipeline() as pipeline:
            pipeline.delete(job_key(scheduled_id))
            pipeline.hset(job_key(scheduled_id), mapping=fields)
            pipeline.zadd(SCHEDULED, {scheduled_id: due_at}, nx=keep_time)
            pipeline.execute()

    def remove(self, ids: Sequence[str]) -> None:
        """Take entries out of the schedule, with their data. Jobs that they have queued stay."""
        if ids:
            with self._client.pipeline() as pipeline:
                pipeline.zrem(SCHEDULED, *ids)
                pipeline.delete(*[job_key(each) for each in ids])
                pipeline.execute()

    def holds_any(self) -> bool:
        """Whether anything is scheduled."""
        return bool(self._client.exists(SCHEDULED))

    def scheduled_ids(self) -> list[str]:
        """Every id in rq-scheduler's set, next one first."""
        return texts(self._client.zrange(SCHEDULED, 0, -1))

    def next_times(self, ids: Sequence[str]) -> list[float | None]:
        """When each id is due, in the order asked; ``None`` for what is not scheduled."""
        return list(self._client.zmscore(SCHEDULED, list(ids))) if ids else []

    def beat(self, record: SchedulerRecord) -> None:
        """The record stays readable for ``SCHEDULER_LIFE`` seconds."""
        self._client.set(self._keys.scheduler, json.dumps(asdict(record)), ex=SCHEDULER_LIFE)

    def leave(self) -> None:
        """The scheduler has left. Another one, if there is, writes its own record within a second."""
        self._client.delete(self._keys.scheduler)

    def scheduler(self) -> SchedulerRecord | None:
        """The living scheduler."""
        given = self._client.get(self._keys.scheduler)
        return SchedulerRecord(**json.loads(given)) if given is not None else None

    def note_run(self, run: LastRun) -> None:
        """Remember what became of an entry."""
        self._client.hset(self._keys.entries, run.entry, json.dumps(asdict(run)))

    def last_runs(self) -> dict[str, LastRun]:
        """The last run of each entry, by name."""
        found = self._client.hgetall(self._keys.entries)
        return {text(name): LastRun(**json.loads(given)) for name, given in found.items()}

    def forget_runs(self, entries: Sequence[str]) -> None:
        """Drop what is known of entries that no longer exist."""
        if entries:
            self._client.hdel(self._keys.entries, *entries)


def scheduled_key(queue: str | None) -> str:
    """rq-scheduler's sorted set, or RQ's registry of the jobs of one queue that wait for their time."""
    return SCHEDULED if queue is None else ScheduledJobRegistry.key_template.format(queue)
