"""A worker's one command per job: finish the job that returned, take the next. Also its lease, and waiting for news."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import IntEnum
from hashlib import sha1
from typing import Any, NamedTuple

from redis import Redis
from redis.exceptions import ResponseError
from rq.defaults import DEFAULT_WORKER_TTL, RQ_KEY_PREFIX
from rq.suspension import WORKERS_SUSPENDED

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.reservations import Reservation
from allegro_queue.stores.scripts import script
from allegro_queue.stores.wire import Wire, pack

STEP = script("moment", "step")
LEASE = script("moment", "lease")

CACHING = pack(["CLIENT", "CACHING", "YES"])

IDLE, BUSY = "idle", "busy"
MILLION = 1_000_000

COUNT_SECONDS = 1.0
"""How old the worker's own counts in RQ's hash may get while it goes from job to job."""


class Finished(IntEnum):
    """What became of the job that was to be finished."""

    NO = 0
    """There was none, or it is no longer this worker's: finished by the same step sent before, or settled meanwhile."""
    YES = 1
    BY_HAND = 2
    """RQ's own methods must finish it; nothing was taken."""


FINISHED = tuple(Finished)


class Finish(NamedTuple):
    """A job that returned, and what is to be written of it."""

    held: Reservation
    ended_us: int
    """Microseconds of Unix time."""
    result_ttl: int
    """Seconds that it is kept, or -1: for ever."""
    has_dependencies: bool
    runtime_ms: float
    wait_ms: float
    name: str
    result: bytes
    """What it returned, as RQ keeps it; empty: nothing."""
    run: str
    """Its run record as text; empty: none is kept."""


class Taken(NamedTuple):
    """A job that is now this worker's, and counts as started."""

    held: Reservation
    started_us: int
    """When it started, by the server's clock: microseconds of Unix time."""
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
        self._minute = (0, "")
        self._uncounted = (0, 0.0)
        """Jobs and seconds worked that the worker's hash does not have yet."""
        self._count_at = 0.0
        """When they are written next although the worker goes on."""
        self._worker_key = f"{RQ_KEY_PREFIX}:worker:{worker}"
        queue_keys = [f"{RQ_KEY_PREFIX}:queue:{name}" for name in queues]
        self._keys_always = (
            keys.reserved,
            keys.paused,
            WORKERS_SUSPENDED,
            self._worker_key,
            f"{self._worker_key}:executions",
            keys.runs,
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
        arguments = self._finishing(finish) if finish is not None else ()
        jobs, seconds_worked = self._uncounted
        if finish is not None:
            jobs, seconds_worked = jobs + 1, seconds_worked + finish.runtime_ms / 1000
        count_now = time.monotonic() > self._count_at
        command = (
            "EVALSHA",
            self._sha,
            len(self._keys_always),
            *self._keys_always,
            RQ_KEY_PREFIX,
            self._worker,
            execution_id,
            self._state,
            DEFAULT_WORKER_TTL,
            jobs,
            f"{seconds_worked:.6f}",
            "1" if count_now else "0",
            len(self._queues),
            self._runs_kept,
            *arguments,
        )
        kept, self._uncounted = self._uncounted, (0, 0.0)
        # Without an answer they may have been counted, and are not sent twice.
        reply = self._send(command, watch=watch)
        finished = FINISHED[reply[0]]
        if finished is Finished.BY_HAND:
            self._uncounted = kept
            return finished, None
        if len(reply) == 1:
            self._state = IDLE
            return finished, None
        self._state = BUSY
        if count_now:
            self._count_at = time.monotonic() + COUNT_SECONDS
        else:
            self._uncounted = (jobs, seconds_worked) if finished is Finished.YES else kept
        _, place, claim, job_id, execution, origin, seconds, microseconds, hash_ = reply
        held = Reservation(
            worker=self._worker,
            job_id=job_id.decode(),
            queue=self._queues[place - 1],
            taken_at=(seconds * MILLION + microseconds) / MILLION,
            claim=claim.decode(),
            execution_id=execution.decode(),
            origin=origin.decode(),
        )
        pairs = iter(hash_)
        return finished, Taken(held, seconds * MILLION + microseconds, dict(zip(pairs, pairs, strict=True)))

    def _send(self, command: tuple[Any, ...], *, watch: bool) -> list[Any]:
        before, replies = (self._watch, 3) if watch and self.is_told else (b"", 1)
        try:
            reply = self._wire.call(before + pack(command), replies)
        except ResponseError as error:
            if not str(error).startswith("NOSCRIPT"):
                raise
            reply = self._wire.call(pack(("EVAL", STEP, *command[2:])))
        found: list[Any] = reply
        return found

    def _finishing(self, finish: Finish) -> tuple[str | bytes | int, ...]:
        """Arguments that finish a job, in the order of the script's head."""
        held = finish.held
        minute, ended_at = self._moment(finish.ended_us)
        return (
            held.claim,
            held.job_id,
            held.execution_id,
            held.origin,
            ended_at,
            minute,
            finish.result_ttl,
            "1" if finish.has_dependencies else "0",
            finish.run,
            seconds_text(round(held.taken_at * MILLION)),
            seconds_text(finish.ended_us),
            finish.result,
        )

    def _moment(self, microseconds: int) -> tuple[int, str]:
        """A Unix time's minute, and the time as RQ writes it. The calendar is asked once a minute only."""
        second, fraction = divmod(microseconds, MILLION)
        minute, second = divmod(second, 60)
        if minute != self._minute[0]:
            self._minute = minute, datetime.fromtimestamp(minute * 60, UTC).strftime("%Y-%m-%dT%H:%M:")
        return minute, f"{self._minute[1]}{second:02d}.{fraction:06d}Z"

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


def seconds_text(microseconds: int) -> str:
    """Microseconds as RQ writes the seconds: as Python shows a float, but without the long way through one."""
    whole, part = divmod(microseconds, MILLION)
    text = f"{whole}.{part:06d}".rstrip("0")
    return text + "0" if text.endswith(".") else text
