"""What a scheduler says of itself, and whether it leads."""

from __future__ import annotations

import json
from dataclasses import dataclass

from allegro_queue.stores.other_versions import known

SCHEDULER_LIFE = 15
"""Seconds that a scheduler counts as alive after its last beat (it beats a few times a second)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SchedulerRecord:
    """The scheduler that leads, now."""

    host: str
    pid: int
    master: str
    """Name of its master; empty when started alone (``manage.py rqscheduler``)."""
    started_at: float
    beat_at: float
    fence: int = 0
    """Its number among all that ever led."""
    leads_since: float = 0.0
    """By the server's clock, as ``beat_at``."""


@dataclass(frozen=True, slots=True)
class Lead:
    """Whether a scheduler leads, by its own server's clock."""

    leads: bool
    fence: int
    now: float


def read_scheduler(given: bytes | str) -> SchedulerRecord:
    """A record from its JSON, whichever version wrote it."""
    return SchedulerRecord(**known(SchedulerRecord, json.loads(given)))


def who(record: SchedulerRecord) -> str:
    """One scheduler among all."""
    return f"{record.host}:{record.pid}"
