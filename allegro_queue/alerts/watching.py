"""What must be remembered from one look to the next, since a look at Redis does not tell it. Pure."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from allegro_queue.alerts.facts import LostMaster
from allegro_queue.stores.masters import MasterRecord
from allegro_queue.stores.workers import LostWorker

MOST_MASTERS = 200
FORGET_SECONDS = 24 * 3600
"""After this a lost master is no news any more."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Small, and the same for whoever keeps the alerts."""

    masters: Mapping[str, str] = field(default_factory=dict)
    """Host of each living master by name, at the last look."""
    lost: tuple[LostMaster, ...] = ()
    """Those that nobody has replaced yet."""
    worker_lost_at: float = 0.0
    """When the last worker died that was told of by signal; 0 before the first look."""

    def as_json(self) -> str:
        return json.dumps(asdict(self))


def read_memory(text: str) -> Memory:
    """From its JSON; an empty one when there is none."""
    if not text:
        return Memory()
    given = json.loads(text)
    return Memory(
        masters=dict(given.get("masters", {})),
        lost=tuple(LostMaster(**each) for each in given.get("lost", ())),
        worker_lost_at=float(given.get("worker_lost_at", 0.0)),
    )


def masters_seen(memory: Memory, living: Sequence[MasterRecord], left: Collection[str], now: float) -> Memory:
    """What to remember of the masters after a look: one that is gone and has not said that it leaves is lost, until as
    many run on its host as are missing there, or for a day.

    Args:
        left: names of masters that have taken their leave.
    """
    here = {each.name: each.host for each in living}
    appeared = [host for name, host in here.items() if name not in memory.masters]
    lost = [
        each
        for each in memory.lost
        if each.name not in here and each.name not in left and now - each.lost_at < FORGET_SECONDS
    ]
    for name, host in memory.masters.items():
        if name not in here and name not in left:
            lost.append(LostMaster(name=name, host=host, lost_at=now))
    for host in appeared:
        replaced = next((each for each in lost if each.host == host), None)
        if replaced is not None:
            lost.remove(replaced)
    kept = dict(sorted(here.items())[:MOST_MASTERS])
    return replace(memory, masters=kept, lost=tuple(lost[-MOST_MASTERS:]))


def workers_told(memory: Memory, lost: Sequence[LostWorker]) -> tuple[Memory, list[LostWorker]]:
    """The deaths that are news, oldest first. At the very first look none is: they were before anybody looked."""
    newest = max((each.lost_at for each in lost), default=memory.worker_lost_at)
    if not memory.worker_lost_at:
        return replace(memory, worker_lost_at=newest or 1.0), []
    news = sorted((each for each in lost if each.lost_at > memory.worker_lost_at), key=lambda each: each.lost_at)
    return replace(memory, worker_lost_at=max(newest, memory.worker_lost_at)), news
