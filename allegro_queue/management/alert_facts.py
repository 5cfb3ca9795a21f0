"""The facts that alerts are about, gathered from Redis, the schedule and history."""

from __future__ import annotations

from redis.exceptions import RedisError

from allegro_queue.alerts.facts import EntryFacts, Facts
from allegro_queue.alerts.loop import Sources
from allegro_queue.conf import horizon_settings
from allegro_queue.connection import UNREACHABLE, page_client
from allegro_queue.queues import all_queues
from allegro_queue.scheduling.table import read_schedule
from allegro_queue.stores import Stores, open_stores

REDIS = "redis"


def alert_sources() -> Sources:
    """Where the facts come from, over a client that does not wait long: what is away is one of the things to tell of."""
    stores = open_stores(page_client())
    return Sources(gather=lambda now: gather(stores, now), left=stores.masters.left)


def gather(stores: Stores, now: float) -> Facts:
    """How things stand. What cannot be asked stays unknown."""
    settings = horizon_settings()
    runs_workers = settings.connection == REDIS
    try:
        return Facts(
            at=now,
            runs_workers=runs_workers,
            waits=settings.waits,
            pulse=stores.pulse.read(all_queues(), now),
            server=stores.server.read(),
            entries=tuple(entries(stores, now)),
        )
    except RedisError as error:
        kind = "no connection" if isinstance(error, UNREACHABLE) else "it refuses"
        return Facts(
            at=now,
            runs_workers=runs_workers,
            waits=settings.waits,
            away=f"{kind}: {type(error).__name__}",
        )


def entries(stores: Stores, now: float) -> list[EntryFacts]:
    """Each declared cron entry."""
    return [
        EntryFacts(
            name=row.entry.name,
            next_at=row.next_at,
            last_due_at=row.last.due_at if row.last else None,
            last_queued_at=row.last.enqueued_at if row.last else None,
            last_error=row.last.error if row.last else "",
        )
        for row in read_schedule(stores, now)
    ]
