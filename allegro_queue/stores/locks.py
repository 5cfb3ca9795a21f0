"""What a job holds or counts while it waits and runs: its place as the only one of its kind, what nobody else may work on,
and how often something is done."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis
from redis.client import Pipeline

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text
from allegro_queue.stores.scripts import script
from allegro_queue.terms import Terms

ADMIT = script("admit")
UNLOCK = script("unlock")
PROLONG = script("prolong")

SHORTEST_LIFE = 60
"""Seconds that a lock on what only one job may work on lives at the least. The lease, with which it is renewed, is told
every 30 seconds."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a job may not run now."""

    holder: str = ""
    """Id of the execution that works on the same; empty when there were too many runs."""

    free_at: float = 0.0
    """Unix seconds, by the server's clock, at which there is room for this one."""


class LockStore:
    """Takes and frees what jobs ask for in their terms. Owners of locks are named, so that a late one frees nobody else's."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._keys = keys
        self._admit = client.register_script(ADMIT)
        self._prolong = client.register_script(PROLONG)

    def admit(self, terms: Terms, *, job_id: str, execution_id: str) -> Refusal | None:
        """Count a run and take what only one may work on; why not, if not. After a lost reply, ask again."""
        answer = self._admit(
            keys=[
                self._keys.overlap(terms.overlap_key),
                self._keys.rate(terms.rate_key),
                self._keys.line(terms.rate_key),
            ],
            args=[
                execution_id,
                job_id,
                overlap_life(terms),
                terms.rate_limit if terms.rate_key else 0,
                terms.rate_seconds,
            ],
        )
        verdict = text(answer[0])
        if verdict == "run":
            return None
        if verdict == "overlap":
            return Refusal(holder=text(answer[1]))
        return Refusal(free_at=int(answer[1]) / 1000)

    def prolong_overlap(self, terms: Terms, execution_id: str) -> bool:
        """Keep what this execution works on; safe from another thread. False when it has lost it."""
        return bool(
            self._prolong(keys=[self._keys.overlap(terms.overlap_key)], args=[execution_id, overlap_life(terms)])
        )

    def free_overlap(self, terms: Terms, execution_id: str, pipeline: Pipeline) -> None:
        """Let others work on it, in the transaction that ends the execution."""
        pipeline.eval(UNLOCK, 1, self._keys.overlap(terms.overlap_key), execution_id)

    def free_unique(self, terms: Terms, job_id: str, pipeline: Pipeline) -> None:
        """Let another job of the kind be queued, in the transaction that ends this one for good."""
        pipeline.eval(UNLOCK, 1, self._keys.unique(terms.unique_key), job_id)


def overlap_life(terms: Terms) -> int:
    """Seconds that the lock lives unless it is renewed; 0 when none is asked for."""
    return max(terms.overlap_seconds, SHORTEST_LIFE) if terms.overlap_key else 0
