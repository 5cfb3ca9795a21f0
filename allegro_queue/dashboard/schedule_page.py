"""What the schedule page shows."""

from __future__ import annotations

from dataclasses import dataclass

from allegro_queue.conf import horizon_settings
from allegro_queue.dispatch import DEFAULT_QUEUE
from allegro_queue.scheduling.entries import CronEntry, entries_from
from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse


@dataclass(frozen=True, kw_only=True, slots=True)
class SchedulePage:
    """What runs when, and did it run?"""

    entries: tuple[CronEntry, ...]


def read_schedule_page(stores: Stores, pulse: Pulse) -> SchedulePage:
    """The page, from the settings and the stores."""
    return SchedulePage(entries=entries_from(horizon_settings().schedule, DEFAULT_QUEUE))
