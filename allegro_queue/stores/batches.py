"""Batches: sets of jobs that are counted together, and what is queued when they have ended.

A batch's counts change in the transaction that files a job, and what follows is queued in the same step; so it does not
matter who dies when. The rules are in ``lua/batch.lua``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from redis import Redis
from redis.client import Pipeline
from rq.defaults import RQ_KEY_PREFIX

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import text, texts
from allegro_queue.stores.scripts import script

MAKE = script("batch_make")
FILLED = script("moment", "batch", "batch_filled")
ENDED = script("moment", "batch", "batch_ended")
CANCEL = script("moment", "batch", "batch_cancel")
TIDY = script("moment", "batch", "batch_tidy")

FILLING_SECONDS = 60
"""Past its last new job, a batch that nobody has declared full counts as left by a sender who died."""

LOOKED_AT = 500
"""Jobs of one batch that one tidying looks at."""

How = Literal["succeeded", "failed", "skipped", "dropped"]
Which = Literal["then", "catch", "finally"]
WHICH: tuple[Which, ...] = ("then", "catch", "finally")

BY_FAILURE, BY_SENDER = "failure", "sender"
"""Who cancelled a batch, when it was nobody: its first failure, or the death of whoever filled it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Following:
    """A job that is queued when its moment has come."""

    job_id: str
    queued_at: float | None = None
    """Unix time; ``None``: not yet."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchRecord:
    """How a batch stands. Times are Unix seconds; ``None`` where that has not happened."""

    id: str
    name: str
    created_at: float
    total: int
    pending: int
    """Jobs that have not ended: they wait, run, or are to be tried again."""
    succeeded: int
    failed: int
    skipped: int
    """Jobs that were not run, since the batch was cancelled."""
    dropped: int
    """Jobs that were deleted before they had run."""
    allow_failures: bool = False
    is_filling: bool = False
    """Whether jobs are still to come from whoever made it."""
    cancelled_at: float | None = None
    cancelled_by: str = ""
    """A person's name; ``failure`` or ``sender`` when it stopped by itself."""
    finished_at: float | None = None
    following: Mapping[Which, Following]

    @property
    def processed(self) -> int:
        """Jobs that have ended, whatever came of them."""
        return self.total - self.pending

    @property
    def percent(self) -> int:
        """Share of the jobs that have ended, rounded down: 100 means all."""
        if not self.total:
            return 0 if self.is_filling else 100
        return 100 * self.processed // self.total


