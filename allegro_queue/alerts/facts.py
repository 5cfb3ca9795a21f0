"""How things stand, as the rules see it: gathered elsewhere, so that the rules need no server and no clock. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf

from allegro_queue.stores.pulse import Pulse
from allegro_queue.stores.server import ServerState
from allegro_queue.tellings import Telling


@dataclass(frozen=True, kw_only=True, slots=True)
class EntryFacts:
    """One cron entry. Times are Unix seconds."""

    name: str
    next_at: float | None
    """When it is due next; in the past when it is overdue."""
    last_due_at: float | None = None
    last_queued_at: float | None = None
    last_error: Telling | None = None
    """Why nothing was queued the last time; empty when something was."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GroupFacts:
    """One failure group that is news."""

    fingerprint: str
    name: str
    exception: str
    message: str
    """Masked."""
    count: int
    last_at: float
    again: bool
    """Whether it was said to be mended and has come back."""


@dataclass(frozen=True, kw_only=True, slots=True)
class HistoryFacts:
    """What was counted of runs, lately."""

    ended: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """By queue: attempts that ended, and of these how many failed, in the stretch that ``failure_share`` looks at."""
    groups: tuple[GroupFacts, ...] = ()
    collector_lives: bool = True
    behind: int = 0
    """Runs that wait to be collected."""
    behind_seconds: float = 0.0
    """Age of the oldest of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LostMaster:
    """A Horizon process that ended without taking its leave."""

    name: str
    host: str
    lost_at: float


def never(taken_at: float) -> float:
    """From when on a snapshot is too old where nobody said."""
    return inf


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """Everything at one moment. What could not be asked is ``None``, and rules about it say nothing."""

    at: float
    runs_workers: bool = True
    """Whether the connection carries jobs at all."""
    pulse: Pulse | None = None
    server: ServerState | None = None
    away: Telling | None = None
    """Why Redis did not answer; ``None`` when it did."""
    entries: tuple[EntryFacts, ...] | None = None
    history: HistoryFacts | None = None
    snapshot_too_old_from: Callable[[float], float] = never
    """From when on the snapshot of a time is too old, by the pace of the entry that takes them."""
    waits: Mapping[str, int] = field(default_factory=dict)
    """``HORIZON["waits"]``."""
    lost_masters: tuple[LostMaster, ...] | None = None
    """Those that nobody has replaced yet."""
