"""What the list of jobs shows: those in Redis that have not ended, and the runs of those that have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils import timezone

from allegro_queue.conf import horizon_settings
from allegro_queue.dashboard.filter_terms import ALL, ARGUMENTS, ENDED, KEYS, LIVE, Key, Problem, Term, pairs_of, typed
from allegro_queue.dashboard.formats import count, moment, plural
from allegro_queue.dashboard.job_query import PAGE_SIZE, JobQuery
from allegro_queue.dashboard.job_search import OUTCOMES, Names, filter_of, is_plain, queues_of, test_of
from allegro_queue.dashboard.job_source import HistoryState, read_history_state, source_of
from allegro_queue.dashboard.links import link, link_to
from allegro_queue.dashboard.looks import Look, look_of
from allegro_queue.history.queries import (
    COUNTED,
    SEARCHED,
    Filter,
    Matches,
    RunPage,
    RunRow,
    count_runs,
    counts_by_outcome,
    exceptions_known,
    find_runs,
    names_of_kinds,
)
from allegro_queue.masking import masked
from allegro_queue.stores import Stores
from allegro_queue.stores.jobs import SEARCHED as LISTED
from allegro_queue.stores.jobs import JobRow, State
from allegro_queue.stores.pulse import Pulse

SEARCH_ORDER = (State.FAILED, State.RUNNING, State.WAITING, State.FINISHED, State.SCHEDULED, State.DEFERRED)
"""Where a search looks first when no state is chosen and there is no history."""

STATE_VALUES = frozenset(state.value for state in State)

LIVE_SHOWN = 20
"""Jobs that have not ended, above the runs of a search."""

CHOICES = 100
"""Functions and tags to choose from."""

MOST_COUNTED = 100_000

TAGS_SHOWN = 6

WHEN = {
    State.WAITING: "Queued",
    State.RUNNING: "Started",
    State.SCHEDULED: "Due",
    State.DEFERRED: "Created",
    State.FINISHED: "Ended",
    State.FAILED: "Ended",
}

ORDER = {State.WAITING: "next to run first", State.SCHEDULED: "soonest first"}

TIMES = (("", "any time"), ("<1h", "last hour"), ("<24h", "last 24 hours"), ("<7d", "last 7 days"))
"""What the form offers of ``age``."""

HINTS = {
    "waiting": "Whatever was queued has been taken by a worker.",
    "running": "No worker runs a job at this moment.",
    "scheduled": "Jobs that are to be queued later stand here; cron entries have a page of their own.",
    "deferred": "Jobs that wait for another job stand here.",
    "finished": "Finished jobs stay listed for a while; no job has finished in that time.",
    "failed": "Nothing failed in the time for which failed jobs are kept.",
    "retried": "Attempts that failed and were followed by another one stand here.",
    "lost": "No worker died with a job in its hands.",
    "stopped": "Nobody stopped a job.",
    "all": "No job has ended yet.",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Tab:
    """One state with its count."""

    word: str
    count: str
    """Empty when it was not counted."""
    address: str
    current: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One job or one run in the list."""

    id: str
    key: str
    """Tells this line from all others of the page."""
    name: str
    address: str
    queue: str
    tenant: str
    tenant_address: str
    tags: tuple[tuple[str, str], ...]
    """Each with the address of its jobs."""
    more_tags: int
    tries: str
    """Which attempt, of how many as far as that is known."""
    wait_seconds: float | None
    run_seconds: float | None
    when: float | None
    look: Look
    error: str = ""
    reason: str = ""
    """Why it was put off."""
    now_is: str = ""
    """What has become of its job since; empty when nothing has."""
    acts: bool = False
    """Whether it can be retried and deleted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Drop:
    """One term, and the same list without it."""

    words: str
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class JobsPage:
    """Where is that job?"""

    sentence: str
    reach: str
    """How far a search looked; empty without one."""
    go_on: str
    """Address that looks further; empty when all was looked at."""
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
    acts: bool
    """Whether some rows can be retried and deleted."""
    retry_all: str
    delete_all: str
    still: str
    """Address of the jobs that are failed now; empty where that is not asked."""
    still_words: str
    empty: str
    """Why there are no rows; empty when there are some."""
    hint: str
    elsewhere: tuple[Tab, ...]
    """Other states that have jobs, for an empty list."""
    drops: tuple[Drop, ...]
    export: str
    save: str


def read_jobs(stores: Stores, pulse: Pulse, query: JobQuery) -> JobsPage:
    """One page of the list: three round trips to Redis after the pulse at most but for a search of waiting jobs, seven
    queries."""
    settings = horizon_settings()
    now = pulse.at
    queues = [queue.name for queue in pulse.queues]
    counts = stores.jobs.counts(queues_of(query, queues)) if is_plain(query) else {}
    query = with_default(query, counts)
    # Lists of jobs that have not ended need no word on history.
    history = (
        HistoryState(is_on=settings.history, runs=1)
        if query.is_live or query.is_still
        else read_history_state(stores, is_on=settings.history, now=now)
    )
    kinds = names_of_kinds(("job", "tag"), now=now)
    names = Names(
        functions=tuple(kinds["job"]),
        tags=tuple(kinds["tag"]),
        exceptions=tuple(exceptions_known()) if any(term.key == "error" for term in query.terms) else (),
    )
    source = source_of(query, history)
    if source.lists:
        shown = from_lists(stores, query, queues, now)
    else:
        shown = from_runs(
            stores,
            query,
            queues,
            names,
            history,
            now=now,
            has_silenced=bool(settings.silenced or settings.silenced_tags),
        )
    by_outcome = counts_by_outcome(most=MOST_COUNTED) if not query.others else {}
    return jobs_page(
        query,
        shown,
        tabs=tabs_of(query, shown, counts, by_outcome, lists=source.lists and not query.is_still, on=settings.history),
        queues=queues,
        names=names,
        note=source.note,
        failed=pulse.failed,
        now=now,
    )


def with_default(query: JobQuery, counts: Mapping[State, int]) -> JobQuery:
    """With a state where none was chosen: what waits, or what is failed when nothing does; of a search, all."""
    if query.states or query.is_still:
        return query
    state = ALL
    still: tuple[Term, ...] = ()
    if is_plain(query):
        state = "failed" if counts[State.FAILED] and not counts[State.WAITING] else "waiting"
        still = (Term(key="still", values=("yes",)),) if state == "failed" else ()
    return replace(query, terms=(Term(key="state", values=(state,)), *query.terms, *still))


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """The rows, and how they were found."""

    state: str
    lines: tuple[Line, ...]
    total: str
    """In words; empty when it was not counted."""
    count: int
    is_more: bool = False
    unit: str = "job"
    reach: str = ""
    after: int = 0
    """Where the next page of runs begins."""
    stopped: bool = False
    """Whether it stopped looking before the page was full."""
    offset_pages: int = 0
    """Pages, of a list without a cursor."""
    slow: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


# ------------------------------------------------------------------------------------------------ From Redis' lists


def from_lists(stores: Stores, query: JobQuery, queues: Sequence[str], now: float) -> Shown:
    """A page of one of Redis' lists."""
    wanted = queues_of(query, queues)
    named = query.states[0] if query.states and query.states[0] != ALL else "failed" if query.is_still else ""
    if is_plain(query) and named:
        state = State(named)
        rows, total = stores.jobs.page(state, wanted, query.offset, PAGE_SIZE)
        return listed(query, state, rows, total, "", now)
    test = test_of(query, now=now)
    for state in [State(named)] if named else SEARCH_ORDER:
        found = stores.jobs.search(state, wanted, test, query.offset, PAGE_SIZE)
        if found.matches or named:
            break
    if not named and not found.matches:
        reach = f"Searched the first {count(LISTED)} jobs of each state."
    elif not found.total:
        reach = f"There are no {state} jobs at all."
    elif found.searched < found.total:
        reach = f"Searched the first {count(found.searched)} of {plural(found.total, f'{state} job')}."
    else:
        reach = f"Searched all {plural(found.total, f'{state} job')}."
    return listed(query, state, found.rows, found.matches, reach, now)


