"""What the list of jobs shows: those in Redis that have not ended, and the runs of those that have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.activity.saved_view import views_for
from allegro_queue.dashboard.filters.keys import ARGUMENTS, KEYS, Key
from allegro_queue.dashboard.filters.pairs import pairs_of
from allegro_queue.dashboard.filters.state_words import units
from allegro_queue.dashboard.filters.terms import Problem, Term, typed
from allegro_queue.dashboard.jobs.acts import JobAct, acts_on_many
from allegro_queue.dashboard.jobs.asked import has_silenced, read_asked, read_names
from allegro_queue.dashboard.jobs.lines import Line, Shown
from allegro_queue.dashboard.jobs.lists import from_lists
from allegro_queue.dashboard.jobs.query import JobQuery
from allegro_queue.dashboard.jobs.runs import MOST_COUNTED, from_runs
from allegro_queue.dashboard.jobs.search import Names, filter_of
from allegro_queue.dashboard.jobs.tabs import Tab, tabs_of
from allegro_queue.dashboard.jobs.words import ORDER, WHEN, about_list, hint_for, hints_for, rows_in_words, sentence_on
from allegro_queue.dashboard.page.formats import count
from allegro_queue.dashboard.page.links import link_to
from allegro_queue.history.counting import counts_by_outcome
from allegro_queue.history.found import have_runs
from allegro_queue.history.patience import counted
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import State
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded

STATE_VALUES = frozenset(state.value for state in State)

CHOICES = 100
"""Functions and tags to choose from."""

VIEWS_SHOWN = 12

NEWEST = gettext_noop("newest first")

TIMES = (
    ("", gettext_noop("any time")),
    ("<1h", gettext_noop("last hour")),
    ("<24h", gettext_noop("last 24 hours")),
    ("<7d", gettext_noop("last 7 days")),
)
"""What the form offers of ``age``."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drop:
    """One term, and the same list without it."""

    words: str
    address: str
    finds: bool = False
    """Whether it is known that there are some without it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class JobsPage:
    """Where is that job?"""

    sentence: str
    reach: str
    """How far a search looked; empty without one."""
    go_on: str
    """Address that looks further; empty when all was looked at."""
    count: str
    """Address that counts all that match; empty when they are counted."""
    notes: tuple[str, ...]
    problems: tuple[Problem, ...]
    slow: str
    """Which terms no index answers; empty when there are none."""
    tabs: tuple[Tab, ...]
    queues: tuple[str, ...]
    functions: tuple[str, ...]
    tags: tuple[str, ...]
    times: tuple[tuple[str, str], ...]
    hints: tuple[str, ...]
    """Terms that complete what is typed."""
    query: JobQuery
    chosen: Mapping[str, str]
    """Of the form's selects."""
    language: tuple[Key, ...]
    """What can be asked for."""
    hidden: tuple[tuple[str, str], ...]
    """What the form has no select for."""
    state: str
    state_words: str
    """What is listed, such as "failed jobs"."""
    lines: tuple[Line, ...]
    when: str
    order: str
    rows: str
    """Which rows are shown, in words; empty when there are none."""
    previous: str
    previous_words: str
    next: str
    acts: tuple[JobAct, ...]
    """What can be done to ticked rows, and to all that match."""
    still: str
    """Address of the jobs that are failed now; empty where that is not asked."""
    still_words: str
    empty: str
    """Why there are no rows; empty when there are some."""
    hint: str
    elsewhere: tuple[Tab, ...]
    """Other states that have jobs, for an empty list."""
    drops: tuple[Drop, ...]
    views: tuple[tuple[str, str], ...]
    """Saved views, each with its address."""
    export: str
    save: str


def read_jobs(stores: Stores, pulse: Pulse, query: JobQuery, *, who: str, with_form: bool = True) -> JobsPage:
    """One page of the list: four round trips to Redis after the pulse and six queries at most.

    Args:
        who: whose saved views are shown.
        with_form: whether there is anything to choose from; a refresh leaves the form as it is.
    """
    now = pulse.at
    queues = [queue.name for queue in pulse.queues]
    asked = read_asked(stores, query, queues, now=now)
    query, counts, source = asked.query, asked.counts, asked.source
    names = read_names(query, now=now, to_choose=with_form)
    by_outcome = counted(lambda: counts_by_outcome(most=MOST_COUNTED)) if not query.others else {}
    if source.lists:
        shown = from_lists(stores, query, queues, now)
    else:
        shown = from_runs(stores, query, queues, names, asked.history, by_outcome, now=now, has_silenced=has_silenced())
    return jobs_page(
        query,
        shown,
        to_blame=[]
        if shown.lines or source.lists or query.after
        else counted(lambda: to_blame(query, names, now=now)) or [],
        tabs=tabs_of(
            query, shown, counts, by_outcome, lists=source.lists and not query.is_still, on=asked.history.is_on
        ),
        queues=queues,
        names=names,
        note=source.note,
        failed=pulse.failed,
        views=[(view.name, link_to("jobs", parse_qsl(view.query))) for view in views_for(who)[:VIEWS_SHOWN]]
        if with_form
        else [],
    )


def times_with(chosen: str) -> tuple[tuple[str, str], ...]:
    """The times to choose from; one that was typed stands as it was typed."""
    times = tuple((value, gettext(words)) for value, words in TIMES)
    return times if chosen in dict(times) else (*times, (chosen, chosen))


