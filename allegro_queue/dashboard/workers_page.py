"""What the workers page shows."""

from __future__ import annotations

from dataclasses import dataclass

from allegro_queue.stores import Stores
from allegro_queue.stores.pulse import Pulse
from allegro_queue.stores.workers import WorkerRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkersPage:
    """Who works, on what, since when?"""

    workers: tuple[WorkerRecord, ...]


def read_workers(stores: Stores, pulse: Pulse) -> WorkersPage:
    """The page, from the pulse."""
    return WorkersPage(workers=pulse.workers)
