"""Totals that a collector of an older version has left behind: it counted days, and knew of no totals.

In a deploy one goes on after the tables were migrated, and after a roll-back one works for as long as that lasts.
"""

# ruff: noqa: S608 - every name that is put into a statement is a constant of this package
from __future__ import annotations

from typing import Any

from allegro_queue.history.run_rows import marks
from allegro_queue.history.stretches import SERIES, SERIES_COLUMNS, SERIES_KEY, counts_from, values_of
from allegro_queue.metrics.counts import COUNTED_FOR_EVER, DAY, EVER, Counts, Kind

KINDS = sorted(COUNTED_FOR_EVER)

BEHIND = (
    f"SELECT day.kind, day.name FROM {SERIES} AS day WHERE day.kind IN ({marks(KINDS)}) AND day.seconds = {DAY} "
    "GROUP BY day.kind, day.name HAVING sum(day.started) > coalesce((SELECT total.started "
    f"FROM {SERIES} AS total WHERE total.kind = day.kind AND total.name = day.name AND total.seconds = {EVER}), 0)"
)

OF_NAME = f"SELECT seconds, {', '.join(SERIES_COLUMNS)} FROM {SERIES} WHERE kind = %s AND name = %s AND seconds IN ({DAY}, {EVER})"

COLUMNS = (*SERIES_KEY, *SERIES_COLUMNS)
RAISE = (
    f"INSERT INTO {SERIES} ({', '.join(COLUMNS)}) VALUES ({marks(COLUMNS)}) ON CONFLICT ({', '.join(SERIES_KEY)}) "
    f"DO UPDATE SET {', '.join(f'{each} = excluded.{each}' for each in SERIES_COLUMNS)}"
)


def make_up_totals(cursor: Any) -> None:
    """Have no total be less than what the days of its name add up to, in the transaction of the cursor."""
    cursor.execute(BEHIND, KINDS)
    for kind, name in cursor.fetchall():
        cursor.execute(RAISE, [kind, name, EVER, 0, *values_of(total_of(cursor, kind, name))])


def total_of(cursor: Any, kind: Kind, name: str) -> Counts:
    """What the days of a name add up to; of no figure less than its total says, which days that are gone are in, too."""
    cursor.execute(OF_NAME, [kind, name])
    days, told = Counts(), Counts()
    for seconds, *values in cursor.fetchall():
        (days if seconds == DAY else told).add(counts_from(values))
    return days.at_least(told)
