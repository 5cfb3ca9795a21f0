"""Runs with words that few have, looked up all at once: a page that is found otherwise may look for long in vain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from allegro_queue.history.conditions import Part, before, has_word, joined, remaining, source_of, values_of
from allegro_queue.history.database import database
from allegro_queue.history.filters import Filter
from allegro_queue.history.run_rows import RUNS
from allegro_queue.history.runs import SELECTED, RunRow, row_from

# ruff: noqa: S608 - what is put into a statement is a constant of the library or of the model; values are parameters

RARE = 5_000
"""Runs that may have the words asked for, if the index of words is to be used though there is another."""

PROBED = 500
COMMON = 0.1
"""Share of the newest ``PROBED`` runs from which on a word tells little."""


def how_common(words: Sequence[str]) -> list[Part]:
    """In how many of the newest runs each word is: a question for each, where ``telling_words`` wants to know."""
    if len(words) < 2 or database().vendor == "sqlite":
        return []
    newest = f"SELECT words FROM {RUNS} ORDER BY id DESC LIMIT {PROBED}"
    return [
        Part(f"(SELECT count(*) FROM ({newest}) AS run WHERE {each.sql})", each.values) for each in map(has_word, words)
    ]


def telling_words(words: Sequence[str], common: Sequence[int]) -> tuple[str, ...]:
    """The words that few runs have, one at least: PostgreSQL collects all runs of each word that its index is asked for.

    Args:
        common: what was found of ``how_common``.
    """
    if not common:
        return tuple(words)
    found = dict(zip(words, common, strict=True))
    return tuple(each for each in words if found[each] < COMMON * PROBED) or (min(words, key=found.__getitem__),)


def among_rare(wanted: Filter, telling: Sequence[str], after: int, limit: int) -> list[RunRow] | None:
    """The newest of them and one more than ``limit``, if so few runs have the words that all can be looked up; else
    ``None``. One query.

    Args:
        telling: the words that they are looked up by.
    """
    source, parts = source_of(replace(wanted, text=" ".join(telling)), "text")
    parts += before(after, "text")
    rest = [*remaining(wanted, "text"), *(has_word(each) for each in wanted.terms if each not in telling)]
    # Without more to ask of them, the newest are the page.
    newest = "" if rest else f"ORDER BY id DESC LIMIT {limit + 1}"
    chosen = [Part(f"run.id IN (SELECT id FROM few {newest})"), Part(f"(SELECT number FROM told) <= {RARE}"), *rest]
    statement = (
        f"WITH few AS (SELECT run.id FROM {source} WHERE {joined(parts)} LIMIT {RARE + 1}), "
        f"told AS (SELECT count(*) AS number FROM few) "
        f"SELECT told.number, run.* FROM told LEFT JOIN (SELECT {SELECTED} FROM {RUNS} AS run WHERE {joined(chosen)} "
        # The order is none that an index has, or PostgreSQL would go back through all runs.
        f"ORDER BY (run.id + 0) DESC LIMIT %s) AS run ON 1 = 1 ORDER BY run.id DESC"
    )
    with database().cursor() as cursor:
        cursor.execute(statement, [*values_of(parts), *values_of(rest), limit + 1])
        found = cursor.fetchall()
    if found[0][0] > RARE:
        return None
    return [row_from(values) for _, *values in found if values[0] is not None]
