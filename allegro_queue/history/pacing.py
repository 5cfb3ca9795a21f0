"""How long the collector rests between two looks, so that it does not take the processors from busy workers. Pure."""

from __future__ import annotations

REST = 0.5
"""Seconds between two looks while there is less than a whole batch to read."""

BUSY = 200.0
"""Runs that end in a second from which on workers count as busy."""

REST_TIMES = 8.0
"""While they are, it rests so many times as long as a batch took: it works a ninth of the time."""

LONGEST_REST = 2.0
"""Well below the seconds that its lease lasts; and so long it may take to see that workers have stopped."""

LATE = 40.0
"""Seconds that it may fall behind by resting; well below those from which on pages say that it is late."""


def rest_after(*, is_whole: bool, took: float, growth: float, behind: int, behind_seconds: float, room: int) -> float:
    """Seconds to rest after a batch.

    The further it is behind, the shorter it rests, down to nothing at ``LATE`` seconds or ``room`` runs: so it keeps up
    with whatever it can keep up with, and catches up at once when workers have less to do.

    Args:
        is_whole: whether the batch was as large as one may be, so that more may wait.
        took: seconds that it took.
        growth: runs that end in a second, lately.
        behind: runs that still wait.
        behind_seconds: age of the oldest of them.
        room: runs that may wait.
    """
    if not is_whole:
        return REST
    if growth < BUSY:
        return 0.0
    haste = max(behind_seconds / LATE, behind / max(room, 1))
    return min(max(REST_TIMES * took * (1.0 - haste), 0.0), LONGEST_REST)
