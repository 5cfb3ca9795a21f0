"""Counts of runs by name and stretch of time, before they are written. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from allegro_queue.metrics.histograms import bucket_of
from allegro_queue.stores.run_record import RunRecord

Kind = Literal["queue", "job", "tag", "failure", "version"]

MINUTE, FIVE_MINUTES, HOUR, DAY = 60, 300, 3_600, 86_400

LENGTHS: dict[Kind, tuple[int, ...]] = {
    "queue": (MINUTE, FIVE_MINUTES, HOUR, DAY),
    "job": (FIVE_MINUTES, HOUR, DAY),
    "tag": (FIVE_MINUTES, HOUR, DAY),
    "failure": (HOUR, DAY),
    "version": (FIVE_MINUTES, HOUR, DAY),
}
"""Stretches, in seconds, that each kind of name is counted by."""

EVER = 0
"""In place of a length: all that ever was, which begins at 0."""

COUNTED_FOR_EVER: frozenset[Kind] = frozenset({"queue", "job"})
"""Kinds of which that is counted too: who reads totals every few seconds cannot add up a year each time."""


class SeriesKey(NamedTuple):
    """One name in one stretch."""

    kind: Kind
    name: str
    seconds: int
    starts_at: int


@dataclass(slots=True)
class Counts:
    """What ended in one stretch. Durations are in seconds."""

    started: int = 0
    succeeded: int = 0
    failed: int = 0
    retried: int = 0
    stopped: int = 0
    run_seconds: float = 0.0
    run_longest: float = 0.0
    run_times: dict[int, int] = field(default_factory=dict)
    waited: int = 0
    wait_seconds: float = 0.0
    wait_longest: float = 0.0
    wait_times: dict[int, int] = field(default_factory=dict)

    def add(self, other: Counts) -> None:
        """Count another stretch in."""
        self.started += other.started
        self.succeeded += other.succeeded
        self.failed += other.failed
        self.retried += other.retried
        self.stopped += other.stopped
        self.run_seconds += other.run_seconds
        self.run_longest = max(self.run_longest, other.run_longest)
        self.waited += other.waited
        self.wait_seconds += other.wait_seconds
        self.wait_longest = max(self.wait_longest, other.wait_longest)
        for mine, theirs in ((self.run_times, other.run_times), (self.wait_times, other.wait_times)):
            for bucket, count in theirs.items():
                mine[bucket] = mine.get(bucket, 0) + count

    def at_least(self, other: Counts) -> Counts:
        """The higher of each two figures."""

        def higher(mine: dict[int, int], theirs: dict[int, int]) -> dict[int, int]:
            return {each: max(mine.get(each, 0), theirs.get(each, 0)) for each in mine | theirs}

        return Counts(
            started=max(self.started, other.started),
            succeeded=max(self.succeeded, other.succeeded),
            failed=max(self.failed, other.failed),
            retried=max(self.retried, other.retried),
            stopped=max(self.stopped, other.stopped),
            run_seconds=max(self.run_seconds, other.run_seconds),
            run_longest=max(self.run_longest, other.run_longest),
            run_times=higher(self.run_times, other.run_times),
            waited=max(self.waited, other.waited),
            wait_seconds=max(self.wait_seconds, other.wait_seconds),
            wait_longest=max(self.wait_longest, other.wait_longest),
            wait_times=higher(self.wait_times, other.wait_times),
        )

    def count(self, run: RunRecord) -> None:
        """Count one attempt in."""
        self.started += 1
        if run.outcome == "succeeded":
            self.succeeded += 1
        elif run.outcome == "retried":
            self.retried += 1
        elif run.outcome == "stopped":
            self.stopped += 1
        else:
            self.failed += 1
        # Clocks of two hosts may differ: less than nothing is nothing.
        ran = max(run.ended_at - run.started_at, 0.0) if run.started_at else 0.0
        self.run_seconds += ran
        self.run_longest = max(self.run_longest, ran)
        bucket = bucket_of(ran)
        self.run_times[bucket] = self.run_times.get(bucket, 0) + 1
        if run.enqueued_at and run.started_at:
            waited = max(run.started_at - run.enqueued_at, 0.0)
            self.waited += 1
            self.wait_seconds += waited
            self.wait_longest = max(self.wait_longest, waited)
            bucket = bucket_of(waited)
            self.wait_times[bucket] = self.wait_times.get(bucket, 0) + 1


def counted(runs: Iterable[tuple[RunRecord, Iterable[tuple[Kind, str]]]]) -> dict[SeriesKey, Counts]:
    """Runs, each with the names that it counts for, summed up by name and stretch."""
    by_minute: dict[tuple[Kind, str, int], Counts] = {}
    for run, names in runs:
        minute = int(run.ended_at) // MINUTE * MINUTE
        for kind, name in names:
            place = (kind, name, minute)
            found = by_minute.get(place)
            if found is None:
                found = by_minute[place] = Counts()
            found.count(run)
    whole: dict[SeriesKey, Counts] = {}
    for (kind, name, minute), counts in by_minute.items():
        for seconds in LENGTHS[kind]:
            whole.setdefault(SeriesKey(kind, name, seconds, minute // seconds * seconds), Counts()).add(counts)
        if kind in COUNTED_FOR_EVER:
            whole.setdefault(SeriesKey(kind, name, EVER, 0), Counts()).add(counts)
    return whole
