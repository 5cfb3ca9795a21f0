"""One batch of runs into SQL: runs, tags, series, groups and the collector's place, in one transaction.

The ORM's bulk calls cost three to five times as much. SQLite gets ``executemany``; PostgreSQL gets a COPY into a table of
the connection's own and one INSERT from there. In both, a run whose execution is known already is left out, and only
those really inserted are counted.
"""

# ruff: noqa: S608 - every name that is put into a statement is a constant of this file
from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from allegro_queue.history.caps import Caps
from allegro_queue.history.database import alias, database, writing
from allegro_queue.history.groups import add_failures
from allegro_queue.history.models import Collected, MonitoredTag
from allegro_queue.history.rows import COLUMNS, Kept
from allegro_queue.history.search_index import WORDS_TABLE
from allegro_queue.metrics.counts import Counts, SeriesKey, counted
from allegro_queue.metrics.histograms import decode, encode
from allegro_queue.stores.collecting import START

RUNS = "allegro_queue_run"
TAGS = "allegro_queue_runtag"
SERIES = "allegro_queue_series"
PLACE = "allegro_queue_collected"

CACHED = 10_000
"""Stretches kept in memory; with more they are read again."""

REMEMBERED = 20_000
"""Executions by which a second record is known where no run is kept."""

SERIES_COLUMNS = (
    "started", "succeeded", "failed", "retried", "stopped", "run_seconds", "run_longest", "run_times", "waited",
    "wait_seconds", "wait_longest", "wait_times",
)  # fmt: skip
SERIES_KEY = ("kind", "name", "seconds", "starts_at")


class Overtaken(Exception):
    """Another collector has written since this one last did."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """How far the collector has come; what ``models.Collected`` holds."""

    position: str = START
    read: int = 0
    runs: int = 0
    duplicates: int = 0
    unreadable: int = 0
    last_unreadable: str = ""
    missed: int = 0
    collected_at: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What was read from the stream since the last place."""

    runs: Sequence[Kept]
    position: str
    """Id of its last entry."""
    read: int
    """Entries up to there, as the stream counts them."""
    unreadable: Sequence[str] = ()
    """Entries that are no record: id and fault."""
    gap: tuple[float, float, int] | None = None
    """From when to when, and how many runs had been dropped in between."""


def read_place() -> Place:
    """How far the collector has come."""
    found = Collected.objects.using(alias()).filter(id=1).first()
    return Place(**{each.name: getattr(found, each.name) for each in fields(Place)}) if found else Place()


