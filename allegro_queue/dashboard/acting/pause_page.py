"""The step before pausing a queue: which, why, for how long."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext

from allegro_queue.dashboard.acting.chosen import LONGEST_REASON
from allegro_queue.dashboard.page.formats import in_words
from allegro_queue.stores import Stores
from allegro_queue.stores.pauses import ALL_QUEUES, Pause
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded

MOST_MINUTES = 7 * 24 * 60
"""How long a pause may last that ends by itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PausePage:
    """Pause a queue: which, why, for how long?"""

    queue: str
    name: str
    """In words."""
    problem: str
    waiting: int
    running: int
    paused: Pause | None
    longest_reason: int
    most_minutes: int
    next: str


def read_pause(stores: Stores, pulse: Pulse, queue: str, next: str) -> PausePage:
    """The page for pausing."""
    queues = [each for each in pulse.queues if queue in (each.name, ALL_QUEUES)]
    name = gettext("all queues") if queue == ALL_QUEUES else queue
    known = in_words([each.name for each in pulse.queues])
    return PausePage(
        queue=queue,
        name=name,
        problem=""
        if queues
        else worded(gettext("There is no queue {queue}; there are {known}."), queue=repr(queue[:200]), known=known),
        waiting=sum(each.waiting for each in queues),
        running=sum(each.running for each in queues),
        paused=pulse.pauses.get(queue),
        longest_reason=LONGEST_REASON,
        most_minutes=MOST_MINUTES,
        next=next,
    )
