"""Counts per queue and per job name: added with each ended job, frozen by snapshots, kept by the minute for an hour."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from redis import Redis
from redis.client import Pipeline

from allegro_queue.stores.keys import Keys
from allegro_queue.stores.replies import texts

Kind = Literal["queue", "job"]
KINDS: tuple[Kind, ...] = ("queue", "job")

MINUTE_LIFE = 2 * 60 * 60
SNAPSHOT_LIFE = 2 * 24 * 60 * 60
NAMES_KEPT = 1000

TALLIES = True
"""Whether each ended attempt is counted where it is filed."""
TAKING_LIFE = 30

FREEZE = """
-- Read and take away one tally, and append it as a snapshot, in one step: no count is lost or taken twice.
-- KEYS: tally, snapshots. ARGV: from, to, queue length, snapshots kept, life in seconds, 1 to take it also when idle.
local tally = redis.call('HGETALL', KEYS[1])
local wanted = #tally > 0 or ARGV[6] == '1'
-- A name that no longer runs is not begun anew once its snapshots have come to their end of life.
if not wanted and redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local counts = {}
for place = 1, #tally, 2 do counts[tally[place]] = tonumber(tally[place + 1]) end
local snapshot = {
  started_at = tonumber(ARGV[1]), taken_at = tonumber(ARGV[2]), length = tonumber(ARGV[3]),
  done = counts.done or 0, failed = counts.failed or 0, retried = counts.retried or 0,
  runtime_ms = counts.runtime_ms or 0, wait_ms = counts.wait_ms or 0, runs = counts.runs or 0,
}
redis.call('DEL', KEYS[1])
redis.call('RPUSH', KEYS[2], cjson.encode(snapshot))
redis.call('LTRIM', KEYS[2], -tonumber(ARGV[4]), -1)
-- A name that no longer runs keeps its old end of life, so that it disappears.
if wanted then redis.call('EXPIRE', KEYS[2], ARGV[5]) end
return 1
"""

FORGET_NAME = """
-- Forget a name that has neither tally nor snapshots; in one step, since a worker may be counting it right now.
-- KEYS: tally, snapshots, names. ARGV: name.
if redis.call('EXISTS', KEYS[1], KEYS[2]) > 0 then return 0 end
return redis.call('SREM', KEYS[3], ARGV[1])
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One ended attempt, as the recorder hears of it."""

    queue: str
    job: str
    result: Literal["done", "failed", "retried"]
    runtime_ms: float
    wait_ms: float
    """From when it was queued to when it started."""
    ended_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """Counts of one queue or job name between two moments."""

    started_at: float
    taken_at: float
    length: int
    """Jobs that waited when it was taken (queues only)."""
    done: int
    failed: int
    retried: int
    runtime_ms: float
    """Sum over successful runs."""
    wait_ms: float
    """Sum over all runs."""
    runs: int

    @property
    def minutes(self) -> float:
        return max(self.taken_at - self.started_at, 1.0) / 60

    @property
    def done_per_minute(self) -> float:
        return self.done / self.minutes

    @property
    def failed_per_minute(self) -> float:
        return self.failed / self.minutes

    @property
    def mean_runtime_ms(self) -> float | None:
        """Mean over successful runs; ``None`` when there was none."""
        return self.runtime_ms / self.done if self.done else None

    @property
    def mean_wait_ms(self) -> float | None:
        """Mean over all runs; ``None`` when there was none."""
        return self.wait_ms / self.runs if self.runs else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Minute:
    """Counts of one minute."""

    starts_at: float
    done: Mapping[str, int]
    """Successful runs by queue."""
    failed: Mapping[str, int]
    waiting: Mapping[str, int]
    """Jobs that waited, by queue, as the master last saw it in that minute. Empty when no master looked."""


class MetricsStore:
    """Adds to tallies and minutes, freezes tallies into snapshots, reads both back."""

    def __init__(self, client: Redis, keys: Keys) -> None:
        self._client = client
        self._keys = keys
        self._freeze = client.register_script(FREEZE)
        self._forget_name = client.register_script(FORGET_NAME)

    def add(self, outcome: Outcome, pipeline: Pipeline) -> None:
        """Count one ended attempt, in the transaction that files the job as ended."""
        if not TALLIES:
            return
        for kind, name in (("queue", outcome.queue), ("job", outcome.job)):
            tally = self._keys.tally(kind, name)
            pipeline.sadd(self._keys.tallied(kind), name)
            pipeline.hincrby(tally, outcome.result, 1)
            pipeline.hincrby(tally, "runs", 1)
            pipeline.hincrbyfloat(tally, "wait_ms", outcome.wait_ms)
            if outcome.result == "done":
                pipeline.hincrbyfloat(tally, "runtime_ms", outcome.runtime_ms)
        minute = self._keys.minute(int(outcome.ended_at // 60))
        pipeline.hincrby(minute, f"{outcome.result}:{outcome.queue}", 1)
        pipeline.expire(minute, MINUTE_LIFE)

    def sample_waiting(self, lengths: Mapping[str, int], now: float) -> None:
        """Note how many jobs wait in each queue, for the chart of the last hour."""
        minute = self._keys.minute(int(now // 60))
        with self._client.pipeline() as pipeline:
            pipeline.hset(minute, mapping={f"waiting:{queue}": length for queue, length in lengths.items()})
            pipeline.expire(minute, MINUTE_LIFE)
            pipeline.execute()

    def names(self, kind: Kind) -> list[str]:
        """Queues or job names that have been counted, sorted."""
        return sorted(texts(self._client.smembers(self._keys.tallied(kind))))

    def begin_snapshot(self) -> bool:
        """Whether this process may take a snapshot now; another one in the same few seconds may not."""
        return bool(self._client.set(self._keys.taking_snapshot, "1", nx=True, ex=TAKING_LIFE))

    def freeze(
        self, kind: Kind, name: str, *, length: int, started_at: float, now: float, keep: int, also_idle: bool
    ) -> bool:
        """Turn one tally into a snapshot and start it afresh, in one step. False when the name has run out.

        Args:
            keep: snapshots kept of this name.
            also_idle: whether the name stays for ever, also while it never runs.
        """
        frozen = self._freeze(
            keys=[self._keys.tally(kind, name), self._keys.snapshots(kind, name)],
            args=[started_at, now, length, keep, SNAPSHOT_LIFE, int(also_idle)],
        )
        return bool(frozen)

    def finish_snapshot(self, now: float) -> None:
        """All tallies are frozen: note the time, and forget names that have neither tally nor snapshots.

        Beyond ``NAMES_KEPT`` names, the last in the alphabet are forgotten with their counts.
        """
        self._client.set(self._keys.last_snapshot, repr(now))
        for kind in KINDS:
            self._forget_names(kind)
        self._client.delete(self._keys.taking_snapshot)

    def _forget_names(self, kind: Kind) -> None:
        names = self.names(kind)
        with self._client.pipeline(transaction=False) as pipeline:
            for name in names[NAMES_KEPT:]:
                pipeline.delete(self._keys.tally(kind, name), self._keys.snapshots(kind, name))
            for name in names:
                self._forget_name(
                    keys=[self._keys.tally(kind, name), self._keys.snapshots(kind, name), self._keys.tallied(kind)],
                    args=[name],
                    client=pipeline,
                )
            pipeline.execute()

    def last_snapshot_at(self) -> float | None:
        """Unix time of the last snapshot."""
        text = self._client.get(self._keys.last_snapshot)
        return float(text) if text is not None else None

    def snapshots(self, kind: Kind, names: Iterable[str], newest: int = 0) -> dict[str, list[Snapshot]]:
        """Snapshots by name, oldest first, in one round trip.

        Args:
            newest: read only that many of the newest of each name; 0 reads all.
        """
        wanted = list(names)
        if not wanted:
            return {}
        with self._client.pipeline(transaction=False) as pipeline:
            for name in wanted:
                pipeline.lrange(self._keys.snapshots(kind, name), -newest, -1)
            rows = pipeline.execute()
        return {
            name: [Snapshot(**json.loads(text)) for text in texts] for name, texts in zip(wanted, rows, strict=True)
        }

    def minutes(self, now: float, count: int = 60) -> list[Minute]:
        """The last ``count`` minutes, oldest first, the running one last, in one round trip."""
        last = int(now // 60)
        numbers = range(last - count + 1, last + 1)
        with self._client.pipeline(transaction=False) as pipeline:
            for number in numbers:
                pipeline.hgetall(self._keys.minute(number))
            rows = pipeline.execute()
        return [read_minute(number, row) for number, row in zip(numbers, rows, strict=True)]

    def clear(self) -> None:
        """Forget all tallies and snapshots."""
        for kind in KINDS:
            doomed = [self._keys.tallied(kind)]
            for name in self.names(kind):
                doomed += [self._keys.tally(kind, name), self._keys.snapshots(kind, name)]
            self._client.delete(*doomed)


def read_minute(number: int, row: Mapping[bytes, bytes]) -> Minute:
    """One minute from its hash."""
    counts: dict[str, dict[str, int]] = {"done": {}, "failed": {}, "waiting": {}, "retried": {}}
    for field, value in row.items():
        what, _, queue = field.decode().partition(":")
        if what in counts:
            counts[what][queue] = int(value)
    return Minute(starts_at=number * 60.0, done=counts["done"], failed=counts["failed"], waiting=counts["waiting"])
