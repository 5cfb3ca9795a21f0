"""Acting on jobs one by one, alone or as a run over many, and what such a run has yet to do and did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from redis import Redis
from rq.command import send_stop_job_command
from rq.defaults import RQ_KEY_PREFIX
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.queue import Queue
from rq.registry import CanceledJobRegistry
from rq.serializers import JSONSerializer

from allegro_queue.stores.job_records import rq_time
from allegro_queue.stores.jobs import REGISTRIES, State, is_job_id, queue_key, results_key
from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text, texts
from allegro_queue.stores.scripts import script
from allegro_queue.tellings import Telling, telling

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

BIN_SECONDS = 86_400
"""Seconds that a deleted job can be restored, and that a cancelled one stays listed."""

BIN_MOST = 200_000
"""Deleted jobs that are kept at most; the oldest go first."""

RUN_SECONDS = 7 * 86_400
"""Life of what a run keeps in Redis, past its last change."""

AT_ONCE = 250
"""Jobs acted on in one step: a few milliseconds, in which Redis serves nobody else."""

CHOSEN_AT_ONCE = 1_000


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


class BulkStore:
    """Acts on jobs, each once; keeps what a run has yet to do and what it did."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._act = client.register_script(ACT)
        self._choose = client.register_script(CHOOSE)
        self._forward = client.register_script(FORWARD)

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
            results_key(""),
            Queue.redis_queue_namespace_prefix,
            self._keys.unique(""),
            *(REGISTRIES[each].format("") for each in (State.FAILED, State.FINISHED, State.SCHEDULED, State.DEFERRED)),
            CanceledJobRegistry.key_template.format(""),
            self._keys.bin_jobs,
            self._keys.bin_results,
            self._keys.progress(""),
            self._keys.log(""),
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

    def stop(self, job_id: str) -> Telling | None:
        """Tell the worker that runs a job to stop it; ``None``, or why not."""
        try:
            send_stop_job_command(self._client, job_id, serializer=JSONSerializer)
        except NoSuchJobError:
            return telling("It is gone.")
        except InvalidJobOperation:
            return telling("No worker runs it at this moment.")
        return None
