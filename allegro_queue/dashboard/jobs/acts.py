"""What can be done to one job or to a list of one state: which buttons, where they lead, who may press them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.translation import gettext, gettext_noop

from allegro_queue.dashboard.page.links import link
from allegro_queue.rights import Right
from allegro_queue.stores.jobs import State
from allegro_queue.wording import worded


@dataclass(frozen=True, kw_only=True, slots=True)
class JobAct:
    """One button."""

    word: str
    icon: str
    right: Right
    address: str
    """Of the page that asks."""
    all_address: str = ""
    """Of the page that asks about all that match; empty when the list shows all."""
    all_words: str = ""
    """Of the link to that page."""
    is_main: bool = False
    is_danger: bool = False


RETRY = (gettext_noop("Retry"), "retry", Right.RETRY, "confirm_retry")
AGAIN = (gettext_noop("Run again as new"), "retry", Right.ENQUEUE, "confirm_again")
EDIT = (gettext_noop("Edit and run again"), "", Right.ENQUEUE, "edit")
MOVE = (gettext_noop("Move"), "", Right.ENQUEUE, "confirm_move_jobs")
CANCEL = (gettext_noop("Cancel"), "close", Right.DELETE, "confirm_cancel")
STOP = (gettext_noop("Stop"), "close", Right.CONTROL_WORKERS, "confirm_stop")
DELETE = (gettext_noop("Delete"), "trash", Right.DELETE, "confirm_delete")

ON_ONE: Mapping[str, tuple[tuple[str, str, Right, str], ...]] = {
    "failed": (RETRY, AGAIN, EDIT, DELETE),
    "finished": (AGAIN, EDIT, DELETE),
    "stopped": (RETRY, AGAIN, EDIT, DELETE),
    "canceled": (AGAIN, EDIT),
    "queued": (MOVE, CANCEL, DELETE),
    "scheduled": (CANCEL, DELETE),
    "deferred": (CANCEL, DELETE),
    "started": (STOP,),
}
"""By RQ's word for the job's state."""

ON_MANY: Mapping[State, tuple[tuple[str, str, Right, str], ...]] = {
    State.FAILED: (RETRY, DELETE),
    State.WAITING: (MOVE, CANCEL, DELETE),
    State.SCHEDULED: (CANCEL, DELETE),
    State.DEFERRED: (CANCEL, DELETE),
    State.FINISHED: (DELETE,),
}


def acts_on(job_id: str, status: str) -> tuple[JobAct, ...]:
    """The buttons of one job's page."""
    page = link("job", job_id=job_id)
    return tuple(
        act_of(kind, {"id": job_id, "next": link("jobs") if kind is DELETE else page})
        for kind in ON_ONE.get(status, ())
    )


def acts_on_many(state: State, given: Mapping[str, str], *, has_more: bool) -> tuple[JobAct, ...]:
    """The buttons above a list.

    Args:
        given: the list's filter, and the page to come back to (``next``).
        has_more: whether more match than the page shows, so that "all" is worth offering.
    """
    return tuple(act_of(kind, {"all": "1", "state": state.value, **given}, has_more) for kind in ON_MANY.get(state, ()))


def act_of(kind: tuple[str, str, Right, str], query: Mapping[str, str], has_more: bool | None = None) -> JobAct:
    word, icon, right, name = kind
    return JobAct(
        word=gettext(word),
        all_words=worded(gettext("{act} all"), act=gettext(word)),
        icon=icon,
        right=right,
        address=link(name, query=query) if has_more is None else link(name),
        all_address=link(name, query=query) if has_more else "",
        is_main=kind is RETRY,
        is_danger=kind in (DELETE, CANCEL, STOP),
    )