class BatchStore:
    """Makes, counts, cancels and lists batches."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._make = client.register_script(MAKE)
        self._filled = client.register_script(FILLED)
        self._cancel = client.register_script(CANCEL)
        self._tidy = client.register_script(TIDY)

    def make(
        self,
        batch_id: str,
        *,
        name: str,
        now: float,
        life: int,
        allow_failures: bool,
        following: Mapping[Which, tuple[str, Mapping[str, Any]]],
    ) -> bool:
        """Make a batch without jobs, which cannot end before it is declared full. After a lost reply, ask again.

        Args:
            life: seconds that it is kept past its end.
            following: by moment, the id and the whole hash of the job that follows.
        """
        said: list[Any] = ["name", name, "allow_failures", int(allow_failures), "life", life]
        jobs: list[Any] = []
        for which, (job_id, fields) in following.items():
            said += (which, job_id)
            jobs += (which, 2 * len(fields))
            for field, value in fields.items():
                jobs += (field, value)
        return bool(
            self._make(
                keys=[self._keys.batch(batch_id), self._keys.batches, self._keys.open_batches],
                args=[batch_id, int(now), FILLING_SECONDS, len(said), *said, *jobs],
            )
        )

    def declare_full(self, batch_id: str, now: float) -> bool:
        """No more jobs are to come from whoever made it; it ends now if all have ended. False when it was full before."""
        return bool(
            self._filled(keys=[self._keys.batch(batch_id)], args=[self._keys.prefix, RQ_KEY_PREFIX, batch_id, int(now)])
        )

    def ended(self, batch_id: str, job_id: str, how: How, pipeline: Pipeline) -> None:
        """Have a job count, in the transaction that files its end; once, whoever tells it and however often.

        Args:
            batch_id: empty: the one that the job's hash names, if it names one.
        """
        pipeline.eval(ENDED, 0, self._keys.prefix, RQ_KEY_PREFIX, batch_id, job_id, how)

    def is_cancelled(self, batch_id: str) -> bool:
        """Whether its jobs are not to be run any more."""
        return bool(self._client.hexists(self._keys.batch(batch_id), "cancelled_at"))

    def cancel(self, batch_id: str, *, by: str, now: float) -> bool:
        """Have its waiting jobs skipped when their turn comes. False when it has ended, was cancelled before, or is gone."""
        done = self._cancel(
            keys=[self._keys.batch(batch_id)], args=[self._keys.prefix, batch_id, int(now), by[:254] or "somebody"]
        )
        return int(done) == 1

    def get(self, batch_id: str) -> BatchRecord | None:
        """One batch; ``None`` when it is gone."""
        return next(iter(self._read([batch_id])), None)

    def page(self, offset: int = 0, limit: int = 50) -> tuple[list[BatchRecord], int]:
        """Batches, newest first, and about how many there are."""
        ids = texts(self._client.zrevrange(self._keys.batches, offset, offset + limit - 1))
        return self._read(ids), int(self._client.zcard(self._keys.batches))

    def open_page(self, offset: int = 0, limit: int = 50) -> tuple[list[BatchRecord], int]:
        """Batches that have not ended, newest first, and how many there are."""
        ids = texts(self._client.smembers(self._keys.open_batches))
        if not ids:
            return [], 0
        made = self._client.zmscore(self._keys.batches, ids)
        made_at = dict(zip(ids, made, strict=True))
        newest = sorted(ids, key=lambda each: (-float(made_at[each] or 0), each))
        return self._read(newest[offset : offset + limit]), len(ids)

    def failed_ids(self, batch_id: str, offset: int = 0, limit: int = 50) -> list[str]:
        """Jobs that have failed, newest first; all of them with a ``limit`` of -1."""
        return self._ended_ids(batch_id, "failed", offset, limit)

    def skipped_ids(self, batch_id: str, offset: int = 0, limit: int = 50) -> list[str]:
        """Jobs that were skipped, newest first; all of them with a ``limit`` of -1."""
        return self._ended_ids(batch_id, "skipped", offset, limit)

    def open_ids(self, batch_id: str, limit: int = 50) -> list[str]:
        """Some of the jobs that have not ended, in no order."""
        found: Any = self._client.srandmember(self._keys.batch(batch_id) + ":open", limit)
        return texts(found)

    def tidy(self) -> int:
        """Count what ended without its batch being told, and forget batches whose life is over; how many jobs there were."""
        counted = 0
        for batch_id in texts(self._client.smembers(self._keys.open_batches)):
            counted += int(
                self._tidy(
                    keys=[self._keys.batch(batch_id), self._keys.open_batches],
                    args=[self._keys.prefix, RQ_KEY_PREFIX, batch_id, LOOKED_AT],
                )
            )
        self._forget_gone()
        return counted

    def _forget_gone(self) -> None:
        """Drop the oldest from the list of all, as far as they are gone: a portion at each look."""
        oldest = texts(self._client.zrange(self._keys.batches, 0, LOOKED_AT - 1))
        with self._client.pipeline(transaction=False) as pipeline:
            for batch_id in oldest:
                pipeline.exists(self._keys.batch(batch_id))
            there = pipeline.execute()
        gone = [batch_id for batch_id, is_there in zip(oldest, there, strict=True) if not is_there]
        if gone:
            self._client.zrem(self._keys.batches, *gone)

    def _ended_ids(self, batch_id: str, how: str, offset: int, limit: int) -> list[str]:
        last = offset + limit - 1 if limit >= 0 else -1
        return texts(self._client.zrevrange(f"{self._keys.batch(batch_id)}:{how}", offset, last))

    def _read(self, ids: Sequence[str]) -> list[BatchRecord]:
        """Those that are there, in one round trip."""
        with self._client.pipeline(transaction=True) as pipeline:
            for batch_id in ids:
                key = self._keys.batch(batch_id)
                pipeline.hgetall(key)
                pipeline.scard(f"{key}:open")
                pipeline.zcard(f"{key}:failed")
                pipeline.zcard(f"{key}:skipped")
            replies = iter(pipeline.execute())
        found = zip(ids, replies, replies, replies, replies, strict=True)
        return [read_batch(batch_id, fields, *counts) for batch_id, fields, *counts in found if fields]


def read_batch(batch_id: str, fields: Mapping[Any, Any], pending: int, failed: int, skipped: int) -> BatchRecord:
    """A batch from its hash and the sizes of its sets."""
    said = {text(key): text(value) for key, value in fields.items()}

    def moment(field: str) -> float | None:
        return float(said[field]) if field in said else None

    return BatchRecord(
        id=batch_id,
        name=said.get("name", ""),
        created_at=float(said.get("created_at", 0)),
        total=int(said.get("total", 0)),
        pending=pending,
        succeeded=int(said.get("succeeded", 0)),
        failed=failed,
        skipped=skipped,
        dropped=int(said.get("dropped", 0)),
        allow_failures=said.get("allow_failures") == "1",
        is_filling="filling_until" in said,
        cancelled_at=moment("cancelled_at"),
        cancelled_by=said.get("cancelled_by", ""),
        finished_at=moment("finished_at"),
        following=dict(following_in(said)),
    )


def following_in(said: Mapping[str, str]) -> Iterable[tuple[Which, Following]]:
    """What follows, by its moment."""
    for which in WHICH:
        if which in said:
            at = said.get(f"{which}_at")
            yield which, Following(job_id=said[which], queued_at=float(at) if at else None)
