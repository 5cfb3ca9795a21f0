"""Which of the two answers a query: Redis' own lists, or history. Whoever reads is told when history cannot be trusted."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from allegro_queue.dashboard.jobs.query import JobQuery
from allegro_queue.dashboard.jobs.search import can_ask_lists
from allegro_queue.dashboard.page.formats import about
from allegro_queue.dashboard.page.nouns import runs
from allegro_queue.history.collected import Place, read_place
from allegro_queue.stores import Stores
from allegro_queue.stores.collecting import CollectorRecord, Stream, time_of
from allegro_queue.wording import worded

LAG = 60
"""Seconds that the collector may be behind before the lists of Redis are the better answer."""


def history_is_off() -> str:
    """Why no run is listed."""
    return gettext("History is switched off (HORIZON['history']), so runs are not kept.")


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryState:
    """How far history goes."""

    is_on: bool
    runs: int
    """Runs that are kept."""
    behind: int = 0
    """Runs that wait to be collected."""
    behind_seconds: float = 0.0
    """Age of what was collected last, when there is more to collect."""
    has_collector: bool = True
    trouble: str = ""

    @property
    def lags(self) -> bool:
        return self.behind > 0 and self.behind_seconds > LAG

    @property
    def note(self) -> str:
        """What a reader of runs must know; empty when there is nothing."""
        if not self.is_on:
            return history_is_off()
        if not self.lags:
            return ""
        text = gettext("History is {runs} and {time} behind.")
        if self.trouble:
            text = gettext("History is {runs} and {time} behind ({trouble}).")
        elif not self.has_collector:
            text = gettext("History is {runs} and {time} behind, and no collector runs (manage.py horizon starts one).")
        return worded(text, runs=runs(self.behind), time=about(self.behind_seconds), trouble=self.trouble)


def read_history_state(stores: Stores, *, is_on: bool, now: float) -> HistoryState:
    """One round trip, one query."""
    collector, stream = stores.collecting.standing()
    return history_state(read_place(), collector, stream, is_on=is_on, now=now)


def history_state(
    place: Place, collector: CollectorRecord | None, stream: Stream, *, is_on: bool, now: float
) -> HistoryState:
    """From what was read."""
    # A stream that was begun anew is read from its start.
    read = place.read if place.read <= stream.added else 0
    behind = max(stream.added - read, 0) if stream.last != place.position else 0
    last = time_of(place.position) if read else (time_of(stream.first) if stream.first else now)
    return HistoryState(
        is_on=is_on,
        runs=place.runs,
        behind=behind,
        behind_seconds=max(now - last, 0.0) if behind else 0.0,
        has_collector=collector is not None,
        trouble=collector.trouble_telling.words if collector else "",
    )


@dataclass(frozen=True, slots=True)
class Source:
    """Who answers."""

    lists: bool
    """Redis' lists; else history."""
    note: str = ""
    """Why it is not the other one, or what may be missing."""


def source_of(query: JobQuery, history: HistoryState) -> Source:
    """Who answers a query."""
    if query.is_live or query.is_still:
        return Source(lists=True)
    listed = query.states in ((), ("finished",), ("failed",), ("all",)) and can_ask_lists(query)
    if listed and (not history.is_on or history.lags):
        return Source(lists=True, note=history.note + " " + gettext("This is what Redis still lists."))
    if listed and not history.runs:
        return Source(lists=True)
    return Source(lists=False, note=history.note)
