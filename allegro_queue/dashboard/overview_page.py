"""What the overview shows."""

from __future__ import annotations

from dataclasses import dataclass

from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse, QueuePulse


@dataclass(frozen=True, kw_only=True, slots=True)
class OverviewPage:
    """Is anything wrong, and where?"""

    queues: tuple[QueuePulse, ...]


def read_overview(stores: Stores, pulse: Pulse) -> OverviewPage:
    """The page, from the stores."""
    return OverviewPage(queues=pulse.queues)
