"""A worker's one command per job: finish the job that returned, take the next. Also its lease, and waiting for news."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from hashlib import sha1
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError
from rq.defaults import DEFAULT_WORKER_TTL, RQ_KEY_PREFIX
from rq.suspension import WORKERS_SUSPENDED

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.metrics import MINUTE_LIFE
from allegro_queue.stores.reservations import Reservation
from allegro_queue.stores.scripts import script
from allegro_queue.stores.wire import Wire, pack

STEP = script("moment", "step")
LEASE = script("moment", "lease")

CACHING = pack(["CLIENT", "CACHING", "YES"])

IDLE, BUSY = "idle", "busy"


class Finished(IntEnum):
    """What became of the job that was to be finished."""

    NO = 0
    """There was none, or it is no longer this worker's: finished by the same step sent before, or settled meanwhile."""
    YES = 1
    BY_HAND = 2
    """RQ's own methods must finish it; nothing was taken."""


@dataclass(frozen=True, slots=True)
class Finish:
    """A job that returned, and what is to be written of it."""

    held: Reservation
    ended_at: datetime
    result_ttl: int
    """Seconds that it is kept, or -1: for ever."""
    has_dependencies: bool
    runtime_ms: float
    wait_ms: float
    name: str
    entry: tuple[str | bytes | int | float, ...]
    """Field, value, ... of its result, as RQ writes it."""
    run: str
    """Its run record as text; empty: none is kept."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that is now this worker's, and counts as started."""

    held: Reservation
    seconds: int
    microseconds: int
    """With the seconds: when it started, by the server's clock."""
    fields: dict[bytes, bytes]
    """The job's hash, as it was before."""


class StepStore:
    """The steps of one worker, over a connection of its own."""

    def __init__(
        self, client: Redis, keys: Keys, worker: str, queues: Sequence[str], *, runs_kept: int = 100_000
    ) -> None:
        self._client = client
        self._keys = keys
        self._worker = worker
        self._queues = tuple(queues)
        self._runs_kept = runs_kept
        self._wire = Wire(client)
        self._sha = sha1(STEP.encode(), usedforsecurity=False).hexdigest()
        self._lease = client.register_script(LEASE)
        self._state = ""
        self._worker_key = f"{RQ_KEY_PREFIX}:worker:{worker}"
        queue_keys = [f"{RQ_KEY_PREFIX}:queue:{name}" for name in queues]
        self._keys_always = (
            keys.reserved,
            keys.paused,
            WORKERS_SUSPENDED,
            self._worker_key,
            f"{self._worker_key}:executions",
            *queue_keys,
        )
        self._watch = CACHING + pack(["EXISTS", keys.paused, WORKERS_SUSPENDED, *queue_keys])

    @property
    def is_told(self) -> bool:
        """Whether the server says by itself when there may be something to do, so that nobody need ask."""
        return self._wire.tracking

    def step(self, finish: Finish | None, execution_id: str, *, watch: bool = False) -> tuple[Finished, Taken | None]:
        """Finish a job and take the next, in one round trip. After a lost reply, send the same again.

        Args:
            execution_id: for the job to be taken; empty to take none.
            watch: have the server tell of changes from before this step on (see ``has_news``).

        Raises:
            ConnectionError: there was no answer.
            ResponseError: the server refused.
        """
        keys, arguments = self._finishing(finish) if finish is not None else ((), ())
        numbers = (
            len(self._keys_always) + len(keys),
            *self._keys_always,
            *keys,
            RQ_KEY_PREFIX,
            self._worker,
            execution_id,
            self._state,
            DEFAULT_WORKER_TTL,
            len(self._queues),
            *self._queues,
            *arguments,
        )
        reply = self._send(numbers, watch=watch)
        finished = Finished(reply[0])
        if finished is Finished.BY_HAND:
            return finished, None
        if len(reply) == 1:
            self._state = IDLE
            return finished, None
        self._state = BUSY
        _, place, claim, job_id, execution, origin, seconds, microseconds, hash_ = reply
        held = Reservation(
            worker=self._worker,
            job_id=job_id.decode(),
            queue=self._queues[place - 1],
            taken_at=seconds + microseconds / 1e6,
            claim=claim.decode(),
            execution_id=execution.decode(),
            origin=origin.decode(),
        )
        pairs = iter(hash_)
        return finished, Taken(held, seconds, microseconds, dict(zip(pairs, pairs, strict=True)))

    def _send(self, numbers: tuple[Any, ...], *, watch: bool) -> list[Any]:
        before, replies = (self._watch, 3) if watch and self.is_told else (b"", 1)
        try:
            reply = self._wire.call(before + pack(("EVALSHA", self._sha, *numbers)), replies)
        except ResponseError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            reply = self._wire.call(pack(("EVAL", STEP, *numbers)))
        found: list[Any] = reply
        return found

    def _finishing(self, finish: Finish) -> tuple[tuple[str, ...], tuple[str | bytes | int | float, ...]]:
        """Keys and arguments that finish a job, in the order of the script's head."""
        held = finish.held
        job_id, origin, prefix = held.job_id, held.origin, RQ_KEY_PREFIX
        job = f"{prefix}:job:{job_id}"
        keys = (
            job,
            f"{job}:dependents",
            f"{prefix}:job::{job_id}:dependencies",
            f"{prefix}:results:{job_id}",
            f"{prefix}:executions:{job_id}",
            f"{prefix}:execution:{job_id}:{held.execution_id}",
            f"{prefix}:wip:{origin}",
            f"{prefix}:finished:{origin}",
            self._keys.tally("queue", origin),
            self._keys.tally("job", finish.name),
            self._keys.tallied("queue"),
            self._keys.tallied("job"),
            self._keys.minute(int(finish.ended_at.timestamp() // 60)),
            self._keys.runs,
        )
        arguments = (
            held.claim,
            job_id,
            held.execution_id,
            f"{finish.ended_at.isoformat(timespec='microseconds')[:26]}Z",
            finish.result_ttl,
            "1" if finish.has_dependencies else "0",
            f"{finish.runtime_ms / 1000:.6f}",
            f"{finish.runtime_ms:.3f}",
            f"{finish.wait_ms:.3f}",
            origin,
            finish.name,
            MINUTE_LIFE,
            finish.run,
            self._runs_kept,
            *finish.entry,
        )
        return keys, arguments

    def renew(self, held: Reservation, lease: int) -> bool:
        """Say that the job is not abandoned; safe from another thread. False when it is no longer this worker's.

        Args:
            lease: seconds from now until others may take it for abandoned.
        """
        prefix = RQ_KEY_PREFIX
        return bool(
            self._lease(
                keys=[
                    self._keys.reserved,
                    self._worker_key,
                    f"{self._worker_key}:executions",
                    f"{prefix}:execution:{held.job_id}:{held.execution_id}",
                    f"{prefix}:executions:{held.job_id}",
                    f"{prefix}:wip:{held.origin}",
                    f"{prefix}:job:{held.job_id}",
                ],
                args=[self._worker, held.claim, held.job_id, held.execution_id, lease, DEFAULT_WORKER_TTL + 60],
            )
        )

    def forget_state(self) -> None:
        """Somebody else may have written the worker's state in Redis: the next step writes it in any case."""
        self._state = ""

    def news_from(self) -> int | None:
        """The file to wait on for news; ``None`` when there is no connection."""
        return self._wire.fileno()

    def has_news(self) -> bool:
        """Whether something changed since the last look, so that a step may find something to do.

        Raises:
            ConnectionError: the server has gone.
        """
        return self._wire.has_news()

    def close(self) -> None:
        """Hang up."""
        self._wire.close()
