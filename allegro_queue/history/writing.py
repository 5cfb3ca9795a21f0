"""One batch of runs into SQL: runs, tags, series, groups and the collector's place, in one transaction.

Only the runs that were really inserted are counted. The ORM's bulk calls cost three to five times as much as the statements
here and in the modules that this one calls.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from allegro_queue.history.collected import Place, claim_place, move_place, read_place
from allegro_queue.history.database import alias, database, writing
from allegro_queue.history.followed_tags import count_followed
from allegro_queue.history.groups import KnownGroups, add_failures
from allegro_queue.history.rows import Kept
from allegro_queue.history.run_rows import insert_runs, insert_tags
from allegro_queue.history.stretches import Stretches
from allegro_queue.history.totals import make_up_totals

REMEMBERED = 20_000
"""Executions by which a second record is known where no run is kept."""


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


class Writer:
    """Writes batches. One process's; it knows what it has written, so it seldom reads."""

    def __init__(self, *, history: bool = True, tag_prefixes: Collection[str] = ()) -> None:
        """``history`` off writes no run, only what is counted."""
        self._history = history
        self._stretches = Stretches(tag_prefixes=tag_prefixes)
        self._groups = KnownGroups()
        self._counted: dict[str, None] = {}
        """Executions, the newest last; only without history, which knows them all."""
        self._are_totals_right = False
        """Whether nothing of an older version can be missing in them."""
        self.place = Place()
        self.forget()

    def forget(self) -> None:
        """Know nothing but what is written: after a transaction that failed, or when another has written."""
        self._stretches.forget()
        self._groups.forget()
        self._are_totals_right = False
        self.place = read_place()

    def write(self, batch: Batch) -> None:
        """Write a batch.

        Raises:
            Overtaken: another collector has written meanwhile; nothing was written.
            DatabaseError: nothing was written.
        """
        try:
            with writing():
                place, runs = self._write(batch)
        except BaseException:
            # What was added in memory is not what stands in the tables.
            self._stretches.forget()
            self._groups.forget()
            raise
        self.place = place
        self._are_totals_right = True
        if not self._history:
            self._counted |= dict.fromkeys(run.record.execution_id for run in runs)
            while len(self._counted) > REMEMBERED:
                del self._counted[next(iter(self._counted))]

    def _write(self, batch: Batch) -> tuple[Place, list[Kept]]:
        connection = database()
        now = time.time()
        with connection.cursor() as cursor:
            rows = claim_place(cursor, self.place, now)
            if not self._are_totals_right:
                make_up_totals(cursor)
            runs = self._groups.within(batch.runs, now)
            new: list[Kept] = []
            if not self._history:
                first = {run.record.execution_id: run for run in reversed(runs)}
                new = [run for each, run in reversed(first.items()) if each not in self._counted]
            elif runs:
                new = insert_runs(connection, cursor, runs)
                insert_tags(cursor, new)
            self._stretches.add(cursor, new, now)
            add_failures(new, alias())
            count_followed(new)
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
            move_place(cursor, place)
        return place, new
