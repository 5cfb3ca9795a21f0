"""Taking a snapshot: the one function behind ``manage.py horizon_snapshot`` and the cron entry."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from allegro_queue.conf import horizon_settings
from allegro_queue.queues import all_queues
from allegro_queue.stores import Stores, open_stores
from allegro_queue.stores.metrics import Kind


@dataclass(frozen=True, slots=True)
class Taken:
    """How much one snapshot froze."""

    queues: int
    jobs: int
    """Job names."""


def take_snapshot(stores: Stores, queues: tuple[str, ...], *, now: float, keep: int) -> Taken | None:
    """Freeze every tally and start it afresh. ``None`` when somebody else is at it.

    A queue of the settings is frozen also when nothing ran, since nothing is then what was measured. Other names get
    snapshots while they have older ones, and disappear with the last of these.

    Args:
        keep: snapshots kept per name.
    """
    if not stores.metrics.begin_snapshot():
        return None
    started_at = stores.metrics.last_snapshot_at() or now - 300
    lengths = stores.jobs.lengths(queues)
    frozen = Counter[Kind]()
    names: list[tuple[Kind, str]] = [
        ("queue", name) for name in dict.fromkeys([*queues, *stores.metrics.names("queue")])
    ]
    names += [("job", name) for name in stores.metrics.names("job")]
    for kind, name in names:
        frozen[kind] += stores.metrics.freeze(
            kind,
            name,
            length=lengths.get(name, 0) if kind == "queue" else 0,
            started_at=started_at,
            now=now,
            keep=keep,
            also_idle=kind == "queue" and name in lengths,
        )
    stores.metrics.finish_snapshot(now)
    return Taken(queues=frozen["queue"], jobs=frozen["job"])


def snapshot() -> int:
    """The job of the cron entry; the number of names frozen. Give it the highest queue: the thermometer must not queue behind the fever."""
    taken = take_snapshot(open_stores(), all_queues(), now=time.time(), keep=horizon_settings().snapshots)
    return taken.queues + taken.jobs if taken else 0
