"""The tabs above a list of jobs: a state each, with how many there are. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from allegro_queue.dashboard.filters.keys import ALL, ENDED, LIVE
from allegro_queue.dashboard.filters.state_words import state_words
from allegro_queue.dashboard.jobs.lines import Shown
from allegro_queue.dashboard.jobs.query import JobQuery
from allegro_queue.dashboard.jobs.search import OUTCOMES
from allegro_queue.dashboard.page.formats import count
from allegro_queue.dashboard.page.links import link_to
from allegro_queue.dashboard.page.names import capitalized
from allegro_queue.history.counting import Matches
from allegro_queue.stores.jobs import State


@dataclass(frozen=True, kw_only=True, slots=True)
class Tab:
    """One state with its count."""

    word: str
    count: str
    """Empty when it was not counted."""
    address: str
    current: bool


def tabs_of(
    query: JobQuery,
    shown: Shown,
    counts: Mapping[State, int],
    by_outcome: Mapping[str, Matches] | None,
    *,
    lists: bool,
    on: bool,
) -> tuple[Tab, ...]:
    """A tab for each state. With terms that would have to be searched for only the current one is counted."""
    current = query.states if shown.unit == "run" else (shown.state,)
    counted: dict[str, str] = {state.value: count(counts[state]) for state in counts if state.value in LIVE}
    # What was not counted in time stays empty: Redis' own number of those that ended is another one.
    if lists and by_outcome is not None and not sum(each.count for each in by_outcome.values()):
        counted |= {state.value: count(counts[state]) for state in counts if state.value not in LIVE}
    elif by_outcome:
        counted |= {state: str(by_outcome[outcome]) for state, outcome in OUTCOMES.items()}
        counts_all = by_outcome.values()
        counted[ALL] = str(
            Matches(sum(each.count for each in counts_all), is_more=any(each.is_more for each in counts_all))
        )
    if shown.total and len(current) == 1 and not query.is_still:
        counted[current[0]] = shown.total
    rare = {"deferred", "retried", "lost", "stopped"}
    return tuple(
        Tab(
            word=capitalized(state_words(each)),
            count=counted.get(each, ""),
            address=link_to("jobs", query.in_state(each)),
            current=each in current,
        )
        for each in (*LIVE, *ENDED, ALL)
        if each not in rare or each in current or counted.get(each, "0") != "0" or (on and query.others)
    )
