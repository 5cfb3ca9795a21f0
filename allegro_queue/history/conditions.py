"""From a filter to SQL: the table and the index that a page is found by, and what each row is asked besides. Pure but for
the database's kind."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from allegro_queue.history.database import database
from allegro_queue.history.filters import Also, Filter
from allegro_queue.history.rows import first_id_at
from allegro_queue.history.run_rows import RUNS, TAGS
from allegro_queue.history.search_index import LONGEST_BEGINNING, WORDS_TABLE

COMPARED = {
    **{
        each: f"run.{each} = %s"
        for each in (
            "queue",
            "name",
            "tenant",
            "batch",
            "exception",
            "fingerprint",
            "job_id",
            "worker",
            "host",
            "outcome",
        )
    },
    "word": "(' ' || run.words) LIKE %s ESCAPE '\\'",
    "text": "lower(run.name || '\n' || run.message || '\n' || run.tags) LIKE %s ESCAPE '\\'",
    "argument": "run.arguments LIKE %s ESCAPE '\\'",
    "attempt": "run.attempt",
    "run_seconds": "(run.ended_at - run.started_at)",
    "wait_seconds": "(CASE WHEN run.enqueued_at > 0 THEN run.started_at - run.enqueued_at END)",
}
"""How each is compared, with a value or, for numbers, with its bounds."""

PATTERNS = {"word": "% {}%", "text": "%{}%", "argument": "%{}%"}
"""What a value becomes for LIKE, where it is not compared as it is."""


@dataclass(frozen=True, slots=True)
class Part:
    """A condition of a statement."""

    sql: str
    values: tuple[Any, ...] = ()


def order_of(driver: str) -> str:
    """The column that a page is ordered by, where its index is."""
    if driver == "text":
        # PostgreSQL would go back through all runs and take their words apart, were the order an index's.
        return "word.rowid" if database().vendor == "sqlite" else "(run.id + 0)"
    return "tagged.run_id" if driver == "tag" else "run.id"


def source_of(wanted: Filter, driver: str) -> tuple[str, list[Part]]:
    """The tables that a page is found in, and the conditions that its index serves."""
    index, parts = index_of(wanted, driver)
    if driver == "tag":
        return f"{index} JOIN {RUNS} AS run ON run.id = tagged.run_id", parts
    if driver == "text" and database().vendor == "sqlite":
        return f"{index} CROSS JOIN {RUNS} AS run ON run.id = word.rowid", parts
    return index, parts


def index_of(wanted: Filter, driver: str) -> tuple[str, list[Part]]:
    """The same without the runs themselves where the index is a table of its own: for how many it leads to, and how far.
    What is in it goes with its run."""
    source = f"{RUNS} AS run"
    parts = list(time_parts(wanted, id_in(driver)))
    if driver == "tag":
        source = f"{TAGS} AS tagged"
        parts.append(Part("tagged.tag = %s", (wanted.tag,)))
    elif driver == "text" and database().vendor == "sqlite":
        source = f"{WORDS_TABLE} AS word"
        beginnings = " AND ".join(f"{each[:LONGEST_BEGINNING]}*" for each in wanted.terms)
        parts.append(Part(f"{WORDS_TABLE} MATCH %s", (beginnings,)))
    elif driver == "text":
        parts.append(
            Part(
                "to_tsvector('simple', run.words) @@ to_tsquery('simple', %s)",
                (" & ".join(f"{each}:*" for each in wanted.terms),),
            )
        )
    elif driver:
        parts += conditions(wanted, only=driver)
        if driver in ("batch", "tenant", "exception", "fingerprint"):
            # The index holds only runs that have one; SQLite takes it when the same words are in the question.
            parts.append(Part(f"NOT (run.{driver} = '')"))
    return source, parts or [Part("1 = 1")]


def id_in(driver: str) -> str:
    """Where a run's id stands in an index."""
    return "run.id" if driver == "text" and database().vendor != "sqlite" else order_of(driver)


