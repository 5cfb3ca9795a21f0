"""Runs by a filter, a page at a time.

A page is found through one index, named by the filter's most telling part (``Filter.driver``), newest first.
What else is asked is looked at row by row, ``SEARCHED`` rows a page at most, so that no page takes long: one that stopped
there says up to where it has looked, and its ``after`` goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from allegro_queue.history.conditions import (
    Part,
    before,
    index_of,
    joined,
    order_of,
    remaining,
    source_of,
    unindexed,
    values_of,
)
from allegro_queue.history.database import database
from allegro_queue.history.filters import Filter
from allegro_queue.history.rare_words import among_rare, how_common, telling_words
from allegro_queue.history.rows import OUTCOMES, recorded_at
from allegro_queue.history.runs import SELECTED, RunRow, row_from

# ruff: noqa: S608 - what is put into a statement is a constant of the library or of the model; values are parameters

PAGE = 50
SEARCHED = 20_000
"""Rows that one page looks at, at most."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPage:
    """One page of runs, newest first."""

    rows: tuple[RunRow, ...]
    after: int
    """Give it as ``after`` for the next page; 0 when this is the last."""
    searched_to: float | None = None
    """Up to when (Unix time, going back) it has looked, when it stopped before the page was full."""


def find_runs(wanted: Filter, *, after: int = 0, limit: int = PAGE) -> RunPage:
    """A page of runs: one query, or two where words are asked for that the newest runs do not have.

    Args:
        after: a page's ``after``; 0 for the newest.

    Raises:
        ValueError: an outcome that there is none of.
    """
    if unknown := set(wanted.outcomes) - OUTCOMES:
        raise ValueError(f"there is no outcome {sorted(unknown)[0]!r}; there are {', '.join(sorted(OUTCOMES))}.")
    other = replace(wanted, text="").driver
    if wanted.driver == "text" and (other or database().vendor == "postgresql"):
        # A word that many runs have is found among the newest, or among those that the other index gives; only a rare one
        # is cheap to look up. (SQLite looks up every word newest first.)
        found = look(wanted, after, limit, driver=other, beside=how_common(wanted.terms))
        if found.stopped_at and len(found.rows) <= limit:
            few = among_rare(wanted, telling_words(wanted.terms, found.beside), after, limit)
            if few is not None:
                return page_of(few, limit)
    else:
        found = look(wanted, after, limit, driver=wanted.driver)
    return page_of(found.rows, limit, found.stopped_at)


def page_of(rows: Sequence[RunRow], limit: int, stopped_at: int = 0) -> RunPage:
    """The page, of all that there are or of one more than it holds.

    Args:
        stopped_at: the run where it stopped looking; 0 when there are no more to look at.
    """
    if len(rows) > limit:
        return RunPage(rows=tuple(rows[:limit]), after=rows[limit - 1].id)
    return RunPage(rows=tuple(rows), after=stopped_at, searched_to=recorded_at(stopped_at) if stopped_at else None)


@dataclass(frozen=True, slots=True)
class Found:
    """What a look came back with."""

    rows: Sequence[RunRow]
    """The newest, one more than a page holds at most."""
    stopped_at: int
    """The last run that it may look at; 0 when there are no more."""
    beside: tuple[int, ...]
    """What else was asked, each a number."""


def look(wanted: Filter, after: int, limit: int, *, driver: str, beside: Sequence[Part] = ()) -> Found:
    """The runs of a page, through the index of one part of the filter, newest first, of ``SEARCHED`` at most.

    It is one query, which stops as soon as the page is full. It first goes down the index alone, to where it may look.

    Args:
        beside: questions that are answered with a number by the way.
    """
    source, parts = source_of(wanted, driver)
    parts += before(after, driver)
    rest = remaining(wanted, driver)
    order = order_of(driver)
    edge = Part("NULL")
    if rest:
        edge = Part(
            f"(SELECT {order} FROM {index_of(wanted, driver)[0]} WHERE {joined(parts)} ORDER BY {order} DESC LIMIT 1 OFFSET %s)",
            (*values_of(parts), SEARCHED - 1),
        )
        parts.append(Part(f"{order} >= (SELECT coalesce(far.edge, 0) FROM far)"))
    asked = [Part(f"{edge.sql} AS edge", edge.values)]
    asked += [Part(f"{each.sql} AS beside_{number}", each.values) for number, each in enumerate(beside)]
    statement = (
        f"WITH far AS (SELECT {', '.join(each.sql for each in asked)}) "
        f"SELECT far.*, run.* FROM far LEFT JOIN (SELECT {SELECTED} FROM {source} "
        f"WHERE {joined([*parts, *unindexed(rest)])} ORDER BY {order} DESC LIMIT %s) AS run ON 1 = 1 ORDER BY run.id DESC"
    )
    with database().cursor() as cursor:
        cursor.execute(statement, [*values_of(asked), *values_of(parts), *values_of(rest), limit + 1])
        found = cursor.fetchall()
    told = found[0][: len(asked)]
    rows = [values[len(asked) :] for values in found]
    # A run that is not there is what the join leaves of a page without any.
    return Found([row_from(each) for each in rows if each[0] is not None], stopped_at=told[0] or 0, beside=told[1:])
