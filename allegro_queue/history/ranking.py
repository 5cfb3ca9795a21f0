"""Names by the time that their runs took: which of hundreds a table shows."""

from __future__ import annotations

import time
from collections.abc import Hashable

from allegro_queue.history.database import alias, database
from allegro_queue.history.stretches import SERIES
from allegro_queue.metrics.counts import HOUR, Kind

# ruff: noqa: S608 - what is put into a statement is a constant; values are parameters

SLOW_SECONDS = 0.02
KEPT_SECONDS = 60.0
"""An order that took longer than the one to find is kept for the other: it is that of a month or a year, which a minute does
not turn round. An index would spare the reading, and have PostgreSQL write each row of the metrics anew with each count."""

_kept: dict[Hashable, tuple[float, list[str]]] = {}
"""Orders by what was asked, each with the monotonic time until which it is kept."""


def busiest(kind: Kind, *, since: float, seconds: int = HOUR, most: int = 1_000) -> list[str]:
    """Names by the time that their runs took since then, the longest first; as a minute ago at the most.

    Args:
        seconds: length of the stretches that are added up.
    """
    asked = (alias(), kind, int(since), seconds, most)
    began = time.monotonic()
    until, names = _kept.get(asked, (0.0, []))
    if began < until:
        return list(names)
    names = ranked(kind, int(since), seconds, most)
    now = time.monotonic()
    if now - began > SLOW_SECONDS:
        for each, (ends, _) in list(_kept.items()):
            if ends <= now:
                _kept.pop(each, None)
        _kept[asked] = (now + KEPT_SECONDS, names)
    return list(names)


def ranked(kind: Kind, since: int, seconds: int, most: int) -> list[str]:
    # The kind is kept from the index of names, which would lead through the rows of all lengths and times.
    with database().cursor() as cursor:
        cursor.execute(
            f"SELECT name, sum(run_seconds) AS busy FROM {SERIES} WHERE kind || '' = %s AND seconds = %s "
            "AND starts_at >= %s GROUP BY name ORDER BY busy DESC, name LIMIT %s",
            [kind, seconds, since, most],
        )
        return [name for name, _ in cursor.fetchall()]
