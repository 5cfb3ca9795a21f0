"""Failed jobs, retried or deleted where they stand, each in a step of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from redis import Redis
from redis.commands.core import Script
from rq.job import Job
from rq.queue import Queue
from rq.registry import CanceledJobRegistry

from allegro_queue.stores.job_records import unix_time
from allegro_queue.stores.jobs import REGISTRIES, State, chunks, is_job_id, job_key, queue_key, results_key
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text
from allegro_queue.stores.scripts import script

AT_ONCE = 500
"""Jobs retried or deleted in one round trip."""

RETRY = script("moment", "batch", "retry_one", "retry")

FORGET = """
-- Delete one failed job and what hangs on it. KEYS: failed registry, job hash, results, dependents, what it said, its log.
-- ARGV: job id.
if redis.call('ZREM', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('DEL', unpack(KEYS, 2))
return 1
"""


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


class FailedJobStore:
    """Puts failed jobs back into their queues, or deletes them."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._retry = client.register_script(RETRY)
        self._forget = client.register_script(FORGET)

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
                results_key(job_id),
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
