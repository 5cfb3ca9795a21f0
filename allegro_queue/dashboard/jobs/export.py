"""A list of jobs as a file: CSV, JSON or a JSON object a line, written while it is read. No more of it is in memory than a
page."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from django.utils import timezone
from django.utils.translation import gettext

from allegro_queue.dashboard.filters.keys import ALL
from allegro_queue.dashboard.filters.state_words import units
from allegro_queue.dashboard.jobs.asked import has_silenced, read_asked, read_names
from allegro_queue.dashboard.jobs.matcher import matcher_of
from allegro_queue.dashboard.jobs.query import JobQuery
from allegro_queue.dashboard.jobs.search import filter_of, queues_of
from allegro_queue.dashboard.jobs.terms import shown_tags
from allegro_queue.dashboard.jobs.words import about_list
from allegro_queue.dashboard.page.files import FILE_SECONDS
from allegro_queue.dashboard.page.formats import count
from allegro_queue.dashboard.page.links import link_to
from allegro_queue.history.filters import Filter
from allegro_queue.history.patience import patience
from allegro_queue.history.run_pages import find_runs
from allegro_queue.history.runs import RunRow
from allegro_queue.masking import masked
from allegro_queue.stores import Stores
from allegro_queue.stores.job_records import JobRow
from allegro_queue.stores.jobs import State
from allegro_queue.stores.pulse import Pulse
from allegro_queue.tellings import Telling, one_after_another, telling, telling_of
from allegro_queue.wording import worded

MOST_ROWS = 50_000
"""Rows of a file; the newest ones."""

AT_ONCE = 2_000
"""Rows that are read at a time."""

FORMATS = {
    "csv": ("CSV", "text/csv; charset=utf-8"),
    "json": ("JSON", "application/json"),
    "ndjson": ("NDJSON", "application/x-ndjson"),
}
"""Name and content type by the ending of the file."""

COLUMNS = (
    "at", "state", "job_id", "function", "queue", "tenant", "tags", "attempt", "wait_seconds", "run_seconds", "error",
    "message", "worker", "host", "batch", "version",
)  # fmt: skip
PAYLOAD = ("arguments",)
"""Columns for those alone who may see payloads."""

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Beginnings of a cell that spreadsheets take for a formula, or pass over to find one."""

Row = dict[str, object]


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportPage:
    """Export these?"""

    sentence: str
    query: JobQuery
    most: str
    formats: tuple[tuple[str, str], ...]
    back: str
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    has_arguments: bool
    """Whether what is exported has arguments: runs have, jobs in Redis' lists have not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is to be written, found out before the first byte is sent."""

    query: JobQuery
    rows: Callable[[], Iterator[Row]]
    note: str
    has_arguments: bool


def read_export(stores: Stores, pulse: Pulse, query: JobQuery) -> ExportPage:
    """The page before the file."""
    plan = plan_export(stores, [queue.name for queue in pulse.queues], query, now=pulse.at)
    unit = "run" if plan.has_arguments else "job"
    state = ",".join(plan.query.states) or "failed"
    return ExportPage(
        sentence=worded(
            about_list(
                plan.query,
                gettext("Export {jobs}?"),
                gettext("Export {jobs} in {queue}?"),
                gettext("Export {jobs} that match?"),
            ),
            jobs=units(state, unit, 2),
            queue=plan.query.one("queue"),
        ),
        query=plan.query,
        most=count(MOST_ROWS),
        formats=tuple((ending, name) for ending, (name, _) in FORMATS.items()),
        back=link_to("jobs", query.pairs),
        problems=tuple(str(each) for each in query.problems),
        notes=(plan.note,) if plan.note else (),
        has_arguments=plan.has_arguments,
    )


def plan_export(stores: Stores, queues: Sequence[str], query: JobQuery, *, now: float) -> Plan:
    """Which source answers, as for the list itself."""
    asked = read_asked(stores, query, queues, now=now)
    query = replace(asked.query, after=0, page=1)
    if asked.source.lists:
        return Plan(
            query=query,
            rows=lambda: listed_rows(stores, query, queues, now),
            note=asked.source.note,
            has_arguments=False,
        )
    names, zone = read_names(query, now=now), timezone.get_current_timezone()
    wanted = filter_of(query, names, now=now, zone=zone, has_silenced=has_silenced())
    return Plan(query=query, rows=lambda: run_rows(wanted.filter), note=asked.source.note, has_arguments=True)


