"""Jobs as RQ holds them in Redis: lists of them, one of them, and what an operator may do to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from redis import Redis
from redis.commands.core import Script
from rq.job import Job
from rq.queue import Queue
from rq.registry import (
    CanceledJobRegistry,
    DeferredJobRegistry,
    FailedJobRegistry,
    FinishedJobRegistry,
    ScheduledJobRegistry,
    StartedJobRegistry,
)
from rq.results import Result

from allegro_queue.stores.job_records import (
    FIELDS,
    Attempt,
    JobDetail,
    JobRow,
    read_attempts,
    read_payload,
    read_row,
    unix_time,
)
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text, texts
from allegro_queue.stores.scripts import script

__all__ = [
    "REGISTRIES",
    "SEARCHED",
    "Attempt",
    "Found",
    "JobDetail",
    "JobRow",
    "JobStore",
    "State",
    "Tally",
    "job_key",
    "queue_key",
    "unix_time",
]

JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
"""What RQ takes as an id. With anything else (a colon above all) an id could name another key."""

AT_ONCE = 500
"""Jobs retried or deleted in one round trip."""

SEARCHED = 1000
"""Jobs of a state that a search looks at."""

RETRY = script("moment", "batch", "retry_one", "retry")

FORGET = """
-- Delete one failed job and what hangs on it. KEYS: failed registry, job hash, results, dependents, what it said, its log.
-- ARGV: job id.
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('DEL', unpack(KEYS, 2))
return 1
"""


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
class Found:
    """What a search found."""

    rows: tuple[JobRow, ...]
    """The page asked for."""
    matches: int
    """Matching jobs among those searched."""
    searched: int
    """How many of the newest were looked at."""
    total: int
    """How many jobs there are in that state."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tally:
    """What became of a set of jobs."""

    done: int = 0
    gone: int = 0
    """Not failed any more: retried or deleted by somebody else, or expired."""
    later: int = 0
    """Failed only after the set was shown, and so left alone."""
    barred: Mapping[str, str] = field(default_factory=dict)
    """Unique jobs that stay failed, since another of their kind waits or runs: which one, by id."""