def listed(query: JobQuery, state: State, rows: Sequence[JobRow], total: int, reach: str, now: float) -> Shown:
    return Shown(
        state=state.value,
        lines=tuple(line_of(row, state, now) for row in rows),
        total=count(total),
        count=total,
        reach=reach,
        offset_pages=max((total + PAGE_SIZE - 1) // PAGE_SIZE, 1),
    )


def line_of(row: JobRow, state: State | None, now: float) -> Line:
    """One job as its list shows it."""
    status = row.status
    wait, run = row.wait_seconds, row.run_seconds
    if state is State.WAITING or (state is None and status == "queued"):
        wait, run = max(now - row.enqueued_at, 0.0) if row.enqueued_at is not None else wait, None
    if (state is State.RUNNING or (state is None and status == "started")) and row.started_at is not None:
        run = max(now - row.started_at, 0.0)
    when = {
        State.WAITING: row.enqueued_at,
        State.RUNNING: row.started_at,
        State.SCHEDULED: row.due_at,
        State.DEFERRED: row.created_at,
        None: row.due_at or row.started_at or row.enqueued_at or row.created_at,
    }.get(state, row.ended_at)
    return Line(
        id=row.id,
        key=row.id,
        name=row.name,
        address=link("job", job_id=row.id),
        queue=row.queue,
        tenant=row.terms.tenant,
        tenant_address=of_term("tenant", row.terms.tenant),
        tags=tuple((masked(tag), of_term("tag", tag)) for tag in row.terms.tags[:TAGS_SHOWN]),
        more_tags=max(len(row.terms.tags) - TAGS_SHOWN, 0),
        tries=f"{row.attempt} of {row.tries}",
        wait_seconds=wait,
        run_seconds=run,
        when=when,
        look=look_of(status),
        error=masked(row.error),
        reason=masked(row.reason) if status == "scheduled" else "",
        acts=state is State.FAILED,
    )


def of_term(key: str, value: str) -> str:
    """All that has it."""
    terms = [Term(key="state", values=(ALL,)), Term(key=key, values=(value,))]
    return link_to("jobs", pairs_of(terms)) if value else ""


# ------------------------------------------------------------------------------------------------------ From history


def from_runs(
    stores: Stores,
    query: JobQuery,
    queues: Sequence[str],
    names: Names,
    history: HistoryState,
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
    if is_all and query.others and not query.after and asks_live(query):
        rows, _ = stores.jobs.search_live(queues_of(query, queues), test_of(query, now=now))
        live = [line_of(row, None, now) for row in rows[:LIVE_SHOWN]]
        if len(rows) > LIVE_SHOWN:
            notes.append(f"{plural(len(rows), 'job')} that have not ended match; the first {LIVE_SHOWN} are shown.")
    total = total_of(wanted.filter, page, after=query.after)
    return Shown(
        state=",".join(query.states),
        lines=(*live, *run_lines(stores, page.rows)),
        total=str(total) if total else "",
        count=(total.count if total else len(page.rows)) + len(live),
        is_more=total.is_more if total else True,
        unit="run",
        reach=reach_of(page, history, after=query.after),
        after=page.after,
        stopped=page.searched_to is not None,
        slow=wanted.slow,
        notes=tuple(notes),
    )


def asks_live(query: JobQuery) -> bool:
    """Whether all of its terms can be asked of jobs that have not ended."""
    return all(not term.key or (term.key in KEYS and KEYS[term.key].live) for term in query.others)


def total_of(wanted: Filter, page: RunPage, *, after: int) -> Matches | None:
    """How many match, where that is cheap to say."""
    if not page.after and not after:
        return Matches(len(page.rows), is_more=False)
    if page.searched_to is not None:
        return None
    return count_runs(wanted, most=COUNTED if wanted.also else MOST_COUNTED)


def reach_of(page: RunPage, history: HistoryState, *, after: int) -> str:
    """How far it looked, where it stopped before the page was full."""
    if page.searched_to is None:
        return ""
    more = " more" if after else ""
    since = timezone.localtime(moment(page.searched_to))
    return (
        f"Searched {count(SEARCHED)}{more} of {plural(history.runs, 'run')}, newest first, back to "
        f"{since:%-d %b %H:%M:%S}."
    )


def run_lines(stores: Stores, runs: Sequence[RunRow]) -> list[Line]:
    """Runs as the list shows them; with what has become of the failed ones' jobs since."""
    failed = dict.fromkeys(run.job_id for run in runs if run.outcome in ("failed", "lost"))
    now_rows = {row.id: row for row in stores.jobs.rows(list(failed))} if failed else {}
    ticked: set[str] = set()
    lines = []
    for run in runs:
        row = now_rows.get(run.job_id) if run.outcome in ("failed", "lost") else None
        is_failed = row is not None and row.status == "failed"
        lines.append(
            Line(
                id=run.job_id,
                key=f"run-{run.id}",
                name=run.name,
                address=link("job", job_id=run.job_id),
                queue=run.queue,
                tenant=run.tenant,
                tenant_address=of_term("tenant", run.tenant),
                tags=tuple((tag, of_term("tag", tag)) for tag in run.tags[:TAGS_SHOWN]),
                more_tags=max(len(run.tags) - TAGS_SHOWN, 0),
                tries=f"{run.attempt} of {max(row.tries, run.attempt)}" if row else str(run.attempt),
                wait_seconds=run.wait_seconds,
                run_seconds=run.run_seconds,
                when=run.ended_at,
                look=look_of(run.outcome),
                error=f"{run.exception}: {run.message}".strip(": ") if run.fingerprint else "",
                now_is=look_of(row.status).word.lower() if row is not None and not is_failed else "",
                # A job that failed twice is ticked once.
                acts=is_failed and run.job_id not in ticked,
            )
        )
        ticked.add(run.job_id)
    return lines


# ---------------------------------------------------------------------------------------------------------- The page


def tabs_of(
    query: JobQuery,
    shown: Shown,
    counts: Mapping[State, int],
    by_outcome: Mapping[str, Matches],
    *,
    lists: bool,
    on: bool,
) -> tuple[Tab, ...]:
    """A tab for each state. With terms that would have to be searched for only the current one is counted."""
    current = query.states if shown.unit == "run" else (shown.state,)
    counted: dict[str, str] = {state.value: count(counts[state]) for state in counts if state.value in LIVE}
    if lists and not sum(each.count for each in by_outcome.values()):
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
            word=each.capitalize(),
            count=counted.get(each, ""),
            address=link_to("jobs", query.in_state(each)),
            current=each in current,
        )
        for each in (*LIVE, *ENDED, ALL)
        if each not in rare or each in current or counted.get(each, "0") != "0" or (on and query.others)
    )


