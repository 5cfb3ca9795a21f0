"""The schedule in Redis: what is due when.

What is scheduled stays where rq-scheduler keeps it: one sorted set of ids by due time, and an ordinary job hash per id.
Every step that queues a job is one script. It first looks whether the job is still due, so of two schedulers only one
takes it, and a scheduler that is killed at any point has either done all of the step or nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext_noop
from redis import Redis
from redis.client import Pipeline
from redis.exceptions import ResponseError
from rq.defaults import RQ_KEY_PREFIX
from rq.queue import Queue
from rq.registry import ScheduledJobRegistry
from rq.scheduler import RQScheduler
from rq.utils import utcformat

from allegro_queue.stores.due import Due, Moved, Outcome, Parked, Tick
from allegro_queue.stores.entries import ACCOUNTS_KEPT, UNENDED
from allegro_queue.stores.jobs import job_key, queue_key
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import texts
from allegro_queue.stores.scripts import script

SCHEDULED = f"{RQ_KEY_PREFIX}:scheduler:scheduled_jobs"
"""rq-scheduler's sorted set: id by the Unix time in seconds at which it is due."""

OWN_PREFIX = "cron-"
"""Start of the ids in that set that are entries; what else is there was put by other code."""


class ScheduleStore:
    """Reads what is due and queues it."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._tick = client.register_script(script("entry_record", "tick"))
        self._park = client.register_script(script("entry_record", "park"))
        self._move_due = client.register_script(script("move_due"))

    def now(self) -> float:
        """The server's time, which is the same for all."""
        seconds, microseconds = self._client.time()
        return float(seconds) + float(microseconds) / 1_000_000

    # ------------------------------------------------------------------------------------------- What is due

    def move_due(
        self,
        registries: Sequence[str | None],
        *,
        now: float,
        limit: int,
        fence: int,
        timeouts: Mapping[str, int],
        timeout: int,
        default_queue: str,
        ids: Sequence[str] = (),
    ) -> dict[str | None, Moved]:
        """Queue the jobs whose own time has come, in one round trip for all lists.

        Args:
            registries: names of queues, for RQ's registries of scheduled jobs; ``None`` for rq-scheduler's set.
            limit: ids that are looked at in each list.
            fence: number of the leader; nought when nobody's lead is asked for.
            timeouts: seconds that a job may run which says nothing itself, by queue; elsewhere ``timeout``.
            default_queue: where jobs go that name no queue.
            ids: only these, if they are due, and whatever else they ask for.
        """
        at = utcformat(datetime.fromtimestamp(now, UTC))
        with self._client.pipeline(transaction=False) as pipeline:
            for registry in registries:
                self._move_due(
                    keys=[
                        scheduled_key(registry),
                        Queue.redis_queues_keys,
                        scheduled_key(None) if registry is None else RQScheduler.get_locking_key(registry),
                        self._keys.scheduler_fence,
                    ],
                    args=[
                        repr(now), limit, fence, at, job_key(""), queue_key(""), registry or "", default_queue,
                        json.dumps(timeouts), timeout, OWN_PREFIX, *ids,
                    ],
                    client=pipeline,
                )  # fmt: skip
            replies = pipeline.execute()
        return {
            registry: Moved(
                queued=texts(queued),
                others=dict(zip(texts(others[::2]), map(float, others[1::2]), strict=True)),
                deposed=bool(deposed),
            )
            for registry, (queued, others, deposed) in zip(registries, replies, strict=True)
        }

    def read_due(self, ids: Mapping[str, float]) -> list[Due]:
        """Due ids with their hashes. A hash that is none counts as gone."""
        with self._client.pipeline(transaction=False) as pipeline:
            for each in ids:
                pipeline.hgetall(job_key(each))
            hashes = pipeline.execute(raise_on_error=False)
        return [
            Due(id=job_id, due_at=due_at, fields={} if isinstance(found, ResponseError) else found)
            for (job_id, due_at), found in zip(ids.items(), hashes, strict=True)
        ]

    def due_at(self, scheduled_id: str) -> float | None:
        """When one id is due; ``None`` when it is not scheduled."""
        return self._client.zscore(SCHEDULED, scheduled_id)

    def next_due_at(self, registries: Sequence[str | None]) -> float | None:
        """When anything of these lists is due next."""
        with self._client.pipeline(transaction=False) as pipeline:
            for registry in registries:
                pipeline.zrange(scheduled_key(registry), 0, 0, withscores=True)
            return min((score for found in pipeline.execute() for _, score in found), default=None)

    def settle(self, work: Sequence[tuple[Due, Tick | Parked]], *, now: float, fence: int = 0) -> list[Outcome]:
        """Queue the runs of due entries, or park those that are broken, each in one step of its own; one round trip.

        One that the server refuses by itself counts as settled by somebody else: it stays due.

        Raises:
            redis.exceptions.ResponseError: the server refuses them all.
        """
        if not work:
            return []
        with self._client.pipeline(transaction=False) as pipeline:
            for due, todo in work:
                if isinstance(todo, Tick):
                    self._send_tick(pipeline, due, todo, now, fence)
                else:
                    self._park(
                        keys=[
                            SCHEDULED, self._keys.entries, self._keys.accounts(todo.entry), self._keys.scheduler_fence,
                        ],
                        args=[
                            due.id, repr(due.due_at), repr(todo.next_at), todo.entry, todo.reason.english, repr(now),
                            fence, ACCOUNTS_KEPT, json.dumps(todo.reason.as_data()),
                        ],
                        client=pipeline,
                    )  # fmt: skip
            replies = pipeline.execute(raise_on_error=False)
        errors = [each for each in replies if isinstance(each, Exception)]
        if len(errors) == len(replies):
            raise errors[0]
        return [Outcome.TAKEN if isinstance(each, Exception) else Outcome(each) for each in replies]

    def _send_tick(self, pipeline: Pipeline, due: Due, tick: Tick, now: float, fence: int) -> None:
        keys, run = self._keys, tick.run
        todo = {
            "id": due.id,
            "due": repr(due.due_at),
            "next": "" if tick.next_at is None else repr(tick.next_at),
            "name": tick.entry,
            "now": repr(now),
            "fence": fence,
            "runs": [{"job_id": job_id, "due_at": due_at} for job_id, due_at in tick.jobs.items()],
            "missed": tick.missed,
            "missed_reason": tick.missed_reason.english if tick.missed_reason else "",
            "missed_said": json.dumps(tick.missed_reason.as_data()) if tick.missed_reason else "",
            "words": SKIPPED,
            "alone": tick.alone,
            "under_way": dict.fromkeys(UNENDED, True),
            "job_prefix": job_key(""),
            "life": run.ttl or 0,
            "front": run.at_front,
            "kept": ACCOUNTS_KEPT,
        }
        self._tick(
            keys=[
                SCHEDULED, job_key(due.id), queue_key(run.queue), Queue.redis_queues_keys, keys.entries,
                keys.accounts(tick.entry), keys.paused_entries, keys.open_runs, keys.scheduler_fence,
                *map(job_key, tick.jobs),
            ],
            args=[
                json.dumps(todo), "" if tick.meta is None else tick.meta,
                *(part for pair in run.fields.items() for part in pair),
            ],
            client=pipeline,
        )  # fmt: skip

    # ------------------------------------------------------------------------------------------- What is scheduled

    def fields(self, ids: Sequence[str]) -> dict[str, Mapping[bytes, bytes]]:
        """The job hashes of these ids; empty for those that are gone."""
        return {due.id: due.fields for due in self.read_due(dict.fromkeys(ids, 0.0))}

    def put(self, scheduled_id: str, fields: dict[Any, Any], due_at: float, *, keep_time: bool) -> None:
        """Write an entry. With ``keep_time``, one that is scheduled already keeps its next time."""
        with self._client.pipeline() as pipeline:
            pipeline.delete(job_key(scheduled_id))
            pipeline.hset(job_key(scheduled_id), mapping=fields)
            pipeline.zadd(SCHEDULED, {scheduled_id: due_at}, nx=keep_time)
            pipeline.execute()

    def remove(self, ids: Iterable[str]) -> None:
        """Take entries out of the schedule, with their data. Jobs that they have queued stay."""
        gone = list(ids)
        if gone:
            with self._client.pipeline() as pipeline:
                pipeline.zrem(SCHEDULED, *gone)
                pipeline.delete(*[job_key(each) for each in gone])
                pipeline.execute()

    def scheduled_ids(self) -> list[str]:
        """Every id in rq-scheduler's set, next one first."""
        return texts(self._client.zrange(SCHEDULED, 0, -1))

    def next_times(self, ids: Sequence[str]) -> list[float | None]:
        """When each id is due, in the order asked; ``None`` for what is not scheduled."""
        return list(self._client.zmscore(SCHEDULED, list(ids))) if ids else []


SKIPPED = {
    "paused": gettext_noop("paused"),
    "paused_by": gettext_noop("paused by {who}"),
    "paused_for": gettext_noop("paused: {reason}"),
    "paused_by_for": gettext_noop("paused by {who}: {reason}"),
    "under_way": gettext_noop("the run before has not ended"),
    "had": gettext_noop("this time had its run already"),
}
"""Why a time is skipped, as only the script itself can know. It keeps the message with what goes in."""


def scheduled_key(queue: str | None) -> str:
    """rq-scheduler's sorted set, or RQ's registry of the jobs of one queue that wait for their time."""
    return SCHEDULED if queue is None else ScheduledJobRegistry.key_template.format(queue)
