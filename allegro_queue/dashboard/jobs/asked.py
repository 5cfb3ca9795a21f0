"""What a query comes to before anybody answers it: its state, who answers it, and the names that it may give in part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from allegro_queue.conf import horizon_settings
from allegro_queue.dashboard.jobs.query import JobQuery, with_default
from allegro_queue.dashboard.jobs.search import Names, queues_of
from allegro_queue.dashboard.jobs.source import HistoryState, Source, read_history_state, source_of
from allegro_queue.history.known_names import names_of_kinds
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A query, ready to be answered."""

    query: JobQuery
    """With a state where none was chosen."""
    counts: Mapping[State, int]
    """Of Redis' own lists, where nothing but state and queue is asked for."""
    history: HistoryState
    source: Source


def read_asked(stores: Stores, query: JobQuery, queues: Sequence[str], *, now: float) -> Asked:
    """Two round trips and a query at most."""
    counts = stores.jobs.counts(queues_of(query, queues)) if query.is_plain else {}
    query = with_default(query, counts)
    is_on = horizon_settings().history
    # Lists of jobs that have not ended need no word on history.
    history = (
        HistoryState(is_on=is_on, runs=1)
        if query.is_live or query.is_still
        else read_history_state(stores, is_on=is_on, now=now)
    )
    return Asked(query=query, counts=counts, history=history, source=source_of(query, history))


def read_names(query: JobQuery, *, now: float, to_choose: bool = False) -> Names:
    """The names that something ran under lately, as far as they are needed: one query, or none.

    Args:
        to_choose: whether functions and tags are offered, beside what the query itself may give in part.
    """
    asked = {term.key for term in query.terms}
    kinds = (
        *(("job",) if to_choose or "func" in asked else ()),
        *(("tag",) if to_choose else ()),
        *(("error",) if "error" in asked else ()),
    )
    found = names_of_kinds(kinds, now=now) if kinds else {}
    return Names(
        functions=tuple(found.get("job", ())),
        tags=tuple(found.get("tag", ())),
        exceptions=tuple(found.get("error", ())),
    )


def has_silenced() -> bool:
    """Whether some jobs are silenced."""
    settings = horizon_settings()
    return bool(settings.silenced or settings.silenced_tags)