def jobs_page(
    query: JobQuery,
    shown: Shown,
    *,
    tabs: Sequence[Tab],
    queues: Sequence[str],
    names: Names,
    note: str,
    failed: int,
    now: float,
) -> JobsPage:
    """The page, from what was read."""
    problems = list(query.problems)
    if shown.offset_pages and query.page > shown.offset_pages:
        problems.append(
            Problem(words=f"There is no page {count(query.page)}; the last one is {count(shown.offset_pages)}.")
        )
    chosen = {key: query.one(key) for key in ("queue", "func", "tag", "age")}
    selects = [Term(key=key, values=(value,)) for key, value in chosen.items() if value]
    runs = shown.unit == "run"
    state = State(shown.state) if shown.state in STATE_VALUES else None
    # All that is failed now, in one queue or in all of them.
    queue_terms = [term for term in query.terms if term.key == "queue"]
    is_whole = is_plain(query) and len(queue_terms) == bool(query.one("queue"))
    has_all = is_whole and not runs and shown.state == "failed" and shown.count > len(shown.lines)
    every = {"all": "1", "queue": query.one("queue"), "next": link_to("jobs", query.pairs)}
    previous, following = pages(query, shown)
    asks = [term for term in query.others if term.key != "still"]
    return JobsPage(
        sentence=sentence_on(query, shown),
        reach=shown.reach,
        go_on=following if shown.stopped else "",
        notes=tuple(each for each in (note, *shown.notes) if each),
        problems=tuple(problems),
        slow=f"No index answers {', '.join(shown.slow)}: runs are looked at one by one, {count(SEARCHED)} at a time."
        if shown.slow
        else "",
        tabs=tuple(tabs),
        queues=tuple(queues),
        functions=with_chosen(names.functions[:CHOICES], chosen["func"]),
        tags=with_chosen(names.tags[:CHOICES], chosen["tag"]),
        times=TIMES if chosen["age"] in dict(TIMES) else (*TIMES, (chosen["age"], chosen["age"])),
        hints=hints_for(queues, names),
        query=query,
        chosen=chosen,
        language=(*KEYS.values(), ARGUMENTS),
        hidden=tuple(pairs_of(term for term in query.terms if term not in selects)),
        state=shown.state,
        state_words=f"{state_words(shown.state)}{shown.unit}s",
        lines=shown.lines,
        when="Ended" if state is None or runs else WHEN[state],
        order=ORDER.get(state, "newest first") if state and not runs else "newest first",
        rows=rows_in_words(query, shown),
        previous=previous,
        previous_words="Newest" if runs else "Previous 50",
        next="" if shown.stopped else following,
        acts=any(line.acts for line in shown.lines),
        retry_all=link("confirm_retry", query=every) if has_all else "",
        delete_all=link("confirm_delete", query=every) if has_all else "",
        still=link_to("jobs", pairs_of(STILL)) if runs and failed and "failed" in query.states else "",
        still_words=f"{plural(failed, 'job')} {'is' if failed == 1 else 'are'} failed now and can be retried",
        empty=f"No {state_words(shown.state)}{shown.unit}s{where(query)}" if not shown.lines else "",
        hint=hint_for(shown.state, bool(asks)),
        elsewhere=tuple(tab for tab in tabs if tab.count not in ("", "0") and not tab.current),
        drops=tuple(Drop(words=typed([term]), address=link_to("jobs", query.without(term))) for term in asks),
        export=link_to("export", query.pairs),
        save=link_to("saved_views", query.pairs),
    )


