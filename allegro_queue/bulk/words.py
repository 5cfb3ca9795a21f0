"""A run over many jobs in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import translation
from django.utils.translation import gettext, gettext_noop, ngettext

from allegro_queue.bulk.models import BulkRun
from allegro_queue.wording import worded

DOING = {
    "retry": gettext_noop("Retrying"),
    "delete": gettext_noop("Deleting"),
    "cancel": gettext_noop("Cancelling"),
    "move": gettext_noop("Moving"),
    "restore": gettext_noop("Restoring"),
}


def kept_outcome(run: BulkRun) -> str:
    """The outcome for what is kept and read by everybody: the journal, the result of a job. Always English."""
    with translation.override("en"):
        return outcome(run)


def outcome(run: BulkRun) -> str:
    """``Retried 12 jobs; 1 was gone.``"""
    return worded(gettext("{outcome}."), outcome="; ".join([done(run), *left_over(run)]))


def done(run: BulkRun) -> str:
    """What the run did."""
    if run.to:
        moved = ngettext("Moved {n} job to {queue}", "Moved {n} jobs to {queue}", run.done)
        retried = ngettext("Retried {n} job to {queue}", "Retried {n} jobs to {queue}", run.done)
        return worded(moved if run.act == "move" else retried, n=f"{run.done:,}", queue=run.to)
    words = {
        "retry": ngettext("Retried {n} job", "Retried {n} jobs", run.done),
        "delete": ngettext("Deleted {n} job", "Deleted {n} jobs", run.done),
        "cancel": ngettext("Cancelled {n} job", "Cancelled {n} jobs", run.done),
        "move": ngettext("Moved {n} job", "Moved {n} jobs", run.done),
        "restore": ngettext("Restored {n} job", "Restored {n} jobs", run.done),
    }
    return worded(words[run.act], n=f"{run.done:,}")


def left_over(run: BulkRun) -> Iterator[str]:
    """What became of the other jobs, a clause for each reason."""
    clauses = [
        (run.gone, ngettext("{n} was gone", "{n} were gone", run.gone)),
        (
            run.running,
            ngettext("{n} was running already and left alone", "{n} were running already and left alone", run.running),
        ),
        (
            run.later,
            ngettext("{n} failed only since and was left alone", "{n} failed only since and were left alone", run.later)
            if run.selection.get("state") == "failed"
            else ngettext(
                "{n} came only since and was left alone", "{n} came only since and were left alone", run.later
            ),
        ),
        (
            run.barred,
            ngettext(
                "{n} stayed failed, since another of its kind waits or runs",
                "{n} stayed failed, since others of their kind wait or run",
                run.barred,
            ),
        ),
        (
            run.other,
            ngettext("{n} was in another state and left alone", "{n} were in another state and left alone", run.other),
        ),
    ]
    rest = run.total - run.noted if run.total is not None else 0
    if run.state == BulkRun.State.CANCELLED:
        clauses.append((rest, ngettext("{n} job was not begun", "{n} jobs were not begun", rest)))
    elif run.state == BulkRun.State.DONE:
        clauses.append(
            (rest, ngettext("of {n} job Redis has lost what became", "of {n} jobs Redis has lost what became", rest))
        )
    for number, clause in clauses:
        if number > 0:
            yield worded(clause, n=f"{number:,}")
