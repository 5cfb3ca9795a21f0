"""A run over many jobs in words. Pure."""

from __future__ import annotations

from django.utils.translation import gettext_noop

from allegro_queue.bulk.models import BulkRun

DONE = {"retry": "Retried", "delete": "Deleted", "cancel": "Cancelled", "move": "Moved", "restore": "Restored"}
DOING = {
    "retry": gettext_noop("Retrying"),
    "delete": gettext_noop("Deleting"),
    "cancel": gettext_noop("Cancelling"),
    "move": gettext_noop("Moving"),
    "restore": gettext_noop("Restoring"),
}


def jobs(number: int) -> str:
    """``1 job``, ``12,431 jobs``."""
    return f"{number:,} job{'' if number == 1 else 's'}"


def outcome(run: BulkRun) -> str:
    """``Retried 12 jobs; 1 was gone.``"""
    parts = [f"{DONE[run.act]} {jobs(run.done)}" + (f" to {run.to}" if run.to else "")]
    if run.gone:
        parts.append(f"{run.gone:,} {'was' if run.gone == 1 else 'were'} gone")
    if run.running:
        parts.append(f"{run.running:,} {'was' if run.running == 1 else 'were'} running already and left alone")
    if run.later:
        word = "failed" if run.selection.get("state") == "failed" else "came"
        parts.append(f"{run.later:,} {word} only since and {'was' if run.later == 1 else 'were'} left alone")
    if run.barred:
        others = "another of its kind waits or runs" if run.barred == 1 else "others of their kind wait or run"
        parts.append(f"{run.barred:,} stayed failed, since {others}")
    if run.other:
        parts.append(f"{run.other:,} {'was' if run.other == 1 else 'were'} in another state and left alone")
    if run.state == BulkRun.State.CANCELLED and run.total is not None and run.total > run.noted:
        parts.append(f"{jobs(run.total - run.noted)} {'was' if run.total - run.noted == 1 else 'were'} not begun")
    elif run.state == BulkRun.State.DONE and run.total is not None and run.total > run.noted:
        parts.append(f"of {jobs(run.total - run.noted)} Redis has lost what became")
    return "; ".join(parts) + "."