def time_parts(wanted: Filter, number: str) -> Iterator[Part]:
    """The bounds of time, as bounds of ids."""
    if wanted.since:
        yield Part(f"{number} >= %s", (first_id_at(wanted.since),))
    if wanted.until:
        yield Part(f"{number} < %s", (first_id_at(wanted.until),))


def before(after: int, driver: str) -> list[Part]:
    """What the pages before this one have not shown; 0 for the first."""
    return [Part(f"{id_in(driver)} < %s", (after,))] if after else []


def conditions(wanted: Filter, *, only: str = "", without: str = "") -> Iterator[Part]:
    """What is asked for, as conditions on a row."""
    for part in ("job_id", "batch", "tenant", "exception", "fingerprint", "name", "queue", "worker", "host"):
        value = getattr(wanted, part)
        if value and part != without and only in ("", part):
            yield Part(f"run.{part} = %s", (value,))
    if wanted.outcomes and without != "outcomes" and only in ("", "outcomes"):
        yield Part(f"run.outcome IN ({', '.join(['%s'] * len(wanted.outcomes))})", wanted.outcomes)
    if wanted.silenced is not None and without != "silenced" and only in ("", "silenced"):
        yield Part("run.silenced = %s", (wanted.silenced,))
    if only:
        return
    if wanted.tag and without != "tag":
        yield has_tag(wanted.tag)
    if without != "text":
        for term in wanted.terms:
            yield has_word(term)
    for also in wanted.also:
        yield also_part(also)


def remaining(wanted: Filter, driver: str) -> list[Part]:
    """What the index that a page is found by leaves open: each run is asked."""
    rest = list(conditions(wanted, without=driver))
    if driver == "text" and database().vendor == "sqlite":
        rest += [has_word(each) for each in wanted.terms if len(each) > LONGEST_BEGINNING]
    return rest


def has_word(term: str) -> Part:
    """That a word of the run begins like this."""
    return Part("(' ' || run.words) LIKE %s ESCAPE '\\'", (f"% {escaped(term)}%",))


def has_tag(tag: str) -> Part:
    """A run of this tag, letter by letter."""
    if database().vendor == "sqlite":
        # LIKE takes no notice of case there.
        return Part("instr('\n' || run.tags || '\n', %s) > 0", (f"\n{tag}\n",))
    return Part("('\n' || run.tags || '\n') LIKE %s ESCAPE '\\'", (f"%\n{escaped(tag)}\n%",))


def also_part(also: Also) -> Part:
    """A further condition. What is not known is neither within bounds nor, when they are excluded, beyond them."""
    values: tuple[Any, ...]
    if also.of == "tag":
        tags = [has_tag(str(each)) for each in also.values]
        either = " OR ".join(part.sql for part in tags)
        return Part(
            f"{'NOT ' if also.excluded else ''}({either})", tuple(value for part in tags for value in part.values)
        )
    compared = COMPARED[also.of]
    if also.values:
        pattern = PATTERNS.get(also.of)
        values = tuple(pattern.format(escaped(each)) if pattern else each for each in also.values)
        sql = " OR ".join([compared] * len(values))
    else:
        bounds = [(sign, each) for sign, each in ((">=", also.least), ("<=", also.most)) if each is not None]
        values = tuple(each for _, each in bounds)
        sql = " AND ".join(f"{compared} {sign} %s" for sign, _ in bounds) or "1 = 1"
    return Part(f"{'NOT ' if also.excluded else ''}({sql})", values)


def escaped(text: str) -> str:
    """A text without the wildcards of LIKE."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def joined(parts: Sequence[Part]) -> str:
    return " AND ".join(part.sql for part in parts)


def unindexed(parts: Sequence[Part]) -> list[Part]:
    """The same conditions, asked of each row: no database looks for an index that would answer them."""
    return [Part(f"({part.sql}) IS TRUE", part.values) for part in parts]


def values_of(parts: Sequence[Part]) -> list[Any]:
    """What a statement with these parts is given."""
    return [value for part in parts for value in part.values]
