"""Runs by a filter, a page at a time.

A page is found through one index, named by the filter's most telling part (``Filter.driver``), newest first.
What else is asked is looked at row by row, ``SEARCHED`` rows a page at most, so that no page takes long: one that stopped
there says up to where it has looked, and its ``after`` goes on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from allegro_queue.history.conditions import before, joined, order_of, remaining, source_of
from allegro_queue.history.database import database
from allegro_queue.history.filters import Filter
from allegro_queue.history.rare_words import among_rare
from allegro_queue.history.rows import OUTCOMES, recorded_at
from allegro_queue.history.runs import LISTED, RunRow, row_from

# ruff: noqa: S608 - what is put into a statement is a constant of the library or of the model; values are parameters

PAGE = 50
SEARCHED = 20_000
"""Rows that one page looks at, at most."""

GLANCE = 2_000
"""Newest rows that are looked at first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPage:
    """One page of runs, newest first."""

    rows: tuple[RunRow, ...]
    after: int
    """Give it as ``after`` for the next page; 0 when this is the last."""
    searched_to: float | None = None
    """Up to when (Unix time, going back) it has looked, when it stopped before the page was full."""


def find_runs(wanted: Filter, *, after: int = 0, limit: int = PAGE) -> RunPage:
    """A page of runs.

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
        page = search(wanted, after, limit, driver=other, most=SEARCHED)
        if len(page.rows) == limit or not page.after:
            return page
        few = among_rare(wanted, after, limit)
        return page if few is None else page_of(few, limit)
    return search(wanted, after, limit, driver=wanted.driver, most=SEARCHED)


def page_of(found: Sequence[RunRow], limit: int) -> RunPage:
    """The page, of all that there are or of one more than it holds."""
    return RunPage(rows=tuple(found[:limit]), after=found[limit - 1].id if len(found) > limit else 0)


def search(wanted: Filter, after: int, limit: int, *, driver: str, most: int) -> RunPage:
    """A page found by one part of the filter; of runs that are looked at one by one, few at first, since a page is often
    full before long."""
    if remaining(wanted, driver):
        for few in (each for each in (GLANCE, 3 * GLANCE) if each < most):
            page = look(wanted, after, limit, driver=driver, most=few)
            if len(page.rows) == limit or page.searched_to is None:
                return page
    return look(wanted, after, limit, driver=driver, most=most)


LOOKED_AT = ", ".join(f"run.{each}" for each in (*LISTED, "words"))
"""What a condition may be about; not the traceback, which is long."""


def look(wanted: Filter, after: int, limit: int, *, driver: str, most: int) -> RunPage:
    """The page, of ``most`` runs at most."""
    source, parts = source_of(wanted, driver)
    parts += before(after)
    rest = remaining(wanted, driver)
    columns = ", ".join(f"run.{each}" for each in LISTED)
    values = [value for part in parts for value in part.values]
    order = f"WHERE {joined(parts)} ORDER BY {order_of(driver)} DESC LIMIT %s"
    if rest:
        inner = f"SELECT {LOOKED_AT} FROM {source} {order}"
        statement = f"SELECT {columns} FROM ({inner}) AS run WHERE {joined(rest)} ORDER BY run.id DESC LIMIT %s"
        values += [most, *(value for part in rest for value in part.values), limit + 1]
    else:
        statement, values = f"SELECT {columns} FROM {source} {order}", [*values, limit + 1]
    with database().cursor() as cursor:
        cursor.execute(statement, values)
        found = [row_from(each) for each in cursor.fetchall()]
        if len(found) > limit or not rest:
            return page_of(found, limit)
        # The page is not full: is there more to look at?
        cursor.execute(
            f"SELECT run.id FROM {source} WHERE {joined(parts)} ORDER BY {order_of(driver)} DESC LIMIT 1 OFFSET %s",
            [*(value for part in parts for value in part.values), most - 1],
        )
        last = cursor.fetchone()
    if last is None:
        return RunPage(rows=tuple(found), after=0)
    return RunPage(rows=tuple(found), after=last[0], searched_to=recorded_at(last[0]))
