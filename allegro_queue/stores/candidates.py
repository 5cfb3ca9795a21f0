"""Jobs that a run over many chooses among: every one of a state, what they are called, how they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from redis import Redis
from rq.job import Job

from allegro_queue.stores.job_records import name_in, plain
from allegro_queue.stores.jobs import REGISTRIES, State, chunks, job_key, queue_key
from allegro_queue.stores.replies import text, texts

DESCRIBED = """
-- What the functions of some jobs are called. ARGV: start of the keys of jobs, then ids.
local found = {}
for place = 2, #ARGV do found[place - 1] = redis.call('HGET', ARGV[1] .. ARGV[place], 'description') or '' end
return found
"""

LISTED_AT_ONCE = 5_000
MOST_IN_ORDER = 100_000
"""Jobs of a registry that are read at once, in their order (some 20 ms); more are read in portions, in none."""


class CandidateStore:
    """Reads jobs by the thousand."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._described = client.register_script(DESCRIBED)

    def listed(self, state: State, queues: Sequence[str]) -> Iterator[list[str]]:
        """Every job of a state, some thousands at a time. What is there from beginning to end is listed; what comes or
        goes meanwhile may be."""
        for queue in queues:
            if state is State.WAITING:
                yield from self._waiting(queue)
            else:
                yield from self._registered(REGISTRIES[state].format(queue))

    def _waiting(self, queue: str) -> Iterator[list[str]]:
        # From the end to the front: jobs are taken at the front, which moves the rest towards it, so none is missed.
        # The parts are handed over in the order of the queue.
        key = queue_key(queue)
        parts: list[list[str]] = []
        end = int(self._client.llen(key))
        while end > 0:
            start = max(end - LISTED_AT_ONCE, 0)
            parts.append(texts(self._client.lrange(key, start, end - 1)))
            end = start
        yield from reversed(parts)

    def _registered(self, key: str) -> Iterator[list[str]]:
        if int(self._client.zcard(key)) <= MOST_IN_ORDER:
            yield [each.partition(":")[0] for each in texts(self._client.zrange(key, 0, -1))]
            return
        cursor = 0
        while True:
            cursor, found = self._client.zscan(key, cursor, count=LISTED_AT_ONCE)
            if found:
                found.sort(key=lambda pair: pair[1])
                yield [text(member).partition(":")[0] for member, _ in found]
            if not cursor:
                return

    def names(self, ids: Sequence[str]) -> list[str]:
        """The functions' names of jobs; empty for a job that is gone."""
        found = []
        for part in chunks(ids, 1000):
            found += self._described(keys=[], args=[Job.redis_job_namespace_prefix, *part])
        return [name_in(plain(each)) if each else "" for each in found]

    def in_state(self, ids: Sequence[str], statuses: frozenset[str]) -> list[str]:
        """Those of them that have one of these statuses of RQ's."""
        with self._client.pipeline(transaction=False) as pipeline:
            for job_id in ids:
                pipeline.hget(job_key(job_id), "status")
            found = pipeline.execute()
        return [job_id for job_id, status in zip(ids, found, strict=True) if plain(status) in statuses]
