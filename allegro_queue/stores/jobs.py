"""Jobs as RQ holds them in Redis, read without running or unpickling anything, and what an operator may do to them."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from redis import Redis
from rq.job import Job
from rq.queue import Queue
from rq.registry import (
    DeferredJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    ScheduledJobRegistry,
    StartedJobRegistry,
)
from rq.results import Result

from allegro_queue.stores.replies import text, texts

LONGEST_TRACEBACK = 20_000
LONGEST_PAYLOAD = 20_000

FIELDS = (
    "description",
    "origin",
    "status",
    "created_at",
    "enqueued_at",
    "started_at",
    "ended_at",
    "worker_name",
    "timeout",
    "retries_left",
    "number_of_retries",
)

RETRY = """
-- Move one failed job back to the end of its queue, in one step.
-- KEYS: failed registry, job hash, queue, set of queues. ARGV: job id, queued at.
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
redis.call('HSET', KEYS[2], 'status', 'queued', 'enqueued_at', ARGV[2], 'started_at', '', 'ended_at', '', 'worker_name', '')
redis.call('HDEL', KEYS[2], 'exc_info')
redis.call('PERSIST', KEYS[2])
redis.call('SADD', KEYS[4], KEYS[3])
redis.call('RPUSH', KEYS[3], ARGV[1])
return 1
"""

FORGET = """
-- Delete one failed job and what hangs on it. KEYS: failed registry, job hash, results, dependents. ARGV: job id.
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
return 1
"""

CLEAR = """
-- Delete every waiting job of one queue. KEYS: queue. ARGV: prefix of job hashes, prefix of results, most at once.
local ids = redis.call('LRANGE', KEYS[1], 0, tonumber(ARGV[3]) - 1)
for _, id in ipairs(ids) do redis.call('DEL', ARGV[1] .. id, ARGV[2] .. id) end
redis.call('LTRIM', KEYS[1], #ids, -1)
return #ids
"""

CLEAR_AT_ONCE = 5000


class State(StrEnum):
    """The lists a job can stand in."""

    WAITING = "waiting"
    RUNNING = "running"
    SCHEDULED = "scheduled"
    DEFERRED = "deferred"
    FINISHED = "finished"
    FAILED = "failed"


REGISTRIES: Mapping[State, str] = {
    State.RUNNING: StartedJobRegistry.key_template,
    State.SCHEDULED: ScheduledJobRegistry.key_template,
    State.DEFERRED: DeferredJobRegistry.key_template,
    State.FINISHED: FinishedJobRegistry.key_template,
    State.FAILED: FailedJobRegistry.key_template,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRow:
    """One job in a list. Times are Unix seconds; ``None`` where RQ has none."""

    id: str
    name: str
    queue: str
    status: str
    """RQ's own word."""
    created_at: float | None
    enqueued_at: float | None
    started_at: float | None
    ended_at: float | None
    worker: str
    timeout: int | None
    retries_left: int
    repeats: int
    """Attempts made before this one."""
    error: str = ""
    """Last line of the newest failure; empty unless it failed."""

    @property
    def wait_seconds(self) -> float | None:
        if self.enqueued_at is None or self.started_at is None:
            return None
        return max(self.started_at - self.enqueued_at, 0.0)

    @property
    def run_seconds(self) -> float | None:
        if self.started_at is None or self.ended_at is None:
            return None
        return max(self.ended_at - self.started_at, 0.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One ended attempt, from RQ's result stream."""

    result: str
    """``finished``, ``failed``, ``stopped``, ``retried``, or RQ's own number when it is unknown."""
    started_at: float | None
    ended_at: float | None
    worker: str
    traceback: str
    value: str
    """What it returned, as JSON text; empty when nothing or unreadable."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobDetail:
    """All that the job's page shows."""

    row: JobRow
    arguments: Sequence[Any] | None
    keywords: Mapping[str, Any] | None
    unreadable: str
    """Why the arguments cannot be shown; empty when they can."""
    attempts: tuple[Attempt, ...]
    """Newest first; RQ keeps ten."""


class JobStore:
    """Lists, one job, and the few things that can be done to failed and waiting jobs."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._retry = client.register_script(RETRY)
        self._forget = client.register_script(FORGET)
        self._clear = client.register_script(CLEAR)

    def lengths(self, queues: Sequence[str]) -> dict[str, int]:
        """Waiting jobs by queue, in one round trip."""
        with self._client.pipeline(transaction=False) as pipeline:
            for queue in queues:
                pipeline.llen(queue_key(queue))
            return dict(zip(queues, pipeline.execute(), strict=True))

    def oldest_enqueued(self, queues: Sequence[str]) -> dict[str, float | None]:
        """When the job at the front of each queue was queued; ``None`` when it is empty."""
        with self._client.pipeline(transaction=False) as pipeline:
            for queue in queues:
                pipeline.lindex(queue_key(queue), 0)
            fronts = pipeline.execute()
        with self._client.pipeline(transaction=False) as pipeline:
            for front in fronts:
                pipeline.hget(job_key(text(front) if front else "-"), "enqueued_at")
            times = pipeline.execute()
        return {queue: unix_time(given) for queue, given in zip(queues, times, strict=True)}

    def counts(self, queues: Sequence[str]) -> dict[State, int]:
        """Jobs in each state over the given queues, in one round trip."""
        with self._client.pipeline(transaction=False) as pipeline:
            for queue in queues:
                pipeline.llen(queue_key(queue))
                for template in REGISTRIES.values():
                    pipeline.zcard(template.format(queue))
            numbers = pipeline.execute()
        states = (State.WAITING, *REGISTRIES)
        return {state: sum(numbers[place :: len(states)]) for place, state in enumerate(states)}

    def page(self, state: State, queues: Sequence[str], offset: int = 0, limit: int = 50) -> tuple[list[JobRow], int]:
        """One page of jobs, newest first (waiting ones: next to run first), and how many there are in all."""
        if state is State.WAITING:
            ids, total = self._waiting_ids(queues, offset, limit)
        else:
            ids, total = self._registered_ids(REGISTRIES[state], queues, offset, limit)
        return self.rows(ids, with_errors=state is State.FAILED), total

    def failed_ids(self, queues: Sequence[str]) -> list[str]:
        """Ids of every failed job of these queues, oldest first."""
        found: list[str] = []
        for queue in queues:
            found += texts(self._client.zrange(REGISTRIES[State.FAILED].format(queue), 0, -1))
        return found

    def rows(self, ids: Sequence[str], with_errors: bool = False) -> list[JobRow]:
        """Rows for these ids, in one round trip. Ids whose data is gone are left out."""
        with self._client.pipeline(transaction=False) as pipeline:
            for job_id in ids:
                pipeline.hmget(job_key(job_id), FIELDS)
                if with_errors:
                    pipeline.xrevrange(Result.get_key(job_id), count=1)
            replies = pipeline.execute()
        step = 2 if with_errors else 1
        rows: list[JobRow] = []
        for place, job_id in enumerate(ids):
            values = replies[place * step]
            if any(value is not None for value in values):
                results = replies[place * step + 1] if with_errors else []
                rows.append(read_row(job_id, values, error=last_line(read_attempts(results))))
        return rows

    def get(self, job_id: str) -> JobDetail | None:
        """One job; ``None`` when its data is gone."""
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.hmget(job_key(job_id), FIELDS)
            pipeline.hget(job_key(job_id), "data")
            pipeline.xrevrange(Result.get_key(job_id))
            values, payload, results = pipeline.execute()
        if payload is None and not any(value is not None for value in values):
            return None
        attempts = read_attempts(results)
        arguments, keywords, unreadable = read_payload(payload)
        return JobDetail(
            row=read_row(job_id, values, error=last_line(attempts)),
            arguments=arguments,
            keywords=keywords,
            unreadable=unreadable,
            attempts=attempts,
        )

    def retry(self, job_id: str, now: float) -> bool:
        """Put a failed job at the end of its queue again, under its own id. False when it is not failed (any more)."""
        queue = self._queue_of(job_id)
        if queue is None:
            return False
        done = self._retry(
            keys=[
                REGISTRIES[State.FAILED].format(queue),
                job_key(job_id),
                queue_key(queue),
                Queue.redis_queues_keys,
            ],
            args=[job_id, datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")],
        )
        return bool(done)

    def forget(self, job_id: str) -> bool:
        """Delete a failed job. False when it is not failed (any more)."""
        queue = self._queue_of(job_id)
        if queue is None:
            return False
        done = self._forget(
            keys=[
                REGISTRIES[State.FAILED].format(queue),
                job_key(job_id),
                Result.get_key(job_id),
                f"{job_key(job_id)}:dependents",
            ],
            args=[job_id],
        )
        return bool(done)

    def clear(self, queue: str) -> int:
        """Delete every waiting job of a queue, some thousands at a time; how many there were."""
        total = 0
        while True:
            cleared = int(
                self._clear(
                    keys=[queue_key(queue)], args=[Job.redis_job_namespace_prefix, Result.get_key(""), CLEAR_AT_ONCE]
                )
            )
            total += cleared
            if cleared < CLEAR_AT_ONCE:
                return total

    def _queue_of(self, job_id: str) -> str | None:
        origin = self._client.hget(job_key(job_id), "origin")
        return text(origin) if origin else None

    def _waiting_ids(self, queues: Sequence[str], offset: int, limit: int) -> tuple[list[str], int]:
        lengths = self.lengths(queues)
        ids: list[str] = []
        skip = offset
        for queue in queues:
            if len(ids) < limit and skip < lengths[queue]:
                last = skip + limit - len(ids) - 1
                ids += texts(self._client.lrange(queue_key(queue), skip, last))
            skip = max(skip - lengths[queue], 0)
        return ids, sum(lengths.values())

    def _registered_ids(self, template: str, queues: Sequence[str], offset: int, limit: int) -> tuple[list[str], int]:
        with self._client.pipeline(transaction=False) as pipeline:
            for queue in queues:
                pipeline.zcard(template.format(queue))
                pipeline.zrevrange(template.format(queue), 0, offset + limit - 1, withscores=True)
            replies = pipeline.execute()
        scored = [pair for members in replies[1::2] for pair in members]
        scored.sort(key=lambda pair: float(pair[1]), reverse=True)
        page = scored[offset : offset + limit]
        # Members of the started registry are "job id:execution id".
        ids = [text(member).partition(":")[0] for member, _ in page]
        return list(dict.fromkeys(ids)), sum(replies[::2])


def queue_key(name: str) -> str:
    return Queue.redis_queue_namespace_prefix + name


def job_key(job_id: str) -> str:
    return Job.redis_job_namespace_prefix + job_id


def unix_time(given: bytes | None) -> float | None:
    """RQ's ISO text as Unix seconds; ``None`` for none, and for what is not a time."""
    if not given:
        return None
    try:
        return datetime.fromisoformat(text(given)).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


def whole_number(given: bytes | None) -> int | None:
    try:
        return int(given) if given else None
    except ValueError:
        return None


def plain(given: bytes | None) -> str:
    return text(given) if given else ""


def read_row(job_id: str, values: Sequence[bytes | None], error: str) -> JobRow:
    """A row from the hash's fields; garbage in one of them never breaks the list."""
    given = dict(zip(FIELDS, values, strict=True))
    return JobRow(
        id=job_id,
        # RQ's description is the call as text; ours is the bare name.
        name=plain(given["description"]).partition("(")[0] or "unknown",
        queue=plain(given["origin"]),
        status=plain(given["status"]),
        created_at=unix_time(given["created_at"]),
        enqueued_at=unix_time(given["enqueued_at"]),
        started_at=unix_time(given["started_at"]),
        ended_at=unix_time(given["ended_at"]),
        worker=plain(given["worker_name"]),
        timeout=whole_number(given["timeout"]),
        retries_left=whole_number(given["retries_left"]) or 0,
        repeats=whole_number(given["number_of_retries"]) or 0,
        error=error,
    )


def read_payload(payload: bytes | None) -> tuple[Sequence[Any] | None, Mapping[str, Any] | None, str]:
    """Arguments, keyword arguments, and why they cannot be shown. Only JSON is read: unpickling would run code."""
    if payload is None:
        return None, None, "The job's data is gone."
    try:
        raw = zlib.decompress(payload)
    except zlib.error:
        raw = payload
    if len(raw) > LONGEST_PAYLOAD:
        return None, None, f"The arguments take {len(raw):,} bytes; more than {LONGEST_PAYLOAD:,} are not shown."
    try:
        _name, _instance, arguments, keywords = json.loads(raw)
    except (ValueError, TypeError):
        return None, None, f"The arguments are not JSON ({len(raw):,} bytes, another serializer), so they are not read."
    return list(arguments), dict(keywords), ""


RESULT_WORDS: Mapping[int, str] = {
    Result.Type.SUCCESSFUL.value: "finished",
    Result.Type.FAILED.value: "failed",
    Result.Type.STOPPED.value: "stopped",
    Result.Type.RETRIED.value: "retried",
}


def read_attempts(results: Iterable[tuple[bytes, Mapping[bytes, bytes]]]) -> tuple[Attempt, ...]:
    """Attempts from entries of RQ's result stream, in the order given."""
    return tuple(read_attempt(fields) for _, fields in results)


def read_attempt(fields: Mapping[bytes, bytes]) -> Attempt:
    number = whole_number(fields.get(b"type"))
    return Attempt(
        result=RESULT_WORDS.get(number or 0, str(number)),
        started_at=seconds(fields.get(b"execution_started_at")),
        ended_at=seconds(fields.get(b"execution_ended_at")),
        worker=plain(fields.get(b"worker_name")),
        traceback=read_traceback(fields.get(b"exc_string")),
        value=read_value(fields.get(b"return_value")),
    )


def seconds(given: bytes | None) -> float | None:
    """A Unix time in seconds, or RQ's ISO text."""
    try:
        return float(given) if given else None
    except ValueError:
        return unix_time(given)


def read_traceback(packed: bytes | None) -> str:
    if not packed:
        return ""
    try:
        traceback = text(zlib.decompress(base64.b64decode(packed)))
    except (ValueError, zlib.error):
        return "The traceback cannot be read."
    if len(traceback) > LONGEST_TRACEBACK:
        return "(the beginning is left out)\n" + traceback[-LONGEST_TRACEBACK:]
    return traceback


def read_value(packed: bytes | None) -> str:
    if not packed:
        return ""
    try:
        raw = base64.b64decode(packed)
        json.loads(raw)
    except ValueError:
        return ""
    return raw.decode(errors="replace")[:LONGEST_PAYLOAD]


def last_line(attempts: Sequence[Attempt]) -> str:
    """The newest failure in one line; empty when the newest attempt did not fail."""
    if not attempts or not attempts[0].traceback:
        return ""
    return attempts[0].traceback.strip().rsplit("\n", 1)[-1]
