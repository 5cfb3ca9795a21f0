"""Failed jobs, retried where they stand, each in a step of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from redis import Redis
from rq.job import Job
from rq.queue import Queue
from rq.registry import CanceledJobRegistry

from allegro_queue.stores.job_records import rq_time, unix_time
from allegro_queue.stores.jobs import REGISTRIES, State, chunks, is_job_id, job_key, queue_key
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text
from allegro_queue.stores.scripts import script

AT_ONCE = 500
"""Jobs retried in one round trip."""

RETRY = script("moment", "batch", "retry_one", "retry")


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
    """Puts failed jobs back into their queues."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._retry = client.register_script(RETRY)

    def retry(
        self, ids: Sequence[str], *, now: float, failed_until: float | None = None, cancelled: bool = False
    ) -> Tally:
        """Put failed jobs at the end of their queues again, under their own ids and in the order given, each in a step of
        its own. Unique ones take their locks again. Two round trips for ``AT_ONCE`` of them.

        Args:
            failed_until: leave alone what failed after this Unix time.
            cancelled: do it with cancelled jobs instead.
        """
        registry = CanceledJobRegistry.key_template if cancelled else REGISTRIES[State.FAILED]
        arguments = (rq_time(now), Job.redis_job_namespace_prefix, self._keys.unique(""), self._keys.prefix)
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
                        queue = text(origin)
                        keys = [registry.format(queue), job_key(job_id), queue_key(queue), Queue.redis_queues_keys]
                        self._retry(keys=keys, args=[job_id, *arguments], client=pipeline)
                        asked.append(job_id)
                results = [str(each) if isinstance(each, int) else text(each) for each in pipeline.execute()]
            done += results.count("1")
            gone += results.count("0")
            barred |= {job_id: each for job_id, each in zip(asked, results, strict=True) if each not in ("0", "1")}
        return Tally(done=done, gone=gone, later=later, barred=barred)
