"""The oldest runs, deleted once there are too many of them or they are too old."""

# ruff: noqa: S608 - every name that is put into a statement is a constant of this package
from __future__ import annotations

from allegro_queue.history.collected import PLACE
from allegro_queue.history.database import database, writing
from allegro_queue.history.run_rows import RUNS, TAGS
from allegro_queue.history.search_index import WORDS_TABLE


def trim_runs(*, keep: int, before: int, most: int = 2_000) -> int:
    """Delete some of the oldest runs: those beyond ``keep``, and those below an id; how many.

    Args:
        most: how many at once, to keep the transaction short.
    """
    connection = database()
    with writing(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE {PLACE} SET runs = runs WHERE id = 1")
        cursor.execute(f"SELECT runs FROM {PLACE} WHERE id = 1")
        found = cursor.fetchone()
        if found is None:
            return 0
        excess = min(found[0] - keep, most)
        cursor.execute(f"SELECT id FROM {RUNS} ORDER BY id LIMIT {most + 1}")
        oldest = [number for (number,) in cursor.fetchall()]
        # Ids below the first that stays.
        by_age = sum(number < before for number in oldest[:most])
        doomed = max(excess, by_age, 0)
        if not doomed or not oldest:
            return 0
        end = oldest[doomed] if doomed < len(oldest) else oldest[-1] + 1
        if connection.vendor == "sqlite":
            cursor.execute(
                f"INSERT INTO {WORDS_TABLE} ({WORDS_TABLE}, rowid, words) "
                f"SELECT 'delete', id, words FROM {RUNS} WHERE id < %s",
                [end],
            )
        cursor.execute(f"DELETE FROM {TAGS} WHERE run_id < %s", [end])
        cursor.execute(f"DELETE FROM {RUNS} WHERE id < %s", [end])
        deleted: int = cursor.rowcount
        cursor.execute(f"UPDATE {PLACE} SET runs = runs - %s WHERE id = 1", [deleted])
    return deleted
