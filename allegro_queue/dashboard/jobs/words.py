"""What a list of jobs says of itself. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.dashboard.filters.keys import ALL, ENDED, LIVE
from allegro_queue.dashboard.filters.state_words import counted_units, units
from allegro_queue.dashboard.jobs.lines import Shown
from allegro_queue.dashboard.jobs.query import JobQuery
from allegro_queue.dashboard.jobs.search import Names
from allegro_queue.dashboard.page.formats import count
from allegro_queue.stores.jobs import State
from allegro_queue.wording import worded

WHEN = {
    State.WAITING: gettext_noop("Queued"),
    State.RUNNING: gettext_noop("Started"),
    State.SCHEDULED: gettext_noop("Due"),
    State.DEFERRED: gettext_noop("Created"),
    State.FINISHED: gettext_noop("Ended"),
    State.FAILED: gettext_noop("Ended"),
}

ORDER = {State.WAITING: gettext_noop("next to run first"), State.SCHEDULED: gettext_noop("soonest first")}

HINTS = {
    "waiting": gettext_noop("Whatever was queued has been taken by a worker."),
    "running": gettext_noop("No worker runs a job at this moment."),
    "scheduled": gettext_noop("Jobs that are to be queued later stand here; cron entries have a page of their own."),
    "deferred": gettext_noop("Jobs that wait for another job stand here."),
    "finished": gettext_noop("Finished jobs stay listed for a while; no job has finished in that time."),
    "failed": gettext_noop("Nothing failed in the time for which failed jobs are kept."),
    "retried": gettext_noop("Attempts that failed and were followed by another one stand here."),
    "lost": gettext_noop("No worker died with a job in its hands."),
    "stopped": gettext_noop("Nobody stopped a job."),
    "all": gettext_noop("No job has ended yet."),
}


def about_list(query: JobQuery, plain: str, in_queue: str, matching: str) -> str:
    """Of three texts the one that says of what is listed whether it is all, that of one ``{queue}``, or what matches."""
    if not query.asked:
        return plain
    return in_queue if query.one("queue") and len(query.asked) == 1 else matching


def sentence_on(query: JobQuery, shown: Shown) -> str:
    """How many there are."""
    queue = query.one("queue")
    if not shown.lines and shown.stopped:
        text = about_list(
            query,
            gettext("No {jobs} so far."),
            gettext("No {jobs} in {queue} so far."),
            gettext("No {jobs} that match so far."),
        )
        return worded(text, jobs=units(shown.state, shown.unit, 0), queue=queue)
    if not shown.count:
        text = about_list(
            query, gettext("No {jobs}."), gettext("No {jobs} in {queue}."), gettext("No {jobs} that match.")
        )
        return worded(text, jobs=units(shown.state, shown.unit, 0), queue=queue)
    if shown.unit == "run" and not shown.total:
        found = counted_units(shown.state, shown.unit, len(shown.lines))
        text = about_list(
            query,
            gettext("{jobs} so far."),
            gettext("{jobs} in {queue} so far."),
            gettext("{jobs} that match so far."),
        )
        return worded(text, jobs=found, queue=queue)
    # Of more than were counted there are many.
    number = max(shown.count, 100) if shown.is_more else shown.count
    found = counted_units(shown.state, shown.unit, number, shown.total if shown.is_more else "")
    text = about_list(query, gettext("{jobs}."), gettext("{jobs} in {queue}."), gettext("{jobs} that match."))
    return worded(text, jobs=found, queue=queue)


def rows_in_words(query: JobQuery, shown: Shown) -> str:
    if not shown.lines:
        return ""
    if shown.unit == "run":
        number = len(shown.lines)
        text = (
            ngettext("{n} row more, newest first", "{n} rows more, newest first", number)
            if query.after
            else ngettext("{n} row, newest first", "{n} rows, newest first", number)
        )
        return worded(text, n=count(number))
    first = query.offset + 1
    return worded(
        gettext("Rows {first} to {last} of {all}"),
        first=count(first),
        last=count(query.offset + len(shown.lines)),
        all=shown.total,
    )


def hint_for(state: str, searched: bool) -> str:
    """What an empty list means."""
    if searched:
        return gettext("A job’s id opens its page. Words are looked for in names, tags and errors.")
    return gettext(HINTS.get(state, gettext_noop("Nothing ended in one of these ways.")))


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
