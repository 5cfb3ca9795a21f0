"""Undoing a run: by a run of its own, once."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import uuid5

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from allegro_queue.bulk import work
from allegro_queue.bulk.models import BulkRun
from allegro_queue.bulk.selection import Selection
from allegro_queue.stores.bulk import BIN_SECONDS, BulkAct
from allegro_queue.stores.jobs import State
from allegro_queue.wording import worded_lazy


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


NO_WAY_BACK: Mapping[str, Promise] = {
    BulkAct.RETRY: gettext_lazy("Run {run} retried jobs; what has run since cannot be taken back."),
    BulkAct.CANCEL: gettext_lazy(
        "Run {run} cancelled jobs, which stay as they are; each can be run again as a new one."
    ),
    BulkAct.MOVE: gettext_lazy("Run {run} moved jobs of which nobody has noted from which queue each came."),
    BulkAct.RESTORE: gettext_lazy("Run {run} restored jobs; what is not wanted can be deleted again."),
}
"""Why nothing undoes what was done, by act."""


def seconds_left(run: BulkRun, now: float) -> float:
    """How long it can still be undone."""
    return BIN_SECONDS - (now - (run.ended_at or run.moved_at))


def hindrance(run: BulkRun, now: float) -> str:
    """Why it cannot be undone, as a sentence, lazily; empty when it can. What was undone already can be asked for again."""
    if run.state in work.OPEN:
        return worded_lazy(gettext_lazy("Run {run} is not over yet; undo it when it is."), run=run.pk)
    if not run.done:
        return worded_lazy(gettext_lazy("Run {run} did nothing, so there is nothing to undo."), run=run.pk)
    if way_back(run) is None:
        return worded_lazy(NO_WAY_BACK[run.act], run=run.pk)
    if seconds_left(run, now) <= 0:
        text = gettext_lazy("Run {run} ended more than {hours} hours ago and cannot be undone any more.")
        return worded_lazy(text, run=run.pk, hours=BIN_SECONDS // 3600)
    return ""


def begin(
    run: BulkRun, *, now: float, who: str, via: str, reason: str = "", address: str | None = None
) -> tuple[BulkRun | None, bool]:
    """The run that undoes another, written down and not begun, and whether it is new; none where ``hindrance`` says why."""
    back = way_back(run)
    if back is None or hindrance(run, now):
        return None, False
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
