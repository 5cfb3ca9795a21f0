"""A page of jobs from Redis' own lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.utils.translation import gettext

from allegro_queue.dashboard.filters.keys import ALL
from allegro_queue.dashboard.filters.state_words import counted_units, units
from allegro_queue.dashboard.jobs.lines import Shown, line_of
from allegro_queue.dashboard.jobs.matcher import matcher_of
from allegro_queue.dashboard.jobs.query import PAGE_SIZE, JobQuery
from allegro_queue.dashboard.jobs.search import queues_of
from allegro_queue.dashboard.page.formats import count
from allegro_queue.stores import Stores
from allegro_queue.stores.job_records import JobRow
from allegro_queue.stores.jobs import SEARCHED, State
from allegro_queue.wording import worded

SEARCH_ORDER = (State.FAILED, State.RUNNING, State.WAITING, State.FINISHED, State.SCHEDULED, State.DEFERRED)
"""Where a search looks first when no state is chosen and there is no history."""


def from_lists(stores: Stores, query: JobQuery, queues: Sequence[str], now: float) -> Shown:
    """A page of one of Redis' lists."""
    wanted = queues_of(query, queues)
    named = query.states[0] if query.states and query.states[0] != ALL else "failed" if query.is_still else ""
    if query.is_plain and named:
        state = State(named)
        rows, total = stores.jobs.page(state, wanted, query.offset, PAGE_SIZE)
        return listed(query, state, rows, total, "", now)
    test = matcher_of(query, now=now)
    for state in [State(named)] if named else SEARCH_ORDER:
        found = stores.jobs.search(state, wanted, test, query.offset, PAGE_SIZE)
        if found.matches or named:
            break
    if not named and not found.matches:
        reach = worded(gettext("Searched the first {n} jobs of each state."), n=count(SEARCHED))
    elif not found.total:
        reach = worded(gettext("There are no {jobs} at all."), jobs=units(state.value, "job", 0))
    elif found.searched < found.total:
        reach = worded(
            gettext("Searched the first {n} of {jobs}."),
            n=count(found.searched),
            jobs=counted_units(state.value, "job", found.total),
        )
    else:
        reach = worded(gettext("Searched all {jobs}."), jobs=counted_units(state.value, "job", found.total))
    is_exact = found.searched == found.total and bool(named)
    return replace(listed(query, state, found.rows, found.matches, reach, now), is_exact=is_exact)


def listed(query: JobQuery, state: State, rows: Sequence[JobRow], total: int, reach: str, now: float) -> Shown:
    return Shown(
        state=state.value,
        lines=tuple(line_of(row, state, now) for row in rows),
        total=count(total),
        count=total,
        reach=reach,
        offset_pages=max((total + PAGE_SIZE - 1) // PAGE_SIZE, 1),
    )
