"""Acting on jobs one by one, alone or as a run over many; the bin that deleted jobs go to."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from redis import Redis
from rq.command import send_stop_job_command
from rq.defaults import RQ_KEY_PREFIX
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.queue import Queue
from rq.registry import CanceledJobRegistry
from rq.results import Result
from rq.serializers import JSONSerializer

from allegro_queue.stores.job_records import (
    FIELDS,
    JobRow,
    dotted_path,
    name_in,
    plain,
    read_row,
    unpacked,
    whole_number,
)
from allegro_queue.stores.jobs import REGISTRIES, State, chunks, is_job_id, job_key, queue_key
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text, texts
from allegro_queue.stores.scripts import script

ACT = script("moment", "batch", "retry_one", "act")

FORWARD = """
-- Put a job that waits at the end of a queue at its front. KEYS: queue. ARGV: job id.
if redis.call('LREM', KEYS[1], -1, ARGV[1]) == 0 then return 0 end
redis.call('LPUSH', KEYS[1], ARGV[1])
return 1
"""

CHOOSE = """
-- Put jobs into a run's set, unless it is closed: somebody may have acted on some of them by now, who must not be let in
-- again. KEYS: set, mark that it is closed. ARGV: seconds that the set lives, number of the first, ids.
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
for place = 3, #ARGV do redis.call('ZADD', KEYS[1], 'NX', ARGV[2] + place - 3, ARGV[place]) end
redis.call('EXPIRE', KEYS[1], ARGV[1])
return 1
"""

DESCRIBED = """
-- What the functions of some jobs are called. ARGV: start of the keys of jobs, then ids.
local found = {}
for place = 2, #ARGV do found[place - 1] = redis.call('HGET', ARGV[1] .. ARGV[place], 'description') or '' end
return found
"""

BIN_SECONDS = 86_400
"""Seconds that a deleted job can be restored, and that a cancelled one stays listed."""

BIN_MOST = 200_000
"""Deleted jobs that are kept at most; the oldest go first."""

RUN_SECONDS = 7 * 86_400
"""Life of what a run keeps in Redis, past its last change."""

AT_ONCE = 250
"""Jobs acted on in one step: a few milliseconds, in which Redis serves nobody else."""

LISTED_AT_ONCE = 5_000
CHOSEN_AT_ONCE = 1_000
MOST_IN_ORDER = 100_000
"""Jobs of a registry that are read at once, in their order (some 20 ms); more are read in portions, in none."""


class BulkAct(StrEnum):
    """What can be done to jobs, one or many."""

    RETRY = "retry"
    DELETE = "delete"
    CANCEL = "cancel"
    MOVE = "move"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one job."""

    job_id: str
    result: str
    """``done``, ``gone``, ``running``, ``later``, ``is:`` and a status, ``barred:`` and an id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Binned:
    """A deleted job."""

    row: JobRow
    deleted_at: float
    state: str
    """RQ's word for what it was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Payload:
    """What is copied when a job is run again as a new one."""

    name: str
    """The function's dotted path; empty when its call is not JSON."""
    args: list[Any]
    kwargs: dict[str, Any]
    queue: str
    data: bytes
    terms: str
    fields: Mapping[str, bytes]
    """Of RQ's hash, those that say how it is run."""
    tries: int
    """Attempts in all."""


LARGEST_CALL = 4_000_000
"""Bytes of a call that is read, unpacked."""

COPIED = (
    "description",
    "timeout",
    "result_ttl",
    "failure_ttl",
    "ttl",
    "meta",
    "retry_intervals",
    "enqueue_at_front_on_retry",
    "success_callback_name",
    "success_callback_timeout",
    "failure_callback_name",
    "failure_callback_timeout",
    "stopped_callback_name",
    "stopped_callback_timeout",
)
"""Fields of RQ's hash that a copy of a job has, too."""


