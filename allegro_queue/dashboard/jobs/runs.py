"""A page of runs from history; above its first, what a search finds among the jobs that have not ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, ngettext

from allegro_queue.dashboard.filters.keys import ALL
from allegro_queue.dashboard.jobs.lines import Line, Shown, line_of, line_of_run
from allegro_queue.dashboard.jobs.matcher import matcher_of
from allegro_queue.dashboard.jobs.query import PAGE_SIZE, JobQuery
from allegro_queue.dashboard.jobs.search import Names, can_ask_lists, filter_of, queues_of
from allegro_queue.dashboard.jobs.source import HistoryState
from allegro_queue.dashboard.page.formats import count, moment
from allegro_queue.dashboard.page.nouns import runs
from allegro_queue.history.counting import COUNTED, Matches, count_runs
from allegro_queue.history.filters import Filter
from allegro_queue.history.patience import counted
from allegro_queue.history.run_pages import SEARCHED, RunPage, find_runs
from allegro_queue.history.runs import RunRow
from allegro_queue.stores import Stores
from allegro_queue.wording import worded

LIVE_SHOWN = 20
"""Jobs that have not ended, above the runs of a search."""

MOST_COUNTED = 100_000


def from_runs(
    stores: Stores,
    query: JobQuery,
    queues: Sequence[str],
    names: Names,
    history: HistoryState,
    by_outcome: Mapping[str, Matches] | None,
    *,
    now: float,
    has_silenced: bool,
) -> Shown:
    """A page of runs; above its first page, what a search finds among the jobs that have not ended."""
    zone = timezone.get_current_timezone()
    wanted = filter_of(query, names, now=now, zone=zone, has_silenced=has_silenced)
    page = find_runs(wanted.filter, after=query.after, limit=PAGE_SIZE)
    is_all = query.states == (ALL,)
    live: list[Line] = []
    notes = list(wanted.unknown)
    if is_all and query.others and not query.after and can_ask_lists(query):
        rows, _ = stores.jobs.search_live(queues_of(query, queues), matcher_of(query, now=now))
        live = [line_of(row, None, now) for row in rows[:LIVE_SHOWN]]
        if len(rows) > LIVE_SHOWN:
            notes.append(
                worded(
                    ngettext(
                        "{n} job that has not ended matches; the first {shown} are shown.",
                        "{n} jobs that have not ended match; the first {shown} are shown.",
                        len(rows),
                    ),
                    n=count(len(rows)),
                    shown=LIVE_SHOWN,
                )
            )
    total = total_of(wanted.filter, page, by_outcome, after=query.after, kept=history.runs)
    return Shown(
        state=",".join(query.states),
        lines=(*live, *run_lines(stores, page.rows)),
        total=str(total) if total else "",
        count=(total.count if total else len(page.rows)) + len(live),
        is_more=total.is_more if total else True,
        is_exact=total is not None and not total.is_more,
        unit="run",
        reach=reach_of(page, history, after=query.after),
        after=page.after,
        stopped=page.searched_to is not None,
        slow=slow_words(wanted.slow),
        notes=tuple(notes),
    )


def total_of(
    wanted: Filter, page: RunPage, by_outcome: Mapping[str, Matches] | None, *, after: int, kept: int
) -> Matches | None:
    """How many match, where that is cheap to say; ``None`` also when the database took too long to count them.

    Args:
        kept: all runs that there are, by the collector's own count.
    """
    if wanted == Filter():
        return Matches(kept, is_more=False)
    if not page.after and not after:
        return Matches(len(page.rows), is_more=False)
    if page.searched_to is not None:
        return None
    if len(wanted.outcomes) == 1 and wanted == Filter(outcomes=wanted.outcomes) and by_outcome:
        return by_outcome[wanted.outcomes[0]]
    if wanted.driver == "text":
        # To count them costs as much as to find them, where a word is common.
        return Matches(len(page.rows), is_more=True) if page.after and not after else None
    # Counting one index is quick; whatever else is asked, each run has to be looked at.
    return counted(lambda: count_runs(wanted, most=MOST_COUNTED if is_one_index(wanted) else COUNTED))


def is_one_index(wanted: Filter) -> bool:
    """Whether one index alone answers it."""
    driver = wanted.driver
    given = [each.name for each in fields(Filter) if getattr(wanted, each.name) != getattr(Filter(), each.name)]
    return driver != "text" and given == [driver]


def slow_words(terms: Sequence[str]) -> str:
    """That these terms take long; empty when there are none."""
    if not terms:
        return ""
    return worded(
        gettext("No index answers {terms}: runs are looked at one by one, {n} at a time."),
        terms=", ".join(terms),
        n=count(SEARCHED),
    )


def reach_of(page: RunPage, history: HistoryState, *, after: int) -> str:
    """How far it looked, where it stopped before the page was full."""
    if page.searched_to is None:
        return ""
    text = (
        gettext("Searched {n} more of {runs}, newest first, back to {time}.")
        if after
        else gettext("Searched {n} of {runs}, newest first, back to {time}.")
    )
    since = date_format(timezone.localtime(moment(page.searched_to)), "j M H:i:s")
    return worded(text, n=count(SEARCHED), runs=runs(history.runs), time=since)


def run_lines(stores: Stores, runs: Sequence[RunRow]) -> list[Line]:
    """Runs as the list shows them; with what has become of the failed ones' jobs since."""
    failed = dict.fromkeys(run.job_id for run in runs if run.outcome in ("failed", "lost"))
    now_rows = {row.id: row for row in stores.jobs.rows(list(failed))} if failed else {}
    ticked: set[str] = set()
    lines = []
    for run in runs:
        row = now_rows.get(run.job_id) if run.outcome in ("failed", "lost") else None
        # A job that failed twice is ticked once.
        lines.append(line_of_run(run, row, may_act=run.job_id not in ticked))
        ticked.add(run.job_id)
    return lines