STILL = (Term(key="state", values=("failed",)), Term(key="still", values=("yes",)))


def with_chosen(names: Sequence[str], chosen: str) -> tuple[str, ...]:
    """Names to choose from, the chosen one among them."""
    return (*names, chosen) if chosen and chosen not in names else tuple(names)


def hints_for(queues: Sequence[str], names: Names) -> tuple[str, ...]:
    """Terms to choose from while typing."""
    functions = dict.fromkeys(f"func:{name.rpartition('.')[2]}" for name in names.functions[:40])
    tags = [f"tag:{tag}" for tag in names.tags[:20]]
    return (
        *(f"state:{each}" for each in (*LIVE, *ENDED, ALL)),
        *(f"queue:{each}" for each in queues),
        *functions,
        *tags,
        "age:<24h",
        "run:>30s",
        "attempt:>1",
        "error:Timeout",
    )


def state_words(state: str) -> str:
    """Before the noun."""
    return "" if state == ALL else f"{state.replace(',', ' or ')} "


def where(query: JobQuery) -> str:
    """After the noun: in which queue, or that they match."""
    asks = [term for term in query.others if term.key != "still"]
    queue = query.one("queue")
    if not asks:
        return ""
    if queue and len(asks) == 1:
        return f" in {queue}"
    return " that match"


def sentence_on(query: JobQuery, shown: Shown) -> str:
    """How many there are."""
    what = f"{state_words(shown.state)}{shown.unit}"
    if not shown.lines and shown.stopped:
        return f"No {what}s{where(query)} so far."
    if not shown.count:
        return f"No {what}s{where(query)}."
    if shown.unit == "run" and not shown.total:
        return f"{plural(len(shown.lines), what)}{where(query)} so far."
    if shown.is_more:
        return f"{shown.total} {what}s{where(query)}."
    return f"{plural(shown.count, what)}{where(query)}."


def rows_in_words(query: JobQuery, shown: Shown) -> str:
    if not shown.lines:
        return ""
    if shown.unit == "run":
        return f"{plural(len(shown.lines), 'row')}{' more' if query.after else ''}, newest first"
    first = query.offset + 1
    return f"Rows {count(first)} to {count(query.offset + len(shown.lines))} of {shown.total}"


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


def hint_for(state: str, searched: bool) -> str:
    """What an empty list means."""
    if searched:
        return "A job’s id opens its page. Words are looked for in names, tags and errors."
    return HINTS.get(state, "Nothing ended in one of these ways.")
