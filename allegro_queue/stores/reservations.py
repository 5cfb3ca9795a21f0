"""Which worker holds which job. Taking is one atomic step: at no instant is a job in no list and nobody's."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from redis import Redis
from redis.client import Pipeline
from rq.job import Job
from rq.queue import Queue
from rq.suspension import WORKERS_SUSPENDED

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import Reply, text

TAKE = """
-- KEYS: reserved, paused, suspended, then the queues in strict order.
-- ARGV: worker, prefix of job hashes, then the queues' names.
-- A worker that already holds a job asks again because a reply was lost: it gets the same answer.
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held then return held end
if redis.call('EXISTS', KEYS[3]) == 1 then return false end
local now = redis.call('TIME')
now = tonumber(now[1]) + tonumber(now[2]) / 1000000
local function is_paused(name)
  local text = redis.call('HGET', KEYS[2], name)
  if not text then return false end
  local till = cjson.decode(text)['until']
  if type(till) ~= 'number' or till > now then return true end
  redis.call('HDEL', KEYS[2], name)
  return false
end
if is_paused('*') then return false end
for place = 4, #KEYS do
  local name = ARGV[place - 1]
  if not is_paused(name) then
    while true do
      local id = redis.call('LPOP', KEYS[place])
      if not id then break end
      -- An id whose job is gone (deleted, expired) is nothing to run.
      if redis.call('EXISTS', ARGV[2] .. id) == 1 then
        local claim = cjson.encode({job = id, queue = name, at = now})
        redis.call('HSET', KEYS[1], ARGV[1], claim)
        return claim
      end
    end
  end
end
return false
"""

PUT_BACK = """
-- KEYS: reserved, queue. ARGV: worker, the claim as it was read, job id.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('LPUSH', KEYS[2], ARGV[3])
return 1
"""

DROP = """
-- KEYS: reserved. ARGV: worker, the claim as it was read.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], ARGV[1])
"""


@dataclass(frozen=True, slots=True)
class Reservation:
    """One job in one worker's hands."""

    worker: str
    job_id: str
    queue: str
    taken_at: float
    """Unix time in seconds, by the server's clock."""
    claim: str
    """The record as it stands in Redis, to compare when it is given up."""


class ReservationStore:
    """Takes jobs from queues, and gives them back or lets them go."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._take = client.register_script(TAKE)
        self._put_back = client.register_script(PUT_BACK)
        self._drop = client.register_script(DROP)

    def take(self, worker: str, queues: Sequence[str]) -> Reservation | None:
        """The first job of the first queue that has one and is not paused; ``None`` when there is nothing to do."""
        claim = self._take(
            keys=[
                self._keys.reserved,
                self._keys.paused,
                WORKERS_SUSPENDED,
                *(Queue.redis_queue_namespace_prefix + name for name in queues),
            ],
            args=[worker, Job.redis_job_namespace_prefix, *queues],
        )
        return read_reservation(worker, claim) if claim else None

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

    def drop(self, reservation: Reservation) -> bool:
        """Forget a reservation whose job has ended. False when it has changed meanwhile."""
        return bool(self._drop(keys=[self._keys.reserved], args=[reservation.worker, reservation.claim]))


def read_reservation(worker: str, claim: Reply) -> Reservation:
    """A reservation from its JSON."""
    given = json.loads(claim)
    return Reservation(worker, given["job"], given["queue"], float(given["at"]), text(claim))
