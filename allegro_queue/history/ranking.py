"""Names by the time that their runs took: which of hundreds a table shows."""

from __future__ import annotations

from allegro_queue.history.database import database
from allegro_queue.history.stretches import SERIES
from allegro_queue.metrics.counts import HOUR, Kind

# ruff: noqa: S608 - what is put into a statement is a constant; values are parameters


def busiest(kind: Kind, *, since: float, seconds: int = HOUR, most: int = 1_000) -> list[str]:
    """Names by the time that their runs took since then, the longest first.

    Args:
        seconds: length of the stretches that are added up.
    """
    # The kind is kept from the index of names, which would lead through the rows of all lengths and times.
    with database().cursor() as cursor:
        cursor.execute(
            f"SELECT name, sum(run_seconds) AS busy FROM {SERIES} WHERE kind || '' = %s AND seconds = %s "
            "AND starts_at >= %s GROUP BY name ORDER BY busy DESC, name LIMIT %s",
            [kind, seconds, int(since), most],
        )
        return [name for name, _ in cursor.fetchall()]
