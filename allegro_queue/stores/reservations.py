"""Which worker holds which job. It is written in the step that takes the job (``steps.py``), with RQ's own records."""

from __future__ import annotations

import json
from typing import NamedTuple

from redis import Redis
from redis.client import Pipeline
from rq.defaults import RQ_KEY_PREFIX
from rq.queue import Queue

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import Reply, text
from allegro_queue.stores.run_record import RunRecord
from allegro_queue.stores.scripts import script

PUT_BACK = """
-- KEYS: reserved, queue. ARGV: worker, the claim as it was read, job id.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('LPUSH', KEYS[2], ARGV[3])
return 1
"""

PUT_BACK_UNBEGUN = script("put_back")

MOST_IN_A_ROW = 10
"""So often a job is put back for free. One whose worker dies each time before it can begin it is what kills it."""

COUNTED_SECONDS = 600

DROP = """
-- KEYS: reserved, run records. ARGV: worker, the claim as it was read, a run record or empty text, records kept.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] ~= '' then redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'run', ARGV[3]) end
return redis.call('HDEL', KEYS[1], ARGV[1])
"""


class Reservation(NamedTuple):
    """One job in one worker's hands."""

    worker: str
    job_id: str
    queue: str
    taken_at: float
    """Unix time in seconds, by the server's clock."""
    claim: str
    """The record as it stands in Redis: the proof, when the job is finished or given up, that it is still this one."""
    execution_id: str = ""
    """RQ's id of the attempt; empty before the attempt was registered."""
    origin: str = ""
    """The queue in whose registries RQ keeps the job; differs from ``queue`` only when somebody moved it by hand."""


class ReservationStore:
    """Reads who holds what, and gives jobs back or lets them go."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._put_back = client.register_script(PUT_BACK)
        self._put_back_unbegun = client.register_script(PUT_BACK_UNBEGUN)
        self._drop = client.register_script(DROP)

    def of(self, worker: str) -> Reservation | None:
        """What this worker holds."""
        claim = self._client.hget(self._keys.reserved, worker)
        return read_reservation(worker, claim) if claim else None

    def all(self) -> list[Reservation]:
        """What every worker holds."""
        found = self._client.hgetall(self._keys.reserved)
        return [read_reservation(text(worker), claim) for worker, claim in found.items()]

    def release(self, worker: str, pipeline: Pipeline) -> None:
        """Let the job go, in the same transaction that files it as ended."""
        pipeline.hdel(self._keys.reserved, worker)

    def put_back(self, reservation: Reservation) -> bool:
        """Return a job that never started to the front of its queue. False when somebody else settled it."""
        done = self._put_back(
            keys=[self._keys.reserved, Queue.redis_queue_namespace_prefix + reservation.queue],
            args=[reservation.worker, reservation.claim, reservation.job_id],
        )
        return bool(done)

    def put_back_unbegun(self, reservation: Reservation) -> bool:
        """Return a job that counted as started, but whose function was never called, to the front of its queue, as it
        was before it was taken. False when this was done ``MOST_IN_A_ROW`` times; nothing was changed then."""
        prefix, job_id, execution = RQ_KEY_PREFIX, reservation.job_id, reservation.execution_id
        done = self._put_back_unbegun(
            keys=[
                self._keys.reserved,
                Queue.redis_queue_namespace_prefix + reservation.queue,
                Queue.redis_queues_keys,
                f"{prefix}:job:{job_id}",
                f"{prefix}:execution:{job_id}:{execution}",
                f"{prefix}:executions:{job_id}",
                f"{prefix}:wip:{reservation.origin}",
                f"{prefix}:worker:{reservation.worker}:executions",
                self._keys.put_back(job_id),
            ],
            args=[reservation.worker, reservation.claim, job_id, execution, MOST_IN_A_ROW, COUNTED_SECONDS],
        )
        return int(done) != 2

    def drop(self, reservation: Reservation, run: RunRecord | None, runs_kept: int) -> bool:
        """Forget a reservation whose job has ended, and note the attempt. False when it has changed meanwhile."""
        return bool(
            self._drop(
                keys=[self._keys.reserved, self._keys.runs],
                args=[reservation.worker, reservation.claim, run.encode() if run else "", runs_kept],
            )
        )


def read_reservation(worker: str, claim: Reply) -> Reservation:
    """A reservation from its JSON."""
    given = json.loads(claim)
    return Reservation(
        worker=worker,
        job_id=given["job"],
        queue=given["queue"],
        taken_at=float(given["at"]),
        claim=text(claim),
        execution_id=given.get("execution", ""),
        origin=given.get("origin", given["queue"]),
    )