class BulkStore:
    """Acts on jobs, each once; keeps what a run has yet to do and what it did; keeps deleted jobs for a day."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._act = client.register_script(ACT)
        self._choose = client.register_script(CHOOSE)
        self._forward = client.register_script(FORWARD)
        self._described = client.register_script(DESCRIBED)

    def act(
        self,
        act: BulkAct,
        ids: Sequence[str],
        *,
        now: float,
        run: int | None = None,
        until: float | None = None,
        to: str = "",
    ) -> list[Outcome]:
        """Do it to each, in one step; ``AT_ONCE`` at most. Those that another step of the run has acted on are left out.

        Args:
            run: the run that they belong to: each is acted on if it still stands in the run's set, and noted there.
            until: leave alone what came into its state after this Unix time.
            to: the queue to move them to.
        """
        known = [job_id for job_id in ids if is_job_id(job_id)]
        number = run or 0
        starts = [
            Job.redis_job_namespace_prefix,
            Result.get_key(""),
            Queue.redis_queue_namespace_prefix,
            self._keys.unique(""),
            *(REGISTRIES[each].format("") for each in (State.FAILED, State.FINISHED, State.SCHEDULED, State.DEFERRED)),
            CanceledJobRegistry.key_template.format(""),
            self._keys.bin_jobs,
            self._keys.bin_results,
        ]
        replies = self._act(
            keys=[
                self._keys.bulk_todo(number),
                self._keys.bulk_results(number),
                Queue.redis_queues_keys,
                self._keys.bin,
                self._keys.bin_places,
            ],
            args=[
                act.value,
                "" if run is None else run,
                f"{now:.6f}",
                rq_time(now),
                "" if until is None else rq_time(until),
                to,
                BIN_SECONDS,
                BIN_MOST,
                *starts,
                RUN_SECONDS,
                self._keys.prefix,
                RQ_KEY_PREFIX,
                *known,
            ],
        )
        told = [Outcome(job_id, text(reply)) for job_id, reply in zip(known, replies, strict=True)]
        unknown = [Outcome(job_id, "gone") for job_id in ids if not is_job_id(job_id)]
        return [each for each in told if each.result != "taken"] + unknown

    # ---------------------------------------------------------------------------------------------- A run's set

    def choose(self, run: int, ids: Sequence[str], first: int) -> None:
        """Put jobs into the run's set, in this order, the first as number ``first``. Those in it stay where they are,
        and once the set is closed none comes into it."""
        keys = [self._keys.bulk_todo(run), self._keys.bulk_closed(run)]
        ids = [job_id for job_id in ids if is_job_id(job_id)]
        for start in range(0, len(ids), CHOSEN_AT_ONCE):
            self._choose(keys=keys, args=[RUN_SECONDS, first + start, *ids[start : start + CHOSEN_AT_ONCE]])

    def close(self, run: int) -> int:
        """Let no further job into the run's set; how many are in it."""
        self._client.set(self._keys.bulk_closed(run), "1", ex=RUN_SECONDS)
        return self.left(run)

    def left(self, run: int) -> int:
        """Jobs that it has yet to act on."""
        return int(self._client.zcard(self._keys.bulk_todo(run)))

    def next_ids(self, run: int, most: int) -> list[str]:
        """The next ones."""
        return texts(self._client.zrange(self._keys.bulk_todo(run), 0, most - 1))

    def results(self, run: int, first: int, most: int) -> list[Outcome]:
        """What became of jobs, from the one that was acted on as number ``first`` on."""
        found = texts(self._client.lrange(self._keys.bulk_results(run), first, first + most - 1))
        pairs = (each.partition(" ") for each in found)
        return [Outcome(job_id, result) for job_id, _, result in pairs]

    def drop(self, run: int) -> None:
        """Act on no further job of a run, and let none in."""
        self.close(run)
        self._client.delete(self._keys.bulk_todo(run))

    def forget(self, run: int) -> None:
        """What a run did is noted elsewhere."""
        self._client.delete(self._keys.bulk_todo(run), self._keys.bulk_results(run))

    def bring_forward(self, queue: str, job_id: str) -> bool:
        """Have a job that was just queued run next."""
        return bool(self._forward(keys=[queue_key(queue)], args=[job_id]))

    # ---------------------------------------------------------------------------------------------- Listing

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

    # ---------------------------------------------------------------------------------------------- One job

    def payload(self, job_id: str) -> Payload | None:
        """What a copy of a job needs; ``None`` when it is gone."""
        if not is_job_id(job_id):
            return None
        names = ("data", "origin", "horizon", "retries_left", "horizon_attempt", *COPIED)
        found: list[Any] = self._client.hmget(job_key(job_id), names)
        values = dict(zip(names, found, strict=True))
        if values["data"] is None or values["origin"] is None:
            return None
        name, args, kwargs = call_in(values["data"])
        tries = (whole_number(values["retries_left"]) or 0) + (whole_number(values["horizon_attempt"]) or 1)
        return Payload(
            name=name,
            args=args,
            kwargs=kwargs,
            queue=text(values["origin"]),
            data=values["data"],
            terms=plain(values["horizon"]),
            fields={name: values[name] for name in COPIED if values[name] is not None},
            tries=tries,
        )

    def stop(self, job_id: str) -> str | Promise:
        """Tell the worker that runs a job to stop it; empty text, or why not, lazily."""
        try:
            send_stop_job_command(self._client, job_id, serializer=JSONSerializer)
        except NoSuchJobError:
            return gettext_lazy("It is gone.")
        except InvalidJobOperation:
            return gettext_lazy("No worker runs it at this moment.")
        return ""

    # ---------------------------------------------------------------------------------------------- The bin

    def binned(self, offset: int, limit: int, now: float) -> tuple[list[Binned], int]:
        """Deleted jobs that can be restored, the last deleted first, and how many there are."""
        oldest = now - BIN_SECONDS
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.zrevrangebyscore(self._keys.bin, "+inf", oldest, start=offset, num=limit, withscores=True)
            pipeline.zcount(self._keys.bin, oldest, "+inf")
            found, total = pipeline.execute()
        ids = {text(member): float(score) for member, score in found}
        with self._client.pipeline(transaction=False) as pipeline:
            for job_id in ids:
                pipeline.hmget(self._keys.bin_jobs + job_id, FIELDS)
                pipeline.hget(self._keys.bin_places, job_id)
            replies = pipeline.execute()
        binned = []
        for (job_id, at), values, place in zip(ids.items(), replies[::2], replies[1::2], strict=True):
            if place is not None and any(value is not None for value in values):
                was: Mapping[str, Any] = json.loads(place)
                binned.append(Binned(row=read_row(job_id, values), deleted_at=at, state=str(was["status"])))
        return binned, int(total)

    def binned_by(self, run: int) -> Iterator[list[str]]:
        """What a run deleted and the bin still has, in the order in which it was deleted."""
        # From the last to the first: the bin drops its oldest meanwhile, which moves no place that is counted from the end.
        parts: list[list[str]] = []
        start = 0
        while ids := texts(self._client.zrevrange(self._keys.bin, start, start + LISTED_AT_ONCE - 1)):
            places: list[Any] = self._client.hmget(self._keys.bin_places, ids)
            pairs = zip(reversed(ids), reversed(places), strict=True)
            parts.append(
                [job_id for job_id, place in pairs if place is not None and json.loads(place).get("run") == run]
            )
            start += len(ids)
        yield from reversed(parts)


def call_in(data: bytes) -> tuple[str, list[Any], dict[str, Any]]:
    """Name and arguments of a call. Only JSON is read; the name is empty for anything else."""
    raw, is_whole = unpacked(data, LARGEST_CALL)
    try:
        name, _instance, args, kwargs = json.loads(raw) if is_whole else ("", None, [], {})
        return dotted_path(name), list(args), dict(kwargs)
    except (ValueError, TypeError, RecursionError):
        return "", [], {}


def rq_time(unix: float) -> str:
    """A moment as RQ writes it; such texts are in the order of time."""
    return datetime.fromtimestamp(unix, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
