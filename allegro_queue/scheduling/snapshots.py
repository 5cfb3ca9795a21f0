"""What the schedule says of snapshots: which entry takes them, and from when on the last one is too old."""

from __future__ import annotations

from collections.abc import Iterable

from allegro_queue.scheduling.declared import declared_entries
from allegro_queue.scheduling.entries import CronEntry
from allegro_queue.scheduling.templates import following_of

SNAPSHOT = "allegro_queue.history.snapshot.snapshot"
"""The function of the entry, as it is declared."""

GRACE = 0.2
"""Share of the time between two snapshots for which the second one missed may still come."""

UNKNOWN = 11 * 60
"""Seconds after which a snapshot is too old where the settings have no entry for them: somebody else calls for them."""


def snapshot_entry(entries: Iterable[CronEntry]) -> CronEntry | None:
    """The entry that takes snapshots."""
    return next((each for each in entries if each.job == SNAPSHOT and each.enabled), None)


def too_old_from(entries: Iterable[CronEntry], taken_at: float) -> float:
    """When two snapshots will have been missed since the one of ``taken_at``."""
    entry = snapshot_entry(entries)
    if entry is None:
        return taken_at + UNKNOWN
    following = following_of(entry)
    first = following(taken_at)
    second = following(first)
    return second + GRACE * (second - first)


def snapshot_too_old_from(taken_at: float) -> float:
    """The same, by the schedule of the settings."""
    return too_old_from(declared_entries(), taken_at)
