"""Jobs as RQ holds them in Redis: lists of them, and one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

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

from allegro_queue.stores.job_records import (
    FIELDS,
    Attempt,
    JobDetail,
    JobRow,
    plain,
    read_attempts,
    read_payload,
    read_row,
)
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text, texts
from allegro_queue.terms import FIELD as TERMS_FIELD

JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,200}")
"""What RQ takes as an id. With anything else (a colon above all) an id could name another key."""

TERMS_PLACE = FIELDS.index(TERMS_FIELD)
DESCRIPTION_PLACE = FIELDS.index("description")

SEARCHED = 1000
"""Jobs of a state that a search looks at."""


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


class Sight(NamedTuple):
    """A job as it travels, before it is read."""

    id: str
    description: str
    terms: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Matcher:
    """Which jobs are looked for."""

    holds: Callable[[JobRow], bool]
    """Whether a job is one of them."""
    may_hold: Callable[[Sight], bool] = lambda sight: True
    """Whether a job may be one, by what is seen before it is read: spares reading those that cannot."""


class JobStore:
    """Reads jobs: counts, lists, what a search finds, one."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

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
        wanted: Matcher,
        offset: int = 0,
        limit: int = 50,
        reach: int = SEARCHED,
    ) -> Found:
        """Jobs that are wanted, among the first ``reach`` of a state, in its order."""
        ids, total = self._ids(state, queues, 0, reach)
        rows = self.rows(list(ids), may_hold=wanted.may_hold)
        matching = [row for row in self._with_due(state, rows, ids) if wanted.holds(row)]
        page = matching[offset : offset + limit]
        if state is State.FAILED:
            # Errors are read of those alone that are shown.
            page = self._rows_of(state, {row.id: ids[row.id] for row in page})
        return Found(rows=tuple(page), matches=len(matching), searched=len(ids), total=total)

    def search_live(self, queues: Sequence[str], wanted: Matcher, reach: int = SEARCHED) -> tuple[list[JobRow], int]:
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
        rows = self.rows(list(ids), may_hold=wanted.may_hold)
        # Most jobs that have not ended wait, and so have no time.
        rows = [replace(row, due_at=due[row.id]) if row.id in due else row for row in rows]
        return [row for row in rows if wanted.holds(row)], len(ids)

    def rows(
        self, ids: Sequence[str], with_errors: bool = False, may_hold: Callable[[Sight], bool] | None = None
    ) -> list[JobRow]:
        """Rows for these ids, in one round trip. Ids whose data is gone are left out.

        Args:
            may_hold: leave out, too, jobs that it refuses.
        """
        known = [job_id for job_id in ids if is_job_id(job_id)]
        with self._client.pipeline(transaction=False) as pipeline:
            for job_id in known:
                pipeline.hmget(job_key(job_id), FIELDS)
                if with_errors:
                    pipeline.xrevrange(results_key(job_id), count=1)
            replies = pipeline.execute()
        step = 2 if with_errors else 1
        rows: list[JobRow] = []
        for place, job_id in enumerate(known):
            values = replies[place * step]
            if any(value is not None for value in values) and (may_hold is None or may_hold(sight_of(job_id, values))):
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
            pipeline.xrevrange(results_key(job_id))
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


def sight_of(job_id: str, values: Sequence[bytes | None]) -> Sight:
    """From the hash's fields."""
    return Sight(job_id, plain(values[DESCRIPTION_PLACE]), plain(values[TERMS_PLACE]))


def queue_key(name: str) -> str:
    return Queue.redis_queue_namespace_prefix + name


def job_key(job_id: str) -> str:
    return Job.redis_job_namespace_prefix + job_id


def results_key(job_id: str) -> str:
    key: str = Result.get_key(job_id)
    return key


def is_job_id(given: str) -> bool:
    """Whether RQ would take this as a job's id."""
    return JOB_ID.fullmatch(given) is not None


def chunks(ids: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), size):
        yield ids[start : start + size]


def newest_error(attempts: Sequence[Attempt]) -> str:
    """The newest failure in one line; empty when the newest attempt did not fail."""
    return attempts[0].error if attempts else ""
