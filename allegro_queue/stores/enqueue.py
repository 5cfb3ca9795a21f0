"""New jobs into Redis: many in one step, the same step sent again when its reply is lost, and a refusal in words."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha1
from typing import Any

from redis import Redis
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    NoScriptError,
    RedisError,
    ResponseError,
    TimeoutError,
)
from rq.defaults import RQ_KEY_PREFIX
from rq.queue import Queue
from rq.registry import ScheduledJobRegistry

from allegro_queue.connection import address
from allegro_queue.errors import QueueUnavailable
from allegro_queue.stores.jobs import job_key, queue_key
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text
from allegro_queue.stores.scripts import script
from allegro_queue.stores.wire import pack

ENQUEUE = script("moment", "batch", "enqueue")
SHA = sha1(ENQUEUE.encode(), usedforsecurity=False).hexdigest()

MOST_JOBS = 500
"""Jobs in one step: it takes Redis a few milliseconds, in which nobody else is served."""

MOST_BYTES = 1_000_000
"""Of arguments in one step, about."""

PAUSES = (0.02, 0.1, 0.3)
"""Seconds before the step is sent a second, third and fourth time. It is never sent a fifth time."""

PATIENCE = 11.0
"""Seconds after the first send past which it is not sent again: somebody waits."""

FAULTS: Mapping[str, str] = {
    "OOM": "is out of memory (maxmemory is reached and it may drop nothing); make room or raise maxmemory",
    "MISCONF": "refuses writes, since it cannot save to disk (MISCONF); look at its log and its disk",
    "READONLY": "is a read-only replica (READONLY); after a failover REDIS_HOST may still name the old master",
    "NOREPLICAS": "refuses writes, since too few replicas follow it (NOREPLICAS, min-replicas-to-write)",
    "LOADING": "is still loading its data (LOADING); it will answer soon",
    "MASTERDOWN": "is a replica that has lost its master (MASTERDOWN)",
    "CLUSTERDOWN": "belongs to a cluster that is down (CLUSTERDOWN)",
    "BUSY": "is busy with somebody's script (BUSY)",
    "NOAUTH": "asks for a password (NOAUTH); set REDIS_PASSWORD",
    "NOPERM": "does not let this user write (NOPERM); look at its ACL",
    "WRONGTYPE": "holds something else under a key of RQ's (WRONGTYPE); is RQ_KEY_PREFIX shared with other data?",
}
"""How a refusal starts: what is wrong with the server."""

CODE = re.compile(r"(?:^|-|@)(" + "|".join(FAULTS) + r")\b")

MOVED = ("READONLY", "MASTERDOWN")
"""Refusals by a server that is no longer the master: another connection may lead to one that is."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """One job of a step."""

    id: str
    data: bytes
    """Function and arguments, as RQ keeps them."""

    terms: str = ""
    """As ``Terms.encode`` writes them; empty: none."""

    unique_key: str = ""
    """Name of the lock that it takes; empty: none."""

    unique_seconds: int = 0


class EnqueueStore:
    """Writes new jobs."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys

    def enqueue(
        self,
        what: str,
        queue: str,
        fields: Mapping[str, Any],
        jobs: Sequence[NewJob],
        due_at: float | None = None,
        batch: str = "",
    ) -> dict[str, str]:
        """Put jobs on a queue, all in one step; for those that were not queued, who holds the lock that they asked for.

        Args:
            what: what is queued, for messages.
            fields: what the hashes of all of them have in common, as RQ writes it.
            jobs: ``MOST_JOBS`` at most.
            due_at: Unix time at which they are due; ``None``: now.
            batch: id of the batch that they count for; empty: none.

        Raises:
            QueueUnavailable: says what is wrong with the server, and whether the jobs may be queued all the same.
        """
        refused = self._send(what, self._command(queue, fields, jobs, due_at, batch))
        pairs = iter(refused)
        return {jobs[place - 1].id: text(owner) for place, owner in zip(pairs, pairs, strict=True)}

    def _command(
        self, queue: str, fields: Mapping[str, Any], jobs: Sequence[NewJob], due_at: float | None, batch: str
    ) -> tuple[Any, ...]:
        """Keys and arguments in the order of the script's head."""
        queue_at = queue_key(queue)
        keys = [queue_at, Queue.redis_queues_keys, ScheduledJobRegistry.key_template.format(queue)]
        due = "" if due_at is None else f"{due_at:.3f}"
        arguments: list[Any] = [due, RQ_KEY_PREFIX, self._keys.prefix, batch, 2 * len(fields)]
        for name, value in fields.items():
            arguments += (name, value)
        for job in jobs:
            if job.unique_key:
                keys += (job_key(job.id), self._keys.unique(job.unique_key))
                arguments += (job.id, job.data, job.terms, job.unique_seconds)
            else:
                keys += (job_key(job.id), queue_at)
                arguments += (job.id, job.data, job.terms, "")
        return len(keys), *keys, *arguments

    def _send(self, what: str, numbers: tuple[Any, ...]) -> list[Any]:
        """The reply. The same bytes are sent again when it is lost, which the script allows.

        redis-py's own way is not taken: it does not say whether a command was sent at all when it fails.
        """
        pool = self._client.connection_pool
        last_send = time.monotonic() + PATIENCE
        may_be_queued = False
        for pause in (*PAUSES, None):
            connection: Any = None
            is_sending = False
            try:
                connection = pool.get_connection()
                is_sending = True
                return exchange(connection, numbers)
            except (ConnectionError, TimeoutError, OSError) as error:
                # A server that is loading has refused, and done nothing.
                may_be_queued |= is_sending and not isinstance(error, BusyLoadingError)
                hang_up(connection)
                # Nothing was sent and nobody is there: somebody waits, and one who waits longer learns no more.
                is_hopeless = isinstance(error, TimeoutError) and not may_be_queued
                if is_hopeless or pause is None or time.monotonic() + pause > last_send:
                    raise self._unavailable(what, error, may_be_queued=may_be_queued) from error
            except ResponseError as error:
                if code_of(error) in MOVED:
                    hang_up(connection)
                raise self._unavailable(what, error, may_be_queued=may_be_queued) from error
            except BaseException:
                # Half a reply may be on its way.
                hang_up(connection)
                raise
            finally:
                if connection is not None:
                    pool.release(connection)
            time.sleep(pause)
        raise AssertionError("the last send either returns or raises")

    def _unavailable(self, what: str, error: Exception, *, may_be_queued: bool) -> QueueUnavailable:
        """A fault of the server in words."""
        outcome = "may have been queued: its reply was lost each time" if may_be_queued else "was not queued"
        place = f"Redis at {address(self._client)}"
        fault = FAULTS.get(code_of(error))
        if fault is not None:
            message = f"{place} {fault}. {what} {outcome}."
        elif isinstance(error, ResponseError):
            message = f"{place} refused ({error}). {what} {outcome}."
        else:
            message = (
                f"{place} did not answer ({error}); {what} {outcome}. "
                "Is the server up, and are REDIS_HOST and REDIS_PORT (or REDIS_URL) right?"
            )
        return QueueUnavailable(message, may_be_queued=may_be_queued)


def exchange(connection: Any, numbers: tuple[Any, ...]) -> list[Any]:
    """Send the script's number, or the script itself to a server that does not know it yet; its reply."""
    connection.send_packed_command([pack(("EVALSHA", SHA, *numbers))])
    try:
        reply: list[Any] = connection.read_response()
    except NoScriptError:
        connection.send_packed_command([pack(("EVAL", ENQUEUE, *numbers))])
        reply = connection.read_response()
    return reply


def code_of(error: Exception) -> str:
    """The word that a refusal starts with, as in ``FAULTS``; empty for any other error."""
    code = getattr(error, "status_code", None)
    if code in FAULTS:
        return str(code)
    match = CODE.search(str(error))
    return match[1] if match else ""


def hang_up(connection: Any) -> None:
    """Whatever is still on its way is not for the next one who uses this connection."""
    if connection is not None:
        with suppress(OSError, RedisError):
            connection.disconnect()
