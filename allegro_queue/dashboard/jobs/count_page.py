"""How many jobs match? The page that counts them to the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext

from allegro_queue.dashboard.filters.keys import ALL
from allegro_queue.dashboard.filters.state_words import counted_units
from allegro_queue.dashboard.jobs.asked import has_silenced, read_asked, read_names
from allegro_queue.dashboard.jobs.counting import Counted, count_of_listed, count_of_runs
from allegro_queue.dashboard.jobs.lists import SEARCH_ORDER
from allegro_queue.dashboard.jobs.matcher import matcher_of
from allegro_queue.dashboard.jobs.query import JobQuery
from allegro_queue.dashboard.jobs.search import filter_of, queues_of
from allegro_queue.dashboard.jobs.words import about_list
from allegro_queue.dashboard.page.formats import about, count, moment
from allegro_queue.dashboard.page.links import link_to
from allegro_queue.dashboard.page.nouns import jobs, runs
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded


@dataclass(frozen=True, kw_only=True, slots=True)
class CountPage:
    """How many?"""

    sentence: str
    reach: str
    """How far it counted."""
    filter: str
    """What was asked for, as it is typed."""
    notes: tuple[str, ...]
    back: str
    """Address of the list."""


def read_count(stores: Stores, pulse: Pulse, query: JobQuery) -> CountPage:
    """The count, within the time that ``job_counting`` takes."""
    queues = [queue.name for queue in pulse.queues]
    asked = read_asked(stores, query, queues, now=pulse.at)
    query = asked.query
    unknown: tuple[str, ...] = ()
    if asked.source.lists:
        unit, counted = "job", in_lists(stores, query, queues, now=pulse.at)
    else:
        names, zone = read_names(query, now=pulse.at), timezone.get_current_timezone()
        wanted = filter_of(query, names, now=pulse.at, zone=zone, has_silenced=has_silenced())
        unit, counted, unknown = "run", count_of_runs(wanted.filter), wanted.unknown
    state = ",".join(query.states) or State.FAILED.value
    text = (
        about_list(query, gettext("{jobs}."), gettext("{jobs} in {queue}."), gettext("{jobs} that match."))
        if counted.is_whole
        else about_list(
            query,
            gettext("At least {jobs}."),
            gettext("At least {jobs} in {queue}."),
            gettext("At least {jobs} that match."),
        )
    )
    return CountPage(
        sentence=worded(text, jobs=counted_units(state, unit, counted.number), queue=query.one("queue")),
        reach=reach_of(counted, at=pulse.at),
        filter=query.box,
        notes=tuple(each for each in (asked.source.note, *unknown, *map(str, query.problems)) if each),
        back=link_to("jobs", query.pairs),
    )


def in_lists(stores: Stores, query: JobQuery, queues: Sequence[str], *, now: float) -> Counted:
    """Jobs in the lists of the states that are asked for."""
    named = [State(each) for each in query.states if each != ALL] or (
        [State.FAILED] if query.is_still else SEARCH_ORDER
    )
    wanted = None if query.is_plain else matcher_of(query, now=now)
    return count_of_listed(stores, named, queues_of(query, queues), wanted)


def reach_of(counted: Counted, *, at: float) -> str:
    """How far it counted."""
    if counted.is_whole:
        return worded(gettext("Counted to the end at {time}."), time=local(at, "H:i:s"))
    spent = about(counted.seconds)
    if counted.back_to is None:
        text = gettext("Counting stopped after {spent}: {n} of {jobs} had been looked at.")
        return worded(text, spent=spent, n=count(counted.looked_at), jobs=jobs(counted.of))
    text = gettext("Counting stopped after {spent}: {runs} had been looked at, newest first, back to {time}.")
    return worded(text, spent=spent, runs=runs(counted.looked_at), time=local(counted.back_to, "j M H:i:s"))


def local(unix: float, form: str) -> str:
    return date_format(timezone.localtime(moment(unix)), form)
