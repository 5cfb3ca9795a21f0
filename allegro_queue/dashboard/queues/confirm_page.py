"""The step before emptying a queue, or moving all that waits in it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

from django.utils.translation import gettext

from allegro_queue.dashboard.acting.chosen import LONGEST_REASON
from allegro_queue.dashboard.page.formats import in_words
from allegro_queue.stores.bulk import BIN_MOST
from allegro_queue.stores.pauses import ALL_QUEUES
from allegro_queue.stores.pulse import Pulse, QueuePulse
from allegro_queue.wording import worded


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmQueuePage:
    """Empty this queue, or move all that waits in it?"""

    act: str
    """``empty`` or ``move``."""
    queue: str
    problem: str
    waiting: int
    targets: tuple[QueuePulse, ...]
    """Queues to move to."""
    paused: tuple[str, ...]
    asked_at: float
    """What comes into the queue after this Unix time is left alone."""
    token: str
    """Of this page: the button pressed twice acts once."""
    lost: int
    """Jobs that the bin has no room for."""
    next: str
    bin_most: int = BIN_MOST
    longest_reason: int = LONGEST_REASON


def read_confirm_queue(pulse: Pulse, act: str, queue: str, next: str) -> ConfirmQueuePage:
    """The step before acting on all that waits in a queue."""
    found = queue_named(pulse, queue)
    if found is None:
        problem = worded(
            gettext("There is no queue {queue}; there are {known}."),
            queue=repr(queue[:200]),
            known=in_words([each.name for each in pulse.queues]),
        )
    elif not found.waiting:
        problem = worded(gettext("Nothing waits in {queue}."), queue=queue)
    else:
        problem = ""
    return ConfirmQueuePage(
        act=act,
        queue=queue,
        problem=problem,
        waiting=found.waiting if found else 0,
        targets=tuple(each for each in pulse.queues if each.name != queue),
        paused=tuple(each for each in pulse.pauses if each != ALL_QUEUES),
        asked_at=pulse.at,
        token=uuid4().hex,
        lost=max(found.waiting - BIN_MOST, 0) if found else 0,
        next=next,
    )


def queue_named(pulse: Pulse, name: str) -> QueuePulse | None:
    return next((each for each in pulse.queues if each.name == name), None)
