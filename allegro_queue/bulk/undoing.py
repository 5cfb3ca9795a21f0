"""Undoing a run: by a run of its own, once."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid5

from django.utils.translation import gettext_noop

from allegro_queue.bulk import work
from allegro_queue.bulk.models import BulkRun
from allegro_queue.bulk.selection import Selection
from allegro_queue.stores.bulk import BIN_SECONDS, BulkAct
from allegro_queue.stores.jobs import State
from allegro_queue.tellings import Telling, telling


def way_back(run: BulkRun) -> tuple[BulkAct, str] | None:
    """What undoes it, and the queue that jobs go to; ``None`` when nothing does.

    What was moved goes back where all of it came from one queue; whence single jobs came, nobody has noted.
    """
    if not run.done:
        return None
    if run.act == BulkAct.DELETE:
        return BulkAct.RESTORE, ""
    queue = str(run.selection.get("queue", ""))
    if run.act == BulkAct.MOVE and queue and not run.selection.get("of_run"):
        return BulkAct.MOVE, queue
    return None


NO_WAY_BACK: Mapping[str, str] = {
    BulkAct.RETRY: gettext_noop("Run {run} retried jobs; what has run since cannot be taken back."),
    BulkAct.CANCEL: gettext_noop(
        "Run {run} cancelled jobs, which stay as they are; each can be run again as a new one."
    ),
    BulkAct.MOVE: gettext_noop("Run {run} moved jobs of which nobody has noted from which queue each came."),
    BulkAct.RESTORE: gettext_noop("Run {run} restored jobs; what is not wanted can be deleted again."),
}
"""Why nothing undoes what was done, by act."""


def seconds_left(run: BulkRun, now: float) -> float:
    """How long it can still be undone."""
    return BIN_SECONDS - (now - (run.ended_at or run.moved_at))


def hindrance(run: BulkRun, now: float) -> Telling | None:
    """Why it cannot be undone, as a sentence; ``None`` when it can. What was undone already can be asked for again."""
    if run.state in work.OPEN:
        return telling("Run {run} is not over yet; undo it when it is.", run=str(run.pk))
    if not run.done:
        return telling("Run {run} did nothing, so there is nothing to undo.", run=str(run.pk))
    if way_back(run) is None:
        return telling(NO_WAY_BACK[run.act], run=str(run.pk))
    if seconds_left(run, now) <= 0:
        return telling(
            "Run {run} ended more than {hours} hours ago and cannot be undone any more.",
            run=str(run.pk),
            hours=BIN_SECONDS // 3600,
        )
    return None


def begin(
    run: BulkRun, *, now: float, who: str, via: str, reason: str = "", address: str | None = None
) -> tuple[BulkRun | Telling, bool]:
    """The run that undoes another, written down and not begun, and whether it is new; or why it cannot be undone."""
    if why_not := hindrance(run, now):
        return why_not, False
    back = way_back(run)
    assert back is not None, "hindrance says so"
    act, to = back
    return work.begin(
        act,
        Selection(state=State.WAITING if act is BulkAct.MOVE else State.FAILED, of_run=run.pk),
        # Asked twice, it is undone once.
        token=uuid5(run.token, "undo"),
        cut_off=now,
        now=now,
        who=who,
        via=via,
        expected=run.done,
        to=to,
        reason=reason,
        address=address,
    )
