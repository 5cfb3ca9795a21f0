"""What the figures mean: the state of the whole, in a word for the bar and in a sentence for the overview. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from allegro_queue.stores.pauses import ALL_QUEUES
from allegro_queue.stores.pulse import Pulse


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """The state of the whole in one word."""

    tone: str
    """``ok``, ``run``, ``warn``, ``bad`` or ``idle``."""
    icon: str
    word: str


def status_of(pulse: Pulse, connection: str) -> Status:
    """The word for the bar; the worst condition wins."""
    if connection != "redis":
        return Status(tone="bad", icon="bad", word="Idle: wrong connection")
    if not pulse.masters and not pulse.workers:
        return Status(tone="bad", icon="bad", word="Inactive")
    if pulse.suspended:
        return Status(tone="warn", icon="pause", word="Suspended")
    if ALL_QUEUES in pulse.pauses or (pulse.masters and all(each.status == "paused" for each in pulse.masters)):
        return Status(tone="warn", icon="pause", word="Paused")
    if not pulse.workers:
        return Status(tone="bad", icon="bad", word="No workers")
    if not pulse.masters:
        return Status(tone="warn", icon="warn", word="No Horizon process")
    return Status(tone="ok", icon="ok", word="Running")


def status_unreachable() -> Status:
    """Redis does not answer, so nothing is known."""
    return Status(tone="bad", icon="unknown", word="Redis unreachable")
