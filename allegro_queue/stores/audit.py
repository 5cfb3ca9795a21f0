"""Jobs that nothing will ever touch again: their hash is there, but their id stands in no list and no registry.

Works beside running workers, and needs the same memory whatever there is: what stands somewhere is noted in a field of
bits, and only what seems to be missing is remembered and looked for again, exactly.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b

from redis import Redis
from rq.defaults import RQ_KEY_PREFIX

from allegro_queue.stores.jobs import JOB_ID
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text, texts

AT_ONCE = 1000
"""Keys or members read in one round trip, about."""

SUSPECTS = 10_000
"""Jobs that are looked for again; with more than that, an audit names some of the orphans and not all."""

JOBS = f"{RQ_KEY_PREFIX}:job:"
FIELDS = ("status", "origin", "enqueued_at", "started_at", "ended_at")


@dataclass(frozen=True, kw_only=True, slots=True)
class Orphan:
    """A job that stands nowhere."""

    id: str
    status: str
    queue: str
    enqueued_at: str
    started_at: str = ""
    ended_at: str = ""


class Bits:
    """A set of texts in 16 MiB, whatever their number. It may take a text for one of its own that is not: one in ten
    million with a million texts, one in two hundred with ten million."""

    SIZE = 1 << 27

    def __init__(self) -> None:
        self._bits = bytearray(self.SIZE // 8)

    def add(self, word: str) -> None:
        for place in self._places(word):
            self._bits[place >> 3] |= 1 << (place & 7)

    def __contains__(self, word: str) -> bool:
        return all(self._bits[place >> 3] & (1 << (place & 7)) for place in self._places(word))

    def _places(self, word: str) -> Iterator[int]:
        digest = blake2b(word.encode(), digest_size=16).digest()
        return (int.from_bytes(digest[start : start + 4]) % self.SIZE for start in range(0, 16, 4))


class AuditStore:
    """Reads all there is of jobs; writes nothing."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def orphans(self, pause: Callable[[], object], looks: int = 2) -> list[Orphan]:
        """Jobs that stood nowhere at each of several looks, and did not change between them.

        Args:
            pause: called before each look after the first, since a job that moves may be overlooked once.
            looks: how often what seems to be missing is looked for again.
        """
        suspects = self._suspects()
        for _ in range(looks):
            if not suspects:
                break
            pause()
            found = {job_id for ids in self.standing() for job_id in ids if job_id in suspects}
            suspects = self._unchanged({job_id: each for job_id, each in suspects.items() if job_id not in found})
        return sorted(suspects.values(), key=lambda each: (each.enqueued_at, each.id))

    def standing(self) -> Iterator[list[str]]:
        """Ids of jobs that stand in some queue or registry, whoever made it, or in a worker's hands; in portions."""
        for prefix in (f"{RQ_KEY_PREFIX}:", self._keys.prefix):
            for key in self._of_type("list", prefix):
                yield from self._listed(key)
            for key in self._of_type("zset", prefix):
                if not says_nothing_of_jobs(key) and not key.startswith(self._keys.batch("")):
                    yield from self._registered(key)
        yield [str(json.loads(claim)["job"]) for claim in self._client.hvals(self._keys.reserved)]

    def _suspects(self) -> dict[str, Orphan]:
        standing = Bits()
        for ids in self.standing():
            for job_id in ids:
                standing.add(job_id)
        suspects: dict[str, Orphan] = {}
        missing: list[str] = []
        for key in self._of_type("hash", JOBS):
            job_id = key.removeprefix(JOBS)
            if JOB_ID.fullmatch(job_id) and job_id not in standing:
                missing.append(job_id)
            if len(missing) >= AT_ONCE:
                suspects.update(self._read(missing))
                missing.clear()
            if len(suspects) >= SUSPECTS:
                return suspects
        suspects.update(self._read(missing))
        return suspects

    def _unchanged(self, suspects: dict[str, Orphan]) -> dict[str, Orphan]:
        ids = list(suspects)
        now: dict[str, Orphan] = {}
        for start in range(0, len(ids), AT_ONCE):
            now.update(self._read(ids[start : start + AT_ONCE]))
        return {job_id: each for job_id, each in now.items() if each == suspects[job_id]}

    def _read(self, ids: Iterable[str]) -> dict[str, Orphan]:
        """The jobs of these ids that are there."""
        ids = list(ids)
        with self._client.pipeline(transaction=False) as pipeline:
            for job_id in ids:
                pipeline.hmget(JOBS + job_id, FIELDS)
            replies = pipeline.execute()
        jobs = {}
        for job_id, values in zip(ids, replies, strict=True):
            status, queue, enqueued_at, started_at, ended_at = (text(each) if each else "" for each in values)
            if status:
                jobs[job_id] = Orphan(
                    id=job_id,
                    status=status,
                    queue=queue,
                    enqueued_at=enqueued_at,
                    started_at=started_at,
                    ended_at=ended_at,
                )
        return jobs

    def _of_type(self, kind: str, prefix: str) -> Iterator[str]:
        for key in self._client.scan_iter(match=f"{escaped(prefix)}*", count=AT_ONCE, _type=kind):
            yield text(key)

    def _listed(self, key: str) -> Iterator[list[str]]:
        # From the end: what workers take at the front meanwhile moves nothing past us.
        end = -1
        while ids := self._client.lrange(key, end - AT_ONCE + 1, end):
            yield texts(ids)
            end -= AT_ONCE

    def _registered(self, key: str) -> Iterator[list[str]]:
        place = 0
        while True:
            place, members = self._client.zscan(key, place, count=AT_ONCE)
            # RQ's registry of started jobs has the attempt behind the job.
            yield [text(member).partition(":")[0] for member, _ in members]
            if place == 0:
                return


def says_nothing_of_jobs(key: str) -> bool:
    """Whether a sorted set names jobs without promising that anything becomes of them: a job's own attempts, and the
    slots of RQ's rate limits."""
    return key.startswith(f"{RQ_KEY_PREFIX}:executions:") or (
        key.startswith(f"{RQ_KEY_PREFIX}:rl:") and key.endswith(":allowed")
    )


def escaped(prefix: str) -> str:
    """A prefix as it is, in a pattern of Redis."""
    return "".join(f"\\{each}" if each in "*?[]\\^" else each for each in prefix)