class JobStore:
    """Lists, one job, and the few things that can be done to failed and waiting jobs."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._retry = client.register_script(RETRY)
        self._forget = client.register_script(FORGET)

    def lengths(self, queues: Sequence[str]) -> dict[str, int]:
        """Waiting jobs by queue, in one round trip."""
        with self._client.pipeline(transaction=False) as pipeline:
            for queue in queues:
                pipeline.llen(queue_key(queue))
            return dict(zip(queues, pipeline.execute(), strict=True))

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
        """One page of jobs, newest first (waiting and scheduled ones: next to run first), and how many there are."""
        ids, total = self._ids(state, queues, offset, limit)
        return self._rows_of(state, ids), total

    def search(
        self,
        state: State,
        queues: Sequence[str],
        wanted: Callable[[JobRow], bool],
        offset: int = 0,
        limit: int = 50,
        reach: int = SEARCHED,
    ) -> Found:
        """Jobs that are wanted, among the first ``reach`` of a state, in its order."""
        ids, total = self._ids(state, queues, 0, reach)
        matching = [row for row in self._with_due(state, self.rows(list(ids)), ids) if wanted(row)]
        page = matching[offset : offset + limit]
        if state is State.FAILED:
            # Errors are read of those alone that are shown.
            page = self._rows_of(state, {row.id: ids[row.id] for row in page})
        return Found(rows=tuple(page), matches=len(matching), searched=len(ids), total=total)

    def search_live(
        self, queues: Sequence[str], wanted: Callable[[JobRow], bool], reach: int = SEARCHED
    ) -> tuple[list[JobRow], int]:
        """Jobs that are wanted among the first of each state that have not ended, and how many were looked at: running
        ones, then waiting, scheduled and deferred ones. Two round trips.

        Args:
            reach: jobs of a state that are looked at; each queue has its share.
        """
        reach = max(reach // max(len(queues), 1), 1)
        scheduled = REGISTRIES[State.SCHEDULED]
        with self._client.pipeline(transaction=False) as pipeline:
            for queue in queues:
                pipeline.zrange(REGISTRIES[State.RUNNING].format(queue), 0, reach - 1, desc=True)
            for queue in queues:
                pipeline.lrange(queue_key(queue), 0, reach - 1)
            for queue in queues:
                pipeline.zrange(scheduled.format(queue), 0, reach - 1, withscores=True)
            for queue in queues:
                pipeline.zrange(REGISTRIES[State.DEFERRED].format(queue), 0, reach - 1)
            replies = pipeline.execute()
        due: dict[str, float] = {}
        ids: dict[str, None] = {}
        for place, members in enumerate(replies):
            if 2 * len(queues) <= place < 3 * len(queues):
                due |= {text(member): float(score) for member, score in members}
                members = [member for member, _ in members]
            ids |= dict.fromkeys(member.partition(":")[0] for member in texts(members))
        rows = [replace(row, due_at=due.get(row.id)) for row in self.rows(list(ids))]
        return [row for row in rows if wanted(row)], len(ids)

    def failed_ids(self, queues: Sequence[str]) -> list[str]:
        """Ids of every failed job of these queues, oldest first."""
        found: list[str] = []
        for queue in queues:
            found += texts(self._client.zrange(REGISTRIES[State.FAILED].format(queue), 0, -1))
        return found

    def rows(self, ids: Sequence[str], with_errors: bool = False) -> list[JobRow]:
        """Rows for these ids, in one round trip. Ids whose data is gone are left out."""
        known = [job_id for job_id in ids if is_job_id(job_id)]
        with self._client.pipeline(transaction=False) as pipeline:
            for job_id in known:
                pipeline.hmget(job_key(job_id), FIELDS)
                if with_errors:
                    pipeline.xrevrange(Result.get_key(job_id), count=1)
            replies = pipeline.execute()
        step = 2 if with_errors else 1
        rows: list[JobRow] = []
        for place, job_id in enumerate(known):
            values = replies[place * step]
            if any(value is not None for value in values):
                results = replies[place * step + 1] if with_errors else []
                rows.append(read_row(job_id, values, error=newest_error(read_attempts(results))))
        return rows

    def get(self, job_id: str) -> JobDetail | None:
        """One job; ``None`` when its data is gone, or when it is no id at all."""
        if not is_job_id(job_id):
            return None
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.hmget(job_key(job_id), FIELDS)
            pipeline.hget(job_key(job_id), "data")
            pipeline.pttl(job_key(job_id))
            pipeline.xrevrange(Result.get_key(job_id))
            values, payload, life_ms, results = pipeline.execute()
        if payload is None and not any(value is not None for value in values):
            return None
        attempts = read_attempts(results)
        name, arguments, keywords, unreadable = read_payload(payload)
        return JobDetail(
            row=read_row(job_id, values, error=newest_error(attempts), name=name),
            arguments=arguments,
            keywords=keywords,
            unreadable=unreadable,
            attempts=attempts,
            expires_in=life_ms / 1000 if life_ms >= 0 else None,
        )

    def retry(self, job_id: str, now: float) -> bool:
        """Put a failed job at the end of its queue again, under its own id. False when it is not failed (any more)."""
        return self.retry_many([job_id], now=now).done == 1

    def retry_many(
        self, ids: Sequence[str], *, now: float, failed_until: float | None = None, cancelled: bool = False
    ) -> Tally:
        """Put failed jobs at the end of their queues again, in the order given, each in a step of its own. Unique ones
        take their locks again.

        Args:
            failed_until: leave alone what failed after this Unix time.
            cancelled: do it with cancelled jobs instead.
        """
        registry = CanceledJobRegistry.key_template if cancelled else REGISTRIES[State.FAILED]
        queued_at = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

        def keys(job_id: str, queue: str) -> list[str]:
            return [
                registry.format(queue),
                job_key(job_id),
                queue_key(queue),
                Queue.redis_queues_keys,
            ]

        return self._act(
            self._retry, keys, ids, failed_until,
            queued_at, Job.redis_job_namespace_prefix, self._keys.unique(""), self._keys.prefix,
        )  # fmt: skip

    def forget(self, job_id: str) -> bool:
        """Delete a failed job. False when it is not failed (any more)."""
        return self.forget_many([job_id]).done == 1

    def forget_many(self, ids: Sequence[str], *, failed_until: float | None = None) -> Tally:
        """Delete failed jobs, each in a step of its own.

        Args:
            failed_until: leave alone what failed after this Unix time.
        """

        def keys(job_id: str, queue: str) -> list[str]:
            return [
                REGISTRIES[State.FAILED].format(queue),
                job_key(job_id),
                Result.get_key(job_id),
                f"{job_key(job_id)}:dependents",
                self._keys.progress(job_id),
                self._keys.log(job_id),
            ]

        return self._act(self._forget, keys, ids, failed_until)

    def _act(
        self,
        step: Script,
        keys: Callable[[str, str], list[str]],
        ids: Sequence[str],
        failed_until: float | None,
        *arguments: Any,
    ) -> Tally:
        """Run a script on each failed job, two round trips for ``AT_ONCE`` of them."""
        done = gone = later = 0
        barred: dict[str, str] = {}
        for chunk in chunks(ids, AT_ONCE):
            known = [job_id for job_id in chunk if is_job_id(job_id)]
            gone += len(chunk) - len(known)
            with self._client.pipeline(transaction=False) as pipeline:
                for job_id in known:
                    pipeline.hmget(job_key(job_id), ("origin", "ended_at"))
                found = pipeline.execute()
            asked = []
            with self._client.pipeline(transaction=False) as pipeline:
                for job_id, (origin, ended) in zip(known, found, strict=True):
                    ended_at = unix_time(ended)
                    if origin is None:
                        gone += 1
                    elif failed_until is not None and ended_at is not None and ended_at > failed_until:
                        later += 1
                    else:
                        step(keys=keys(job_id, text(origin)), args=[job_id, *arguments], client=pipeline)
                        asked.append(job_id)
                results = [str(each) if isinstance(each, int) else text(each) for each in pipeline.execute()]
            done += results.count("1")
            gone += results.count("0")
            barred |= {job_id: each for job_id, each in zip(asked, results, strict=True) if each not in ("0", "1")}
        return Tally(done=done, gone=gone, later=later, barred=barred)

    def _rows_of(self, state: State, ids: Mapping[str, float]) -> list[JobRow]:
        return self._with_due(state, self.rows(list(ids), with_errors=state is State.FAILED), ids)

    def _with_due(self, state: State, rows: list[JobRow], ids: Mapping[str, float]) -> list[JobRow]:
        if state is State.SCHEDULED:
            return [replace(row, due_at=ids[row.id]) for row in rows]
        return rows

    def _ids(self, state: State, queues: Sequence[str], offset: int, limit: int) -> tuple[dict[str, float], int]:
        """Ids with their scores (0 for waiting ones), in the order of their list, and how many there are in all."""
        if state is State.WAITING:
            return self._waiting_ids(queues, offset, limit)
        return self._registered_ids(REGISTRIES[state], queues, offset, limit, descending=state is not State.SCHEDULED)

    def _waiting_ids(self, queues: Sequence[str], offset: int, limit: int) -> tuple[dict[str, float], int]:
        lengths = self.lengths(queues)
        skip, left = offset, limit
        with self._client.pipeline(transaction=False) as pipeline:
            for queue in queues:
                if left > 0 and skip < lengths[queue]:
                    pipeline.lrange(queue_key(queue), skip, skip + left - 1)
                    left -= min(lengths[queue] - skip, left)
                skip = max(skip - lengths[queue], 0)
            ids = [job_id for found in pipeline.execute() for job_id in texts(found)][:limit]
        return dict.fromkeys(ids, 0.0), sum(lengths.values())

    def _registered_ids(
        self, template: str, queues: Sequence[str], offset: int, limit: int, descending: bool
    ) -> tuple[dict[str, float], int]:
        with self._client.pipeline(transaction=False) as pipeline:
            for queue in queues:
                pipeline.zcard(template.format(queue))
                pipeline.zrange(template.format(queue), 0, offset + limit - 1, desc=descending, withscores=True)
            replies = pipeline.execute()
        scored = [(text(member), float(score)) for members in replies[1::2] for member, score in members]
        scored.sort(key=lambda pair: pair[1], reverse=descending)
        # Members of the started registry are "job id:execution id".
        page = {member.partition(":")[0]: score for member, score in scored[offset : offset + limit]}
        return page, sum(replies[::2])


def queue_key(name: str) -> str:
    return Queue.redis_queue_namespace_prefix + name


def job_key(job_id: str) -> str:
    return Job.redis_job_namespace_prefix + job_id


def is_job_id(given: str) -> bool:
    """Whether RQ would take this as a job's id."""
    return JOB_ID.fullmatch(given) is not None


def chunks(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def newest_error(attempts: Sequence[Attempt]) -> str:
    """The newest failure in one line; empty when the newest attempt did not fail."""
    return attempts[0].error if attempts else ""
