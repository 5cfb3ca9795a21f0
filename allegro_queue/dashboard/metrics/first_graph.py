"""When there will be a graph, while there is none: by the clock, and not by a spinner."""

from __future__ import annotations

import math

from django.utils.translation import gettext

from allegro_queue.dashboard.page.formats import duration
from allegro_queue.scheduling.declared import declared_entries
from allegro_queue.scheduling.snapshots import snapshot_entry
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.wording import worded

OVERDUE = 60
"""Seconds past its time after which nobody counts on a snapshot any more."""


def first_graph(stores: Stores, pulse: Pulse) -> str:
    """When the first snapshot makes one, in one round trip; empty while nobody takes any."""
    entry = snapshot_entry(declared_entries())
    if entry is None or pulse.scheduler is None or not pulse.workers_of(entry.queue) or pulse.stands_still(entry.queue):
        return ""
    (next_at,) = stores.schedule.next_times([entry.scheduled_id])
    return in_about(next_at - pulse.at) if next_at is not None else ""


def in_about(seconds: float) -> str:
    """``First graph in about 5 min``, to whole minutes; empty for what is overdue. Pure."""
    if seconds < -OVERDUE:
        return ""
    return worded(gettext("First graph in about {time}"), time=duration(60 * max(math.ceil(seconds / 60), 1)))