def run_rows(wanted: Filter) -> Iterator[Row]:
    """Runs, newest first, until there are no more.

    Raises:
        TookTooLong: the database did not give the next ones in time.
    """
    after = 0
    while True:
        # Not around what is given on: a reader who fetches the file slowly takes none of the database's time.
        with patience(FILE_SECONDS, counting=FILE_SECONDS):
            page = find_runs(wanted, after=after, limit=AT_ONCE)
        yield from map(run_row, page.rows)
        after = page.after
        if not after:
            return


def run_row(run: RunRow) -> Row:
    return {
        "at": iso(run.ended_at),
        "state": "finished" if run.outcome == "succeeded" else run.outcome,
        "job_id": run.job_id,
        "function": run.name,
        "queue": run.queue,
        "tenant": run.tenant,
        "tags": list(run.tags),
        "attempt": run.attempt,
        "wait_seconds": rounded(run.wait_seconds),
        "run_seconds": rounded(run.run_seconds),
        "error": run.exception,
        "message": run.message,
        "worker": run.worker,
        "host": run.host,
        "batch": run.batch,
        "version": run.version,
        "arguments": run.arguments,
    }


def listed_rows(stores: Stores, query: JobQuery, queues: Sequence[str], now: float) -> Iterator[Row]:
    """Jobs of one of Redis' lists, in its order. A list may change while it is read; no job is written twice."""
    named = query.states[0] if query.states and query.states[0] != ALL else "failed"
    wanted, test, seen, offset = queues_of(query, queues), matcher_of(query, now=now), set[str](), 0
    while True:
        rows, total = stores.jobs.page(State(named), wanted, offset, AT_ONCE)
        for row in rows:
            if row.id not in seen and test.holds(row):
                seen.add(row.id)
                yield listed_row(row, State(named))
        offset += AT_ONCE
        if offset >= total:
            return


def listed_row(row: JobRow, state: State) -> Row:
    at = {State.WAITING: row.enqueued_at, State.RUNNING: row.started_at, State.SCHEDULED: row.due_at}.get(
        state, row.ended_at or row.created_at
    )
    return {
        "at": iso(at),
        "state": state.value,
        "job_id": row.id,
        "function": row.name,
        "queue": row.queue,
        "tenant": row.terms.tenant,
        "tags": shown_tags(row.terms.tags),
        "attempt": row.attempt,
        "wait_seconds": rounded(row.wait_seconds),
        "run_seconds": rounded(row.run_seconds),
        "error": "",
        "message": masked(row.error),
        "worker": row.worker,
        "host": "",
        "batch": row.terms.batch,
        "version": "",
        "arguments": "",
    }


def iso(unix: float | None) -> str:
    """In UTC, for programs."""
    return datetime.fromtimestamp(unix, UTC).isoformat(timespec="milliseconds") if unix is not None else ""


def rounded(seconds: float | None) -> float | None:
    return round(seconds, 3) if seconds is not None else None


# ---------------------------------------------------------------------------------------------------------- Writing


def written(rows: Iterable[Row], ending: str, columns: Sequence[str]) -> Iterator[str]:
    """The file, piece by piece."""
    if ending == "csv":
        yield csv_line(columns)
        for row in rows:
            yield csv_line([cell(row[column]) for column in columns])
    elif ending == "ndjson":
        for row in rows:
            yield json_of(row, columns) + "\n"
    else:
        before = "[\n"
        for row in rows:
            yield before + json_of(row, columns)
            before = ",\n"
        yield "[]\n" if before == "[\n" else "\n]\n"


def json_of(row: Row, columns: Sequence[str]) -> str:
    return json.dumps({column: row[column] for column in columns}, ensure_ascii=False)


def csv_line(cells: Sequence[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def cell(value: object) -> str:
    """A cell that no spreadsheet runs: text that looks like the start of a formula has a quote before it."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return str(value)
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def name_of_file(query: JobQuery, ending: str, now: float) -> str:
    """Such as ``horizon-failed-2026-11-24T1405.csv``."""
    state = "-".join(query.states) or "jobs"
    return f"horizon-{state}-{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H%M}Z.{ending}"


def told_of(number: int, ending: str, *, whole: bool, with_arguments: bool) -> Telling:
    """What was written, for the journal."""
    form = FORMATS[ending][0]
    said = [
        telling_of(
            "Exported {n} row with arguments as {format}.",
            "Exported {n} rows with arguments as {format}.",
            number,
            format=form,
        )
        if with_arguments
        else telling_of("Exported {n} row as {format}.", "Exported {n} rows as {format}.", number, format=form)
    ]
    if number >= MOST_ROWS:
        said.append(telling("These are the newest {n}, as many as a file holds.", n=MOST_ROWS))
    if not whole:
        said.append(telling("It was broken off there."))
    return one_after_another(*said)
