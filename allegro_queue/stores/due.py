"""What is due, what is to be done about it, and what came of that: the values that the schedule's steps take and give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from allegro_queue.stores.replies import text
from allegro_queue.tellings import Telling


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """One id whose time has come."""

    id: str
    due_at: float
    fields: Mapping[bytes, bytes]
    """Its job hash as RQ wrote it; empty when it is gone."""

    def field(self, name: str) -> str:
        """One field as text; empty when it is not there."""
        return text(self.fields.get(name.encode(), b""))


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """The job that a run of an entry becomes."""

    queue: str
    fields: Mapping[str, Any]
    """Its hash, as RQ writes it."""
    ttl: int | None
    """Seconds that it may wait in its queue; ``None`` for ever."""
    at_front: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """What is to be done about one due entry."""

    entry: str
    jobs: Mapping[str, float]
    """Ids of the jobs to queue, each with the time that it is for."""
    run: Run
    next_at: float | None
    """``None`` when this was its last run; the entry is deleted then."""
    meta: bytes | None = None
    """What the entry's own ``meta`` becomes; ``None`` leaves it."""
    missed: int = 0
    missed_reason: Telling | None = None
    alone: bool = False
    """Skip it while the run before has not ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parked:
    """An entry that cannot be run, and when it is tried again."""

    entry: str
    next_at: float
    reason: Telling


class Outcome(IntEnum):
    """What a step came to."""

    DEPOSED = -1
    """Another scheduler leads now."""
    TAKEN = 0
    """Somebody else settled it."""
    DONE = 1
    SKIPPED = 2
    """Paused, or the run before has not ended; the entry's account says which."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What became of the due ids of one list."""

    queued: Sequence[str] = ()
    others: Mapping[str, float] = field(default_factory=dict)
    """Ids that ask for more than a move, with the times at which they were due."""
    deposed: bool = False
    """Whether another scheduler leads now; nothing was done then."""
