"""How things stand, for the rules of alerts, with defaults under which nothing is wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from allegro_queue.alerts.facts import EntryFacts, Facts, HistoryFacts
from allegro_queue.stores.pulse import Pulse, QueuePulse
from allegro_queue.stores.server import ServerState
from tests.support import records

NOW = 1_800_000_000.0


def queue(name: str = "high", **given: Any) -> QueuePulse:
    """An empty queue."""
    return QueuePulse(**{"name": name, "waiting": 0, "oldest_at": None, "running": 0, "failed": 0, **given})


def pulse(now: float = NOW, **given: Any) -> Pulse:
    """One Horizon process with an idle worker and a scheduler."""
    return Pulse(
        **{
            "at": now,
            "queues": tuple(queue(name) for name in records.QUEUES),
            "masters": (records.master(now),),
            "workers": (records.worker(now),),
            "pauses": {},
            "scheduler": records.scheduler(now),
            "last_snapshot_at": now - 60,
            **given,
        }
    )


def server(**given: Any) -> ServerState:
    """A server that is well."""
    return ServerState(
        **{
            "product": "Valkey 8.1",
            "version": (7, 2, 4),
            "answer_seconds": 0.001,
            "clock_offset": 0.0,
            "memory_bytes": 10_000_000,
            "memory_limit": 100_000_000,
            "eviction_policy": "noeviction",
            "evicted_keys": 0,
            "writes_every_change": True,
            "snapshot_at": NOW,
            "last_write_failed": False,
            "role": "master",
            "runs_in_stream": 0,
            "runs_bytes": 0,
            **given,
        }
    )


def entry(**given: Any) -> EntryFacts:
    """A cron entry that ran in time and is due in a minute."""
    return EntryFacts(
        **{"name": "tick", "next_at": NOW + 60, "last_due_at": NOW - 240, "last_queued_at": NOW - 239.5, **given}
    )


def facts(now: float = NOW, **given: Any) -> Facts:
    """Everything is well."""
    return replace(
        Facts(
            at=now,
            pulse=pulse(now),
            server=server(),
            entries=(entry(),),
            history=HistoryFacts(),
            snapshot_too_old_from=lambda taken_at: taken_at + 660,
            waits={"high": 10},
            lost_masters=(),
        ),
        **given,
    )