class Writer:
    """Writes batches. One process's; it knows what it has written, so it seldom reads."""

    def __init__(self, *, history: bool = True, tag_prefixes: Collection[str] = ()) -> None:
        """``history`` off writes no run, only what is counted."""
        self._history = history
        self._tag_prefixes = frozenset(tag_prefixes)
        self._cache: dict[SeriesKey, Counts] = {}
        self._caps = Caps()
        self._counted: dict[str, None] = {}
        """Executions, the newest last; only without history, which knows them all."""
        self.place = Place()
        self.forget()

    def forget(self) -> None:
        """Know nothing but what is written: after a transaction that failed, or when another has written."""
        self._cache = {}
        self._caps.forget()
        self.place = read_place()

    def write(self, batch: Batch) -> int:
        """Write a batch; the number of runs that were new.

        Raises:
            Overtaken: another collector has written meanwhile; nothing was written.
            DatabaseError: nothing was written.
        """
        try:
            with writing():
                place, runs = self._write(batch)
        except BaseException:
            # What was added in memory is not what stands in the tables.
            self._cache = {}
            self._caps.forget()
            raise
        self.place = place
        if not self._history:
            self._counted |= dict.fromkeys(run.record.execution_id for run in runs)
            while len(self._counted) > REMEMBERED:
                del self._counted[next(iter(self._counted))]
        return len(runs)

    def _write(self, batch: Batch) -> tuple[Place, list[Kept]]:
        connection = database()
        now = time.time()
        with connection.cursor() as cursor:
            # A write comes first, so that the transaction begins as one and waits for its turn.
            cursor.execute(
                f"INSERT INTO {PLACE} (id, position, read, runs, duplicates, unreadable, last_unreadable, missed, "
                "collected_at) VALUES (1, %s, 0, 0, 0, 0, '', 0, 0) ON CONFLICT (id) DO NOTHING",
                [START],
            )
            cursor.execute(
                f"UPDATE {PLACE} SET collected_at = %s WHERE id = 1 AND position = %s", [now, self.place.position]
            )
            if cursor.rowcount != 1:
                raise Overtaken
            cursor.execute(f"SELECT runs FROM {PLACE} WHERE id = 1")
            (rows,) = cursor.fetchone()
            self._caps.look_up(now)
            runs = self._caps.in_groups(batch.runs)
            new: list[Kept] = []
            if not self._history:
                first = {run.record.execution_id: run for run in reversed(runs)}
                new = [run for each, run in reversed(first.items()) if each not in self._counted]
            elif runs:
                new = insert_runs(connection, cursor, runs)
                insert_tags(cursor, new)
            self._count(cursor, new)
            add_failures(new, alias())
            self._count_monitored(new)
            if batch.gap is not None:
                cursor.execute(
                    "INSERT INTO allegro_queue_gap (from_at, to_at, missed) VALUES (%s, %s, %s)", list(batch.gap)
                )
            place = replace(
                self.place,
                position=batch.position,
                read=batch.read,
                runs=rows + (len(new) if self._history else 0),
                duplicates=self.place.duplicates + len(runs) - len(new),
                unreadable=self.place.unreadable + len(batch.unreadable),
                last_unreadable=batch.unreadable[-1][:500] if batch.unreadable else self.place.last_unreadable,
                missed=self.place.missed + (batch.gap[2] if batch.gap else 0),
                collected_at=now,
            )
            cursor.execute(
                f"UPDATE {PLACE} SET position = %s, read = %s, runs = %s, duplicates = %s, unreadable = %s, "
                "last_unreadable = %s, missed = %s WHERE id = 1",
                [
                    place.position, place.read, place.runs, place.duplicates, place.unreadable, place.last_unreadable,
                    place.missed,
                ],
            )  # fmt: skip
        return place, new

    # ----------------------------------------------------------------------------------------------- Series

    def _count(self, cursor: Any, runs: Sequence[Kept]) -> None:
        """Add runs to their stretches."""
        sums = counted(
            (run.record, [(kind, self._caps.name(kind, name)) for kind, name in run.names(self._tag_prefixes)])
            for run in runs
        )
        if not sums:
            return
        if len(self._cache) > CACHED:
            self._cache = {}
        self._read_series(cursor, [key for key in sums if key not in self._cache])
        for key, counts in sums.items():
            self._cache[key].add(counts)
        update = ", ".join(f"{each} = excluded.{each}" for each in SERIES_COLUMNS)
        columns = (*SERIES_KEY, *SERIES_COLUMNS)
        cursor.executemany(
            f"INSERT INTO {SERIES} ({', '.join(columns)}) VALUES ({marks(columns)}) "
            f"ON CONFLICT ({', '.join(SERIES_KEY)}) DO UPDATE SET {update}",
            [(*key, *values_of(self._cache[key])) for key in sums],
        )

    def _read_series(self, cursor: Any, keys: Sequence[SeriesKey]) -> None:
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

    # ------------------------------------------------------------------------------------------------- Tags

    def _count_monitored(self, runs: Sequence[Kept]) -> None:
        """Count runs for the tags that somebody follows."""
        if not any(run.tags for run in runs):
            return
        for followed in MonitoredTag.objects.using(alias()).select_for_update():
            found = [run.record.outcome for run in runs if followed.tag in run.tags]
            if found:
                followed.succeeded += found.count("succeeded")
                followed.retried += found.count("retried")
                followed.failed += found.count("failed") + found.count("lost")
                followed.save(using=alias(), update_fields=["succeeded", "failed", "retried"])


def marks(values: Sequence[Any]) -> str:
    """As many placeholders."""
    return ", ".join(["%s"] * len(values))


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


def insert_runs(connection: BaseDatabaseWrapper, cursor: Any, runs: Sequence[Kept]) -> list[Kept]:
    """Insert runs; those that were new."""
    if connection.vendor == "postgresql":
        new = copy_runs(cursor, runs)
    else:
        new = insert_each(cursor, runs)
        cursor.executemany(
            f"INSERT INTO {WORDS_TABLE} (rowid, words) VALUES (%s, %s)",
            [(run.id, run.row[-1]) for run in new],
        )
    return new


def insert_each(cursor: Any, runs: Sequence[Kept]) -> list[Kept]:
    cursor.executemany(
        f"INSERT OR IGNORE INTO {RUNS} ({', '.join(COLUMNS)}) VALUES ({marks(COLUMNS)})",
        [run.row for run in runs],
    )
    if cursor.rowcount == len(runs):
        return list(runs)
    there: set[int] = set()
    for start in range(0, len(runs), 500):
        some = [run.id for run in runs[start : start + 500]]
        # An id is an entry's of the stream, which is read only once: who stands there was inserted just now.
        cursor.execute(f"SELECT id FROM {RUNS} WHERE id IN ({marks(some)})", some)
        there.update(number for (number,) in cursor.fetchall())
    return [run for run in runs if run.id in there]


def copy_runs(cursor: Any, runs: Sequence[Kept]) -> list[Kept]:
    columns = ", ".join(COLUMNS)
    cursor.execute(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS horizon_stage ON COMMIT DELETE ROWS AS "
        f"SELECT {columns} FROM {RUNS} LIMIT 0"
    )
    with cursor.copy(f"COPY horizon_stage ({columns}) FROM STDIN") as copy:
        for run in runs:
            copy.write_row(run.row)
    cursor.execute(
        f"INSERT INTO {RUNS} ({columns}) SELECT {columns} FROM horizon_stage ON CONFLICT DO NOTHING RETURNING id"
    )
    there = {number for (number,) in cursor.fetchall()}
    return list(runs) if len(there) == len(runs) else [run for run in runs if run.id in there]


def insert_tags(cursor: Any, runs: Sequence[Kept]) -> None:
    rows = [(tag, run.id) for run in runs for tag in run.tags]
    if rows:
        cursor.executemany(
            f"INSERT INTO {TAGS} (tag, run_id) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            rows,
        )