MOST_BLAMED = 6
"""Terms of which it is asked whether there would be runs without them."""


def to_blame(query: JobQuery, names: Names, *, now: float) -> list[Term]:
    """The terms without which there would be runs; none where there is only one to drop."""
    terms = query.asked[:MOST_BLAMED] if len(query.asked) > 1 else ()
    others = [replace(query, terms=tuple(each for each in query.terms if each != term)) for term in terms]
    zone = timezone.get_current_timezone()
    found = have_runs([filter_of(each, names, now=now, zone=zone, has_silenced=False).filter for each in others])
    return [term for term, has_some in zip(terms, found, strict=True) if has_some]


def jobs_page(
    query: JobQuery,
    shown: Shown,
    *,
    to_blame: Sequence[Term],
    tabs: Sequence[Tab],
    queues: Sequence[str],
    names: Names,
    note: str,
    failed: int,
    views: Sequence[tuple[str, str]],
) -> JobsPage:
    """The page, from what was read."""
    problems = list(query.problems)
    if shown.offset_pages and query.page > shown.offset_pages:
        problems.append(
            Problem(
                words=worded(
                    gettext("There is no page {page}; the last one is {last}."),
                    page=count(query.page),
                    last=count(shown.offset_pages),
                )
            )
        )
    chosen = {key: query.one(key) for key in ("queue", "func", "tag", "age")}
    selects = [Term(key=key, values=(value,)) for key, value in chosen.items() if value]
    runs = shown.unit == "run"
    state = State(shown.state) if shown.state in STATE_VALUES else None
    # All that is failed now, in one queue or in all of them.
    queue_terms = [term for term in query.terms if term.key == "queue"]
    is_whole = query.is_plain and len(queue_terms) == bool(query.one("queue"))
    has_all = is_whole and not runs and shown.count > len(shown.lines)
    every = {"queue": query.one("queue"), "next": link_to("jobs", query.pairs)}
    acts_on_state = state if not runs else State.FAILED
    previous, following = pages(query, shown)
    return JobsPage(
        sentence=sentence_on(query, shown),
        reach=shown.reach,
        go_on=following if shown.stopped else "",
        count="" if shown.is_exact else link_to("job_count", query.pairs),
        notes=tuple(each for each in (note, *shown.notes) if each),
        problems=tuple(problems),
        slow=shown.slow,
        tabs=tuple(tabs),
        queues=tuple(queues),
        functions=with_chosen(names.functions[:CHOICES], chosen["func"]),
        tags=with_chosen(names.tags[:CHOICES], chosen["tag"]),
        times=times_with(chosen["age"]),
        hints=hints_for(queues, names),
        query=query,
        chosen=chosen,
        language=tuple(replace(key, says=gettext(key.says)) for key in (*KEYS.values(), ARGUMENTS)),
        hidden=tuple(pairs_of(term for term in query.terms if term not in selects)),
        state=shown.state,
        state_words=units(shown.state, shown.unit, 2),
        lines=shown.lines,
        when=gettext("Ended") if state is None or runs else gettext(WHEN[state]),
        order=gettext(ORDER.get(state, NEWEST) if state and not runs else NEWEST),
        rows=rows_in_words(query, shown),
        previous=previous,
        previous_words=gettext("Newest") if runs else gettext("Previous 50"),
        next="" if shown.stopped else following,
        acts=acts_on_many(acts_on_state, every, has_more=has_all)
        if acts_on_state is not None and any(line.acts for line in shown.lines)
        else (),
        still=link_to("jobs", pairs_of(STILL)) if runs and failed and "failed" in query.states else "",
        still_words=worded(
            ngettext("{n} job is failed now and can be retried", "{n} jobs are failed now and can be retried", failed),
            n=count(failed),
        ),
        empty=worded(
            about_list(query, gettext("No {jobs}"), gettext("No {jobs} in {queue}"), gettext("No {jobs} that match")),
            jobs=units(shown.state, shown.unit, 0),
            queue=query.one("queue"),
        )
        if not shown.lines
        else "",
        hint=hint_for(shown.state, bool(query.asked)),
        elsewhere=tuple(tab for tab in tabs if tab.count not in ("", "0") and not tab.current),
        drops=tuple(
            Drop(words=typed([term]), address=link_to("jobs", query.without(term)), finds=term in to_blame)
            for term in sorted(query.asked, key=lambda term: term not in to_blame)
        ),
        views=tuple(views),
        export=link_to("export", query.pairs),
        save=link_to("saved_views", query.pairs),
    )


STILL = (Term(key="state", values=("failed",)), Term(key="still", values=("yes",)))


def with_chosen(names: Sequence[str], chosen: str) -> tuple[str, ...]:
    """Names to choose from, the chosen one among them."""
    return (*names, chosen) if chosen and chosen not in names else tuple(names)


def pages(query: JobQuery, shown: Shown) -> tuple[str, str]:
    """Addresses of the pages before and after."""
    if shown.unit == "run":
        newest = link_to("jobs", query.pairs) if query.after else ""
        return newest, link_to("jobs", [*query.pairs, ("after", shown.after)]) if shown.after else ""
    last = shown.offset_pages
    before, after = min(query.page - 1, last), query.page + 1
    return (
        link_to("jobs", [*query.pairs, ("page", before if before > 1 else "")]) if query.page > 1 else "",
        link_to("jobs", [*query.pairs, ("page", after)]) if query.page < last else "",
    )
