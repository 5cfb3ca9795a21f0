"""Runs with words that few have, looked up all at once: on PostgreSQL, whose index of words has no order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allegro_queue.history.conditions import Part, before, has_word, joined, remaining, source_of
from allegro_queue.history.database import database
from allegro_queue.history.filters import Filter
from allegro_queue.history.runs import LISTED, RunRow, row_from
from allegro_queue.history.writing import RUNS, marks

# ruff: noqa: S608 - what is put into a statement is a constant of the library or of the model; values are parameters

RARE = 5_000
"""Runs that may have the words asked for, if the index of words is to be used though there is another."""


def among_rare(wanted: Filter, after: int, limit: int) -> list[RunRow] | None:
    """The newest of them and one more than ``limit``, if so few runs have the words that all can be looked up; else
    ``None``."""
    telling = telling_words(wanted.terms)
    source, parts = source_of(replace(wanted, text=" ".join(telling)), "text")
    parts += before(after)
    with database().cursor() as cursor:
        cursor.execute(
            f"SELECT run.id FROM {source} WHERE {joined(parts)} LIMIT {RARE + 1}",
            [value for part in parts for value in part.values],
        )
        numbers = sorted((number for (number,) in cursor.fetchall()), reverse=True)
        if len(numbers) > RARE:
            return None
        rest = [*remaining(wanted, "text"), *(has_word(each) for each in wanted.terms if each not in telling)]
        asked = numbers if rest else numbers[: limit + 1]
        if not asked:
            return []
        columns = ", ".join(f"run.{each}" for each in LISTED)
        found_parts = [Part(f"run.id IN ({marks(asked)})", tuple(asked)), *rest]
        cursor.execute(
            f"SELECT {columns} FROM {RUNS} AS run WHERE {joined(found_parts)} ORDER BY run.id DESC LIMIT %s",
            [*(value for part in found_parts for value in part.values), limit + 1],
        )
        return [row_from(each) for each in cursor.fetchall()]


PROBED = 500
COMMON = 0.1
"""Share of the newest ``PROBED`` runs from which on a word tells little."""


def telling_words(words: Sequence[str]) -> tuple[str, ...]:
    """The words that few runs have, one at least. PostgreSQL collects all runs of each word that its index is asked for."""
    if len(words) < 2 or database().vendor == "sqlite":
        return tuple(words)
    parts = [has_word(each) for each in words]
    counts = ", ".join(f"count(*) FILTER (WHERE {part.sql})" for part in parts)
    with database().cursor() as cursor:
        cursor.execute(
            f"SELECT {counts} FROM (SELECT words FROM {RUNS} ORDER BY id DESC LIMIT {PROBED}) AS run",
            [value for part in parts for value in part.values],
        )
        found = dict(zip(words, cursor.fetchone(), strict=True))
    return tuple(each for each in words if found[each] < COMMON * PROBED) or (min(words, key=found.__getitem__),)
