"""What a list of jobs says of itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from allegro_queue.dashboard.filter_keys import ALL, ENDED, LIVE
from allegro_queue.dashboard.formats import count, plural
from allegro_queue.dashboard.job_lines import Shown
from allegro_queue.dashboard.job_query import JobQuery
from allegro_queue.dashboard.job_search import Names
from allegro_queue.stores.jobs import State

WHEN = {
    State.WAITING: "Queued",
    State.RUNNING: "Started",
    State.SCHEDULED: "Due",
    State.DEFERRED: "Created",
    State.FINISHED: "Ended",
    State.FAILED: "Ended",
}

ORDER = {State.WAITING: "next to run first", State.SCHEDULED: "soonest first"}

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


def state_words(state: str) -> str:
    """Before the noun."""
    return "" if state == ALL else f"{state.replace(',', ' or ')} "


def where(query: JobQuery) -> str:
    """After the noun: in which queue, or that they match."""
    queue = query.one("queue")
    if not query.asked:
        return ""
    if queue and len(query.asked) == 1:
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


def hint_for(state: str, searched: bool) -> str:
    """What an empty list means."""
    if searched:
        return "A job’s id opens its page. Words are looked for in names, tags and errors."
    return HINTS.get(state, "Nothing ended in one of these ways.")


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
