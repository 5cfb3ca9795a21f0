"""Counts of runs, added up by name and stretch of time in the table of series.

A name is that of a queue, a job, a tag or the like. A stretch is read once and then kept in memory, since the next batch
mostly adds to the same ones.
"""

# ruff: noqa: S608 - every name that is put into a statement is a constant of this file
from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from allegro_queue.history.database import alias
from allegro_queue.history.models import Series
from allegro_queue.history.rows import Kept
from allegro_queue.history.run_rows import marks
from allegro_queue.metrics.counts import DAY, LENGTHS, Counts, Kind, SeriesKey, counted
from allegro_queue.metrics.histograms import decode, encode

SERIES = "allegro_queue_series"

MOST_NAMES = 1_000
"""Names of a kind that are measured by themselves; all others together are ``OTHER_NAMES``."""

OTHER_NAMES = "(others)"

CACHED = 10_000
"""Stretches kept in memory; with more they are read again."""

NAMES_LIFE = 3_600.0
"""Seconds after which the names that are measured are looked up again, since old ones go."""

SERIES_COLUMNS = (
    "started", "succeeded", "failed", "retried", "stopped", "run_seconds", "run_longest", "run_times", "waited",
    "wait_seconds", "wait_longest", "wait_times",
)  # fmt: skip

SERIES_KEY = ("kind", "name", "seconds", "starts_at")


class Stretches:
    """What one process has added up. It knows what is written as long as no other process writes."""

    def __init__(self, *, tag_prefixes: Collection[str] = ()) -> None:
        """Args:
        tag_prefixes: of tags that are measured by name.
        """
        self._tag_prefixes = frozenset(tag_prefixes)
        self._cache: dict[SeriesKey, Counts] = {}
        self._names: dict[Kind, set[str]] | None = None
        self._names_at = 0.0

    def forget(self) -> None:
        """Know nothing: after a transaction that failed, or when another has written."""
        self._cache, self._names = {}, None

    def add(self, cursor: Any, runs: Sequence[Kept], now: float) -> None:
        """Add runs to their stretches, in the transaction of the cursor."""
        names = self._known_names(now)
        sums = counted(
            (run.record, [(kind, name_within(names, kind, name)) for kind, name in run.names(self._tag_prefixes)])
            for run in runs
        )
        if not sums:
            return
        if len(self._cache) > CACHED:
            self._cache = {}
        self._read(cursor, [key for key in sums if key not in self._cache])
        for key, counts in sums.items():
            self._cache[key].add(counts)
        update = ", ".join(f"{each} = excluded.{each}" for each in SERIES_COLUMNS)
        columns = (*SERIES_KEY, *SERIES_COLUMNS)
        cursor.executemany(
            f"INSERT INTO {SERIES} ({', '.join(columns)}) VALUES ({marks(columns)}) "
            f"ON CONFLICT ({', '.join(SERIES_KEY)}) DO UPDATE SET {update}",
            [(*key, *values_of(self._cache[key])) for key in sums],
        )

    def _read(self, cursor: Any, keys: Sequence[SeriesKey]) -> None:
        """Have the stretches in memory; those that are new are empty."""
        together: dict[tuple[str, int, int], list[str]] = {}
        for key in keys:
            self._cache[key] = Counts()
            together.setdefault((key.kind, key.seconds, key.starts_at), []).append(key.name)
        for (kind, seconds, starts_at), names in together.items():
            for start in range(0, len(names), 500):
                some = names[start : start + 500]
                cursor.execute(
                    f"SELECT name, {', '.join(SERIES_COLUMNS)} FROM {SERIES} "
                    f"WHERE kind = %s AND seconds = %s AND starts_at = %s AND name IN ({marks(some)})",
                    [kind, seconds, starts_at, *some],
                )
                for name, *values in cursor.fetchall():
                    self._cache[SeriesKey(kind, name, seconds, starts_at)] = counts_from(values)  # type: ignore[arg-type]

    def _known_names(self, now: float) -> dict[Kind, set[str]]:
        """The names that are measured; looked up now and then."""
        if self._names is None or now - self._names_at >= NAMES_LIFE:
            rows = Series.objects.using(alias()).filter(seconds=DAY, starts_at__gte=now - 30 * DAY)
            self._names = {
                kind: set(rows.filter(kind=kind).values_list("name", flat=True).distinct()) for kind in LENGTHS
            }
            self._names_at = now
        return self._names


def name_within(known: dict[Kind, set[str]], kind: Kind, name: str) -> str:
    """The name itself, which is known from now on, or the one that all names beyond the cap share."""
    names = known[kind]
    if name not in names:
        if len(names) >= MOST_NAMES:
            return OTHER_NAMES
        names.add(name)
    return name


def values_of(counts: Counts) -> tuple[Any, ...]:
    """A stretch in the order of ``SERIES_COLUMNS``."""
    return (
        counts.started, counts.succeeded, counts.failed, counts.retried, counts.stopped, counts.run_seconds,
        counts.run_longest, encode(counts.run_times), counts.waited, counts.wait_seconds, counts.wait_longest,
        encode(counts.wait_times),
    )  # fmt: skip


def counts_from(values: Sequence[Any]) -> Counts:
    """A stretch from its row."""
    found = Counts(*values)
    found.run_times, found.wait_times = decode(values[7]), decode(values[11])
    return found
